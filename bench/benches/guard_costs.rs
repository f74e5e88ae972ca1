//! What each thing costs that stands between a bare call of wasmtime and a stage's call: one is added after another, on one thread.
//!
//!     cargo bench -p bench --bench guard_costs
#![allow(missing_docs, reason = "a benchmark")]

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store,
    UpdateDeadline,
    component::{Component, HasSelf, Linker},
};

use wtaf_host::plugin::{Call, Engines, Grants, Limits, Plugin, Question, Sandbox, filter::Content, types};

#[path = "../../host/tests/it/kit/guest.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod guest;

mod filter {
    wasmtime::component::bindgen!({ path: "../wit", world: "filter-plugin", exports: { default: async } });
}

mod plain {
    wasmtime::component::bindgen!({ path: "../wit", world: "filter-plugin" });
}

#[derive(Default)]
struct Limited;

impl ResourceLimiter for Limited {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired < 64 << 20)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired < 1 << 20)
    }
}

macro_rules! silent {
    ($bindings:ident) => {
        impl $bindings::wtaf::stage::types::Host for Limited {}

        impl $bindings::wtaf::stage::log::Host for Limited {
            fn log(&mut self, _: $bindings::wtaf::stage::log::Level, _: String) {}
        }
    };
}

silent!(filter);
silent!(plain);

fn engine(epochs: bool) -> Engine {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(32)
        .total_core_instances(256)
        .total_memories(64)
        .total_tables(128)
        .total_stacks(32)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(1 << 20);
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(epochs)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).expect("an engine")
}

macro_rules! context {
    ($bindings:ident) => {
        $bindings::wtaf::stage::types::Context {
            job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
            attempt: 1,
            now: 0,
            seed: 7,
            config: "{}".into(),
            extra: Vec::new(),
        }
    };
}

type Guard = fn(&mut Store<Limited>);

fn sync_calls(bytes: &[u8], epochs: bool, guard: Guard, around: fn()) -> impl FnMut() {
    let engine = engine(epochs);
    let component = Component::from_binary(&engine, bytes).expect("it compiles");
    let mut linker = Linker::<Limited>::new(&engine);
    plain::FilterPlugin::add_to_linker::<_, HasSelf<Limited>>(&mut linker, |state| state).expect("it links");
    let pre = plain::FilterPluginPre::new(linker.instantiate_pre(&component).expect("it links")).expect("a filter");
    let (context, content) =
        (context!(plain), plain::exports::wtaf::stage::filter::Content::Reply("x".repeat(1 << 10)));
    move || {
        let mut store = Store::new(&engine, Limited);
        guard(&mut store);
        around();
        let instance = pre.instantiate(&mut store).expect("it starts");
        let filter = instance.wtaf_stage_filter();
        filter.call_apply(&mut store, &context, &content).expect("it runs").expect("it answers");
        around();
    }
}

fn async_calls(bytes: &[u8], guard: Guard, around: fn()) -> impl FnMut() {
    let engine = engine(true);
    let component = Component::from_binary(&engine, bytes).expect("it compiles");
    let mut linker = Linker::<Limited>::new(&engine);
    filter::FilterPlugin::add_to_linker::<_, HasSelf<Limited>>(&mut linker, |state| state).expect("it links");
    let pre = filter::FilterPluginPre::new(linker.instantiate_pre(&component).expect("it links")).expect("a filter");
    let (context, content) =
        (context!(filter), filter::exports::wtaf::stage::filter::Content::Reply("x".repeat(1 << 10)));
    move || {
        let mut store = Store::new(&engine, Limited);
        guard(&mut store);
        around();
        at_once(async {
            let instance = pre.instantiate_async(&mut store).await.expect("it starts");
            let filter = instance.wtaf_stage_filter();
            filter.call_apply(&mut store, &context, &content).await.expect("it runs").expect("it answers");
        });
        around();
    }
}

/// The engine's own, on the thread that asks.
fn stage_calls(bytes: &[u8]) -> impl FnMut() {
    let sandbox = Sandbox::new(&Engines::default()).expect("the engine starts");
    let plugin = Arc::new(Plugin::load(&sandbox, "passing", bytes).expect("it loads"));
    let call = Arc::new(Call {
        stage: "bench".into(),
        limits: Limits::default(),
        grants: Grants::default(),
        context: types::Context {
            job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
            attempt: 1,
            now: 0,
            seed: 7,
            config: "{}".into(),
            extra: Vec::new(),
        },
        question: Question::Apply { content: Content::Reply("x".repeat(1 << 10)) },
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    move || {
        runtime.block_on(plugin.ask(Arc::clone(&call))).outcome.expect("it answers");
    }
}

fn at_once(future: impl Future<Output = ()>) {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    while future.as_mut().poll(&mut context) == Poll::Pending {}
}

fn epochs(store: &mut Store<Limited>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Interrupt));
}

fn limited(store: &mut Store<Limited>) {
    epochs(store);
    store.limiter(|state| state);
    store.set_hostcall_fuel(1 << 20);
}

fn clock() {
    std::hint::black_box(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime));
}

/// What it is called, and one call.
type Way<'a> = (&'static str, Box<dyn FnMut() + 'a>);

fn main() {
    let passing = guest::of_crate("bench-guest");
    let mut ways: Vec<Way<'_>> = vec![
        ("bare", Box::new(sync_calls(&passing, false, |_| {}, || {}))),
        ("interruptible", Box::new(sync_calls(&passing, true, epochs, || {}))),
        ("limited", Box::new(sync_calls(&passing, true, limited, || {}))),
        ("its time taken", Box::new(sync_calls(&passing, true, limited, clock))),
        ("on a stack of its own", Box::new(async_calls(&passing, limited, clock))),
        ("a stage's call", Box::new(stage_calls(&passing))),
    ];
    let mut found = vec![Vec::new(); ways.len()];
    for _ in 0..7 {
        for ((_, call), found) in ways.iter_mut().zip(&mut found) {
            let (began, mut calls) = (Instant::now(), 0_u32);
            while began.elapsed() < Duration::from_millis(400) {
                call();
                calls += 1;
            }
            found.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        }
    }
    for ((name, _), found) in ways.iter().zip(&mut found) {
        found.sort_by(f64::total_cmp);
        println!("{name:<24} {:>8.2} us", found[found.len() / 2]);
    }
}
