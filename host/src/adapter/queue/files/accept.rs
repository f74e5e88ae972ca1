//! Taking requests in: the file is written and fsynced side by side with others, then handed to the committer.
//!
//! Ids are drawn in the order requests arrive. The requests of one asker get their place in that order, however long the disk takes for each.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::{
    adapter::queue::{QueueError, order::Peek},
    failpoint::{Step, reached},
    job::{Asker, Job, JobId, JobIds, Millis, Request},
};

use super::{
    Shared,
    commit::{Answer, Bell, Change, Commit, Message},
    durable,
    seen::{self, Key},
};

/// Requests whose files are being written.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    ids: JobIds,
    under_way: Mutex<UnderWay>,
}

#[derive(Debug, Default)]
struct UnderWay {
    of: HashMap<Asker, BTreeSet<JobId>>,
    all: HashSet<JobId>,
}

impl Arrivals {
    /// Ids are drawn above `greatest` from now on, whatever the clock says.
    pub(super) fn start_above(&self, greatest: JobId) {
        self.ids.next(greatest.time());
    }

    /// Draws the id of a request that arrives now.
    pub(super) fn draw(self: &Arc<Self>, asker: &Asker, bell: Bell) -> Arrival {
        let mut under_way = self.lock();
        let id = self.ids.next(Millis::now());
        under_way.of.entry(asker.clone()).or_default().insert(id);
        under_way.all.insert(id);
        Arrival { id, asker: asker.clone(), arrivals: Arc::clone(self), bell }
    }

    /// Requests of an asker that arrived before this one and have no place yet.
    pub(super) fn before(&self, arrival: &Arrival) -> Vec<JobId> {
        let under_way = self.lock();
        under_way.of.get(&arrival.asker).map(|ids| ids.range(..arrival.id).copied().collect()).unwrap_or_default()
    }

    /// Whether a request is under way; its file may be seen in its place before it counts.
    pub(super) fn contains(&self, id: JobId) -> bool {
        self.lock().all.contains(&id)
    }

    /// How many are under way.
    fn count(&self) -> usize {
        self.lock().all.len()
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request on its way in, until this is dropped.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) id: JobId,
    asker: Asker,
    arrivals: Arc<Arrivals>,
    bell: Bell,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut under_way = self.arrivals.lock();
        under_way.all.remove(&self.id);
        if let Some(ids) = under_way.of.get_mut(&self.asker) {
            ids.remove(&self.id);
            if ids.is_empty() {
                under_way.of.remove(&self.asker);
            }
        }
        drop(under_way);
        // A later request of this asker may have waited for this one. A full channel wakes the committer anyway.
        let _ = self.bell.try_send(Message::LookAgain);
    }
}

/// Writes a request down and asks for its place. Blocks on the disk; the answer comes through the receiver.
pub(super) fn begin(
    shared: &Shared,
    request: Request,
    arrival: Arrival,
) -> Result<oneshot::Receiver<Answer>, QueueError> {
    let key = request.delivery.as_deref().map(Key::of);
    if let Some(key) = &key
        && seen::look(&shared.layout, key)?.is_some()
    {
        return shared.commit(Change::Again { key: key.clone() });
    }
    shared.has_room()?;
    let job = Job::new(arrival.id, request, Millis::now());
    let tmp = shared.tmp(job.id);
    durable::write_new(&tmp, &durable::readable(&job)?)?;
    reached(Step::RequestWritten);
    shared.commit(Change::Accept { tmp, peek: Peek::of(&job), key, arrival })
}

impl Shared {
    /// Hands a change to the committer.
    pub(super) fn commit(&self, change: Change) -> Result<oneshot::Receiver<Answer>, QueueError> {
        let (reply, answer) = oneshot::channel();
        self.bell.send(Message::Commit(Commit { change, reply })).map_err(|_| closing())?;
        Ok(answer)
    }

    /// Whether one more may wait.
    fn has_room(&self) -> Result<(), QueueError> {
        let waiting = self.waiting();
        // The one that asks is among those under way.
        if waiting + self.arrivals.count() > self.room.most {
            return Err(QueueError::Full { waiting });
        }
        let now = Millis::now();
        let oldest = if self.roles.worker { self.order().oldest_due(now) } else { self.tally().oldest_due };
        match oldest.map(|id| now.since(id.time())) {
            Some(age) if age > self.room.oldest => Err(QueueError::Behind { age }),
            _ => Ok(()),
        }
    }
}

/// The queue is being closed; nothing was half done.
pub(super) fn closing() -> QueueError {
    QueueError::Io {
        what: "the queue is closing; nothing was accepted".to_owned(),
        source: std::io::ErrorKind::Interrupted.into(),
    }
}
