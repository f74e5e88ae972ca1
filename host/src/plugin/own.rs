//! Files only the engine's own user may read and write: what is kept here is trusted later.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// Makes a folder for the owner alone; one that is there is closed to everyone else.
pub fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Whether nobody but us could have put something into the folder. A link to one is not it.
pub fn is_closed(path: &Path) -> io::Result<bool> {
    let about = fs::symlink_metadata(path)?;
    Ok(about.is_dir() && is_ours(&about) && is_private(&about))
}

/// Whether its mode lets nobody in but its owner.
#[allow(clippy::verbose_bit_mask, reason = "a mode is read in octal")]
pub fn is_private(about: &fs::Metadata) -> bool {
    about.mode() & 0o077 == 0
}

/// Whether it belongs to the user we run as.
pub fn is_ours(about: &fs::Metadata) -> bool {
    about.uid() == rustix::process::geteuid().as_raw()
}

/// Writes a file so that it is there whole, or not at all, also after a crash.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, true)
}

/// The same for what may be lost in a crash, or be found spoiled after one: nobody's fsync has to wait for these bytes.
pub fn write_lazily(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, false)
}

fn put(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        self::folder(folder)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let written = (|| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&draft, path)?;
        if durable { fs::File::open(folder)?.sync_all() } else { Ok(()) }
    })();
    if written.is_err() {
        // What is left of a failed try is of no use, and whether it goes away changes nothing.
        let _ = fs::remove_file(&draft);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_its_owners_alone_and_leaves_no_draft() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("a").join("b.wasm");
        write(&path, b"1").unwrap();
        write(&path, b"22").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"22");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(above.path().join("a")).unwrap().count(), 1);
        assert!(is_closed(&above.path().join("a")).unwrap());
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_closed_to_them() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("open");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!is_closed(&path).unwrap());
        folder(&path).unwrap();
        assert!(is_closed(&path).unwrap());
    }
}
