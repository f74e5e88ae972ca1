//! The highest counter let in so far, by plugin: kept on disk, so that an older release is refused after a restart too.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::plugin::own;

/// The file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct NewestError {
    path: PathBuf,
    source: io::Error,
}

/// `newest.json`: the counters.
#[derive(Debug)]
pub struct Newest {
    path: PathBuf,
    counters: Mutex<BTreeMap<String, u64>>,
}

impl Newest {
    /// Reads it, from the folder where the engine keeps components. A file that cannot be read is a fault, not an empty one: it would let old
    /// releases in again.
    pub fn open(kept: &Path) -> Result<Self, NewestError> {
        let path = kept.join("newest.json");
        let read = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        };
        match read {
            Ok(counters) => Ok(Self { path, counters: Mutex::new(counters) }),
            Err(source) => Err(NewestError { path, source }),
        }
    }

    /// The highest counter let in under a name.
    pub fn of(&self, name: &str) -> Option<u64> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// Notes a release that is now in use. A lower counter than the highest changes nothing.
    pub fn raise(&self, name: &str, counter: u64) -> Result<(), NewestError> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.get(name).is_some_and(|newest| *newest >= counter) {
            return Ok(());
        }
        let mut raised = counters.clone();
        raised.insert(name.to_owned(), counter);
        let written = serde_json::to_vec_pretty(&raised).map_err(io::Error::other);
        let written = written.and_then(|json| own::write(&self.path, &json));
        written.map_err(|source| NewestError { path: self.path.clone(), source })?;
        *counters = raised;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_counter_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let newest = Newest::open(folder.path()).unwrap();
        assert_eq!(newest.of("slug"), None);
        newest.raise("slug", 7).unwrap();
        newest.raise("slug", 3).unwrap();

        let again = Newest::open(folder.path()).unwrap();

        assert_eq!((again.of("slug"), again.of("coach")), (Some(7), None));
    }

    #[test]
    fn a_spoiled_file_is_a_fault_and_not_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("newest.json"), "{").unwrap();
        assert!(Newest::open(folder.path()).is_err());
    }
}
