//! What one call of each built-in plugin costs: a fresh instance, the call, and its end.
#![allow(missing_docs, reason = "a benchmark")]

use std::sync::Arc;

use divan::{Bencher, black_box};
use tokio::runtime::{Builder, Runtime};
use wtaf_host::plugin::{Call, Limits, Plugin, Sandbox, types};

fn main() {
    divan::main();
}

struct Bench {
    runtime: Runtime,
    plugin: Plugin,
}

impl Bench {
    fn of(name: &str) -> Self {
        let sandbox: Arc<Sandbox> = Sandbox::new(false).expect("the engine starts");
        let bytes = wtaf_bundle::embedded(name).expect("it is built in").bytes;
        let plugin = Plugin::load(&sandbox, name, bytes).expect("it loads");
        Self { runtime: Builder::new_current_thread().enable_time().build().expect("a runtime starts"), plugin }
    }
}

fn call() -> Call<'static> {
    Call {
        stage: "bench",
        limits: Limits::default(),
        context: types::Context {
            job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
            attempt: 1,
            now: 1_795_413_000_123,
            seed: 7,
            config: "{}".into(),
            extra: Vec::new(),
        },
    }
}

fn order() -> types::Order {
    types::Order {
        kind: "app".into(),
        text: "a tip calculator for four friends".into(),
        coach: None,
        page: None,
        why: "asked for".into(),
        extra: Vec::new(),
    }
}

fn person() -> types::Person {
    types::Person {
        slug: Some("brave-otter".into()),
        role: "coder".into(),
        standing: "active".into(),
        extra: Vec::new(),
    }
}

#[divan::bench]
fn coach_decides(bencher: Bencher<'_, '_>) {
    let bench = Bench::of("coach");
    let request = types::Request {
        text: "WTAF a tip calculator for four friends".into(),
        source: "sms".into(),
        media: Vec::new(),
        extra: Vec::new(),
    };
    let person = person();
    bencher.bench_local(|| {
        black_box(bench.runtime.block_on(bench.plugin.decide(call(), &request, &person, &[], &[])).expect("it decides"))
    });
}

#[divan::bench]
fn prompt_composes(bencher: Bencher<'_, '_>) {
    let bench = Bench::of("prompt");
    let (order, person) = (order(), person());
    bencher.bench_local(|| {
        let composed = bench.runtime.block_on(bench.plugin.compose(call(), &order, &person, &[], &Vec::new()));
        black_box(composed.expect("it composes"))
    });
}

#[divan::bench(args = [4, 100])]
fn extract_finds(bencher: Bencher<'_, '_>, kib: usize) {
    let bench = Bench::of("extract");
    let (order, answer) = (order(), answer_of(kib << 10));
    bencher.counter(divan::counter::BytesCount::new(answer.len())).bench_local(|| {
        black_box(bench.runtime.block_on(bench.plugin.extract(call(), &order, &answer, true)).expect("it finds"))
    });
}

#[divan::bench]
fn slug_proposes(bencher: Bencher<'_, '_>) {
    let bench = Bench::of("slug");
    let order = order();
    bencher.bench_local(|| {
        let proposed = bench.runtime.block_on(bench.plugin.propose(call(), &order, Some("Tip Calculator"), &[]));
        black_box(proposed.expect("it proposes"))
    });
}

/// A page in a fence, of about so many bytes, with the mixture of markup, style and script that pages have.
fn answer_of(bytes: usize) -> String {
    let mut body = String::new();
    let mut row = 0;
    while body.len() < bytes {
        row += 1;
        body.push_str("<div class=\"row\"><label for=\"a\">Part</label> <input id=\"a\" type=\"number\"> <b>of the &amp; bill</b></div>\n");
        if row % 20 == 0 {
            body.push_str("<script>document.querySelectorAll('.row').forEach((row, n) => { if (n < 3) row.hidden = false; });</script>\n");
        }
    }
    format!(
        "Here it is.\n\n```html\n<!doctype html>\n<html lang=\"en\"><head><title>Tip</title></head><body>\n{body}</body></html>\n```\nEnjoy.\n"
    )
}
