//! AI providers behind one call: a chain, each link with its timeouts, retries and breaker.
//!
//! No provider is called except for a job. A call holds no thread: it is a future that waits. Retry policy lives in [`AiError`].

use std::time::Duration;

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
    /// What; a person's words are verbatim.
    pub text: String,
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
    pub page: Option<String>,
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
    },
}

/// No provider of the chain gave an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no AI provider answered: {}", .tried.join("; "))]
pub struct Unanswered {
    /// Each provider's reason, in the order tried.
    pub tried: Vec<String>,
    /// When it may be worth another try of the whole chain, where one may be.
    pub after: Option<Duration>,
}

/// Whatever can answer a call. The engine knows no more of AI than this.
#[async_trait]
pub trait Ai: Send + Sync {
    /// Asks, and listens while the answer arrives.
    async fn ask(&self, call: &AiCall, listener: Listener<'_>) -> Result<Answer, Unanswered>;
}
