//! One process a role. The lock is the kernel's, so a crash releases it; the file's contents only say who holds it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
};

use crate::adapter::queue::QueueError;

use super::{durable, layout::Layout};

/// A role that is held for as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing would do, were there not a child process just being started that has a copy of the file for a moment.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the role, or says who has it. `role` is `web` or `worker`.
    pub(super) fn take(layout: &Layout, role: &str) -> Result<Self, QueueError> {
        let path = layout.root().join(format!("{role}.lock"));
        let failed = |why: &std::io::Error| durable::failure("locking", &path, why);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|why| failed(&why))?;
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
                        layout.root().display()
                    ),
                });
            }
            Err(TryLockError::Error(why)) => return Err(failed(&why)),
        }
        let note = || -> std::io::Result<()> {
            file.set_len(0)?;
            (&file).write_all(format!("{}\n", std::process::id()).as_bytes())
        };
        note().map_err(|why| failed(&why))?;
        Ok(Self { file })
    }
}
