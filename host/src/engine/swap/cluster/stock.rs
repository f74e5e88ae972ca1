//! Plugins that only the bucket has: what pipeline.toml may name although this machine never had it is kept here, so that a file that names it holds.

use std::sync::PoisonError;

use super::{super::Swaps, Cluster};
use crate::{
    adapter::bucket::{Bucket, BucketError},
    config::Checked,
    job::Millis,
    plugin::{
        self, Shelf,
        ledger::{Ledger, Version},
        signature::Trust,
    },
};

/// Why what the bucket says of a plugin is not kept here.
#[derive(Debug, thiserror::Error)]
pub enum NotStocked {
    /// The bucket.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// It may not be let in, or the disk will not have it.
    #[error("{0}")]
    Unfit(String),
}

/// Keeps what the bucket says is in force of the plugins a pipeline names and this machine has nothing of. Before there is an engine: whoever calls it holds the
/// worker's lock.
pub async fn stock(bucket: &dyn Bucket, pipeline: &Checked) -> Result<(), NotStocked> {
    let unfit = |error: &dyn std::fmt::Display| NotStocked::Unfit(error.to_string());
    let shelf = Shelf::new(&pipeline.data_dir);
    let mut ledger = Ledger::open(&pipeline.data_dir).map_err(|error| unfit(&error))?;
    let trust = Trust::open(&pipeline.plugins.keys, shelf.dir()).map_err(|error| unfit(&error))?;
    for source in crate::engine::sources(pipeline) {
        let Some(name) = super::name_in(&source) else { continue };
        if ledger.entry(name).is_some() || plugin::component(&source, &pipeline.plugins.dir, &shelf).is_ok() {
            continue;
        }
        if let Some((bytes, version)) = found(bucket, name, &trust).await? {
            shelf.keep(&bytes).map_err(|error| unfit(&error))?;
            ledger.in_force(name, version).map_err(|error| unfit(&error))?;
        }
    }
    Ok(())
}

/// What the bucket says is in force, where it may be let in.
async fn found(bucket: &dyn Bucket, name: &str, trust: &Trust) -> Result<Option<(Vec<u8>, Version)>, NotStocked> {
    let Some(said) = bucket.said(name).await? else { return Ok(None) };
    let bytes = bucket.component(&said.standing.in_force.digest).await?;
    let about = plugin::about(&bytes).map_err(|error| NotStocked::Unfit(format!("{name}: {error}")))?;
    if !plugin::is_built_in(&bytes) {
        trust.admit(&bytes, Some(name), about.role).map_err(|error| NotStocked::Unfit(format!("{name}: {error}")))?;
    }
    let version =
        Version { digest: said.standing.in_force.digest.clone(), version: about.version, since: Millis::now() };
    Ok(Some((bytes, version)))
}

impl Swaps {
    /// The same for a plugin that no stage names yet. Where pipeline.toml was refused, this may be what it lacked.
    pub(super) async fn stock(&self, cluster: &Cluster, name: &str) -> Result<(), BucketError> {
        if self.ledger().entry(name).is_some() {
            return Ok(());
        }
        let (bytes, version) = match found(&*cluster.bucket, name, &self.trust).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(NotStocked::Bucket(error)) if error.is_transient() => return Err(error),
            Err(error) => {
                tracing::warn!(plugin = name, %error, "the bucket has a plugin that no stage names here, and it would not be let in");
                return Ok(());
            }
        };
        let kept = self.keep(bytes).await.map_err(|error| error.to_string());
        let noted = kept.and_then(|()| self.ledger().in_force(name, version).map_err(|error| error.to_string()));
        if let Err(error) = noted {
            tracing::warn!(plugin = name, %error, "a plugin that no stage names yet could not be kept");
        } else if self.lacked.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            self.look.notify_one();
        }
        Ok(())
    }
}
