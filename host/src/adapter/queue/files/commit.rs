//! The committer: one thread that gives files their places, a batch at a time, so that many share the fsync of a folder.
//!
//! Being alone it needs no locks between look and act; and what it began it ends, whoever stopped waiting for the answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
};

use tokio::sync::oneshot;

use crate::{
    adapter::queue::{Accepted, QueueError, order::Peek},
    failpoint::{Step, reached},
    job::{JobId, Millis},
};

use super::{
    Shared,
    accept::Arrival,
    durable,
    layout::Dir,
    seen::{self, Entry, Key},
};

/// Changes that share their fsyncs, at most.
const BATCH: usize = 512;

pub(super) type Answer = Result<Accepted, QueueError>;
pub(super) type Bell = SyncSender<Message>;

/// What the committer hears.
#[derive(Debug)]
pub(super) enum Message {
    /// Do this.
    Commit(Commit),
    /// Something that was waited for may be there.
    LookAgain,
    /// End.
    Stop,
}

/// A change and who waits for it.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) change: Change,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What is to become of a file. A `tmp` is written and fsynced.
#[derive(Debug)]
pub(super) enum Change {
    /// `tmp/` → `seen/` → `new/`
    Accept { tmp: PathBuf, peek: Peek, key: Option<Key>, arrival: Arrival },
    /// The ledger had this delivery already.
    Again { key: Key },
    /// `tmp/` over `work/`
    Checkpoint { id: JobId, tmp: PathBuf },
    /// `tmp/` → `done/` or `failed/`, then away with `work/`
    Finish { id: JobId, tmp: PathBuf, rests: Dir, key: Option<Key> },
    /// `tmp/` over `work/`, then → `new/`
    HandBack { id: JobId, tmp: PathBuf, peek: Peek },
    /// `failed/` → `new/`
    Retry { id: JobId },
}

/// A change whose names are given, not yet durable.
struct Placed {
    answer: Accepted,
    touched: &'static [Dir],
    then: Then,
    reply: oneshot::Sender<Answer>,
}

/// What follows when the names are durable.
enum Then {
    Waits { peek: Peek, key: Option<Key>, _arrival: Arrival },
    WaitsAgain(Peek),
    BroughtBack,
    Ended(Dir, Option<Key>),
    Nothing,
}

/// A request whose file is in `tmp/` and in the ledger.
struct Fresh {
    tmp: PathBuf,
    peek: Peek,
    key: Option<Key>,
    arrival: Arrival,
    reply: oneshot::Sender<Answer>,
}

pub(super) struct Committer {
    shared: Arc<Shared>,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Works until told to stop.
    pub(super) fn run(self, bell: &Receiver<Message>) {
        let mut held = Vec::new();
        let mut open = true;
        while open {
            let Ok(first) = bell.recv() else { return };
            let mut batch = std::mem::take(&mut held);
            for message in std::iter::once(first).chain(bell.try_iter().take(BATCH)) {
                match message {
                    Message::Commit(commit) => batch.push(commit),
                    Message::LookAgain => {}
                    Message::Stop => open = false,
                }
            }
            if !batch.is_empty() {
                held = self.settle(batch);
            }
        }
    }

    /// Carries a batch out. Gives back what has to wait for an earlier request of the same asker.
    fn settle(&self, batch: Vec<Commit>) -> Vec<Commit> {
        let (mut fresh, mut again, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let mut placed = Vec::new();
        for Commit { change, reply } in batch {
            match change {
                Change::Accept { tmp, peek, key, arrival } => fresh.push(Fresh { tmp, peek, key, arrival, reply }),
                Change::Again { key } => again.push((key, reply)),
                other => match self.place(other) {
                    Ok((answer, touched, then)) => placed.push(Placed { answer, touched, then, reply }),
                    Err(why) => answer(reply, Err(why)),
                },
            }
        }
        self.hold_back(&mut fresh, &mut held);
        let fresh = self.enter_all(fresh, &mut again);
        for request in fresh {
            self.give_place(request, &mut placed);
        }
        for (key, reply) in again {
            match self.again(&key) {
                Ok(id) => placed.push(Placed {
                    answer: Accepted::Again(id),
                    touched: &[Dir::New],
                    then: Then::Nothing,
                    reply,
                }),
                Err(why) => answer(reply, Err(why)),
            }
        }
        self.conclude(placed);
        held
    }

    /// One asker's requests get their place in the order they arrived: what overtook an earlier one on the disk waits for it.
    fn hold_back(&self, fresh: &mut Vec<Fresh>, held: &mut Vec<Commit>) {
        fresh.sort_by_key(|request| request.arrival.id);
        let mut going = BTreeSet::new();
        let mut kept = Vec::with_capacity(fresh.len());
        for request in fresh.drain(..) {
            if self.shared.arrivals.before(&request.arrival).iter().all(|earlier| going.contains(earlier)) {
                going.insert(request.arrival.id);
                kept.push(request);
            } else {
                let Fresh { tmp, peek, key, arrival, reply } = request;
                held.push(Commit { change: Change::Accept { tmp, peek, key, arrival }, reply });
            }
        }
        *fresh = kept;
    }

    /// Enters new deliveries into the ledger, durably, before anybody can see their jobs.
    fn enter_all(&self, fresh: Vec<Fresh>, again: &mut Vec<(Key, oneshot::Sender<Answer>)>) -> Vec<Fresh> {
        let layout = &self.shared.layout;
        let mut entered = Vec::with_capacity(fresh.len());
        let mut sync = false;
        for request in fresh {
            let Some(key) = &request.key else {
                entered.push(request);
                continue;
            };
            match seen::enter(layout, key, &request.tmp) {
                Ok(true) => {
                    sync = true;
                    entered.push(request);
                }
                Ok(false) => {
                    durable::remove_quietly(&request.tmp);
                    again.push((key.clone(), request.reply));
                }
                Err(why) => {
                    durable::remove_quietly(&request.tmp);
                    answer(request.reply, Err(why));
                }
            }
        }
        if sync && let Err(why) = durable::sync_dir(&layout.dir(Dir::Seen)) {
            for request in entered {
                self.take_back(request.key.as_ref(), &request.tmp);
                answer(request.reply, Err(durable::again(&why)));
            }
            return Vec::new();
        }
        entered
    }

    fn give_place(&self, request: Fresh, placed: &mut Vec<Placed>) {
        let Fresh { tmp, peek, key, arrival, reply } = request;
        reached(Step::DeliveryEntered);
        let moved = durable::rename(&tmp, &self.shared.layout.job(Dir::New, arrival.id));
        reached(Step::RequestPlaced);
        match moved {
            Ok(()) => placed.push(Placed {
                answer: Accepted::New(arrival.id),
                touched: &[Dir::New],
                then: Then::Waits { peek, key, _arrival: arrival },
                reply,
            }),
            Err(why) => {
                self.take_back(key.as_ref(), &tmp);
                answer(reply, Err(why));
            }
        }
    }

    /// Leaves no trace of a request that was not accepted.
    fn take_back(&self, key: Option<&Key>, file: &Path) {
        if let Some(key) = key {
            durable::remove_quietly(&key.path(&self.shared.layout));
        }
        durable::remove_quietly(file);
    }

    /// A delivery the ledger knows: rolled forward when its job is nowhere.
    fn again(&self, key: &Key) -> Result<JobId, QueueError> {
        let layout = &self.shared.layout;
        match seen::look(layout, key)? {
            Some(Entry::Ended(id)) => Ok(id),
            Some(Entry::Open(id)) => {
                if !layout.has_anywhere(id) {
                    seen::roll_forward(layout, &key.path(layout), id)?;
                    self.shared.found(id);
                }
                Ok(id)
            }
            // Its first delivery, in this very batch, met a full disk.
            None => Err(QueueError::Io {
                what: "a delivery of the same request failed just now; nothing was accepted".to_owned(),
                source: io::ErrorKind::Interrupted.into(),
            }),
        }
    }

    /// Moves the file of a job that is taken up, or brought back.
    fn place(&self, change: Change) -> Result<(Accepted, &'static [Dir], Then), QueueError> {
        let layout = &self.shared.layout;
        match change {
            Change::Checkpoint { id, tmp } => {
                self.only_if_taken(id, &tmp)?;
                reached(Step::CheckpointWritten);
                rename_or_clear(&tmp, &layout.job(Dir::Work, id))?;
                Ok((Accepted::New(id), &[Dir::Work], Then::Nothing))
            }
            Change::Finish { id, tmp, rests, key } => {
                self.only_if_taken(id, &tmp)?;
                rename_or_clear(&tmp, &layout.job(rests, id))?;
                reached(Step::EndPlaced);
                let touched: &'static [Dir] = if rests == Dir::Done { &[Dir::Done] } else { &[Dir::Failed] };
                Ok((Accepted::New(id), touched, Then::Ended(rests, key)))
            }
            Change::HandBack { id, tmp, peek } => {
                self.only_if_taken(id, &tmp)?;
                rename_or_clear(&tmp, &layout.job(Dir::Work, id))?;
                reached(Step::HandBackWritten);
                durable::rename(&layout.job(Dir::Work, id), &layout.job(Dir::New, id))?;
                Ok((Accepted::New(id), &[Dir::Work, Dir::New], Then::WaitsAgain(peek)))
            }
            Change::Retry { id } => {
                self.bring_back(id)?;
                Ok((Accepted::New(id), &[Dir::New, Dir::Failed], Then::BroughtBack))
            }
            Change::Accept { .. } | Change::Again { .. } => Err(QueueError::Io {
                what: "a request in the wrong place".to_owned(),
                source: io::ErrorKind::InvalidInput.into(),
            }),
        }
    }

    /// A job that is not in hand (any more) is not written over: a late checkpoint must not bring back what has ended.
    fn only_if_taken(&self, id: JobId, tmp: &Path) -> Result<(), QueueError> {
        if self.shared.order().is_taken(id) {
            return Ok(());
        }
        durable::remove_quietly(tmp);
        Err(QueueError::NoSuchJob(id))
    }

    /// One rename, so that there is no moment with two of it or none. What ended it is cleared when it is read.
    fn bring_back(&self, id: JobId) -> Result<(), QueueError> {
        let layout = &self.shared.layout;
        let failed = layout.job(Dir::Failed, id);
        if failed.symlink_metadata().is_err() {
            return Err(QueueError::NoSuchJob(id));
        }
        if layout.has(Dir::Work, id) {
            return Err(QueueError::Held {
                what: format!(
                    "job {id} is still being put away; try again in a moment, or start the engine once if it was stopped hard"
                ),
            });
        }
        match std::fs::rename(&failed, layout.job(Dir::New, id)) {
            Ok(()) => Ok(()),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Err(QueueError::NoSuchJob(id)),
            Err(why) => Err(durable::failure("moving", &failed, &why)),
        }
    }

    /// Makes the touched folders durable, each once, then tells everybody.
    fn conclude(&self, placed: Vec<Placed>) {
        let layout = &self.shared.layout;
        let touched: BTreeSet<Dir> = placed.iter().flat_map(|change| change.touched.iter().copied()).collect();
        let mut failed = BTreeMap::new();
        for dir in touched {
            if let Err(why) = durable::sync_dir(&layout.dir(dir)) {
                failed.insert(dir, why);
            }
        }
        for Placed { answer: accepted, touched, then, reply } in placed {
            let result = match touched.iter().find_map(|dir| failed.get(dir)) {
                None => {
                    self.then(accepted.id(), then);
                    Ok(accepted)
                }
                Some(why) => self.undo(accepted, then, why),
            };
            answer(reply, result);
        }
        self.shared.changed.notify_waiters();
    }

    fn then(&self, id: JobId, then: Then) {
        let shared = &self.shared;
        match then {
            Then::Waits { peek, .. } | Then::WaitsAgain(peek) => shared.waits(id, peek),
            Then::BroughtBack => {
                shared.tally().failed_by(-1);
                shared.found(id);
            }
            Then::Ended(rests, key) => {
                durable::remove_quietly(&shared.layout.job(Dir::Work, id));
                if let Some(key) = key {
                    seen::retire(&shared.layout, &key, rests, id);
                }
                if rests == Dir::Failed {
                    shared.tally().failed_by(1);
                }
                shared.order().remove(id);
            }
            Then::Nothing => {}
        }
    }

    /// The names may not be durable. A request is taken back, unless another process is at it already; a taken-up job stays in hand.
    fn undo(&self, accepted: Accepted, then: Then, why: &QueueError) -> Answer {
        let layout = &self.shared.layout;
        match then {
            Then::Waits { key, .. } => {
                if std::fs::remove_file(layout.job(Dir::New, accepted.id())).is_err() {
                    return Ok(accepted);
                }
                if let Some(key) = key {
                    durable::remove_quietly(&key.path(layout));
                }
            }
            // It has left work/ in any case; the file in new/ is whole.
            Then::WaitsAgain(peek) => self.shared.waits(accepted.id(), peek),
            Then::BroughtBack => self.shared.found(accepted.id()),
            Then::Ended(..) | Then::Nothing => {}
        }
        Err(durable::again(why))
    }
}

impl Shared {
    /// A job of which everything is known waits.
    fn waits(&self, id: JobId, peek: Peek) {
        if self.roles.worker {
            self.order().add(id, peek, Millis::now());
        } else {
            self.tally().arrived(id);
        }
    }
}

/// Whoever asked may have left; the change stands all the same.
fn answer(reply: oneshot::Sender<Answer>, result: Answer) {
    let _ = reply.send(result);
}

fn rename_or_clear(tmp: &Path, to: &Path) -> Result<(), QueueError> {
    durable::rename(tmp, to).inspect_err(|_| durable::remove_quietly(tmp))
}
