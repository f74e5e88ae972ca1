//! Another version comes into force while the engine runs: by a file, by the API, by a restart; and what is no plugin changes nothing.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::kit::{
    ai::{FakeAi, Reply},
    component::{Component, digest_in, drop_in, events, in_force, installed, plugin},
    host::{ANN, BOB, Host, until},
};

#[tokio::test]
async fn a_plugin_dropped_in_is_used_by_the_next_job_and_its_deletion_goes_back() {
    let host = Host::start().await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    let before = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;

    drop_in(&host, "slug", &other.bytes);
    in_force(&host, "slug", &other.digest).await;
    let after = host.ended(&host.text(ANN, "WTAF a snake game").await).await;
    fs::remove_file(installed(&host).join("slug.wasm")).unwrap();
    in_force(&host, "slug", &first.digest).await;
    let back = host.ended(&host.text(ANN, "WTAF a quiz").await).await;

    assert_eq!(digest_in(&before, "slug"), first.digest);
    assert_eq!(digest_in(&after, "slug"), other.digest);
    assert_eq!(digest_in(&back, "slug"), first.digest);
    assert_eq!(events(&host, "swapped").await.len(), 2);
}

#[tokio::test]
async fn a_plugin_that_does_not_fit_is_refused_in_words_and_the_old_one_serves_on() {
    let host = Host::start().await;
    let first = Component::built_in("slug");
    let whole = Component::version("slug", "9.0.0").bytes;
    let spoiled: [(&[u8], &str); 5] = [
        (b"not wasm at all", "not a whole WebAssembly file"),
        (&whole[..whole.len() / 2], "not a whole WebAssembly file"),
        (b"\0asm\x01\0\0\0", "core module"),
        (&Component::built_in("coach").bytes, "it is a coach plugin, and stage slug runs a slug plugin"),
        (&example_that_fails().bytes, "failed its rehearsal"),
    ];

    for (n, (bytes, words)) in spoiled.iter().enumerate() {
        drop_in(&host, "slug", bytes);
        let refused = until("it is refused", async || events(&host, "refused").await.get(n).cloned()).await;
        assert!(refused["why"].as_str().unwrap().contains(words), "{refused}");
        assert_eq!(plugin(&host, "slug").await["digest"], first.digest);
    }

    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), first.digest));
}

fn example_that_fails() -> Component {
    let example = json!({
        "name": "names are numbers",
        "call": { "propose": { "title": "Tip calculator" } },
        "expect": { "answer": ["1"] },
    });
    Component::with_example("slug", "9.1.0", example)
}

#[tokio::test]
async fn a_file_that_is_copied_slowly_is_taken_once_it_is_whole() {
    use std::io::Write;

    let host = Host::start().await;
    let other = Component::version("slug", "9.0.0");
    let mut file = fs::File::create(installed(&host).join("slug.wasm")).unwrap();

    for piece in other.bytes.chunks(other.bytes.len() / 3 + 1) {
        file.write_all(piece).unwrap();
        file.flush().unwrap();
        let made = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
        assert_eq!(made["status"], "done");
    }
    drop(file);

    in_force(&host, "slug", &other.digest).await;
}

#[tokio::test]
async fn a_hundred_refusals_in_a_row_harm_nothing() {
    let host = Host::start().await;
    let first = Component::built_in("slug");

    for n in 0..100 {
        let bad = if n % 2 == 0 { format!("spoiled {n}").into_bytes() } else { truncated(n) };
        let answer = send(&host, "slug", bad).await;
        assert_eq!(answer.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.1);
    }

    assert_eq!(plugin(&host, "slug").await["digest"], first.digest);
    assert!(plugin(&host, "slug").await["trial"].is_null());
    let leftovers: Vec<_> = fs::read_dir(installed(&host)).unwrap().flatten().collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
    let kept = fs::read_dir(host.data().join("plugins")).unwrap().flatten();
    let kept = kept.filter(|entry| entry.path().extension().is_some_and(|e| e == "wasm")).count();
    assert_eq!(kept, 4, "only what was in force is kept");
    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), first.digest));
}

fn truncated(n: usize) -> Vec<u8> {
    let whole = Component::version("slug", "9.0.0").bytes;
    whole[..whole.len() * n / 100].to_vec()
}

async fn send(host: &Host, name: &str, bytes: Vec<u8>) -> (StatusCode, Value) {
    let request = host.request(Method::POST, &format!("/api/plugins/{name}"));
    let response = request.header("content-type", "application/wasm").body(bytes).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn post(host: &Host, path: &str) -> (StatusCode, Value) {
    let response = host.request(Method::POST, path).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_plugin_that_is_sent_is_in_force_and_in_its_place_also_after_a_restart() {
    let mut host = Host::start().await;
    let other = Component::version("slug", "9.0.0");

    let (status, taken) = send(&host, "slug", other.bytes.clone()).await;
    assert_eq!((status, &taken["digest"]), (StatusCode::OK, &json!(other.digest)), "{taken:#}");
    host.sigterm();
    host.exit().await;
    host.restart().await;

    assert_eq!(plugin(&host, "slug").await["digest"], other.digest);
    assert_eq!(events(&host, "swapped").await.len(), 1);
    assert_eq!(send(&host, "nobody", other.bytes).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_operator_goes_back_and_the_file_that_is_still_there_is_not_taken_again() {
    let mut host = Host::start().await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    drop_in(&host, "slug", &other.bytes);
    in_force(&host, "slug", &other.digest).await;

    let (status, back) = post(&host, "/api/plugins/slug/rollback").await;
    assert_eq!((status, &back["digest"]), (StatusCode::OK, &json!(first.digest)));
    host.sigterm();
    host.exit().await;
    host.restart().await;

    let line = plugin(&host, "slug").await;
    assert_eq!(line["digest"], first.digest);
    assert_eq!(line["set_aside"][0]["digest"], other.digest);
    let (_, again) = send(&host, "slug", other.bytes).await;
    assert_eq!(again["digest"], other.digest, "asked for by name, it is forgiven");
    assert_eq!(plugin(&host, "slug").await["set_aside"], json!([]));
}

#[tokio::test]
async fn a_spoiled_file_does_not_keep_the_engine_from_starting_with_the_last_good_version() {
    let mut host = Host::start().await;
    let other = Component::version("slug", "9.0.0");
    drop_in(&host, "slug", &other.bytes);
    in_force(&host, "slug", &other.digest).await;
    host.kill9().await;

    fs::write(installed(&host).join("slug.wasm"), &other.bytes[..1_000]).unwrap();
    host.restart().await;

    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), other.digest));
    let listed = host.cli(&["jobs", "list"]).await;
    assert_eq!(listed.code, Some(0), "whoever operates it is not kept out either: {listed:?}");
}

#[tokio::test]
async fn a_file_of_another_role_does_not_keep_the_engine_from_starting() {
    let mut host = Host::start().await;
    let first = Component::built_in("slug");
    drop_in(&host, "slug", &Component::version("coach", "9.0.0").bytes);
    until("it is refused", async || events(&host, "refused").await.pop()).await;
    host.kill9().await;

    host.restart().await;

    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), first.digest));
}

#[tokio::test]
async fn what_changed_while_nobody_ran_is_in_force_for_the_first_job() {
    let mut host = Host::start().await;
    let other = Component::version("slug", "9.0.0");
    host.sigterm();
    host.exit().await;

    drop_in(&host, "slug", &other.bytes);
    host.restart().await;

    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!(digest_in(&job, "slug"), other.digest);
}

#[tokio::test]
async fn the_pipeline_is_read_again_and_a_bad_one_changes_nothing() {
    let host = Host::start().await;
    let path = host.folder().join("pipeline.toml");
    let text = fs::read_to_string(&path).unwrap();
    let generation = async || -> String {
        let shown: Value = host.get("/api/plugins").await.json().await.unwrap();
        shown["generation"].as_str().unwrap().to_owned()
    };
    let first = generation().await;

    fs::write(&path, text.replace("[[stage]]\nname = \"slug\"", "[[stag]]\nname = \"slug\"")).unwrap();
    let refused = until("it is refused", async || events(&host, "refused").await.pop()).await;
    assert_eq!((refused["plugin"].as_str(), generation().await), (Some("pipeline.toml"), first.clone()));

    fs::write(&path, text.replace("127.0.0.1:3030", "127.0.0.1:3031")).unwrap();
    // A look at the file while it is being written is refused as well, for what it saw then.
    let says = |event: &Value| event["why"].as_str().unwrap().contains("[server] cannot change while the engine runs");
    until("it is refused for its cause", async || events(&host, "refused").await.into_iter().find(says)).await;

    fs::write(
        &path,
        text.replace(
            "#config = { default_coach = \"alex\", chat_minutes = 15 }",
            "config = { default_coach = \"rob\" }",
        ),
    )
    .unwrap();
    until("it is in force", async || (generation().await != first).then_some(())).await;
    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!(job["status"], "done");
}

#[tokio::test]
async fn sighup_looks_at_everything_again() {
    let host = Host::start().await;
    let path = host.folder().join("pipeline.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("#per_hour = 30", "per_hour = 31")).unwrap();

    host.hangup();

    until("it is reloaded", async || events(&host, "reloaded").await.pop()).await;
}

#[tokio::test]
async fn operating_from_elsewhere_needs_the_token() {
    let host = Host::of().set("server.admin_token=let-me-in").start().await;
    let ask = async |token: Option<&str>| {
        let mut request = host.request(Method::POST, "/api/plugins/slug/rollback");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status()
    };

    assert_eq!(ask(None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Some("guess")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Some("let-me-in")).await, StatusCode::CONFLICT);
    let other_site = host.request(Method::POST, "/api/reload").header("origin", "https://evil.example");
    assert_eq!(other_site.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

/// Four people who text without a pause, 20 swaps, 5 spoiled files and a deletion: every job ends well, and on one of the versions there were.
#[tokio::test]
async fn swaps_under_load_lose_no_job_and_every_job_says_what_it_ran_on() {
    let host = Host::of().set("limits.enabled=false").start().await;
    let versions: Vec<_> = (0..20).map(|n| Component::version("slug", &format!("9.0.{n}"))).collect();
    let swapping = async {
        for (n, version) in versions.iter().enumerate() {
            drop_in(&host, "slug", &version.bytes);
            in_force(&host, "slug", &version.digest).await;
            if n % 4 == 0 {
                fs::write(installed(&host).join("slug.wasm"), &version.bytes[..version.bytes.len() / 2]).unwrap();
                until("it is refused", async || (events(&host, "refused").await.len() > n / 4).then_some(())).await;
            }
        }
        fs::remove_file(installed(&host).join("slug.wasm")).unwrap();
        in_force(&host, "slug", &Component::built_in("slug").digest).await;
    };
    let done = std::sync::atomic::AtomicBool::new(false);
    let client = async |n: u32| {
        let mut jobs = Vec::new();
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            jobs.push(host.ended(&host.text(&format!("+1555010300{n}"), "WTAF a tip calculator").await).await);
        }
        jobs
    };

    let swapped = async {
        swapping.await;
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (a, b, c, d, ()) = tokio::join!(client(1), client(2), client(3), client(4), swapped);

    let known: Vec<_> = versions.iter().map(|v| v.digest.clone()).chain([Component::built_in("slug").digest]).collect();
    let jobs: Vec<Value> = [a, b, c, d].concat();
    assert!(jobs.len() >= 20, "{} jobs are no load", jobs.len());
    for job in &jobs {
        assert_eq!(job["status"], "done", "{job:#}");
        assert!(known.contains(&digest_in(job, "slug")), "{job:#}");
    }
    assert_eq!(events(&host, "swapped").await.len(), 21);
}

/// A job that waits on its AI when the plugin is swapped, and even when the engine is killed, ends on the version it began with.
#[tokio::test]
async fn a_job_under_way_ends_on_the_version_it_began_with_also_across_a_crash() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Hang]);
    ai.always(Reply::text("```html\n<!doctype html><title>Tip calculator</title><h1>Tips</h1>\n```"));
    let mut host = Host::asking(&ai).await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    let id = host.text(ANN, "WTAF a tip calculator").await;
    until("the AI is asked", async || (ai.count() == 1).then_some(())).await;

    drop_in(&host, "slug", &other.bytes);
    in_force(&host, "slug", &other.digest).await;
    host.kill9().await;
    host.restart().await;

    let job = host.ended(&id).await;
    assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), first.digest));
    let next = host.ended(&host.text(BOB, "WTAF a tip calculator").await).await;
    assert_eq!(digest_in(&next, "slug"), other.digest);
}
