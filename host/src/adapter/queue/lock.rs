//! One process a role. The lock is the kernel's, so a crash releases it; the file's contents only say who holds it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::QueueError;

/// A role that is held for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing would do, were there not a child process just being started that has a copy of the file for a moment.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the data directory as its worker, or says who is.
    pub fn worker(data_dir: &Path) -> Result<Self, QueueError> {
        let root = data_dir.join("wtaf");
        let failed = |source| QueueError::Io { what: format!("making the folder {}", root.display()), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&root).map_err(failed)?;
        Self::take(&root, "worker")
    }

    /// Takes the role in a folder, or says who has it. `role` is `web` or `worker`.
    pub(super) fn take(root: &Path, role: &str) -> Result<Self, QueueError> {
        let path = root.join(format!("{role}.lock"));
        let failed = |source: std::io::Error| QueueError::Io { what: format!("locking {}", path.display()), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                let who = match pid.trim() {
                    "" => "another process".to_owned(),
                    pid => format!("process {pid}"),
                };
                return Err(QueueError::Held {
                    what: format!(
                        "{who} is already the {role} of {}: stop it, or give this one a data.dir of its own",
                        root.display()
                    ),
                });
            }
            Err(TryLockError::Error(why)) => return Err(failed(why)),
        }
        let note = || -> std::io::Result<()> {
            file.set_len(0)?;
            (&file).write_all(format!("{}\n", std::process::id()).as_bytes())
        };
        note().map_err(failed)?;
        Ok(Self { file })
    }
}
