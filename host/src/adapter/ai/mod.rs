//! AI providers behind one call: a [`Chain`], each link with its timeouts, retries and breaker.
//!
//! No provider is called except for a job, and by `doctor`, whom an operator asked. A call holds no thread and no task: it is a small future that waits. Retry policy lives in
//! [`AiError`], the table that fills it in `classify.rs`. No key and no prompt is ever in an error or a log line.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `wtaf_ai_calls_total` | counter, one for each try | `provider`, `model`, `outcome` ([`Finish`], [`Trouble`] or [`Bar`] in a word) |
//! | `wtaf_ai_call_seconds` | histogram, connect to last byte | `provider`, `model`, `outcome` |
//! | `wtaf_ai_first_token_seconds` | histogram, connect to first piece | `provider`, `model` |
//! | `wtaf_ai_tokens_total` | counter | `provider`, `model`, `direction` (`input`, `output`) |
//! | `wtaf_ai_breaker` | gauge: 0 closed, 1 probing, 2 open | `provider` |
//!
//! Each try is a span `chat {model}` with the `gen_ai.*` attributes of the GenAI semantic conventions.

mod anthropic;
mod breaker;
mod chain;
mod classify;
mod client;
mod demo;
mod demo_provider;
mod door;
mod http;
mod lane;
mod link;
mod meter;
mod openai;
mod provider;
mod quote;
mod recent;
#[cfg(test)]
mod sample;
mod script;
mod sse;
mod wires;

pub use breaker::BreakerState;
pub use chain::{Chain, ChainSetupError, chain, chain_trusting};
pub use client::{ClientError, Trust, client, local_client};
pub use link::ProviderState;
pub use recent::Recent;
pub use script::Script;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::job::Finish;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The rules.
    System,
    /// The person.
    User,
    /// The AI.
    Assistant,
}

/// One message of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub speaker: Speaker,
    /// What; a person's words are verbatim. Shared, for many calls wait at once with the same rules.
    pub text: Arc<str>,
}

/// A call to an AI, stable text first, the person's words last.
#[derive(Debug, Clone, PartialEq)]
pub struct AiCall {
    /// In order.
    pub messages: Vec<Message>,
    /// 0 to 2; unset leaves it to the provider's entry.
    pub temperature: Option<f32>,
    /// Unset leaves it to the provider's entry.
    pub max_tokens: Option<u32>,
    /// `page`, `brief`, `chat`.
    pub purpose: String,
    /// The order's kind.
    pub kind: String,
    /// The page an edit or a remix begins with (the demo provider reads it; others have it in `messages`).
    pub page: Option<Arc<str>>,
    /// Providers that are not to be asked: what may be spent on them is spent.
    pub barred: Vec<String>,
}

/// A piece of an answer as it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// More words.
    Text(&'a str),
    /// What came before is void: another try or another provider begins from the start.
    Restart,
}

/// Listens to an answer as it arrives.
pub type Listener<'a> = &'a mut (dyn FnMut(Piece<'_>) + Send);

/// An answer that arrived whole: its end was proved by the provider's own word.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// All of it.
    pub text: String,
    /// How it ended.
    pub finish: Finish,
    /// The provider's name in pipeline.toml.
    pub provider: String,
    /// As the provider names it.
    pub model: String,
    /// Tokens read, as the provider counts.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// US dollars, where the price is configured.
    pub cost: Option<f64>,
}

/// Why one call to one provider gave no answer; which decides what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AiError {
    /// Worth another try at the same provider, not before `after` where it named a time.
    #[error("{provider}: {why}")]
    Retry {
        /// Which one.
        provider: String,
        /// In words.
        why: String,
        /// What stood in the way.
        trouble: Trouble,
        /// `Retry-After`: a minimum.
        after: Option<Duration>,
    },
    /// This provider will not answer this call, another may (a bad key, no credit, an unknown model, too long).
    #[error("{provider}: {why}")]
    Next {
        /// Which one.
        provider: String,
        /// In words, with what to do.
        why: String,
        /// What bars the way.
        bar: Bar,
    },
}

/// What passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 429: too much at once. Fewer calls at a time help; the breaker has no say in it.
    Crowded,
    /// Overloaded, failing, or not to be reached.
    Down,
    /// The answer's stream ended without its end, or made no sense half-way.
    Cut,
    /// A connection gave out that carried several calls, and another of them told. The breaker hears of it once: it is one piece of news.
    Shared,
}

/// What another try at the same provider would not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// The key was refused.
    Key,
    /// The account has no credit.
    Credit,
    /// No such model, or no such API behind the URL.
    Address,
    /// This one call is not to its taste; others may be.
    Call,
    /// It took too long; the person waits, so another is asked.
    Slow,
    /// What came is no answer of this API.
    Strange,
}

impl AiError {
    /// The metric's `outcome`, in a word.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Retry { trouble: Trouble::Crowded, .. } => "crowded",
            Self::Retry { trouble: Trouble::Down, .. } => "down",
            Self::Retry { trouble: Trouble::Cut | Trouble::Shared, .. } => "cut",
            Self::Next { bar: Bar::Key, .. } => "key",
            Self::Next { bar: Bar::Credit, .. } => "credit",
            Self::Next { bar: Bar::Address, .. } => "address",
            Self::Next { bar: Bar::Call, .. } => "call",
            Self::Next { bar: Bar::Slow, .. } => "slow",
            Self::Next { bar: Bar::Strange, .. } => "strange",
        }
    }
}

/// No provider of the chain gave an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no AI provider answered: {}", .tried.join("; "))]
pub struct Unanswered {
    /// Each provider's reason, in the order tried.
    pub tried: Vec<String>,
    /// When it may be worth another try of the whole chain; unset where only a person can help (keys, credit, a call nobody takes).
    pub after: Option<Duration>,
}

/// Whatever can answer a call. The engine knows no more of AI than this.
#[async_trait]
pub trait Ai: Send + Sync {
    /// Asks, and listens while the answer arrives.
    async fn ask(&self, call: &AiCall, listener: Listener<'_>) -> Result<Answer, Unanswered>;

    /// Each provider as it stands, in fallback order; for whoever runs the engine. Asks nobody.
    fn states(&self) -> Vec<ProviderState> {
        Vec::new()
    }
}
