//! Everything kept about one person: found, given out, erased. What a table holds of people is told in one place (`sql/erase.rs`), so that none is forgotten.

use async_trait::async_trait;
use serde_json::Value;

use super::{Person, PersonId, Result};
use crate::job::{Asker, JobId};

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// As who they ask. Someone without an account may have texts and jobs all the same.
    pub asker: Asker,
    /// Their row, where they have one.
    pub person: Option<PersonId>,
    /// Jobs of theirs that are known from elsewhere, such as the queue's files.
    pub jobs: Vec<JobId>,
}

/// By what else a person is known, and what is theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// Everyone they are and were: a texter, and guests who turned out to be them.
    pub askers: Vec<Asker>,
    /// First parts of their pages' addresses, now and before.
    pub slugs: Vec<String>,
    /// Their jobs.
    pub jobs: Vec<JobId>,
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Which.
    pub table: &'static str,
    /// The rows, as the database has them.
    pub rows: Vec<Value>,
}

/// Rows of one table that are no more, or that no longer name anyone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Erased {
    /// Which.
    pub table: &'static str,
    /// How many.
    pub rows: u64,
}

/// Everything about one person.
#[async_trait]
pub trait Erasure {
    /// People in the order they came, those after a row.
    async fn people(&self, after: PersonId, limit: u32) -> Result<Vec<Person>>;

    /// By what they are known, and what is theirs.
    async fn traces(&self, whom: &Whom) -> Result<Traces>;

    /// Every row about them.
    async fn held(&self, whom: &Whom) -> Result<Vec<Held>>;

    /// Erases every row about them, in one transaction; done twice it finds nothing. Of someone who has left stays that they have, under a hash of their
    /// number: no text may go to them. What was paid stays, for no one.
    async fn erase(&self, whom: &Whom) -> Result<Vec<Erased>>;

    /// Those of these jobs of which nothing is known, or nothing any more: what machines keep of them may go too.
    async fn unknown(&self, jobs: &[JobId]) -> Result<Vec<JobId>>;
}
