//! Plain `*.txt` files dropped into the queue's folder become jobs.
//!
//! A file is taken when it is finished: still for a quarter of a second and open to no writer we know of, or at once when renamed into place. It is a job,
//! durably, before it moves to `taken/`; a crash between the two makes no second job. What is no request stays, with a note beside it.

mod header;
mod take;

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use crate::adapter::queue::QueueError;

use super::{Shared, durable};

/// How long a file must not have changed.
const STILL: Duration = Duration::from_millis(250);
/// The same, for a file that a writer was seen to open and not to close.
const STILL_IF_OPEN: Duration = Duration::from_mins(1);
/// How long a file waits that was found good while the queue was full or the disk would not.
const PAUSE: Duration = Duration::from_secs(1);

/// What the kernel says happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// It has this name from one moment to the next, whole.
    RenamedIntoPlace,
    /// Someone is writing it.
    Written,
    /// Who wrote it has closed it.
    Closed,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Print {
    fn of(path: &Path) -> Option<Self> {
        let what = path.symlink_metadata().ok()?;
        Some(Self { len: what.len(), modified: what.modified().ok(), inode: what.ino() })
    }

    /// As bytes, for digests.
    fn bytes(&self) -> Vec<u8> {
        let since = self.modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
        format!("{}\0{}\0{}", self.len, since.as_nanos(), self.inode).into_bytes()
    }
}

#[derive(Debug)]
struct Candidate {
    print: Print,
    since: Instant,
    writing: bool,
    whole: bool,
    not_before: Instant,
}

impl Candidate {
    fn ripe_at(&self) -> Instant {
        let still = match (self.whole, self.writing) {
            (true, _) => Duration::ZERO,
            (false, true) => STILL_IF_OPEN,
            (false, false) => STILL,
        };
        (self.since + still).max(self.not_before)
    }
}

/// The files that may become jobs.
#[derive(Debug, Default)]
pub(super) struct DropIns {
    candidates: HashMap<OsString, Candidate>,
    /// Refused as they are; looked at again when they change.
    refused: HashMap<OsString, Print>,
    /// Heard of since the last step.
    touched: Vec<(OsString, Touch)>,
}

impl DropIns {
    /// The kernel says something happened to a file.
    pub(super) fn touched(&mut self, name: OsString, touch: Touch) {
        self.touched.push((name, touch));
    }

    /// Lists the folder: for what the kernel did not tell.
    pub(super) fn look(&mut self, shared: &Shared) -> Result<(), QueueError> {
        let root = shared.layout.root();
        let entries = std::fs::read_dir(root).map_err(|why| durable::failure("listing", root, &why))?;
        for entry in entries.flatten() {
            if is_drop_in(&entry.file_name()) {
                self.consider(root, entry.file_name());
            }
        }
        self.refused.retain(|name, _| root.join(name).symlink_metadata().is_ok());
        Ok(())
    }

    /// When the next file may be ripe.
    pub(super) fn due(&self) -> Option<Duration> {
        let ripe = self.candidates.values().map(Candidate::ripe_at).min()?;
        Some(ripe.saturating_duration_since(Instant::now()))
    }

    /// Takes in what is ripe.
    pub(super) fn step(&mut self, shared: &Shared) {
        let root = shared.layout.root();
        for (name, touch) in std::mem::take(&mut self.touched) {
            if !is_drop_in(&name) {
                continue;
            }
            self.consider(root, name.clone());
            if let Some(candidate) = self.candidates.get_mut(&name) {
                candidate.writing = touch == Touch::Written;
                candidate.whole = touch == Touch::RenamedIntoPlace;
                candidate.since = Instant::now();
            }
        }
        let names: Vec<OsString> = self.candidates.keys().cloned().collect();
        for name in names {
            self.consider(root, name.clone());
            let ripe = self.candidates.get(&name).is_some_and(|candidate| candidate.ripe_at() <= Instant::now());
            if ripe {
                self.take(shared, &name);
            }
        }
    }

    /// Looks at a file: new, changed, unchanged or gone.
    fn consider(&mut self, root: &Path, name: OsString) {
        let Some(print) = Print::of(&root.join(&name)) else {
            self.candidates.remove(&name);
            return;
        };
        if self.refused.get(&name) == Some(&print) {
            return;
        }
        let now = Instant::now();
        match self.candidates.get_mut(&name) {
            Some(candidate) if candidate.print == print => {}
            Some(candidate) => {
                candidate.print = print;
                candidate.since = now;
                candidate.whole = false;
            }
            None => {
                let fresh = Candidate { print, since: now, writing: false, whole: false, not_before: now };
                self.candidates.insert(name, fresh);
            }
        }
    }

    fn take(&mut self, shared: &Shared, name: &OsStr) {
        let Some(candidate) = self.candidates.get_mut(name) else { return };
        match take::take_in(shared, name, candidate.print) {
            take::Outcome::Taken => drop(self.candidates.remove(name)),
            take::Outcome::Refused => {
                self.refused.insert(name.to_owned(), candidate.print);
                self.candidates.remove(name);
            }
            take::Outcome::Changed => candidate.since = Instant::now(),
            take::Outcome::Later => candidate.not_before = Instant::now() + PAUSE,
        }
    }
}

/// Hidden files are somebody's files in the making.
fn is_drop_in(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.ends_with(".txt") && !name.starts_with('.')
}

/// The request in a dropped file's text.
#[cfg(any(test, fuzzing))]
pub(super) fn request(text: &str) -> Option<crate::job::Request> {
    header::parse(text).ok()?.request("file:of a test".to_owned())
}
