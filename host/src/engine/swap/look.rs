//! Looks at what the pipeline names: a file that is another version than the one in force is an offer.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Offer, Refused, Swaps};
use crate::{
    config::PluginSource,
    engine::sources,
    plugin::{self, ledger::What},
};

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
        if let Some(bucket) = self.governed(&source.key()) {
            return self.look_past(source, bucket).await;
        }
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

impl Swaps {
    /// A file counts for nothing where the bucket says what runs. Whoever dropped one is told, once, unless it is what runs anyway.
    async fn look_past(&self, source: &PluginSource, bucket: String) {
        let Some(file) = self.file_of(source) else { return };
        let read = tokio::task::spawn_blocking(move || std::fs::read(file)).await;
        let Ok(Ok(bytes)) = read else { return };
        let (key, digest) = (source.key(), plugin::digest_of(&bytes));
        let runs = self.generations.current().plugins().get(&key).is_some_and(|plugin| plugin.digest == digest);
        if !runs && !self.was_refused(&key, &digest) {
            self.note_refusal(&key, Some(&digest));
            self.tell_refused(&key, &digest, &Refused::FromBucket { bucket });
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
