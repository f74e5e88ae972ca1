//! How often each job's task panicked here. Such a job is taken up again, as after a crash; one that panics every time comes to an end all the same.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::job::JobId;

/// So many tries of a job may panic. Then its person is told rather than all of it begun once more.
const MOST: u32 = 3;

/// Where even the telling panics, it is left as it is for someone to look at.
const MOST_IN_ALL: u32 = 2 * MOST;

/// The jobs whose last try panicked.
#[derive(Debug, Default)]
pub(super) struct Panics(Mutex<HashMap<JobId, u32>>);

/// What is done with a job after its panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chance {
    /// It is run.
    Run,
    /// It has panicked so often: it is ended, and its person told.
    End(u32),
}

impl Panics {
    /// For a job that was taken up.
    pub(super) fn chance(&self, id: JobId) -> Chance {
        match self.by_job().get(&id) {
            Some(times) if *times >= MOST => Chance::End(*times),
            _ => Chance::Run,
        }
    }

    /// One more. Gives whether it is to be taken up again.
    pub(super) fn count(&self, id: JobId) -> bool {
        let mut by_job = self.by_job();
        let times = by_job.entry(id).or_default();
        *times += 1;
        *times < MOST_IN_ALL
    }

    /// A try came to its end.
    pub(super) fn forget(&self, id: JobId) {
        self.by_job().remove(&id);
    }

    fn by_job(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobIds, Millis};

    #[test]
    fn one_that_panics_every_time_is_ended_and_one_that_panics_even_then_is_left() {
        let (panics, ids) = (Panics::default(), JobIds::default());
        let (bad, good) = (ids.next(Millis(1)), ids.next(Millis(1)));
        let again: Vec<_> = (0..MOST_IN_ALL).map(|_| (panics.chance(bad), panics.count(bad))).collect();
        assert_eq!(again[..4], [(Chance::Run, true), (Chance::Run, true), (Chance::Run, true), (Chance::End(3), true)]);
        assert_eq!(again.last(), Some(&(Chance::End(5), false)));
        assert_eq!(panics.chance(good), Chance::Run);
        panics.forget(bad);
        assert_eq!(panics.chance(bad), Chance::Run);
    }
}
