//! Which version of each plugin is in force, which were before it, which were set aside, and why: one small file in the data directory, and a journal of what
//! happened beside it.
//!
//! What is written here decides what a restart begins with: a spoiled file in the watched folder changes nothing of it.

use std::{
    collections::BTreeMap,
    fs, io,
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::own;
use crate::job::Millis;

/// Versions one can go back to.
const BEFORE: usize = 3;

/// Versions remembered as set aside, for each plugin.
const SET_ASIDE: usize = 32;

/// The journal is cut in half when it is longer: 1 MiB.
const JOURNAL: u64 = 1 << 20;

/// A version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of the component.
    pub digest: String,
    /// What it calls itself.
    pub version: String,
    /// Since when it is in force, or when it was.
    pub since: Millis,
}

/// A version that is not tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// SHA-256 of the component.
    pub digest: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Millis,
}

/// A plugin's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The version in force.
    pub in_force: Version,
    /// Those before it, newest first.
    #[serde(default)]
    pub before: Vec<Version>,
    /// Those that failed or that an operator went back from, newest last.
    #[serde(default)]
    pub set_aside: Vec<SetAside>,
}

impl Entry {
    /// For a plugin that was never swapped.
    pub fn new(in_force: Version) -> Self {
        Self { in_force, before: Vec::new(), set_aside: Vec::new() }
    }

    /// Why a version was set aside.
    pub fn set_aside(&self, digest: &str) -> Option<&SetAside> {
        self.set_aside.iter().rev().find(|aside| aside.digest == digest)
    }

    fn put_in_force(&mut self, version: Version) {
        let before = std::mem::replace(&mut self.in_force, version);
        self.before.retain(|known| known.digest != before.digest && known.digest != self.in_force.digest);
        self.before.insert(0, before);
        self.before.truncate(BEFORE);
        self.set_aside.retain(|aside| aside.digest != self.in_force.digest);
    }

    fn put_aside(&mut self, digest: &str, why: &str) {
        self.set_aside.retain(|aside| aside.digest != digest);
        self.set_aside.push(SetAside { digest: digest.to_owned(), why: why.to_owned(), at: Millis::now() });
        if self.set_aside.len() > SET_ASIDE {
            self.set_aside.remove(0);
        }
        self.before.retain(|version| version.digest != digest);
    }
}

/// What happened to a plugin, or to the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A version is in force for everyone.
    Swapped {
        /// The version before.
        from: String,
        /// What it was tried on, in words.
        rehearsal: String,
    },
    /// A version is tried beside the one in force.
    Tried {
        /// `shadow` or `canary 10`.
        how: String,
        /// What it was tried on before, in words.
        rehearsal: String,
    },
    /// A version on trial is in force for everyone.
    Promoted,
    /// A version that was watched stays.
    Settled,
    /// It was not taken.
    Refused {
        /// Why.
        why: String,
    },
    /// It went, and the one before is in force again.
    RolledBack {
        /// The version that is in force again.
        to: String,
        /// Why.
        why: String,
    },
    /// pipeline.toml was read again and is in force.
    Reloaded,
}

impl What {
    /// The word of it, for logs and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Swapped { .. } => "swapped",
            Self::Tried { .. } => "tried",
            Self::Promoted => "promoted",
            Self::Settled => "settled",
            Self::Refused { .. } => "refused",
            Self::RolledBack { .. } => "rolled-back",
            Self::Reloaded => "reloaded",
        }
    }
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Millis,
    /// What pipeline.toml calls the plugin; `pipeline.toml` for itself.
    pub plugin: String,
    /// The version it is about.
    #[serde(default)]
    pub version: String,
    /// Its digest, or the generation.
    #[serde(default)]
    pub digest: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Book {
    format: Format,
    plugins: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
enum Format {
    #[default]
    #[serde(rename = "wtaf-plugins-1")]
    V1,
}

/// The ledger of a data directory. One process writes it: the worker.
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: PathBuf,
    book: Book,
}

impl Ledger {
    /// Opens it; a ledger that cannot be read is begun anew, since everything in it can be found out again.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("plugins");
        own::folder(&folder)?;
        Self::read(folder)
    }

    /// Looks at it without being its writer: nothing is made.
    pub fn look(data_dir: &Path) -> io::Result<Self> {
        Self::read(data_dir.join("plugins"))
    }

    /// The same for the folder of components itself.
    pub fn look_in(folder: &Path) -> io::Result<Self> {
        Self::read(folder.to_owned())
    }

    fn read(folder: PathBuf) -> io::Result<Self> {
        let path = folder.join("in-force.json");
        let book = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::error!(path = %path.display(), %error, "the ledger of plugins cannot be read: begun anew from the files");
                Book::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Book::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { folder, book })
    }

    /// A plugin's line.
    pub fn entry(&self, plugin: &str) -> Option<&Entry> {
        self.book.plugins.get(plugin)
    }

    /// Every line.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.book.plugins
    }

    /// Every digest one may want again.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        self.book
            .plugins
            .values()
            .flat_map(|entry| std::iter::once(&entry.in_force).chain(&entry.before))
            .map(|version| version.digest.as_str())
    }

    /// A version is in force from now on; durable when this returns, and as before where it fails.
    pub fn in_force(&mut self, plugin: &str, version: Version) -> io::Result<()> {
        self.change(|book| match book.plugins.get_mut(plugin) {
            Some(entry) if entry.in_force.digest == version.digest => {}
            Some(entry) => entry.put_in_force(version),
            None => {
                book.plugins.insert(plugin.to_owned(), Entry::new(version));
            }
        })
    }

    /// A version went, and another is in force again.
    pub fn rolled_back(&mut self, plugin: &str, from: &str, to: Version, why: &str) -> io::Result<()> {
        self.change(|book| {
            let entry = book.plugins.entry(plugin.to_owned()).or_insert_with(|| Entry::new(to.clone()));
            if entry.in_force.digest != to.digest {
                entry.put_in_force(to);
            }
            entry.put_aside(from, why);
        })
    }

    /// A version may be tried again.
    pub fn pardon(&mut self, plugin: &str, digest: &str) -> io::Result<()> {
        if self.entry(plugin).and_then(|entry| entry.set_aside(digest)).is_none() {
            return Ok(());
        }
        self.change(|book| {
            if let Some(entry) = book.plugins.get_mut(plugin) {
                entry.set_aside.retain(|aside| aside.digest != digest);
            }
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut Book)) -> io::Result<()> {
        let mut book = self.book.clone();
        change(&mut book);
        own::write(&self.folder.join("in-force.json"), &serde_json::to_vec_pretty(&book)?)?;
        self.book = book;
        Ok(())
    }

    /// Writes a line into the journal.
    pub fn note(&self, event: &Event) -> io::Result<()> {
        let path = self.folder.join("journal.jsonl");
        let mut file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        file.write_all(&line)?;
        if file.metadata()?.len() > JOURNAL {
            let all = fs::read(&path)?;
            let half = all.len() / 2;
            let from = all[half..].iter().position(|byte| *byte == b'\n').map_or(all.len(), |at| half + at + 1);
            own::write(&path, &all[from..])?;
        }
        Ok(())
    }

    /// The last lines of the journal, oldest first.
    pub fn events(&self, most: usize) -> io::Result<Vec<Event>> {
        let mut file = match fs::File::open(self.folder.join("journal.jsonl")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        // A line is a few hundred bytes.
        let start = length.saturating_sub(most as u64 * 1_024);
        file.seek(io::SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // The first piece may be half a line.
        let lines = bytes.split(|byte| *byte == b'\n');
        let mut events: Vec<Event> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let surplus = events.len().saturating_sub(most);
        events.drain(..surplus);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(digest: &str) -> Version {
        Version { digest: digest.into(), version: "0.1.0".into(), since: Millis(1) }
    }

    #[test]
    fn the_last_three_versions_can_be_gone_back_to_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        for digest in ["a", "b", "c", "d", "e"] {
            ledger.in_force("slug", version(digest)).unwrap();
        }

        let again = Ledger::open(folder.path()).unwrap();

        let entry = again.entry("slug").unwrap();
        assert_eq!(entry.in_force.digest, "e");
        assert_eq!(entry.before.iter().map(|v| v.digest.as_str()).collect::<Vec<_>>(), ["d", "c", "b"]);
    }

    #[test]
    fn a_version_that_went_is_set_aside_until_it_is_pardoned() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        ledger.in_force("slug", version("a")).unwrap();
        ledger.in_force("slug", version("b")).unwrap();

        ledger.rolled_back("slug", "b", version("a"), "it trapped").unwrap();
        let entry = ledger.entry("slug").unwrap();
        assert_eq!((entry.in_force.digest.as_str(), entry.before.len()), ("a", 0));
        assert_eq!(entry.set_aside("b").unwrap().why, "it trapped");

        ledger.pardon("slug", "b").unwrap();
        assert!(Ledger::open(folder.path()).unwrap().entry("slug").unwrap().set_aside("b").is_none());
    }

    #[test]
    fn a_spoiled_ledger_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        Ledger::open(folder.path()).unwrap().in_force("slug", version("a")).unwrap();
        fs::write(folder.path().join("plugins/in-force.json"), "{").unwrap();

        assert!(Ledger::open(folder.path()).unwrap().entries().is_empty());
    }

    #[test]
    fn the_journal_is_read_in_order_and_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        for n in 0..4_000 {
            let what = What::Refused { why: "x".repeat(300) };
            let event =
                Event { at: Millis(n), plugin: "slug".into(), version: String::new(), digest: String::new(), what };
            ledger.note(&event).unwrap();
        }

        let last = ledger.events(2).unwrap();
        assert_eq!(last.iter().map(|event| event.at).collect::<Vec<_>>(), [Millis(3_998), Millis(3_999)]);
        assert!(fs::metadata(folder.path().join("plugins/journal.jsonl")).unwrap().len() <= JOURNAL);
    }
}
