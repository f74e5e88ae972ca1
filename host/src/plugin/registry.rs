//! Where plugins come from: a file dropped into `plugins.dir`, else the engine's own copy; a path; a digest the engine has kept. And which compiled ones are
//! in memory.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use sha2::{Digest, Sha256};

use super::{LoadError, Plugin, Sandbox, Shelf, inspect, oci};
use crate::config::{Places, PluginSource, Role};

/// No component is larger: 64 MiB. What is compiled from it is several times that.
pub const LARGEST: u64 = 64 << 20;

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
    /// Nothing of that digest is kept.
    #[error("no component with the digest {digest:.12} is kept in {folder}")]
    NotKept {
        /// SHA-256, hex.
        digest: String,
        /// Where.
        folder: PathBuf,
    },
    /// The file could not be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is larger than any plugin may be.
    #[error("{path} has {bytes} bytes; a plugin has at most {LARGEST}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A registry gave none, and none is kept.
    #[error(transparent)]
    Oci(#[from] oci::OciError),
    /// It was read and is no good.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Finds components, and keeps the compiled ones for as long as anyone runs them.
pub struct Registry {
    sandbox: Arc<Sandbox>,
    dir: PathBuf,
    shelf: Shelf,
    compiled: Mutex<HashMap<(String, String), Weak<Plugin>>>,
    compiling: Mutex<()>,
}

impl Registry {
    /// Over the watched folder and the folder where components in use are kept by digest.
    pub fn new(sandbox: Arc<Sandbox>, dir: &Path, data_dir: &Path) -> Self {
        Self {
            sandbox,
            dir: dir.to_owned(),
            shelf: Shelf::new(data_dir),
            compiled: Mutex::default(),
            compiling: Mutex::default(),
        }
    }

    /// The sandbox its plugins run in.
    pub fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    /// Components by digest.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The watched folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The component a source names at this moment, as bytes. The file is read whole, never mapped: it may be spoiled at any time.
    pub fn bytes(&self, source: &PluginSource) -> Result<Vec<u8>, SourceError> {
        read(source, &self.dir, &self.shelf)
    }

    /// The plugin a source names at this moment, compiled unless it already is.
    pub fn load(&self, source: &PluginSource) -> Result<Arc<Plugin>, SourceError> {
        Ok(self.compile(&source.name(), &self.bytes(source)?)?)
    }

    /// Compiles a component, unless it is in memory already. Blocking: call it off the async threads.
    pub fn compile(&self, name: &str, bytes: &[u8]) -> Result<Arc<Plugin>, LoadError> {
        let digest = digest_of(bytes);
        if let Some(plugin) = self.resident(name, &digest) {
            return Ok(plugin);
        }
        // One at a time: many jobs may want the same version back at once, after a restart.
        let _turn = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = self.resident(name, &digest) {
            return Ok(plugin);
        }
        let plugin = Arc::new(Plugin::load(&self.sandbox, name, bytes)?);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.retain(|_, plugin| plugin.strong_count() > 0);
        compiled.insert((name.to_owned(), digest), Arc::downgrade(&plugin));
        Ok(plugin)
    }

    /// A component by its digest: built in, or on the shelf.
    pub fn component(&self, digest: &str) -> Result<Vec<u8>, SourceError> {
        match wtaf_bundle::EMBEDDED.iter().find(|embedded| digest_of(embedded.bytes) == digest) {
            Some(embedded) => Ok(embedded.bytes.to_vec()),
            None => self.shelf.get(digest),
        }
    }

    /// A version by its digest: in memory, on the shelf, or built in.
    pub fn version(&self, name: &str, digest: &str) -> Result<Arc<Plugin>, SourceError> {
        if let Some(plugin) = self.resident(name, digest) {
            return Ok(plugin);
        }
        Ok(self.compile(name, &self.component(digest)?)?)
    }

    /// The engine's own copy, whatever was dropped beside it: the last resort of what must not fail.
    pub fn embedded(&self, name: &str) -> Result<Arc<Plugin>, SourceError> {
        let unknown = || SourceError::Unknown { name: name.to_owned(), path: PathBuf::new() };
        let embedded = wtaf_bundle::embedded(name).ok_or_else(unknown)?;
        Ok(self.compile(name, embedded.bytes)?)
    }

    /// By name too: its errors and its log say what its own stage calls it.
    fn resident(&self, name: &str, digest: &str) -> Option<Arc<Plugin>> {
        let compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.get(&(name.to_owned(), digest.to_owned())).and_then(Weak::upgrade)
    }
}

/// The engine's own copy of a plugin, where it has one of that name.
pub fn built_in(name: &str) -> Option<&'static [u8]> {
    wtaf_bundle::embedded(name).map(|embedded| embedded.bytes)
}

/// Whether it is one of the engine's own copies.
pub fn is_built_in(bytes: &[u8]) -> bool {
    wtaf_bundle::EMBEDDED.iter().any(|embedded| embedded.bytes == bytes)
}

/// SHA-256, hex: what a version is known by.
pub fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What a source's component is, without compiling it: what the configuration's flow check asks.
pub fn role_of(source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
    let bytes = read(source, places.dir, &Shelf::new(places.data_dir)).map_err(|error| error.to_string())?;
    Ok(inspect::about(&bytes).map_err(|why| format!("{}: {why}", source.name()))?.role)
}

/// The component a source names at this moment: dropped in, built in, at its path, kept.
pub fn component(source: &PluginSource, dir: &Path, shelf: &Shelf) -> Result<Vec<u8>, SourceError> {
    read(source, dir, shelf)
}

fn read(source: &PluginSource, dir: &Path, shelf: &Shelf) -> Result<Vec<u8>, SourceError> {
    match source {
        PluginSource::Named(name) => {
            let path = dir.join(format!("{name}.wasm"));
            match (read_file(&path), wtaf_bundle::embedded(name)) {
                (Err(SourceError::Unreadable { source, .. }), embedded)
                    if source.kind() == std::io::ErrorKind::NotFound =>
                {
                    embedded
                        .map(|embedded| embedded.bytes.to_vec())
                        .ok_or_else(|| SourceError::Unknown { name: name.clone(), path })
                }
                (read, _) => read,
            }
        }
        PluginSource::Path(path) => read_file(path),
        PluginSource::Oci(reference) => {
            Ok(oci::resolve(&oci::Cache::new(shelf.dir()), reference, &oci::PullOptions::default())?.bytes)
        }
        PluginSource::Digest(digest) => shelf.get(digest.trim_start_matches("sha256:")),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > LARGEST {
        return Err(SourceError::TooLarge { path: path.to_owned(), bytes });
    }
    fs::read(path).map_err(unreadable)
}
