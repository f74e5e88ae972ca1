//! What the engine remembers besides pages: jobs for the lists, talks with coaches, allowances, money.

use std::time::Duration;

use async_trait::async_trait;

use super::{PersonId, Result};
use crate::job::{Asker, Job, JobId, Millis, Source, Status};

/// One line of a talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Said by this coach, or by the person.
    pub coach: Option<String>,
    /// The words.
    pub text: String,
    /// When.
    pub at: Millis,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only with this status.
    pub status: Option<Status>,
    /// Only of this asker.
    pub asker: Option<Asker>,
    /// Only accepted before this (paging).
    pub before: Option<JobId>,
    /// Only those that came in there.
    pub source: Option<Source>,
    /// Only those whose id begins so.
    pub id: Option<String>,
}

/// An allowance: so many in that span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// `hour`, `day`, `month`: said to the person.
    pub per: &'static str,
    /// The span that slides.
    pub span: Duration,
    /// How many.
    pub most: u32,
}

/// What came of asking for one more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spent {
    /// It counts, and fits.
    Fits,
    /// It does not, and was not counted.
    Over {
        /// Which allowance is used up.
        per: &'static str,
        /// When the next one fits.
        again: Millis,
    },
}

/// What a call cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// For which job.
    pub job: JobId,
    /// Which of its calls, from 0.
    pub call: u32,
    /// Whose job.
    pub person: Option<PersonId>,
    /// Who was paid.
    pub provider: String,
    /// US dollars.
    pub dollars: f64,
}

/// Whose costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// All together.
    Everyone,
    /// Those of one person's jobs.
    Person(PersonId),
    /// What was paid to one provider.
    Provider(String),
}

/// What the engine remembers.
#[async_trait]
pub trait Records {
    /// Writes a job's current state into the index (whole, as JSON). A final state is overwritten only by a final one that is as young or younger, so a job that
    /// is tried once more shows its failure until it has ended again.
    async fn record_job(&self, job: &Job, person: Option<PersonId>) -> Result<()>;

    /// A job as last recorded.
    async fn job(&self, id: JobId) -> Result<Option<Job>>;

    /// Jobs, newest first.
    async fn jobs(&self, filter: &JobFilter, limit: u32) -> Result<Vec<Job>>;

    /// Adds a line to the talk with a person; `(job, said by whom)` is unique.
    async fn add_turn(&self, person: PersonId, job: JobId, turn: &Turn) -> Result<()>;

    /// The talk since a moment, oldest first, the last `limit` lines.
    async fn turns(&self, person: PersonId, since: Millis, limit: u32) -> Result<Vec<Turn>>;

    /// Counts one more against `key` (a person, an address) unless it would go over one of the allowances; atomic, and once for each `job`.
    async fn spend(&self, key: &str, job: JobId, allowances: &[Allowance], now: Millis) -> Result<Spent>;

    /// Forgets what was counted before a moment (no allowance may span more). Gives how many.
    async fn prune_spent(&self, before: Millis) -> Result<u64>;

    /// Adds to what was paid; `(job, call)` is unique.
    async fn add_cost(&self, cost: &Cost, now: Millis) -> Result<()>;

    /// What was paid since a moment, US dollars.
    async fn cost_since(&self, whose: &Whose, since: Millis) -> Result<f64>;

    /// Forgets a portion of what is of no use after a moment: jobs that ended well, what they did and said, texts that went out, costs. Gives how much; 0 means
    /// that there is no more.
    async fn prune_old(&self, before: Millis) -> Result<u64>;
}
