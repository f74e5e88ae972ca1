//! Between the host's words and the contract's.

use std::sync::Arc;

use serde_json::json;

use super::common::Common;

use crate::{
    adapter::{
        ai::{AiCall, Message, Speaker},
        store::{PageSummary, Person, Standing, Turn},
    },
    config::Checked,
    job::{Job, JobId, Order, Request},
    plugin::{prompt, types},
};

/// What a plugin is told of the call. The seed differs by stage, so that two stages never draw alike.
pub fn context(pipeline: &Checked, job: &Job, stage: &crate::config::Stage, extra: &[(&str, &str)]) -> types::Context {
    types::Context {
        attempt: job.attempts + 1,
        now: job.created_at.0,
        seed: job.seed ^ fnv(stage.name.as_bytes()),
        ..context_without_job(pipeline, job.id, stage, extra)
    }
}

/// The same where words are wanted for something that is no job.
pub fn context_without_job(
    pipeline: &Checked,
    id: JobId,
    stage: &crate::config::Stage,
    extra: &[(&str, &str)],
) -> types::Context {
    let mut all = vec![
        ("coaches".to_owned(), json!(pipeline.coaches).to_string()),
        ("roles".to_owned(), json!(pipeline.roles).to_string()),
        ("public-url".to_owned(), pipeline.server.url("")),
    ];
    if let Some(number) = &pipeline.sms.from {
        all.push(("number".to_owned(), number.clone()));
    }
    all.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    types::Context {
        job: id.to_string(),
        attempt: 1,
        now: id.time().0,
        seed: rand::random(),
        config: json!(stage.config).to_string(),
        extra: all,
    }
}

/// FNV-1a: spreads stage names over the seed.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The request as a plugin sees it.
pub fn request(request: &Request) -> types::Request {
    types::Request {
        text: request.text.clone(),
        source: request.source.as_str().to_owned(),
        media: request
            .media
            .iter()
            .enumerate()
            .map(|(n, media)| types::Media { id: n.to_string(), media_type: media.media_type.clone(), bytes: 0 })
            .collect(),
        extra: request.coach.iter().map(|coach| ("coach".to_owned(), coach.clone())).collect(),
    }
}

/// Someone as a plugin sees them: no phone number.
pub fn person(person: Option<&Person>, new_role: &str) -> types::Person {
    match person {
        Some(known) => types::Person {
            slug: Some(known.slug.clone()),
            role: known.role.clone(),
            standing: match known.standing {
                Standing::Active => "active".into(),
                Standing::Left => "left".into(),
            },
            extra: guest_mark(known.phone().is_none()),
        },
        None => types::Person { slug: None, role: new_role.to_owned(), standing: "unknown".into(), extra: Vec::new() },
    }
}

fn guest_mark(guest: bool) -> types::Extra {
    if guest { vec![("guest".into(), "true".into())] } else { Vec::new() }
}

/// A page as its owner's coach sees it.
pub fn page(pipeline: &Checked, owner: &Person, page: &PageSummary) -> types::PageSummary {
    types::PageSummary {
        slug: page.slug.clone(),
        title: page.title.clone(),
        asked: page.prompt.clone(),
        created: page.created.0,
        extra: vec![
            ("kind".into(), page.kind.clone()),
            ("url".into(), pipeline.server.page_url(&format!("/{}/{}", owner.slug, page.slug))),
            ("version".into(), page.version.to_string()),
            ("hidden".into(), page.hidden.to_string()),
            ("home".into(), (owner.home.as_deref() == Some(page.slug.as_str())).to_string()),
        ],
    }
}

/// A line of a talk.
pub fn turn(turn: &Turn) -> types::Turn {
    types::Turn { coach: turn.coach.clone(), text: turn.text.clone(), at: turn.at.0 }
}

/// The coach's order, as the job keeps it.
pub fn order_in(order: types::Order) -> Order {
    Order {
        kind: order.kind,
        text: order.text,
        coach: order.coach,
        page: order.page,
        why: order.why,
        extra: order.extra,
    }
}

/// The job's order, as plugins see it.
pub fn order_out(order: &Order) -> types::Order {
    types::Order {
        kind: order.kind.clone(),
        text: order.text.clone(),
        coach: order.coach.clone(),
        page: order.page.clone(),
        why: order.why.clone(),
        extra: order.extra.clone(),
    }
}

/// The prompt plugin's call, as the chain takes it.
pub(super) fn call(call: &prompt::AiCall, kind: &str, page: Option<String>, rules: &Common) -> AiCall {
    let named = |name: &str| call.extra.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    AiCall {
        barred: Vec::new(),
        purpose: named("purpose").unwrap_or_else(|| "page".into()),
        kind: kind.to_owned(),
        page: page.map(Arc::from),
        temperature: call.temperature,
        max_tokens: call.max_output_tokens,
        messages: call.messages.iter().map(|said| message(said, rules)).collect(),
    }
}

fn message(message: &prompt::Message, rules: &Common) -> Message {
    let speaker = match message.role {
        prompt::Role::System => Speaker::System,
        prompt::Role::User => Speaker::User,
        prompt::Role::Assistant => Speaker::Assistant,
    };
    let text = message.content.iter().filter_map(|part| match part {
        prompt::Part::Text(text) => Some(text.as_str()),
        prompt::Part::Media(_) => None,
    });
    let text = text.collect::<Vec<_>>().join("\n");
    Message { speaker, text: if speaker == Speaker::System { rules.of(&text) } else { text.into() } }
}
