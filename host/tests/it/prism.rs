//! Twilio's own description of its API, served by Prism, as judge of what we ask: a missing field, a value it does not allow, a wrong address or account fails here.
//! An unknown field does not (the form may have more): for that there is `twilio_sdk`.

use std::process::Command;

use wtaf_host::{
    adapter::{
        sms::{Sms, Text, Twilio},
        store::TextStatus,
    },
    config,
    job::Millis,
};

use crate::kit::process::{Engine, Peer, client, peer, tool};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

fn prism() -> Peer {
    Peer::start("prism", |port| {
        let mut command = Command::new(tool("node_modules/.bin/prism"));
        command.args(["mock", "--host", "127.0.0.1", "--port", &port.to_string()]).arg(peer("twilio_messages.json"));
        command
    })
}

fn counted(log: &str, words: &str) -> usize {
    log.matches(words).count()
}

#[track_caller]
fn assert_all_valid(log: &str, at_least: usize) {
    assert!(counted(log, "The request passed the validation rules") >= at_least, "{log}");
    assert_eq!(counted(log, "did not pass"), 0, "{log}");
    assert_eq!(counted(log, "Violation: request"), 0, "{log}");
    assert_eq!(counted(log, "Request terminated"), 0, "{log}");
}

#[tokio::test]
async fn the_texts_of_a_running_engine_are_as_twilio_describes_them() {
    let prism = prism();
    let engine = Engine::start(&[
        ("sms.provider", "twilio"),
        ("sms.account_sid", ACCOUNT),
        ("sms.auth_token", "12345"),
        ("sms.from", "+15005550006"),
        ("sms.base_url", &prism.url()),
        ("server.public_url", "https://texts.example"),
        ("server.bridge_token", "bridge"),
    ])
    .await;

    let order = [("From", "+15558675310"), ("Body", "wtaf a tip calculator"), ("MessageSid", "SM1")];
    let response = client().post(engine.url("/sms/webhook")).bearer_auth("bridge").form(&order).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let is_sent = |occasion: &str| {
        let occasion = occasion.to_owned();
        move |text: &wtaf_host::adapter::store::OutboxText| {
            text.text.occasion == occasion && text.status == TextStatus::Sent && text.sid.is_some()
        }
    };
    engine.text_to("+15558675310", is_sent("accepted")).await;
    engine.text_to("+15558675310", is_sent("page-live")).await;

    assert_all_valid(&prism.log(), 2);
}

#[tokio::test]
async fn sending_and_looking_for_what_was_sent_are_as_twilio_describes_them() {
    let prism = prism();
    let account = config::Twilio {
        account_sid: ACCOUNT.into(),
        auth_tokens: vec!["12345".into()],
        base_url: prism.url().parse().unwrap(),
    };
    let to = || "+15558675310".parse().unwrap();
    for from in ["+15005550006", "MG0123456789abcdef0123456789abcdef"] {
        let callback = "https://texts.example/sms/status".parse().unwrap();
        let twilio = Twilio::new(&account, from, None, Some(callback)).unwrap();
        let taken = twilio.send(&Text { id: "1".into(), to: to(), body: "a snake \u{1f40d}".into() }).await.unwrap();
        assert!(taken.sid.starts_with("SM"));
    }
    let twilio = Twilio::new(&account, "+15005550006", None, None).unwrap();
    // Its two texts, on as many pages as are asked for, and never these words.
    assert_eq!(twilio.find_taken(&to(), "not in its example", Millis::from_i64(0)).await.unwrap(), None);
    let found = twilio.find_taken(&to(), "testing", Millis::from_i64(0)).await.unwrap();
    assert_eq!(found.unwrap().sid, "SMded05904ccb347238880ca9264e8fe1c");

    // Two sent, ten pages of one search, one of the other.
    assert_all_valid(&prism.log(), 13);
}

#[tokio::test]
async fn the_judge_refuses_what_twilio_would() {
    let prism = prism();
    let url = format!("{}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", prism.url());
    let status = async |form: &[(&str, &str)], key: bool| {
        let request = client().post(&url).form(form);
        let request = if key { request.basic_auth(ACCOUNT, Some("12345")) } else { request };
        request.send().await.unwrap().status().as_u16()
    };
    let (to, body) = (("To", "+15558675310"), ("Body", "hello"));

    assert_eq!(status(&[to, body], true).await, 201);
    assert_eq!(status(&[to, body], false).await, 401);
    assert_eq!(status(&[body], true).await, 422);
    assert_eq!(status(&[to, body, ("RiskCheck", "perhaps")], true).await, 422);
    assert_eq!(counted(&prism.log(), "did not pass"), 3, "{}", prism.log());
}
