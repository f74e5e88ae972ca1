//! The files queue: a folder a state, a readable file a job, a rename a move. Nothing to install, nothing accepted is lost.
//!
//! `data/wtaf/{new,work,done,failed}/<job id>.json` is the truth; what is in memory is an index over it, rebuilt at start. Writing goes through one thread
//! ([`commit`]) that shares fsyncs; looking for files of other processes and for drop-ins through another ([`keeper`]). Two processes may share the
//! folder, one in each role.

mod accept;
mod claim;
mod commit;
mod drop_in;
mod durable;
mod forget;
mod keeper;
mod layout;
mod recover;
mod seen;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore, oneshot};

use self::{
    accept::Arrivals,
    claim::{Claim, Unread},
    commit::{Answer, Bell, Change, Committer, Message},
    keeper::{Keeper, Wake},
    layout::{Dir, Layout},
    seen::Key,
};
use super::{
    Accepted, Depth, Ended, Queue, QueueError, Roles, Room, State,
    lock::Lock,
    order::{Order, Peek},
};
use crate::{
    failpoint::{Step, reached},
    job::{Asker, Job, JobId, Millis, Request},
};

/// Requests whose files are written side by side. More would only queue up at the disk, and take threads from others.
const WRITERS: usize = 64;

/// How long a job that could not be read or moved waits for its next try.
const DISK_PAUSE: Duration = Duration::from_secs(2);

/// How long a wait for a moment lasts before the clock is looked at again.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(10);

/// The queue in files under the data directory.
#[derive(Debug)]
pub struct FilesQueue {
    shared: Arc<Shared>,
    writers: Arc<Semaphore>,
    committer: Option<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
    _watcher: Option<notify::RecommendedWatcher>,
    locks: Vec<Lock>,
}

/// What the threads and the callers share.
#[derive(Debug)]
struct Shared {
    layout: Layout,
    roles: Roles,
    room: Room,
    arrivals: Arc<Arrivals>,
    order: Mutex<Order<JobId>>,
    tally: Mutex<Tally>,
    /// Something may be ready to be taken up.
    changed: Notify,
    bell: Bell,
    wake: SyncSender<Wake>,
    serial: AtomicU64,
}

/// How much the folders hold, for what the order does not know: failed jobs, and everything where this process takes nothing up.
#[derive(Debug, Default)]
struct Tally {
    waiting: usize,
    working: usize,
    failed: usize,
    oldest: Option<JobId>,
    /// The oldest that waits for nothing but its turn.
    oldest_due: Option<JobId>,
}

impl Tally {
    fn arrived(&mut self, id: JobId) {
        self.waiting += 1;
        self.oldest.get_or_insert(id);
        self.oldest_due.get_or_insert(id);
    }

    fn failed_by(&mut self, change: isize) {
        self.failed = self.failed.saturating_add_signed(change);
    }
}

impl Shared {
    fn order(&self) -> MutexGuard<'_, Order<JobId>> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name for a file being written. It tells whose it is, so that another role's start does not sweep it away.
    fn tmp(&self, id: JobId) -> PathBuf {
        let hand = if self.roles.web { "web" } else { "worker" };
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        self.layout.dir(Dir::Tmp).join(format!("{id}.{hand}-{serial}.json"))
    }

    fn waiting(&self) -> usize {
        if self.roles.worker { self.order().waiting() } else { self.tally().waiting }
    }

    /// A file was seen in `new/`. Those on their way in count when they are durable.
    fn found(&self, id: JobId) {
        if self.roles.worker && !self.arrivals.contains(id) && self.order().found(id) {
            // Full means that it is about to look anyway.
            let _ = self.wake.try_send(Wake::Look);
        }
    }

    fn write_tmp(&self, job: &Job) -> Result<PathBuf, QueueError> {
        let tmp = self.tmp(job.id);
        durable::write_new(&tmp, &durable::readable(job)?)?;
        Ok(tmp)
    }
}

impl FilesQueue {
    /// Opens the queue under `<data_dir>/wtaf`, takes the roles' locks, and settles what a crash left behind. At most `max_waiting` requests wait.
    pub fn open(data_dir: &Path, roles: Roles, max_waiting: usize) -> Result<Arc<Self>, QueueError> {
        Self::with_room(data_dir, roles, Room { most: max_waiting, oldest: Duration::MAX })
    }

    /// The same, where new requests are also refused once one has waited too long.
    pub fn with_room(data_dir: &Path, roles: Roles, room: Room) -> Result<Arc<Self>, QueueError> {
        let layout = Layout::create(data_dir)?;
        let mut locks = Vec::new();
        for (role, wanted) in [("web", roles.web), ("worker", roles.worker)] {
            if wanted {
                locks.push(Lock::take(layout.root(), role)?);
            }
        }
        Self::start(layout, roles, room, locks)
    }

    /// Opens it to look, and keeps every engine out while this lives: nothing moves meanwhile.
    pub fn hold(data_dir: &Path) -> Result<Arc<Self>, QueueError> {
        let layout = Layout::create(data_dir)?;
        let locks = vec![Lock::take(layout.root(), "web")?, Lock::take(layout.root(), "worker")?];
        Self::start(layout, Roles::NONE, Room { most: usize::MAX, oldest: Duration::MAX }, locks)
    }

    fn start(layout: Layout, roles: Roles, room: Room, locks: Vec<Lock>) -> Result<Arc<Self>, QueueError> {
        let (bell, commits) = sync_channel(1024);
        let (wake, wakes) = sync_channel(4096);
        let shared = Arc::new(Shared {
            layout,
            roles,
            room,
            arrivals: Arc::default(),
            order: Mutex::default(),
            tally: Mutex::default(),
            changed: Notify::new(),
            bell,
            wake,
            serial: AtomicU64::new(0),
        });
        let watcher = if roles.worker { keeper::watch(&shared) } else { None };
        recover::recover(&shared)?;
        if roles != Roles::NONE {
            reached(Step::QueueRecovered);
        }

        let committer = Committer::new(Arc::clone(&shared));
        let committer = spawn("queue-commit", move || committer.run(&commits))?;
        let keeper = if roles == Roles::NONE {
            None
        } else {
            let keeper = Keeper::new(Arc::clone(&shared), wakes);
            Some(spawn("queue-keeper", move || keeper.run())?)
        };
        Ok(Arc::new(Self {
            shared,
            writers: Arc::new(Semaphore::new(WRITERS)),
            committer: Some(committer),
            keeper,
            _watcher: watcher,
            locks,
        }))
    }

    /// Writes a job down and has the committer do the rest.
    async fn write_and<F>(&self, job: &Job, change: F) -> Result<(), QueueError>
    where
        F: FnOnce(PathBuf) -> Change + Send + 'static,
    {
        let (shared, job) = (Arc::clone(&self.shared), job.clone());
        let answer = blocking(move || {
            let tmp = shared.write_tmp(&job)?;
            shared.commit(change(tmp))
        })
        .await??;
        settled(answer).await.map(drop)
    }
}

impl Drop for FilesQueue {
    /// Ends the threads, then releases the locks. Jobs in hand stay in `work/` and come first at the next start.
    fn drop(&mut self) {
        let _ = self.shared.wake.send(Wake::Stop);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        let _ = self.shared.bell.send(Message::Stop);
        if let Some(committer) = self.committer.take() {
            let _ = committer.join();
        }
    }
}

#[async_trait]
impl Queue for FilesQueue {
    async fn accept(&self, request: Request) -> Result<Accepted, QueueError> {
        if !self.shared.roles.web {
            return Err(QueueError::Held {
                what: "this process does not accept requests: it has not the web role".to_owned(),
            });
        }
        let permit = Arc::clone(&self.writers).acquire_owned().await.map_err(|_| accept::closing())?;
        let shared = Arc::clone(&self.shared);
        let arrival = shared.arrivals.draw(&request.asker, shared.bell.clone());
        // From here on a caller that goes away stops nothing.
        let answer = blocking(move || {
            let _permit = permit;
            accept::begin(&shared, request, arrival)
        })
        .await??;
        settled(answer).await
    }

    async fn next(&self) -> Result<Job, QueueError> {
        if !self.shared.roles.worker {
            return Err(QueueError::Held {
                what: "this process takes no jobs up: it has not the worker role".to_owned(),
            });
        }
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let (id, due) = {
                let mut order = self.shared.order();
                (order.take(Millis::now()), order.due())
            };
            if let Some(id) = id {
                let taking = Taking { shared: Arc::clone(&self.shared), id, ours: true };
                if let Some(job) = taking.take_up().await? {
                    return Ok(job);
                }
                continue;
            }
            match due {
                Some(at) => {
                    // Not for long at once: the clock may be set back meanwhile.
                    let _ = tokio::time::timeout(at.since(Millis::now()).min(LOOK_AT_THE_CLOCK), changed).await;
                }
                None => changed.await,
            }
        }
    }

    async fn checkpoint(&self, job: &Job) -> Result<(), QueueError> {
        let id = job.id;
        self.write_and(job, move |tmp| Change::Checkpoint { id, tmp }).await
    }

    async fn finish(&self, job: &Job, ended: Ended) -> Result<(), QueueError> {
        let rests = match ended {
            Ended::Done => Dir::Done,
            Ended::Failed => Dir::Failed,
        };
        let (id, key) = (job.id, job.request.delivery.as_deref().map(Key::of));
        self.write_and(job, move |tmp| Change::Finish { id, tmp, rests, key }).await
    }

    async fn hand_back(&self, job: &Job) -> Result<(), QueueError> {
        let (id, peek) = (job.id, Peek::of(job));
        self.write_and(job, move |tmp| Change::HandBack { id, tmp, peek }).await
    }

    async fn find(&self, id: JobId) -> Result<Option<Job>, QueueError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || find(&shared.layout, id)).await?
    }

    async fn list(&self, state: State, limit: usize) -> Result<Vec<Job>, QueueError> {
        let shared = Arc::clone(&self.shared);
        let dir = match state {
            State::New => Dir::New,
            State::Work => Dir::Work,
            State::Done => Dir::Done,
            State::Failed => Dir::Failed,
        };
        blocking(move || {
            let mut ids = shared.layout.jobs(dir)?;
            ids.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
            // One that moved or cannot be read is not in the list.
            Ok(ids.into_iter().filter_map(|(id, _)| claim::read(&shared.layout, dir, id).ok()).take(limit).collect())
        })
        .await?
    }

    async fn retry(&self, id: JobId) -> Result<(), QueueError> {
        let shared = Arc::clone(&self.shared);
        let answer = blocking(move || shared.commit(Change::Retry { id })).await??;
        settled(answer).await.map(drop)
    }

    async fn of_askers(&self, askers: &[Asker]) -> Result<Vec<(State, Job)>, QueueError> {
        let (shared, askers) = (Arc::clone(&self.shared), askers.to_vec());
        blocking(move || forget::of_askers(&shared.layout, &askers)).await?
    }

    async fn forget(&self, jobs: &[JobId], askers: &[Asker], slugs: &[String]) -> Result<usize, QueueError> {
        let about = forget::About { jobs: jobs.to_vec(), askers: askers.to_vec(), slugs: slugs.to_vec() };
        let (shared, alone) = (Arc::clone(&self.shared), !self.locks.is_empty() && self.shared.roles == Roles::NONE);
        blocking(move || forget::forget(&shared.layout, &about, alone)).await?
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        if self.shared.roles == Roles::NONE {
            let shared = Arc::clone(&self.shared);
            blocking(move || recover::recount(&shared)).await??;
        }
        let (failed, mut waiting, mut working, mut oldest) = {
            let tally = self.shared.tally();
            (tally.failed, tally.waiting, tally.working, tally.oldest)
        };
        if self.shared.roles.worker {
            let order = self.shared.order();
            (waiting, working, oldest) = (order.waiting(), order.working(), order.oldest());
        }
        let oldest_ms = oldest.map_or(0, |id| Millis::now().0.saturating_sub(id.time().0));
        Ok(Depth { waiting, working, failed, oldest_ms })
    }
}

/// A job between being picked and being handed over. Dropped on the way, it is the next to be taken up.
struct Taking {
    shared: Arc<Shared>,
    id: JobId,
    ours: bool,
}

impl Taking {
    async fn take_up(self) -> Result<Option<Job>, QueueError> {
        let (claim, mut taking) = blocking(move || (claim::claim(&self.shared.layout, self.id), self)).await?;
        // No await from here on: either the caller has the job, or it was dropped above and `taking` puts it back.
        taking.ours = false;
        match claim {
            Claim::Taken(job) => return Ok(Some(*job)),
            Claim::Nothing => {
                let mut order = taking.shared.order();
                order.remove(taking.id);
                drop(order);
                // Restored from the ledger, it waits in new/ again.
                if taking.shared.layout.has(Dir::New, taking.id) {
                    taking.shared.found(taking.id);
                }
            }
            Claim::Later => taking.shared.order().pause(taking.id, Millis::now().after(DISK_PAUSE)),
        }
        Ok(None)
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        if self.ours {
            self.shared.order().resume(self.id);
            self.shared.changed.notify_waiters();
        }
    }
}

/// For [`crate::fuzzing`]: reads what the order must know of a file.
#[cfg(any(test, fuzzing))]
pub(crate) fn peek(bytes: &[u8]) {
    let _ = Peek::parse(bytes);
}

/// For [`crate::fuzzing`]: the request in a dropped file.
#[cfg(any(test, fuzzing))]
pub(crate) fn dropped(text: &str) -> Option<Request> {
    drop_in::request(text)
}

/// Where a job is, looked up in the order it moves; again when it was nowhere, for it may have moved past the look.
fn find(layout: &Layout, id: JobId) -> Result<Option<Job>, QueueError> {
    for _ in 0..4 {
        for dir in Dir::OF_JOBS {
            match claim::read(layout, dir, id) {
                Ok(job) => return Ok(Some(job)),
                Err(Unread::Gone) => {}
                Err(Unread::Damaged(why)) => {
                    let what = format!("{} holds no job: {why}", layout.job(dir, id).display());
                    return Err(QueueError::Damaged { what });
                }
                Err(Unread::Io(why)) => return Err(durable::failure("reading", &layout.job(dir, id), &why)),
            }
        }
    }
    let aside = layout.dir(Dir::Failed).join(format!("{id}.json.damaged"));
    if aside.exists() {
        let what =
            format!("the file of job {id} was damaged and is now {}; the note beside it says more", aside.display());
        return Err(QueueError::Damaged { what });
    }
    Ok(None)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, QueueError> {
    tokio::task::spawn_blocking(work).await.map_err(|why| QueueError::Io {
        what: "work on the queue's files ended early".to_owned(),
        source: std::io::Error::other(why),
    })
}

async fn settled(answer: oneshot::Receiver<Answer>) -> Answer {
    answer.await.unwrap_or_else(|_| Err(accept::closing()))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, QueueError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|source| QueueError::Io { what: format!("starting the thread {name}"), source })
}
