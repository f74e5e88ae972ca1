//! What each node says of itself: which version it runs, whether it can, and what a trial has come to there.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::standing::{is_digest, is_name, plain};
use crate::job::Millis;

/// A report is a few hundred bytes.
const LARGEST: usize = 8 << 10;

/// A node's line on one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which node: its own for as long as its data directory lives.
    pub node: Ulid,
    /// What people call it.
    pub name: String,
    /// The engine's own version there.
    pub host: String,
    /// The plugin.
    pub plugin: String,
    /// The version that serves there.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// What the bucket said last, as far as this node has come; 0: nothing.
    pub revision: u64,
    /// Why what the bucket says cannot run there; unset: it does.
    #[serde(default)]
    pub refused: Option<String>,
    /// What is watched there.
    #[serde(default)]
    pub tallies: Vec<Tally>,
    /// When it was said.
    pub at: Millis,
}

/// What a version has come to on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Which installation.
    pub id: Ulid,
    /// Whether it serves everyone.
    pub whole: bool,
    /// So far.
    pub counts: Counts,
}

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Jobs it had part in that ended.
    pub jobs: u64,
    /// Jobs that failed on it and not on the version before.
    pub strikes: u64,
    /// Calls it was shown as a shadow.
    pub shown: u64,
    /// Of those, answered otherwise than by the version in force.
    pub differences: u64,
    /// Of those, not answered at all, where the version in force did.
    pub faults: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            jobs: self.jobs.saturating_add(other.jobs),
            strikes: self.strikes.saturating_add(other.strikes),
            shown: self.shown.saturating_add(other.shown),
            differences: self.differences.saturating_add(other.differences),
            faults: self.faults.saturating_add(other.faults),
        }
    }
}

impl Report {
    /// Reads one; `None` where it is none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LARGEST {
            return None;
        }
        let mut read: Self = serde_json::from_slice(bytes).ok()?;
        for (words, most) in [(&mut read.name, 120), (&mut read.host, 64), (&mut read.version, 64)] {
            *words = plain(words, most);
        }
        read.refused = read.refused.map(|why| plain(&why, 500));
        (is_digest(&read.digest) && is_name(&read.plugin)).then_some(read)
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        // It holds nothing that JSON cannot.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether it says the same, whenever it was said.
    pub fn says_as(&self, other: &Self) -> bool {
        Self { at: other.at, ..self.clone() } == *other
    }
}
