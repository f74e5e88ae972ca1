//! Where plugins come from: a file dropped into `plugins.dir`, else the engine's own copy; a path; a digest the engine has kept.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::{LoadError, Plugin, Sandbox, inspect, oci};
use crate::config::{Places, PluginSource, Role};

/// Why a source gave no component.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No such plugin.
    #[error("there is no plugin {name}: neither {path} nor a built-in of that name (coach, prompt, extract, slug)")]
    Unknown {
        /// The name.
        name: String,
        /// Where it would have been.
        path: PathBuf,
    },
    /// The file could not be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A registry gave none, and none is kept.
    #[error(transparent)]
    Oci(#[from] oci::OciError),
    /// It was read and is no good.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Finds components and keeps the compiled ones, by digest.
pub struct Registry {
    sandbox: Arc<Sandbox>,
    dir: PathBuf,
    kept: PathBuf,
    compiled: Mutex<HashMap<String, Arc<Plugin>>>,
}

impl Registry {
    /// Over the watched folder and the folder where components in use are kept by digest.
    pub fn new(sandbox: Arc<Sandbox>, dir: &Path, data_dir: &Path) -> Self {
        Self { sandbox, dir: dir.to_owned(), kept: data_dir.join("plugins"), compiled: Mutex::default() }
    }

    /// The component a source names, as bytes. The file is read whole, never mapped: it may be spoiled at any time.
    pub fn bytes(&self, source: &PluginSource) -> Result<Vec<u8>, SourceError> {
        read(source, &self.dir, &self.kept)
    }

    /// The plugin a source names, compiled unless it already is.
    pub fn load(&self, source: &PluginSource) -> Result<Arc<Plugin>, SourceError> {
        let bytes = self.bytes(source)?;
        let digest = hex::encode(Sha256::digest(&bytes));
        if let Some(plugin) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            return Ok(Arc::clone(plugin));
        }
        let plugin = Arc::new(Plugin::load(&self.sandbox, &name_of(source), &bytes)?);
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, Arc::clone(&plugin));
        Ok(plugin)
    }

    /// The engine's own copy, whatever was dropped beside it: the last resort of what must not fail.
    pub fn embedded(&self, name: &str) -> Result<Arc<Plugin>, SourceError> {
        let unknown = || SourceError::Unknown { name: name.to_owned(), path: PathBuf::new() };
        let embedded = wtaf_bundle::embedded(name).ok_or_else(unknown)?;
        let digest = hex::encode(Sha256::digest(embedded.bytes));
        if let Some(plugin) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            return Ok(Arc::clone(plugin));
        }
        let plugin = Arc::new(Plugin::load(&self.sandbox, name, embedded.bytes)?);
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, Arc::clone(&plugin));
        Ok(plugin)
    }
}

/// What a source's component is, without compiling it: what the configuration's flow check asks.
pub fn role_of(source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
    let bytes = read(source, places.dir, &places.data_dir.join("plugins")).map_err(|error| error.to_string())?;
    Ok(inspect::about(&bytes).map_err(|why| format!("{}: {why}", name_of(source)))?.role)
}

fn read(source: &PluginSource, dir: &Path, kept: &Path) -> Result<Vec<u8>, SourceError> {
    match source {
        PluginSource::Named(name) => {
            let path = dir.join(format!("{name}.wasm"));
            match (fs::read(&path), wtaf_bundle::embedded(name)) {
                (Ok(bytes), _) => Ok(bytes),
                (Err(error), Some(embedded)) if error.kind() == std::io::ErrorKind::NotFound => {
                    Ok(embedded.bytes.to_vec())
                }
                (Err(error), None) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(SourceError::Unknown { name: name.clone(), path })
                }
                (Err(source), _) => Err(SourceError::Unreadable { path, source }),
            }
        }
        PluginSource::Path(path) => read_file(path.clone()),
        PluginSource::Oci(reference) => {
            Ok(oci::resolve(&oci::Cache::new(kept), reference, &oci::PullOptions::default())?.bytes)
        }
        PluginSource::Digest(digest) => read_file(kept.join(format!("{}.wasm", digest.trim_start_matches("sha256:")))),
    }
}

fn read_file(path: PathBuf) -> Result<Vec<u8>, SourceError> {
    fs::read(&path).map_err(|source| SourceError::Unreadable { path, source })
}

fn name_of(source: &PluginSource) -> String {
    match source {
        PluginSource::Named(name) => name.clone(),
        PluginSource::Path(path) => path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        PluginSource::Oci(reference) => reference.name().to_owned(),
        PluginSource::Digest(digest) => digest.chars().take(19).collect(),
    }
}
