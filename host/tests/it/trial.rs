//! A version on trial: as a shadow, for some people, for everyone; and what becomes of one that fails.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::kit::{
    component::{Component, digest_in, drop_in, events, in_force, installed, plugin},
    host::{ANN, BOB, Host, until},
};

fn person(n: usize) -> String {
    format!("+1555010{n:04}")
}

/// Texts for many people at once, and waits for all the jobs.
async fn all_ended(host: &Host, people: std::ops::Range<usize>, words: &str) -> Vec<Value> {
    let asking = people.map(|n| async move { host.ended(&host.text(&person(n), words).await).await });
    futures_util::future::join_all(asking).await
}

/// The digests a job's stage ran on, each run of it.
fn digests(job: &Value, stage: &str) -> Vec<String> {
    let stages = job["stages"].as_array().unwrap();
    let of_it = stages.iter().filter(|record| record["name"] == stage);
    of_it.map(|record| record["digest"].as_str().unwrap().to_owned()).collect()
}

async fn on_trial(host: &Host, digest: &str) {
    until("it is on trial", async || (plugin(host, "slug").await["trial"]["digest"] == digest).then_some(())).await;
}

#[tokio::test]
async fn a_canary_that_fails_is_rolled_back_by_itself_and_nobody_notices() {
    let host = Host::of().set("plugins.canary=30").set("limits.enabled=false").start().await;
    let (good, moody) = (Component::built_in("slug"), Component::moody("9.0.0"));
    drop_in(&host, "slug", &moody.bytes);
    on_trial(&host, &moody.digest).await;

    let jobs = all_ended(&host, 0..40, "WTAF a boom box").await;

    let rolled_back = until("it is rolled back", async || events(&host, "rolled-back").await.pop()).await;
    assert_eq!(rolled_back["digest"], moody.digest);
    let struck: Vec<_> = jobs.iter().filter(|job| digests(job, "slug").contains(&moody.digest)).collect();
    assert!(struck.len() >= 3 && struck.len() <= 20, "{} of 40 were in its share", struck.len());
    for job in &jobs {
        assert_eq!((job["status"].as_str(), digest_in(job, "slug")), (Some("done"), good.digest.clone()), "{job:#}");
    }
    let line = plugin(&host, "slug").await;
    assert!(line["trial"].is_null() && line["set_aside"][0]["digest"] == moody.digest, "{line:#}");
    for job in all_ended(&host, 40..60, "WTAF a boom box").await {
        assert_eq!(digests(&job, "slug"), std::slice::from_ref(&good.digest));
    }
}

#[tokio::test]
async fn a_version_that_fails_for_everyone_is_rolled_back_and_every_job_ends_well() {
    let host = Host::start().await;
    let (good, moody) = (Component::built_in("slug"), Component::moody("9.0.0"));
    drop_in(&host, "slug", &moody.bytes);
    in_force(&host, "slug", &moody.digest).await;

    for n in 0..3 {
        let job = host.ended(&host.text(&person(n), "WTAF a boom box").await).await;
        assert_eq!(
            (job["status"].as_str(), digests(&job, "slug")),
            (Some("done"), vec![moody.digest.clone(), good.digest.clone()])
        );
    }

    in_force(&host, "slug", &good.digest).await;
    let why = events(&host, "rolled-back").await.pop().unwrap();
    assert!(why["why"].as_str().unwrap().contains("3 of 3 jobs failed on it and not on the version before"), "{why}");
    assert!(installed(&host).join("slug.wasm").exists(), "the file is its author's");
}

#[tokio::test]
async fn a_version_is_watched_on_after_a_restart() {
    let mut host = Host::start().await;
    let (good, moody) = (Component::built_in("slug"), Component::moody("9.0.0"));
    drop_in(&host, "slug", &moody.bytes);
    in_force(&host, "slug", &moody.digest).await;
    host.kill9().await;
    host.restart().await;
    assert_eq!(plugin(&host, "slug").await["digest"], moody.digest);

    for n in 0..3 {
        let job = host.ended(&host.text(&person(n), "WTAF a boom box").await).await;
        assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), good.digest.clone()));
    }

    in_force(&host, "slug", &good.digest).await;
}

#[tokio::test]
async fn jobs_that_call_nothing_on_trial_say_nothing_for_it_and_nothing_against_it() {
    let host = Host::start().await;
    let other = Component::version("slug", "9.0.0");
    drop_in(&host, "slug", &other.bytes);
    in_force(&host, "slug", &other.digest).await;

    host.ended(&host.text(ANN, "COMMANDS").await).await;
    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;

    let jobs = async || plugin(&host, "slug").await["trial"]["counts"]["jobs"].as_u64();
    until("the page is counted", async || (jobs().await == Some(1)).then_some(())).await;
}

#[tokio::test]
async fn one_phone_never_sees_two_versions_in_turn() {
    let host = Host::of().set("plugins.canary=50").set("limits.enabled=false").start().await;
    let other = Component::version("slug", "9.0.0");
    drop_in(&host, "slug", &other.bytes);
    on_trial(&host, &other.digest).await;

    let mut seen = Vec::new();
    for _ in 0..3 {
        let jobs = all_ended(&host, 0..12, "WTAF a tip calculator").await;
        seen.push(jobs.iter().map(|job| digest_in(job, "slug")).collect::<Vec<_>>());
    }

    assert!(seen[0] == seen[1] && seen[1] == seen[2], "{seen:?}");
    assert!(seen[0].contains(&other.digest) && seen[0].iter().any(|digest| *digest != other.digest), "{seen:?}");
}

#[tokio::test]
async fn a_canary_that_holds_is_given_to_everyone() {
    let host =
        Host::of().set("plugins.canary=50").set("plugins.canary_jobs=3").set("plugins.canary_time=0s").start().await;
    let other = Component::version("slug", "9.0.0");
    drop_in(&host, "slug", &other.bytes);
    on_trial(&host, &other.digest).await;

    all_ended(&host, 0..16, "WTAF a tip calculator").await;

    in_force(&host, "slug", &other.digest).await;
    assert_eq!(events(&host, "promoted").await.len(), 1);
}

#[tokio::test]
async fn a_request_that_fails_on_both_versions_is_held_against_neither() {
    let mut host = Host::start().await;
    host.sigterm();
    host.exit().await;
    fs::remove_dir_all(host.data()).unwrap();
    let (first, second) = (Component::moody("8.0.0"), Component::moody("9.0.0"));
    fs::write(installed(&host).join("slug.wasm"), &first.bytes).unwrap();
    host.restart().await;
    drop_in(&host, "slug", &second.bytes);
    in_force(&host, "slug", &second.digest).await;

    for n in 0..4 {
        let job = host.ended(&host.text(&person(n), "WTAF a boom box").await).await;
        assert_eq!(job["status"], "failed");
    }

    let line = plugin(&host, "slug").await;
    assert_eq!((&line["digest"], &line["trial"]["counts"]["strikes"]), (&json!(second.digest), &json!(0)));
}

#[tokio::test]
async fn a_shadow_serves_nobody_and_what_it_would_have_said_is_counted() {
    let host = Host::of().set("stage.slug.shadow=true").start().await;
    let (good, moody) = (Component::built_in("slug"), Component::moody("9.0.0"));
    drop_in(&host, "slug", &moody.bytes);
    on_trial(&host, &moody.digest).await;

    let page = host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
    let boom = host.ended(&host.text(BOB, "WTAF a boom box").await).await;

    assert_eq!(digests(&boom, "slug"), [good.digest]);
    let counted = |line: &Value| {
        let counts = &line["trial"]["counts"];
        (counts["shown"] == 2 && counts["differences"] == 1 && counts["faults"] == 1).then_some(())
    };
    until("both calls were shown to it", async || counted(&plugin(&host, "slug").await)).await;
    assert!(!page.contains("well-behaved"), "{page}");
    let seen = plugin(&host, "slug").await["trial"]["differences"].clone();
    assert_eq!((&seen[0]["stage"], &seen[0]["after"]), (&json!("slug"), &json!(["well-behaved"])), "{seen:#}");
    let promoted = host.request(Method::POST, "/api/plugins/slug/promote").send().await.unwrap();
    assert_eq!(promoted.status(), StatusCode::OK);
    let job = host.ended(&host.text(ANN, "WTAF a snake game").await).await;
    assert_eq!(digest_in(&job, "slug"), moody.digest);
}

#[tokio::test]
async fn a_canary_whose_file_is_taken_away_ends_without_blame() {
    let host = Host::of().set("plugins.canary=50").start().await;
    let other = Component::version("slug", "9.0.0");
    drop_in(&host, "slug", &other.bytes);
    on_trial(&host, &other.digest).await;

    fs::remove_file(installed(&host).join("slug.wasm")).unwrap();

    until("the trial is over", async || plugin(&host, "slug").await["trial"].is_null().then_some(())).await;
    assert_eq!(plugin(&host, "slug").await["set_aside"], json!([]));
}

#[tokio::test]
async fn a_new_version_is_tried_on_what_was_recorded_before_it_serves_anyone() {
    let host = Host::start().await;
    let good = Component::built_in("slug");
    host.made(&host.text(ANN, "WTAF a boom box").await).await;
    until("it is recorded", async || recorded(&host).then_some(())).await;

    drop_in(&host, "slug", &Component::moody("9.0.0").bytes);

    let refused = until("it is refused", async || events(&host, "refused").await.pop()).await;
    let why = refused["why"].as_str().unwrap();
    assert!(
        why.contains("failed its rehearsal") && why.contains("trapped") && !why.contains("it cannot name this"),
        "{why}"
    );
    assert_eq!(plugin(&host, "slug").await["digest"], good.digest);
}

fn recorded(host: &Host) -> bool {
    fs::read_dir(host.data().join("recordings")).is_ok_and(|mut entries| entries.next().is_some())
}
