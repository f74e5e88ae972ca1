//! Verbs around the engine: a first pipeline.toml, a look at what runs, a stage watched.

use std::{fs, process::Stdio};

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, Host, Ran, binary, link_with, ran, until},
};

async fn init(folder: &std::path::Path, arguments: &[&str]) -> Ran {
    let mut command = binary();
    command.current_dir(folder).arg("init").args(arguments).stdin(Stdio::null());
    ran(command).await
}

#[tokio::test]
async fn a_new_folder_gets_a_pipeline_that_checks_and_nothing_there_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let all = ["here", "--ai", "demo", "--texts", "console", "--public-url", ""];

    let made = init(folder.path(), &all).await;
    let mut check = binary();
    check.current_dir(folder.path().join("here")).args(["check", "pipeline.toml"]);
    let checked = ran(check).await;
    fs::write(folder.path().join("here/pipeline.toml"), "mine").unwrap();
    let again = init(folder.path(), &all).await;

    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert_eq!(again.code, Some(1), "{again:?}");
    assert_eq!(fs::read_to_string(folder.path().join("here/pipeline.toml")).unwrap(), "mine");
}

#[tokio::test]
async fn with_nobody_to_ask_init_says_what_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let made = init(folder.path(), &[]).await;
    assert_eq!(made.code, Some(1));
    assert!(made.err.contains("--public-url"), "{made:?}");
    assert!(!folder.path().join("pipeline.toml").exists());
}

#[tokio::test]
async fn the_status_tells_of_jobs_and_that_nobody_answers() {
    let mut host = Host::start().await;
    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
    let listen = host.listen();

    let told = until("the job counts as ended", async || {
        let told = host.cli(&["status", "--format", "json", "--set", &listen]).await;
        (told.json()["ended"]["done"] == 1.0).then_some(told)
    })
    .await;
    let words = host.cli(&["status", "--set", &listen]).await;
    host.kill9().await;
    let gone = host.cli(&["status", "--set", &listen]).await;

    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.json()["stages"]["extract"]["p50"].as_f64().is_some_and(|p50| p50 > 0.0), "{told:?}");
    assert!(words.out.contains("1 done") && words.out.contains("ready"), "{words:?}");
    assert_eq!(gone.code, Some(1));
    assert!(gone.err.contains("no engine answers"), "{gone:?}");
}

#[tokio::test]
async fn a_stage_is_watched_while_jobs_go_by() {
    let host = Host::start().await;
    let mut command = binary();
    command.current_dir(host.folder()).args(["tap", "slug", "--count", "1", "--format", "json"]);
    let mut tap = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(tap.stdout.take().unwrap()).lines();
    let listening = BufReader::new(tap.stderr.take().unwrap()).lines().next_line().await.unwrap();
    assert_eq!(listening.as_deref(), Some("listening; Ctrl-C ends it"));

    let id = host.text(ANN, "WTAF a tip calculator").await;
    let line: serde_json::Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();

    assert_eq!((line["job"].as_str(), line["stage"].as_str()), (Some(id.as_str()), Some("slug")));
    assert!(!line["answer"].is_null(), "{line}");
    assert!(tap.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_stage_that_asks_no_plugin_cannot_be_watched() {
    let host = Host::of().unstarted();
    let told = host.cli(&["tap", "publish"]).await;
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("coach, prompt, extract, slug"), "{told:?}");
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_verb() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.arg("man").arg("--out").arg(folder.path());

    let made = ran(command).await;

    assert_eq!(made.code, Some(0), "{made:?}");
    for page in ["wtaf-host.1", "wtaf-host-run.1", "wtaf-host-plugin-install.1"] {
        let text = fs::read_to_string(folder.path().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".SH NAME"), "{page}");
    }
}

#[tokio::test]
async fn a_failed_job_is_explained_with_what_to_do_and_without_a_number() {
    let ai = FakeAi::start().await;
    ai.always(Reply::status(401));
    let host = Host::of().ai([link_with("only", &ai, "retries = 0")]).start().await;
    let id = host.text(ANN, "WTAF a page on otters, call 555 867 5310").await;
    assert_eq!(host.ended(&id).await["status"], "failed");

    let words = host.cli(&["jobs", "explain", &id]).await;
    let json = host.cli(&["jobs", "explain", &id, "--format", "json"]).await;

    assert_eq!((words.code, json.code), (Some(0), Some(0)), "{words:?}");
    let retry = format!("wtaf-host jobs retry {id}");
    for part in
        ["failed", "a page on otters", "No AI provider answered", "wtaf-host doctor", &retry, "failed to +15", "ai "]
    {
        assert!(words.out.contains(part), "{part}: {}", words.out);
    }
    for out in [&words.out, &json.out] {
        assert!(!out.contains(ANN) && !out.contains("867 5310"), "{out}");
    }
    let json = json.json();
    assert!(json["do"].as_array().is_some_and(|steps| steps.len() >= 3), "{json:#}");
    assert_eq!(json["job"]["error"]["code"], "ai-unavailable", "{json:#}");
}

#[tokio::test]
async fn a_job_that_went_well_is_explained_too_and_one_that_is_not_there_is_said_to_be() {
    let host = Host::start().await;
    let id = host.text(ANN, "WTAF a tip calculator").await;
    let url = host.made(&id).await;

    let words = host.cli(&["jobs", "explain", &id]).await;
    let gone = host.cli(&["jobs", "explain", "01K00000000000000000000000"]).await;

    assert_eq!(words.code, Some(0), "{words:?}");
    for part in ["ended well", "The page is live", &url, "extract ", "page-live to +15"] {
        assert!(words.out.contains(part), "{part}: {}", words.out);
    }
    assert!(!words.out.contains("What went wrong"), "{words:?}");
    assert_eq!(gone.code, Some(1), "{gone:?}");
}

#[tokio::test]
async fn jobs_are_followed_line_by_line_and_one_to_its_end() {
    let host = Host::start().await;
    let mut command = binary();
    command.current_dir(host.folder()).args(["jobs", "list", "--follow", "--format", "json"]);
    let mut all = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(all.stdout.take().unwrap()).lines();

    let id = host.text(ANN, "WTAF a tip calculator").await;
    let one = host.cli(&["jobs", "show", &id, "--follow"]).await;
    let last = loop {
        let line = lines.next_line().await.unwrap().expect("it goes on until it is ended");
        let job: serde_json::Value = serde_json::from_str(&line).unwrap();
        if job["id"] == *id && job["status"] == "done" {
            break job;
        }
    };

    assert!(last["url"].as_str().is_some_and(|url| url.ends_with("/tip-calculator")), "{last:#}");
    assert_eq!(one.code, Some(0), "{one:?}");
    let stages: Vec<_> = one.out.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    for stage in ["coach", "prompt", "extract", "slug"] {
        assert_eq!(stages.iter().filter(|it| **it == stage).count(), 1, "{stage}: {}", one.out);
    }
    assert!(one.out.lines().last().is_some_and(|line| line.contains("done")), "{one:?}");
}
