//! Taking jobs up: whose turn it is, whether an older one of the same asker is still undecided anywhere, and the write by which a job becomes ours.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::AckKind;
use futures_util::StreamExt;

use super::{
    Entry, In, Key, Shared, Stands, Trouble, Which, dead,
    entry::decode,
    hand::{Mine, Turn},
    keep::entry_over,
};
use crate::{
    adapter::queue::QueueError,
    failpoint::{Step, reached},
    job::{Hold, Job, JobError, LONGEST_WAIT, Millis, Status},
};

/// How long a worker has to say that it is still at a job. One that does not answer is stopped, cut off, or gone.
const ANSWER: Duration = Duration::from_millis(500);

/// Requests of one asker that are looked through for one that holds the next back; with more than that, they wait for some to end.
const LOOKED_THROUGH: usize = 64;

/// A job that took so many workers down is not given to another. The engine gives up a few before that, and tells its person.
const MOST_TAKEN: u32 = 13;

/// What became of a message whose turn it was.
enum Came {
    /// Its job is ours.
    Ours(Mine, Box<Job>),
    /// An older request of the same asker is not decided yet.
    HeldBack,
    /// Its job waits for that moment, or another worker is at it.
    PutOff(Duration),
    /// Its job has ended, or another message stands for it.
    Over,
    /// The message is gone.
    Gone,
}

/// Takes up what is wanted and whose turn it is.
pub(super) fn fill(shared: &Arc<Shared>) {
    loop {
        let Some(turn) = shared.hand().turn(Millis::now()) else { return };
        tokio::spawn(take_up(Arc::clone(shared), turn));
    }
}

async fn take_up(shared: Arc<Shared>, turn: Turn) {
    let sequence = turn.sequence;
    let came = match judge(&shared, &turn).await {
        Ok(came) => came,
        Err(trouble) => {
            tracing::warn!(job = %turn.key.id, ?trouble, "a job could not be taken up: trying again in a second");
            return shared.hand().later(sequence, false, Millis::now());
        }
    };
    match came {
        Came::Ours(mine, job) => {
            reached(Step::JobClaimed);
            shared.hand().took(mine, *job);
            shared.ready.notify_one();
        }
        Came::HeldBack => shared.hand().later(sequence, true, Millis::now()),
        Came::PutOff(wait) => {
            let delivered = shared.hand().not_taken(sequence);
            if let Some(delivered) = delivered {
                shared.wire.say(&delivered.reply, AckKind::Nak(Some(wait))).await;
            }
        }
        Came::Over => {
            let delivered = shared.hand().not_taken(sequence);
            if let Some(delivered) = delivered {
                shared.wire.done_with(&delivered.reply).await;
            }
        }
        Came::Gone => drop(shared.hand().not_taken(sequence)),
    }
    fill(&shared);
}

async fn judge(shared: &Shared, turn: &Turn) -> Result<Came, Trouble> {
    match before(shared, turn).await? {
        Some(came) => Ok(came),
        None => claim(shared, turn).await,
    }
}

/// Why it is not this one's turn, by what the same asker has that is older.
async fn before(shared: &Shared, turn: &Turn) -> Result<Option<Came>, Trouble> {
    let theirs = shared.wire.names.work_by(&turn.key.tag);
    let mut from = 1;
    for _ in 0..LOOKED_THROUGH {
        let first = shared.wire.read(In::Work, &Which::First(theirs.clone(), from)).await?;
        let Some(first) = first.filter(|first| first.sequence <= turn.sequence) else { return Ok(Some(Came::Gone)) };
        if first.sequence == turn.sequence {
            return Ok(None);
        }
        from = first.sequence + 1;
        // One that is no job is set aside by whoever it is delivered to.
        let Some(older) = super::Names::of_work(&first.subject) else { continue };
        let decided_here = shared.hand().mine(older.id).is_some_and(|mine| mine.decided);
        if !decided_here && !shared.entry(&older).await?.is_some_and(|(_, entry)| entry.decided()) {
            return Ok(Some(Came::HeldBack));
        }
    }
    Ok(Some(Came::HeldBack))
}

/// Makes a job ours, if it is to be had.
async fn claim(shared: &Shared, turn: &Turn) -> Result<Came, Trouble> {
    let nonce = format!("{:016x}", rand::random::<u64>());
    // A message that was never delivered before mostly has no entry either.
    let mut there = if turn.times == 1 { None } else { shared.entry(&turn.key).await? };
    loop {
        let (revision, mut entry) = match there {
            None => (0, fresh(turn)),
            Some((revision, entry)) => match whose(shared, turn, &entry, &nonce).await? {
                Some(Claimed::Ours) => return Ok(ours(turn, revision, entry)),
                Some(Claimed::Came(came)) => return Ok(came),
                None => (revision, entry),
            },
        };
        entry.taken = if entry.stands == Stands::Work { entry.taken + 1 } else { 1 };
        entry.sequence = Some(turn.sequence);
        entry.worker.clone_from(&shared.worker);
        entry.claim.clone_from(&nonce);
        entry.stands = Stands::Work;
        let Some(job) = &mut entry.job else { return Ok(Came::Over) };
        job.status = Status::Running;
        if entry.taken > MOST_TAKEN {
            return give_up(shared, turn, revision, entry).await;
        }
        match entry_over(shared, &turn.key, revision, &entry).await {
            Ok(revision) => return Ok(ours(turn, revision, entry)),
            Err(Trouble::Raced) => there = shared.entry(&turn.key).await?,
            Err(trouble) => return Err(trouble),
        }
    }
}

fn fresh(turn: &Turn) -> Entry {
    Entry {
        stands: Stands::Waiting,
        sequence: None,
        worker: String::new(),
        claim: String::new(),
        taken: 0,
        retries: 0,
        job: Some(Box::new((*turn.fresh).clone())),
    }
}

enum Claimed {
    /// Our own write got there; its answer did not come back.
    Ours,
    /// It is not to be had.
    Came(Came),
}

/// Whether a job that has an entry is to be had; nothing where it is.
async fn whose(shared: &Shared, turn: &Turn, entry: &Entry, nonce: &str) -> Result<Option<Claimed>, Trouble> {
    let not_ours = |came| Ok(Some(Claimed::Came(came)));
    if entry.claim == nonce {
        return Ok(Some(Claimed::Ours));
    }
    if entry.stands.is_over() {
        if let (Stands::Failed, Some(job)) = (entry.stands, &entry.job) {
            // Its worker may have been lost between the two.
            dead::keep(shared, &turn.key, job, entry.retries).await.map_err(|why| Trouble::Away(why.to_string()))?;
        }
        return not_ours(Came::Over);
    }
    if let Some(other) = entry.sequence.filter(|other| *other != turn.sequence)
        && stands_for(shared, other, &turn.key).await?
    {
        return not_ours(Came::Over);
    }
    if entry.stands == Stands::Work && is_held(shared, entry, &turn.key).await {
        return not_ours(Came::PutOff(shared.lease / 2));
    }
    let not_before = entry.job.as_ref().and_then(|job| job.not_before).unwrap_or_default();
    let wait = not_before.since(Millis::now());
    // One that is further ahead was written before the clock was set back.
    if !wait.is_zero() && wait <= LONGEST_WAIT {
        return not_ours(Came::PutOff(wait));
    }
    Ok(None)
}

/// Whether another message of the same job is still there.
async fn stands_for(shared: &Shared, sequence: u64, key: &Key) -> Result<bool, Trouble> {
    let there = shared.wire.read(In::Work, &Which::At(sequence)).await?;
    Ok(there.is_some_and(|there| super::Names::of_work(&there.subject).as_ref() == Some(key)))
}

fn ours(turn: &Turn, revision: u64, entry: Entry) -> Came {
    let Some(mut job) = entry.job else { return Came::Over };
    job.hold = Some(Hold { fence: revision, taken: entry.taken });
    let mine = Mine {
        sequence: turn.sequence,
        key: turn.key.clone(),
        claim: entry.claim,
        revision,
        taken: entry.taken,
        retries: entry.retries,
        decided: job.progress.decided.is_some(),
    };
    Came::Ours(mine, job)
}

/// A job that even being told of takes workers down goes where someone will look at it.
async fn give_up(shared: &Shared, turn: &Turn, revision: u64, mut entry: Entry) -> Result<Came, Trouble> {
    let Some(mut job) = entry.job.take() else { return Ok(Came::Over) };
    tracing::error!(job = %job.id, taken = entry.taken, "a job took one worker after another down and is given to no more");
    job.status = Status::Failed;
    job.finished_at = Some(Millis::now());
    job.error = Some(JobError {
        code: "workers-lost".into(),
        message: format!("{} workers took it up, and none was heard of again", entry.taken - 1),
    });
    entry.stands = Stands::Failed;
    entry.job = Some(job.clone());
    match entry_over(shared, &turn.key, revision, &entry).await {
        Ok(_) => {
            dead::keep(shared, &turn.key, &job, entry.retries).await.map_err(|why| Trouble::Away(why.to_string()))?;
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(Came::Over)
}

/// Asks the worker that has a job whether it is still at it: a message may be delivered twice for other reasons than its worker's end.
async fn is_held(shared: &Shared, entry: &Entry, key: &Key) -> bool {
    if entry.worker == shared.worker {
        return shared.hand().mine(key.id).is_some_and(|mine| mine.claim == entry.claim);
    }
    let question = format!("{} {}", key.id, entry.claim);
    let asked = shared.wire.client().request(shared.wire.names.holds(&entry.worker), question.into());
    let held = matches!(tokio::time::timeout(ANSWER, asked).await, Ok(Ok(answer)) if answer.payload.as_ref() == b"yes");
    if !held {
        tracing::warn!(job = %key.id, worker = %entry.worker, "its worker is not heard of: the job is taken over");
    }
    held
}

/// Answers the same question of others.
pub(super) async fn answer(shared: Arc<Shared>) {
    let subject = shared.wire.names.holds(&shared.worker);
    let mut questions = loop {
        match shared.wire.client().subscribe(subject.clone()).await {
            Ok(questions) => break questions,
            Err(error) => tracing::warn!(%error, "other workers cannot ask what this one has: trying again"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    loop {
        let question = tokio::select! {
            question = questions.next() => question,
            () = shared.gone.cancelled() => return,
        };
        let Some(question) = question else { return };
        let Some(reply) = question.reply else { continue };
        let held = std::str::from_utf8(&question.payload).ok().and_then(|asked| asked.split_once(' ')).is_some_and(
            |(id, claim)| id.parse().is_ok_and(|id| shared.hand().mine(id).is_some_and(|mine| mine.claim == claim)),
        );
        // Whoever hears nothing takes the job for lost, and is refused at the next write.
        let _ = shared.wire.client().publish(reply, if held { "yes" } else { "no" }.into()).await;
    }
}

/// What the same asker has that is older than a job, is not over, and does not wait for a moment.
pub(super) async fn unfinished_before(shared: &Shared, job: &Job) -> Result<Vec<Job>, QueueError> {
    let mine = shared.hand().mine(job.id).cloned().ok_or(QueueError::Lost(job.id))?;
    let theirs = shared.wire.names.work_by(&mine.key.tag);
    let (mut from, mut found) = (1, Vec::new());
    loop {
        let first = shared.wire.read(In::Work, &Which::First(theirs.clone(), from)).await?;
        let Some(first) = first.filter(|first| first.sequence < mine.sequence) else { return Ok(found) };
        from = first.sequence + 1;
        let Some(key) = super::Names::of_work(&first.subject) else { continue };
        let older = match shared.entry(&key).await? {
            Some((_, entry)) if entry.stands.is_over() => None,
            Some((_, entry)) => entry.job.map(|job| *job),
            None => decode(&first.payload).ok(),
        };
        let now = Millis::now();
        found.extend(older.filter(|older| older.not_before.is_none_or(|at| at <= now)));
    }
}
