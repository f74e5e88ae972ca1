//! The ledger of deliveries: what makes a second delivery of one text the same job, for ever.
//!
//! An entry `seen/<sha256 of the delivery id>` is made before the job's file has its place, as a hard link to it: so it holds the job whole, and an entry
//! whose job is nowhere becomes one. When the job ends, the entry becomes a symbolic link that names where it rests; such an entry says *again* even when
//! the job's file was cleared away, and never becomes a job.

use std::{
    collections::HashSet,
    io,
    os::unix::fs::{DirEntryExt, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    adapter::queue::QueueError,
    job::{JobId, Source},
};

use super::{
    claim, durable,
    layout::{Dir, Layout, id_of},
};

/// A delivery, as the ledger names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(delivery: &str) -> Self {
        Self(hex::encode(Sha256::digest(delivery.as_bytes())))
    }

    pub(super) fn path(&self, layout: &Layout) -> PathBuf {
        layout.dir(Dir::Seen).join(&self.0)
    }
}

/// What the ledger has for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The job was under way when last heard of; the entry holds it as it came.
    Open(JobId),
    /// The job ended.
    Ended(JobId),
}

#[derive(Deserialize)]
struct Original {
    id: JobId,
    request: OriginalRequest,
}

#[derive(Deserialize)]
struct OriginalRequest {
    source: Source,
}

/// Looks a delivery up. An entry that cannot be read is set aside, as if it had never been.
pub(super) fn look(layout: &Layout, key: &Key) -> Result<Option<Entry>, QueueError> {
    let path = key.path(layout);
    let failed = |why: &io::Error| durable::failure("looking up", &path, why);
    match path.symlink_metadata() {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(failed(&why)),
        Ok(what) if what.is_symlink() => {
            let target = std::fs::read_link(&path).map_err(|why| failed(&why))?;
            if let Some(id) = target.file_name().and_then(id_of) {
                return Ok(Some(Entry::Ended(id)));
            }
        }
        Ok(_) => match read(&path) {
            Ok(Some(original)) => return Ok(Some(Entry::Open(original.id))),
            Ok(None) => {}
            Err(why) => return Err(failed(&why)),
        },
    }
    claim::set_aside(layout, &path, "it names no job");
    Ok(None)
}

/// Enters a delivery as a link to the job's file; `false` when it was there already.
pub(super) fn enter(layout: &Layout, key: &Key, file: &Path) -> Result<bool, QueueError> {
    let path = key.path(layout);
    match std::fs::hard_link(file, &path) {
        Ok(()) => Ok(true),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(why) => Err(durable::failure("linking", &path, &why)),
    }
}

/// Notes that a delivery's job has ended and where it rests. A note that is lost costs nothing: the file it names says the same.
pub(super) fn retire(layout: &Layout, key: &Key, rests: Dir, id: JobId) {
    let made = layout.dir(Dir::Tmp).join(format!("{id}.seen"));
    let note = || -> io::Result<()> {
        match std::fs::remove_file(&made) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        symlink(Path::new("..").join(rests.name()).join(format!("{id}.json")), &made)?;
        std::fs::rename(&made, key.path(layout))
    };
    if let Err(why) = note() {
        tracing::debug!(job = %id, %why, "the ledger could not note that a job ended; its file says so too");
    }
}

/// Makes a job of an entry whose job is nowhere. Gives whether there is one now.
pub(super) fn roll_forward(layout: &Layout, entry: &Path, id: JobId) -> Result<(), QueueError> {
    let place = layout.job(Dir::New, id);
    match std::fs::hard_link(entry, &place) {
        Ok(()) => {
            tracing::info!(job = %id, "a request that was accepted just before a crash goes on");
            Ok(())
        }
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(durable::failure("linking", &place, &why)),
    }
}

/// At start: every open entry of `mine` whose job is nowhere becomes one, and one whose job has ended is noted so.
pub(super) fn settle(layout: &Layout, mine: impl Fn(Source) -> bool) -> Result<(), QueueError> {
    let mut there = HashSet::new();
    for dir in [Dir::New, Dir::Work] {
        there.extend(layout.jobs(dir)?.into_iter().map(|(_, inode)| inode));
    }
    let mut rolled = false;
    for (path, inode) in open_entries(layout)? {
        // The same inode under a job's name is the very file: nothing to read.
        if there.contains(&inode) {
            continue;
        }
        let original = match read(&path) {
            Ok(Some(original)) => original,
            Ok(None) => {
                claim::set_aside(layout, &path, "it is no job");
                continue;
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(why) => return Err(durable::failure("reading", &path, &why)),
        };
        if !mine(original.request.source) {
            continue;
        }
        let id = original.id;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if layout.has(Dir::Done, id) {
            retire(layout, &Key(name), Dir::Done, id);
        } else if !layout.has_anywhere(id) {
            roll_forward(layout, &path, id)?;
            rolled = true;
        }
    }
    if rolled { durable::sync_dir(&layout.dir(Dir::New)) } else { Ok(()) }
}

/// The request of a job whose own file was spoiled, as it came, where the ledger still holds it.
pub(super) fn original_of(layout: &Layout, id: JobId) -> Option<PathBuf> {
    let entries = open_entries(layout).ok()?;
    entries.into_iter().map(|(path, _)| path).find(|path| matches!(read(path), Ok(Some(original)) if original.id == id))
}

/// Makes open entries of these jobs, each of which holds its request whole, say no more than that it was accepted.
pub(super) fn empty(layout: &Layout, ids: &HashSet<JobId>) -> Result<(), QueueError> {
    for (path, _) in open_entries(layout)? {
        if let Ok(Some(original)) = read(&path)
            && ids.contains(&original.id)
        {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            retire(layout, &Key(name), Dir::Done, original.id);
        }
    }
    Ok(())
}

/// Forgets deliveries whose jobs ended before `then`. Gives how many.
pub(super) fn prune(layout: &Layout, then: SystemTime) -> io::Result<usize> {
    let mut gone = 0;
    for entry in std::fs::read_dir(layout.dir(Dir::Seen))? {
        let entry = entry?;
        if entry.file_type()?.is_symlink() && entry.metadata()?.modified()? < then {
            std::fs::remove_file(entry.path())?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Entries of jobs that have not ended, with their inodes.
fn open_entries(layout: &Layout) -> Result<Vec<(PathBuf, u64)>, QueueError> {
    let dir = layout.dir(Dir::Seen);
    let list = || -> io::Result<Vec<(PathBuf, u64)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                found.push((entry.path(), entry.ino()));
            }
        }
        Ok(found)
    };
    list().map_err(|why| durable::failure("listing", &dir, &why))
}

fn read(path: &Path) -> io::Result<Option<Original>> {
    Ok(serde_json::from_slice(&std::fs::read(path)?).ok())
}
