//! A provider's last tries: how many of them failed, and how long the others took. A few hundred, in memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;

/// Tries remembered.
const KEPT: usize = 256;

/// What the last tries came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Recent {
    /// How many there were, a few hundred at most.
    pub tries: usize,
    /// Of those, failed.
    pub failed: usize,
    /// Half of the answers took no longer than this, from connect to last byte.
    pub p50: Option<Duration>,
    /// Nineteen of twenty took no longer than this.
    pub p95: Option<Duration>,
}

/// Remembers them.
#[derive(Debug, Default)]
pub(super) struct Tries(Mutex<VecDeque<(Duration, bool)>>);

impl Tries {
    /// One has ended.
    pub fn note(&self, took: Duration, well: bool) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.push_back((took, well));
        if tries.len() > KEPT {
            tries.pop_front();
        }
    }

    /// What they came to.
    pub fn recent(&self) -> Recent {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut took: Vec<Duration> = tries.iter().filter(|(_, well)| *well).map(|(took, _)| *took).collect();
        took.sort_unstable();
        // The smallest that so many in a hundred do not exceed.
        let within = |percent: usize| took.get((took.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Recent { tries: tries.len(), failed: tries.len() - took.len(), p50: within(50), p95: within(95) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_and_their_times_are_not() {
        let tries = Tries::default();
        for n in 1..=20 {
            tries.note(Duration::from_secs(n), true);
        }
        tries.note(Duration::from_mins(15), false);

        let recent = tries.recent();

        assert_eq!((recent.tries, recent.failed), (21, 1));
        assert_eq!((recent.p50, recent.p95), (Some(Duration::from_secs(10)), Some(Duration::from_secs(19))));
    }

    #[test]
    fn the_oldest_are_forgotten_first_and_of_nothing_nothing_is_said() {
        let tries = Tries::default();
        assert_eq!(tries.recent(), Recent::default());
        for _ in 0..KEPT {
            tries.note(Duration::from_secs(9), false);
        }
        for _ in 0..KEPT {
            tries.note(Duration::from_secs(1), true);
        }
        assert_eq!((tries.recent().tries, tries.recent().failed), (KEPT, 0));
    }
}
