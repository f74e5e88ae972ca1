//! A call and an entry for unit tests.

use std::time::Duration;

use super::{AiCall, Message, Speaker};
use crate::config::{Ai, AiKind};

/// A person asks for something.
pub(super) fn call(words: &str) -> AiCall {
    AiCall {
        messages: vec![Message { speaker: Speaker::User, text: words.into() }],
        temperature: None,
        max_tokens: None,
        barred: Vec::new(),
        purpose: "page".into(),
        kind: "build".into(),
        page: None,
    }
}

/// A provider named `acme` that needs no key.
pub(super) fn entry(kind: AiKind) -> Ai {
    Ai {
        name: "acme".into(),
        kind,
        model: "m-1".into(),
        base_url: None,
        api_key: None,
        timeout: Duration::from_secs(5),
        first_token_timeout: Duration::from_secs(5),
        max_wait: Duration::from_secs(1),
        max_tokens: 77,
        temperature: None,
        max_concurrent: 4,
        retries: 0,
        price: None,
        spend_per_day: None,
    }
}
