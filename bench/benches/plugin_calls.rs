//! What one call of each built-in plugin costs: a fresh instance, the call, and its end.
#![allow(missing_docs, reason = "a benchmark")]

use std::sync::Arc;

use divan::{Bencher, black_box};
use tokio::runtime::{Builder, Runtime};
use wtaf_host::plugin::{Answer, Call, Engines, Grants, Limits, Plugin, Question, Sandbox, types};

fn main() {
    divan::main();
}

struct Bench {
    runtime: Runtime,
    plugin: Arc<Plugin>,
}

impl Bench {
    fn of(name: &str) -> Self {
        let sandbox: Arc<Sandbox> = Sandbox::new(&Engines::default()).expect("the engine starts");
        let bytes = wtaf_bundle::embedded(name).expect("it is built in").bytes;
        let plugin = Arc::new(Plugin::load(&sandbox, name, bytes).expect("it loads"));
        Self { runtime: Builder::new_current_thread().enable_time().build().expect("a runtime starts"), plugin }
    }

    fn ask(&self, call: &Arc<Call>) -> Answer {
        self.runtime.block_on(self.plugin.ask(Arc::clone(call))).outcome.expect("it answers")
    }
}

fn call(question: Question) -> Arc<Call> {
    Arc::new(Call {
        stage: "bench".into(),
        limits: Limits::default(),
        grants: Grants::default(),
        context: types::Context {
            job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
            attempt: 1,
            now: 1_795_413_000_123,
            seed: 7,
            config: "{}".into(),
            extra: Vec::new(),
        },
        question,
    })
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
    let call = call(Question::Decide { request, person: person(), pages: Vec::new(), thread: Vec::new() });
    bencher.bench_local(|| black_box(bench.ask(&call)));
}

#[divan::bench]
fn prompt_composes(bencher: Bencher<'_, '_>) {
    let bench = Bench::of("prompt");
    let question = Question::Compose { order: order(), person: person(), thread: Vec::new(), material: Vec::new() };
    let call = call(question);
    bencher.bench_local(|| black_box(bench.ask(&call)));
}

#[divan::bench(args = [4, 100])]
fn extract_finds(bencher: Bencher<'_, '_>, kib: usize) {
    let bench = Bench::of("extract");
    let answer = answer_of(kib << 10);
    let bytes = answer.len();
    let call = call(Question::Extract { order: order(), answer, finished: true });
    bencher.counter(divan::counter::BytesCount::new(bytes)).bench_local(|| black_box(bench.ask(&call)));
}

#[divan::bench]
fn slug_proposes(bencher: Bencher<'_, '_>) {
    let bench = Bench::of("slug");
    let question = Question::Propose { order: order(), title: Some("Tip Calculator".into()), taken: Vec::new() };
    let call = call(question);
    bencher.bench_local(|| black_box(bench.ask(&call)));
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
