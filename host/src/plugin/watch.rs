//! Which of some files changed, once they are whole: still for a tenth of a second, or renamed into place.
//!
//! The system's notices only say when to look; what is believed is what a look finds. Where there are no notices (a network's file system) a look every two
//! seconds does.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use tokio::sync::mpsc;

/// A file is whole when nothing about it changed for so long.
const STILL: Duration = Duration::from_millis(100);

/// So many notices wait to be heard. Whatever else is in the folder may change without end, a log say; what finds no room is found by the next look.
const NOTICES: usize = 1_024;

/// Without notices, how often one looks.
const LOOK: Duration = Duration::from_secs(2);

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

#[derive(Debug)]
struct Watched {
    /// As last told of; a file that is away has none.
    told: Option<Stamp>,
    /// Something else was seen, and since when it has been so.
    moving: Option<(Option<Stamp>, Instant)>,
}

/// Watches files, which may come and go.
pub struct Watch {
    files: BTreeMap<PathBuf, Watched>,
    folders: BTreeSet<PathBuf>,
    watcher: Option<RecommendedWatcher>,
    notices: mpsc::Receiver<notify::Event>,
}

impl Watch {
    /// Watches nothing yet.
    pub fn new() -> Self {
        let (tell, notices) = mpsc::channel(NOTICES);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Some(event) = event.ok().filter(|event| may_be_a_change(event.kind)) {
                // Nobody hears it once the watch is over, or while there is more than anyone has to hear.
                let _ = tell.try_send(event);
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "no notices of changed files: looking every two seconds"))
            .ok();
        Self { files: BTreeMap::new(), folders: BTreeSet::new(), watcher, notices }
    }

    /// Watches these files and no others. What they are now is known: only a change is told.
    pub fn set(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let wanted: BTreeSet<PathBuf> = files.into_iter().collect();
        self.files.retain(|path, _| wanted.contains(path));
        for path in wanted {
            if let Some(folder) = path.parent() {
                self.watch_folder(folder);
            }
            self.files.entry(path).or_insert_with_key(|path| Watched { told: stamp(path), moving: None });
        }
    }

    fn watch_folder(&mut self, folder: &Path) {
        let Some(watcher) = self.watcher.as_mut().filter(|_| !self.folders.contains(folder)) else { return };
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.folders.insert(folder.to_owned());
            }
            Err(error) => tracing::debug!(folder = %folder.display(), %error, "no notices of this folder"),
        }
    }

    /// The next files that changed and are whole, or went away.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            let settled = self.look(&BTreeSet::new());
            if !settled.is_empty() {
                return settled;
            }
            let moving = self.files.values().any(|file| file.moving.is_some());
            let wait = if moving { STILL / 5 } else { LOOK };
            let Ok(Some(first)) = tokio::time::timeout(wait, self.notices.recv()).await else { continue };
            let mut renamed = BTreeSet::new();
            note(&first, &mut renamed);
            while let Ok(next) = self.notices.try_recv() {
                note(&next, &mut renamed);
            }
            let settled = self.look(&renamed);
            if !settled.is_empty() {
                return settled;
            }
        }
    }

    fn look(&mut self, renamed: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let mut settled = Vec::new();
        let now = Instant::now();
        for (path, file) in &mut self.files {
            let seen = stamp(path);
            if seen == file.told {
                file.moving = None;
                continue;
            }
            let since = match file.moving {
                Some((moving, since)) if moving == seen => since,
                _ => now,
            };
            file.moving = Some((seen, since));
            if renamed.contains(path) || now.duration_since(since) >= STILL {
                file.told = seen;
                file.moving = None;
                settled.push(path.clone());
            }
        }
        settled
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

/// Reading a file changes nothing, and our own reading would be told of too.
fn may_be_a_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(AccessKind::Read | AccessKind::Open(_) | AccessKind::Close(AccessMode::Read)))
}

/// A file that was renamed to its name was whole before.
fn note(event: &notify::Event, renamed: &mut BTreeSet<PathBuf>) {
    if let EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) = event.kind {
        renamed.extend(event.paths.last().cloned());
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;

    let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some(Stamp { modified: about.modified().ok(), length: about.len(), inode: about.ino() })
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    async fn next(watch: &mut Watch) -> Vec<PathBuf> {
        tokio::time::timeout(Duration::from_secs(30), watch.changed()).await.expect("a change is told")
    }

    #[tokio::test]
    async fn a_file_that_is_dropped_in_changed_or_deleted_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slug.wasm");
        let mut watch = Watch::new();
        watch.set([path.clone()]);

        fs::write(&path, "one").unwrap();
        assert_eq!(next(&mut watch).await, std::slice::from_ref(&path));
        let draft = folder.path().join("draft");
        fs::write(&draft, "another").unwrap();
        fs::rename(&draft, &path).unwrap();
        assert_eq!(next(&mut watch).await, std::slice::from_ref(&path));
        fs::remove_file(&path).unwrap();
        assert_eq!(next(&mut watch).await, std::slice::from_ref(&path));

        assert!(watch.look(&BTreeSet::new()).is_empty());
    }

    #[tokio::test]
    async fn a_file_that_is_still_being_written_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slug.wasm");
        let mut watch = Watch::new();
        watch.set([path.clone()]);
        let mut file = fs::File::create(&path).unwrap();
        for n in 0..20 {
            file.write_all(&[n; 100]).unwrap();
            assert!(watch.look(&BTreeSet::new()).is_empty(), "told after {n} pieces");
        }
        drop(file);

        assert_eq!(next(&mut watch).await, std::slice::from_ref(&path));
        assert_eq!(fs::metadata(&path).unwrap().len(), 2_000);
    }

    #[test]
    fn what_is_there_at_the_start_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slug.wasm");
        fs::write(&path, "one").unwrap();
        let mut watch = Watch::new();

        watch.set([path.clone(), folder.path().join("not-there.wasm")]);

        assert!(watch.look(&BTreeSet::new()).is_empty());
    }
}
