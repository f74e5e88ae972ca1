//! A job's plugin calls, put again to the versions that answered them, or to others: nothing but the sandbox runs. No AI is asked, nobody is told, no page
//! is written.

use std::sync::Arc;

use serde_json::Value;

use super::Swaps;
use crate::{
    config::Checked,
    job::JobId,
    plugin::{Grants, Limits, Plugin, Recorded},
};

/// The versions that are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// Those that answered.
    Recorded,
    /// Those in force now.
    InForce,
    /// Those before the ones in force; where there is none before, the one that answered.
    Before,
}

/// One call, then and now.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// As it was recorded.
    pub recorded: Recorded,
    /// The version that was asked now.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// What it answers now.
    pub now: Value,
    /// What was answered then.
    pub then: Value,
}

impl Replayed {
    /// To the byte: what is recorded is compared as it is written.
    pub fn same(&self) -> bool {
        let (now, then) = (self.now.to_string(), self.then.to_string());
        now == then
    }
}

/// Why a job cannot be run again.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// Nothing is recorded of it.
    #[error("nothing is recorded of this job: plugins.record says how many jobs are kept")]
    Nothing,
    /// Without the words there is nothing to ask.
    #[error("this job was recorded without words (plugins.record_words), so it cannot be run again")]
    WithoutWords,
    /// A version is not to be had any more.
    #[error("{plugin} {digest:.12} cannot be had any more: {why}")]
    Gone {
        /// Which plugin.
        plugin: String,
        /// Which version.
        digest: String,
        /// Why not.
        why: String,
    },
    /// The disk.
    #[error("the recordings: {0}")]
    Disk(#[from] std::io::Error),
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

impl Swaps {
    /// Runs a job's plugin calls again.
    pub async fn replay(self: &Arc<Self>, id: JobId, versions: Versions) -> Result<Vec<Replayed>, NotReplayed> {
        let recordings = Arc::clone(&self.recordings);
        let calls =
            tokio::task::spawn_blocking(move || recordings.of(id)).await.map_err(|_| NotReplayed::Stopping)??;
        if calls.is_empty() {
            return Err(NotReplayed::Nothing);
        }
        if calls.iter().any(|call| call.without_words) {
            return Err(NotReplayed::WithoutWords);
        }
        let pipeline = Arc::clone(&self.generations.current().pipeline);
        let mut replayed = Vec::with_capacity(calls.len());
        for recorded in calls {
            let plugin = self.asked_again(&recorded, versions).await?;
            let (limits, grants) = allowed(&pipeline, &recorded.stage);
            let asked = plugin.ask(Arc::new(recorded.call(limits, grants))).await;
            replayed.push(Replayed {
                version: plugin.about.version.clone(),
                digest: plugin.digest.clone(),
                now: asked.came_of_it(),
                then: recorded.came_of_it(),
                recorded,
            });
        }
        Ok(replayed)
    }

    async fn asked_again(
        self: &Arc<Self>,
        recorded: &Recorded,
        versions: Versions,
    ) -> Result<Arc<Plugin>, NotReplayed> {
        let digest = match versions {
            Versions::Recorded => None,
            Versions::InForce => {
                self.generations.current().plugins().get(&recorded.plugin).map(|plugin| plugin.digest.clone())
            }
            Versions::Before => {
                let ledger = self.ledger();
                ledger.entry(&recorded.plugin).and_then(|entry| Some(entry.before.first()?.digest.clone()))
            }
        };
        let digest = digest.unwrap_or_else(|| recorded.digest.clone());
        let (workshop, name, wanted) = (Arc::clone(&self.workshop), recorded.plugin.clone(), digest.clone());
        let loaded = tokio::task::spawn_blocking(move || workshop.registry().version(&name, &wanted)).await;
        loaded.map_err(|_| NotReplayed::Stopping)?.map_err(|error| NotReplayed::Gone {
            plugin: recorded.plugin.clone(),
            digest,
            why: error.to_string(),
        })
    }
}

fn allowed(pipeline: &Checked, stage: &str) -> (Limits, Grants) {
    let stage = pipeline.stages.iter().find(|known| known.name == stage);
    stage.map(|stage| (Limits::of(&pipeline.plugins, stage), Grants::of(stage))).unwrap_or_default()
}
