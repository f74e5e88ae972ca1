//! What was taken from registries, in the data directory: `plugins/<sha256>.wasm`, and `plugins/oci/<sha256 of the reference>.json`, which says which of them
//! a reference meant when it was last accepted. A file that is not what its name says counts as not there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{OciError, Pulled};
use crate::{config::OciReference, plugin::own};

/// The folder of kept components.
#[derive(Debug, Clone)]
pub struct Cache {
    kept: PathBuf,
}

/// What a reference meant.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// For people.
    reference: String,
    /// `sha256:…` of the manifest.
    manifest: String,
    /// SHA-256 of the component, hex.
    component: String,
    /// Since when.
    accepted: Timestamp,
}

impl Cache {
    /// Over the folder where the engine keeps components by digest: `plugins` in the data directory.
    pub fn new(kept: &Path) -> Self {
        Self { kept: kept.to_owned() }
    }

    /// What a reference meant when it was last accepted; nothing where that is not known, or spoiled.
    pub fn last_good(&self, reference: &OciReference) -> Result<Option<Pulled>, OciError> {
        let path = self.record(reference);
        let Some(json) = read(&path)? else { return Ok(None) };
        let Ok(record) = serde_json::from_slice::<Record>(&json) else { return Ok(None) };
        if reference.digest().is_some_and(|pinned| pinned != record.manifest) {
            return Ok(None);
        }
        let bytes = self.component(&record.component)?;
        Ok(bytes.map(|bytes| Pulled { bytes, digest: record.component, manifest_digest: record.manifest }))
    }

    /// A kept component, by its digest.
    pub fn component(&self, digest: &str) -> Result<Option<Vec<u8>>, OciError> {
        let Some(path) = self.file(digest) else { return Ok(None) };
        let bytes = read(&path)?;
        Ok(bytes.filter(|bytes| hex::encode(Sha256::digest(bytes)) == digest))
    }

    /// The digests of what references mean.
    pub fn digests(&self) -> Vec<String> {
        let entries = fs::read_dir(self.kept.join("oci")).into_iter().flatten().flatten();
        let records = entries.filter_map(|entry| serde_json::from_slice::<Record>(&fs::read(entry.path()).ok()?).ok());
        records.map(|record| record.component).collect()
    }

    /// Keeps a component by its digest; which reference means it stays as it is.
    pub fn keep(&self, pulled: &Pulled) -> Result<(), OciError> {
        if self.component(&pulled.digest)?.is_some() {
            return Ok(());
        }
        let Some(path) = self.file(&pulled.digest) else { return Ok(()) };
        write(&path, &pulled.bytes)
    }

    /// From now on this is what the reference means: what a start finds when the registry is away.
    pub fn accept(&self, reference: &OciReference, pulled: &Pulled) -> Result<(), OciError> {
        self.keep(pulled)?;
        let record = Record {
            reference: reference.to_string(),
            manifest: pulled.manifest_digest.clone(),
            component: pulled.digest.clone(),
            accepted: Timestamp::now(),
        };
        let path = self.record(reference);
        let json = serde_json::to_vec_pretty(&record)
            .map_err(|error| OciError::Local { path: path.clone(), source: io::Error::other(error) })?;
        write(&path, &json)
    }

    /// Does something with the disk off the async threads: reading, hashing and syncing a large component takes a while.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, OciError> + Send + 'static,
    ) -> Result<T, OciError> {
        let cache = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&cache)).await;
        done.unwrap_or_else(|error| Err(OciError::Local { path: self.kept.clone(), source: error.into() }))
    }

    /// Where a component is kept; a digest that is none has no file.
    fn file(&self, digest: &str) -> Option<PathBuf> {
        let fits = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| self.kept.join(format!("{digest}.wasm")))
    }

    fn record(&self, reference: &OciReference) -> PathBuf {
        let name = hex::encode(Sha256::digest(reference.to_string()));
        self.kept.join("oci").join(format!("{name}.json"))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, OciError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OciError::Local { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), OciError> {
    own::write(path, bytes).map_err(|source| OciError::Local { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulled(bytes: &[u8]) -> Pulled {
        let digest = hex::encode(Sha256::digest(bytes));
        Pulled { bytes: bytes.to_vec(), manifest_digest: format!("sha256:{digest}"), digest }
    }

    fn reference() -> OciReference {
        "oci://localhost:5000/slug:1".parse().unwrap()
    }

    #[test]
    fn what_was_accepted_is_found_again_and_what_was_kept_alone_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        assert_eq!(cache.last_good(&reference()).unwrap(), None);

        cache.accept(&reference(), &pulled(b"one")).unwrap();
        cache.keep(&pulled(b"two")).unwrap();

        let again = Cache::new(folder.path());
        assert_eq!(again.last_good(&reference()).unwrap(), Some(pulled(b"one")));
        assert_eq!(again.component(&pulled(b"two").digest).unwrap(), Some(b"two".to_vec()));
    }

    #[test]
    fn a_spoiled_component_counts_as_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        cache.accept(&reference(), &pulled(b"one")).unwrap();
        fs::write(cache.file(&pulled(b"one").digest).unwrap(), "spoiled").unwrap();

        assert_eq!(cache.last_good(&reference()).unwrap(), None);

        cache.keep(&pulled(b"one")).unwrap();
        assert_eq!(cache.last_good(&reference()).unwrap(), Some(pulled(b"one")));
    }

    #[test]
    fn a_pinned_reference_is_what_its_digest_says_whatever_the_record_says() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let pinned = reference().pinned(&pulled(b"one").manifest_digest);
        cache.accept(&pinned, &pulled(b"two")).unwrap();
        assert_eq!(cache.last_good(&pinned).unwrap(), None);
    }

    #[test]
    fn a_digest_that_is_a_path_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Cache::new(folder.path()).component("../../etc/passwd").unwrap(), None);
    }
}
