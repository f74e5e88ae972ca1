//! wtaf-host's runtime without wtaf-host: a fresh instance and a typed call, with the pool settings that did best in `pool_settings`, and no limits.

use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, HasSelf, Linker},
};

use crate::{
    input,
    tally::{Peer, Tally, Work, on_threads},
};

mod filter {
    wasmtime::component::bindgen!({ path: "../wit", world: "filter-plugin" });
}

mod extract {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "extract-plugin",
        with: {
            "wtaf:stage/types@0.1.0": super::filter::wtaf::stage::types,
            "wtaf:stage/log@0.1.0": super::filter::wtaf::stage::log,
        },
    });
}

use filter::{
    exports::wtaf::stage::filter::Content,
    wtaf::stage::{log, types},
};

#[derive(Default)]
struct Silent;

impl types::Host for Silent {}

impl log::Host for Silent {
    fn log(&mut self, _: log::Level, _: String) {}
}

pub struct Bare {
    engine: Engine,
    passing: filter::FilterPluginPre<Silent>,
    extract: extract::ExtractPluginPre<Silent>,
}

impl Bare {
    pub fn new(passing: &[u8]) -> Self {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(32)
            .total_core_instances(256)
            .total_memories(64)
            .total_tables(128)
            .pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(4 << 20)
            .table_keep_resident(1 << 20);
        let mut config = Config::new();
        config.concurrency_support(false).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config).expect("an engine");
        let mut linker = Linker::<Silent>::new(&engine);
        filter::FilterPlugin::add_to_linker::<_, HasSelf<Silent>>(&mut linker, |state| state).expect("it links");
        let linked = |bytes: &[u8]| {
            let component = Component::from_binary(&engine, bytes).expect("it compiles");
            linker.instantiate_pre(&component).expect("it links")
        };
        let passing = filter::FilterPluginPre::new(linked(passing)).expect("a filter");
        let extract = linked(wtaf_bundle::embedded("extract").expect("it is built in").bytes);
        Self { passing, extract: extract::ExtractPluginPre::new(extract).expect("an extractor"), engine }
    }
}

impl Peer for Bare {
    fn name(&self) -> &'static str {
        "bare wasmtime"
    }

    fn run(&mut self, work: Work, cores: usize, time: Duration) -> Option<Tally> {
        let this = &*self;
        match work {
            Work::Pass => Some(on_threads(cores, time, || {
                let (context, content) = (context(), Content::Reply(input::passing()));
                move || {
                    let mut store = Store::new(&this.engine, Silent);
                    let instance = this.passing.instantiate(&mut store).expect("it starts");
                    let filter = instance.wtaf_stage_filter();
                    filter.call_apply(&mut store, &context, &content).expect("it runs").expect("it answers");
                }
            })),
            Work::Extract => Some(on_threads(1, time, || {
                let (context, order, answer) = (context(), order(), input::answer(input::LONG));
                move || {
                    let mut store = Store::new(&this.engine, Silent);
                    let instance = this.extract.instantiate(&mut store).expect("it starts");
                    let extract = instance.wtaf_stage_extract();
                    let found = extract.call_extract(&mut store, &context, &order, &answer, true);
                    found.expect("it runs").expect("it answers");
                }
            })),
            Work::FourStages => None,
        }
    }
}

fn context() -> types::Context {
    types::Context {
        job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
        attempt: 1,
        now: 1_795_413_000_123,
        seed: 7,
        config: "{}".into(),
        extra: Vec::new(),
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
