//! What generated pages collect: records that their visitors leave, and the friends who share one.
//!
//! Everything is of one page, by its row, so records follow a page through versions and renames; nothing here can name two pages at once. What a record
//! holds is its visitors' affair: it is kept and given back as it came, and never looked into.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use serde_json::value::RawValue;

use super::{PageKey, Result};
use crate::job::Millis;

/// A page's row: stays when its owner is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId(pub i64);

/// A record's number within its page, and the number of a change: both from one count, so a record is as young as its number is high.
pub type Count = u64;

/// A name for a kind of record, such as `guestbook`: 1 to 40 of `a`–`z`, `0`–`9`, `-` and `_`; capitals are made small.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collection(String);

impl Collection {
    /// Where records go that name none.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text names no collection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a collection's name has 1 to 40 letters (a to z), digits, hyphens or underscores")]
pub struct NoCollection;

impl FromStr for Collection {
    type Err = NoCollection;

    fn from_str(text: &str) -> std::result::Result<Self, NoCollection> {
        let fits = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(NoCollection) }
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that a visitor left.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its number within the page.
    pub number: Count,
    /// Its kind.
    pub collection: Collection,
    /// As it came: JSON, fields in their order.
    pub data: Box<RawValue>,
    /// The friend who left it.
    pub by: Option<String>,
    /// When it was left.
    pub at: Millis,
    /// When it was last changed.
    pub updated: Millis,
}

/// Something to keep.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// Of which page.
    pub page: PageId,
    /// Its kind.
    pub collection: Collection,
    /// JSON.
    pub data: Box<RawValue>,
    /// The friend who leaves it.
    pub by: Option<String>,
    /// What its sender knows it by: sent again under the same, it is the same.
    pub once: Option<String>,
}

/// What a page may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Records, of all kinds together.
    pub records: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// Kinds.
    pub collections: u64,
}

/// What came of keeping something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept, under this number.
    As(Count),
    /// It was kept before, under this number, since then.
    Before(Count, Millis),
    /// The page has no room for another one.
    Full,
}

/// Which records of a page, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Only of this kind.
    pub collection: Option<Collection>,
    /// Only older than this one (paging).
    pub before: Option<Count>,
}

/// What a page has of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The kind.
    pub collection: Collection,
    /// How many records.
    pub records: u64,
    /// The newest change.
    pub changes: Count,
}

/// One of those who share a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Friend {
    /// As they wrote it when they came.
    pub name: String,
    /// Of their passcode; never for an answer.
    pub hash: String,
    /// When they came.
    pub joined: Millis,
}

/// What came of joining a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Befriended {
    /// The name was free, and is theirs now.
    New(Friend),
    /// Someone of that name is there: this is what their passcode must fit.
    There(Friend),
    /// As many share the page as may.
    Full,
}

/// A page that is live, by its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its row.
    pub id: PageId,
    /// Where it is now.
    pub key: PageKey,
    /// The newest version.
    pub version: u32,
}

/// Records and friends of pages.
#[async_trait]
pub trait Collected {
    /// The page at an address, without its document. Follows a rename.
    async fn place(&self, key: &PageKey) -> Result<Option<Placed>>;

    /// Keeps a record, if there is room and it is not there yet; counted and kept in one transaction.
    async fn add_record(&self, record: NewRecord, room: Room, now: Millis) -> Result<Kept>;

    /// One record of a page.
    async fn record(&self, page: PageId, number: Count) -> Result<Option<Record>>;

    /// A page's records, newest first.
    async fn records_of(&self, page: PageId, filter: &RecordFilter, limit: u32) -> Result<Vec<Record>>;

    /// Puts other data into a record; `None` when there is no such record.
    async fn change_record(
        &self,
        page: PageId,
        number: Count,
        data: Box<RawValue>,
        room: Room,
        now: Millis,
    ) -> Result<Option<Kept>>;

    /// Removes a record; gives whether it was there.
    async fn remove_record(&self, page: PageId, number: Count) -> Result<bool>;

    /// Removes all of a page's records, or all of one kind. Gives how many.
    async fn erase_records(&self, page: PageId, collection: Option<&Collection>) -> Result<u64>;

    /// What a page has, by kind, in the order of their names. Kinds that are empty again are not there.
    async fn tally(&self, page: PageId) -> Result<Vec<Tally>>;

    /// The number of the newest change to a kind of a page's records; 0 before the first. Cheap.
    async fn changes(&self, page: PageId, collection: &Collection) -> Result<Count>;

    /// The same once it is not `seen` any more, or after a short while: at once when this process changes something, soon when another does.
    async fn next_change(&self, page: PageId, collection: &Collection, seen: Count) -> Result<Count>;

    /// A friend by name, whatever its capitals.
    async fn friend(&self, page: PageId, name: &str) -> Result<Option<Friend>>;

    /// A page's friends, first come first.
    async fn friends(&self, page: PageId) -> Result<Vec<Friend>>;

    /// Lets a friend join with the hash of their passcode, unless the name is there or `most` are; atomic.
    async fn befriend(&self, page: PageId, name: &str, hash: &str, most: u32, now: Millis) -> Result<Befriended>;

    /// Removes a friend, whose name is free then; gives whether they were there.
    async fn unfriend(&self, page: PageId, name: &str) -> Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_a_plain_word() {
        assert_eq!("GuestBook_2".parse::<Collection>().unwrap().as_str(), "guestbook_2");
        for text in ["", "a b", "a/b", "caf\u{e9}", "a\n", &"a".repeat(41)] {
            assert_eq!(text.parse::<Collection>(), Err(NoCollection), "{text}");
        }
    }
}
