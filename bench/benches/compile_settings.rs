//! What compiling the built-in plugins costs under each of Cranelift's settings: on one thread, on two in a row, on two side by side; and how large the code is.
//!
//!     cargo bench -p bench --bench compile_settings [-- ROUNDS]
//!
//! The table behind the settings in `plugin/sandbox.rs`, and behind compiling on every core, side by side, until somebody is served.
#![allow(missing_docs, reason = "a benchmark")]

use std::time::{Duration, Instant};

use wasmtime::{Config, Engine, Inlining, OptLevel, RegallocAlgorithm, component::Component};

/// A name, and what it changes in the engine's own settings.
type Setting = (&'static str, fn(&mut Config));

const SETTINGS: [Setting; 10] = [
    ("wasmtime's own", |_| {}),
    ("speed and size", |config| {
        config.cranelift_opt_level(OptLevel::SpeedAndSize);
    }),
    ("no optimising", |config| {
        config.cranelift_opt_level(OptLevel::None);
    }),
    ("registers in one pass", |config| {
        config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    }),
    ("neither", |config| {
        config.cranelift_opt_level(OptLevel::None).cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    }),
    ("neither, no address map", |config| {
        config
            .cranelift_opt_level(OptLevel::None)
            .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
            .generate_address_map(false);
    }),
    ("no address map", |config| {
        config.generate_address_map(false);
    }),
    ("no inlining", |config| {
        config.compiler_inlining(Inlining::No);
    }),
    ("no unwinding information", |config| {
        config.native_unwind_info(false);
    }),
    ("no interruption", |config| {
        config.epoch_interruption(false);
    }),
];

fn engine(setting: fn(&mut Config)) -> Engine {
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false);
    setting(&mut config);
    Engine::new(&config).expect("an engine")
}

fn compile(engine: &Engine, bytes: &[u8]) -> Component {
    Component::from_binary(engine, bytes).expect("it compiles")
}

/// Milliseconds.
fn timed(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64() * 1e3
}

fn median(mut found: Vec<f64>) -> f64 {
    found.sort_by(f64::total_cmp);
    found[found.len() / 2]
}

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(3_usize);
    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads"));
    let plugins = wtaf_bundle::EMBEDDED;
    // Per setting: each plugin on one thread; all in a row on one, in a row on two, side by side on two.
    let mut found = vec![vec![Vec::new(); plugins.len() + 3]; SETTINGS.len()];
    let mut sizes = vec![0; SETTINGS.len()];
    for round in 0..rounds {
        for (at, (_, setting)) in SETTINGS.iter().enumerate() {
            let engine = engine(*setting);
            let all = |pool: &rayon::ThreadPool| {
                timed(|| pool.install(|| plugins.iter().for_each(|plugin| drop(compile(&engine, plugin.bytes)))))
            };
            for (plugin, found) in plugins.iter().zip(&mut found[at]) {
                found.push(timed(|| pools[0].install(|| drop(compile(&engine, plugin.bytes)))));
            }
            found[at][plugins.len()].push(all(&pools[0]));
            found[at][plugins.len() + 1].push(all(&pools[1]));
            found[at][plugins.len() + 2].push(timed(|| {
                pools[1].scope(|scope| {
                    for plugin in plugins {
                        scope.spawn(|_| drop(compile(&engine, plugin.bytes)));
                    }
                });
            }));
            if round == 0 {
                sizes[at] = plugins
                    .iter()
                    .map(|plugin| compile(&engine, plugin.bytes).serialize().map_or(0, |c| c.len()))
                    .sum();
            }
            // A machine that lends time is asked for it evenly.
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    print!("{:<26}", "ms");
    for plugin in plugins {
        print!("{:>9}", plugin.name);
    }
    println!("{:>9}{:>9}{:>9}{:>9}", "all", "on two", "beside", "KiB");
    for (((name, _), found), size) in SETTINGS.iter().zip(found).zip(sizes) {
        print!("{name:<26}");
        for found in found {
            print!("{:>9.0}", median(found));
        }
        println!("{:>9}", size >> 10);
    }
}
