//! What a provider is to the chain: one call, one try, pieces as they come.
//!
//! A provider decides nothing about another try; it says what happened in an [`AiError`].

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{AiCall, AiError, Bar, Listener, Piece, Trouble};
use crate::job::Finish;

/// The largest answer that is one; a page is a hundredth of it.
pub(super) const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// One try of one call.
#[async_trait]
pub(super) trait Provider: Send + Sync {
    /// Asks once. What arrives goes to `ear` at once; `Ok` means the provider said itself that it was done.
    async fn call(&self, call: &AiCall, ear: &mut Ear<'_>) -> Result<Ending, AiError>;
}

/// How an answer ended. Its text is in the [`Ear`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ending {
    /// By the provider's own word.
    pub finish: Finish,
    /// Its own word.
    pub reason: String,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answered, where it says so.
    pub model: Option<String>,
    /// Tokens.
    pub usage: Usage,
}

/// Tokens of one answer, as the provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Usage {
    /// Read, outside the provider's cache.
    pub fresh: u64,
    /// Read from the cache, at a tenth of the price where `fresh` excludes them.
    pub cached: u64,
    /// Written to the cache, at 1.25 times the price.
    pub to_cache: u64,
    /// Written.
    pub output: u64,
}

impl Usage {
    /// All that was read.
    pub fn input(&self) -> u64 {
        self.fresh.saturating_add(self.cached).saturating_add(self.to_cache)
    }

    /// US dollars, at a price for a million tokens read and written.
    #[expect(clippy::cast_precision_loss, reason = "no bill has 2^52 tokens")]
    pub fn cost(&self, (read, written): (f64, f64)) -> f64 {
        let input = self.fresh as f64 + self.cached as f64 * 0.1 + self.to_cache as f64 * 1.25;
        (input * read + self.output as f64 * written) / 1e6
    }
}

/// Takes an answer in while it arrives: keeps it whole, passes it on, and knows when the first piece came.
pub(super) struct Ear<'a> {
    listener: Listener<'a>,
    /// What an earlier try said is still on the listener's screen.
    stale: bool,
    text: String,
    began: Instant,
    first: Option<Duration>,
}

impl<'a> Ear<'a> {
    /// For one call; each try begins with [`Ear::again`].
    pub fn new(listener: Listener<'a>) -> Self {
        Self { listener, stale: false, text: String::new(), began: Instant::now(), first: None }
    }

    /// A new try begins: what came before is void.
    pub fn again(&mut self) {
        self.stale |= !self.text.is_empty();
        self.text.clear();
        self.began = Instant::now();
        self.first = None;
    }

    /// More words.
    pub fn text(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        self.alive();
        if std::mem::take(&mut self.stale) {
            (self.listener)(Piece::Restart);
        }
        self.text.push_str(piece);
        (self.listener)(Piece::Text(piece));
    }

    /// The answer has begun, though in thought only.
    pub fn alive(&mut self) {
        self.first.get_or_insert_with(|| self.began.elapsed());
    }

    /// How long the first piece took.
    pub fn first(&self) -> Option<Duration> {
        self.first
    }

    /// Whether this try said anything.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// All of it; a later try would begin anew.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// A provider's name in pipeline.toml, as errors carry it.
#[derive(Debug, Clone)]
pub(super) struct Named(pub String);

impl Named {
    /// An error worth another try.
    pub fn retry(&self, trouble: Trouble, why: impl Into<String>) -> AiError {
        AiError::Retry { provider: self.0.clone(), why: why.into(), trouble, after: None }
    }

    /// An error that is not.
    pub fn next(&self, bar: Bar, why: impl Into<String>) -> AiError {
        AiError::Next { provider: self.0.clone(), why: why.into(), bar }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_try_voids_the_first_only_when_it_speaks() {
        let mut heard = Vec::new();
        let mut listener = |piece: Piece<'_>| match piece {
            Piece::Text(text) => heard.push(text.to_owned()),
            Piece::Restart => heard.push("<restart>".to_owned()),
        };
        let mut ear = Ear::new(&mut listener);
        ear.again();
        ear.text("one");
        ear.again();
        ear.again();
        ear.text("two");
        assert_eq!(ear.take(), "two");
        assert_eq!(heard, ["one", "<restart>", "two"]);
    }

    #[test]
    fn cached_tokens_cost_a_tenth_and_count_in_full() {
        let usage = Usage { fresh: 100_000, cached: 1_000_000, to_cache: 400_000, output: 10_000 };
        assert_eq!(usage.input(), 1_500_000);
        assert!((usage.cost((3.0, 15.0)) - (0.3 + 0.3 + 1.5 + 0.15)).abs() < 1e-9);
    }
}
