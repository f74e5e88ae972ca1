//! A node among others: what the bucket says is in force is brought into force here, the way a dropped file is; what a trial comes to is judged by all nodes
//! together; what an operator does here happens everywhere.
//!
//! The bucket is asked, never obeyed blindly: whatever comes out of it takes the same checks and the same rehearsal. While it is away a node goes on with what
//! it has.

mod follow;
mod generations;
mod operate;
mod prune;
mod refusals;
mod report;
mod seen;
mod stock;

pub use operate::how_of;
pub use prune::prune;
pub use stock::{NotStocked, stock};

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::sync::Notify;
use ulid::Ulid;

use self::{
    refusals::Refusals,
    seen::{Followed, Seen},
};
use crate::{
    adapter::bucket::{Bucket, BucketError, Report},
    config::PluginSource,
    plugin::rehearsal::Rehearsal,
};

/// Lines of other nodes that are kept: nobody has more nodes times plugins, and whoever writes more into the bucket is not listened to.
const MOST_HEARD: usize = 10_000;

/// The node's half of the bucket.
pub struct Cluster {
    bucket: Arc<dyn Bucket>,
    /// Which node this is, and what people call it.
    node: Ulid,
    name: String,
    seen: Mutex<Seen>,
    /// What other nodes said last, by node and plugin.
    heard: Mutex<BTreeMap<(Ulid, String), Heard>>,
    /// What the bucket says and this node cannot run.
    refused: Mutex<Refusals>,
    /// Plugins of which the bucket said something new.
    due: Mutex<BTreeSet<String>>,
    /// Rung when there are some.
    news: Notify,
    /// Rung when there is something to report.
    to_report: Notify,
    /// One plugin is brought to what the bucket says at a time.
    following: tokio::sync::Mutex<()>,
    /// Whether the bucket did not answer when it was asked last.
    away: AtomicBool,
    /// What an operator's version was tried on a moment ago, before it was put into the bucket: it is not tried twice.
    rehearsed: Mutex<Option<(String, Rehearsal)>>,
}

struct Heard {
    report: Report,
    at: Instant,
    left: bool,
}

impl Cluster {
    /// Over a bucket, with the node's memory in the folder where the engine keeps components.
    pub fn open(bucket: Arc<dyn Bucket>, folder: &Path) -> io::Result<Self> {
        let seen = Seen::open(folder, &bucket.called())?;
        let node = seen.node();
        Ok(Self {
            bucket,
            node,
            name: name_of(node),
            seen: Mutex::new(seen),
            heard: Mutex::default(),
            refused: Mutex::default(),
            due: Mutex::default(),
            news: Notify::new(),
            to_report: Notify::new(),
            following: tokio::sync::Mutex::default(),
            away: AtomicBool::new(false),
            rehearsed: Mutex::default(),
        })
    }

    /// Where plugins come from.
    pub fn bucket(&self) -> &Arc<dyn Bucket> {
        &self.bucket
    }

    /// What was followed of a plugin last.
    fn followed(&self, plugin: &str) -> Option<Followed> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).of(plugin).cloned()
    }

    /// Something is to be looked at.
    fn ask_about(&self, plugin: &str) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).insert(plugin.to_owned());
        self.news.notify_one();
    }

    fn refused(&self) -> MutexGuard<'_, Refusals> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a version that is tried again was refused in these words before: they were told.
    pub(super) fn knew(&self, plugin: &str, why: &str) -> bool {
        self.refused().knew(plugin, why)
    }

    /// How it is, in words; `ok`.
    fn health(&self) -> String {
        let cannot: Vec<_> = self.refused().all().map(|(plugin, why)| format!("{plugin}: {why}")).collect();
        match (cannot.is_empty(), self.away.load(Relaxed)) {
            (false, _) => format!("this node goes on with the version it has of {}", cannot.join("; ")),
            (true, true) => format!("{} is away: this node goes on with what it has", self.bucket.called()),
            (true, false) => "ok".to_owned(),
        }
    }

    /// Whether it answered; told when that changes.
    fn answered(&self, outcome: &Result<(), BucketError>) {
        let away = matches!(outcome, Err(BucketError::Away(_)));
        match (outcome, self.away.swap(away, Relaxed)) {
            (Err(error @ BucketError::Away(_)), false) => {
                tracing::warn!(bucket = %self.bucket.called(), %error, "the bucket of plugins is away: what is in force stays");
            }
            (Ok(()), true) => tracing::info!(bucket = %self.bucket.called(), "the bucket of plugins is back"),
            _ => {}
        }
    }

    /// Refusals are no longer known: something changed that they may have been about.
    pub(super) fn forgive(&self) {
        self.refused().clear();
        self.news.notify_one();
    }
}

/// The plugin a bucket may say something of: those that have a name. A path, a digest and a reference say themselves what they are.
pub(super) fn name_in(source: &PluginSource) -> Option<&str> {
    match source {
        PluginSource::Named(name) => Some(name),
        PluginSource::Path(_) | PluginSource::Digest(_) | PluginSource::Oci(_) => None,
    }
}

/// What this machine is called.
pub fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |sign: &char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.');
    let name: String = name.trim().chars().filter(plain).take(60).collect();
    if name.is_empty() { "node".to_owned() } else { name }
}

/// The machine, and which of its nodes.
fn name_of(node: Ulid) -> String {
    // The end of an id is its random part.
    let id = node.to_string().to_lowercase();
    format!("{}-{}", machine(), &id[id.len() - 5..])
}
