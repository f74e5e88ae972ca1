//! Taking requests in: the delivery is entered, then the request is published. Both are on as many servers as are asked for before anyone is answered.
//!
//! The entry names the job and holds nothing of it: a delivery that comes again brings its words again. So one whose first acceptance broke off between the two
//! is published then, under the same id, which the stream takes once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use tokio::sync::OwnedMutexGuard;

use super::{In, Key, Shared, Tag, Trouble, Which, entry, look};
use crate::{
    adapter::queue::{Accepted, QueueError},
    failpoint::{Step, reached},
    job::{Asker, Job, JobId, Millis, Request},
};

/// A delivery that comes again later than this belongs to a job that has ended, and was perhaps cleared away: it is not looked for.
const SURELY_PUBLISHED: Duration = Duration::from_hours(12);

/// The requests of one asker are accepted one after another, in the order they came in: the place in the stream is the order in which they are decided.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Tag, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the turn, which lasts until what is given is dropped.
    pub(super) async fn take(&self, asker: &Asker) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() > 1_024 {
                turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            }
            Arc::clone(turns.entry(Tag::of(asker)).or_default())
        };
        turn.lock_owned().await
    }
}

/// Takes a request.
pub(super) async fn accept(shared: &Shared, request: Request) -> Result<Accepted, QueueError> {
    let id = shared.ids.next(Millis::now());
    if let Some(delivery) = &request.delivery
        && let Some(earlier) = enter(shared, delivery, &Key::of(id, &request.asker)).await?
    {
        return again(shared, earlier, request).await;
    }
    reached(Step::DeliveryEntered);
    look::has_room(shared).await?;
    let accepted = publish(shared, Job::new(id, request, Millis::now())).await?;
    reached(Step::RequestPlaced);
    Ok(accepted)
}

/// Enters a delivery; gives the job it belongs to, where it was entered before.
async fn enter(shared: &Shared, delivery: &str, key: &Key) -> Result<Option<Key>, QueueError> {
    let subject = shared.wire.names.seen_of(delivery);
    let body = Bytes::from(format!("{} {}", key.id, key.tag));
    loop {
        let first = PublishMessage::build().expected_last_subject_sequence(0);
        match shared.wire.write(&subject, body.clone(), first).await {
            Ok(_) => return Ok(None),
            Err(Trouble::Raced) => {}
            Err(trouble) => return Err(trouble.about(key.id)),
        }
        let Some(there) = shared.wire.read(In::Seen, &Which::Last(subject.clone())).await? else { continue };
        let there = std::str::from_utf8(&there.payload).ok().and_then(parse);
        return match there {
            // An answer of the servers was lost: it was we.
            Some(there) if there == *key => Ok(None),
            Some(there) => Ok(Some(there)),
            None => Err(QueueError::Damaged { what: format!("the entry of a delivery ({subject}) names no job") }),
        };
    }
}

fn parse(entry: &str) -> Option<Key> {
    let (id, tag) = entry.split_once(' ')?;
    Some(Key { id: id.parse().ok()?, tag: Tag::parse(tag)? })
}

/// What was accepted before is rolled forward, if that acceptance broke off.
async fn again(shared: &Shared, earlier: Key, request: Request) -> Result<Accepted, QueueError> {
    let now = Millis::now();
    if now.since(earlier.id.time()) > SURELY_PUBLISHED
        || Tag::of(&request.asker) != earlier.tag
        || is_anywhere(shared, &earlier).await?
    {
        return Ok(Accepted::Again(earlier.id));
    }
    look::has_room(shared).await?;
    let job = Job::new(earlier.id, request, earlier.id.time());
    let accepted = publish(shared, job).await?;
    if let Accepted::New(id) = accepted {
        tracing::info!(job = %id, "a request whose acceptance had broken off goes on");
    }
    Ok(accepted)
}

async fn is_anywhere(shared: &Shared, key: &Key) -> Result<bool, Trouble> {
    let names = &shared.wire.names;
    Ok(shared.wire.read(In::Work, &Which::Last(names.work_of(key))).await?.is_some()
        || shared.wire.read(In::Jobs, &Which::Last(names.job_of(key))).await?.is_some())
}

async fn publish(shared: &Shared, job: Job) -> Result<Accepted, QueueError> {
    let (id, key) = (job.id, Key::of(job.id, &job.request.asker));
    let written = write(shared, &key, &job, &id.to_string()).await;
    match written {
        Ok(true) => Ok(Accepted::New(id)),
        Ok(false) => Ok(Accepted::Again(id)),
        Err(Trouble::Full) => Err(QueueError::Full { waiting: look::depth(shared).await?.waiting }),
        Err(trouble) => Err(trouble.about(id)),
    }
}

/// Puts a job into the work stream. Gives whether it was not there yet under this id.
pub(super) async fn write(shared: &Shared, key: &Key, job: &Job, message_id: &str) -> Result<bool, Trouble> {
    let body = entry::encode(job).map_err(|why| Trouble::Away(why.to_string()))?;
    let message = PublishMessage::build().message_id(message_id);
    let written = shared.wire.write(&shared.wire.names.work_of(key), body, message).await?;
    Ok(!written.duplicate)
}

/// For [`super::dead`]: the id under which a job that is brought back is published.
pub(super) fn message_id(id: JobId, retries: u32) -> String {
    format!("{id}-{retries}")
}
