//! What a worker writes of the jobs that are its own: progress, ends, and giving back. Each write says which one it follows, and is refused if another worker
//! has written since.

use std::time::Duration;

use async_nats::jetstream::{AckKind, message::PublishMessage};

use super::{
    Entry, KEEP_ENDED, Shared, Stands, Trouble, dead,
    entry::{encode, without_answers},
    hand::Mine,
    take,
};
use crate::{
    adapter::queue::{Ended, QueueError},
    failpoint::{Step, reached},
    job::{Job, JobId, LONGEST_WAIT, Millis},
};

/// Writes progress down.
pub(super) async fn checkpoint(shared: &std::sync::Arc<Shared>, job: &Job) -> Result<(), QueueError> {
    put(shared, job, Stands::Work).await?;
    if job.progress.decided.is_some() {
        let news = shared.hand().mine_mut(job.id).is_some_and(|mine| !std::mem::replace(&mut mine.decided, true));
        if news {
            look_again(shared, job);
        }
    }
    Ok(())
}

/// Ends a job. Its message goes last: until then a crash has it seen once more that it has ended.
pub(super) async fn finish(shared: &std::sync::Arc<Shared>, job: &Job, ended: Ended) -> Result<(), QueueError> {
    let mine = match ended {
        Ended::Done => put(shared, &without_answers(job), Stands::Done).await?,
        Ended::Failed => match put(shared, job, Stands::Failed).await {
            Err(QueueError::TooBig { .. }) => put(shared, &without_answers(job), Stands::Failed).await?,
            put => put?,
        },
    };
    reached(Step::EndPlaced);
    if ended == Ended::Failed {
        dead::keep(shared, &mine.key, job, mine.retries).await?;
    }
    let delivered = shared.hand().end(job.id);
    if let Some(delivered) = delivered {
        shared.wire.done_with(&delivered.reply).await;
    }
    look_again(shared, job);
    Ok(())
}

/// Gives a job back to wait.
pub(super) async fn hand_back(shared: &std::sync::Arc<Shared>, job: &Job) -> Result<(), QueueError> {
    put(shared, job, Stands::Waiting).await?;
    reached(Step::HandBackWritten);
    let delivered = shared.hand().end(job.id);
    if let Some(delivered) = delivered {
        let wait = job.not_before.map(|at| at.since(Millis::now()).min(LONGEST_WAIT)).filter(|wait| !wait.is_zero());
        shared.wire.say(&delivered.reply, AckKind::Nak(wait)).await;
    }
    look_again(shared, job);
    Ok(())
}

/// Forgets a job that is another's now: nothing more is said about its message.
pub(super) fn let_go(shared: &Shared, id: JobId) {
    if shared.hand().end(id).is_some() {
        tracing::debug!(job = %id, "let go of");
    }
}

fn look_again(shared: &std::sync::Arc<Shared>, job: &Job) {
    shared.hand().look_again(&job.request.asker, Millis::now());
    take::fill(shared);
}

/// Writes what the bucket is to have of a job of ours.
async fn put(shared: &Shared, job: &Job, stands: Stands) -> Result<Mine, QueueError> {
    // Each turn but the last follows an answer that was lost.
    for _ in 0..4 {
        let mine = shared.hand().mine(job.id).cloned().ok_or(QueueError::NoSuchJob(job.id))?;
        match write(shared, &mine, stands, job).await {
            Ok(revision) => {
                if let Some(mine) = shared.hand().mine_mut(job.id) {
                    mine.revision = revision;
                }
                return Ok(mine);
            }
            Err(Trouble::Raced) => {
                let there = shared.entry(&mine.key).await?;
                match there {
                    Some((revision, there)) if there.claim == mine.claim && !there.stands.is_over() => {
                        if let Some(mine) = shared.hand().mine_mut(job.id) {
                            mine.revision = revision;
                        }
                    }
                    Some((_, there)) if there.claim == mine.claim && there.stands == stands => return Ok(mine),
                    _ => {
                        let_go(shared, job.id);
                        return Err(QueueError::Lost(job.id));
                    }
                }
            }
            Err(trouble) => return Err(trouble.about(job.id)),
        }
    }
    Err(Trouble::Raced.into())
}

async fn write(shared: &Shared, mine: &Mine, stands: Stands, job: &Job) -> Result<u64, Trouble> {
    let entry = Entry {
        stands,
        sequence: Some(mine.sequence),
        worker: shared.worker.clone(),
        claim: mine.claim.clone(),
        // Given back in order, it took nobody down.
        taken: if stands == Stands::Waiting { 0 } else { mine.taken },
        retries: mine.retries,
        job: Some(Box::new(job.clone())),
    };
    entry_over(shared, &mine.key, mine.revision, &entry).await
}

/// Writes an entry over the one of a revision; 0 where there is none. Gives its own.
pub(super) async fn entry_over(
    shared: &Shared,
    key: &super::Key,
    revision: u64,
    entry: &Entry,
) -> Result<u64, Trouble> {
    let body = encode(entry).map_err(|why| Trouble::Away(why.to_string()))?;
    let mut message = PublishMessage::build().expected_last_subject_sequence(revision);
    if matches!(entry.stands, Stands::Done | Stands::Forgotten) {
        message = message.ttl(KEEP_ENDED + Duration::from_hours(1));
    }
    Ok(shared.wire.write(&shared.wire.names.job_of(key), body, message).await?.sequence)
}
