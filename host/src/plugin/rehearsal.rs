//! A rehearsal: a version is tried on its own examples and on recorded calls before it serves anyone. It can do nothing but answer, so nothing it says
//! reaches a person.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wtaf_plugin_pack::Manifest;

use super::{Asked, Fault, Grants, Limits, Plugin, Recorded, example::Trying};

/// After so many failures there is nothing more to be learnt.
const ENOUGH: usize = 5;

/// A version that is slow is not tried for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a version is tried on.
pub struct Programme {
    /// Its own examples.
    pub examples: Vec<wtaf_plugin_pack::Example>,
    /// Calls that were answered by the version in force.
    pub recorded: Vec<Arc<Recorded>>,
    /// Fuel that a single example may take, where its author says so and the engine counts it.
    pub budget: Option<u64>,
    /// Whether a plugin's own words about a recorded call may be told: they may hold what a person wrote, so they go to a terminal and to no journal.
    pub own_words: bool,
}

impl Programme {
    /// Of a manifest and of what was recorded.
    pub fn new(manifest: Option<Manifest>, recorded: Vec<Arc<Recorded>>) -> Self {
        let (examples, budget) = manifest.map(|manifest| (manifest.examples, manifest.budget)).unwrap_or_default();
        Self { examples, recorded, budget, own_words: false }
    }
}

/// Something that did not go as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Which example, or which job's call.
    pub what: String,
    /// Why.
    pub why: String,
}

/// An answer that is not what was recorded. Not a failure: a new version is there to answer otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Which job's call.
    pub what: String,
    /// What was recorded.
    pub before: Value,
    /// What it says now.
    pub after: Value,
}

/// What an example took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Which.
    pub example: String,
    /// Units of fuel, on an engine that counts them.
    pub fuel: Option<u64>,
    /// Bytes of memory.
    pub memory: usize,
}

/// What came of a rehearsal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rehearsal {
    /// Examples tried.
    pub examples: usize,
    /// Recorded calls tried.
    pub recorded: usize,
    /// What went wrong.
    pub failures: Vec<Failed>,
    /// What it answers otherwise.
    pub differences: Vec<Difference>,
    /// What the examples took.
    pub costs: Vec<Cost>,
    /// Whether time ran out before everything was tried.
    pub cut_short: bool,
}

/// Whether a version may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was tried and held.
    Passed,
    /// There was nothing to try it on: that is no pass.
    Nothing,
    /// It did not hold.
    Failed,
}

impl Rehearsal {
    /// Whether it may serve.
    pub fn verdict(&self) -> Verdict {
        match (self.failures.is_empty(), self.examples + self.recorded) {
            (false, _) => Verdict::Failed,
            (true, 0) => Verdict::Nothing,
            (true, _) => Verdict::Passed,
        }
    }

    /// In a line.
    pub fn words(&self) -> String {
        let plural = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let tried = format!("{} and {}", plural(self.examples, "example"), plural(self.recorded, "recorded call"));
        let short = if self.cut_short { ", cut short: it is slow" } else { "" };
        match self.verdict() {
            Verdict::Nothing => "not rehearsed: it ships no examples and nothing is recorded".into(),
            Verdict::Passed => format!("rehearsed on {tried}, {}{short}", plural(self.differences.len(), "difference")),
            Verdict::Failed => {
                let first = &self.failures[0];
                format!(
                    "failed its rehearsal ({} of {tried}{short}): {}: {}",
                    self.failures.len(),
                    first.what,
                    first.why
                )
            }
        }
    }
}

/// Tries a version. `allowed` tells what the stage a call belongs to may use and is granted.
pub async fn rehearse(
    plugin: &Arc<Plugin>,
    programme: Programme,
    allowed: impl Fn(&str) -> (Limits, Grants),
) -> Rehearsal {
    let mut rehearsal = Rehearsal::default();
    let began = Instant::now();
    for example in &programme.examples {
        if !rehearsal.goes_on(began) {
            return rehearsal;
        }
        let what = format!("example \"{}\"", example.name);
        let trying = match Trying::of(example, allowed("example")) {
            Ok(trying) => trying,
            Err(why) => {
                rehearsal.examples += 1;
                rehearsal.failures.push(Failed { what, why });
                continue;
            }
        };
        let asked = plugin.ask(Arc::new(trying.call.clone())).await;
        rehearsal.examples += 1;
        rehearsal.costs.push(Cost { example: example.name.clone(), fuel: asked.used.fuel, memory: asked.used.memory });
        if let Err(why) = trying.judge(&asked.outcome).and_then(|()| within(programme.budget, &asked)) {
            rehearsal.failures.push(Failed { what, why });
        }
    }
    for recorded in &programme.recorded {
        if !rehearsal.goes_on(began) {
            return rehearsal;
        }
        let (limits, grants) = allowed(&recorded.stage);
        let asked = plugin.ask(Arc::new(recorded.call(limits, grants))).await;
        rehearsal.recorded += 1;
        let what = format!("job {}, stage {}", recorded.context.job, recorded.stage);
        match (asked.outcome, &recorded.answer) {
            (Ok(answer), Some(before)) => {
                let after = answer.to_json();
                if after != *before {
                    rehearsal.differences.push(Difference { what, before: before.clone(), after });
                }
            }
            // What passed before is now refused, by the plugin's own word: that may be the very purpose of the version.
            (Err(error), Some(before)) if matches!(error.fault, Fault::Refused(_)) => {
                let after = serde_json::json!({ "refused": true });
                rehearsal.differences.push(Difference { what, before: before.clone(), after });
            }
            (Err(error), Some(_)) => {
                let why = if programme.own_words { error.fault.to_string() } else { outline(&error.fault) };
                rehearsal.failures.push(Failed { what, why });
            }
            (_, None) => {}
        }
    }
    rehearsal
}

impl Rehearsal {
    fn goes_on(&mut self, began: Instant) -> bool {
        self.cut_short |= began.elapsed() > PATIENCE;
        !self.cut_short && self.failures.len() < ENOUGH
    }
}

/// What went wrong and where, without a word of the plugin's own.
fn outline(fault: &Fault) -> String {
    match fault {
        Fault::Trapped { backtrace, .. } => match backtrace.first() {
            Some(function) => format!("{} in {function}", fault.word()),
            None => fault.word().to_owned(),
        },
        _ => fault.word().to_owned(),
    }
}

fn within(budget: Option<u64>, asked: &Asked) -> Result<(), String> {
    match (budget, asked.used.fuel) {
        (Some(budget), Some(fuel)) if fuel > budget => {
            Err(format!("took {fuel} units of fuel; its manifest allows {budget}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Sandbox;

    fn built_in(sandbox: &Arc<Sandbox>, name: &str) -> (Arc<Plugin>, Manifest) {
        let bytes = wtaf_bundle::embedded(name).unwrap().bytes;
        let manifest = Manifest::of(bytes).unwrap().unwrap();
        (Arc::new(Plugin::load(sandbox, name, bytes).unwrap()), manifest)
    }

    #[tokio::test]
    async fn the_built_in_plugins_pass_their_own_examples_within_their_budget() {
        let sandbox = Sandbox::lab().unwrap();
        for name in ["coach", "prompt", "extract", "slug"] {
            let (plugin, manifest) = built_in(&sandbox, name);
            assert!(manifest.budget.is_some(), "{name}");
            let rehearsal = rehearse(&plugin, Programme::new(Some(manifest), Vec::new()), |_| Default::default()).await;
            assert_eq!(rehearsal.verdict(), Verdict::Passed, "{name}: {}", rehearsal.words());
        }
    }

    #[tokio::test]
    async fn a_rehearsal_of_nothing_is_no_pass() {
        let sandbox = Sandbox::lab().unwrap();
        let (plugin, _) = built_in(&sandbox, "slug");

        let rehearsal = rehearse(&plugin, Programme::new(None, Vec::new()), |_| Default::default()).await;

        assert_eq!(rehearsal.verdict(), Verdict::Nothing);
        assert!(rehearsal.words().contains("not rehearsed"));
    }

    #[tokio::test]
    async fn an_example_over_its_budget_fails() {
        let sandbox = Sandbox::lab().unwrap();
        let (plugin, manifest) = built_in(&sandbox, "slug");
        let tight = Manifest { budget: Some(10), ..manifest };

        let rehearsal = rehearse(&plugin, Programme::new(Some(tight), Vec::new()), |_| Default::default()).await;

        assert_eq!(rehearsal.verdict(), Verdict::Failed);
        assert!(rehearsal.words().contains("units of fuel"), "{}", rehearsal.words());
    }
}
