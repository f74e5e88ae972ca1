//! What the folders hold of a person: found, and removed. Not only their jobs: a file that could not be read, and one that was dropped, has their words too.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    adapter::queue::{QueueError, State},
    job::{Asker, GuestKey, Job, JobId},
};

use super::{
    claim, durable,
    layout::{Dir, Layout},
    seen,
};

/// Longer files are none of ours: a job with its answers is far below that.
const LONGEST: u64 = 64 << 20;

/// Whose files are meant.
pub(super) struct About {
    pub(super) jobs: Vec<JobId>,
    pub(super) askers: Vec<Asker>,
    pub(super) slugs: Vec<String>,
}

/// Every job of some askers.
pub(super) fn of_askers(layout: &Layout, askers: &[Asker]) -> Result<Vec<(State, Job)>, QueueError> {
    let mut found = Vec::new();
    for (dir, state) in
        [(Dir::New, State::New), (Dir::Work, State::Work), (Dir::Done, State::Done), (Dir::Failed, State::Failed)]
    {
        for (id, _) in layout.jobs(dir)? {
            // Most are other people's: those need not be read as jobs.
            let Ok(bytes) = fs::read(layout.job(dir, id)) else { continue };
            if !askers.iter().any(|asker| names(&bytes, asker.key())) {
                continue;
            }
            if let Ok(job) = claim::read(layout, dir, id)
                && askers.contains(&job.request.asker)
            {
                found.push((state, job));
            }
        }
    }
    Ok(found)
}

/// Removes them. `alone`: no engine runs, so what waits goes too.
pub(super) fn forget(layout: &Layout, about: &About, alone: bool) -> Result<usize, QueueError> {
    let mut ids: HashSet<JobId> = about.jobs.iter().copied().collect();
    let theirs = of_askers(layout, &about.askers)?;
    ids.extend(theirs.iter().map(|(_, job)| job.id));
    let under_way = ids.iter().filter(|id| layout.has(Dir::New, **id) || layout.has(Dir::Work, **id)).count();
    if under_way > 0 && !alone {
        return Err(QueueError::UnderWay(under_way));
    }
    // First the ledger: an entry that is still open would bring its job back.
    seen::empty(layout, &ids)?;
    durable::sync_dir(&layout.dir(Dir::Seen))?;
    let mut gone = 0;
    for dir in Dir::OF_JOBS {
        for id in &ids {
            gone += usize::from(remove(&layout.job(dir, *id))?);
        }
        durable::sync_dir(&layout.dir(dir))?;
    }
    for path in others(layout)? {
        let Ok(bytes) = fs::read(&path) else { continue };
        let of_a_job = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
            name.get(..26).and_then(|stem| stem.parse().ok()).is_some_and(|id: JobId| ids.contains(&id))
        });
        if of_a_job || is_about(&bytes, about) {
            gone += usize::from(remove(&path)?);
        }
    }
    Ok(gone)
}

/// What is no job: what was set aside, what was dropped, the notes beside it.
fn others(layout: &Layout) -> Result<Vec<PathBuf>, QueueError> {
    let mut found = Vec::new();
    for folder in [layout.root().to_owned(), layout.dir(Dir::Failed), layout.dir(Dir::Taken)] {
        let list = || -> io::Result<Vec<PathBuf>> {
            let mut files = Vec::new();
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let is_lock = entry.path().extension().is_some_and(|kind| kind == "lock");
                if entry.file_type()?.is_file() && !is_lock && entry.metadata()?.len() <= LONGEST {
                    files.push(entry.path());
                }
            }
            Ok(files)
        };
        found.extend(list().map_err(|why| durable::failure("listing", &folder, &why))?);
    }
    Ok(found)
}

fn is_about(bytes: &[u8], about: &About) -> bool {
    let by_key = about.askers.iter().any(|asker| names(bytes, asker.key()));
    by_key || slugs_named(bytes).any(|slug| about.slugs.iter().any(|theirs| theirs == slug) && is_theirs(slug, about))
}

/// A dropped file that names a slug is a guest's of that name, not the texter's who has it.
fn is_theirs(slug: &str, about: &About) -> bool {
    about.askers.contains(&Asker::Guest(GuestKey::of_token(&format!("file:{slug}"))))
}

fn slugs_named(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("USER_SLUG:")).map(str::trim)
}

/// Whether a key stands there whole: no longer number that begins with it.
fn names(bytes: &[u8], key: &str) -> bool {
    let key = key.as_bytes();
    !key.is_empty()
        && bytes
            .windows(key.len())
            .enumerate()
            .any(|(at, window)| window == key && !bytes.get(at + key.len()).is_some_and(u8::is_ascii_alphanumeric))
}

fn remove(path: &Path) -> Result<bool, QueueError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(why) => Err(durable::failure("removing", path, &why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_whole_and_not_within_a_longer_one() {
        assert!(names(br#"{"phone":"+15550001111"}"#, "+15550001111"));
        assert!(names(b"SENDER: +15550001111", "+15550001111"));
        assert!(!names(b"SENDER: +155500011119", "+15550001111"));
        assert!(!names(b"anything", ""));
    }
}
