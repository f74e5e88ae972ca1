//! The keeper: one thread that sees what others put into the folders: another process's jobs, drop-ins, jobs moved by hand.
//!
//! The kernel's notices make it quick, a look every second makes it sure. It also reads the waiting files' askers, a batch at a time, and clears away what
//! is thirty days old.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TrySendError},
    },
    time::{Duration, Instant, SystemTime},
};

use notify::{
    EventKind, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};

use crate::{
    adapter::queue::{QueueError, order::Peek},
    job::{JobId, Millis},
};

use super::{
    Shared, claim,
    drop_in::{DropIns, Touch},
    durable,
    layout::{Dir, id_of},
    recover, seen,
};

/// Files read between two looks at what else there is.
const BATCH: usize = 256;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// How long ended jobs and their deliveries are kept.
const KEEP: Duration = Duration::from_hours(30 * 24);

/// What the keeper hears.
#[derive(Debug)]
pub(super) enum Wake {
    /// A file has appeared in `new/`.
    New(JobId),
    /// Something happened to a file beside the folders.
    DropIn(std::ffi::OsString, Touch),
    /// There is something to read.
    Look,
    /// End.
    Stop,
}

/// Asks the kernel for notices. Without them the look every second does.
pub(super) fn watch(shared: &Arc<Shared>) -> Option<notify::RecommendedWatcher> {
    let (wake, root, new) = (shared.wake.clone(), shared.layout.root().to_owned(), shared.layout.dir(Dir::New));
    let tell = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        for (at, path) in event.paths.iter().enumerate() {
            let Some(message) = notice(event.kind, at, path, &root, &new) else { continue };
            // Full: the look every second finds it.
            if let Err(TrySendError::Disconnected(_)) = wake.try_send(message) {
                return;
            }
        }
    };
    let start = || -> notify::Result<notify::RecommendedWatcher> {
        let mut watcher = notify::recommended_watcher(tell)?;
        watcher.watch(shared.layout.root(), RecursiveMode::NonRecursive)?;
        watcher.watch(&shared.layout.dir(Dir::New), RecursiveMode::NonRecursive)?;
        Ok(watcher)
    };
    match start() {
        Ok(watcher) => Some(watcher),
        Err(why) => {
            tracing::warn!(%why, "the queue's folders cannot be watched; they are looked at every second instead");
            None
        }
    }
}

/// What one path of a notice means to us.
fn notice(kind: EventKind, at: usize, path: &Path, root: &Path, new: &Path) -> Option<Wake> {
    let (folder, name) = (path.parent()?, path.file_name()?);
    let arrived = match kind {
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => true,
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => at == 1,
        _ => false,
    };
    if folder == new {
        return (arrived || matches!(kind, EventKind::Create(_))).then(|| id_of(name).map(Wake::New)).flatten();
    }
    if folder != root || Path::new(name).extension()? != "txt" {
        return None;
    }
    let touch = match kind {
        _ if arrived => Touch::RenamedIntoPlace,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Touch::Closed,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => Touch::Written,
        _ => return None,
    };
    Some(Wake::DropIn(name.to_owned(), touch))
}

pub(super) struct Keeper {
    shared: Arc<Shared>,
    wakes: Receiver<Wake>,
    drop_ins: DropIns,
    next_look: Instant,
    next_prune: Instant,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, wakes: Receiver<Wake>) -> Self {
        let now = Instant::now();
        Self { shared, wakes, drop_ins: DropIns::default(), next_look: now, next_prune: now }
    }

    /// Works until told to stop.
    pub(super) fn run(mut self) {
        while self.hear() {
            self.read_askers();
            if self.next_look <= Instant::now() {
                self.look();
            }
            if self.shared.roles.worker {
                self.drop_ins.step(&self.shared);
                if self.next_prune <= Instant::now() {
                    self.next_prune = Instant::now() + PRUNE_EVERY;
                    prune(&self.shared);
                }
            }
        }
    }

    /// Waits for a notice or for the next thing to do. `false` means stop.
    fn hear(&mut self) -> bool {
        let busy = self.shared.order().has_unread();
        let until_look = self.next_look.saturating_duration_since(Instant::now());
        let patience =
            if busy { Duration::ZERO } else { self.drop_ins.due().map_or(until_look, |due| due.min(until_look)) };
        let first = match self.wakes.recv_timeout(patience) {
            Ok(wake) => wake,
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let mut heard = vec![first];
        heard.extend(self.wakes.try_iter());
        for wake in heard {
            match wake {
                Wake::New(id) => self.shared.found(id),
                Wake::DropIn(name, touch) => self.drop_ins.touched(name, touch),
                Wake::Look => {}
                Wake::Stop => return false,
            }
        }
        true
    }

    /// Reads whose the next waiting files are, oldest first. A batch is known all at once, so that turns are fair from the first.
    fn read_askers(&self) {
        let batch = self.shared.order().unread(BATCH);
        if batch.is_empty() {
            return;
        }
        let read: Vec<_> = batch.into_iter().map(|id| (id, self.peek(id))).collect();
        let now = Millis::now();
        let mut order = self.shared.order();
        for (id, peek) in read {
            match peek {
                Some(peek) => order.read(id, peek, now),
                None => order.remove_unread(id),
            }
        }
        drop(order);
        self.shared.changed.notify_waiters();
    }

    /// What the order must know of a waiting file; nothing where there is no job to wait for.
    fn peek(&self, id: JobId) -> Option<Peek> {
        let path = self.shared.layout.job(Dir::New, id);
        match std::fs::read(&path).map(|bytes| Peek::parse(&bytes)) {
            Ok(Ok(peek)) => return Some(peek),
            Ok(Err(why)) => claim::set_aside_and_restore(&self.shared.layout, Dir::New, id, &why.to_string()),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
            // The next look finds it again.
            Err(why) => {
                tracing::error!(job = %id, file = %path.display(), %why, "a waiting job cannot be read; it is tried again in a second");
            }
        }
        None
    }

    fn look(&mut self) {
        let began = Instant::now();
        if let Err(why) = self.look_around() {
            tracing::error!(%why, "the queue's folders could not be looked at; they are again in a second");
        }
        // A folder of a hundred thousand files takes a while to list: that is never more than a twentieth of the time.
        self.next_look = Instant::now() + LOOK_EVERY.max(began.elapsed() * 20);
    }

    fn look_around(&mut self) -> Result<(), QueueError> {
        if self.shared.roles.worker {
            recover::find_new(&self.shared)?;
            self.drop_ins.look(&self.shared)?;
        }
        recover::recount(&self.shared)
    }
}

/// Clears away what ended thirty days ago: first the deliveries, durably, then the jobs, so that no entry is left without its job.
fn prune(shared: &Shared) {
    let Some(then) = SystemTime::now().checked_sub(KEEP) else { return };
    let sweep = |dir: Dir| -> std::io::Result<usize> {
        let mut gone = 0;
        for entry in std::fs::read_dir(shared.layout.dir(dir))? {
            let entry = entry?;
            if entry.metadata()?.modified()? < then {
                std::fs::remove_file(entry.path())?;
                gone += 1;
            }
        }
        Ok(gone)
    };
    let all = || -> std::io::Result<usize> {
        let deliveries = seen::prune(&shared.layout, then)?;
        durable::sync_dir(&shared.layout.dir(Dir::Seen)).map_err(std::io::Error::other)?;
        Ok(deliveries + sweep(Dir::Done)? + sweep(Dir::Taken)?)
    };
    match all() {
        Ok(0) => {}
        Ok(gone) => tracing::info!(files = gone, "files of jobs that ended thirty days ago were cleared away"),
        Err(why) => tracing::warn!(%why, "old files could not be cleared away; it is tried again in an hour"),
    }
}
