//! Job ids: ULIDs, in the order of acceptance, none guessable from another.

use std::{fmt, str::FromStr, sync::Mutex};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::Millis;

/// A job's id. Its first 48 bits are the time of acceptance, the other 80 are fresh chance: who holds an id may watch the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Ulid);

impl JobId {
    /// All 128 bits of it.
    pub fn bits(self) -> u128 {
        self.0.0
    }

    /// The time inside the id.
    pub fn time(self) -> Millis {
        Millis(self.0.timestamp_ms())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = ulid::DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(Self)
    }
}

/// Makes ids whose time part strictly rises within a process, so that sorting by id is the order of acceptance.
///
/// The random part is drawn anew each time (a *monotonic* ULID would add one to the last, and let a neighbour's id be guessed).
#[derive(Debug, Default)]
pub struct JobIds {
    last: Mutex<u64>,
}

impl JobIds {
    /// The next id, at `now` or a millisecond after the last one.
    pub fn next(&self, now: Millis) -> JobId {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = now.0.max(*last + 1);
        JobId(Ulid::from_parts(*last, rand::random()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_sort_in_the_order_of_acceptance() {
        let ids = JobIds::default();
        let drawn: Vec<_> = (0..100).map(|_| ids.next(Millis(1_000))).collect();
        assert!(drawn.is_sorted());
    }

    #[test]
    fn neighbouring_ids_share_no_randomness() {
        let ids = JobIds::default();
        let (a, b) = (ids.next(Millis(1)), ids.next(Millis(1)));
        assert!(b.0.random().abs_diff(a.0.random()) > 1_000);
    }
}
