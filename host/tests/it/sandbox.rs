//! What a plugin may use is bounded: passing a bound fails that job, in words, and nothing else.

use std::sync::Arc;

use rstest::rstest;
use wtaf_host::plugin::{Engines, Limits, Plugin, Sandbox};

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
