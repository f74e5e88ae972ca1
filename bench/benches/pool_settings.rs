//! What the settings of wasmtime's pool gain: fresh instances of a filter that lets 1 KiB pass, called on one thread and on two, by wasmtime alone.
//!
//! The table behind the choices in `plugin/sandbox.rs` and in how the built-in plugins are linked.
#![allow(missing_docs, reason = "a benchmark")]

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, HasSelf, Linker},
};
use wit_component::ComponentEncoder;

mod filter {
    wasmtime::component::bindgen!({ path: "../wit", world: "filter-plugin" });
}

use filter::{
    FilterPlugin, FilterPluginPre,
    exports::wtaf::stage::filter::Content,
    wtaf::stage::{log, types},
};

#[derive(Default)]
struct Silent;

impl types::Host for Silent {}

impl log::Host for Silent {
    fn log(&mut self, _: log::Level, _: String) {}
}

fn pool(change: impl FnOnce(&mut PoolingAllocationConfig)) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(32).total_core_instances(256).total_memories(64).total_tables(128).total_stacks(32);
    change(&mut pool);
    pool
}

fn config(pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config.concurrency_support(false);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

fn settings() -> Vec<(&'static str, Config)> {
    let scan = |pool: &mut PoolingAllocationConfig| {
        pool.pagemap_scan(Enabled::Auto).linear_memory_keep_resident(2 << 20);
    };
    let dense = |pool: &mut PoolingAllocationConfig| {
        pool.linear_memory_keep_resident(4 << 20).table_keep_resident(1 << 20).max_memory_size(64 << 20);
    };
    let mut no_virtual = config(Some(pool(dense)));
    no_virtual.memory_init_cow(false).memory_guard_size(0).memory_reservation(64 << 20);
    let mut no_cow = config(Some(pool(|pool| {
        scan(pool);
        pool.table_keep_resident(1 << 20);
    })));
    no_cow.memory_init_cow(false);
    vec![
        ("on demand", config(None)),
        ("pool", config(Some(pool(|_| {})))),
        (
            "pool, batches of 16",
            config(Some(pool(|pool| {
                pool.decommit_batch_size(16);
            }))),
        ),
        ("scan", config(Some(pool(scan)))),
        (
            "scan, batches of 16",
            config(Some(pool(|pool| {
                scan(pool);
                pool.decommit_batch_size(16);
            }))),
        ),
        (
            "scan, tables kept",
            config(Some(pool(|pool| {
                scan(pool);
                pool.table_keep_resident(1 << 20);
            }))),
        ),
        ("scan, tables kept, no image", no_cow),
        ("no virtual memory", no_virtual),
    ]
}

fn encode(path: &PathBuf) -> Vec<u8> {
    let module = std::fs::read(path).expect("it is there");
    let encoder = ComponentEncoder::default();
    encoder.module(&module).expect("a module").validate(true).encode().expect("a component")
}

fn context() -> types::Context {
    types::Context {
        job: "01M83JSRFSF8FD6YSM1JT05YHF".into(),
        attempt: 1,
        now: 0,
        seed: 7,
        config: "{}".into(),
        extra: Vec::new(),
    }
}

fn calls(engine: &Engine, pre: &FilterPluginPre<Silent>, threads: usize, time: Duration) -> f64 {
    let ends = Instant::now() + time;
    let began = Instant::now();
    let total: u64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let (context, content) = (context(), Content::Reply("x".repeat(1 << 10)));
                    let mut calls = 0;
                    while Instant::now() < ends {
                        let mut store = Store::new(engine, Silent);
                        let instance = pre.instantiate(&mut store).expect("it starts");
                        instance
                            .wtaf_stage_filter()
                            .call_apply(&mut store, &context, &content)
                            .expect("it runs")
                            .expect("it answers");
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("it ends")).sum()
    });
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let total = total as f64;
    total / began.elapsed().as_secs_f64()
}

fn main() {
    let guests: Vec<PathBuf> = std::env::args()
        .skip(1)
        .map(PathBuf::from)
        .filter(|file| file.extension().is_some_and(|end| end == "wasm"))
        .collect();
    let time = Duration::from_millis(std::env::var("MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(400));
    for guest in guests {
        let bytes = encode(&guest);
        println!("{}", guest.display());
        let mut ready = Vec::new();
        for (name, config) in settings() {
            let engine = Engine::new(&config).expect("an engine");
            let component = Component::from_binary(&engine, &bytes).expect("it compiles");
            let mut linker = Linker::<Silent>::new(&engine);
            FilterPlugin::add_to_linker::<_, HasSelf<Silent>>(&mut linker, |state| state).expect("it links");
            let pre = FilterPluginPre::new(linker.instantiate_pre(&component).expect("it links")).expect("a filter");
            ready.push((name, engine, pre, [Vec::new(), Vec::new()]));
        }
        for _ in 0..5 {
            for (_, engine, pre, found) in &mut ready {
                for threads in [1, 2] {
                    found[threads - 1].push(calls(engine, pre, threads, time));
                }
            }
        }
        for (name, _, _, found) in &mut ready {
            let [one, two] = found.each_mut().map(|found| {
                found.sort_by(f64::total_cmp);
                found[found.len() / 2]
            });
            println!("  {name:<30} {one:>10.0} {two:>10.0} {:>6.2}", two / one);
        }
    }
}
