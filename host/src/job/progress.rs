//! The checkpoints: what a job has made so far. Whatever is here is not done again after a crash.

use serde::{Deserialize, Serialize};

/// What is to be made: the host's own copy of `wtaf:stage/types.order`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// `page`, `game`, `chat`, `edit`…
    pub kind: String,
    /// The idea, whole.
    pub text: String,
    /// A coach's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coach: Option<String>,
    /// The page an edit or a remix begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Why this kind was chosen.
    pub why: String,
    /// Named values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<(String, String)>,
}

/// What the person is to read or get, decided once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForPerson {
    /// These words.
    Reply(String),
    /// Nothing, and why.
    Silence(String),
    /// What the rest of the pipeline makes.
    Order(Order),
}

/// The coach's decision, after its actions were done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What follows.
    pub then: ForPerson,
    /// Whether this is the first the person ever hears from us.
    #[serde(default)]
    pub first: bool,
}

/// How an AI's answer ended, by the provider's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// It said it was done.
    Complete,
    /// It ran into its limit of tokens.
    CutOff,
    /// It would not.
    Refused,
}

/// An answer that has fully arrived, and is never paid for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiAnswer {
    /// The stage it answers.
    pub stage: String,
    /// All of it, continuations appended.
    pub text: String,
    /// How the last call ended.
    pub finish: Finish,
    /// Calls so far: 1 and a continuation each.
    pub calls: u32,
}

/// A page as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDraft {
    /// `everyone` or `owner`.
    pub audience: String,
    /// Where one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A whole document.
    pub html: String,
}

/// A page that is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The owner's slug.
    pub user: String,
    /// The page's slug.
    pub app: String,
    /// From 1.
    pub version: u32,
    /// Absolute.
    pub url: String,
    /// The owner's view, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_url: Option<String>,
    /// The page's title.
    pub title: String,
}

/// What a job has made so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The coach's decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// Material for the prompt from earlier calls: (name, text), such as the brief.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub material: Vec<(String, String)>,
    /// AI answers by stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AiAnswer>,
    /// The name reserved for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The live page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// What the person was told last, shown in the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}
