//! What is kept of people, given out and erased, with an engine that runs and without.

use std::{
    fs,
    path::{Path, PathBuf},
};

use http::StatusCode;
use reqwest::Method;
use serde_json::json;

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, Ran, link, until},
};

/// A folder with one thing of each: a page, a text, a recording, a dropped file; gives the jobs.
async fn busy(host: &Host, number: &str, words: &str) -> String {
    let id = host.text(number, &format!("WTAF {words}")).await;
    host.made(&id).await;
    until("it is told", async || (!texts_to(host, number).is_empty()).then_some(())).await;
    until("it is recorded", async || host.data().join(format!("recordings/{id}.jsonl")).exists().then_some(())).await;
    until("it has left the queue's hands", async || host.file_of(&id).filter(|(state, _)| *state == "done").map(drop))
        .await;
    id
}

async fn verb(host: &Host, arguments: &[&str]) -> Ran {
    let listen = host.listen();
    let mut all = arguments.to_vec();
    all.extend(["--set", &listen]);
    host.cli(&all).await
}

fn fine(ran: &Ran) -> &str {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    &ran.out
}

fn texts_to(host: &Host, number: &str) -> Vec<PathBuf> {
    files(&host.data().join("outbox")).into_iter().filter(|path| holds(path, number)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(path: &Path, words: &str) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Files of the data directory with these words in them, the database's own aside: SQLite frees pages without wiping them until they are used again.
fn with_words(host: &Host, words: &str) -> Vec<PathBuf> {
    let of_database = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("wtaf.db"));
    files(&host.data()).into_iter().filter(|path| !of_database(path) && holds(path, words)).collect()
}

#[tokio::test]
async fn someone_is_erased_while_the_engine_runs_and_others_are_not() {
    let host = Host::start().await;
    let id = busy(&host, ANN, "a page about narwhals").await;
    let other = busy(&host, BOB, "a tip calculator").await;
    let page = host.job(&id).await["url"].as_str().unwrap().to_owned();

    let dry = verb(&host, &["people", "erase", ANN]).await;
    assert!(fine(&dry).contains("Nothing was erased") && dry.out.contains("wtaf_content"), "{dry:?}");
    assert!(!dry.out.contains(ANN), "masked: {}", dry.out);
    assert_eq!(host.page(&page).await.status, 200);
    let done = verb(&host, &["people", "erase", ANN, "--yes"]).await;

    assert!(fine(&done).contains("Erased"), "{done:?}");
    assert_eq!(host.page(&page).await.status, 404);
    assert_eq!(host.get(&format!("/api/jobs/{id}")).await.status(), StatusCode::NOT_FOUND);
    for words in [ANN, "narwhals", &id] {
        let found = with_words(&host, words);
        assert!(found.is_empty(), "{words} in {found:?}");
    }
    let shown = verb(&host, &["people", "show", ANN]).await;
    assert!(shown.code == Some(1) && shown.err.contains("nobody is known"), "{shown:?}");
    assert_eq!(host.job(&other).await["status"], "done");
    assert!(!texts_to(&host, BOB).is_empty());
    // They may come back, as someone new.
    host.made(&host.text(ANN, "WTAF a page about puffins").await).await;
}

#[tokio::test]
async fn someone_is_erased_while_no_engine_runs_with_what_waits_and_what_was_dropped() {
    let mut host = Host::start().await;
    let id = busy(&host, ANN, "a page about narwhals").await;
    host.sigterm();
    host.exit().await;
    let queue = host.data().join("wtaf");
    fs::write(queue.join("mine.txt.refused"), format!("SENDER: {ANN}\n\nnarwhals again")).unwrap();
    fs::write(queue.join("taken/theirs.txt"), format!("SENDER: {BOB}\n\na page")).unwrap();
    let waiting = fs::read_to_string(queue.join(format!("done/{id}.json"))).unwrap();
    fs::write(queue.join(format!("new/{id}.json")), waiting).unwrap();

    let done = verb(&host, &["people", "erase", ANN, "--yes", "--format", "json"]).await;

    fine(&done);
    assert!(done.json()["queue"].as_u64() >= Some(3), "{done:?}");
    for words in [ANN, "narwhals", &id] {
        let found = with_words(&host, words);
        assert!(found.is_empty(), "{words} in {found:?}");
    }
    assert!(queue.join("taken/theirs.txt").exists());
    host.restart().await;
    assert_eq!(host.get(&format!("/api/jobs/{id}")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_is_erased_while_a_request_of_theirs_is_under_way() {
    let ai = FakeAi::start().await;
    ai.always(Reply::Hang);
    let host = Host::of().ai([link("fake", &ai)]).start().await;
    let id = host.text(ANN, "WTAF a page about narwhals").await;
    until("an AI is asked", async || (ai.count() > 0).then_some(())).await;

    let refused = verb(&host, &["people", "erase", ANN, "--yes"]).await;

    assert!(refused.code == Some(1) && refused.err.contains("under way"), "{refused:?}");
    assert_eq!(host.job(&id).await["status"], "running", "nothing was done to it");
}

#[tokio::test]
async fn who_left_and_was_erased_gets_no_text_and_may_come_back() {
    let host = Host::start().await;
    busy(&host, ANN, "a page about narwhals").await;
    host.ended(&host.text(ANN, "STOP").await).await;

    let done = verb(&host, &["people", "erase", ANN, "--yes"]).await;
    fine(&done);
    let ignored = host.text(ANN, "WTAF a page about puffins").await;
    assert_eq!(host.ended(&ignored).await["status"], "done");
    assert!(texts_to(&host, ANN).is_empty(), "they left, and nobody forgot that");

    host.ended(&host.text(ANN, "START").await).await;
    host.made(&host.text(ANN, "WTAF a page about puffins").await).await;
}

#[tokio::test]
async fn everything_about_someone_is_given_out_with_their_pages_as_files() {
    let host = Host::start().await;
    let id = busy(&host, ANN, "a page about narwhals").await;
    busy(&host, BOB, "a tip calculator").await;

    let given = verb(&host, &["people", "export", ANN, "--out", "ann"]).await;
    let printed = verb(&host, &["people", "export", ANN]).await;
    let twice = verb(&host, &["people", "export", ANN, "--out", "ann"]).await;

    fine(&given);
    let json = fs::read_to_string(host.folder().join("ann/person.json")).unwrap();
    for words in [ANN, "narwhals", &id, "wtaf_outbox", "plugin_calls"] {
        assert!(json.contains(words), "{words}");
    }
    assert!(!json.contains(BOB) && !json.contains("tip calculator"));
    assert!(files(&host.folder().join("ann/pages")).iter().any(|path| holds(path, "<html")));
    assert!(fine(&printed).contains("<html") && printed.json()["number"] == ANN, "whole where there is no folder");
    assert!(twice.code == Some(1) && twice.err.contains("ann"), "nothing is written over: {twice:?}");
}

#[tokio::test]
async fn people_are_listed_with_their_numbers_masked() {
    let host = Host::start().await;
    busy(&host, ANN, "a page about narwhals").await;

    let listed = verb(&host, &["people", "list"]).await;
    let shown = verb(&host, &["people", "show", ANN]).await;
    let json = verb(&host, &["people", "list", "--format", "json"]).await;

    assert!(fine(&listed).contains("•••") && !listed.out.contains(ANN), "{listed:?}");
    assert!(fine(&shown).contains("wtaf_versions") && !shown.out.contains(ANN), "{shown:?}");
    assert_eq!(json.json()[0]["number"], ANN);
}

#[tokio::test]
async fn only_an_operator_erases_people() {
    let host = Host::of().set("server.admin_token=a-token-of-some-length").start().await;
    let erase = |token: Option<&'static str>| {
        let request = host.request(Method::POST, "/api/people/erase").json(&json!({ "who": ANN }));
        match token {
            Some(token) => request.bearer_auth(token).send(),
            None => request.send(),
        }
    };

    assert_eq!(erase(None).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(erase(Some("another")).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(erase(Some("a-token-of-some-length")).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn someone_is_found_by_a_name_they_had_before() {
    let host = Host::start().await;
    let id = busy(&host, ANN, "a page about narwhals").await;
    let page = host.job(&id).await["url"].as_str().unwrap().to_owned();
    let (old, _) = crate::kit::texter::names(&host, &page);
    host.ended(&host.text(ANN, "SLUG narwhal-person").await).await;

    let shown = verb(&host, &["people", "show", &old]).await;
    let shouted = verb(&host, &["people", "show", &old.to_uppercase()]).await;
    let done = verb(&host, &["people", "erase", &old, "--yes"]).await;

    assert!(fine(&shown).contains("narwhal-person"), "{shown:?}");
    assert_eq!(fine(&shouted), shown.out);
    assert!(fine(&done).contains("Erased"), "{done:?}");
    assert_eq!(verb(&host, &["people", "show", "narwhal-person"]).await.code, Some(1));
}
