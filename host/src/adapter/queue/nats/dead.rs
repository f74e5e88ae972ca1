//! Jobs that failed, and what is to be forgotten.

use std::collections::HashSet;

use async_nats::jetstream::message::PublishMessage;

use super::{
    Entry, In, Key, Shared, Stands, Tag, Trouble, Which,
    accept::{self, message_id},
    entry::{decode, encode, without_answers},
    keep,
};
use crate::{
    adapter::queue::{QueueError, revive},
    job::{Asker, Job, JobId},
};

/// Puts a failed job where it is kept until someone looks. Twice is once.
pub(super) async fn keep(shared: &Shared, key: &Key, job: &Job, retries: u32) -> Result<(), QueueError> {
    let kept = match write(shared, key, job, retries).await {
        Err(Trouble::TooBig { .. }) => write(shared, key, &without_answers(job), retries).await,
        kept => kept,
    };
    kept.map_err(|trouble| trouble.about(job.id))
}

async fn write(shared: &Shared, key: &Key, job: &Job, retries: u32) -> Result<(), Trouble> {
    let body = encode(job).map_err(|why| Trouble::Away(why.to_string()))?;
    let message = PublishMessage::build().message_id(message_id(job.id, retries));
    shared.wire.write(&shared.wire.names.dead_of(key), body, message).await.map(drop)
}

/// A failed job, its key, and the place it is kept at.
pub(super) async fn find(shared: &Shared, id: JobId) -> Result<Option<(Key, u64, Job)>, Trouble> {
    let found = shared.wire.read(In::Dead, &Which::Last(shared.wire.names.dead_any(id))).await?;
    Ok(found.and_then(|message| {
        let key = super::Names::of_job(&message.subject)?;
        Some((key, message.sequence, decode(&message.payload).ok()?))
    }))
}

/// Brings a failed job back: its entry first, then its message, and what was kept of its failure last. Broken off in between, it can be brought back again.
pub(super) async fn retry(shared: &Shared, id: JobId) -> Result<(), QueueError> {
    let (key, kept_at, mut job) = find(shared, id).await?.ok_or(QueueError::NoSuchJob(id))?;
    revive(&mut job);
    for _ in 0..4 {
        let there = shared.entry(&key).await?;
        let (revision, retries) = match &there {
            Some((_, there)) if matches!(there.stands, Stands::Work | Stands::Done) => {
                // Someone has brought it back already.
                shared.wire.remove(In::Dead, kept_at).await?;
                return Err(QueueError::NoSuchJob(id));
            }
            Some((_, there)) if there.stands == Stands::Forgotten => return Err(QueueError::NoSuchJob(id)),
            // That broke off: the same message, which the stream takes once.
            Some((revision, there)) if there.stands == Stands::Waiting => (*revision, there.retries),
            Some((revision, there)) => (*revision, there.retries + 1),
            None => (0, 1),
        };
        let entry = Entry {
            stands: Stands::Waiting,
            sequence: None,
            worker: String::new(),
            claim: String::new(),
            taken: 0,
            retries,
            job: Some(Box::new(job.clone())),
        };
        match keep::entry_over(shared, &key, revision, &entry).await {
            Ok(_) => {}
            Err(Trouble::Raced) => continue,
            Err(trouble) => return Err(trouble.about(id)),
        }
        accept::write(shared, &key, &without_answers(&job), &message_id(id, retries))
            .await
            .map_err(|it| it.about(id))?;
        shared.wire.remove(In::Dead, kept_at).await?;
        return Ok(());
    }
    Err(Trouble::Raced.into())
}

/// Removes what is kept of some jobs. Of each it stays known for a while that there was one, so that its delivery does not become another.
pub(super) async fn forget(shared: &Shared, jobs: &[JobId], askers: &[Asker]) -> Result<usize, QueueError> {
    let mut keys = HashSet::new();
    let names = &shared.wire.names;
    for id in jobs {
        keys.extend(shared.entry_at(Which::Last(names.job_any(*id))).await?.map(|(key, ..)| key));
        keys.extend(find(shared, *id).await?.map(|(key, ..)| key));
    }
    let mut under_way = 0;
    for tag in askers.iter().map(Tag::of) {
        under_way += shared.wire.keys(In::Work, &names.work_by(&tag)).await?.len();
        keys.extend(shared.wire.keys(In::Jobs, &names.jobs_by(&tag)).await?);
        keys.extend(shared.wire.keys(In::Dead, &names.dead_by(&tag)).await?);
    }
    if under_way > 0 {
        return Err(QueueError::UnderWay(under_way));
    }
    let mut gone = 0;
    for key in keys {
        gone += usize::from(empty(shared, &key).await?);
        if let Some((_, kept_at, _)) = find(shared, key.id).await? {
            shared.wire.remove(In::Dead, kept_at).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Leaves of an entry only that there was one.
async fn empty(shared: &Shared, key: &Key) -> Result<bool, QueueError> {
    for _ in 0..4 {
        let Some((revision, there)) = shared.entry(key).await? else { return Ok(false) };
        if there.stands == Stands::Forgotten {
            return Ok(false);
        }
        let entry = Entry { stands: Stands::Forgotten, job: None, ..there };
        match keep::entry_over(shared, key, revision, &entry).await {
            Ok(_) => return Ok(true),
            Err(Trouble::Raced) => {}
            Err(trouble) => return Err(trouble.about(key.id)),
        }
    }
    Err(Trouble::Raced.into())
}
