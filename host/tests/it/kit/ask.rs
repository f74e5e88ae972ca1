//! Calls of plugins as a job would put them, without a job.

use std::sync::Arc;

use wtaf_host::plugin::{Answer, Asked, Call, Grants, Limits, Plugin, Question, types};

/// A slug call whose stage has this `config`.
pub fn propose(config: &str, limits: Limits) -> Arc<Call> {
    let question = Question::Propose { order: order(), title: Some("Tip Calculator".into()), taken: Vec::new() };
    call(question, config, limits)
}

/// A question of each built-in plugin, by its name.
pub fn of_each() -> [(&'static str, Arc<Call>); 4] {
    let request = types::Request {
        text: "WTAF a tip calculator for four friends".into(),
        source: "sms".into(),
        media: Vec::new(),
        extra: Vec::new(),
    };
    let answer =
        "Here:\n```html\n<!doctype html><title>Tip</title><h1>Tip</h1><p>Split it.</p>\n```\nEnjoy.".to_owned();
    let questions = [
        ("coach", Question::Decide { request, person: person(), pages: Vec::new(), thread: Vec::new() }),
        ("prompt", Question::Compose { order: order(), person: person(), thread: Vec::new(), material: Vec::new() }),
        ("extract", Question::Extract { order: order(), answer, finished: true }),
        ("slug", Question::Propose { order: order(), title: None, taken: Vec::new() }),
    ];
    questions.map(|(name, question)| (name, call(question, "{}", Limits::default())))
}

/// The same where the stage grants something.
pub fn propose_with(config: &str, limits: Limits, grants: &[&str]) -> Arc<Call> {
    let words: Vec<_> = grants.iter().map(|word| (*word).to_owned()).collect();
    let call = propose(config, limits);
    Arc::new(Call { grants: Grants::parse(&words).expect("they are grants"), ..Arc::unwrap_or_clone(call) })
}

/// The one name a slug plugin proposed.
pub async fn name(plugin: &Arc<Plugin>, call: &Arc<Call>) -> String {
    match plugin.ask(Arc::clone(call)).await {
        Asked { outcome: Ok(Answer::Names(mut names)), .. } if names.len() == 1 => names.remove(0),
        other => panic!("no name: {other:?}"),
    }
}

/// A call of a job that does not exist.
pub fn call(question: Question, config: &str, limits: Limits) -> Arc<Call> {
    let context = types::Context {
        job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
        attempt: 1,
        now: 1_795_413_000_123,
        seed: 7,
        config: config.into(),
        extra: Vec::new(),
    };
    Arc::new(Call { stage: "tested".into(), limits, grants: Grants::default(), context, question })
}

fn order() -> types::Order {
    types::Order {
        kind: "app".into(),
        text: "a tip calculator for four friends".into(),
        coach: None,
        page: None,
        why: "asked for".into(),
        extra: Vec::new(),
    }
}

fn person() -> types::Person {
    types::Person {
        slug: Some("brave-otter".into()),
        role: "coder".into(),
        standing: "active".into(),
        extra: Vec::new(),
    }
}
