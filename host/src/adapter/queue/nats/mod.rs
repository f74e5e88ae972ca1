//! The queue in NATS JetStream, for several machines: web nodes that accept, workers that take up, any of which may vanish.
//!
//! A message in a work-queue stream stands for a job from its acceptance to its end; a bucket has the job's progress, and its revision says whose the job is. A
//! worker that is not heard of for a lease has lost its messages to the others; what it still writes is refused, here by the revision and in the database by
//! the fence that is made of it ([`crate::job::Hold`]). One asker's requests are given out one at a time until each is decided, whichever workers have them.
//! It takes no drop-ins: a folder belongs to one machine.

mod able;
mod accept;
mod compare;
mod dead;
mod entry;
mod fetch;
mod hand;
mod keep;
mod look;
mod names;
mod streams;
mod take;
mod wire;

pub use compare::{Found, Kept, Mend, Wrong, compare};

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::consumer::{Consumer, pull};
use async_trait::async_trait;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::{
    accept::Turns,
    entry::{Entry, Stands},
    hand::Hand,
    look::Counts,
    names::{Key, Names, Tag},
    wire::{In, Trouble, Which, Wire},
};
use super::{Accepted, Depth, Ended, Queue, QueueError, Roles, Room, State, lock::Lock};
use crate::{
    adapter::nats::Nats,
    job::{Asker, Job, JobId, JobIds, Request},
};

/// How long a job that ended well is found here; the database knows it for longer.
const KEEP_ENDED: Duration = Duration::from_hours(24);

/// The queue in NATS.
pub struct NatsQueue {
    shared: Arc<Shared>,
    fetcher: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    _lock: Option<Lock>,
}

/// What the tasks and the callers share.
struct Shared {
    wire: Wire,
    consumer: Consumer<pull::Config>,
    roles: Roles,
    room: Room,
    lease: Duration,
    /// What this process is called among the workers; another after a restart.
    worker: String,
    ids: JobIds,
    turns: Turns,
    hand: Mutex<Hand>,
    /// A job is ready to be given out.
    ready: Notify,
    /// Jobs are wanted again, or no more.
    wanted: Notify,
    counts: Counts,
    accepted: AtomicUsize,
    /// Whether what is taken up here can be ended here, as far as is known.
    able: AtomicBool,
    /// Said when the queue is dropped.
    gone: CancellationToken,
}

impl Shared {
    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the bucket has of a job, and its revision.
    async fn entry(&self, key: &Key) -> Result<Option<(u64, Entry)>, Trouble> {
        self.entry_at(Which::Last(self.wire.names.job_of(key)))
            .await
            .map(|found| found.map(|(_, rev, entry)| (rev, entry)))
    }

    async fn entry_at(&self, which: Which) -> Result<Option<(Key, u64, Entry)>, Trouble> {
        let Some(message) = self.wire.read(In::Jobs, &which).await? else { return Ok(None) };
        // What is no entry of ours (a marker that something was removed, or another's hand) stands for nothing.
        let read = Names::of_job(&message.subject).zip(entry::decode(&message.payload).ok());
        Ok(read.map(|(key, entry)| (key, message.sequence, entry)))
    }
}

impl NatsQueue {
    /// Sees to it that the streams are there, and opens the queue in these roles. A worker locks its data directory: what it keeps there is for one. A process
    /// without a role may look, and bring failed jobs back.
    pub async fn open(
        nats: Nats,
        data_dir: &Path,
        roles: Roles,
        room: Room,
        lease: Duration,
    ) -> Result<Arc<Self>, QueueError> {
        let lock = if roles.worker { Some(Lock::worker(data_dir)?) } else { None };
        let names = Names::of(&nats);
        streams::ready(&nats, &names, room).await?;
        let consumer = streams::workers(&nats, &names, lease).await?;
        let shared = Arc::new(Shared {
            wire: Wire::new(nats, names).await?,
            consumer,
            roles,
            room,
            lease,
            worker: own_name(),
            ids: JobIds::default(),
            turns: Turns::default(),
            hand: Mutex::default(),
            ready: Notify::new(),
            wanted: Notify::new(),
            counts: Counts::default(),
            accepted: AtomicUsize::new(0),
            able: AtomicBool::new(true),
            gone: CancellationToken::new(),
        });
        Ok(Arc::new(Self { shared, fetcher: tokio::sync::Mutex::default(), _lock: lock }))
    }

    /// Begins to fetch when the first job is asked for: before that others should have them.
    async fn begin(&self) {
        let mut fetcher = self.fetcher.lock().await;
        if fetcher.is_none() {
            tokio::spawn(fetch::beat(Arc::clone(&self.shared)));
            tokio::spawn(take::answer(Arc::clone(&self.shared)));
            tokio::spawn(able::answer(Arc::clone(&self.shared)));
            *fetcher = Some(tokio::spawn(fetch::fetch(Arc::clone(&self.shared))));
        }
    }
}

/// The machine, the process, and chance, since a process may be given the number of one before it. It becomes a part of a subject.
fn own_name() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine: String =
        machine.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(32).collect();
    format!("{machine}-{}-{:08x}", std::process::id(), rand::random::<u32>())
}

impl Drop for NatsQueue {
    /// What this process had is delivered to others when its lease has run out.
    fn drop(&mut self) {
        self.shared.hand().closing = true;
        self.shared.gone.cancel();
    }
}

/// Counts a caller that waits for a job for as long as it waits.
struct Asking<'a>(&'a Shared);

impl<'a> Asking<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.hand().asks(true);
        shared.wanted.notify_one();
        Self(shared)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.hand().asks(false);
    }
}

#[async_trait]
impl Queue for NatsQueue {
    async fn accept(&self, request: Request) -> Result<Accepted, QueueError> {
        if !self.shared.roles.web {
            return Err(QueueError::Held {
                what: "this process does not accept requests: it has not the web role".to_owned(),
            });
        }
        let shared = Arc::clone(&self.shared);
        let turn = shared.turns.take(&request.asker).await;
        // From here on a caller that goes away stops nothing.
        let accepting = tokio::spawn(async move {
            let _turn = turn;
            accept::accept(&shared, request).await
        });
        let accepted = accepting.await;
        let accepted = accepted.map_err(|why| QueueError::Io {
            what: "accepting a request".to_owned(),
            source: std::io::Error::other(why),
        })?;
        if matches!(accepted, Ok(Accepted::New(_))) {
            self.shared.accepted.fetch_add(1, Ordering::Relaxed);
        }
        accepted
    }

    async fn next(&self) -> Result<Job, QueueError> {
        if !self.shared.roles.worker {
            return Err(QueueError::Held {
                what: "this process takes no jobs up: it has not the worker role".to_owned(),
            });
        }
        self.begin().await;
        let _asking = Asking::new(&self.shared);
        loop {
            let ready = self.shared.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            let given = self.shared.hand().give();
            take::fill(&self.shared);
            match given {
                Some(job) => return Ok(job),
                None => ready.await,
            }
        }
    }

    async fn checkpoint(&self, job: &Job) -> Result<(), QueueError> {
        keep::checkpoint(&self.shared, job).await
    }

    async fn finish(&self, job: &Job, ended: Ended) -> Result<(), QueueError> {
        keep::finish(&self.shared, job, ended).await
    }

    async fn hand_back(&self, job: &Job) -> Result<(), QueueError> {
        keep::hand_back(&self.shared, job).await
    }

    async fn close(&self) {
        self.shared.hand().closing = true;
        self.shared.wanted.notify_one();
        if let Some(fetcher) = self.fetcher.lock().await.take() {
            // A panic in it leaves its messages to the lease.
            let _ = fetcher.await;
        }
        fetch::give_back(&self.shared).await;
    }

    fn let_go(&self, job: JobId) {
        keep::let_go(&self.shared, job);
    }

    async fn take_back(&self, job: JobId) {
        keep::take_back(&self.shared, job).await;
    }

    async fn unfinished_before(&self, job: &Job) -> Result<Vec<Job>, QueueError> {
        take::unfinished_before(&self.shared, job).await
    }

    fn can_work(&self, can: bool) {
        self.shared.able.store(can, Ordering::Relaxed);
    }

    async fn another_can(&self) -> bool {
        able::another(&self.shared).await
    }

    async fn find(&self, id: JobId) -> Result<Option<Job>, QueueError> {
        look::find(&self.shared, id).await
    }

    async fn list(&self, state: State, limit: usize) -> Result<Vec<Job>, QueueError> {
        look::list(&self.shared, state, limit).await
    }

    async fn retry(&self, id: JobId) -> Result<(), QueueError> {
        dead::retry(&self.shared, id).await
    }

    async fn of_askers(&self, askers: &[Asker]) -> Result<Vec<(State, Job)>, QueueError> {
        look::of_askers(&self.shared, askers).await
    }

    async fn forget(&self, jobs: &[JobId], askers: &[Asker], _slugs: &[String]) -> Result<usize, QueueError> {
        dead::forget(&self.shared, jobs, askers).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        look::depth(&self.shared).await
    }
}
