//! The demo library as a provider: no key, no server, and it never fails. Streamed in pieces, so that a chat shows progress.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    AiCall, AiError, Speaker, demo,
    provider::{Ear, Ending, Provider, Usage},
};
use crate::job::Finish;

/// Pieces of an answer; more make no smoother picture.
const PIECES: usize = 24;
/// Between two of them: an answer takes a third of a second.
const BETWEEN: Duration = Duration::from_millis(12);

/// The provider.
pub(super) struct Demo;

#[async_trait]
impl Provider for Demo {
    async fn call(&self, call: &AiCall, ear: &mut Ear<'_>) -> Result<Ending, AiError> {
        let answer = answer(call);
        for piece in pieces(&answer) {
            tokio::time::sleep(BETWEEN).await;
            ear.text(piece);
        }
        Ok(Ending {
            finish: Finish::Complete,
            reason: "stop".into(),
            id: None,
            model: None,
            // Nothing is read or written by an AI, so nothing is counted.
            usage: Usage::default(),
        })
    }
}

/// What the library has for a call, whole and at once.
pub(super) fn answer(call: &AiCall) -> String {
    let said = |speaker| call.messages.iter().filter(move |message| message.speaker == speaker);
    let system: Vec<&str> = said(Speaker::System).map(|message| &*message.text).collect();
    let words = said(Speaker::User).next_back().map_or("", |message| &*message.text);
    demo::answer(&demo::Ask {
        purpose: &call.purpose,
        kind: &call.kind,
        words,
        page: call.page.as_deref(),
        system: &system.join("\n\n"),
    })
}

/// The answer in at most `PIECES`, cut between characters.
fn pieces(answer: &str) -> impl Iterator<Item = &str> {
    let size = answer.len().div_ceil(PIECES).max(1);
    let mut rest = answer;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(size));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_in_few_pieces_and_whole() {
        for answer in ["", "é", "snake 🐍 ".repeat(999).as_str()] {
            assert_eq!(pieces(answer).collect::<String>(), answer);
            assert!(pieces(answer).count() <= PIECES);
        }
    }
}
