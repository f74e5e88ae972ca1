//! The one wasmtime engine: how components are compiled, where their instances live, how they are interrupted.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use tokio::{runtime::Runtime, sync::Semaphore, task::JoinHandle};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, Linker},
};

#[cfg(feature = "wasi")]
use wasmtime_wasi::p2::bindings::cli::environment;

use super::{
    Made, bindings,
    cache::Cache,
    limits,
    state::{CallState, Host},
    ticker::Ticker,
};
use crate::config::Pipeline;

/// Calls at once. A call computes and never waits, so more than a few for each core only adds memory.
const CALLS_AT_ONCE: u32 = 32;

/// No plugin may be given more memory than this, which is what 32 bits address: a slot of the pool is made for it.
pub const MOST_MEMORY: usize = 4 << 30;

/// What one component may be made of. A Rust plugin has two or three instances, one memory and one table; Python's interpreter comes as some forty linked
/// modules around one memory.
pub(super) const MOST_INSTANCES: u32 = 128;
pub(super) const MOST_MEMORIES: u32 = 4;
pub(super) const MOST_TABLES: u32 = 16;

/// Entries of one table.
pub(super) const MOST_ENTRIES: usize = 100_000;

/// Bytes of a slot that stay resident between calls, at most: what a long answer takes to look through. Only what was written to is, and only in slots that were
/// in use, about one a plugin and thread.
const KEPT_MEMORY: usize = 2 << 20;

/// The same of a table: all of it.
const KEPT_TABLE: usize = MOST_ENTRIES * size_of::<usize>();

/// The host's own share of the stack a call runs on.
const HOST_STACK: usize = 3 << 19;

/// What an engine is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engines {
    /// Whether instructions are counted, which makes them about a tenth slower: only where someone asked for a limit in fuel.
    pub counts_fuel: bool,
    /// Bytes of stack for the guest's own functions.
    pub stack: usize,
    /// The data directory in which compiled code is kept; none: all is compiled anew.
    pub data_dir: Option<PathBuf>,
}

impl Engines {
    /// What a pipeline asks for.
    pub fn of(pipeline: &Pipeline) -> Self {
        Self {
            counts_fuel: limits::counts_fuel(pipeline),
            stack: usize::try_from(pipeline.plugins.stack).unwrap_or(usize::MAX),
            data_dir: Some(pipeline.data_dir.clone()),
        }
    }
}

impl Default for Engines {
    fn default() -> Self {
        Self { counts_fuel: false, stack: 512 << 10, data_dir: None }
    }
}

/// The engine, the linkers, and the turns.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) plain: Linker<CallState>,
    #[cfg(feature = "wasi")]
    pub(super) with_wasi: Linker<CallState>,
    /// Where guests run: threads of their own, which the system shares out fairly between them and those who serve the network.
    pub(super) guests: Guests,
    pub(super) turns: Semaphore,
    /// How many threads they are.
    pub(super) threads: usize,
    /// Whether instructions are counted: a property of the compiled code, so of the whole engine.
    pub(super) counts_fuel: bool,
    /// Every core's until somebody is served, then half of them.
    compilers: RwLock<Arc<rayon::ThreadPool>>,
    cache: Option<Cache>,
}

impl Sandbox {
    /// Starts the engine and the one ticker that interrupts its guests.
    pub fn new(engines: &Engines) -> wasmtime::Result<Arc<Self>> {
        Self::with(engines, false)
    }

    /// An engine for tests and replays: instructions are counted, and what the standard leaves open (the bits of a NaN) is fixed, so that a call gives the
    /// same answer and the same count on every machine.
    pub fn lab() -> wasmtime::Result<Arc<Self>> {
        Self::lab_of(&Engines::default())
    }

    /// The same with the stack and the data directory of a pipeline's engine.
    pub fn lab_of(engines: &Engines) -> wasmtime::Result<Arc<Self>> {
        Self::with(&Engines { counts_fuel: true, ..engines.clone() }, true)
    }

    fn with(engines: &Engines, deterministic: bool) -> wasmtime::Result<Arc<Self>> {
        // Pooling halves the cost of a call; where the address space is too small for it (some containers), instances are made on demand.
        let engine = Engine::new(&config(true, engines, deterministic)).or_else(|error| {
            tracing::warn!(%error, "no room for a pool of instances: each call maps its own memory");
            Engine::new(&config(false, engines, deterministic))
        })?;
        let mut plain = Linker::new(&engine);
        bindings::types::add_to_linker::<CallState, Host>(&mut plain, |state| state)?;
        bindings::log::add_to_linker::<CallState, Host>(&mut plain, |state| state)?;
        #[cfg(feature = "wasi")]
        let with_wasi = {
            let mut linker = plain.clone();
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            linker.allow_shadowing(true);
            environment::add_to_linker::<CallState, Host>(&mut linker, |state| state)?;
            linker.allow_shadowing(false);
            linker
        };
        let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        Ok(Arc::new(Self {
            guests: Guests::start(threads, Ticker::start(&engine)?)?,
            threads,
            plain,
            #[cfg(feature = "wasi")]
            with_wasi,
            turns: Semaphore::new(CALLS_AT_ONCE as usize),
            counts_fuel: engines.counts_fuel,
            compilers: RwLock::new(compilers(threads, || {})?),
            cache: engines.data_dir.as_deref().and_then(|data_dir| cache(data_dir, &engine)),
            engine,
        }))
    }

    /// The code of a component with this digest: what is kept of it, else compiled now. Blocks.
    pub(super) fn component(&self, digest: &str, bytes: &[u8]) -> wasmtime::Result<(Component, Made)> {
        let kept = self.cache.as_ref().and_then(|cache| cache.get(&self.engine, digest));
        let (component, made) = if let Some(component) = kept {
            (component, Made::Cached)
        } else {
            let compilers = Arc::clone(&self.compilers.read().unwrap_or_else(PoisonError::into_inner));
            let component = compilers.install(|| Component::from_binary(&self.engine, bytes))?;
            if let Some(cache) = &self.cache {
                cache.put(digest, &component);
            }
            (component, Made::Compiled)
        };
        metrics::counter!("wtaf_plugin_compiles_total", "how" => made.word()).increment(1);
        Ok((component, made))
    }

    /// From now on compiling gives way to whoever is being served: half of the machine compiles, the other half goes on serving. Before, whoever starts the
    /// engine waits for it, and all of it compiles.
    pub fn give_way(&self) {
        let mut now = self.compilers.write().unwrap_or_else(PoisonError::into_inner);
        match compilers(self.threads / 2, lower_priority) {
            Ok(few) => *now = few,
            Err(error) => {
                tracing::warn!(%error, "plugins are compiled on every core");
                now.broadcast(|_| lower_priority());
            }
        }
    }
}

/// The threads guests run on, and what interrupts them there.
pub(super) struct Guests {
    runtime: Option<Runtime>,
    ticker: Ticker,
}

impl Guests {
    fn start(threads: usize, ticker: Ticker) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("guest")
            .enable_time()
            .build()?;
        Ok(Self { runtime: Some(runtime), ticker })
    }

    /// Runs a call to its end; dropping what comes back stops it at its next yield.
    pub(super) fn spawn<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Running<T> {
        let call = self.watched(call);
        // It is taken away only when the sandbox is dropped, and then nobody is left to ask.
        Running(self.runtime.as_ref().map(|runtime| runtime.spawn(call)))
    }

    /// The same, begun on the caller's own thread, as far as the call's first yield: one that is over within a tick never pays for the way to another thread and
    /// back, which costs more than most calls do. What goes on longer is the guests' threads' business.
    pub(super) async fn spawn_unless_short<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Stopped> {
        let mut call = Box::pin(self.watched(call));
        match poll_fn(|cx| Poll::Ready(poll_guarded(call.as_mut(), cx))).await? {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => Running(self.runtime.as_ref().map(|runtime| runtime.spawn(call))).await,
        }
    }

    fn watched<T>(&self, call: impl Future<Output = T> + Send + 'static) -> impl Future<Output = T> + Send + 'static {
        let watched = self.ticker.watch();
        async move {
            let answer = call.await;
            drop(watched);
            answer
        }
    }
}

/// A panic of ours in a call ends that call, as it does on the guests' threads.
fn poll_guarded<T>(call: Pin<&mut impl Future<Output = T>>, cx: &mut Context<'_>) -> Result<Poll<T>, Stopped> {
    catch_unwind(AssertUnwindSafe(|| call.poll(cx))).map_err(|_| Stopped)
}

impl Drop for Guests {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last holder may be a job's own future, where waiting for threads is not allowed.
            runtime.shutdown_background();
        }
    }
}

/// A call under way; dropped, it is stopped.
pub(super) struct Running<T>(Option<JoinHandle<T>>);

impl<T> Future for Running<T> {
    type Output = Result<T, Stopped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(handle) => Pin::new(handle).poll(cx).map_err(|_| Stopped),
            None => Poll::Ready(Err(Stopped)),
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}

/// The call was stopped from outside.
pub(super) struct Stopped;

fn cache(data_dir: &Path, engine: &Engine) -> Option<Cache> {
    Cache::open(data_dir, engine)
        .inspect_err(|why| tracing::warn!(%why, "compiled plugins are not kept: each start compiles them anew"))
        .ok()
}

/// Threads that compile, each of which begins with this.
fn compilers(threads: usize, begins: fn()) -> wasmtime::Result<Arc<rayon::ThreadPool>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|_| "compile".into())
        .start_handler(move |_| begins())
        .build();
    pool.map(Arc::new).map_err(wasmtime::Error::new)
}

/// Of the calling thread alone, which is how Linux counts; elsewhere it would be the whole process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(%error, "compiling goes on at full priority");
    }
}

fn config(pooled: bool, engines: &Engines, deterministic: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(engines.counts_fuel)
        .max_wasm_stack(engines.stack)
        .async_stack_size(engines.stack.saturating_add(HOST_STACK))
        // Four times the cost of a warm call otherwise, for a feature no stage uses.
        .concurrency_support(false)
        // A fault tells functions by name, never places in the component: what would map them is a tenth of compiling, and of what is kept.
        .generate_address_map(false)
        .cranelift_nan_canonicalization(deterministic)
        .relaxed_simd_deterministic(deterministic)
        .wasm_component_model(true);
    if pooled {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    }
    config
}

/// As many slots as the calls at once can ever need together: a call never finds the pool empty. Slots are addresses, and cost memory only while in use.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(CALLS_AT_ONCE)
        .total_core_instances(CALLS_AT_ONCE * MOST_INSTANCES)
        .total_memories(CALLS_AT_ONCE * MOST_MEMORIES)
        .total_tables(CALLS_AT_ONCE * MOST_TABLES)
        .total_stacks(CALLS_AT_ONCE)
        .max_core_instances_per_component(MOST_INSTANCES)
        .max_memories_per_component(MOST_MEMORIES)
        .max_tables_per_component(MOST_TABLES)
        .max_memory_size(MOST_MEMORY)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .table_elements(MOST_ENTRIES);
    keep_resident(&mut pool);
    pool
}

/// What a call has written to is written back rather than given back: with it, a call of a plugin that stays in the memory it began with changes nothing in the
/// process's address space, and calls on two cores do not wait for each other there. A fresh instance is more than twice as cheap (Linux 6.7 and later, which can
/// tell what was written to; elsewhere all of it would have to be).
fn keep_resident(pool: &mut PoolingAllocationConfig) {
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEPT_MEMORY).table_keep_resident(KEPT_TABLE);
    }
}
