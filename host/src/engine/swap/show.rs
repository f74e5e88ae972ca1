//! Plugins as an operator sees them.

use serde_json::{Value, json};

use super::Swaps;
use crate::{
    engine::{InForce, sources, trial::Trial},
    plugin::{self, Plugin, ledger::Event},
};

impl Swaps {
    /// Every plugin of the pipeline: what is in force, what is on trial, what was before, what was set aside.
    pub fn show(&self) -> Value {
        let in_force = self.generations.in_force();
        let plugins: Vec<Value> = sources(&in_force.base.pipeline)
            .iter()
            .filter_map(|source| Some(self.line(&in_force, &source.key(), in_force.base.plugins().get(&source.key())?)))
            .collect();
        json!({ "generation": in_force.base.id, "plugins": plugins })
    }

    /// The last events, oldest first.
    pub fn events(&self, most: usize) -> Vec<Event> {
        self.ledger().events(most).unwrap_or_default()
    }

    fn line(&self, in_force: &InForce, key: &str, plugin: &Plugin) -> Value {
        let nodes = self.nodes(in_force, key);
        let ledger = self.ledger();
        let entry = ledger.entry(key);
        let stages: Vec<&str> = in_force
            .base
            .stages
            .iter()
            .filter(|ready| ready.key().as_deref() == Some(key))
            .map(|ready| ready.stage.name.as_str())
            .collect();
        json!({
            "name": plugin.name,
            "plugin": key,
            "role": plugin.about.role.as_str(),
            "stages": stages,
            "version": plugin.about.version,
            "digest": plugin.digest,
            "asks": plugin::wants(&plugin.about).iter().map(ToString::to_string).collect::<Vec<_>>(),
            "since": entry.map(|entry| entry.in_force.since),
            "before": entry.map(|entry| &entry.before),
            "set_aside": entry.map(|entry| &entry.set_aside),
            "idle_grants": self.generations.idle_grants(plugin, &granted(in_force, key)),
            "trial": in_force.trials.iter().find(|trial| trial.key == key).map(|trial| trial_view(trial)),
            "bucket": self.governed(key),
            "nodes": nodes,
        })
    }
}

/// What the stages of a plugin grant it.
fn granted(in_force: &InForce, key: &str) -> Vec<String> {
    let stages = in_force.base.stages.iter().filter(|ready| ready.key().as_deref() == Some(key));
    stages.flat_map(|ready| ready.stage.grant.iter().map(ToString::to_string)).collect()
}

fn trial_view(trial: &Trial) -> Value {
    json!({
        "version": trial.new.about.version,
        "digest": trial.new.digest,
        "mode": trial.mode,
        "since": trial.since,
        "counts": trial.counts(),
        "differences": trial.seen(),
    })
}
