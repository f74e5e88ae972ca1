//! LLMock, a server of others that fails as the AI providers do, as judge of how we take it: its verdict knows calls repeated too soon, too often, or in vain,
//! and half answers taken for whole ones.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};
use wtaf_host::{
    adapter::ai::{Ai, AiCall, Answer, Message, Speaker, Unanswered, chain},
    config::{self, AiKind},
    job::Finish,
};

use crate::kit::process::{Engine, Peer, client, tool};

const WHOLE: &str = "one two three four five six seven eight nine ten";

/// The server, and what it says of its client.
struct Judge(Peer);

impl Judge {
    fn start() -> Self {
        Self(Peer::start("llmock", |port| {
            let mut command = Command::new(tool("venv/bin/llmock"));
            command.args(["serve", "--host", "127.0.0.1", "--tool-mode", "off", "--port", &port.to_string()]);
            command
        }))
    }

    fn base(&self, kind: AiKind) -> String {
        self.0.url() + if kind == AiKind::Anthropic { "/anthropic" } else { "/v1" }
    }

    /// Forgets what was, and does this next.
    async fn will(&self, behaviors: Value) {
        let post = async |path: &str, body: Value| {
            let response = client().post(format!("{}/_llmock/{path}", self.0.url())).json(&body).send().await.unwrap();
            assert!(response.status().is_success(), "{path}: {}", response.text().await.unwrap());
        };
        post("reset", Value::Null).await;
        post("scenario", json!({ "behaviors": behaviors })).await;
    }

    /// Its verdict: attempts, faults that came to pass, findings. Warnings are findings too, but one: a spoilt answer is often sent to its end before we hang
    /// up, and is then taken for one that was swallowed. That there was a second attempt says otherwise.
    async fn verdict(&self) -> (u64, u64, Value) {
        let url = format!("{}/_llmock/verdict", self.0.url());
        let verdict: Value = client().get(url).send().await.unwrap().json().await.unwrap();
        let count = |name: &str| verdict[name].as_u64().unwrap();
        let findings = verdict["findings"].as_array().unwrap().iter();
        let findings = findings.filter(|finding| finding["code"] != "malformed_chunk_ignored").cloned().collect();
        (count("attempts"), count("faults_injected"), findings)
    }
}

fn entry(judge: &Judge, kind: AiKind) -> config::Ai {
    config::Ai {
        name: format!("{kind:?}"),
        kind,
        model: "some-model".into(),
        base_url: Some(judge.base(kind).parse().unwrap()),
        api_key: Some("a-key".into()),
        timeout: Duration::from_secs(30),
        first_token_timeout: Duration::from_secs(10),
        max_wait: Duration::from_secs(3),
        max_tokens: 1000,
        temperature: None,
        max_concurrent: 8,
        retries: 2,
        price: None,
        spend_per_day: None,
    }
}

async fn ask(providers: &[config::Ai]) -> Result<Answer, Unanswered> {
    let say = |speaker, text: &str| Message { speaker, text: text.into() };
    let call = AiCall {
        messages: vec![say(Speaker::System, "You count."), say(Speaker::User, "count to ten")],
        temperature: None,
        max_tokens: None,
        barred: Vec::new(),
        purpose: "page".into(),
        kind: "build".into(),
        page: None,
    };
    chain(providers).unwrap().ask(&call, &mut |_| {}).await
}

async fn every_passing_fault_is_waited_out(kind: AiKind) {
    let judge = Judge::start();
    let faults = [
        json!({ "type": "fail", "status": 429, "retry_after": 1 }),
        json!({ "type": "fail", "status": 529, "retry_after": 0.3 }),
        json!({ "type": "fail", "status": 503, "retry_after": 0.3 }),
        json!({ "type": "fail", "status": 500, "retry_after": 0.1 }),
        json!({ "type": "stream_fault", "kind": "truncate", "after_chunks": 6 }),
        json!({ "type": "stream_fault", "kind": "truncate", "after_chunks": 0 }),
        json!({ "type": "stream_fault", "kind": "disconnect", "after_chunks": 6 }),
        json!({ "type": "stream_fault", "kind": "malformed", "after_chunks": 6 }),
    ];
    for fault in faults {
        judge.will(json!([fault, { "type": "reply", "text": WHOLE, "times": null }])).await;

        let answer = ask(&[entry(&judge, kind)]).await.unwrap_or_else(|error| panic!("{fault}: {error:?}"));

        assert_eq!((answer.text.as_str(), answer.finish), (WHOLE, Finish::Complete), "{fault}");
        assert_eq!(judge.verdict().await, (2, 1, json!([])), "{fault}");
    }
}

#[tokio::test]
async fn every_passing_fault_of_anthropics_api_is_waited_out() {
    every_passing_fault_is_waited_out(AiKind::Anthropic).await;
}

#[tokio::test]
async fn every_passing_fault_of_openais_api_is_waited_out() {
    every_passing_fault_is_waited_out(AiKind::OpenAi).await;
}

#[tokio::test]
async fn what_no_repeating_cures_is_asked_once_and_the_next_provider_answers() {
    let judge = Judge::start();
    let chain = [entry(&judge, AiKind::Anthropic), entry(&judge, AiKind::OpenAi)];
    for status in [400, 401, 402, 403, 404, 413] {
        let fault = json!({ "type": "fail", "status": status, "match": { "provider": "anthropic" }, "times": null });
        judge.will(json!([fault, { "type": "reply", "text": WHOLE, "times": null }])).await;

        let answer = ask(&chain).await.unwrap_or_else(|error| panic!("{status}: {error:?}"));

        assert_eq!((answer.text.as_str(), answer.provider.as_str()), (WHOLE, "OpenAi"), "{status}");
        assert_eq!(judge.verdict().await, (2, 1, json!([])), "{status}");
    }
}

#[tokio::test]
async fn a_lasting_outage_everywhere_ends_in_an_error_after_a_bounded_number_of_patient_tries() {
    let judge = Judge::start();
    judge.will(json!([{ "type": "fail", "status": 529, "retry_after": 0.3, "times": null }])).await;

    let unanswered = ask(&[entry(&judge, AiKind::Anthropic), entry(&judge, AiKind::OpenAi)]).await.unwrap_err();

    assert_eq!(unanswered.tried.len(), 2, "{:?}", unanswered.tried);
    assert_eq!(judge.verdict().await, (6, 6, json!([])));
}

#[tokio::test]
async fn a_page_is_made_through_a_full_server_and_a_broken_answer() {
    const PAGE: &str = "Here it is:\n\n```html\n<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Owl counter</title></head>\
                        <body><h1>Owls: 7</h1><p>Counted with care.</p></body></html>\n```\n";
    let judge = Judge::start();
    let full = json!({ "type": "fail", "status": 429, "retry_after": 1, "match": { "provider": "anthropic" } });
    let broken = json!({ "type": "stream_fault", "kind": "truncate", "after_chunks": 12 });
    judge.will(json!([full, broken, { "type": "reply", "text": PAGE, "times": null }])).await;
    let engine =
        Engine::start(&[("ai.claude.base_url", &judge.base(AiKind::Anthropic)), ("ai.claude.api_key", "a-key")]).await;

    let job = engine.text("+15558675310", "wtaf an owl counter").await;
    let job = engine.ended(&job, Duration::from_mins(1)).await;

    assert_eq!(job["status"], "done", "{job:#}");
    let live = engine.text_to("+15558675310", |text| text.text.occasion == "page-live").await;
    let url = job["url"].as_str().unwrap();
    assert!(live.text.body.contains(url), "{}", live.text.body);
    let page = client().get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Owls: 7"), "{page}");
    assert_eq!(judge.verdict().await, (3, 2, json!([])));
}
