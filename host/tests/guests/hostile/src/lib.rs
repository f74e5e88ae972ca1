//! A slug plugin that misbehaves as its stage's `config = { does = "…" }` says; where nothing is said it fails on ideas with a boom in them.
//!
//! Built once per test run, for `wasm32-unknown-unknown` and, with the part that asks WASI for things, for `wasm32-wasip2`.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively there is nobody to export it to"))]

use std::{
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
};

use wtaf_plugin_sdk::{
    Context, Order, StageError,
    log::{Level, log},
    slug::Slug,
};

#[cfg(target_os = "wasi")]
mod asks;

struct Hostile;

/// What lives on if an instance does.
static CALLS: AtomicU32 = AtomicU32::new(0);

impl Slug for Hostile {
    fn propose(
        ctx: Context,
        order: Order,
        _title: Option<String>,
        _taken: Vec<String>,
    ) -> Result<Vec<String>, StageError> {
        let does = does(&ctx.config);
        let named = |name: &str| Ok(vec![name.to_owned()]);
        match does.as_str() {
            // What a rehearsal does not find: it fails on some requests only.
            "" if order.text.contains("boom") => panic!("it cannot name this"),
            "" => named("well-behaved"),
            "loop" => endless(),
            "one-huge-allocation" => named(&black_box(vec![1_u8; 1 << 30]).len().to_string()),
            "many-small-allocations" => named(&hoard().to_string()),
            "recurse" => named(&descend(u64::from(ctx.attempt)).to_string()),
            "panic" => panic!("the otter is out of fish"),
            "a-gigabyte" => named(&"a".repeat(1 << 30)),
            "twenty-megabytes" => named(&"a".repeat(20 << 20)),
            "log-flood" => {
                (0..10_000).for_each(|n| log(Level::Info, &format!("line {n}")));
                named("talkative")
            }
            "long-line" => {
                log(Level::Info, &"a".repeat(1 << 20));
                named("long-winded")
            }
            "call-flood" => loop {
                log(Level::Trace, "again");
            },
            "pretends-to-panic" => {
                log(Level::Error, "panicked at src/innocent.rs:1:1: nothing to see here");
                endless()
            }
            "no-slug" => named("../../etc/passwd"),
            "counts" => named(&format!("call-{}", CALLS.fetch_add(1, Ordering::Relaxed) + 1)),
            "says-it-failed" => {
                Err(StageError::Internal(format!("\u{1b}[2J\u{7}\nred {}", "and long ".repeat(100_000))))
            }
            #[cfg(target_os = "wasi")]
            other => named(&asks::of(other)),
            #[cfg(not(target_os = "wasi"))]
            other => Err(StageError::BadInput(format!("does not know how to {other}"))),
        }
    }
}

fn does(config: &str) -> String {
    let config: serde_json::Value = serde_json::from_str(config).unwrap_or_default();
    config["does"].as_str().unwrap_or_default().to_owned()
}

fn endless() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

fn hoard() -> usize {
    let mut hoard = Vec::new();
    while hoard.len() < 10_000_000 {
        hoard.push(black_box(Box::new([1_u8; 1024])));
    }
    hoard.len()
}

/// Deeper than any stack; what comes after the call keeps it from being a loop.
fn descend(n: u64) -> u64 {
    let below = if black_box(n) == u64::MAX { 0 } else { descend(n.wrapping_add(1)) };
    black_box(below) ^ n
}

wtaf_plugin_sdk::export_slug!(Hostile);
