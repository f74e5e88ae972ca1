//! What is kept of plugins goes when it has been of no use for a season: components nobody names any more, generations no job began on.

use std::{collections::HashSet, io, sync::Arc, time::Duration};

use super::Swaps;
use crate::plugin::oci;

/// Jobs that waited, or that someone wants to replay, are younger.
const SEASON: Duration = Duration::from_hours(24 * 90);

impl Swaps {
    /// Removes what is of no use any more.
    pub(super) async fn tidy(self: &Arc<Self>) {
        let swaps = Arc::clone(self);
        match tokio::task::spawn_blocking(move || swaps.tidy_now()).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(removed)) => tracing::info!(removed, "old versions of plugins removed"),
            Ok(Err(error)) => tracing::warn!(%error, "old versions of plugins not removed"),
        }
    }

    fn tidy_now(&self) -> io::Result<usize> {
        let (mut wanted, records) = self.generations.tidy(SEASON)?;
        wanted.extend(self.ledger().digests().map(str::to_owned));
        let shelf = self.workshop.registry().shelf();
        wanted.extend(oci::Cache::new(shelf.dir()).digests());
        let in_force = self.generations.in_force();
        wanted.extend(in_force.base.plugins().values().map(|plugin| plugin.digest.clone()));
        wanted.extend(in_force.trials.iter().flat_map(|trial| [trial.old.digest.clone(), trial.new.digest.clone()]));
        let wanted: HashSet<String> = wanted;
        Ok(records + shelf.prune(SEASON, &|digest| wanted.contains(digest))?)
    }
}
