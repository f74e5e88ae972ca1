//! Which folders there are and what a file in them is called. Knows names, reads and writes nothing but folders.

use std::{
    ffi::OsStr,
    io,
    os::unix::fs::{DirBuilderExt, DirEntryExt},
    path::{Path, PathBuf},
};

use crate::{adapter::queue::QueueError, job::JobId};

use super::durable;

/// One folder of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Dir {
    /// Files being written; nothing here counts.
    Tmp,
    /// Accepted, not taken up.
    New,
    /// Taken up.
    Work,
    /// Ended well, or refused by rule.
    Done,
    /// Given up.
    Failed,
    /// Which deliveries have been accepted: `seen/<sha256 of the delivery id>`.
    Seen,
    /// Drop-ins that became jobs.
    Taken,
}

impl Dir {
    const ALL: [Self; 7] = [Self::Tmp, Self::New, Self::Work, Self::Done, Self::Failed, Self::Seen, Self::Taken];

    /// Where a job can be, in the order it moves.
    pub(super) const OF_JOBS: [Self; 4] = [Self::New, Self::Work, Self::Done, Self::Failed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tmp => "tmp",
            Self::New => "new",
            Self::Work => "work",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Seen => "seen",
            Self::Taken => "taken",
        }
    }
}

/// The queue's folder, `<data.dir>/wtaf`.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the folders, for this account's eyes only.
    pub(super) fn create(data_dir: &Path) -> Result<Self, QueueError> {
        let layout = Self { root: data_dir.join("wtaf") };
        for dir in Dir::ALL {
            let path = layout.dir(dir);
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(|why| durable::failure("making the folder", &path, &why))?;
        }
        Ok(layout)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn dir(&self, dir: Dir) -> PathBuf {
        self.root.join(dir.name())
    }

    /// A job's file.
    pub(super) fn job(&self, dir: Dir, id: JobId) -> PathBuf {
        self.dir(dir).join(format!("{id}.json"))
    }

    /// Whether a job has a file there.
    pub(super) fn has(&self, dir: Dir, id: JobId) -> bool {
        self.job(dir, id).symlink_metadata().is_ok()
    }

    /// Whether a job has a file anywhere. It looks again when it found none: the job may have moved from a folder not yet looked at to one already
    /// looked at.
    pub(super) fn has_anywhere(&self, id: JobId) -> bool {
        (0..3).any(|_| Dir::OF_JOBS.iter().any(|dir| self.has(*dir, id)))
    }

    /// The jobs of a folder with their inodes, unsorted.
    pub(super) fn jobs(&self, dir: Dir) -> Result<Vec<(JobId, u64)>, QueueError> {
        let path = self.dir(dir);
        let read = || -> io::Result<Vec<(JobId, u64)>> {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(&path)? {
                let entry = entry?;
                if let Some(id) = id_of(&entry.file_name()) {
                    found.push((id, entry.ino()));
                }
            }
            Ok(found)
        };
        read().map_err(|why| durable::failure("listing", &path, &why))
    }
}

/// The job a file name stands for; nothing for any other file.
pub(super) fn id_of(name: &OsStr) -> Option<JobId> {
    let stem = name.to_str()?.strip_suffix(".json")?;
    let id: JobId = stem.parse().ok()?;
    (id.to_string() == stem).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn only_a_jobs_own_name_stands_for_it() {
        let name = "01K9ZB7Q4M8S7V3T2N1P0R6X5Y.json";
        assert_eq!(id_of(name.as_ref()).unwrap().to_string() + ".json", name);
        for other in ["01k9zb7q4m8s7v3t2n1p0r6x5y.json", "x.json", "01K9ZB7Q4M8S7V3T2N1P0R6X5Y.json.damaged", ".json"] {
            assert_eq!(id_of(other.as_ref()), None, "{other}");
        }
    }
}
