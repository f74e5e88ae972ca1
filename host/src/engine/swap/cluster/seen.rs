//! What this node is called, and what the bucket said last, as far as it was followed: on the disk, so that a restart without NATS knows whose word counts.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::{
    adapter::bucket::{Said, Standing},
    plugin::own,
};

/// What was followed of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// Its number in the bucket.
    pub revision: u64,
    /// What was said.
    pub standing: Standing,
    /// Installations of those that ran here; the others were refused.
    #[serde(default)]
    ran: Vec<Ulid>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Book {
    node: Ulid,
    bucket: String,
    plugins: BTreeMap<String, Followed>,
}

/// The node's memory of the bucket.
#[derive(Debug)]
pub struct Seen {
    path: PathBuf,
    book: Book,
}

impl Seen {
    /// Of the bucket `called` so, in the folder where the engine keeps components. What another bucket said is forgotten.
    pub fn open(folder: &Path, called: &str) -> io::Result<Self> {
        let path = folder.join("bucket.json");
        let known: Option<Book> = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let node = known.as_ref().map_or_else(Ulid::new, |book| book.node);
        let same = known.filter(|book| book.bucket == called).map(|book| book.plugins);
        let book = Book { node, bucket: called.to_owned(), plugins: same.unwrap_or_default() };
        let seen = Self { path, book };
        seen.write()?;
        Ok(seen)
    }

    /// Which node this is.
    pub fn node(&self) -> Ulid {
        self.book.node
    }

    /// What was followed of a plugin last.
    pub fn of(&self, plugin: &str) -> Option<&Followed> {
        self.book.plugins.get(plugin)
    }

    /// Whether this very installation ran here: what became of it here is about no other.
    pub fn ran(&self, plugin: &str, id: Ulid) -> bool {
        self.of(plugin).is_some_and(|followed| followed.ran.contains(&id))
    }

    /// It was followed, and these installations run here now.
    pub fn follow(&mut self, plugin: &str, said: &Said, run: &[Ulid]) -> io::Result<()> {
        let ids = said.standing.running().map(|placed| placed.id);
        let ran = ids.filter(|id| run.contains(id) || self.ran(plugin, *id)).collect();
        let followed = Followed { revision: said.revision, standing: said.standing.clone(), ran };
        if self.of(plugin) == Some(&followed) {
            return Ok(());
        }
        self.book.plugins.insert(plugin.to_owned(), followed);
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        own::write(&self.path, &serde_json::to_vec_pretty(&self.book)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::bucket::{How, Placed};

    fn said(digit: &str) -> Said {
        Said { standing: Standing::begin(Placed::now(&digit.repeat(64), "1.0.0", "ann")), revision: 7 }
    }

    #[test]
    fn a_node_stays_the_same_and_knows_what_it_followed_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path(), "nats://one").unwrap();
        let (followed, never) = (said("a"), said("a"));
        seen.follow("slug", &followed, &[followed.standing.in_force.id]).unwrap();

        let again = Seen::open(folder.path(), "nats://one").unwrap();

        assert_eq!((again.node(), again.of("slug").unwrap().revision), (seen.node(), 7));
        assert!(again.ran("slug", followed.standing.in_force.id));
        assert!(!again.ran("slug", never.standing.in_force.id), "the same bytes, installed again");
    }

    #[test]
    fn what_ran_here_still_counts_beside_a_version_that_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path(), "nats://one").unwrap();
        let first = said("a");
        let (ran, refused) = (first.standing.in_force.id, Placed::now(&"b".repeat(64), "1.0.0", "ann"));
        seen.follow("slug", &first, &[ran]).unwrap();

        let standing = first.standing.with(refused.clone(), Some(How::Shadow));
        seen.follow("slug", &Said { standing, revision: 8 }, &[]).unwrap();

        assert!(seen.ran("slug", ran) && !seen.ran("slug", refused.id));
    }

    #[test]
    fn what_another_bucket_said_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path(), "nats://one").unwrap();
        seen.follow("slug", &said("a"), &[]).unwrap();

        assert!(Seen::open(folder.path(), "nats://two").unwrap().of("slug").is_none());
    }
}
