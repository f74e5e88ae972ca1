//! `POST /api/chat` and the plain form.

use http::StatusCode;
use serde_json::json;

use super::Trial;
use crate::job::{Asker, GuestKey, Source};

#[tokio::test]
async fn a_message_is_a_job_at_once_with_absolute_addresses_and_a_session() {
    let trial = Trial::new(&[]).await;

    let answer = trial.ask(&json!({ "message": " a tip calculator \n" }), &[]).await;

    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let body = answer.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!(body["status_url"], format!("http://localhost:3030/api/jobs/{id}"));
    assert_eq!(body["events_url"], format!("http://localhost:3030/api/jobs/{id}/events"));
    let session = body["session"].as_str().unwrap();
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with(&format!("wtaf_session={session};")));
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));
    let job = trial.job(id).await;
    assert_eq!((job.request.source, job.request.text.as_str()), (Source::Web, "a tip calculator"));
    assert_eq!(job.request.asker, Asker::Guest(GuestKey::of_token(session)));
}

#[tokio::test]
async fn two_guests_without_a_session_are_two_people_and_one_with_it_is_one() {
    let trial = Trial::new(&[]).await;
    let message = json!({ "message": "a quiz" });

    let (first, second) = (trial.ask(&message, &[]).await.json(), trial.ask(&message, &[]).await.json());
    assert_ne!(first["session"], second["session"]);

    let session = first["session"].as_str().unwrap();
    let bearer = format!("Bearer {session}");
    let cookie = format!("wtaf_session={session}");
    for answer in [
        trial.ask(&json!({ "message": "a quiz", "session": session }), &[]).await,
        trial.ask(&message, &[("authorization", &bearer)]).await,
        trial.ask(&message, &[("cookie", &cookie), ("origin", "http://localhost:3030")]).await,
    ] {
        assert_eq!(answer.json()["session"], session);
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn the_same_key_in_one_session_is_one_job() {
    let trial = Trial::new(&[]).await;
    let message = json!({ "message": "a quiz", "session": "aaaaaaaaaaaaaaaaaaaaaaaaaaaa" });
    let other = json!({ "message": "a quiz", "session": "bbbbbbbbbbbbbbbbbbbbbbbbbbbb" });
    let key = [("idempotency-key", "k-1")];

    let first = trial.ask(&message, &key).await.json();
    let again = trial.ask(&message, &key).await.json();
    let elsewhere = trial.ask(&other, &key).await.json();

    assert_eq!(first["id"], again["id"]);
    assert_ne!(first["id"], elsewhere["id"]);
}

#[tokio::test]
async fn what_cannot_be_worked_with_says_why_with_a_code() {
    let trial = Trial::new(&[]).await;
    for (body, status, code) in [
        (json!({ "message": "  \n " }), 422, "message-empty"),
        (json!({ "message": "x".repeat(8_001) }), 422, "message-too-long"),
        (json!({ "message": 7 }), 422, "bad-body"),
        (json!({}), 422, "bad-body"),
        (json!({ "message": "x", "session": "short" }), 422, "session-malformed"),
        (json!({ "message": "x", "coach": "c".repeat(65) }), 422, "coach-too-long"),
    ] {
        let answer = trial.ask(&body, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
    }
    let json = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(trial.call("POST", "/api/chat", &json, "{").await.code(), "bad-json");
    let form = [("content-type", "text/plain")];
    assert_eq!(trial.call("POST", "/api/chat", &form, "{\"message\":\"x\"}").await.code(), "not-json");
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(trial.call("POST", "/api/chat", &json, &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(trial.ask(&json!({ "message": "x" }), &[("idempotency-key", "")]).await.code(), "idempotency-key");
}

#[tokio::test]
async fn eight_thousand_characters_fit_however_many_bytes_they_are() {
    let trial = Trial::new(&[]).await;
    let answer = trial.ask(&json!({ "message": "\u{e9}".repeat(8_000) }), &[]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
}

#[tokio::test]
async fn another_page_cannot_ask_unless_it_is_allowed() {
    let trial = Trial::new(&["web.allowed_origins=[\"https://app.example\"]"]).await;
    let message = json!({ "message": "a quiz" });
    for origin in ["https://evil.example", "null", "http://localhost:8080"] {
        let answer = trial.ask(&message, &[("origin", origin)]).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "foreign-origin"), "{origin}");
    }
    let answer = trial.ask(&message, &[("origin", "https://app.example")]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
}

#[tokio::test]
async fn a_preflight_is_answered_for_those_who_are_allowed_only() {
    let trial = Trial::new(&["web.allowed_origins=[\"https://app.example\"]"]).await;
    for (origin, allowed) in [("https://app.example", "https://app.example"), ("https://evil.example", "")] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ];
        let answer = trial.call("OPTIONS", "/api/chat", &headers, "").await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
    }
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let trial = Trial::new(&["limits.guest_per_hour=2"]).await;
    let message = json!({ "message": "a quiz" });
    for _ in 0..2 {
        assert_eq!(trial.ask(&message, &[]).await.status, StatusCode::ACCEPTED);
    }
    let answer = trial.ask(&message, &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "guest-limit"));
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3_601).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_full_queue_refuses_early_and_says_when_to_come_back() {
    let trial = Trial::new(&["queue.max_waiting=1"]).await;
    let message = json!({ "message": "a quiz" });
    assert_eq!(trial.ask(&message, &[]).await.status, StatusCode::ACCEPTED);
    let answer = trial.ask(&message, &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "queue-full"));
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn where_guests_may_not_ask_they_are_told_to_sign_in() {
    let trial = Trial::new(&["web.guests=false"]).await;
    let answer = trial.ask(&json!({ "message": "a quiz" }), &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "guests-off"));
}

#[tokio::test]
async fn the_plain_form_asks_from_our_own_page_and_from_nowhere_else() {
    let trial = Trial::new(&[]).await;
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let ours = ("origin", "http://localhost:3030");

    let answer = trial.call("POST", "/chat", &[kind, ours], "message=a+quiz").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let id = answer.header("location").strip_prefix("/chat?job=").unwrap().to_owned();
    assert_eq!(trial.job(&id).await.request.text, "a quiz");

    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = trial.call("GET", &format!("/chat?job={id}"), &[("cookie", &cookie)], "").await;
    assert!(page.text.contains(">a quiz</p>"), "{}", page.text);
    assert!(page.text.contains("http-equiv=\"refresh\""));
    let stranger = trial.get(&format!("/chat?job={id}")).await;
    assert!(!stranger.text.contains(">a quiz</p>"));

    for headers in [vec![kind], vec![kind, ("origin", "null")]] {
        assert_eq!(trial.call("POST", "/chat", &headers, "message=a+quiz").await.code(), "foreign-origin");
    }
}

#[tokio::test]
async fn words_in_a_link_are_shown_as_words() {
    let trial = Trial::new(&[]).await;
    let answer = trial.get("/chat?idea=%3C/textarea%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.text.contains("<script>alert"));
    assert!(answer.header("content-security-policy").contains("script-src 'self'"));
}

#[tokio::test]
async fn what_a_filter_may_change_is_not_shown_before_it_did() {
    let open = Trial::new(&[]).await;
    assert!(open.get("/chat").await.text.contains("data-draft=\"/look/draft."));
    let stages = "stage=[{ name = \"coach\", plugin = \"coach\" }, { name = \"prompt\", plugin = \"prompt\" }, \
                  { name = \"ai\", adapter = \"ai\" }, { name = \"extract\", plugin = \"extract\" }, \
                  { name = \"tidy\", plugin = \"filter\", on = \"page\" }, { name = \"slug\", plugin = \"slug\" }, \
                  { name = \"publish\", adapter = \"publish\" }, { name = \"notify\", adapter = \"notify\" }]";
    let filtered = Trial::new(&[stages]).await;
    assert!(!filtered.get("/chat").await.text.contains("data-draft"));
}

#[tokio::test]
async fn a_draft_stands_in_the_box_and_the_frame_it_is_drawn_in_has_a_policy_of_its_own() {
    let trial = Trial::new(&[]).await;
    let chat = trial.get("/chat?draft=EDIT+red-fox+").await.text;
    assert!(chat.contains(">EDIT red-fox </textarea>"));
    let path = chat.split("data-draft=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let frame = trial.get(path).await;
    assert!(frame.header("content-security-policy").starts_with("sandbox allow-scripts; default-src 'none'"));
    assert_eq!(frame.header("content-type"), "text/html; charset=utf-8");
}
