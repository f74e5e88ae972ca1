//! Whether the database answers this engine, as its jobs and its sender find out.
//!
//! While it does not answer here and does answer another engine, no more jobs are taken up here and those in hand are left to the others. Where it answers
//! nobody they stay and wait: nobody could do more for them.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::adapter::queue::Queue;

/// The others are asked after this long: a restart of the database is mostly over sooner.
const WORTH_ASKING: Duration = Duration::from_secs(5);

/// How long what they said is good for: thousands of jobs may wait.
const FRESH: Duration = Duration::from_secs(1);

/// Since when the database is away, and what the others said last.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Mutex<Option<Instant>>,
    said: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl Outage {
    /// The database did not answer.
    pub(super) fn goes_on(&self, queue: &dyn Queue) {
        self.since().get_or_insert_with(Instant::now);
        queue.can_work(false);
    }

    /// It did.
    pub(super) fn is_over(&self, queue: &dyn Queue) {
        if self.since().take().is_some() {
            queue.can_work(true);
        }
    }

    /// Whether another engine could do what this one cannot.
    pub(super) async fn is_ours_alone(&self, queue: &dyn Queue) -> bool {
        if !self.since().is_some_and(|since| since.elapsed() > WORTH_ASKING) {
            return false;
        }
        let mut said = self.said.lock().await;
        if let Some((_, others)) = said.filter(|(at, _)| at.elapsed() < FRESH) {
            return others;
        }
        let others = queue.another_can().await;
        *said = Some((Instant::now(), others));
        others
    }

    fn since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
