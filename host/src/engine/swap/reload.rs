//! pipeline.toml is read again: checked whole, tried on what it changes, and then in force from one job to the next. A file with a fault changes nothing.

use std::{
    sync::{Arc, PoisonError},
    time::SystemTime,
};

use super::{Beginning, LastGood, PIPELINE, StartError, Swaps, role_in};
use crate::{
    config::{Checked, Faults, Places, PluginSource, Role, RoleOf},
    engine::{InForce, Plugins, sources, workshop::AssemblyError},
    plugin::{self, Engines, ledger::What, rehearsal::Verdict},
};

/// Tables that are read once, at the start: they are what the process itself stands on.
const FIXED: [&str; 6] = ["server", "web", "data", "queue", "store", "sms"];

/// Why the file was not taken. What was in force stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadRefused {
    /// It has faults.
    #[error("{0}")]
    Faults(#[from] Faults),
    /// It changes what cannot change while the engine runs.
    #[error("{} cannot change while the engine runs: start it anew for that", .0.join(", "))]
    NeedsRestart(Vec<String>),
    /// A plugin it names cannot be had.
    #[error(transparent)]
    Plugin(#[from] StartError),
    /// A plugin it names anew failed its rehearsal.
    #[error("{plugin} {words}")]
    Rehearsal {
        /// What it calls the plugin.
        plugin: String,
        /// What went wrong.
        words: String,
    },
    /// The rest of it.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    /// The disk.
    #[error("the data directory: {0}")]
    Disk(#[from] std::io::Error),
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

impl Swaps {
    /// Reads pipeline.toml again. Gives whether anything changed.
    pub async fn reload(self: &Arc<Self>) -> Result<bool, ReloadRefused> {
        let swaps = Arc::clone(self);
        let reloaded = tokio::spawn(async move {
            let dir = swaps.dir_changed();
            let reloaded = swaps.reload_now().await;
            *swaps.lacked.lock().unwrap_or_else(PoisonError::into_inner) = dir.filter(|_| reloaded.is_err());
            match &reloaded {
                Ok(Some(generation)) => swaps.tell(PIPELINE, "", generation, What::Reloaded),
                Ok(None) => {}
                Err(refused) => swaps.tell(PIPELINE, "", "", What::Refused { why: refused.to_string() }),
            }
            reloaded.map(|generation| generation.is_some())
        });
        reloaded.await.unwrap_or(Err(ReloadRefused::Stopping))
    }

    /// Whether pipeline.toml was refused and something has come into `plugins.dir` since: it may be the plugin that the file names.
    pub(super) fn may_hold_now(&self) -> bool {
        let lacked = *self.lacked.lock().unwrap_or_else(PoisonError::into_inner);
        lacked.is_some_and(|then| self.dir_changed().is_some_and(|now| now != then))
    }

    fn dir_changed(&self) -> Option<SystemTime> {
        std::fs::metadata(self.workshop.registry().dir()).and_then(|about| about.modified()).ok()
    }

    async fn reload_now(self: &Arc<Self>) -> Result<Option<String>, ReloadRefused> {
        let _candidate = self.candidates.lock().await;
        let here = Arc::clone(self);
        let prepared = tokio::task::spawn_blocking(move || here.prepare()).await;
        let Some(prepared) = prepared.map_err(|_| ReloadRefused::Stopping)?? else { return Ok(None) };
        self.try_fresh(&prepared).await?;
        let _turn = self.turn.lock().await;
        self.switch(prepared).map(Some)
    }

    /// Reads the file, and loads what only it names. Changes nothing.
    fn prepare(&self) -> Result<Option<Prepared>, ReloadRefused> {
        let in_force = self.generations.in_force();
        let before = &in_force.base.pipeline;
        let mut pipeline = self.workshop.read(&Serving(&in_force))?;
        if pipeline.text() == before.text() {
            return Ok(None);
        }
        let fixed = changed_for_good(before, &pipeline);
        if !fixed.is_empty() {
            return Err(ReloadRefused::NeedsRestart(fixed));
        }
        // The kernel chose the port, and the links follow it.
        pipeline.listening_on(before.listening());
        let pipeline = Arc::new(pipeline);
        // A copy: compiling takes a while, and others want to look.
        let ledger = self.ledger().clone();
        let beginning =
            Beginning { registry: self.workshop.registry(), ledger: &ledger, trust: &self.trust, pipeline: &pipeline };
        let mut fresh = Plugins::new();
        for source in sources(&pipeline) {
            let serving = in_force.base.plugins().get(&source.key());
            if serving.is_none_or(|plugin| role_in(&pipeline, &source) != Some(plugin.about.role)) {
                fresh.insert(source.key(), beginning.version(&source)?);
            }
        }
        Ok(Some(Prepared { pipeline, fresh }))
    }

    /// Tries what only the new pipeline names, as any other version is tried before it serves.
    async fn try_fresh(&self, prepared: &Prepared) -> Result<(), ReloadRefused> {
        for (key, plugin) in &prepared.fresh {
            let Ok(bytes) = self.workshop.registry().component(&plugin.digest) else { continue };
            let rehearsal = self.rehearse(&prepared.pipeline, key, plugin, &bytes).await;
            if rehearsal.verdict() == Verdict::Failed {
                return Err(ReloadRefused::Rehearsal { plugin: key.clone(), words: rehearsal.words() });
            }
        }
        Ok(())
    }

    /// Puts it in force, with the versions that are in force at this moment.
    fn switch(&self, prepared: Prepared) -> Result<String, ReloadRefused> {
        let Prepared { pipeline, fresh } = prepared;
        let in_force = self.generations.in_force();
        let mut plugins = Plugins::new();
        for source in sources(&pipeline) {
            let key = source.key();
            if let Some(plugin) = fresh.get(&key).or_else(|| in_force.base.plugins().get(&key)) {
                plugins.insert(key, Arc::clone(plugin));
            }
        }
        let base = Arc::new(self.workshop.assemble(pipeline, &plugins)?);
        self.generations.record(&base)?;
        for (key, plugin) in &fresh {
            self.ledger().in_force(key, super::version_of(plugin))?;
            self.keep_resident(key, plugin);
        }
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(cluster) = &self.cluster {
            cluster.forgive();
        }
        let id = base.id.to_string();
        let trials = in_force.trials.iter().filter(|trial| base.plugins().contains_key(&trial.key)).cloned().collect();
        self.put(in_force.next(base, trials, None))?;
        Ok(id)
    }
}

/// A pipeline that holds, and the plugins that only it names.
struct Prepared {
    pipeline: Arc<Checked>,
    fresh: Plugins,
}

/// Roles of what runs; of what is new, what its file says.
struct Serving<'a>(&'a InForce);

impl RoleOf for Serving<'_> {
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
        match self.0.base.plugins().get(&source.key()) {
            Some(plugin) => Ok(plugin.about.role),
            // What other nodes run may be at hand although this machine never had its file.
            None => plugin::role_of(source, places).or_else(|why| LastGood.role_of(source, places).map_err(|_| why)),
        }
    }
}

/// What differs of the parts that are read once.
fn changed_for_good(before: &Checked, after: &Checked) -> Vec<String> {
    let (old, new) = (tables(before), tables(after));
    let mut changed: Vec<String> =
        FIXED.iter().filter(|name| old.get(**name) != new.get(**name)).map(|name| format!("[{name}]")).collect();
    let of_plugins = |key: &str, differs: bool| differs.then(|| format!("plugins.{key}"));
    let (was, is) = (&before.plugins, &after.plugins);
    changed.extend(of_plugins("dir", was.dir != is.dir));
    changed.extend(of_plugins("source", was.source.bucket() != is.source.bucket()));
    changed.extend(of_plugins("stack", was.stack != is.stack));
    changed.extend(of_plugins("record", was.record != is.record || was.record_words != is.record_words));
    changed.extend(of_plugins("keys", was.keys != is.keys));
    changed.extend(of_plugins(
        "fuel (it is not counted yet)",
        Engines::of(after).counts_fuel && !Engines::of(before).counts_fuel,
    ));
    changed
}

fn tables(pipeline: &Checked) -> toml::Table {
    // It was parsed a moment ago.
    pipeline.text().parse().unwrap_or_default()
}
