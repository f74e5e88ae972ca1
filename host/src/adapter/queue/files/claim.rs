//! Reading a job's file, and taking a job up: `new/` → `work/`.
//!
//! A file that is no job is set aside as `failed/<name>.damaged` with a note beside it; it stops nobody else.

use std::{io, path::Path};

use crate::{
    adapter::queue::revive,
    failpoint::{Step, reached},
    job::{Job, JobId, Status},
};

use super::{
    durable,
    layout::{Dir, Layout},
    seen,
};

/// Why there is no job in a file.
#[derive(Debug)]
pub(super) enum Unread {
    /// No such file (any more).
    Gone,
    /// It is there and cannot be read now.
    Io(io::Error),
    /// It is there and no job.
    Damaged(String),
}

/// What came of taking a job up.
#[derive(Debug)]
pub(super) enum Claim {
    /// It is in `work/` and ours.
    Taken(Box<Job>),
    /// There is nothing to take up under that id; it was set aside, or has ended.
    Nothing,
    /// Not now: the disk would not. Worth another try.
    Later,
}

/// A job's file, whole.
pub(super) fn read(layout: &Layout, dir: Dir, id: JobId) -> Result<Job, Unread> {
    let bytes = match std::fs::read(layout.job(dir, id)) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Err(Unread::Gone),
        Err(why) => return Err(Unread::Io(why)),
    };
    let mut job: Job = serde_json::from_slice(&bytes).map_err(|why| Unread::Damaged(why.to_string()))?;
    if job.id != id {
        return Err(Unread::Damaged(format!("it holds the job {}, not the one its name says", job.id)));
    }
    match dir {
        // A job that had ended and is in new/ was brought back, by `jobs retry` or by hand.
        Dir::New if job.status.is_final() => revive(&mut job),
        Dir::Work => job.status = Status::Running,
        _ => {}
    }
    Ok(job)
}

/// Takes a job up.
pub(super) fn claim(layout: &Layout, id: JobId) -> Claim {
    let (new, work) = (layout.job(Dir::New, id), layout.job(Dir::Work, id));
    let fresh = match read(layout, Dir::New, id) {
        Ok(job) => Some(job),
        Err(Unread::Gone) => None,
        Err(Unread::Damaged(why)) => {
            set_aside_and_restore(layout, Dir::New, id, &why);
            return Claim::Nothing;
        }
        Err(Unread::Io(why)) => return later(id, &new, &why),
    };
    let Some(mut job) = fresh else { return resume(layout, id) };
    if layout.has(Dir::Done, id) {
        tracing::warn!(job = %id, "a job that is done was found waiting as well, and is not done again");
        durable::remove_quietly(&new);
        return Claim::Nothing;
    }
    if let Err(why) = std::fs::rename(&new, &work) {
        return if why.kind() == io::ErrorKind::NotFound { Claim::Nothing } else { later(id, &work, &why) };
    }
    reached(Step::JobClaimed);
    // Brought back by a copy: it is at work again, so it has not failed.
    durable::remove_quietly(&layout.job(Dir::Failed, id));
    job.status = Status::Running;
    Claim::Taken(Box::new(job))
}

fn resume(layout: &Layout, id: JobId) -> Claim {
    match read(layout, Dir::Work, id) {
        Ok(job) => Claim::Taken(Box::new(job)),
        Err(Unread::Gone) => Claim::Nothing,
        Err(Unread::Damaged(why)) => {
            set_aside_and_restore(layout, Dir::Work, id, &why);
            Claim::Nothing
        }
        Err(Unread::Io(why)) => later(id, &layout.job(Dir::Work, id), &why),
    }
}

fn later(id: JobId, path: &Path, why: &io::Error) -> Claim {
    tracing::error!(job = %id, file = %path.display(), %why, "a job could not be taken up; it is tried again in a moment");
    Claim::Later
}

/// Sets a job's spoiled file aside. Where the ledger still holds the request as it came, the job begins afresh with it.
pub(super) fn set_aside_and_restore(layout: &Layout, dir: Dir, id: JobId, why: &str) {
    set_aside(layout, &layout.job(dir, id), why);
    if let Some(entry) = seen::original_of(layout, id)
        && let Err(why) = seen::roll_forward(layout, &entry, id)
    {
        tracing::error!(job = %id, %why, "the request could not be restored from the ledger; it is tried again at the next start");
    }
}

/// Moves what cannot be read out of the way, with a note that says what, why and what to do.
pub(super) fn set_aside(layout: &Layout, path: &Path, why: &str) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let aside = layout.dir(Dir::Failed).join(format!("{name}.damaged"));
    let note = format!(
        "{} was set aside, because {why}.\n\nMend it and move it to {} under its old name, or delete it together with this note.\n",
        path.display(),
        layout.dir(Dir::New).display()
    );
    match std::fs::rename(path, &aside) {
        Ok(()) => {
            tracing::error!(file = %path.display(), set_aside = %aside.display(), why, "a damaged file was set aside");
        }
        Err(failed) if failed.kind() == io::ErrorKind::NotFound => return,
        Err(failed) => {
            tracing::error!(file = %path.display(), why, %failed, "a damaged file could not be set aside");
            return;
        }
    }
    let beside = layout.dir(Dir::Failed).join(format!("{name}.damaged.txt"));
    let making = layout.dir(Dir::Tmp).join(format!("{name}.worker-note"));
    if let Err(failed) = durable::write_note(&making, &beside, &note) {
        tracing::warn!(%failed, "the note beside a damaged file could not be written");
    }
}
