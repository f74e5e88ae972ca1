//! Components by digest, in the data directory: what was in use can be had again, whatever became of the file it came from.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    own,
    registry::{SourceError, digest_of},
};

/// The components the engine has kept.
#[derive(Debug, Clone)]
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// Below a data directory.
    pub fn new(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("plugins") }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps a component; one that is there already counts as used today. Gives its digest.
    pub fn keep(&self, bytes: &[u8]) -> io::Result<String> {
        let digest = digest_of(bytes);
        let path = self.path(&digest);
        match fs::File::options().append(true).open(&path) {
            Ok(kept) if kept.metadata()?.len() == bytes.len() as u64 => kept.set_modified(SystemTime::now())?,
            _ => {
                own::folder(&self.dir)?;
                own::write(&path, bytes)?;
            }
        }
        Ok(digest)
    }

    /// A component by its digest. What the disk gives back is checked against it.
    pub fn get(&self, digest: &str) -> Result<Vec<u8>, SourceError> {
        let gone = || SourceError::NotKept { digest: digest.to_owned(), folder: self.dir.clone() };
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(gone());
        }
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(gone()),
            Err(source) => return Err(SourceError::Unreadable { path, source }),
        };
        if digest_of(&bytes) == digest.to_ascii_lowercase() { Ok(bytes) } else { Err(gone()) }
    }

    /// Removes what has been of no use for so long, but for the given digests. Gives how many went.
    pub fn prune(&self, older: Duration, but: &dyn Fn(&str) -> bool) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut removed = 0;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(digest) = name.to_str().and_then(|name| name.strip_suffix(".wasm")) else { continue };
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > older && !but(digest) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}.wasm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_what_was_altered_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let digest = shelf.keep(b"a component").unwrap();
        assert_eq!(shelf.get(&digest).unwrap(), b"a component");

        fs::write(shelf.path(&digest), b"a componenT").unwrap();
        assert!(matches!(shelf.get(&digest), Err(SourceError::NotKept { .. })));
        assert!(matches!(shelf.get("../../etc/passwd"), Err(SourceError::NotKept { .. })));
    }

    #[test]
    fn only_what_is_old_and_unused_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let (used, unused) = (shelf.keep(b"used").unwrap(), shelf.keep(b"unused").unwrap());

        assert_eq!(shelf.prune(Duration::from_hours(1), &|_| false).unwrap(), 0);
        assert_eq!(shelf.prune(Duration::ZERO, &|digest| digest == used).unwrap(), 1);
        assert!(shelf.get(&used).is_ok() && shelf.get(&unused).is_err());
    }
}
