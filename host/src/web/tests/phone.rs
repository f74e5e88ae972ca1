//! `/phone` and what it reads.

use http::StatusCode;
use serde_json::json;

use super::{TWILIO, Trial};
use crate::{
    adapter::store::NewText,
    job::{Millis, Status},
};

#[tokio::test]
async fn the_phone_shows_both_sides_and_the_story_of_the_last_job() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    let (_, key) = trial.publish(&otter, "red-fox", "Red fox", "<p>x").await;
    let taken = trial.text("From=%2B15550001001&Body=wtaf+a+quiz&MessageSid=SM1", &[]).await;
    let mut job = trial.job(taken.header("x-wtaf-job")).await;
    job.status = Status::Running;
    trial.store.record_job(&job, Some(otter.id)).await.unwrap();
    let text = NewText {
        job: job.id,
        occasion: "page-live".into(),
        to: "+15550001001".parse().unwrap(),
        body: format!("Live: http://localhost:3030/{}/{}", key.user, key.app),
    };
    trial.store.write_text(text, Millis::now()).await.unwrap();

    let seen = trial.get("/phone/texts?number=%2B15550001001").await.json();

    let bubbles = seen["bubbles"].as_array().unwrap();
    assert_eq!((bubbles[0]["way"].as_str(), bubbles[0]["text"].as_str()), (Some("in"), Some("wtaf a quiz")));
    assert_eq!((bubbles[1]["way"].as_str(), bubbles[1]["status"].as_str()), (Some("out"), Some("waiting")));
    let size = (&bubbles[1]["segments"], &bubbles[1]["encoding"], &bubbles[0]["units"]);
    assert_eq!(size, (&json!(1), &json!("GSM-7"), &json!(11)));
    assert_eq!(seen["person"], json!({ "slug": "brave-otter", "role": "coder", "standing": "active" }));
    assert_eq!(bubbles[1]["card"]["url"], "/brave-otter/red-fox");
    assert_eq!(bubbles[1]["card"]["title"], "Red fox");
    assert_eq!(seen["job"]["id"], job.id.to_string());
    let other = trial.get("/phone/texts?number=+15550001002").await.json();
    assert!(other["bubbles"].as_array().unwrap().is_empty() && other["job"].is_null() && other["person"].is_null());
}

#[tokio::test]
async fn the_phone_is_for_this_machine_only() {
    let trial = Trial::new(&[]).await;
    assert_eq!(trial.get("/phone").await.status, StatusCode::OK);
    for header in [("host", "evil.example"), ("x-forwarded-for", "127.0.0.1"), ("origin", "null")] {
        for path in ["/phone", "/phone/texts?number=%2B15550001001"] {
            let answer = trial.call("GET", path, &[header], "").await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "not-local"), "{header:?}");
        }
    }
    assert_eq!(trial.get("/phone/texts?number=12").await.code(), "number-malformed");
}

#[tokio::test]
async fn with_a_carrier_there_is_no_phone() {
    let trial = Trial::new(&TWILIO).await;
    let answer = trial.get("/phone").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "no-phone"));
    assert!(trial.get("/").await.text.contains("+15005550006"));
}
