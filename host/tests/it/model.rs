//! A real language model, small and served by llama.cpp's own server, behind the whole engine. `scripts/test --full` installs it and runs these.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use crate::kit::process::{Engine, Peer, client, peer, python};

/// 90 tokens a second on an idle machine, a few where something else is busy too.
const PATIENCE: Duration = Duration::from_mins(10);
const WORDS: &str = "hey alex how are you";
const PHONE: &str = "+15558675310";

fn model() -> Peer {
    Peer::start("model", |port| {
        let mut command = Command::new(python());
        command.arg(peer("xserve.py")).arg(port.to_string());
        command
    })
}

/// The stream of a job's events: the words that came piece by piece, and how many pieces.
async fn streamed(engine: &Engine, job: &str, session: &str) -> (String, usize) {
    let url = engine.url(&format!("/api/jobs/{job}/events"));
    let story = client().get(url).bearer_auth(session).timeout(PATIENCE).send().await.unwrap().text().await.unwrap();
    let (mut words, mut pieces) = (String::new(), 0);
    for event in story.split("\n\n").filter(|event| event.contains("event: text") || event.contains("event:text")) {
        let data = event.lines().find_map(|line| line.strip_prefix("data:")).expect("an event has data");
        let data: Value = serde_json::from_str(data).expect("data is JSON");
        words.push_str(data["text"].as_str().unwrap_or_default());
        pieces += 1;
    }
    (words, pieces)
}

async fn talks(provider: &str, base: &str) {
    let key = |name: &str| format!("ai.{provider}.{name}");
    let engine = Engine::start(&[
        (&key("base_url"), base),
        (&key("api_key"), "none-needed"),
        (&key("timeout"), "8m"),
        (&key("first_token_timeout"), "5m"),
        (&key("max_tokens"), "200"),
        (&key("temperature"), "0"),
    ])
    .await;

    // By text: the model's words arrive on the phone.
    let job = engine.text(PHONE, WORDS).await;
    let job = engine.ended(&job, PATIENCE).await;
    assert_eq!(job["status"], "done", "{job:#}");
    assert_eq!(job["ai"]["provider"], provider, "{job:#}");
    assert!(job["ai"]["output_tokens"].as_u64().unwrap() > 2, "{job:#}");
    assert!(job["ai"]["input_tokens"].as_u64().unwrap() > 100, "{job:#}");
    let text = engine.text_to(PHONE, |text| text.text.occasion == "reply").await;
    assert!(text.text.body.chars().filter(|c| c.is_alphabetic()).count() > 10, "{:?}", text.text.body);
    println!("{provider} by text: {:?}", text.text.body);

    // In the chat: they arrive as they come.
    let asked = client().post(engine.url("/api/chat")).json(&json!({ "message": WORDS })).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    let asked: Value = asked.json().await.unwrap();
    let (job, session) = (asked["id"].as_str().unwrap(), asked["session"].as_str().unwrap());
    let (words, pieces) = streamed(&engine, job, session).await;
    println!("{provider} in the chat, {pieces} pieces: {words:?}");
    assert!(pieces > 1, "{words:?}");
    let seen = client().get(engine.url(&format!("/api/jobs/{job}"))).bearer_auth(session).send().await.unwrap();
    let job: Value = seen.json().await.unwrap();
    assert_eq!((&job["status"], &job["ai"]["provider"]), (&json!("done"), &json!(provider)), "{job:#}");
    let start = |words: &str| words.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    assert_eq!(start(job["reply"].as_str().unwrap()), start(&words), "what was streamed is what is kept");
}

#[tokio::test]
#[ignore = "needs a language model: scripts/test --full"]
async fn a_coach_talks_with_a_real_models_words_by_openais_api() {
    let model = model();
    talks("gpt", &format!("{}/v1", model.url())).await;
}

#[tokio::test]
#[ignore = "needs a language model: scripts/test --full"]
async fn a_coach_talks_with_a_real_models_words_by_anthropics_api() {
    let model = model();
    talks("claude", &model.url()).await;
}
