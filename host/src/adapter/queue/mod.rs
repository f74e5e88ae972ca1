//! Where requests wait, durably. What is accepted is never lost and never done twice.

mod files;
mod lock;
mod memory;
pub mod nats;
mod order;

pub use files::FilesQueue;
#[cfg(any(test, fuzzing))]
pub(crate) use files::{dropped, peek};
pub use lock::Lock;
pub use memory::MemoryQueue;
pub use nats::NatsQueue;

use std::time::Duration;

use async_trait::async_trait;

use crate::job::{Asker, Job, JobId, Request, Status};

/// What came of offering a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is durable as this job.
    New(JobId),
    /// This delivery had already been accepted, as this job.
    Again(JobId),
}

impl Accepted {
    /// The job.
    pub fn id(self) -> JobId {
        match self {
            Self::New(id) | Self::Again(id) => id,
        }
    }
}

/// Why a request was not accepted, or a job not moved.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Too many wait: refuse early, kindly.
    #[error("{waiting} requests are waiting, which is as many as the queue takes")]
    Full {
        /// How many.
        waiting: usize,
    },
    /// What waits has waited too long for more to be taken in: refuse early, kindly.
    #[error("the oldest request has waited for {} s, and more would only wait longer", age.as_secs())]
    Behind {
        /// How long it has waited.
        age: Duration,
    },
    /// The disk or the server would not.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and on which file.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The servers cannot be used as they are.
    #[error("{what}")]
    Unusable {
        /// What is amiss, and what to do.
        what: String,
    },
    /// A file that cannot be read as a job; it was set aside.
    #[error("{what}")]
    Damaged {
        /// Which file, why, and where it is now.
        what: String,
    },
    /// Another process holds this role on this data directory.
    #[error("{what}")]
    Held {
        /// Who, and what to do.
        what: String,
    },
    /// What is to be forgotten is under way.
    #[error("{0} of their requests are under way: erase when they have ended")]
    UnderWay(usize),
    /// Another worker has this job now: nothing more may be done for it here.
    #[error("job {0} was taken over by another worker")]
    Lost(JobId),
    /// A job has grown larger than the servers take.
    #[error(
        "job {id} has grown to {size} bytes, and the servers take {most} (`max_payload` in the configuration of NATS)"
    )]
    TooBig {
        /// Which.
        id: JobId,
        /// How large it is.
        size: usize,
        /// How large it may be.
        most: usize,
    },
    /// There is no such job in that state.
    #[error("there is no job {0} to do that to")]
    NoSuchJob(JobId),
}

/// How much may wait before more is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// So many requests.
    pub most: usize,
    /// And none for longer than this: whoever asks now would wait at least as long.
    pub oldest: Duration,
}

/// What a process does with the queue. A process without a role may look, and bring failed jobs back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// It accepts requests.
    pub web: bool,
    /// It takes jobs up, and takes drop-ins in.
    pub worker: bool,
}

impl Roles {
    /// One process that does both.
    pub const BOTH: Self = Self { web: true, worker: true };
    /// A process that only looks.
    pub const NONE: Self = Self { web: false, worker: false };
}

/// How a job ended, for the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Done or refused by rule: kept for a while.
    Done,
    /// Failed: kept until someone looks.
    Failed,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Accepted, not taken up.
    pub waiting: usize,
    /// Taken up.
    pub working: usize,
    /// Failed, kept for a person to look at.
    pub failed: usize,
    /// Age of the oldest waiting request, milliseconds.
    pub oldest_ms: u64,
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// `new/`
    New,
    /// `work/`
    Work,
    /// `done/`
    Done,
    /// `failed/`
    Failed,
}

/// Where requests wait. Two roles use it, perhaps in two processes: who accepts (web) and who takes up (worker).
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes a request; durable when this returns `Ok`. The same `request.delivery` twice is one job.
    async fn accept(&self, request: Request) -> Result<Accepted, QueueError>;

    /// The next job to take up, waiting until there is one: oldest first, fair between askers, never before its `not_before`; a request the
    /// coach has not decided yet, and that waits for its time, holds back what its asker sent later; with several workers, whichever of them has it. A job that
    /// was under way at a crash comes with its progress. Cancel-safe: a dropped call takes nothing.
    async fn next(&self) -> Result<Job, QueueError>;

    /// Writes down a job's progress, durably, while it is taken up.
    async fn checkpoint(&self, job: &Job) -> Result<(), QueueError>;

    /// Ends a job: its last state is durable, and it is no longer taken up.
    async fn finish(&self, job: &Job, ended: Ended) -> Result<(), QueueError>;

    /// Puts a taken-up job back to wait (a shutdown, or a retry with its `not_before`), its progress kept.
    async fn hand_back(&self, job: &Job) -> Result<(), QueueError>;

    /// No more jobs are taken up in this process: what it has and nobody was given goes back to wait, for others.
    async fn close(&self) {}

    /// Forgets a job that was lost to another worker ([`QueueError::Lost`], or the store's refusal).
    fn let_go(&self, _job: JobId) {}

    /// Has a job that was taken up here, and that nobody is at any more (its task panicked), taken up again in a moment, with its progress as last written down.
    async fn take_back(&self, job: JobId);

    /// What the same asker sent before this job and has not ended, nor waits for a moment to come; empty where one process has all of it, whose own order
    /// does.
    async fn unfinished_before(&self, _job: &Job) -> Result<Vec<Job>, QueueError> {
        Ok(Vec::new())
    }

    /// Says whether this process can end what it takes up; others may ask.
    fn can_work(&self, _can: bool) {}

    /// Whether another process that takes jobs up says that it can.
    async fn another_can(&self) -> bool {
        false
    }

    /// A job wherever it is, from the moment it was accepted, as last written down.
    async fn find(&self, id: JobId) -> Result<Option<Job>, QueueError>;

    /// Jobs in a state, newest first.
    async fn list(&self, state: State, limit: usize) -> Result<Vec<Job>, QueueError>;

    /// Brings a failed job back, its error cleared, its attempts at 0, its progress kept.
    async fn retry(&self, id: JobId) -> Result<(), QueueError>;

    /// Every job of some askers, wherever it is.
    async fn of_askers(&self, askers: &[Asker]) -> Result<Vec<(State, Job)>, QueueError>;

    /// Removes whatever is kept of some jobs and their askers; that a delivery was accepted stays known. What waits or is taken up is not touched: then
    /// nothing is removed, unless no engine can be running. Gives how many files are gone.
    async fn forget(&self, jobs: &[JobId], askers: &[Asker], slugs: &[String]) -> Result<usize, QueueError>;

    /// How much there is.
    async fn depth(&self) -> Result<Depth, QueueError>;
}

/// Clears what ended a job; its progress stays.
fn revive(job: &mut Job) {
    job.status = Status::Queued;
    job.error = None;
    job.attempts = 0;
    job.not_before = None;
    job.finished_at = None;
    // Whoever brings it back has mended something: it runs on what is in force.
    job.generation = None;
}
