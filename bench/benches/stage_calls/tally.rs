//! What is measured, and what came of it.

use std::time::{Duration, Instant};

/// What is asked of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// 1 KiB in, the same 1 KiB out, as many at a time as the peer does best with.
    Pass,
    /// The page in a 100 KiB answer, one after another.
    Extract,
    /// Coach, prompt, extract and slug of one job, one after another.
    FourStages,
}

/// Someone who does it.
pub trait Peer {
    fn name(&self) -> &'static str;

    /// Does it for so long, on so many cores; `None` where it has no such thing.
    fn run(&mut self, work: Work, cores: usize, time: Duration) -> Option<Tally>;

    /// The process it runs in, where that is not this one.
    fn child(&self) -> Option<u32> {
        None
    }
}

/// Calls in a time, and how long one took.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
}

impl Tally {
    /// Of the times of all calls, in microseconds, made in so many seconds.
    pub fn of(mut times: Vec<f64>, seconds: f64) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len().saturating_sub(1) * share / 100).copied().unwrap_or(f64::NAN);
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let calls = times.len() as f64;
        Self { rate: calls / seconds, p50: at(50), p99: at(99) }
    }
}

/// Each figure's own median over the rounds.
pub fn median(rounds: &[Tally]) -> Tally {
    let of = |figure: fn(&Tally) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Tally { rate: of(|tally| tally.rate), p50: of(|tally| tally.p50), p99: of(|tally| tally.p99) }
}

/// Calls it on so many threads until the time is over; each thread prepares for itself.
pub fn on_threads<C: FnMut()>(threads: usize, time: Duration, prepare: impl Fn() -> C + Sync) -> Tally {
    let began = Instant::now();
    let times = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut call = prepare();
                    let mut times = Vec::new();
                    let mut now = Instant::now();
                    while began.elapsed() < time {
                        call();
                        times.push(now.elapsed().as_secs_f64() * 1e6);
                        now = Instant::now();
                    }
                    times
                })
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect()
    });
    Tally::of(times, began.elapsed().as_secs_f64())
}
