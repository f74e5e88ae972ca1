//! What people see of pages besides the page itself: how often it is looked at, what grew from it, what is liked lately.
//!
//! A view is a number by page and day: nothing here knows who looked. Of a page that is in no list, or gone, nothing is told in the name of another.

use async_trait::async_trait;

use super::{Lookup, PageKey, PageSummary, Result, SharedPage};
use crate::job::Millis;

/// A page that another one grew from, told only while it is in the lists itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where.
    pub key: PageKey,
    /// Its title.
    pub title: String,
}

/// A version as the strip of versions shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// From 1.
    pub version: u32,
    /// When it was made.
    pub at: Millis,
    /// The words that made it, for its owner's eyes; none of an undo.
    pub asked: Option<String>,
    /// The version that it brought back.
    pub restores: Option<u32>,
}

/// All that is known of a page that is live, but for its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portrait {
    /// Where.
    pub key: PageKey,
    /// As its owner lists it.
    pub summary: PageSummary,
    /// The page's own words about itself; may be empty.
    pub description: String,
    /// Newest first.
    pub editions: Vec<Edition>,
    /// How many pages in the lists grew from it.
    pub remixes: u64,
    /// How many people marked it.
    pub faves: u64,
    /// How often it was looked at.
    pub views: u64,
}

/// Views of a page on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Views {
    /// Where.
    pub key: PageKey,
    /// Days since 1970, UTC.
    pub day: u32,
    /// How many more.
    pub count: u32,
}

/// A moment's day, as views are counted by.
pub fn day(at: Millis) -> u32 {
    u32::try_from(at.0 / 86_400_000).unwrap_or(u32::MAX)
}

/// Views, lineage, what is liked lately.
#[async_trait]
pub trait Gallery {
    /// A live page and what became of it; a hidden one too, for it is live.
    async fn portrait(&self, key: &PageKey) -> Result<Lookup<Portrait>>;

    /// Adds views; those of a page that is not there any more are dropped.
    async fn add_views(&self, views: &[Views]) -> Result<()>;

    /// The public pages that people like lately, most liked first; what nobody looked at is not among them.
    ///
    /// A view counts 1, a mark of somebody else 8, a public remix by somebody else 12; each counts half after two days, half of that after four, and
    /// nothing after twenty.
    async fn trending(&self, limit: u32, now: Millis) -> Result<Vec<SharedPage>>;

    /// Public pages by their newest version, newest first, after the first `skip`.
    async fn shelf(&self, skip: u32, limit: u32) -> Result<Vec<SharedPage>>;
}
