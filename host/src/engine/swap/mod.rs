//! Swaps: another version of a plugin, or another pipeline.toml, comes into force while jobs run.
//!
//! Everything is prepared and tried before anything changes, and then one value is replaced. Jobs under way end on what they began with. What is refused
//! leaves no trace but a line in the journal. One swap at a time.

mod cluster;
mod judge;
mod look;
mod offer;
mod reload;
mod replay;
mod share;
mod show;
mod tags;
mod tidy;

pub use cluster::{Cluster, NotStocked, how_of, machine, prune, stock};
pub use offer::{Offer, Refused, Taken};
pub use reload::ReloadRefused;
pub use replay::{NotReplayed, Replayed, Versions as Replaying};
pub use show::{Line, OnTrial};

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;

use super::{
    Generations, InForce, Plugins, Workshop, sources,
    trial::{Trial, Versions},
    workshop::AssemblyError,
};
use crate::{
    adapter::bucket::Bucket,
    config::{Checked, Places, PluginSource, Role, RoleOf, Runs},
    job::Millis,
    plugin::{
        self, Plugin, Recordings, Registry, Shelf, SourceError, Watch, is_built_in,
        ledger::{Event, Ledger, Version, What},
        signature::{NewestError, NotTrusted, Signed, Trust},
    },
};

/// Versions of a plugin kept compiled in memory, so that going back takes no time.
const RESIDENT: usize = 3;

/// What the journal calls pipeline.toml.
const PIPELINE: &str = "pipeline.toml";

/// The half of the engine that changes what the other half runs.
pub struct Swaps {
    generations: Arc<Generations>,
    workshop: Arc<Workshop>,
    recordings: Arc<Recordings>,
    ledger: Mutex<Ledger>,
    trust: Trust,
    resident: Mutex<BTreeMap<String, VecDeque<Arc<Plugin>>>>,
    /// Files that were refused last, by plugin: digests.
    refused: Mutex<BTreeMap<String, String>>,
    /// What `plugins.dir` looked like when pipeline.toml was refused: a file may be what it lacked.
    lacked: Mutex<Option<SystemTime>>,
    /// Rollbacks that the disk has not heard of.
    unwritten: Mutex<Vec<judge::Unwritten>>,
    /// Held while a candidate is prepared: compiled, tried.
    candidates: tokio::sync::Mutex<()>,
    /// Held while what is in force is replaced, which takes no time.
    turn: tokio::sync::Mutex<()>,
    /// Rung by whoever wants the files looked at now.
    look: tokio::sync::Notify,
    /// The other nodes, where plugins come from a bucket.
    cluster: Option<Arc<Cluster>>,
}

/// Why the engine's first generation could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Neither what was in force nor what the pipeline names now can be loaded.
    #[error(transparent)]
    Plugin(#[from] SourceError),
    /// The rest of it.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    /// Nobody we know signed it, or it is an older release.
    #[error(transparent)]
    NotTrusted(#[from] NotTrusted),
    /// What releases were seen is not known.
    #[error(transparent)]
    Newest(#[from] NewestError),
    /// The data directory.
    #[error("the ledger of plugins: {0}")]
    Ledger(#[from] io::Error),
}

impl Swaps {
    /// What plugins were asked and answered.
    pub fn recordings(&self) -> &Arc<Recordings> {
        &self.recordings
    }

    /// The first generation after a start: what was in force before it, where that can still be had. Blocking: call it off the async threads.
    pub fn start(
        pipeline: &Arc<Checked>,
        workshop: Arc<Workshop>,
        recordings: Arc<Recordings>,
        bucket: Option<Arc<dyn Bucket>>,
    ) -> Result<Arc<Self>, StartError> {
        // So that there is a place to drop plugins into, and notices of it. Where it cannot be made, dropping is not possible, and nothing else is lost.
        if let Err(error) = std::fs::create_dir_all(workshop.registry().dir()) {
            tracing::warn!(folder = %workshop.registry().dir().display(), %error, "plugins cannot be dropped in");
        }
        let mut ledger = Ledger::open(&pipeline.data_dir)?;
        let mut plugins = Plugins::new();
        let trust = Trust::open(&pipeline.plugins.keys, workshop.registry().shelf().dir())?;
        let beginning = Beginning { registry: workshop.registry(), ledger: &ledger, trust: &trust, pipeline };
        for source in sources(pipeline) {
            plugins.insert(source.key(), beginning.version(&source)?);
        }
        // From here on there are jobs whose way compiling must not stand in.
        workshop.registry().sandbox().give_way();
        recordings.warm();
        let generation = Arc::new(workshop.assemble(Arc::clone(pipeline), &plugins)?);
        let generations = Generations::new(&generation, &pipeline.data_dir)?;
        for (key, plugin) in generations.current().plugins() {
            if ledger.entry(key).is_none_or(|entry| entry.in_force.digest != plugin.digest) {
                ledger.in_force(key, version_of(plugin))?;
            }
        }
        let kept = workshop.registry().shelf().dir();
        let cluster = bucket.map(|bucket| Cluster::open(bucket, kept)).transpose()?.map(Arc::new);
        let swaps = Self {
            generations: Arc::new(generations),
            workshop,
            recordings,
            ledger: Mutex::new(ledger),
            trust,
            resident: Mutex::default(),
            refused: Mutex::default(),
            lacked: Mutex::default(),
            unwritten: Mutex::default(),
            candidates: tokio::sync::Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            look: tokio::sync::Notify::new(),
            cluster,
        };
        for (key, plugin) in swaps.generations.current().plugins() {
            swaps.keep_resident(key, plugin);
        }
        swaps.resume_trials()?;
        Ok(Arc::new(swaps))
    }

    /// A version that was being watched when the process ended is watched on.
    fn resume_trials(&self) -> io::Result<()> {
        let in_force = self.generations.in_force();
        let rule = in_force.base.pipeline.plugins.trial;
        let mut trials = Vec::new();
        for source in sources(&in_force.base.pipeline) {
            let key = source.key();
            let (Some(entry), Some(serving)) = (self.ledger().entry(&key).cloned(), in_force.base.plugins().get(&key))
            else {
                continue;
            };
            let young = Millis::now().since(entry.in_force.since) < rule.window;
            let Some(before) = entry.before.first().filter(|_| young && entry.in_force.digest == serving.digest) else {
                continue;
            };
            match self.workshop.registry().version(&source.name(), &before.digest) {
                Ok(old) => {
                    let signed = self.signed(&in_force.base.pipeline, &source, &serving.digest);
                    let versions = Versions { old, new: Arc::clone(serving), signed };
                    trials.push(Arc::new(Trial::resumed(&key, versions, rule, entry.in_force.since)));
                }
                Err(error) => {
                    tracing::warn!(plugin = %key, %error, "the version before is gone: nothing to go back to");
                }
            }
        }
        if trials.is_empty() { Ok(()) } else { self.put(in_force.next(Arc::clone(&in_force.base), trials, None)) }
    }

    /// Who signed a version that serves, where that is asked for.
    fn signed(&self, pipeline: &Checked, source: &PluginSource, digest: &str) -> Option<Signed> {
        let bytes = self.workshop.registry().shelf().get(digest).ok()?;
        let role = role_in(pipeline, source)?;
        self.trust.admit_again(&bytes, signed_name(source).as_deref(), role).ok().flatten()
    }

    /// What jobs run on.
    pub fn generations(&self) -> &Arc<Generations> {
        &self.generations
    }

    /// Looks at the watched files now, and at pipeline.toml: what SIGHUP asks for.
    pub fn poke(&self) {
        self.look.notify_one();
    }

    /// Watches files and trials until the engine stops.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) {
        let judging = tokio::spawn(Arc::clone(&self).judge_until(stopping.clone()));
        let following = tokio::spawn(Arc::clone(&self).follow_until(stopping.clone()));
        tokio::select! {
            () = stopping.cancelled() => {}
            () = Arc::clone(&self).watch() => {}
        }
        // They end by themselves once told to; a panic in them has nothing left to harm.
        let _ = judging.await;
        let _ = following.await;
    }

    async fn judge_until(self: Arc<Self>, stopping: CancellationToken) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.generations.news.notified() => self.judge().await,
                _ = tick.tick() => self.judge().await,
            }
        }
    }

    async fn watch(self: Arc<Self>) {
        let mut watch = Watch::new();
        watch.set(self.files());
        // Something may have changed between the start's own look and this.
        self.look_at_everything().await;
        let mut hourly = tokio::time::interval(Duration::from_hours(1));
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut refreshed = tokio::time::Instant::now();
        loop {
            tokio::select! {
                () = self.next_refresh(refreshed) => {
                    self.refresh().await;
                    refreshed = tokio::time::Instant::now();
                }
                changed = watch.changed() => {
                    let before = Arc::clone(&self.generations.current().pipeline);
                    for path in changed {
                        self.look_at_file(&path).await;
                    }
                    watch.set(self.files());
                    // A pipeline that is read anew may name files nobody watched before.
                    if !Arc::ptr_eq(&before, &self.generations.current().pipeline) {
                        self.look_at_everything().await;
                    }
                }
                () = self.look.notified() => {
                    // Told and journaled where it happens.
                    let _ = self.reload().await;
                    watch.set(self.files());
                    self.look_at_everything().await;
                }
                _ = second.tick(), if self.may_hold_now() => {
                    // Told and journaled where it happens.
                    let _ = self.reload().await;
                    watch.set(self.files());
                }
                _ = hourly.tick() => self.tidy().await,
            }
        }
    }

    fn keep_resident(&self, key: &str, plugin: &Arc<Plugin>) {
        let mut resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = resident.entry(key.to_owned()).or_default();
        versions.retain(|known| known.digest != plugin.digest);
        versions.push_front(Arc::clone(plugin));
        versions.truncate(RESIDENT + 1);
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs, counts and writes down what happened.
    fn tell(&self, key: &str, version: &str, digest: &str, what: What) {
        let word = what.word();
        let short = &digest[..digest.len().min(12)];
        match &what {
            What::Refused { why } if key == PIPELINE => {
                tracing::warn!(%why, "pipeline.toml refused: what was in force stays");
            }
            What::Refused { why } => {
                tracing::warn!(plugin = key, version, digest = short, %why, "plugin refused: the version in force stays");
            }
            What::RolledBack { to, why } => {
                tracing::warn!(plugin = key, version, digest = short, back_to = &to[..to.len().min(12)], %why, "plugin rolled back");
            }
            What::Swapped { rehearsal, .. } => {
                tracing::info!(plugin = key, version, digest = short, %rehearsal, "plugin swapped");
            }
            What::Tried { how, rehearsal } => {
                tracing::info!(plugin = key, version, digest = short, %how, %rehearsal, "plugin on trial");
            }
            What::Promoted => {
                tracing::info!(plugin = key, version, digest = short, "plugin promoted: everyone gets it");
            }
            What::Settled => tracing::info!(plugin = key, version, digest = short, "plugin settled: its trial is over"),
            What::Reloaded => tracing::info!(generation = short, "pipeline reloaded"),
        }
        metrics::counter!("wtaf_swaps_total", "plugin" => key.to_owned(), "event" => word).increment(1);
        let event = Event {
            at: Millis::now(),
            plugin: key.to_owned(),
            version: version.to_owned(),
            digest: digest.to_owned(),
            what,
        };
        if let Err(error) = self.ledger().note(&event) {
            tracing::warn!(%error, "the journal of swaps could not be written");
        }
    }

    fn put(&self, next: InForce) -> io::Result<()> {
        self.generations.replace(next)
    }
}

/// The name of a version in the ledger.
fn version_of(plugin: &Plugin) -> Version {
    Version { digest: plugin.digest.clone(), version: plugin.about.version.clone(), since: Millis::now() }
}

/// The name a release is signed under: what pipeline.toml calls it. A digest names no release.
fn signed_name(source: &PluginSource) -> Option<String> {
    (!matches!(source, PluginSource::Digest(_))).then(|| source.name())
}

/// The role the pipeline wants of a plugin.
fn role_in(pipeline: &Checked, source: &PluginSource) -> Option<Role> {
    pipeline.stages.iter().find_map(|stage| match &stage.runs {
        Runs::Plugin { source: named, role } if named == source => Some(*role),
        _ => None,
    })
}

/// How a pipeline's plugins are found when there is no generation yet.
struct Beginning<'a> {
    registry: &'a Registry,
    ledger: &'a Ledger,
    trust: &'a Trust,
    pipeline: &'a Checked,
}

impl Beginning<'_> {
    /// What was in force before the start; else what the pipeline names now.
    fn version(&self, source: &PluginSource) -> Result<Arc<Plugin>, StartError> {
        let known = self.ledger.entry(&source.key()).filter(|_| !matches!(source, PluginSource::Digest(_)));
        if let Some(entry) = known {
            match self.known_version(source, &entry.in_force.digest) {
                Ok(plugin) if role_in(self.pipeline, source) == Some(plugin.about.role) => return Ok(plugin),
                Ok(_) => {
                    tracing::warn!(plugin = %source.key(), "the version that was in force has another role than its stage: beginning with what the pipeline names");
                }
                Err(error) => {
                    tracing::warn!(plugin = %source.key(), %error, "the version that was in force is not to be had: beginning with what the pipeline names");
                }
            }
        }
        let bytes = self.registry.bytes(source)?;
        if let (Some(role), false) = (role_in(self.pipeline, source), is_built_in(&bytes)) {
            let signed = self.trust.admit(&bytes, signed_name(source).as_deref(), role)?;
            if let Some(signed) = signed {
                self.trust.in_use(&signed)?;
            }
        }
        let plugin = self.registry.compile(&source.name(), &bytes).map_err(SourceError::from)?;
        if let Err(error) = self.registry.shelf().keep(&bytes) {
            tracing::warn!(plugin = %source.key(), %error, "the version in force could not be kept: a restart depends on its file");
        }
        Ok(plugin)
    }

    fn known_version(&self, source: &PluginSource, digest: &str) -> Result<Arc<Plugin>, StartError> {
        if let (Ok(bytes), Some(role)) = (self.registry.shelf().get(digest), role_in(self.pipeline, source))
            && !is_built_in(&bytes)
        {
            self.trust.admit_again(&bytes, signed_name(source).as_deref(), role)?;
        }
        Ok(self.registry.version(&source.name(), digest)?)
    }
}

/// Roles for the configuration's check at a start, where the files themselves do not make a pipeline: of the versions that were in force. A spoiled file, or
/// one of another role, does not keep the engine from starting.
pub struct LastGood;

impl RoleOf for LastGood {
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
        let kept = Ledger::look(places.data_dir).ok().and_then(|ledger| {
            let digest = &ledger.entry(&source.key())?.in_force.digest;
            let built_in = wtaf_bundle::EMBEDDED.iter().find(|embedded| plugin::digest_of(embedded.bytes) == *digest);
            let kept = Shelf::new(places.data_dir).get(digest);
            let bytes = built_in.map(|embedded| embedded.bytes.to_vec()).or_else(|| kept.ok())?;
            plugin::about(&bytes).ok()
        });
        kept.map_or_else(|| plugin::role_of(source, places), |about| Ok(about.role))
    }
}
