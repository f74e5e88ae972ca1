//! The engine: takes requests in, moves each job through its stages, tells the person.
//!
//! Everything outside comes through the traits of [`crate::adapter`]; everything that decides comes through [`crate::plugin`].

mod at_work;
mod common;
mod consult;
mod decide;
mod failure;
mod forget;
mod generation;
mod generations;
mod lanes;
mod make;
mod measures;
mod notify;
mod outage;
pub mod own_words;
mod panics;
mod parts;
pub mod people;
mod publish;
pub mod pulse;
mod room;
mod runner;
mod sender;
mod shares;
mod sign_in;
mod speech;
mod step_back;
pub mod swap;
mod telling;
mod translate;
mod trial;
mod view;
mod walk;
mod workshop;

pub use failure::Failure;
pub use generation::{Generation, GenerationId, NotLoaded, Plugins, Ready};
pub use generations::{Generations, InForce, OnRecord};
pub use parts::{Elsewhere, Outside, Parts, Rebuild};
pub use pulse::Pulse;
pub use runner::{Runner, see_through};
pub use sign_in::{CODE_OCCASION, CodeLimit};
pub use trial::{Counts, Difference, Mode, Trial, Verdict};
pub use view::{Eyes, for_anyone, job_view};
pub use workshop::{AssemblyError, Components, Providers, Workshop, sources};

use std::{net::IpAddr, sync::Arc, time::Duration};

use crate::{
    adapter::{
        queue::{Accepted, Depth, Queue, QueueError},
        sms::Sms,
        store::{Allowance, Spent, Store, StoreError},
    },
    config::Checked,
    job::{GuestKey, Job, JobId, JobIds, Millis, Request},
    telemetry::traces,
};

/// What the interfaces (web, command line) talk to.
pub struct Engine {
    pipeline: Arc<Checked>,
    queue: Arc<dyn Queue>,
    store: Arc<dyn Store>,
    sms: Arc<dyn Sms>,
    asks: JobIds,
    swaps: Option<Arc<swap::Swaps>>,
    pulse: Option<Arc<Pulse>>,
    room: room::Gauge,
}

/// Why the engine could not say.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The queue could not be read.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A guest's address has used up its hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this address has asked as often as guests may in an hour")]
pub struct GuestLimit {
    /// When the next one fits.
    pub again: Millis,
}

/// How the engine is, for `/readyz` and `/metrics`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Whether it takes requests and can work on them.
    pub ready: bool,
    /// One line a part: (`queue`, `store`, `worker`…, what is wrong or `ok`).
    pub parts: Vec<(String, String)>,
}

impl Engine {
    /// Over the given parts; [`crate::engine`]'s runner is started apart, so that a process may be web only.
    pub fn new(pipeline: Arc<Checked>, queue: Arc<dyn Queue>, store: Arc<dyn Store>, sms: Arc<dyn Sms>) -> Self {
        Self {
            pipeline,
            queue,
            store,
            sms,
            asks: JobIds::default(),
            swaps: None,
            pulse: None,
            room: room::Gauge::default(),
        }
    }

    /// With the half that swaps plugins, where this process works on jobs.
    #[must_use]
    pub fn with_swaps(mut self, swaps: Arc<swap::Swaps>) -> Self {
        self.swaps = Some(swaps);
        self
    }

    /// With what the stages do, where this process works on jobs.
    #[must_use]
    pub fn with_pulse(mut self, pulse: Arc<Pulse>) -> Self {
        self.pulse = Some(pulse);
        self
    }

    /// What the stages do, where this process works on jobs.
    pub fn pulse(&self) -> Option<&Pulse> {
        self.pulse.as_deref()
    }

    /// What swaps plugins, where this process works on jobs.
    pub fn swaps(&self) -> Option<&Arc<swap::Swaps>> {
        self.swaps.as_ref()
    }

    /// The pipeline as it was at the start: what the process itself stands on (where it listens, the database, the carrier) does not change after that.
    pub fn pipeline(&self) -> &Arc<Checked> {
        &self.pipeline
    }

    /// The database, for what the interfaces read and show.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The queue.
    pub fn queue(&self) -> &Arc<dyn Queue> {
        &self.queue
    }

    /// The carrier.
    pub fn sms(&self) -> &Arc<dyn Sms> {
        &self.sms
    }

    /// Takes a request in. It is durable when this returns `Ok`; neither the database nor an AI need be up.
    pub async fn accept(&self, request: Request) -> Result<Accepted, QueueError> {
        let source = request.source;
        let accepted = self.queue.accept(request).await;
        let outcome = match &accepted {
            Ok(Accepted::New(id)) => {
                traces::accepted(*id, source);
                "accepted"
            }
            Ok(Accepted::Again(_)) => "again",
            Err(QueueError::Full { .. }) => "full",
            Err(QueueError::Behind { .. }) => "behind",
            Err(_) => "failed",
        };
        metrics::counter!("wtaf_requests_total", "source" => source.as_str(), "outcome" => outcome).increment(1);
        accepted
    }

    /// Whether a guest at this address may ask once more; counts it. The address is kept only as a digest. With the store down the answer is yes: the
    /// person's own limits are checked again before any AI is called.
    pub async fn admit_guest(&self, address: IpAddr) -> Result<(), GuestLimit> {
        let in_force = self.swaps.as_ref().map(|swaps| Arc::clone(&swaps.generations().current().pipeline));
        let limits = &in_force.as_ref().unwrap_or(&self.pipeline).limits;
        if !limits.enabled {
            return Ok(());
        }
        let key = format!("address:{}", GuestKey::of_token(&address.to_string()).as_str());
        let hour = Allowance { per: "hour", span: Duration::from_hours(1), most: limits.guest_per_hour };
        let now = Millis::now();
        match self.store.spend(&key, self.asks.next(now), &[hour], now).await {
            Ok(Spent::Over { again, .. }) => Err(GuestLimit { again }),
            Ok(Spent::Fits) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "guest limit not checked");
                Ok(())
            }
        }
    }

    /// A job, from the moment it was accepted, across restarts, also when the queue has forgotten it.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, LookupError> {
        match self.queue.find(id).await? {
            Some(job) => Ok(Some(job)),
            None => Ok(self.store.job(id).await?),
        }
    }

    /// How much waits.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        self.queue.depth().await
    }

    /// How it is.
    pub async fn health(&self) -> Health {
        let store = self.store.ping().await.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        let queue = self.queue.depth().await.map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        let disk = self.room.of(&self.pipeline).await;
        let ready = store == "ok" && queue == "ok" && disk.as_deref().is_none_or(|disk| disk == "ok");
        let mut parts = vec![("store".into(), store), ("queue".into(), queue)];
        parts.extend(disk.map(|disk| ("disk".into(), disk)));
        // A node that runs an older version of a plugin than the others serves all the same: shown, and no reason to send nobody here.
        parts.extend(
            self.swaps.as_ref().and_then(|swaps| swaps.bucket_health()).map(|health| ("plugins".into(), health)),
        );
        Health { ready, parts }
    }
}
