//! `[[test]]`: what comes in, and what must come of it. `wtaf-host test` tries them; the engine does not look at them.

use crate::job::{Phone, Source, Status};

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where in the file it begins, from 1; a case of `--set` begins nowhere, at 1.
    pub line: usize,
    /// Where the request comes in.
    pub source: Source,
    /// The number it comes from, where one is named.
    pub from: Option<Phone>,
    /// Who that is, where they are known already.
    pub known: Option<Acquaintance>,
    /// What they asked before, in order.
    pub before: Vec<String>,
    /// What they ask.
    pub text: String,
    /// What an AI says to that.
    pub ai: AiSays,
    /// What must come of it; never empty.
    pub wanted: Vec<Wanted>,
}

/// Someone who has joined before the case begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquaintance {
    /// The first part of their pages' addresses.
    pub slug: String,
    /// What they may do; unset: what new people may.
    pub role: Option<String>,
}

/// How the AI of a case behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AiSays {
    /// As the demo provider does.
    Demo,
    /// These answers, call by call; after the last it says the last again.
    Words(Vec<String>),
    /// The same, but each answer is cut off, save the last of several.
    CutOff(Vec<String>),
    /// It will not.
    Refusal,
    /// No provider answers.
    Nothing,
}

/// Something that must come of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What.
    pub what: Expect,
    /// Where in the file it is asked for, from 1.
    pub line: usize,
}

/// What may be asked of how a job ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// How it ended.
    Status(Status),
    /// The order's kind; `reply` or `silence` where nothing was ordered.
    Kind(String),
    /// Words in what the person reads.
    Reply(String),
    /// How many texts they get.
    Texts(usize),
    /// What the page is called.
    Title(String),
    /// The last part of its address.
    Slug(String),
    /// Words in the page's HTML.
    Page(String),
    /// Words in what the AI was told.
    Prompt(String),
    /// Why it was refused, or failed.
    Error(String),
    /// The stages that ran, in order.
    Stages(Vec<String>),
}

impl Expect {
    /// The key that asks for it.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Kind(_) => "kind",
            Self::Reply(_) => "reply",
            Self::Texts(_) => "texts",
            Self::Title(_) => "title",
            Self::Slug(_) => "slug",
            Self::Page(_) => "page",
            Self::Prompt(_) => "prompt",
            Self::Error(_) => "error",
            Self::Stages(_) => "stages",
        }
    }
}
