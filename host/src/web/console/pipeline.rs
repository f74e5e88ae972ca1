//! The pipeline drawn as it is in force: its stages in order, native and WASM told apart, and what each does now and did in the last hour.

use std::time::Duration;

use super::{chart, words};
use crate::{
    config::{PluginSource, Runs},
    engine::{Generation, Pulse, pulse},
};

/// A stage, drawn.
pub(super) struct Card {
    pub name: String,
    /// Its colour, the same everywhere: `s0` to `s7`.
    pub colour: String,
    /// Whether it is a component.
    pub wasm: bool,
    /// What runs: the plugin with its version, or the adapter.
    pub runs: String,
    pub digest: Option<String>,
    /// For which decisions, where not for all.
    pub when: Option<String>,
    pub at_work: usize,
    pub oldest: Option<String>,
    /// Ends a minute, over the last five.
    pub rate: String,
    pub p50: String,
    pub p95: String,
    /// In the last hour.
    pub ended: u64,
    pub failed: u32,
    pub refused: u32,
    pub spark: [String; 2],
    pub chosen: bool,
}

/// Every stage of a generation.
pub(super) fn cards(generation: &Generation, pulse: &Pulse, chosen: Option<&str>) -> Vec<Card> {
    let routes: usize = generation.stages.iter().map(|ready| ready.stage.when.len()).max().unwrap_or(0);
    let card = |(at, ready): (usize, &crate::engine::Ready)| {
        let stage = &ready.stage;
        let (hour, lately) = (pulse.sum(&stage.name, pulse::KEPT), pulse.sum(&stage.name, 60));
        let now = pulse.now(&stage.name);
        let said = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), words::took);
        let spark: Vec<_> = pulse.columns(&stage.name, 60, 12).iter().map(|sum| (sum.ended, sum.failed)).collect();
        Card {
            name: stage.name.clone(),
            colour: colour(at),
            wasm: ready.plugin.is_some(),
            runs: runs(&stage.runs, ready.plugin.as_ref().map(|plugin| plugin.about.version.as_str())),
            digest: ready.plugin.as_ref().map(|plugin| words::short(&plugin.digest)),
            when: (stage.when.len() < routes)
                .then(|| stage.when.iter().map(|when| when.as_str()).collect::<Vec<_>>().join(", ")),
            at_work: now.at_work,
            oldest: (now.at_work > 0).then(|| words::age(now.oldest)),
            rate: rate(lately.ended, pulse.age()),
            p50: said(hour.within(0.5)),
            p95: said(hour.within(0.95)),
            ended: u64::from(hour.ended),
            failed: hour.failed,
            refused: hour.refused,
            spark: chart::spark(&spark),
            chosen: chosen == Some(stage.name.as_str()),
        }
    };
    generation.stages.iter().enumerate().map(card).collect()
}

/// The colour of the stage at a place.
pub(super) fn colour(at: usize) -> String {
    format!("s{}", at % 8)
}

/// The colour of a stage by its name, as in the pipeline in force.
pub(super) fn colour_of(generation: Option<&Generation>, name: &str) -> String {
    let at = generation.and_then(|one| one.stages.iter().position(|ready| ready.stage.name == name));
    at.map_or_else(|| "s-".to_owned(), colour)
}

fn runs(runs: &Runs, version: Option<&str>) -> String {
    match runs {
        Runs::Adapter(adapter) => adapter.as_str().to_owned(),
        Runs::Plugin { source, .. } => {
            let name = match source {
                PluginSource::Oci(reference) => reference.name().to_owned(),
                source => source.name(),
            };
            version.map_or_else(|| name.clone(), |version| format!("{name} {version}"))
        }
    }
}

/// Ends a minute, in the last five or since the start: a start a minute ago is not four quiet minutes before it.
fn rate(ended: u32, age: Duration) -> String {
    let minutes = (age.as_secs_f64() / 60.0).clamp(1.0, 5.0);
    let rate = f64::from(ended) / minutes;
    if rate == 0.0 || rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_over_the_time_there_was() {
        let after = |ended, seconds| rate(ended, Duration::from_secs(seconds));
        assert_eq!(
            [after(0, 900), after(6, 30), after(6, 120), after(6, 900), after(600, 900)],
            ["0", "6.0", "3.0", "1.2", "120"]
        );
    }

    #[test]
    fn colours_go_round() {
        assert_eq!([colour(0), colour(7), colour(8)], ["s0", "s7", "s0"]);
    }
}
