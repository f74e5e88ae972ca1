//! Bytes that survive a power cut: written, fsynced, named, and the name fsynced. Every failure says which file it was about and what to do.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::Serialize;

use crate::adapter::queue::QueueError;

/// Makes a file that was not there, with these contents on the disk when it returns; leaves nothing behind when it fails.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), QueueError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|why| {
        remove_quietly(path);
        failure("writing", path, &why)
    })
}

/// Writes a note for a person, whole from the moment it is there, in place of an older one. `making` is on the same disk.
pub(super) fn write_note(making: &Path, path: &Path, words: &str) -> Result<(), QueueError> {
    remove_quietly(making);
    write_new(making, words.as_bytes())?;
    rename(making, path)
}

/// A value as JSON that a person can `cat`.
pub(super) fn readable<T: Serialize>(value: &T) -> Result<Vec<u8>, QueueError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|why| QueueError::Io { what: "writing a job as JSON".to_owned(), source: why.into() })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), QueueError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|why| failure("making durable", path, &why))
}

/// Moves a file, in place of any that had the name.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), QueueError> {
    std::fs::rename(from, to).map_err(|why| failure("moving into place", to, &why))
}

/// Removes what may be gone already. A file that stays behind is found and judged again at the next start.
pub(super) fn remove_quietly(path: &Path) {
    if let Err(why) = std::fs::remove_file(path)
        && why.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(file = %path.display(), %why, "a file could not be removed; it is looked at again at the next start");
    }
}

/// What was tried, on which file, and what to do about it.
pub(super) fn failure(action: &str, path: &Path, why: &io::Error) -> QueueError {
    let advice = match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " (free some space on that disk; nothing was half done)"
        }
        io::ErrorKind::PermissionDenied => " (give the account the engine runs as this folder to write to)",
        io::ErrorKind::ReadOnlyFilesystem => " (mount that disk for writing, or set data.dir to a folder elsewhere)",
        _ => "",
    };
    QueueError::Io { what: format!("{action} {}{advice}", path.display()), source: copy(why) }
}

/// One failure told to each of those whom it struck.
pub(super) fn again(error: &QueueError) -> QueueError {
    match error {
        QueueError::Io { what, source } => QueueError::Io { what: what.clone(), source: copy(source) },
        other => QueueError::Io { what: other.to_string(), source: io::ErrorKind::Other.into() },
    }
}

fn copy(why: &io::Error) -> io::Error {
    why.raw_os_error().map_or_else(|| io::Error::new(why.kind(), why.to_string()), io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_the_file_and_what_to_do() {
        let full = io::Error::from_raw_os_error(28);
        let told = failure("writing", Path::new("/data/wtaf/tmp/x.json"), &full).to_string();
        assert!(told.contains("/data/wtaf/tmp/x.json") && told.contains("free some space"), "{told}");
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("no such folder").join("x.json");
        assert!(matches!(write_new(&path, b"{}"), Err(QueueError::Io { .. })));
        assert!(!path.exists());
    }
}
