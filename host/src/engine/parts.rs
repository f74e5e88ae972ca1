//! What every job shares: the adapters, the generation in force, the orders and shares, and the patience with a store that is away for a while.

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    Failure, Generation, GenerationId, Generations, Pulse,
    at_work::{self, Places},
    common::Common,
    generations::OnRecord,
    lanes::Lanes,
    outage::Outage,
    shares::Shares,
};
use crate::{
    adapter::{
        queue::{Queue, QueueError},
        sms::Sms,
        store::{self, PersonId, Store},
    },
    config::Checked,
    job::{Asker, Job},
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
    /// Where other nodes put what their generations are made of.
    pub elsewhere: Option<Arc<dyn Elsewhere>>,
    /// Said when the engine should end.
    pub stopping: CancellationToken,
}

/// Knows generations that other nodes began jobs on.
#[async_trait]
pub trait Elsewhere: Send + Sync {
    /// Its record, with every component of it at hand; `None` where nobody knows of it.
    async fn on_record(&self, id: &GenerationId) -> Result<Option<OnRecord>, String>;
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
    /// The database, for what is no job's own: a job reads and writes through [`super::walk::Walk::store`].
    pub store: Arc<dyn Store>,
    /// The carrier.
    pub sms: Arc<dyn Sms>,
    /// What jobs run on.
    pub generations: Arc<Generations>,
    /// Puts a generation together again that is on record, and knows where its parts are.
    pub rebuild: Arc<dyn Rebuild>,
    /// Where other nodes put what their generations are made of.
    pub(super) elsewhere: Option<Arc<dyn Elsewhere>>,
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
    pub(super) places: Places,
    /// The rules that AIs are told.
    pub(super) rules: Common,
    pub(super) outage: Outage,
}

impl Parts {
    /// Over the given adapters.
    pub fn new(outside: Outside, generations: Arc<Generations>, rebuild: Arc<dyn Rebuild>) -> Arc<Self> {
        let Outside { queue, store, sms, recordings, elsewhere, stopping } = outside;
        let shares = Shares::new(generations.current().pipeline.queue.per_user);
        Arc::new(Self {
            queue,
            store,
            sms,
            generations,
            rebuild,
            elsewhere,
            rebuilding: tokio::sync::Mutex::default(),
            recordings,
            stopping,
            pulse: Arc::default(),
            outbox: Notify::new(),
            decisions: Lanes::default(),
            edits: Lanes::default(),
            shares,
            places: Places::for_this_machine(),
            rules: Common::default(),
            outage: Outage::default(),
        })
    }

    /// Asks the store again and again while it is away: an outage delays jobs and uses up no attempt. Where it is away for this engine alone, the job is left to
    /// the others.
    pub async fn patiently<T, Asked>(&self, mut ask: impl FnMut() -> Asked) -> Result<T, Failure>
    where
        Asked: Future<Output = store::Result<T>>,
    {
        let mut wait = Duration::from_millis(100);
        loop {
            match ask().await {
                Ok(answer) => {
                    self.outage.is_over(&*self.queue);
                    return Ok(answer);
                }
                Err(error) if error.is_transient() => {
                    self.outage.goes_on(&*self.queue);
                    tracing::warn!(%error, again_in_ms = wait.as_secs_f64() * 1e3, "the store is away: waiting");
                    self.pause(wait).await?;
                    if at_work::aside(self.is_cut_off()).await {
                        return Err(Failure::CutOff);
                    }
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the store has been away for a while, and is there for another engine that shares the work.
    pub(super) async fn is_cut_off(&self) -> bool {
        self.outage.is_ours_alone(&*self.queue).await
    }

    /// Writes a job's progress down; waits while the disk will not have it, since going on without would risk paying twice.
    pub async fn checkpoint(&self, job: &Job) -> Result<(), Failure> {
        let mut wait = Duration::from_millis(100);
        while let Err(error) = self.queue.checkpoint(job).await {
            if matches!(error, QueueError::Lost(_) | QueueError::TooBig { .. }) {
                return Err(error.into());
            }
            tracing::error!(job = %job.id, %error, again_in_ms = wait.as_secs_f64() * 1e3, "progress not written down: waiting");
            self.pause(wait).await?;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
        Ok(())
    }

    /// Waits, unless the engine stops. A job holds no place meanwhile.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), Failure> {
        at_work::aside(async {
            tokio::select! {
                () = tokio::time::sleep(wait) => Ok(()),
                () = self.stopping.cancelled() => Err(Failure::Stopping),
            }
        })
        .await
    }
}
