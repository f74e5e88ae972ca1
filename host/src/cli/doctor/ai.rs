//! The AI providers: each is asked for a word or two, which costs a fraction of a cent and proves key, model, credit and address at once.

use std::{sync::Arc, time::Duration, time::Instant};

use super::{Check, Notes};
use crate::{
    adapter::ai::{self, Ai, AiCall, Message, Speaker},
    config::{self, AiKind, Checked},
};

/// For the whole of one call; a model on this machine may have to be loaded first.
const LIMIT: Duration = Duration::from_mins(1);
/// Some models refuse to answer in fewer.
const TOKENS: u32 = 16;

pub(super) fn checks(pipeline: &Arc<Checked>) -> Vec<Check> {
    let limited = pipeline.limits.spend_per_day.is_some() || pipeline.limits.spend_per_person.is_some();
    let check = |entry: &config::Ai| Check::new("ai", entry.name.clone(), LIMIT, look(entry.clone(), limited));
    pipeline.ai.iter().map(check).collect()
}

async fn look(entry: config::Ai, limited: bool) -> Notes {
    let mut notes = Notes::default();
    let name = entry.name.clone();
    if entry.kind == AiKind::Demo {
        notes.warn(
            &name,
            "the library of demo apps: nothing is made to order",
            "set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real one",
        );
        return notes;
    }
    // One try, in one go: a second would only cost more and say the same.
    let once = config::Ai { retries: 0, timeout: LIMIT / 2, first_token_timeout: LIMIT / 2, ..entry.clone() };
    let began = Instant::now();
    let asked = match ai::chain(&[once]) {
        Ok(chain) => chain.ask(&greeting(), &mut |_| ()).await.map_err(|unanswered| unanswered.tried.join("; ")),
        Err(error) => Err(error.to_string()),
    };
    match asked {
        Ok(answer) => notes.ok(&name, format!("{} answers, {:.1} s", answer.model, began.elapsed().as_secs_f64())),
        Err(why) => notes.fail(&name, why, todo(&entry)),
    }
    let priced = entry.price.is_some();
    if !priced && (limited || entry.spend_per_day.is_some()) {
        notes.warn(
            &name,
            "no price: what is spent is not known, and so not limited",
            "price = { input = …, output = … }, US dollars for a million tokens",
        );
    }
    notes
}

fn todo(entry: &config::Ai) -> String {
    let variable = match entry.kind {
        AiKind::Anthropic => "ANTHROPIC_API_KEY",
        _ => "OPENAI_API_KEY",
    };
    match &entry.base_url {
        None => format!(
            "set {variable}, and see model and credit in the provider's console; jobs go to the next provider meanwhile"
        ),
        Some(url) => format!(
            "see whether something answers at {url}, and model and api_key of this [[ai]]; jobs go to the next provider meanwhile"
        ),
    }
}

fn greeting() -> AiCall {
    AiCall {
        messages: vec![Message { speaker: Speaker::User, text: "Say hi.".into() }],
        temperature: None,
        max_tokens: Some(TOKENS),
        purpose: "doctor".to_owned(),
        kind: "doctor".to_owned(),
        page: None,
        barred: Vec::new(),
    }
}
