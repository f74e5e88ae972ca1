//! Components that nobody needs any more leave the bucket: those no plugin's key names, no generation that a job may have begun on, and no node's own line.
//!
//! A node that was away for longer than generations are kept has what it ran on its own disk, and asks only for what is in force.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{super::Swaps, generations::digests_in};
use crate::{
    adapter::bucket::{Bucket, BucketError},
    job::Millis,
};

/// Any node does it; which does not matter, and twice is once.
const EVERY: Duration = Duration::from_hours(6);
const FIRST: Duration = Duration::from_mins(10);

/// Nothing younger goes: whoever installs a version puts its component there before anything names it.
const YOUNG: Duration = Duration::from_hours(24);

impl Swaps {
    /// Clears away what is not needed, until the engine stops.
    pub(super) async fn prune_until(self: Arc<Self>, stopping: CancellationToken) {
        let Some(cluster) = self.cluster.clone() else { return };
        let mut wait = FIRST;
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(wait) => wait = EVERY,
            }
            let pruned = tokio::select! {
                () = stopping.cancelled() => return,
                pruned = prune(&*cluster.bucket, YOUNG) => pruned,
            };
            match pruned {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "components that nobody needs any more removed from the bucket"),
                Err(error) => tracing::debug!(%error, "components that nobody needs stay in the bucket for now"),
            }
        }
    }
}

/// Removes components that nobody needs and that are not young. Gives how many.
pub async fn prune(bucket: &dyn Bucket, young: Duration) -> Result<usize, BucketError> {
    let (there, now, mut removed) = (bucket.components().await?, Millis::now(), 0);
    // Asked after the list: what is named meanwhile is seen.
    let needed = needed(bucket).await?;
    for (digest, at) in there {
        if needed.contains(&digest) || now.since(at) < young {
            continue;
        }
        // What cannot be read is of no use to whoever might want it.
        let bytes = bucket.component(&digest).await.ok();
        bucket.discard(&digest).await?;
        // Someone may have installed it again at this very moment, and found it there.
        match bytes {
            Some(bytes) if self::needed(bucket).await?.contains(&digest) => {
                bucket.keep(&digest, &bytes).await?;
            }
            _ => removed += 1,
        }
    }
    Ok(removed)
}

/// Every component that a node may ask for. Where what is said of a plugin cannot be read nothing is known, and nothing goes.
async fn needed(bucket: &dyn Bucket) -> Result<HashSet<String>, BucketError> {
    let mut needed = HashSet::new();
    for plugin in bucket.plugins().await? {
        if let Some(said) = bucket.said(&plugin).await? {
            needed.extend(said.standing.every().map(|placed| placed.digest.clone()));
        }
    }
    for recipe in bucket.generations().await? {
        needed.extend(digests_in(&recipe));
    }
    needed.extend(bucket.reports().await?.into_iter().map(|report| report.digest));
    Ok(needed)
}
