//! `GET /api/jobs/{id}/events`, over the router and over a socket.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::Trial;
use crate::{
    adapter::queue::Ended,
    job::{Job, Millis, Status},
    web::serve,
};

async fn asked(trial: &Trial) -> (Job, String) {
    let asked = trial.ask(&json!({ "message": "a quiz" }), &[]).await.json();
    (trial.queue.next().await.unwrap(), asked["session"].as_str().unwrap().to_owned())
}

async fn add(trial: &Trial, job: &Job, name: &str, data: serde_json::Value) {
    trial.store.add_event(job.id, name, data, Millis::now()).await.unwrap();
}

async fn finish(trial: &Trial, job: &mut Job) {
    job.status = Status::Done;
    job.finished_at = Some(Millis::now());
    trial.queue.finish(job, Ended::Done).await.unwrap();
}

#[tokio::test]
async fn the_story_is_told_in_order_with_ids_and_ends_with_its_ending() {
    let trial = Trial::new(&[]).await;
    let (mut job, _) = asked(&trial).await;
    add(&trial, &job, "stage", json!({ "stage": "coach" })).await;
    add(&trial, &job, "text", json!({ "chars": 3, "text": "a\nb\r\nc" })).await;
    add(&trial, &job, "done", json!({ "status": "done" })).await;
    finish(&trial, &mut job).await;

    let answer = trial.get(&format!("/api/jobs/{}/events", job.id)).await;

    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert!(answer.text.contains("retry: 2000\n"));
    let events: Vec<&str> = answer.text.split("\n\n").filter(|block| block.contains("data:")).collect();
    assert_eq!(events.len(), 3, "{}", answer.text);
    assert!(events[0].contains("event: stage") && events[0].contains("id: 1"));
    assert!(events[1].contains("event: text") && events[1].contains("id: 2") && events[1].contains(r#""chars":3"#));
    assert!(events[2].contains("event: done") && events[2].contains("id: 3"));
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_where_it_was() {
    let trial = Trial::new(&[]).await;
    let (mut job, _) = asked(&trial).await;
    for stage in ["coach", "prompt", "ai"] {
        add(&trial, &job, "stage", json!({ "stage": stage })).await;
    }
    add(&trial, &job, "done", json!({})).await;
    finish(&trial, &mut job).await;
    let path = format!("/api/jobs/{}/events", job.id);

    let by_header = trial.call("GET", &path, &[("last-event-id", "2")], "").await;
    let by_query = trial.get(&format!("{path}?after=2")).await;
    for answer in [by_header, by_query] {
        assert!(!answer.text.contains("prompt") && answer.text.contains(r#""stage":"ai""#), "{}", answer.text);
        assert!(answer.text.contains("event: done"));
    }
    let over = trial.call("GET", &path, &[("last-event-id", "4")], "").await;
    assert_eq!(over.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_stranger_sees_the_story_without_what_was_said() {
    let trial = Trial::new(&[]).await;
    let (mut job, session) = asked(&trial).await;
    add(&trial, &job, "text", json!({ "text": "streamed", "chars": 8 })).await;
    add(&trial, &job, "done", json!({ "reply": "hush", "admin_url": "http://x" })).await;
    finish(&trial, &mut job).await;
    let path = format!("/api/jobs/{}/events", job.id);

    let stranger = trial.get(&path).await;
    assert!(
        !stranger.text.contains("hush") && !stranger.text.contains("streamed") && !stranger.text.contains("http://x")
    );
    let bearer = format!("Bearer {session}");
    let owner = trial.call("GET", &path, &[("authorization", &bearer)], "").await;
    assert!(owner.text.contains("hush") && owner.text.contains("streamed"));
}

#[tokio::test]
async fn a_job_whose_events_are_gone_still_ends() {
    let trial = Trial::new(&[]).await;
    let (mut job, _) = asked(&trial).await;
    finish(&trial, &mut job).await;
    let answer = trial.get(&format!("/api/jobs/{}/events", job.id)).await;
    assert!(answer.text.contains("event: done") && answer.text.contains(&job.id.to_string()), "{}", answer.text);
}

#[tokio::test]
async fn an_unknown_job_has_no_story() {
    let trial = Trial::new(&[]).await;
    assert_eq!(trial.get("/api/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV/events").await.code(), "no-such-job");
}

/// Reads from a socket until what came holds `needle`.
async fn until(stream: &mut TcpStream, seen: &mut String, needle: &str) {
    let read = async {
        let mut buffer = [0; 4096];
        while !seen.contains(needle) {
            let n = stream.read(&mut buffer).await.unwrap();
            assert!(n > 0, "the stream ended before {needle:?}: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    };
    timeout(Duration::from_secs(10), read).await.unwrap_or_else(|_| panic!("no {needle:?}"));
}

#[tokio::test]
async fn events_arrive_as_they_happen_and_a_shutdown_ends_the_stream() {
    let trial = Trial::new(&[]).await;
    let (job, _) = asked(&trial).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve(listener, Arc::clone(&trial.state), shutdown.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /api/jobs/{}/events HTTP/1.1\r\nhost: localhost\r\n\r\n", job.id);
    stream.write_all(request.as_bytes()).await.unwrap();

    let mut seen = String::new();
    until(&mut stream, &mut seen, "retry: 2000").await;
    add(&trial, &job, "stage", json!({ "stage": "coach" })).await;
    until(&mut stream, &mut seen, "event: stage").await;
    shutdown.cancel();

    timeout(Duration::from_secs(10), server).await.expect("it stops").unwrap().unwrap();
}
