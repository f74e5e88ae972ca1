//! The pipeline drawn as it is in force: its stages in order, native and WASM told apart, and what each does now and did in the last hour. A process that works
//! on no jobs draws it as its file has it, with what the newest jobs on record say of each stage.

use std::time::Duration;

use super::{chart, words};
use crate::{
    config::{Pipeline, PluginSource, Runs, Stage},
    engine::{Generation, Pulse, pulse},
    job::{Job, StageRecord, Status},
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
    /// What only the process that works knows.
    pub live: Option<Live>,
    pub p50: String,
    pub p95: String,
    /// In the last hour, or of the jobs on record.
    pub ended: u64,
    pub failed: u32,
    pub refused: u32,
    pub chosen: bool,
}

/// A stage at this moment.
pub(super) struct Live {
    pub at_work: usize,
    pub oldest: Option<String>,
    /// Ends a minute, over the last five.
    pub rate: String,
    pub spark: [String; 2],
}

impl Card {
    /// Whether a job is in it.
    pub fn busy(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.at_work > 0)
    }
}

/// Every stage of a generation.
pub(super) fn cards(generation: &Generation, pulse: &Pulse, chosen: Option<&str>) -> Vec<Card> {
    let routes = routes(generation.stages.iter().map(|ready| &*ready.stage));
    let card = |(at, ready): (usize, &crate::engine::Ready)| {
        let stage = &ready.stage;
        let (hour, lately) = (pulse.sum(&stage.name, pulse::KEPT), pulse.sum(&stage.name, 60));
        let now = pulse.now(&stage.name);
        let spark: Vec<_> = pulse.columns(&stage.name, 60, 12).iter().map(|sum| (sum.ended, sum.failed)).collect();
        Card {
            name: stage.name.clone(),
            colour: colour(at),
            wasm: ready.plugin.is_some(),
            runs: runs(&stage.runs, ready.plugin.as_ref().map(|plugin| plugin.about.version.as_str())),
            digest: ready.plugin.as_ref().map(|plugin| words::short(&plugin.digest)),
            when: when(stage, routes),
            live: Some(Live {
                at_work: now.at_work,
                oldest: (now.at_work > 0).then(|| words::age(now.oldest)),
                rate: rate(lately.ended, pulse.age()),
                spark: chart::spark(&spark),
            }),
            p50: said(hour.within(0.5)),
            p95: said(hour.within(0.95)),
            ended: u64::from(hour.ended),
            failed: hour.failed,
            refused: hour.refused,
            chosen: chosen == Some(stage.name.as_str()),
        }
    };
    generation.stages.iter().enumerate().map(card).collect()
}

/// The stages of the file, with what became of them in some jobs, the newest first.
pub(super) fn recorded(pipeline: &Pipeline, jobs: &[Job]) -> Vec<Card> {
    let routes = routes(pipeline.stages.iter());
    let card = |(at, stage): (usize, &Stage)| {
        let ran: Vec<(&Job, &StageRecord)> = jobs
            .iter()
            .flat_map(|job| job.stages.iter().map(move |record| (job, record)))
            .filter(|(_, record)| record.name == stage.name && record.outcome != "running")
            .collect();
        let ended = ran.iter().filter(|(_, record)| record.outcome != "skipped");
        let mut times: Vec<f64> = ended.clone().map(|(_, record)| record.ms).collect();
        times.sort_by(f64::total_cmp);
        let (mut refused, mut failed) = (0, 0);
        for (job, _) in ended.filter(|(_, record)| record.outcome != "ok") {
            *if job.status == Status::Refused { &mut refused } else { &mut failed } += 1;
        }
        let newest = ran.iter().max_by_key(|(_, record)| record.at).map(|(_, record)| *record);
        Card {
            name: stage.name.clone(),
            colour: colour(at),
            wasm: matches!(stage.runs, Runs::Plugin { .. }),
            runs: runs(&stage.runs, newest.and_then(|record| record.version.as_deref())),
            digest: newest.and_then(|record| record.digest.as_deref()).map(words::short),
            when: when(stage, routes),
            live: None,
            p50: said(within(&times, 50)),
            p95: said(within(&times, 95)),
            ended: times.len() as u64,
            failed,
            refused,
            chosen: false,
        }
    };
    pipeline.stages.iter().enumerate().map(card).collect()
}

/// The time within which so many of a hundred ended, of sorted milliseconds.
fn within(times: &[f64], of_hundred: usize) -> Option<Duration> {
    let ms = times.get((times.len() * of_hundred).div_ceil(100).saturating_sub(1))?;
    Duration::try_from_secs_f64(ms / 1e3).ok()
}

fn said(time: Option<Duration>) -> String {
    time.map_or_else(|| "–".to_owned(), words::took)
}

fn routes<'a>(stages: impl Iterator<Item = &'a Stage>) -> usize {
    stages.map(|stage| stage.when.len()).max().unwrap_or(0)
}

/// For which decisions a stage runs, where not for all.
fn when(stage: &Stage, routes: usize) -> Option<String> {
    (stage.when.len() < routes).then(|| stage.when.iter().map(|when| when.as_str()).collect::<Vec<_>>().join(", "))
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
    fn times_on_record_are_told_by_the_job_that_bounds_them() {
        let times: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([50, 95].map(|part| within(&times, part)), [50, 95].map(|ms| Some(Duration::from_millis(ms))));
        assert_eq!((within(&[7.0], 50), within(&[], 95)), (Some(Duration::from_millis(7)), None));
    }

    #[test]
    fn colours_go_round() {
        assert_eq!([colour(0), colour(7), colour(8)], ["s0", "s7", "s0"]);
    }
}
