//! What this node says of itself and hears of the others, and what a trial has come to on all of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::{super::Swaps, Cluster, Heard, MOST_HEARD, name_in};
use crate::{
    adapter::bucket::{Counts, Report, Tally, plain},
    engine::{
        InForce, sources,
        trial::{Mode, Trial, Verdict},
    },
    job::Millis,
};

/// A node that has nothing new to say says so again this often.
const AGAIN: Duration = Duration::from_secs(15);

/// A node that was not heard for so long is not shown.
const PRESENT: Duration = Duration::from_mins(1);

/// For the last word of a node that ends.
const GOODBYE: Duration = Duration::from_secs(2);

impl Cluster {
    /// Takes note of another node's line.
    pub(super) fn hear(&self, report: Report) {
        if report.node == self.node {
            return;
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (report.node, report.plugin.clone());
        if heard.len() < MOST_HEARD || heard.contains_key(&key) {
            heard.insert(key, Heard { report, at: Instant::now(), left: false });
        }
    }

    /// A node has ended. What its trials came to stays true.
    pub(super) fn hear_no_more(&self, node: Ulid, plugin: &str) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = heard.get_mut(&(node, plugin.to_owned())) {
            line.left = true;
        }
    }

    /// What a trial has come to on the other nodes.
    fn elsewhere(&self, trial: &Trial) -> Counts {
        let Some((id, whole)) = self.installation(trial) else { return Counts::default() };
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = heard.values().filter(|line| line.report.plugin == trial.key);
        let tallies =
            of_it.flat_map(|line| &line.report.tallies).filter(|tally| tally.id == id && tally.whole == whole);
        tallies.fold(Counts::default(), |sum, tally| sum + tally.counts)
    }

    /// Which installation a trial is of.
    pub(super) fn installation(&self, trial: &Trial) -> Option<(Ulid, bool)> {
        let standing = self.followed(&trial.key)?.standing;
        let whole = trial.mode == Mode::Whole;
        let tried = standing.trial.map(|tried| tried.placed);
        let placed = if whole { Some(standing.in_force) } else { tried };
        placed.filter(|placed| placed.digest == trial.new.digest).map(|placed| (placed.id, whole))
    }

    /// What every node runs of a plugin, as far as it was heard lately.
    fn lines(&self, own: Report) -> Vec<Value> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let others =
            heard.values().filter(|line| line.report.plugin == own.plugin && !line.left && line.at.elapsed() < PRESENT);
        let mut reports: Vec<Report> = others.map(|line| line.report.clone()).collect();
        reports.push(own);
        reports.sort_by(|a, b| (&a.name, a.node).cmp(&(&b.name, b.node)));
        reports.into_iter().map(|report| json!(report)).collect()
    }
}

impl Swaps {
    /// What the rule says of a trial, with what it came to on every node.
    pub fn verdict(&self, trial: &Trial) -> Verdict {
        let elsewhere = self.cluster.as_ref().map(|cluster| cluster.elsewhere(trial)).unwrap_or_default();
        trial.verdict(elsewhere)
    }

    /// What the nodes of the cluster say of a plugin; nothing where there is none.
    pub(in super::super) fn nodes(&self, in_force: &InForce, key: &str) -> Option<Vec<Value>> {
        let cluster = self.cluster.as_ref()?;
        Self::report_of(cluster, in_force, key).map(|own| cluster.lines(own))
    }

    /// Says what this node runs, whenever that changes, until the engine stops; then it takes its lines back.
    pub(super) async fn report_until(self: Arc<Self>, stopping: CancellationToken) {
        let Some(cluster) = self.cluster.clone() else { return };
        let mut said: BTreeMap<String, (Report, Instant)> = BTreeMap::new();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                () = cluster.to_report.notified() => {}
                _ = tick.tick() => {}
            }
            for report in self.reports(&cluster) {
                let known = said.get(&report.plugin);
                if known.is_some_and(|(last, at)| last.says_as(&report) && at.elapsed() < AGAIN) {
                    continue;
                }
                match cluster.bucket.report(&report).await {
                    Ok(()) => {
                        said.insert(report.plugin.clone(), (report, Instant::now()));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "what this node runs could not be told: tried again");
                        break;
                    }
                }
            }
        }
        let goodbye = async {
            for (report, _) in said.values() {
                if cluster.bucket.take_back(report).await.is_err() {
                    return;
                }
            }
        };
        // Whoever is not there to hear it forgets this node by itself.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    fn reports(&self, cluster: &Cluster) -> Vec<Report> {
        let in_force = self.generations.in_force();
        let named = sources(&in_force.base.pipeline);
        named.iter().filter_map(name_in).filter_map(|name| Self::report_of(cluster, &in_force, name)).collect()
    }

    fn report_of(cluster: &Cluster, in_force: &InForce, key: &str) -> Option<Report> {
        let serving = in_force.base.plugins().get(key)?;
        let of_it = in_force.trials.iter().filter(|trial| trial.key == key);
        let tallies = of_it.filter_map(|trial| {
            let (id, whole) = cluster.installation(trial)?;
            Some(Tally { id, whole, counts: trial.counts() })
        });
        Some(Report {
            node: cluster.node,
            name: cluster.name.clone(),
            host: env!("CARGO_PKG_VERSION").to_owned(),
            plugin: key.to_owned(),
            version: plain(&serving.about.version, 64),
            digest: serving.digest.clone(),
            revision: cluster.followed(key).map_or(0, |followed| followed.revision),
            refused: cluster.refused().why(key).map(|why| plain(why, 500)),
            tallies: tallies.collect(),
            at: Millis::now(),
        })
    }
}
