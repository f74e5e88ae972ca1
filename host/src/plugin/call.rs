//! A call as a value: what is asked, with everything it may depend on, and what came back.
//!
//! Plugins are pure, so a call and its answer are all there is to record, to replay, to rehearse with, or to show a second version.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Grants, Limits, PluginError,
    bindings::{coach, extract, filter, prompt, types},
};
use crate::config::Role;

/// What is asked: a function of a role with its arguments, named as in `wit/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// `coach.decide`: what to do with a request.
    Decide {
        /// What came in.
        request: types::Request,
        /// Who asks.
        person: types::Person,
        /// Theirs.
        pages: Vec<types::PageSummary>,
        /// The talk so far.
        thread: Vec<types::Turn>,
    },
    /// `coach.say`: the words for an occasion.
    Say {
        /// Who is told.
        person: types::Person,
        /// Of what.
        occasion: coach::Occasion,
    },
    /// `prompt.compose`: the AI call for an order.
    Compose {
        /// What is to be made.
        order: types::Order,
        /// For whom.
        person: types::Person,
        /// The talk so far.
        thread: Vec<types::Turn>,
        /// What it builds on.
        material: types::Extra,
    },
    /// `extract.extract`: what an answer holds.
    Extract {
        /// What is to be made.
        order: types::Order,
        /// The AI's words.
        answer: String,
        /// Whether the provider said that it is complete.
        finished: bool,
    },
    /// `slug.propose`: names for a page.
    Propose {
        /// What is to be made.
        order: types::Order,
        /// The page's.
        title: Option<String>,
        /// Names that are the person's already.
        taken: Vec<String>,
    },
    /// `filter.apply`: what passes.
    Apply {
        /// An idea, a reply or a page.
        content: filter::Content,
    },
}

impl Question {
    /// Whose function it is.
    pub fn role(&self) -> Role {
        match self {
            Self::Decide { .. } | Self::Say { .. } => Role::Coach,
            Self::Compose { .. } => Role::Prompt,
            Self::Extract { .. } => Role::Extract,
            Self::Propose { .. } => Role::Slug,
            Self::Apply { .. } => Role::Filter,
        }
    }

    /// The function's name in `wit/`.
    pub fn function(&self) -> &'static str {
        match self {
            Self::Decide { .. } => "decide",
            Self::Say { .. } => "say",
            Self::Compose { .. } => "compose",
            Self::Extract { .. } => "extract",
            Self::Propose { .. } => "propose",
            Self::Apply { .. } => "apply",
        }
    }
}

/// What came back. As JSON it is the function's own result, without a word on which function that was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of `decide`.
    Decision(coach::Decision),
    /// Of `say`.
    Words(Option<String>),
    /// Of `compose`.
    Call(prompt::AiCall),
    /// Of `extract`.
    Found(extract::Found),
    /// Of `propose`.
    Names(Vec<String>),
    /// Of `apply`.
    Content(filter::Content),
}

impl Answer {
    /// As recordings and examples hold it.
    pub fn to_json(&self) -> Value {
        // The types are plain data with string keys: there is nothing in them that JSON has no form for.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

/// A call: who asks it of what, and what it may use.
#[derive(Debug, Clone)]
pub struct Call {
    /// The stage's name.
    pub stage: Arc<str>,
    /// What it may use.
    pub limits: Limits,
    /// What its stage grants.
    pub grants: Grants,
    /// What the plugin is told besides the question.
    pub context: types::Context,
    /// What is asked.
    pub question: Question,
}

/// What a call took.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Used {
    /// Processor time.
    pub time: Duration,
    /// Bytes of memory at its end, which is its most: memory never shrinks.
    pub memory: usize,
    /// Units of fuel, on an engine that counts them.
    pub fuel: Option<u64>,
    /// Lines it logged, those that were dropped included.
    pub lines: u32,
    /// The grants it made use of.
    pub grants: Vec<String>,
}

/// A call that ended.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What came back.
    pub outcome: Result<Answer, PluginError>,
    /// What it took.
    pub used: Used,
}
