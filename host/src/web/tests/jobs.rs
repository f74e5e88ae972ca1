//! `GET /api/jobs/{id}` and `GET /api/pages`.

use http::StatusCode;
use serde_json::{Value, json};

use super::Trial;
use crate::{
    adapter::queue::Ended,
    job::{Millis, Published, Status},
};

#[tokio::test]
async fn a_job_answers_from_the_moment_it_was_accepted() {
    let trial = Trial::new(&[]).await;
    let asked = trial.ask(&json!({ "message": "a secret quiz" }), &[]).await.json();

    let answer = trial.get(&format!("/api/jobs/{}", asked["id"].as_str().unwrap())).await;

    let job = answer.json();
    assert_eq!((job["status"].as_str(), job["source"].as_str()), (Some("queued"), Some("web")));
    assert_eq!((&job["url"], &job["finished_at"]), (&Value::Null, &Value::Null));
    assert!(!answer.text.contains("secret"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn what_was_said_is_shown_to_the_owners_session_alone() {
    let trial = Trial::new(&[]).await;
    let asked = trial.ask(&json!({ "message": "a quiz" }), &[]).await.json();
    let path = format!("/api/jobs/{}", asked["id"].as_str().unwrap());
    let mut job = trial.queue.next().await.unwrap();
    job.status = Status::Done;
    job.finished_at = Some(Millis::now());
    job.progress.reply = Some("hush".into());
    job.progress.published = Some(Published {
        user: "calm-crow".into(),
        app: "red-fox".into(),
        version: 1,
        url: "http://localhost:3030/calm-crow/red-fox".into(),
        admin_url: Some("http://localhost:3030/x".into()),
        title: "Red fox".into(),
    });
    trial.queue.finish(&job, Ended::Done).await.unwrap();
    let session = asked["session"].as_str().unwrap();
    let (bearer, cookie) = (format!("Bearer {session}"), format!("wtaf_session={session}"));

    for header in [("authorization", bearer.as_str()), ("cookie", cookie.as_str())] {
        let own = trial.call("GET", &path, &[header], "").await.json();
        assert_eq!((own["reply"].as_str(), own["admin_url"].as_str()), (Some("hush"), Some("http://localhost:3030/x")));
    }
    let wrong = format!("Bearer {}", "z".repeat(32));
    for headers in [vec![], vec![("authorization", wrong.as_str())]] {
        let other = trial.call("GET", &path, &headers, "").await.json();
        assert_eq!(other["url"], "http://localhost:3030/calm-crow/red-fox");
        assert_eq!((&other["reply"], &other["admin_url"]), (&Value::Null, &Value::Null));
    }
    let in_url = trial.get(&format!("{path}?session={session}")).await.json();
    assert_eq!(in_url["reply"], Value::Null);
}

#[tokio::test]
async fn an_unknown_job_is_a_problem_and_a_page_for_people() {
    let trial = Trial::new(&[]).await;
    for id in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"] {
        let answer = trial.get(&format!("/api/jobs/{id}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "no-such-job"));
    }
    let page =
        trial.call("GET", "/api/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV", &[("accept", "text/html,*/*;q=0.8")], "").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("There is no job with this id.") && page.text.contains("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
}

#[tokio::test]
async fn a_bridge_that_polls_finds_the_pages_since_and_the_jobs_that_made_them() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    let other = trial.person("+15550001002", "calm-crow").await;
    let before = Millis::now();
    let (job, _) = trial.publish(&otter, "red-fox", "Red fox", "<p>x").await;
    trial.publish(&other, "blue-fox", "Blue fox", "<p>x").await;

    let found = trial.get(&format!("/api/pages?user=brave-otter&since={}", before.0.saturating_sub(1))).await.json();
    let pages = found["pages"].as_array().unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0]["job"], job.to_string());
    assert_eq!(pages[0]["url"], "http://localhost:3030/brave-otter/red-fox");
    assert!(!found.to_string().contains("the very words"));

    let later = Millis::now().after(std::time::Duration::from_mins(1));
    let none = trial.get(&format!("/api/pages?user=brave-otter&since={later}")).await.json();
    assert_eq!(none["pages"], json!([]));
    assert_eq!(trial.get("/api/pages").await.code(), "user-missing");
    assert_eq!(trial.get("/api/pages?user=x&since=yesterday").await.code(), "since-malformed");
}
