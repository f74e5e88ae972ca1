//! The webhook and the status callbacks.

use http::StatusCode;

use super::{TWILIO, Trial};
use crate::{
    adapter::store::{Delivery, NewText, OutboxText, Standing, TextStatus},
    job::{Asker, Millis, Source},
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
    trial.store.text_tried(&row, sent, Millis::now()).await.unwrap();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let form = "MessageSid=SM77&MessageStatus=delivered";

    let unsigned = trial.call("POST", "/sms/status", &[kind], form).await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    let signature = sign("https://host.example/sms/status", "MessageSidSM77MessageStatusdelivered");
    let signed = trial.call("POST", "/sms/status", &[kind, ("x-twilio-signature", &signature)], form).await;
    assert_eq!(signed.status, StatusCode::NO_CONTENT, "{}", signed.text);
    assert_eq!(trial.store.texts_to(&text.to, 1).await.unwrap()[0].status, TextStatus::Delivered);
}

/// A text that was handed to the carrier, as the sender has it in hand.
async fn in_hand(trial: &Trial) -> OutboxText {
    let to = "+15558675310".parse().unwrap();
    let text = NewText { job: trial.ids.next(Millis::now()), occasion: "page-live".into(), to, body: "x".into() };
    trial.store.write_text(text, Millis::now()).await.unwrap();
    trial.store.take_texts(Millis::now(), 1).await.unwrap().remove(0)
}

async fn called_back(trial: &Trial, path: &str, form: &[(&str, &str)]) -> StatusCode {
    let mut sorted = form.to_vec();
    sorted.sort_unstable();
    let fields: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
    let signature = sign(&format!("https://host.example{path}"), &fields);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature.as_str())];
    trial.call("POST", path, &headers, &body).await.status
}

#[tokio::test]
async fn a_callback_that_overtakes_the_carriers_own_answer_is_not_lost() {
    let trial = Trial::new(&TWILIO).await;
    let row = in_hand(&trial).await;

    let path = format!("/sms/status?text={}", row.id);
    let form = [("MessageSid", "SM77"), ("MessageStatus", "delivered")];
    assert_eq!(called_back(&trial, &path, &form).await, StatusCode::NO_CONTENT);
    let sent = Delivery::Sent { sid: "SM77".into(), segments: 3 };
    trial.store.text_tried(&row, sent, Millis::now()).await.unwrap();

    let text = trial.store.texts_to(&row.text.to, 1).await.unwrap().remove(0);
    assert_eq!((text.status, text.sid.as_deref(), text.segments), (TextStatus::Delivered, Some("SM77"), Some(3)));
}

#[tokio::test]
async fn who_opted_out_at_the_carrier_has_left_also_where_only_a_callback_says_so() {
    let trial = Trial::new(&TWILIO).await;
    let row = in_hand(&trial).await;
    let sent = Delivery::Sent { sid: "SM77".into(), segments: 1 };
    trial.store.text_tried(&row, sent, Millis::now()).await.unwrap();
    let standing = async || {
        let person = trial.store.person(&Asker::Phone(row.text.to.clone())).await.unwrap();
        person.map(|person| person.standing)
    };

    let (earlier, at) = (in_hand(&trial).await, Millis::now());
    trial.store.text_tried(&earlier, Delivery::Sent { sid: "SM76".into(), segments: 1 }, at).await.unwrap();
    let undelivered = [("MessageSid", "SM76"), ("MessageStatus", "undelivered"), ("ErrorCode", "30003")];
    called_back(&trial, "/sms/status", &undelivered).await;
    assert_ne!(standing().await, Some(Standing::Left), "a phone that is off is no opt-out");
    let not_ours = [("MessageSid", "SM78"), ("MessageStatus", "failed"), ("ErrorCode", "21610")];
    called_back(&trial, "/sms/status", &not_ours).await;
    assert_ne!(standing().await, Some(Standing::Left), "somebody else's text");
    let opted_out = [("MessageSid", "SM77"), ("MessageStatus", "failed"), ("ErrorCode", "21610")];
    assert_eq!(called_back(&trial, "/sms/status", &opted_out).await, StatusCode::NO_CONTENT);
    assert_eq!(standing().await, Some(Standing::Left));

    trial.store.set_standing(&Asker::Phone(row.text.to.clone()), Standing::Active, Millis::now()).await.unwrap();
    assert_eq!(called_back(&trial, "/sms/status", &opted_out).await, StatusCode::NO_CONTENT);
    assert_ne!(standing().await, Some(Standing::Left), "the carrier said it again, and they are back since");
}

#[tokio::test]
async fn a_short_code_or_a_name_in_letters_is_never_answered_and_no_error_to_the_carrier() {
    let trial = Trial::new(&TWILIO).await;
    for from in ["24273", "729725", "AMZN", "Your Bank", ""] {
        let signature =
            sign("https://host.example/sms/webhook", &format!("BodyYour code is 1234From{from}MessageSidSM5"));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("From", from), ("Body", "Your code is 1234"), ("MessageSid", "SM5")])
            .finish();
        let answer = trial.text(&body, &[("x-twilio-signature", &signature)]).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, EMPTY), "{from}");
    }
    assert_eq!(trial.store.texts_waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn a_number_of_any_country_may_text() {
    let trial = Trial::new(&[]).await;
    for from in ["358401234567", "447700900123", "862012345678901", "2905123"] {
        let answer = trial.text(&format!("From=%2B{from}&Body=wtaf+a+quiz&MessageSid=SM{from}"), &[]).await;
        let job = trial.job(answer.header("x-wtaf-job")).await;
        assert_eq!(job.request.asker.phone().map(|phone| phone.e164().to_owned()), Some(format!("+{from}")));
    }
}

fn sign(url: &str, fields: &str) -> String {
    use base64::Engine as _;
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(b"12345").unwrap();
    mac.update(url.as_bytes());
    mac.update(fields.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}
