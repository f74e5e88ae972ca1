//! One provider's breaker: after failures in a row it rests, then one call probes it. Also its pause, when it asked for one.
//!
//! It counts and compares times it is told; it sends nothing. A call that is dropped half-way gives its probe back.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::time::Instant;

use crate::job::Millis;

/// Failures in a row that open it.
const FAILURES: u32 = 5;
/// The first rest after a refusal that lasts (a bad key). Each further rest is twice as long, up to the longest.
const LONG_REST: Duration = Duration::from_mins(1);
const LONGEST_REST: Duration = Duration::from_mins(10);
/// A longer wish to be left alone is tested after this.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// When to come back while a probe is under way.
const PROBE_TAKES: Duration = Duration::from_secs(1);

/// A breaker's state, for the console and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// It asked to be left alone for a while.
    Paused,
    /// One call tries whether it is back.
    Probing,
    /// It rests; nothing is sent.
    Open,
}

/// Why nothing is sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resting {
    /// For how long.
    pub left: Duration,
    /// The failure that did it.
    pub why: String,
    /// Whether only a person can help.
    pub lasting: bool,
}

/// Whether a try may go out.
pub(super) enum Admission<'a> {
    /// It may.
    Go(Pass<'a>),
    /// Not before this, by the provider's wish.
    Pause(Duration),
    /// Not now.
    Rest(Resting),
}

/// What the breaker has seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Now.
    pub state: BreakerState,
    /// Since when.
    pub since: Millis,
    /// Tries.
    pub calls: u64,
    /// Of those, failed.
    pub failures: u64,
    /// The last failure.
    pub why: Option<String>,
}

#[derive(Debug)]
pub(super) struct Breaker {
    rest: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    since: Millis,
    pause: Option<Instant>,
    /// Failures since the last success.
    row: u32,
    /// Rests since the last success.
    rests: u32,
    lasting: bool,
    why: Option<String>,
    calls: u64,
    failures: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Probing,
    Open { until: Instant },
}

impl Breaker {
    /// Closed; its first rest after failures is this long.
    pub fn new(rest: Duration) -> Self {
        let inner = Inner {
            state: State::Closed,
            since: Millis::now(),
            pause: None,
            row: 0,
            rests: 0,
            lasting: false,
            why: None,
            calls: 0,
            failures: 0,
        };
        Self { rest, inner: Mutex::new(inner) }
    }

    /// Whether a try may go out now.
    pub fn admit(&self, now: Instant) -> Admission<'_> {
        let mut inner = self.lock();
        if let Some(resting) = inner.resting(now) {
            return Admission::Rest(resting);
        }
        if let Some(left) = inner.paused(now) {
            return Admission::Pause(left);
        }
        let probe = inner.state != State::Closed;
        if probe {
            inner.turn(State::Probing);
        }
        inner.calls += 1;
        Admission::Go(Pass { breaker: self, probe, settled: false })
    }

    /// Why nothing would be sent now, without taking the probe.
    pub fn resting(&self, now: Instant) -> Option<Resting> {
        self.lock().resting(now)
    }

    /// The provider asked to be left alone this long, by everyone.
    pub fn pause(&self, now: Instant, wish: Duration) {
        let until = now + wish.min(LONGEST_PAUSE);
        let mut inner = self.lock();
        inner.pause = inner.pause.max(Some(until));
    }

    /// What it has seen.
    pub fn seen(&self, now: Instant) -> Seen {
        let inner = self.lock();
        let state = match inner.state {
            State::Closed if inner.paused(now).is_some() => BreakerState::Paused,
            State::Closed => BreakerState::Closed,
            State::Probing => BreakerState::Probing,
            State::Open { .. } => BreakerState::Open,
        };
        Seen { state, since: inner.since, calls: inner.calls, failures: inner.failures, why: inner.why.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn turn(&mut self, state: State) {
        self.state = state;
        self.since = Millis::now();
    }

    fn paused(&self, now: Instant) -> Option<Duration> {
        self.pause.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    fn resting(&self, now: Instant) -> Option<Resting> {
        let left = match self.state {
            State::Closed => return None,
            State::Probing => PROBE_TAKES,
            State::Open { until } => until.saturating_duration_since(now),
        };
        let why = self.why.clone().unwrap_or_default();
        (!left.is_zero()).then_some(Resting { left, why, lasting: self.lasting })
    }

    fn failed(&mut self, now: Instant, why: String, lasting: bool, probe: bool, first: Duration) {
        self.failures += 1;
        if !probe && self.state != State::Closed {
            return; // news from before it opened
        }
        self.row += 1;
        self.why = Some(why);
        if probe || lasting || self.row >= FAILURES {
            let rest = first.saturating_mul(1 << self.rests.min(10)).min(LONGEST_REST);
            self.rests += 1;
            self.lasting = lasting;
            self.turn(State::Open { until: now + rest });
        }
    }
}

/// One try that may go out; says how it went, or gives its probe back when dropped.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
    settled: bool,
}

impl Pass<'_> {
    /// It answered.
    pub fn succeeded(mut self) {
        self.settled = true;
        let mut inner = self.breaker.lock();
        if self.probe || inner.state == State::Closed {
            inner.row = 0;
            inner.rests = 0;
            inner.why = None;
            if inner.state != State::Closed {
                inner.turn(State::Closed);
            }
        }
    }

    /// It failed; `lasting` when only a person can help.
    pub fn failed(mut self, now: Instant, why: String, lasting: bool) {
        self.settled = true;
        let first = if lasting { LONG_REST } else { self.breaker.rest };
        self.breaker.lock().failed(now, why, lasting, self.probe, first);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe && !self.settled {
            self.breaker.lock().turn(State::Open { until: Instant::now() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(10);

    fn go(breaker: &Breaker, now: Instant) -> Pass<'_> {
        match breaker.admit(now) {
            Admission::Go(pass) => pass,
            Admission::Pause(left) => panic!("paused for {left:?}"),
            Admission::Rest(resting) => panic!("resting: {resting:?}"),
        }
    }

    fn fail(breaker: &Breaker, now: Instant, times: u32) {
        for _ in 0..times {
            go(breaker, now).failed(now, "500 it failed".into(), false);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_probe_closes_it() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        fail(&breaker, now, FAILURES);
        let resting = Resting { left: REST, why: "500 it failed".into(), lasting: false };
        assert_eq!(breaker.resting(now), Some(resting));
        let later = now + REST;
        let probe = go(&breaker, later);
        assert_eq!(breaker.seen(later).state, BreakerState::Probing);
        assert!(matches!(breaker.admit(later), Admission::Rest(_)), "one probe at a time");
        probe.succeeded();
        assert_eq!(breaker.seen(later).state, BreakerState::Closed);
        go(&breaker, later).succeeded();
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        for _ in 0..3 {
            fail(&breaker, now, FAILURES - 1);
            go(&breaker, now).succeeded();
        }
        assert_eq!(breaker.seen(now).state, BreakerState::Closed);
    }

    #[test]
    fn a_failed_probe_rests_twice_as_long() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        fail(&breaker, now, FAILURES);
        fail(&breaker, now + REST, 1);
        assert_eq!(breaker.resting(now + REST).map(|resting| resting.left), Some(REST * 2));
    }

    #[test]
    fn a_probe_that_is_dropped_leaves_the_next_call_to_probe() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        fail(&breaker, now, FAILURES);
        drop(go(&breaker, now + REST));
        go(&breaker, now + REST).succeeded();
        assert_eq!(breaker.seen(now + REST).state, BreakerState::Closed);
    }

    #[test]
    fn a_refusal_that_lasts_opens_it_at_once_and_for_longer() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        go(&breaker, now).failed(now, "401 the key was refused".into(), true);
        let resting = breaker.resting(now).unwrap();
        assert_eq!((resting.left, resting.lasting), (LONG_REST, true));
    }

    #[test]
    fn a_pause_holds_for_everyone_until_it_is_over() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        let wish = Duration::from_secs(3);
        breaker.pause(now, wish);
        breaker.pause(now, Duration::from_secs(1));
        assert!(matches!(breaker.admit(now), Admission::Pause(left) if left == wish));
        assert_eq!(breaker.seen(now).state, BreakerState::Paused);
        go(&breaker, now + wish).succeeded();
    }

    #[test]
    fn late_news_does_not_lengthen_a_rest() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        let late = go(&breaker, now);
        fail(&breaker, now, FAILURES);
        late.failed(now, "500 it failed".into(), false);
        assert_eq!(breaker.resting(now).map(|resting| resting.left), Some(REST));
    }
}
