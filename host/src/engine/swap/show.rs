//! Plugins as an operator sees them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::{PIPELINE, Swaps};
use crate::{
    engine::{
        InForce, sources,
        trial::{Counts, Difference, Mode, Trial},
    },
    job::Millis,
    plugin::{
        self, Plugin,
        ledger::{Event, SetAside, Version},
    },
};

/// A plugin of the pipeline.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What people call it.
    pub name: String,
    /// What pipeline.toml calls it.
    pub plugin: String,
    /// What it does.
    pub role: &'static str,
    /// The stages that run it.
    pub stages: Vec<String>,
    /// The version in force.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// What it asks for beyond `log`.
    pub asks: Vec<String>,
    /// Since when it is in force.
    pub since: Option<Millis>,
    /// Versions before it, newest first.
    pub before: Option<Vec<Version>>,
    /// Versions that went, newest last.
    pub set_aside: Option<Vec<SetAside>>,
    /// What it is granted and does not use.
    pub idle_grants: Vec<String>,
    /// The version on trial.
    pub trial: Option<OnTrial>,
    /// The bucket that says what of it is in force, where one does.
    pub bucket: Option<String>,
    /// What each node says of it, where there is a bucket.
    pub nodes: Option<Vec<Value>>,
}

/// A version on trial.
#[derive(Debug, Clone, Serialize)]
pub struct OnTrial {
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// How it is tried.
    pub mode: Mode,
    /// Since when.
    pub since: Millis,
    /// What became of it so far.
    pub counts: Counts,
    /// What a shadow would have said otherwise, the last few.
    pub differences: Vec<Difference>,
}

impl Swaps {
    /// Every plugin of the pipeline: what is in force, what is on trial, what was before, what was set aside.
    pub fn show(&self) -> Value {
        let in_force = self.generations.in_force();
        json!({ "generation": in_force.base.id, "plugins": self.lines_of(&in_force) })
    }

    /// The same as values.
    pub fn lines(&self) -> Vec<Line> {
        self.lines_of(&self.generations.in_force())
    }

    /// The last events, oldest first.
    pub fn events(&self, most: usize) -> Vec<Event> {
        self.ledger().events(most).unwrap_or_default()
    }

    /// Whether an event is about pipeline.toml itself.
    pub fn is_of_pipeline(event: &Event) -> bool {
        event.plugin == PIPELINE
    }

    fn lines_of(&self, in_force: &InForce) -> Vec<Line> {
        let line = |key: String| Some(self.line(in_force, &key, in_force.base.plugins().get(&key)?));
        sources(&in_force.base.pipeline).iter().filter_map(|source| line(source.key())).collect()
    }

    fn line(&self, in_force: &InForce, key: &str, plugin: &Plugin) -> Line {
        let nodes = self.nodes(in_force, key);
        let ledger = self.ledger();
        let entry = ledger.entry(key);
        let stages = in_force.base.stages.iter().filter(|ready| ready.key().as_deref() == Some(key));
        Line {
            name: plugin.name.clone(),
            plugin: key.to_owned(),
            role: plugin.about.role.as_str(),
            stages: stages.map(|ready| ready.stage.name.clone()).collect(),
            version: plugin.about.version.clone(),
            digest: plugin.digest.clone(),
            asks: plugin::wants(&plugin.about).iter().map(ToString::to_string).collect(),
            since: entry.map(|entry| entry.in_force.since),
            before: entry.map(|entry| entry.before.clone()),
            set_aside: entry.map(|entry| entry.set_aside.clone()),
            idle_grants: self.generations.idle_grants(plugin, &granted(in_force, key)),
            trial: in_force.trials.iter().find(|trial| trial.key == key).map(on_trial),
            bucket: self.governed(key),
            nodes,
        }
    }
}

/// What the stages of a plugin grant it.
fn granted(in_force: &InForce, key: &str) -> Vec<String> {
    let stages = in_force.base.stages.iter().filter(|ready| ready.key().as_deref() == Some(key));
    stages.flat_map(|ready| ready.stage.grant.iter().map(ToString::to_string)).collect()
}

fn on_trial(trial: &Arc<Trial>) -> OnTrial {
    OnTrial {
        version: trial.new.about.version.clone(),
        digest: trial.new.digest.clone(),
        mode: trial.mode,
        since: trial.since,
        counts: trial.counts(),
        differences: trial.seen(),
    }
}
