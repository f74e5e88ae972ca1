//! What a plugin may use is bounded: passing a bound fails that job, in words, and nothing else.

use std::sync::Arc;

use rstest::rstest;
use wtaf_host::plugin::{Engines, Limits, Made, Plugin, Sandbox};

use crate::kit::{
    ask,
    guest::{self, PROPOSE},
    host::{ANN, Host},
};

#[rstest]
#[case::instructions("stage.slug.fuel=1000", "units of fuel")]
#[case::memory("stage.slug.memory=1MiB", "bytes of memory")]
#[tokio::test]
async fn a_plugin_over_its_bound_fails_its_job_in_words(#[case] bound: &str, #[case] words: &str) {
    let host = Host::of().set(bound).start().await;

    let id = host.text(ANN, "WTAF a tip calculator").await;
    let job = host.ended(&id).await;

    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("plugin")));
    let (folder, file) = host.file_of(&id).expect("the job's story is kept");
    assert_eq!(folder, "failed");
    let cause = file["error"]["message"].as_str().unwrap_or_default();
    assert!(cause.contains("plugin slug 0.1.0") && cause.contains(words), "{cause}");
    host.told(ANN, |text| text.body.contains("did not come out")).await;
}

#[tokio::test]
async fn a_plugin_within_its_fuel_is_not_disturbed() {
    let host = Host::of().set("plugins.fuel=1000000000").start().await;

    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
}

/// A slug plugin that calls itself ten thousand times.
fn deep() -> Vec<u8> {
    guest::of_core(&format!(
        r#"(module
            (memory (export "memory") 1)
            (func $down (param $n i32) (result i32)
                (if (result i32) (i32.eqz (local.get $n))
                    (then (i32.const 4))
                    (else (i32.xor (i32.const 0) (call $down (i32.sub (local.get $n) (i32.const 1)))))))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{PROPOSE}") (param i32) (result i32)
                (i32.store (i32.const 12) (i32.const 32))
                (i32.store (i32.const 16) (i32.const 1))
                (i32.store (i32.const 32) (i32.const 64))
                (i32.store (i32.const 36) (call $down (i32.const 10000)))
                (i32.store (i32.const 64) (i32.const 0x70656564))
                (i32.const 8)))"#
    ))
}

#[tokio::test]
async fn a_stack_is_as_large_as_it_is_told() {
    let call = ask::propose("{}", Limits::default());
    let with_stack = |stack| {
        let sandbox = Sandbox::new(&Engines { stack, ..Engines::default() }).expect("the engine starts");
        Arc::new(Plugin::load(&sandbox, "deep", &deep()).expect("it is a plugin"))
    };

    let small = with_stack(64 << 10).ask(Arc::clone(&call)).await;
    let large = ask::name(&with_stack(16 << 20), &call).await;

    let error = small.outcome.expect_err("it is too deep").to_string();
    assert!(error.contains("recursed too deep: its stack is full"), "{error}");
    assert_eq!(large, "deep");
}

#[tokio::test]
async fn the_lab_counts_the_same_call_the_same_and_answers_as_the_engine_does() {
    let lab = Sandbox::lab().expect("the lab starts");
    let engine = Sandbox::new(&Engines::default()).expect("the engine starts");
    for (name, call) in ask::of_each() {
        let bytes = wtaf_bundle::embedded(name).expect("it is built in").bytes;
        let load = |sandbox| Arc::new(Plugin::load(sandbox, name, bytes).expect("it loads"));
        let (tried, real) = (load(&lab), load(&engine));

        let first = tried.ask(Arc::clone(&call)).await;
        let again = tried.ask(Arc::clone(&call)).await;
        let served = real.ask(Arc::clone(&call)).await;

        assert!(first.used.fuel.is_some_and(|fuel| fuel > 1_000), "{name}: {:?}", first.used);
        assert_eq!(first.used.fuel, again.used.fuel, "{name}");
        assert_eq!(served.used.fuel, None);
        assert_eq!(first.used.memory, served.used.memory, "{name}");
        assert_eq!(first.outcome.expect("it answers"), served.outcome.expect("it answers"), "{name}");
    }
}

/// The counter of how plugins came to be, from `/metrics`.
async fn compiles(host: &Host, how: &str) -> u32 {
    let metrics = host.get("/metrics").await.text().await.expect("metrics are text");
    let line = metrics.lines().find(|line| line.starts_with(&format!("wtaf_plugin_compiles_total{{how=\"{how}\"}}")));
    line.map_or(0, |line| line.rsplit(' ').next().and_then(|count| count.parse().ok()).expect("a count is a number"))
}

#[tokio::test]
async fn the_second_start_compiles_nothing() {
    let mut host = Host::start().await;
    assert_eq!((compiles(&host, "compiled").await, compiles(&host, "cached").await), (4, 0));

    host.kill9().await;
    host.restart().await;

    assert_eq!((compiles(&host, "compiled").await, compiles(&host, "cached").await), (0, 4));
    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
}

#[tokio::test]
async fn code_that_was_altered_is_compiled_anew_and_mended() {
    let mut host = Host::start().await;
    host.kill9().await;
    let folder = host.data().join("plugins/compiled");
    let files: Vec<_> = std::fs::read_dir(&folder)
        .expect("code is kept")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
        .collect();
    for path in &files {
        let mut code = std::fs::read(path).expect("it can be read");
        let middle = code.len() / 2;
        code[middle] ^= 4;
        std::fs::write(path, code).expect("it can be written");
    }

    host.restart().await;
    assert_eq!((files.len(), compiles(&host, "compiled").await), (4, 4));
    host.kill9().await;
    host.restart().await;

    assert_eq!(compiles(&host, "cached").await, 4);
}

#[tokio::test]
async fn a_folder_others_may_write_to_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;

    let mut host = Host::start().await;
    host.kill9().await;
    let folder = host.data().join("plugins/compiled");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o770)).expect("it is ours");

    host.restart().await;

    assert_eq!((compiles(&host, "compiled").await, compiles(&host, "cached").await), (4, 0));
    let warned = host.log("compiled plugins are not kept: each start compiles them anew").expect("it says so");
    assert!(warned["why"].as_str().is_some_and(|why| why.contains("plugins/compiled is not ours alone")), "{warned}");
}

#[test]
fn what_is_loaded_many_times_at_once_is_right_each_time() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let engines = Engines { data_dir: Some(folder.path().to_owned()), ..Engines::default() };
    let sandbox = Sandbox::new(&engines).expect("the engine starts");
    let bytes = wtaf_bundle::embedded("slug").expect("it is built in").bytes;

    std::thread::scope(|threads| {
        let loads: Vec<_> = (0..8).map(|_| threads.spawn(|| Plugin::load(&sandbox, "slug", bytes))).collect();
        for load in loads {
            load.join().expect("it does not panic").expect("it loads");
        }
    });

    assert_eq!(Plugin::load(&sandbox, "slug", bytes).expect("it loads").made, Made::Cached);
    let again = Sandbox::new(&engines).expect("the engine starts");
    assert_eq!(Plugin::load(&again, "slug", bytes).expect("it loads").made, Made::Cached);
}

// What is granted, and what is not.

fn with_wasi(sandbox: &Arc<Sandbox>) -> Arc<Plugin> {
    Arc::new(Plugin::load(sandbox, "wasi", guest::hostile_with_wasi()).expect("it is a plugin"))
}

fn engine() -> Arc<Sandbox> {
    Sandbox::new(&Engines::default()).expect("the engine starts")
}

async fn asks(plugin: &Arc<Plugin>, what: &str, grants: &[&str]) -> (String, Vec<String>) {
    let call = ask::propose_with(&format!(r#"{{"does":"{what}"}}"#), Limits::default(), grants);
    let used = plugin.ask(Arc::clone(&call)).await.used.grants;
    (ask::name(plugin, &call).await, used)
}

#[tokio::test]
async fn with_nothing_granted_a_plugin_made_for_wasi_can_be_replayed() {
    let plugin = with_wasi(&engine());

    assert_eq!(asks(&plugin, "clock", &[]).await, ("at-1795413000123".into(), Vec::new()));
    assert_eq!(asks(&plugin, "stopwatch", &[]).await, ("took-0".into(), Vec::new()));
    for what in ["chance", "hash-seed"] {
        let first = asks(&plugin, what, &[]).await;
        assert_eq!(first, asks(&plugin, what, &[]).await, "{what}");
        assert!(first.1.is_empty());
    }
    assert_eq!(asks(&plugin, "environment", &[]).await, ("nothing".into(), Vec::new()));
}

#[tokio::test]
async fn what_is_granted_is_the_true_thing_and_its_use_is_noted() {
    let plugin = with_wasi(&engine());
    let all = ["clock", "chance", "env:CARGO_PKG_NAME", "env:WTAF_SURELY_NOT_SET"];

    let (at, used) = asks(&plugin, "clock", &all).await;
    assert_ne!(at, "at-1795413000123");
    assert_eq!(used, ["clock"]);
    assert_ne!(asks(&plugin, "stopwatch", &all).await.0, "took-0");
    let (drew, used) = asks(&plugin, "chance", &all).await;
    assert_ne!(drew, asks(&plugin, "chance", &all).await.0);
    assert_eq!(used, ["chance"]);
    let (environment, used) = asks(&plugin, "environment", &all).await;
    assert_eq!(environment, "cargo-pkg-name-wtaf-host", "that variable and no other");
    assert_eq!(used, ["env:CARGO_PKG_NAME"]);
}

#[tokio::test]
async fn files_and_network_are_there_for_nobody() {
    let plugin = with_wasi(&engine());
    let all = ["clock", "chance", "env:PATH"];

    assert_eq!(asks(&plugin, "files", &all).await.0, "saw-nothing");
    assert!(asks(&plugin, "network", &all).await.0.starts_with("no-network"));
}

#[tokio::test]
async fn one_that_only_sleeps_is_stopped_by_the_wall_clock() {
    let plugin = with_wasi(&engine());
    let limits = Limits { deadline: std::time::Duration::from_millis(20), ..Limits::default() };

    let asked = plugin.ask(ask::propose(r#"{"does":"sleep"}"#, limits)).await;

    let error = asked.outcome.expect_err("it is stopped").to_string();
    assert!(error.contains("stopped after 1100 ms on the wall clock"), "{error}");
}

#[tokio::test]
async fn what_it_printed_before_it_ended_itself_is_its_last_word() {
    let asked = with_wasi(&engine()).ask(ask::propose(r#"{"does":"stderr"}"#, Limits::default())).await;

    let error = asked.outcome.expect_err("it ended itself").to_string();
    assert!(error.contains("ended itself: the otter complains"), "{error}");
    assert_eq!(asked.used.lines, 1);
}

#[tokio::test]
async fn a_grant_there_is_not_is_a_fault_of_the_file() {
    let host = Host::start().await;

    let checked = host.cli(&["check", "pipeline.toml", "--set", "stage.slug.grant=[\"clok\"]"]).await;

    assert_ne!(checked.code, Some(0));
    let said = format!("{}{}", checked.out, checked.err);
    assert!(said.contains("\"clok\" grants nothing: did you mean \"clock\"?"), "{said}");
}
