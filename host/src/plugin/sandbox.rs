//! The one wasmtime engine: how components are compiled, where their instances live, how they are interrupted.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, component::Linker};

use super::{
    bindings,
    state::{CallState, Host},
};

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Calls at once. A call computes and never waits, so more than a few for each core only adds memory.
const CALLS_AT_ONCE: u32 = 32;

/// No plugin may be given more than this: a slot of the pool is made for it.
pub const MOST_MEMORY: usize = 1 << 30;

/// The engine, the linkers, and the turns.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) plain: Linker<CallState>,
    #[cfg(feature = "wasi")]
    pub(super) with_wasi: Linker<CallState>,
    pub(super) turns: Semaphore,
    /// Whether instructions are counted: a property of the compiled code, so of the whole engine.
    pub(super) counts_fuel: bool,
}

impl Sandbox {
    /// Starts the engine and the one ticker that interrupts its guests. The ticker ends with the engine.
    ///
    /// With `counts_fuel` every instruction is counted (about a tenth slower): only where someone asked for a limit in fuel.
    pub fn new(counts_fuel: bool) -> wasmtime::Result<Arc<Self>> {
        // Pooling halves the cost of a call; where the address space is too small for it (some containers), instances are made on demand.
        let engine = Engine::new(&config(true, counts_fuel)).or_else(|error| {
            tracing::warn!(%error, "no room for a pool of instances: each call maps its own memory");
            Engine::new(&config(false, counts_fuel))
        })?;
        let mut plain = Linker::new(&engine);
        bindings::types::add_to_linker::<CallState, Host>(&mut plain, |state| state)?;
        bindings::log::add_to_linker::<CallState, Host>(&mut plain, |state| state)?;
        #[cfg(feature = "wasi")]
        let with_wasi = {
            let mut linker = plain.clone();
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            linker
        };
        tick(&engine)?;
        Ok(Arc::new(Self {
            plain,
            #[cfg(feature = "wasi")]
            with_wasi,
            turns: Semaphore::new(CALLS_AT_ONCE as usize),
            counts_fuel,
            engine,
        }))
    }
}

fn tick(engine: &Engine) -> wasmtime::Result<()> {
    let weak = engine.weak();
    std::thread::Builder::new().name("epoch".into()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}

fn config(pooled: bool, counts_fuel: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(counts_fuel)
        // Four times the cost of a warm call otherwise, for a feature no stage uses.
        .concurrency_support(false)
        .wasm_component_model(true);
    if pooled {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(CALLS_AT_ONCE)
        .total_core_instances(CALLS_AT_ONCE * 8)
        .total_memories(CALLS_AT_ONCE * 2)
        .total_tables(CALLS_AT_ONCE * 4)
        .total_stacks(CALLS_AT_ONCE)
        .max_core_instances_per_component(20)
        .max_memories_per_component(4)
        .max_tables_per_component(8)
        .max_memory_size(MOST_MEMORY)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .table_elements(100_000)
        // Together these make a fresh instance nearly twice as cheap (Linux 6.7 and later); alone the second gains nothing.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(512 << 10);
    pool
}
