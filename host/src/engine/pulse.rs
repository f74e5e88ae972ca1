//! What the stages do at this moment, and what they did in the last hour: counts and times, in memory, for whoever runs the engine.
//!
//! It is bounded (an hour of five-second samples for each stage), forgets everything at a restart, and holds nothing of what anybody said.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::Failure;
use crate::job::{JobId, Status};

/// What one sample covers.
pub const STEP: Duration = Duration::from_secs(5);
/// Samples kept: an hour of them.
pub const KEPT: u64 = 720;
/// Names kept at once: a pipeline has a dozen stages, and those of one that was reloaded away are forgotten with their hour.
const NAMES: usize = 128;
/// Bounds of the times' histogram: the first, and how much wider each next one is. 72 of them reach from 50 µs to more than an hour, within 30 %.
const FIRST: f64 = 0.000_05;
const WIDER: f64 = 1.3;
const BOUNDS: f64 = 72.0;

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Well,
    /// Not done, by rule: a limit, a filter's no. Nothing is broken.
    Refused,
    /// It failed.
    Failed,
}

impl End {
    /// How a stage ended; nothing, where the engine stops and the stage will run again.
    pub(super) fn of(outcome: &Result<(), Failure>) -> Option<Self> {
        match outcome {
            Ok(()) => Some(Self::Well),
            Err(Failure::Refused { .. }) => Some(Self::Refused),
            Err(Failure::Stopping | Failure::CutOff) => None,
            Err(_) => Some(Self::Failed),
        }
    }

    /// How a job ended.
    pub(super) fn of_job(status: Status) -> Self {
        match status {
            Status::Failed => Self::Failed,
            Status::Refused => Self::Refused,
            _ => Self::Well,
        }
    }
}

/// What ended in a while, and how long it took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sum {
    /// All that ended.
    pub ended: u32,
    /// Of those, refused by rule.
    pub refused: u32,
    /// Of those, failed.
    pub failed: u32,
    times: BTreeMap<u8, u32>,
}

impl Sum {
    fn add(&mut self, end: End, took: Duration) {
        self.ended += 1;
        self.refused += u32::from(end == End::Refused);
        self.failed += u32::from(end == End::Failed);
        *self.times.entry(bound_of(took)).or_default() += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.ended += other.ended;
        self.refused += other.refused;
        self.failed += other.failed;
        for (bound, count) in &other.times {
            *self.times.entry(*bound).or_default() += count;
        }
    }

    /// The time that so large a part (0 to 1) took no longer than, within 30 %; none where nothing ended.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a count")]
    pub fn within(&self, part: f64) -> Option<Duration> {
        let wanted = (f64::from(self.ended) * part).ceil().max(1.0) as u32;
        let mut seen = 0;
        self.times.iter().find_map(|(bound, count)| {
            seen += count;
            (seen >= wanted).then(|| Duration::from_secs_f64(FIRST * WIDER.powi(i32::from(*bound))))
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bounds there are")]
fn bound_of(took: Duration) -> u8 {
    let steps = (took.as_secs_f64().max(FIRST) / FIRST).ln() / WIDER.ln();
    steps.round().clamp(0.0, BOUNDS) as u8
}

/// What a stage is doing now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Jobs in it.
    pub at_work: usize,
    /// How long the oldest of them is in it.
    pub oldest: Duration,
}

/// The name under which whole jobs are counted: no stage can have it.
const JOBS: &str = "";

/// What is being done and was.
#[derive(Debug)]
pub struct Pulse {
    began: Instant,
    series: Mutex<BTreeMap<String, Series>>,
}

#[derive(Debug, Default)]
struct Series {
    at_work: BTreeMap<u64, (Instant, JobId)>,
    next: u64,
    /// Only those in which something ended, oldest first.
    samples: VecDeque<(u64, Sum)>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { began: Instant::now(), series: Mutex::default() }
    }
}

impl Pulse {
    /// A job is in a stage until what this gives is dropped.
    pub(super) fn enter(self: &Arc<Self>, stage: &str, job: JobId) -> AtWork {
        let began = Instant::now();
        let mut all = self.lock();
        let series = all.entry(stage.to_owned()).or_default();
        series.next += 1;
        let place = series.next;
        series.at_work.insert(place, (began, job));
        drop(all);
        AtWork { pulse: Arc::clone(self), stage: stage.to_owned(), place, began }
    }

    /// A job has ended, this long after it was accepted.
    pub(super) fn job_ended(&self, status: Status, took: Duration) {
        self.note(JOBS, End::of_job(status), took, Instant::now());
    }

    /// What a stage does now.
    pub fn now(&self, stage: &str) -> Now {
        let all = self.lock();
        let Some(series) = all.get(stage) else { return Now::default() };
        let oldest = series.at_work.values().next().map(|(began, _)| began.elapsed()).unwrap_or_default();
        Now { at_work: series.at_work.len(), oldest }
    }

    /// The jobs that have been in their stage the longest, with that stage.
    pub fn slowest(&self, most: usize) -> Vec<(JobId, String, Duration)> {
        let all = self.lock();
        let mut slowest: Vec<(Instant, JobId, &String)> = Vec::new();
        for (stage, series) in all.iter() {
            slowest.extend(series.at_work.values().take(most).map(|(began, job)| (*began, *job, stage)));
        }
        slowest.sort_unstable();
        let told = |(began, job, stage): (Instant, JobId, &String)| (job, stage.clone(), began.elapsed());
        slowest.into_iter().take(most).map(told).collect()
    }

    /// What a stage did in the last so many samples, in columns of `each` samples, oldest first; the newest is not over yet.
    pub fn columns(&self, stage: &str, columns: u64, each: u64) -> Vec<Sum> {
        self.columns_at(stage, columns, each, Instant::now())
    }

    /// The same for whole jobs, from acceptance to end.
    pub fn job_columns(&self, columns: u64, each: u64) -> Vec<Sum> {
        self.columns_at(JOBS, columns, each, Instant::now())
    }

    /// All of the last so many samples together.
    pub fn sum(&self, stage: &str, samples: u64) -> Sum {
        self.columns(stage, 1, samples).pop().unwrap_or_default()
    }

    /// The same for whole jobs.
    pub fn job_sum(&self, samples: u64) -> Sum {
        self.sum(JOBS, samples)
    }

    /// For how long it has been counting.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    fn columns_at(&self, stage: &str, columns: u64, each: u64, now: Instant) -> Vec<Sum> {
        let (columns, each) = (columns.clamp(1, KEPT), each.clamp(1, KEPT));
        let mut sums = vec![Sum::default(); usize::try_from(columns).unwrap_or(1)];
        // Columns end with the sample that is under way, so that the picture moves by whole samples.
        let last = self.step(now);
        let all = self.lock();
        let Some(series) = all.get(stage) else { return sums };
        for (step, sum) in series.samples.iter().rev().filter(|(step, _)| *step <= last) {
            let back = last.saturating_sub(*step) / each;
            let Some(at) = columns.checked_sub(back + 1).and_then(|at| usize::try_from(at).ok()) else { break };
            if let Some(column) = sums.get_mut(at) {
                column.merge(sum);
            }
        }
        sums
    }

    fn step(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs() / STEP.as_secs()
    }

    fn note(&self, stage: &str, end: End, took: Duration, now: Instant) {
        let step = self.step(now);
        let mut all = self.lock();
        if all.len() >= NAMES && !all.contains_key(stage) {
            all.retain(|_, series| !series.is_idle(step));
        }
        let series = all.entry(stage.to_owned()).or_default();
        while series.samples.front().is_some_and(|(old, _)| old + KEPT <= step) {
            series.samples.pop_front();
        }
        if series.samples.back().is_none_or(|(last, _)| *last != step) {
            series.samples.push_back((step, Sum::default()));
        }
        if let Some((_, sum)) = series.samples.back_mut() {
            sum.add(end, took);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Series>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn is_idle(&self, step: u64) -> bool {
        self.at_work.is_empty() && self.samples.back().is_none_or(|(last, _)| last + KEPT <= step)
    }
}

/// A job's stay in a stage.
#[derive(Debug)]
pub(super) struct AtWork {
    pulse: Arc<Pulse>,
    stage: String,
    place: u64,
    began: Instant,
}

impl AtWork {
    /// It is over, and counts.
    pub fn end(self, outcome: &Result<(), Failure>) {
        if let Some(end) = End::of(outcome) {
            self.pulse.note(&self.stage, end, self.began.elapsed(), Instant::now());
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(series) = self.pulse.lock().get_mut(&self.stage) {
            series.at_work.remove(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobId {
        crate::job::JobIds::default().next(crate::job::Millis(1))
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_ended_is_in_the_column_of_its_time() {
        let pulse = Pulse::default();
        let at = |seconds| pulse.began + Duration::from_secs(seconds);
        pulse.note("ai", End::Well, ms(10), at(1));
        pulse.note("ai", End::Failed, ms(10), at(6));
        pulse.note("ai", End::Refused, ms(10), at(61));

        let fine = pulse.columns_at("ai", 3, 1, at(11));
        let coarse = pulse.columns_at("ai", 2, 12, at(61));

        assert_eq!(fine.iter().map(|sum| (sum.ended, sum.failed)).collect::<Vec<_>>(), [(1, 0), (1, 1), (0, 0)]);
        assert_eq!(coarse.iter().map(|sum| (sum.ended, sum.refused)).collect::<Vec<_>>(), [(1, 0), (2, 1)]);
        assert!(pulse.columns_at("other", 3, 1, at(11)).iter().all(|sum| *sum == Sum::default()));
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let pulse = Pulse::default();
        for step in 0..KEPT * 2 {
            pulse.note("ai", End::Well, ms(1), pulse.began + STEP * u32::try_from(step).unwrap());
        }
        assert_eq!(pulse.lock()["ai"].samples.len(), usize::try_from(KEPT).unwrap());
    }

    #[test]
    fn times_are_told_within_a_third() {
        let mut sum = Sum::default();
        for n in 1..=100 {
            sum.add(End::Well, ms(n * 10));
        }
        let told = |part| sum.within(part).unwrap().as_secs_f64();
        assert!((0.35..0.67).contains(&told(0.5)), "{}", told(0.5));
        assert!((0.7..1.27).contains(&told(0.95)), "{}", told(0.95));
        assert_eq!(Sum::default().within(0.5), None);
    }

    #[test]
    fn a_job_is_in_a_stage_until_it_leaves_however_it_does() {
        let pulse = Arc::new(Pulse::default());
        let (one, other) = (pulse.enter("ai", job()), pulse.enter("slug", job()));
        assert_eq!((pulse.now("ai").at_work, pulse.now("slug").at_work), (1, 1));
        assert_eq!(pulse.slowest(5).iter().map(|(_, stage, _)| stage.as_str()).collect::<Vec<_>>(), ["ai", "slug"]);

        one.end(&Ok(()));
        drop(other);

        assert_eq!((pulse.now("ai").at_work, pulse.sum("ai", KEPT).ended), (0, 1));
        assert_eq!((pulse.slowest(5).len(), pulse.sum("slug", KEPT).ended), (0, 0));
    }

    #[test]
    fn a_stop_is_no_end() {
        let pulse = Arc::new(Pulse::default());
        pulse.enter("ai", job()).end(&Err(Failure::Stopping));
        assert_eq!(pulse.sum("ai", KEPT), Sum::default());
    }

    #[test]
    fn stages_that_are_gone_make_room_for_others() {
        let pulse = Pulse::default();
        for n in 0..NAMES {
            pulse.note(&format!("s{n}"), End::Well, ms(1), pulse.began);
        }
        pulse.note("new", End::Well, ms(1), pulse.began + Duration::from_hours(2));
        assert_eq!(pulse.lock().len(), 1);
    }
}
