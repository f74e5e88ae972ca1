//! What a call of a good plugin costs alone, and while others loop, bloat and flood beside it: latency as a job sees it, median and 99th of a hundred.
//!
//! Not a benchmark of divan's: it is the tail that counts, and what runs beside it.
#![allow(missing_docs, reason = "a benchmark")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, task::JoinSet};
use wtaf_host::plugin::{Call, Engines, Limits, Plugin, Sandbox};

#[path = "../../host/tests/it/kit/ask.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod ask;
#[path = "../../host/tests/it/kit/guest.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod guest;

const CALLS: usize = 2_000;

fn main() {
    let runtime = Builder::new_multi_thread().enable_time().build().expect("a runtime starts");
    let sandbox = Sandbox::new(&Engines::default()).expect("the engine starts");
    let load = |name, bytes| Arc::new(Plugin::load(&sandbox, name, bytes).expect("it loads"));
    let good = load("slug", wtaf_bundle::embedded("slug").expect("it is built in").bytes);
    let beside: [(&str, &[&str]); 5] = [
        ("alone", &[]),
        ("a loop", &["loop"]),
        ("a memory bomb", &["many-small-allocations"]),
        ("a flood of calls", &["call-flood"]),
        ("all three, and another loop", &["loop", "many-small-allocations", "call-flood", "loop"]),
    ];
    println!(
        "{:<30} {:>10} {:>10} {:>10}   {:>12} {:>12}",
        "beside", "p50", "p99", "worst", "serving p50", "serving p99"
    );
    for (name, kinds) in beside {
        let hostile = kinds.iter().map(|what| (load("hostile", guest::hostile()), *what)).collect();
        let (calls, serving) = runtime.block_on(measure(&good, hostile));
        let at = |times: &[Duration], share: usize| times[(times.len() - 1) * share / 100];
        println!(
            "{name:<30} {:>10.1?} {:>10.1?} {:>10.1?}   {:>12.1?} {:>12.1?}",
            at(&calls, 50),
            at(&calls, 99),
            at(&calls, 100),
            at(&serving, 50),
            at(&serving, 99),
        );
    }
}

/// How long each call took; and, for those who serve the network, how late a task of theirs ran that was due.
async fn measure(good: &Arc<Plugin>, hostile: Vec<(Arc<Plugin>, &str)>) -> (Vec<Duration>, Vec<Duration>) {
    let mut beside = JoinSet::new();
    for (plugin, what) in hostile {
        let call = ask::propose(&format!(r#"{{"does":"{what}"}}"#), Limits::default());
        beside.spawn(async move {
            loop {
                let _ = plugin.ask(Arc::clone(&call)).await;
            }
        });
    }
    let call: Arc<Call> = ask::propose("{}", Limits::default());
    let serving = tokio::spawn(async {
        let mut late = Vec::new();
        for _ in 0..CALLS / 4 {
            let due = Instant::now() + Duration::from_millis(1);
            tokio::time::sleep_until(due.into()).await;
            late.push(due.elapsed());
        }
        late
    });
    let mut calls = Vec::new();
    while calls.len() < CALLS {
        let began = Instant::now();
        good.ask(Arc::clone(&call)).await.outcome.expect("it answers");
        calls.push(began.elapsed());
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    let mut late = serving.await.expect("it ends");
    beside.shutdown().await;
    calls.sort_unstable();
    late.sort_unstable();
    (calls, late)
}
