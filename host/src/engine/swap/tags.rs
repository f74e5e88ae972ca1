//! Tags in registries: what one means may move, and then it is an offer like any other.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Offer, Swaps};
use crate::{
    config::{OciReference, PluginSource},
    engine::sources,
    plugin::oci::{self, Moved},
};

impl Swaps {
    /// When tags are looked up next; never, where nobody asked for it.
    pub(super) async fn next_refresh(&self, last: Instant) {
        let every = self.generations.current().pipeline.plugins.refresh;
        match every {
            Some(every) => tokio::time::sleep_until(last + every.max(Duration::from_secs(1))).await,
            None => std::future::pending().await,
        }
    }

    /// Looks every moving tag up.
    pub(super) async fn refresh(self: &Arc<Self>) {
        for source in sources(&self.generations.current().pipeline) {
            if let PluginSource::Oci(reference) = &source
                && reference.moves()
            {
                self.refresh_one(&source, reference).await;
            }
        }
    }

    async fn refresh_one(self: &Arc<Self>, source: &PluginSource, reference: &OciReference) {
        let cache = oci::Cache::new(self.workshop.registry().shelf().dir());
        let pulled = match oci::refresh(&cache, reference, &oci::PullOptions::default()).await {
            Ok(Moved::No) => return,
            Ok(Moved::To(pulled)) => pulled,
            Err(error) => {
                tracing::warn!(plugin = %reference, %error, "the tag was not looked up: what it meant last goes on");
                return;
            }
        };
        // What was refused once comes again at every look.
        let last = self.ledger().events(200).unwrap_or_default();
        let refused = last.iter().rev().find(|event| event.plugin == source.key() && event.digest == pulled.digest);
        if refused.is_some_and(|event| event.what.word() == "refused") {
            return;
        }
        // Told and journaled where it happens.
        let Ok(_taken) = self.offer(source, pulled.bytes.clone(), Offer::Found).await else { return };
        let (reference, pulled) = (reference.clone(), pulled);
        let accepted = tokio::task::spawn_blocking(move || cache.accept(&reference, &pulled)).await;
        if let Ok(Err(error)) = accepted {
            tracing::warn!(plugin = %source.key(), %error, "what the tag means now could not be written down");
        }
    }
}
