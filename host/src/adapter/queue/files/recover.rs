//! What a start does with what a crash, or another process, left behind. Only what this process's roles own is touched.

use std::path::Path;

use crate::{
    adapter::queue::{QueueError, order::Peek},
    job::{JobId, Millis, Source},
};

use super::{
    Shared, Tally, claim, durable,
    layout::{Dir, Layout},
    seen,
};

/// Settles the folders and fills the index.
pub(super) fn recover(shared: &Shared) -> Result<(), QueueError> {
    let (layout, roles) = (&shared.layout, shared.roles);
    sweep_tmp(shared)?;
    let mine = |source| if source == Source::File { roles.worker } else { roles.web };
    if roles.web || roles.worker {
        seen::settle(layout, mine)?;
    }
    if roles.worker {
        resume_work(shared)?;
        find_new(shared)?;
    }
    if let Some(greatest) = greatest(layout)? {
        shared.arrivals.start_above(greatest);
    }
    recount(shared)
}

/// Files that were being written count for nothing: their requests were not answered, or the ledger holds them.
fn sweep_tmp(shared: &Shared) -> Result<(), QueueError> {
    let dir = shared.layout.dir(Dir::Tmp);
    let entries = std::fs::read_dir(&dir).map_err(|why| durable::failure("listing", &dir, &why))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let web = name.contains(".web-");
        let worker = name.contains(".worker-") || Path::new(&name).extension().is_some_and(|kind| kind == "seen");
        if (web && shared.roles.web) || (worker && shared.roles.worker) {
            durable::remove_quietly(&entry.path());
        }
    }
    Ok(())
}

/// Work under way at a crash goes on; what had ended, or is there twice, is settled first.
fn resume_work(shared: &Shared) -> Result<(), QueueError> {
    let layout = &shared.layout;
    for (id, _) in layout.jobs(Dir::Work)? {
        if layout.has(Dir::Done, id) || layout.has(Dir::Failed, id) {
            durable::remove_quietly(&layout.job(Dir::Work, id));
            continue;
        }
        if layout.has(Dir::New, id) && !keep_work(layout, id) {
            continue;
        }
        shared.order().resume(id);
    }
    Ok(())
}

/// A job in `new/` and in `work/`: the one in `work/` has the progress, if it can be read.
fn keep_work(layout: &Layout, id: JobId) -> bool {
    match claim::read(layout, Dir::Work, id) {
        Err(claim::Unread::Damaged(why)) => {
            claim::set_aside(layout, &layout.job(Dir::Work, id), &why);
            false
        }
        Err(claim::Unread::Gone) => false,
        Ok(_) | Err(claim::Unread::Io(_)) => {
            durable::remove_quietly(&layout.job(Dir::New, id));
            true
        }
    }
}

/// Looks for files in `new/` that the index does not know.
///
/// A listing taken while files appear may show a later one and not an earlier one. So what one listing finds is believed up to its greatest id, together
/// with what a second one finds up to there; the rest is for the next time.
pub(super) fn find_new(shared: &Shared) -> Result<(), QueueError> {
    let first = shared.layout.jobs(Dir::New)?;
    let Some(greatest) = first.iter().map(|(id, _)| *id).max() else { return Ok(()) };
    if first.iter().all(|(id, _)| shared.arrivals.contains(*id) || shared.order().knows(*id)) {
        return Ok(());
    }
    let second = shared.layout.jobs(Dir::New)?;
    for (id, _) in first.into_iter().chain(second).filter(|(id, _)| *id <= greatest) {
        shared.found(id);
    }
    Ok(())
}

/// Counts what the folders hold, as far as the index does not know it.
pub(super) fn recount(shared: &Shared) -> Result<(), QueueError> {
    let failed = ids(&shared.layout, Dir::Failed)?.len();
    let mut counted = Tally { failed, ..Tally::default() };
    if !shared.roles.worker {
        let new = ids(&shared.layout, Dir::New)?;
        counted.waiting = new.len();
        counted.oldest = new.iter().min().copied();
        counted.oldest_due = oldest_due(&shared.layout, new);
        counted.working = ids(&shared.layout, Dir::Work)?.len();
    }
    *shared.tally() = counted;
    Ok(())
}

/// The oldest waiting job that was not put off; a few files are read at most.
fn oldest_due(layout: &Layout, mut waiting: Vec<JobId>) -> Option<JobId> {
    waiting.sort_unstable();
    let now = Millis::now();
    waiting.into_iter().take(16).find(|id| {
        let read = std::fs::read(layout.job(Dir::New, *id)).map(|bytes| Peek::parse(&bytes));
        matches!(read, Ok(Ok(peek)) if peek.not_before <= now)
    })
}

/// The greatest id there is.
fn greatest(layout: &Layout) -> Result<Option<JobId>, QueueError> {
    let mut greatest = None;
    for dir in Dir::OF_JOBS {
        greatest = greatest.max(ids(layout, dir)?.into_iter().max());
    }
    Ok(greatest)
}

fn ids(layout: &Layout, dir: Dir) -> Result<Vec<JobId>, QueueError> {
    Ok(layout.jobs(dir)?.into_iter().map(|(id, _)| id).collect())
}
