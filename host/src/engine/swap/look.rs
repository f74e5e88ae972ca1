//! Looks at what the pipeline names: a file that is another version than the one in force is an offer.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Offer, Refused, Swaps};
use crate::{config::PluginSource, engine::sources, plugin::ledger::What};

impl Swaps {
    /// The files to watch: pipeline.toml, and each that a plugin may come from.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let pipeline = Arc::clone(&self.generations.current().pipeline);
        let mut files = vec![absolute(self.workshop.path())];
        files.extend(sources(&pipeline).iter().filter_map(|source| self.file_of(source)));
        files
    }

    /// The file a plugin comes from when it is there.
    pub fn file_of(&self, source: &PluginSource) -> Option<PathBuf> {
        match source {
            PluginSource::Named(name) => Some(absolute(&self.workshop.registry().dir().join(format!("{name}.wasm")))),
            PluginSource::Path(path) => Some(absolute(path)),
            PluginSource::Digest(_) | PluginSource::Oci(_) => None,
        }
    }

    /// Looks at every plugin the pipeline names.
    pub async fn look_at_everything(self: &Arc<Self>) {
        for source in sources(&self.generations.current().pipeline) {
            self.look_at(&source).await;
        }
    }

    /// Looks at one file that changed.
    pub(super) async fn look_at_file(self: &Arc<Self>, path: &Path) {
        if path == absolute(self.workshop.path()) {
            // Told and journaled where it happens.
            let _ = self.reload().await;
            return;
        }
        let known = sources(&self.generations.current().pipeline);
        if let Some(source) = known.iter().find(|source| self.file_of(source).as_deref() == Some(path)) {
            self.look_at(source).await;
        }
    }

    async fn look_at(self: &Arc<Self>, source: &PluginSource) {
        let (workshop, named) = (Arc::clone(&self.workshop), source.clone());
        let read = tokio::task::spawn_blocking(move || workshop.registry().bytes(&named)).await;
        match read {
            Ok(Ok(bytes)) => {
                // Told and journaled where it happens.
                let _: Result<_, Refused> = self.offer(source, bytes, Offer::Found).await;
            }
            Ok(Err(error)) => self.tell(&source.key(), "", "", What::Refused { why: error.to_string() }),
            Err(_) => {}
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
