//! The providers of pipeline.toml in fallback order, behind [`Ai`].

use std::time::Duration;

use async_trait::async_trait;

use super::{
    Ai, AiCall, Answer, Listener, Speaker, Unanswered, anthropic,
    client::{ClientError, Trust},
    demo_provider,
    http::ReachError,
    link::{Link, ProviderState},
    openai,
    provider::{Ear, Provider},
};
use crate::config::{self, AiKind};

/// The chain of providers.
pub struct Chain {
    links: Vec<Link>,
}

/// No chain can be made of the entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainSetupError {
    /// There is none.
    #[error("there is no [[ai]] entry: add one, kind = \"demo\" needs no key")]
    Empty,
    /// It would be refused by its provider at every call.
    #[error("the [[ai]] {name:?} has no key: set {variable}, or take the entry out")]
    NoKey {
        /// Which entry.
        name: String,
        /// Where its key usually comes from.
        variable: &'static str,
    },
    /// A key with a line break or a control character.
    #[error("the key of the [[ai]] {name:?} has a character no key has: was it pasted with a line break?")]
    KeyShape {
        /// Which entry.
        name: String,
    },
    /// Not an address.
    #[error("the base_url of the [[ai]] {name:?} is not an http or https URL")]
    Url {
        /// Which entry.
        name: String,
    },
    /// This machine cannot speak HTTPS.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// What is wrong with one entry, before its name is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupFault {
    #[error("no key")]
    NoKey(&'static str),
    #[error("a key of a strange shape")]
    KeyShape,
    #[error(transparent)]
    Reach(#[from] ReachError),
}

impl SetupFault {
    fn of(self, entry: &config::Ai) -> ChainSetupError {
        let name = entry.name.clone();
        match self {
            Self::NoKey(variable) => ChainSetupError::NoKey { name, variable },
            Self::KeyShape => ChainSetupError::KeyShape { name },
            Self::Reach(ReachError::Url) => ChainSetupError::Url { name },
            Self::Reach(ReachError::Client(error)) => error.into(),
        }
    }
}

/// The chain of `[[ai]]`, in its order. Nothing is sent.
pub fn chain(entries: &[config::Ai]) -> Result<Chain, ChainSetupError> {
    chain_trusting(entries, &Trust::System)
}

/// The same, believing these certificates.
pub fn chain_trusting(entries: &[config::Ai], trust: &Trust) -> Result<Chain, ChainSetupError> {
    if entries.is_empty() {
        return Err(ChainSetupError::Empty);
    }
    let link = |entry: &config::Ai| Ok(Link::new(entry, provider(entry, trust).map_err(|fault| fault.of(entry))?));
    Ok(Chain { links: entries.iter().map(link).collect::<Result<_, ChainSetupError>>()? })
}

fn provider(entry: &config::Ai, trust: &Trust) -> Result<Box<dyn Provider>, SetupFault> {
    Ok(match entry.kind {
        AiKind::Anthropic => Box::new(anthropic::provider(entry, trust)?),
        AiKind::OpenAi => Box::new(openai::provider(entry, trust)?),
        AiKind::Demo => Box::new(demo_provider::Demo),
    })
}

#[async_trait]
impl Ai for Chain {
    async fn ask(&self, call: &AiCall, listener: Listener<'_>) -> Result<Answer, Unanswered> {
        let mut ear = Ear::new(listener);
        let mut tried = Vec::new();
        let mut after: Option<Duration> = None;
        for link in &self.links {
            if call.barred.iter().any(|name| name == link.name()) {
                tried.push(format!("{}: not asked, what may be spent on it in a day is spent", link.name()));
                continue;
            }
            match link.ask(call, &mut ear).await {
                Ok(answer) => {
                    if !tried.is_empty() {
                        tracing::warn!(provider = %answer.provider, ?tried, "answered in place of those before it");
                    }
                    return Ok(answer);
                }
                Err(passed) => {
                    after = after.into_iter().chain(passed.after).min();
                    tried.push(passed.reason);
                }
            }
        }
        Err(Unanswered { tried, after })
    }

    fn states(&self) -> Vec<ProviderState> {
        self.links.iter().map(Link::state).collect()
    }
}

/// A call's messages as providers take them: none empty, no two in a row by the same speaker, save the rules where `apart` keeps them so.
pub(super) fn turns(call: &AiCall, apart: Option<Speaker>) -> Vec<(Speaker, String)> {
    let mut turns: Vec<(Speaker, String)> = Vec::new();
    for message in call.messages.iter().filter(|message| !message.text.trim().is_empty()) {
        match turns.last_mut() {
            Some((speaker, text)) if *speaker == message.speaker && Some(*speaker) != apart => {
                text.push_str("\n\n");
                text.push_str(&message.text);
            }
            _ => turns.push((message.speaker, message.text.to_string())),
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::ai::{Message, Piece, sample};

    fn call() -> AiCall {
        let messages = [
            (Speaker::System, "rules"),
            (Speaker::System, "voice"),
            (Speaker::User, "a timer"),
            (Speaker::User, " \n"),
            (Speaker::User, "  in blue"),
            (Speaker::Assistant, "<html>"),
            (Speaker::User, "go on"),
        ];
        let messages = messages.map(|(speaker, text)| Message { speaker, text: text.into() });
        AiCall { messages: messages.into(), ..sample::call("") }
    }

    #[test]
    fn nobody_speaks_twice_in_a_row_and_nobody_says_nothing() {
        let said: Vec<_> = turns(&call(), None).into_iter().map(|(_, text)| text).collect();
        assert_eq!(said, ["rules\n\nvoice", "a timer\n\n  in blue", "<html>", "go on"]);
        let said = turns(&call(), Some(Speaker::System));
        assert_eq!(said[..2], [(Speaker::System, "rules".to_owned()), (Speaker::System, "voice".to_owned())]);
    }

    #[tokio::test]
    async fn a_call_that_waits_is_small() {
        let (chain, call) = (chain(&[sample::entry(AiKind::Demo)]).unwrap(), call());
        let mut listener = |_: Piece<'_>| ();
        let future = chain.ask(&call, &mut listener);
        let size = size_of_val(&*future);
        assert!(size < 2048, "{size} bytes: ten thousand of them wait at once");
    }
}
