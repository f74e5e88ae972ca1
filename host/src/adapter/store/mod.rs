//! The database: people, pages, what pages collect, texts to send, events, limits, talks. One set of behaviours on SQLite and PostgreSQL.
//!
//! The tables keep the names people already have in Supabase. What must happen together happens in one transaction; what a job does is recorded under the
//! job's id, so that a repeated step is harmless.

mod collected;
mod erasure;
mod events;
mod gallery;
mod keys;
mod outbox;
mod pages;
mod people;
mod records;
mod roll;
mod sessions;
mod sql;

pub use collected::{
    Befriended, Collected, Collection, Count, Friend, Kept, NewRecord, NoCollection, PageId, Placed, Record,
    RecordFilter, Room, Tally,
};
pub use erasure::{Erased, Erasure, Held, Traces, Whom};
pub use events::{Event, Events, Happening, News, Seq};
pub use gallery::{Edition, Gallery, Origin, Portrait, Views, day};
pub use keys::{Key, Keys};
pub use outbox::{Delivery, Heard, NewText, Outbox, OutboxText, TextStatus};
pub use pages::{Draft, Lookup, Mark, Page, PageKey, PageSummary, Pages, Publication, SharedPage, Watermark};
pub use people::{Did, Joined, Paged, People, Person, PersonId, Standing};
pub use records::{Allowance, Cost, JobFilter, Records, Spent, Turn, Whose};
pub use roll::{Listed, Roll};
pub use sessions::{
    CODE_LASTS, CODE_TRIES, CodeHash, CodeKept, CodeTried, CodeTry, Moved, NewCode, SESSION_LASTS, Session, SessionKey,
    Sessions,
};
pub use sql::{
    Between, FileHealth, Found, Hearing, Migration, Notifications, Rehearsal, ServerHealth, Tried, file_health, hears,
    migrate, migrations_sql, open, open_with, rehearse, server_health,
};

#[cfg(test)]
pub use sql::open_in;

use std::sync::Arc;

use async_trait::async_trait;

use crate::job::{JobId, Millis};

/// A worker's hold on a job, as the database checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The job.
    pub job: JobId,
    /// Higher each time the job is taken up.
    pub number: u64,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not reachable, busy or out of space: worth another try later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The database answered, and the answer is no: a fault of ours or of its contents.
    #[error("the store refused: {0}")]
    Refused(String),
    /// Another worker has taken over the job that this was to be written for: nothing was.
    #[error("another worker has job {0} by now: nothing more is written for it here")]
    Fenced(JobId),
}

impl StoreError {
    /// Whether another try may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Short for what every method gives.
pub type Result<T> = std::result::Result<T, StoreError>;

/// All of it.
#[async_trait]
pub trait Store:
    People + Pages + Collected + Outbox + Events + Records + Sessions + Keys + Gallery + Erasure + Roll + Send + Sync
{
    /// A cheap question that fails when the database is gone, within seconds.
    async fn ping(&self) -> Result<()>;

    /// Raises a job's fence, durably, and gives the store as the holder of that fence sees it: whatever is written through it is written only while no one
    /// has raised the fence further, which is looked at in the same transaction.
    async fn behind(&self, fence: Fence) -> Result<Arc<dyn Store>>;

    /// Whether what is written through this would still be: asked before something is done that no transaction can refuse. Costs nothing where there is no fence.
    async fn still_ours(&self) -> Result<()>;

    /// Removes fences that nobody has touched since `before`.
    async fn prune_fences(&self, before: Millis) -> Result<u64>;
}
