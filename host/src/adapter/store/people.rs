//! People: who they are, what they may, whether they still want to hear from us.

use async_trait::async_trait;

use super::Result;
use crate::job::{Asker, JobId, Millis, Phone};

/// A person's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub i64);

/// Whether they want to hear from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They do.
    Active,
    /// They opted out: no text goes to them, no command runs for them.
    Left,
}

/// Someone we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Row.
    pub id: PersonId,
    /// How they are known.
    pub asker: Asker,
    /// The first part of their pages' addresses; unique.
    pub slug: String,
    /// A rung of the role ladder.
    pub role: String,
    /// Whether they want to hear from us.
    pub standing: Standing,
    /// They said YES to broadcasts.
    pub confirmed: bool,
    /// The page shown at `/{slug}`, by its slug.
    pub home: Option<String>,
    /// When they came.
    pub joined: Millis,
}

impl Person {
    /// Their number, where they have one.
    pub fn phone(&self) -> Option<&Phone> {
        self.asker.phone()
    }
}

/// What came of joining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The person, new or known.
    pub person: Person,
    /// Whether they are new.
    pub fresh: bool,
}

/// What came of an account action. The same job asking for the same step again gets the same answer and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Did {
    /// Done; the slug or page it was done to, where there is one.
    Done(Option<String>),
    /// That slug belongs to someone else, or may not be had.
    Taken(String),
    /// There is no such page.
    NoSuchPage(String),
    /// It was so already.
    Already,
}

/// An action on one of a person's own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paged {
    /// Shown at `/{slug}`.
    SetHome,
    /// Taken down; its versions are kept.
    Forget,
    /// The version before becomes a new version; done twice, the one before that. [`Did::Already`] at the first.
    Undo,
    /// Live, but in no list.
    Hide,
    /// In the lists again.
    Unhide,
}

/// People and what is done to their accounts.
#[async_trait]
pub trait People {
    /// Someone, if they have an account. Someone who left before they had one is known too, as left and with an empty slug.
    async fn person(&self, asker: &Asker) -> Result<Option<Person>>;

    /// Someone by the first part of their pages' addresses.
    async fn person_by_slug(&self, slug: &str) -> Result<Option<Person>>;

    /// Makes an account with the first of `slugs` that is free and not `reserved` (an old slug that redirects is not free either); when none is, a number
    /// is added to the first. Someone with an account is given back as they are.
    async fn join(&self, asker: &Asker, slugs: &[String], reserved: &[&str], role: &str, now: Millis)
    -> Result<Joined>;

    /// They left, or came back. Someone unknown who leaves is remembered as left. Gives whether anything changed.
    async fn set_standing(&self, asker: &Asker, standing: Standing, now: Millis) -> Result<bool>;

    /// They said YES.
    async fn confirm(&self, person: PersonId) -> Result<()>;

    /// A new slug; the old one redirects for ever, and can be had back by the person who had it. `step` numbers the action within the job.
    async fn rename(&self, job: JobId, step: u32, person: PersonId, slug: &str, reserved: &[&str]) -> Result<Did>;

    /// An action on one of their own pages, by its slug.
    async fn do_to_page(
        &self,
        job: JobId,
        step: u32,
        person: PersonId,
        page: &str,
        action: Paged,
        now: Millis,
    ) -> Result<Did>;

    /// Sets the mark of someone on a page (FAVE), which is `Done` with the page, or clears it where it was set, which is `Done` with nothing.
    async fn fave(&self, job: JobId, step: u32, person: PersonId, user: &str, page: &str) -> Result<Did>;
}
