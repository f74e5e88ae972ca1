//! The same code without a sandbox: the limit of the machine.

use std::{hint::black_box, time::Duration};

use wtaf_plugin_extract::Extractor;
use wtaf_plugin_sdk::{Context, Order, extract::Extract};

use crate::{
    input,
    tally::{Peer, Tally, Work, on_threads},
};

pub struct Native;

impl Native {
    pub fn new() -> Self {
        Self
    }
}

impl Peer for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn run(&mut self, work: Work, _: usize, time: Duration) -> Option<Tally> {
        (work == Work::Extract).then(|| {
            on_threads(1, time, || {
                let answer = input::answer(input::LONG);
                // Each call has its arguments for itself, as a plugin's has.
                move || {
                    black_box(Extractor::extract(context(), order(), answer.clone(), true)).expect("it answers");
                }
            })
        })
    }
}

fn context() -> Context {
    Context {
        job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
        attempt: 1,
        now: 1_795_413_000_123,
        seed: 7,
        config: "{}".into(),
        extra: Vec::new(),
    }
}

fn order() -> Order {
    Order {
        kind: "app".into(),
        text: "a tip calculator for four friends".into(),
        coach: None,
        page: None,
        why: "asked for".into(),
        extra: Vec::new(),
    }
}
