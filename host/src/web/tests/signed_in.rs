//! Someone who is signed in: in the web they are the person with the phone.

use http::StatusCode;
use serde_json::json;

use super::Trial;
use crate::{
    adapter::{
        queue::Ended,
        store::{CodeHash, CodeKept, CodeTried, CodeTry, NewCode, SessionKey, Standing},
    },
    job::{Asker, Millis, Status},
    web::session::Token,
};

const ANN: &str = "+15550102001";

/// Signs a browser in; gives the session's token.
async fn signed_in(trial: &Trial, phone: &str, guest: &Token) -> Token {
    let (now, session) = (Millis::now(), Token::fresh_session());
    let (browser, phone) = (SessionKey::of_token(guest.as_str()), phone.parse().unwrap());
    let hash = CodeHash::of(guest.as_str(), &phone, "123456");
    let code = NewCode {
        browser: browser.clone(),
        hash: hash.clone(),
        number_key: "n".into(),
        for_number: vec![],
        for_all: vec![],
        text: None,
        job: trial.ids.next(now),
        now,
    };
    assert_eq!(trial.store.keep_code(code).await.unwrap(), CodeKept::Nobody);
    let attempt = CodeTry {
        browser,
        hash,
        phone,
        session: SessionKey::of_token(session.as_str()),
        guest: Some(guest.guest()),
        now,
    };
    assert!(matches!(trial.store.try_code(attempt).await.unwrap(), CodeTried::In(_)));
    session
}

fn cookie(token: &Token) -> String {
    format!("wtaf_session={}", token.as_str())
}

#[tokio::test]
async fn what_they_ask_is_asked_with_their_phone_and_theirs_to_see() {
    let trial = Trial::new(&["web.guests=false"]).await;
    trial.person(ANN, "brave-otter").await;
    let token = signed_in(&trial, ANN, &Token::fresh()).await;
    let cookie = cookie(&token);

    let answer = trial.ask(&json!({ "message": "a quiz" }), &[("cookie", &cookie)]).await;

    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert_eq!(answer.json()["session"], json!(null), "a script gets no session to hold");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(trial.job(&id).await.request.asker, Asker::Phone(ANN.parse().unwrap()));
    let chat = trial.call("GET", &format!("/chat?job={id}"), &[("cookie", &cookie)], "").await;
    assert!(chat.text.contains(">a quiz</p>"));
    assert!(!trial.get(&format!("/chat?job={id}")).await.text.contains(">a quiz</p>"));
}

#[tokio::test]
async fn what_the_browser_asked_as_a_guest_and_what_they_texted_is_shown_together() {
    let trial = Trial::new(&[]).await;
    trial.person(ANN, "brave-otter").await;
    let guest = Token::fresh();
    let asked = trial.ask(&json!({ "message": "as a guest", "session": guest.as_str() }), &[]).await.json();
    let form = format!("From={}&Body=by+text&MessageSid=SM1", ANN.replace('+', "%2B"));
    let texted = trial.text(&form, &[]).await;
    let token = signed_in(&trial, ANN, &guest).await;
    for id in [asked["id"].as_str().unwrap(), texted.header("x-wtaf-job")] {
        trial.store.record_job(&trial.job(id).await, None).await.unwrap();
    }

    let chat = trial.call("GET", "/chat", &[("cookie", &cookie(&token))], "").await.text;

    assert!(chat.contains(">as a guest</p>") && chat.contains(">by text</p>"), "{chat}");
}

#[tokio::test]
async fn someone_who_has_left_is_told_how_to_come_back() {
    let trial = Trial::new(&["sms.from=+15550009999"]).await;
    let ann = trial.person(ANN, "brave-otter").await;
    let token = signed_in(&trial, ANN, &Token::fresh()).await;
    trial.store.set_standing(&ann.asker, Standing::Left, Millis::now()).await.unwrap();

    let answer = trial.ask(&json!({ "message": "a quiz" }), &[("cookie", &cookie(&token))]).await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "left"));
    assert!(answer.text.contains("Text START to +15550009999 to come back."));
}

#[tokio::test]
async fn a_session_that_has_ended_is_no_guest_until_the_chat_is_opened_anew() {
    let trial = Trial::new(&[]).await;
    trial.person(ANN, "brave-otter").await;
    let token = signed_in(&trial, ANN, &Token::fresh()).await;
    assert!(trial.store.end_session(&SessionKey::of_token(token.as_str())).await.unwrap());
    let cookie = cookie(&token);

    let answer = trial.ask(&json!({ "message": "a quiz" }), &[("cookie", &cookie)]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "signed-out"));

    let chat = trial.call("GET", "/chat", &[("cookie", &cookie)], "").await;
    let fresh = chat.header("set-cookie").split(';').next().unwrap().to_owned();
    let answer = trial.ask(&json!({ "message": "a quiz" }), &[("cookie", &fresh)]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_is_private_about_a_job_is_for_the_one_who_is_signed_in() {
    let trial = Trial::new(&[]).await;
    trial.person(ANN, "brave-otter").await;
    trial.person("+15550102002", "sly-fox").await;
    let (hers, his) =
        (signed_in(&trial, ANN, &Token::fresh()).await, signed_in(&trial, "+15550102002", &Token::fresh()).await);
    let form = format!("From={}&Body=hello&MessageSid=SM1", ANN.replace('+', "%2B"));
    let id = trial.text(&form, &[]).await.header("x-wtaf-job").to_owned();
    let mut job = trial.queue.next().await.unwrap();
    job.status = Status::Done;
    job.finished_at = Some(Millis::now());
    job.progress.reply = Some("for her alone".into());
    trial.queue.finish(&job, Ended::Done).await.unwrap();
    let reply = async |token: &Token| {
        let bearer = format!("Bearer {}", token.as_str());
        trial.call("GET", &format!("/api/jobs/{id}"), &[("authorization", &bearer)], "").await.json()["reply"].clone()
    };
    assert_eq!((reply(&hers).await, reply(&his).await), (json!("for her alone"), json!(null)));
}
