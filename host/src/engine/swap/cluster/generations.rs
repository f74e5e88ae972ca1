//! Generations across nodes: a job that begins here and is taken up again elsewhere ends on the stages and versions it began with.
//!
//! What a generation is made of is put into the bucket, its components too. Of pipeline.toml only the digest goes there: it names providers and addresses, and
//! those come from no place others may write to. A node that never had that text puts the versions together with its own.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    super::{Swaps, signed_name},
    Cluster,
};
use crate::{
    adapter::bucket::{BucketError, is_digest},
    engine::{Elsewhere, GenerationId, OnRecord, sources},
    job::Millis,
    plugin::{self, SourceError},
};

/// No pipeline has more plugins.
const MOST: usize = 200;

/// What is in use is put there again this often: records age.
const AGAIN: Duration = Duration::from_hours(1);

/// What a generation is made of, as all may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Recipe {
    format: Format,
    at: Millis,
    /// SHA-256 of pipeline.toml, unexpanded.
    pipeline: String,
    /// Digests by what it calls the plugins.
    plugins: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "wtaf-generation-1")]
    V1,
}

impl Recipe {
    fn of(record: &OnRecord) -> Self {
        let pipeline = digest_of_text(&record.pipeline);
        Self { format: Format::V1, at: record.at, pipeline, plugins: record.plugins.clone() }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        let fits = read.plugins.len() <= MOST && read.plugins.values().all(|digest| is_digest(digest));
        fits.then_some(read)
    }
}

/// The components that a generation needs, by what the bucket keeps of it.
pub(super) fn digests_in(recipe: &[u8]) -> Vec<String> {
    Recipe::read(recipe).map(|recipe| recipe.plugins.into_values().collect()).unwrap_or_default()
}

fn digest_of_text(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

impl Swaps {
    /// Puts what jobs begin on here where other nodes find it, until the engine stops.
    pub(super) async fn share_until(self: Arc<Self>, stopping: CancellationToken) {
        let Some(cluster) = self.cluster.clone() else { return };
        let mut kept = HashSet::new();
        let mut owed: BTreeSet<GenerationId> = BTreeSet::new();
        let mut again = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.generations.recorded.notified() => {}
                _ = tick.tick() => {}
            }
            owed.extend(self.generations.take_recorded());
            if again <= Instant::now() {
                owed.insert(self.generations.current().id.clone());
                again = Instant::now() + AGAIN;
            }
            while let Some(id) = owed.first().cloned() {
                // A component may take a while to go over, and an engine that stops does not wait for it.
                let shared = tokio::select! {
                    () = stopping.cancelled() => return,
                    shared = self.share(&cluster, &id, &mut kept) => shared,
                };
                if let Err(error) = shared {
                    tracing::debug!(generation = %id, %error, "not put where other nodes find it: tried again");
                    break;
                }
                owed.remove(&id);
            }
        }
    }

    async fn share(&self, cluster: &Cluster, id: &GenerationId, kept: &mut HashSet<String>) -> Result<(), BucketError> {
        let Ok(Some(record)) = self.generations.on_record(id) else { return Ok(()) };
        for digest in record.plugins.values() {
            if kept.contains(digest) {
                continue;
            }
            let (workshop, wanted) = (Arc::clone(&self.workshop), digest.clone());
            let bytes = tokio::task::spawn_blocking(move || workshop.registry().component(&wanted)).await;
            let Ok(Ok(bytes)) = bytes else { continue };
            cluster.bucket.keep(digest, &bytes).await?;
            kept.insert(digest.clone());
        }
        // A handful of names and digests.
        let recipe = serde_json::to_vec(&Recipe::of(&record)).unwrap_or_default();
        cluster.bucket.keep_generation(&id.to_string(), &recipe).await
    }

    /// The text of pipeline.toml with this digest, where this node ever had it.
    fn text_of(&self, digest: &str) -> Option<String> {
        let now = self.generations.current().pipeline.text().to_owned();
        if digest_of_text(&now) == digest {
            return Some(now);
        }
        self.generations.texts().into_iter().find(|text| digest_of_text(text) == digest)
    }

    /// A component that a job elsewhere ran on: where this node lacks it, it passes the checks of one that is gone back to.
    async fn have(&self, cluster: &Cluster, key: &str, digest: &str) -> Result<(), String> {
        let (workshop, wanted) = (Arc::clone(&self.workshop), digest.to_owned());
        let here = tokio::task::spawn_blocking(move || workshop.registry().component(&wanted)).await;
        match here.map_err(|error| error.to_string())? {
            Ok(_) => return Ok(()),
            Err(SourceError::NotKept { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
        let bytes = cluster.bucket.component(digest).await.map_err(|error| error.to_string())?;
        let about = plugin::about(&bytes).map_err(|error| error.to_string())?;
        let known = sources(&self.generations.current().pipeline);
        let name = known.iter().find(|source| source.key() == key).and_then(signed_name);
        self.trust.admit_again(&bytes, name.as_deref(), about.role).map_err(|error| error.to_string())?;
        self.keep(bytes).await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Elsewhere for Swaps {
    async fn on_record(&self, id: &GenerationId) -> Result<Option<OnRecord>, String> {
        let Some(cluster) = self.cluster.clone().filter(|_| id.is_plain()) else { return Ok(None) };
        let kept = cluster.bucket.generation(&id.to_string()).await.map_err(|error| error.to_string())?;
        let Some(kept) = kept else { return Ok(None) };
        let recipe = Recipe::read(&kept).ok_or("what the bucket keeps of it is not what a node of ours writes")?;
        for (key, digest) in &recipe.plugins {
            self.have(&cluster, key, digest).await?;
        }
        let pipeline = self.text_of(&recipe.pipeline).unwrap_or_else(|| {
            tracing::warn!(generation = %id, "it began with a pipeline.toml this node never had: the same plugins, with the pipeline.toml here");
            self.generations.current().pipeline.text().to_owned()
        });
        Ok(Some(OnRecord { at: recipe.at, pipeline, plugins: recipe.plugins }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_read_of_a_generation_holds_no_word_of_the_pipeline() {
        let plugins: BTreeMap<_, _> = [("slug".to_owned(), "a".repeat(64))].into();
        let record = OnRecord { at: Millis(1), pipeline: "api_key = \"secret\"".into(), plugins: plugins.clone() };

        let kept = serde_json::to_vec(&Recipe::of(&record)).unwrap();

        assert!(!String::from_utf8_lossy(&kept).contains("secret"));
        assert_eq!(Recipe::read(&kept).unwrap().plugins, plugins);
    }

    #[test]
    fn a_recipe_that_names_no_digests_is_none() {
        let recipe = |digest: &str| {
            format!(
                r#"{{"format":"wtaf-generation-1","at":"2026-01-01T00:00:00Z","pipeline":"","plugins":{{"slug":"{digest}"}}}}"#
            )
        };
        assert!(Recipe::read(recipe(&"a".repeat(64)).as_bytes()).is_some());
        assert!(Recipe::read(recipe("../../in-force.json").as_bytes()).is_none());
    }
}
