//! Progress events: numbered rows, so that a client that reconnects, or asks another node, misses nothing.

use async_trait::async_trait;

use super::Result;
use crate::job::{JobId, Millis};

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

/// Events of jobs.
#[async_trait]
pub trait Events {
    /// Adds one, and wakes whoever waits for it, in this process and, where the database tells of it, in others.
    async fn add_event(&self, job: JobId, name: &str, data: serde_json::Value, now: Millis) -> Result<Seq>;

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
