//! What every job shares: the adapters, the generation in force, the orders and shares, and the patience with a store that is away for a while.

use std::{future::Future, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Failure, Generation, lanes::Lanes, shares::Shares, view};
use crate::{
    adapter::{
        ai::Ai,
        queue::Queue,
        sms::Sms,
        store::{self, PersonId, Store},
    },
    job::{Asker, Job, Millis},
};

/// What every job shares.
pub struct Parts {
    /// Where requests wait.
    pub queue: Arc<dyn Queue>,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The chain of providers.
    pub ai: Arc<dyn Ai>,
    /// The carrier.
    pub sms: Arc<dyn Sms>,
    /// What new jobs run on.
    pub generation: ArcSwap<Generation>,
    /// Said when the engine should end.
    pub stopping: CancellationToken,
    /// Wakes the sender.
    pub outbox: Notify,
    pub(super) decisions: Lanes<Asker>,
    pub(super) edits: Lanes<(PersonId, String)>,
    pub(super) shares: Shares,
}

impl Parts {
    /// Over the given adapters.
    pub fn new(
        generation: Generation,
        queue: Arc<dyn Queue>,
        store: Arc<dyn Store>,
        ai: Arc<dyn Ai>,
        sms: Arc<dyn Sms>,
        stopping: CancellationToken,
    ) -> Arc<Self> {
        let shares = Shares::new(generation.pipeline.queue.per_user);
        Arc::new(Self {
            queue,
            store,
            ai,
            sms,
            generation: ArcSwap::from_pointee(generation),
            stopping,
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

    async fn pause(&self, wait: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.stopping.cancelled() => Err(Failure::Stopping),
        }
    }
}
