//! The webhook and the status callbacks.

use http::StatusCode;

use super::{TWILIO, Trial};
use crate::{
    adapter::store::{Delivery, NewText, TextStatus},
    job::{Millis, Source},
};

const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;
/// Signed by the official SDKs, token 12345.
const FORM: &str = "ToCountry=US&SmsMessageSid=SM1&NumMedia=0&Body=make+a+snake+game+%F0%9F%90%8D+%26+caf%C3%A9&\
                    From=%2B15558675310&To=%2B15005550006&MessageSid=SM1&AccountSid=ACx&ApiVersion=2010-04-01&FromCity=";
const SIGNATURE: &str = "1X1RnV5Q7nDtDzgLYeWlA5wR13Y=";

#[tokio::test]
async fn a_local_text_is_a_job_and_the_same_delivery_is_the_same_job() {
    let trial = Trial::new(&[]).await;
    let form = "From=%2B15550001001&Body=wtaf+a+quiz%0Awith+lines&MessageSid=SM1&OptOutType=START";

    let first = trial.text(form, &[]).await;
    let again = trial.text(form, &[]).await;

    assert_eq!((first.status, first.header("content-type"), first.text.as_str()), (StatusCode::OK, "text/xml", EMPTY));
    assert_eq!(first.header("x-wtaf-job"), again.header("x-wtaf-job"));
    let job = trial.job(first.header("x-wtaf-job")).await;
    assert_eq!((job.request.source, job.request.text.as_str()), (Source::Sms, "wtaf a quiz\nwith lines"));
    assert_eq!(job.request.opt_out.as_deref(), Some("START"));
}

#[tokio::test]
async fn an_unsigned_text_is_refused_when_there_is_a_carrier() {
    let trial = Trial::new(&TWILIO).await;
    let answer = trial.text(FORM, &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "unsigned"));
    let wrong = trial.text(FORM, &[("x-twilio-signature", "AAAAnV5Q7nDtDzgLYeWlA5wR13Y=")]).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::FORBIDDEN, "bad-signature"));
}

#[tokio::test]
async fn a_signed_text_is_taken_whatever_host_it_came_by() {
    let trial = Trial::new(&TWILIO).await;
    let headers = [("x-twilio-signature", SIGNATURE), ("host", "10.0.0.7:3030"), ("x-forwarded-for", "3.3.3.3")];
    let answer = trial.text(FORM, &headers).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, EMPTY), "{}", answer.text);
    assert_eq!(answer.header("x-wtaf-job"), "");
    assert_eq!(trial.queue.next().await.unwrap().request.text, "make a snake game \u{1f40d} & caf\u{e9}");
}

#[tokio::test]
async fn overload_is_told_in_words_to_the_carrier_and_as_a_problem_to_others() {
    let mut settings = TWILIO.to_vec();
    settings.push("queue.max_waiting=1");
    let trial = Trial::new(&settings).await;
    let bridge = ("authorization", "Bearer a-bridge-token-that-is-long");
    assert_eq!(trial.text("From=%2B15550001001&Body=x&MessageSid=SM9", &[bridge]).await.status, StatusCode::OK);

    let carrier = trial.text(FORM, &[("x-twilio-signature", SIGNATURE)]).await;
    assert_eq!((carrier.status, carrier.header("content-type")), (StatusCode::OK, "text/xml"));
    assert!(carrier.text.contains("<Message>") && carrier.text.is_ascii() && carrier.text.len() < 260);
    let other = trial.text("From=%2B15550001001&Body=x&MessageSid=SM8", &[bridge]).await;
    assert_eq!(other.code(), "queue-full");
}

#[tokio::test]
async fn a_bridge_posts_by_its_token_and_is_told_the_job() {
    let trial = Trial::new(&["server.public_url=https://host.example"]).await;
    let form = "From=%2B15550001001&Body=wtaf+a+quiz";
    let taken = trial.text(form, &[("authorization", "Bearer a-bridge-token-that-is-long")]).await;
    assert_eq!(taken.status, StatusCode::OK);
    trial.job(taken.header("x-wtaf-job")).await;
    let wrong = trial.text(form, &[("authorization", "Bearer a-bridge-token-that-is-lonk")]).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::FORBIDDEN, "bad-token"));
    let without = trial.text(form, &[]).await;
    assert_eq!((without.status, without.code().as_str()), (StatusCode::FORBIDDEN, "unsigned"));
}

#[tokio::test]
async fn a_text_through_a_tunnel_is_not_local() {
    let trial = Trial::new(&[]).await;
    for header in [("x-forwarded-for", "1.2.3.4"), ("host", "abc.tunnel.example"), ("origin", "https://evil.example")] {
        let answer = trial.text("From=%2B15550001001&Body=x", &[header]).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "unsigned"), "{header:?}");
    }
}

#[tokio::test]
async fn a_sender_that_is_no_number_and_a_body_that_is_no_form_say_so() {
    let trial = Trial::new(&[]).await;
    assert_eq!(trial.text("Body=x", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(trial.text("From=WTAF&Body=x", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let json = trial.call("POST", "/sms/webhook", &[("content-type", "application/json")], "{}").await;
    assert_eq!(json.code(), "not-a-form");
    let long = format!("From=%2B15550001001&Body={}", "x".repeat(70_000));
    assert_eq!(trial.text(&long, &[]).await.code(), "too-large");
    assert_eq!(trial.get("/sms/webhook").await.code(), "method-not-allowed");
}

#[tokio::test]
async fn a_delivery_status_needs_a_signature() {
    let trial = Trial::new(&TWILIO).await;
    let to = "+15558675310".parse().unwrap();
    let text = NewText { job: trial.ids.next(Millis::now()), occasion: "page-live".into(), to, body: "x".into() };
    trial.store.write_text(text.clone(), Millis::now()).await.unwrap();
    let row = trial.store.take_texts(Millis::now(), 1).await.unwrap().remove(0);
    let sent = Delivery::Sent { sid: "SM77".into(), segments: 1 };
    trial.store.text_tried(&row.id, sent, Millis::now()).await.unwrap();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let form = "MessageSid=SM77&MessageStatus=delivered";

    let unsigned = trial.call("POST", "/sms/status", &[kind], form).await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    let signature = sign("https://host.example/sms/status", "MessageSidSM77MessageStatusdelivered");
    let signed = trial.call("POST", "/sms/status", &[kind, ("x-twilio-signature", &signature)], form).await;
    assert_eq!(signed.status, StatusCode::NO_CONTENT, "{}", signed.text);
    assert_eq!(trial.store.texts_to(&text.to, 1).await.unwrap()[0].status, TextStatus::Delivered);
}

fn sign(url: &str, fields: &str) -> String {
    use base64::Engine as _;
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(b"12345").unwrap();
    mac.update(url.as_bytes());
    mac.update(fields.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}
