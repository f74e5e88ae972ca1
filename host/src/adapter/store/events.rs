//! Progress events: numbered rows, so that a client that reconnects, or asks another node, misses nothing.

use async_trait::async_trait;

use super::{PersonId, Result};
use crate::job::{Job, JobId, Millis};

/// An event's number within its job, from 1, without gaps.
pub type Seq = u64;

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub seq: Seq,
    /// `stage`, `text`, `page`, `done`, `failed`.
    pub name: String,
    /// As the API shows it.
    pub data: serde_json::Value,
    /// When.
    pub at: Millis,
}

/// What there is to tell of a job, gathered over a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    /// As it is now, for the lists, and whose it is where that is known.
    pub state: Option<Box<(Job, Option<PersonId>)>>,
    /// What happened, in order.
    pub events: Vec<Happening>,
}

/// An event that has no number yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// `stage`, `text`, `page`, `done`, `failed`.
    pub name: String,
    /// As the API shows it.
    pub data: serde_json::Value,
    /// When.
    pub at: Millis,
}

impl News {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.state.is_none() && self.events.is_empty()
    }

    /// Something happened.
    #[must_use]
    pub fn event(mut self, name: &str, data: serde_json::Value, at: Millis) -> Self {
        self.events.push(Happening { name: name.to_owned(), data, at });
        self
    }

    /// What came later; of two states the later one counts.
    pub fn add(&mut self, later: Self) {
        self.state = later.state.or(self.state.take());
        self.events.extend(later.events);
    }
}

/// Events of jobs.
#[async_trait]
pub trait Events {
    /// Writes news of a job down, all of it or nothing, and wakes whoever waits for its events, in this process and, where the database tells of it, in others.
    /// Gives the last event's number; 0 where there is none.
    async fn tell(&self, job: JobId, news: News) -> Result<Seq>;

    /// The same of one event.
    async fn add_event(&self, job: JobId, name: &str, data: serde_json::Value, now: Millis) -> Result<Seq> {
        self.tell(job, News::default().event(name, data, now)).await
    }

    /// Those after `after`, in order.
    async fn events_after(&self, job: JobId, after: Seq, limit: u32) -> Result<Vec<Event>>;

    /// Returns when a job may have new events: at once when one is added, else after a short while, so that nothing stays unseen where another node's are not heard.
    async fn event_near(&self, job: JobId);

    /// Those after `after`; when there are none yet, waits as [`Events::event_near`] does and looks once more, so it may give none. An event added between
    /// the look and the wait wakes it: this is what a stream of events should loop on.
    async fn next_events(&self, job: JobId, after: Seq, limit: u32) -> Result<Vec<Event>>;

    /// Removes the events of jobs to which nothing has happened since `before`: all of a job's or none. Gives how many.
    async fn prune_events(&self, before: Millis) -> Result<u64>;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::job::{Asker, JobIds, Request, Source};

    fn job() -> Job {
        let asker = Asker::Phone("+15550001111".parse().unwrap());
        let request = Request {
            source: Source::Sms,
            asker,
            text: "hi".into(),
            media: vec![],
            delivery: None,
            opt_out: None,
            coach: None,
            user_slug: None,
        };
        Job::new(JobIds::default().next(Millis(1)), request, Millis(1))
    }

    #[test]
    fn of_two_states_the_later_one_counts_and_no_event_is_lost() {
        let (early, mut late) = (job(), job());
        late.attempts = 2;
        let mut news =
            News { state: Some(Box::new((early, None))), ..News::default() }.event("stage", json!(1), Millis(1));
        news.add(News::default().event("stage", json!(2), Millis(2)));
        assert_eq!(news.state.as_ref().map(|state| state.0.attempts), Some(0));
        news.add(News { state: Some(Box::new((late, None))), ..News::default() });
        assert_eq!(news.state.as_ref().map(|state| state.0.attempts), Some(2));
        assert_eq!(news.events.len(), 2);
    }
}
