//! The engine's own calls: what a job pays, its way to the guests' threads and back included.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use wtaf_host::plugin::{Call, Engines, Grants, Limits, Plugin, Question, Sandbox, filter::Content, types};

use crate::{
    input,
    tally::{Peer, Tally, Work},
};

/// Jobs at work at once.
const JOBS: usize = 16;

type Stage = (Arc<Plugin>, Arc<Call>);

pub struct Ours {
    /// With a thread a core, as the engine has: one, and two.
    runtimes: [Runtime; 2],
    passing: Stage,
    long: Stage,
    job: [Stage; 4],
}

impl Ours {
    pub fn new(passing: &[u8]) -> Self {
        let sandbox = Sandbox::new(&Engines::default()).expect("the engine starts");
        let load = |name: &str, bytes: &[u8]| Arc::new(Plugin::load(&sandbox, name, bytes).expect("it loads"));
        let built_in = |name| load(name, wtaf_bundle::embedded(name).expect("it is built in").bytes);
        let extract = built_in("extract");
        let extracts = |bytes| call(Question::Extract { order: order(), answer: input::answer(bytes), finished: true });
        let (person, thread) = (person(), Vec::new());
        let decide =
            Question::Decide { request: request(), person: person.clone(), pages: Vec::new(), thread: Vec::new() };
        let compose = Question::Compose { order: order(), person, thread, material: Vec::new() };
        let propose = Question::Propose { order: order(), title: Some("Tip Calculator".into()), taken: Vec::new() };
        Self {
            runtimes: [1, 2].map(|threads| {
                Builder::new_multi_thread().worker_threads(threads).enable_time().build().expect("a runtime starts")
            }),
            passing: (load("passing", passing), call(Question::Apply { content: Content::Reply(input::passing()) })),
            long: (Arc::clone(&extract), extracts(input::LONG)),
            job: [
                (built_in("coach"), call(decide)),
                (built_in("prompt"), call(compose)),
                (extract, extracts(input::USUAL)),
                (built_in("slug"), call(propose)),
            ],
        }
    }

    fn jobs(&self, jobs: usize, cores: usize, time: Duration, stages: &[Stage]) -> Tally {
        let began = Instant::now();
        let [one, both] = &self.runtimes;
        let times = if cores == 1 { one } else { both }.block_on(async {
            let mut running = JoinSet::new();
            for _ in 0..jobs {
                let stages = stages.to_vec();
                running.spawn(async move {
                    let mut times = Vec::new();
                    while began.elapsed() < time {
                        let now = Instant::now();
                        for (plugin, call) in &stages {
                            plugin.ask(Arc::clone(call)).await.outcome.expect("it answers");
                        }
                        times.push(now.elapsed().as_secs_f64() * 1e6);
                    }
                    times
                });
            }
            running.join_all().await
        });
        Tally::of(times.concat(), began.elapsed().as_secs_f64())
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn run(&mut self, work: Work, cores: usize, time: Duration) -> Option<Tally> {
        Some(match work {
            Work::Pass => self.jobs(JOBS, cores, time, std::slice::from_ref(&self.passing)),
            Work::Extract => self.jobs(1, cores, time, std::slice::from_ref(&self.long)),
            Work::FourStages => self.jobs(1, cores, time, &self.job),
        })
    }
}

fn call(question: Question) -> Arc<Call> {
    let context = types::Context {
        job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
        attempt: 1,
        now: 1_795_413_000_123,
        seed: 7,
        config: "{}".into(),
        extra: Vec::new(),
    };
    Arc::new(Call { stage: "bench".into(), limits: Limits::default(), grants: Grants::default(), context, question })
}

fn request() -> types::Request {
    let text = "WTAF a tip calculator for four friends".into();
    types::Request { text, source: "sms".into(), media: Vec::new(), extra: Vec::new() }
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
