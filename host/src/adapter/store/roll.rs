//! The roll: who is known, and what each has used of what they may, for whoever runs the engine.

use async_trait::async_trait;

use super::{Person, PersonId, Result};
use crate::job::Millis;

/// Someone, and what they have used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub person: Person,
    /// Live pages.
    pub pages: u64,
    /// Orders that counted in the last hour.
    pub hour: u64,
    /// In the last day.
    pub day: u64,
    /// In the last thirty days.
    pub month: u64,
}

/// The people there are.
#[async_trait]
pub trait Roll {
    /// Those who came before a row, the newest first.
    async fn roll(&self, before: Option<PersonId>, limit: u32, now: Millis) -> Result<Vec<Listed>>;

    /// One of them.
    async fn listed(&self, person: PersonId, now: Millis) -> Result<Option<Listed>>;
}
