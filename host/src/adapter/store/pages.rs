//! Pages: reserved by name, published whole, every version kept.

use async_trait::async_trait;

use super::{NewText, Origin, PageId, Person, PersonId, Result};
use crate::job::{JobId, Millis};

/// Where a page lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// The owner's slug.
    pub user: String,
    /// The page's slug.
    pub app: String,
}

/// A document to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The page.
    pub html: String,
    /// The owner's view of collected data, where there is one.
    pub owner_html: Option<String>,
    /// Never empty.
    pub title: String,
    /// For share previews; may be empty.
    pub description: String,
}

/// All that publishing needs, done in one transaction: the version, the page's row, and the texts that tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The job; publishing twice for one job is publishing once.
    pub job: JobId,
    /// The owner.
    pub person: PersonId,
    /// The slug: reserved by this job, or a live page's (an edit). An edit changes the document, its title and description; kind, coach, words and
    /// lineage stay those of the first version.
    pub slug: String,
    /// What.
    pub draft: Draft,
    /// `page`, `game`…
    pub kind: String,
    /// The coach's id.
    pub coach: Option<String>,
    /// The person's words, never the brief.
    pub prompt: String,
    /// The page this one grew from.
    pub remix_of: Option<PageKey>,
    /// Where the picture of share previews is, absolute.
    pub og_image_url: Option<String>,
    /// When.
    pub now: Millis,
    /// What goes out with it.
    pub texts: Vec<NewText>,
}

/// A page as its owner lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSummary {
    /// Its slug.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The words that made it.
    pub prompt: String,
    /// Its kind.
    pub kind: String,
    /// The newest version, from 1.
    pub version: u32,
    /// In no list.
    pub hidden: bool,
    /// What it grew from.
    pub origin: Option<Origin>,
    /// First version.
    pub created: Millis,
    /// Newest version.
    pub updated: Millis,
}

/// What a page's row was when it was read. The same mark means the same row to the letter, whoever writes: the database itself counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The row.
    pub page: PageId,
    /// Higher each time it is written.
    pub revision: i64,
}

/// A sign that stays the same as long as nothing at all is written to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark([u8; 48]);

impl Watermark {
    /// Of these bytes.
    pub(super) fn new(bytes: [u8; 48]) -> Self {
        Self(bytes)
    }
}

/// One version of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its row: what belongs to the page is kept by this.
    pub id: PageId,
    /// What the row was when this was read.
    pub mark: Mark,
    /// Where.
    pub key: PageKey,
    /// From 1.
    pub version: u32,
    /// The newest version there is.
    pub newest: u32,
    /// The document.
    pub draft: Draft,
    /// Its kind.
    pub kind: String,
    /// The coach's id.
    pub coach: Option<String>,
    /// In no list.
    pub hidden: bool,
    /// The page this one grew from.
    pub remix_of: Option<PageKey>,
    /// This version.
    pub updated: Millis,
}

/// A page in the gallery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPage {
    /// Where.
    pub key: PageKey,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub kind: String,
    /// The newest version, from 1.
    pub version: u32,
    /// What it grew from.
    pub origin: Option<Origin>,
    /// Newest version.
    pub updated: Millis,
}

/// What is at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// This.
    Found(T),
    /// It moved here, for ever. Of a person's own address `app` is empty.
    Moved(PageKey),
    /// Nothing.
    Missing,
}

/// Pages.
#[async_trait]
pub trait Pages {
    /// Reserves the first of `candidates` that this person has not used, atomically; a number is added to the first when none is free. The same job gets the same
    /// slug again.
    async fn reserve(&self, job: JobId, person: PersonId, candidates: &[String], now: Millis) -> Result<String>;

    /// Makes a version live, with its texts, in one transaction. Gives its number; the same job gets the same number again.
    async fn publish(&self, publication: Publication) -> Result<u32>;

    /// A person's pages by their first version, newest first, so that an edit does not change their order; forgotten ones are not there.
    async fn pages_of(&self, person: PersonId, limit: u32) -> Result<Vec<PageSummary>>;

    /// Every slug this person has used or reserved.
    async fn slugs_of(&self, person: PersonId) -> Result<Vec<String>>;

    /// The page at an address, the newest version or the one asked for. A renamed person's old slug is `Moved`.
    async fn page(&self, key: &PageKey, version: Option<u32>) -> Result<Lookup<Page>>;

    /// The mark of the page that is live at an address, no rename followed: much less to ask for than the page.
    async fn mark(&self, key: &PageKey) -> Result<Option<Mark>>;

    /// A sign that is the same as long as nothing at all was written, by any process. Seen before something is read, and again later, it says that what was read is
    /// still so. It asks nobody and takes a microsecond; `None` where only a question can tell.
    fn watermark(&self) -> Option<Watermark>;

    /// The person at `/{slug}`, following renames.
    async fn home(&self, slug: &str) -> Result<Lookup<Person>>;

    /// A page's versions, newest first: number and moment. Follows a rename.
    async fn versions(&self, key: &PageKey) -> Result<Vec<(u32, Millis)>>;

    /// Versions that jobs published for a person (by slug, following renames) after a moment, oldest first: what a polling bridge asks. Each is
    /// summed up with its own number, title, words and moment.
    async fn published_since(&self, user: &str, since: Millis, limit: u32) -> Result<Vec<(JobId, PageSummary)>>;
}
