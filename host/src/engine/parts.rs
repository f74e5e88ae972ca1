//! What every job shares: the adapters, the generation in force, the orders and shares, and the patience with a store that is away for a while.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Failure, Generation, Generations, Pulse, generations::OnRecord, lanes::Lanes, shares::Shares, view};
use crate::{
    adapter::{
        queue::Queue,
        sms::Sms,
        store::{self, PersonId, Store},
    },
    config::Checked,
    job::{Asker, Job, Millis},
    plugin::Recordings,
};

/// What the engine works on and with.
pub struct Outside {
    /// Where requests wait.
    pub queue: Arc<dyn Queue>,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The carrier.
    pub sms: Arc<dyn Sms>,
    /// What plugins were asked and answered.
    pub recordings: Arc<Recordings>,
    /// Said when the engine should end.
    pub stopping: CancellationToken,
}

/// Puts a generation together again from its record, for a job that began on it before a restart.
pub trait Rebuild: Send + Sync {
    /// The generation as part of a process that stands on `now`, or why it cannot be had any more. Blocking: call it off the async threads.
    fn rebuild(&self, record: &OnRecord, now: &Checked) -> Result<Generation, String>;
}

/// What every job shares.
pub struct Parts {
    /// Where requests wait.
    pub queue: Arc<dyn Queue>,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The carrier.
    pub sms: Arc<dyn Sms>,
    /// What jobs run on.
    pub generations: Arc<Generations>,
    /// Puts a generation together again that is on record, and knows where its parts are.
    pub rebuild: Arc<dyn Rebuild>,
    /// Many jobs of one generation may come back at once: it is put together once.
    pub(super) rebuilding: tokio::sync::Mutex<()>,
    /// What plugins were asked and answered.
    pub recordings: Arc<Recordings>,
    /// Said when the engine should end.
    pub stopping: CancellationToken,
    /// What the stages do.
    pub pulse: Arc<Pulse>,
    /// Wakes the sender.
    pub outbox: Notify,
    pub(super) decisions: Lanes<Asker>,
    pub(super) edits: Lanes<(PersonId, String)>,
    pub(super) shares: Shares,
}

impl Parts {
    /// Over the given adapters.
    pub fn new(outside: Outside, generations: Arc<Generations>, rebuild: Arc<dyn Rebuild>) -> Arc<Self> {
        let Outside { queue, store, sms, recordings, stopping } = outside;
        let shares = Shares::new(generations.current().pipeline.queue.per_user);
        Arc::new(Self {
            queue,
            store,
            sms,
            generations,
            rebuild,
            rebuilding: tokio::sync::Mutex::default(),
            recordings,
            stopping,
            pulse: Arc::default(),
            outbox: Notify::new(),
            decisions: Lanes::default(),
            edits: Lanes::default(),
            shares,
        })
    }

    /// Asks the store again and again while it is away: an outage delays jobs and uses up no attempt.
    pub async fn patiently<T, Asked>(&self, mut ask: impl FnMut() -> Asked) -> Result<T, Failure>
    where
        Asked: Future<Output = store::Result<T>>,
    {
        let mut wait = Duration::from_millis(100);
        loop {
            match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, again_in_ms = wait.as_secs_f64() * 1e3, "the store is away: waiting");
                    self.pause(wait).await?;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes a job's progress down; waits while the disk will not have it, since going on without would risk paying twice.
    pub async fn checkpoint(&self, job: &Job) -> Result<(), Failure> {
        let mut wait = Duration::from_millis(100);
        while let Err(error) = self.queue.checkpoint(job).await {
            tracing::error!(job = %job.id, %error, again_in_ms = wait.as_secs_f64() * 1e3, "progress not written down: waiting");
            self.pause(wait).await?;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
        Ok(())
    }

    /// Tells those who watch. Progress on the way is told once, as well as the store can; nothing waits for it.
    pub async fn tell(&self, job: &Job, event: &str) {
        let data = view::job_view(job, None, view::Eyes::Owner);
        if let Err(error) = self.store.add_event(job.id, event, data, Millis::now()).await {
            tracing::debug!(job = %job.id, event, %error, "progress event not written");
        }
    }

    /// Waits, unless the engine stops.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.stopping.cancelled() => Err(Failure::Stopping),
        }
    }
}
