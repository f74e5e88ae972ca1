//! A plugin ready to be called: compiled, linked, its exports checked. One fresh instance a call, so nothing leaks from one person's job to the next.

use std::{future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};

use super::{
    About, Answer, Asked, Call, Cause, Fault, Grants, Limits, Made, NotAPlugin, PluginError, Question, Sandbox, Used,
    bindings::{types, worlds},
    contract, inspect, plain,
    registry::digest_of,
    sandbox::MOST_MEMORY,
    state::{CallLabel, CallState, Meter},
    turns::{Long, Turns},
};
use crate::config::Role;

/// Why a component could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is no plugin.
    #[error("{name}: {why}")]
    NotAPlugin {
        /// Its name.
        name: String,
        /// Why.
        why: NotAPlugin,
    },
    /// It asks for what it was not granted.
    #[error("{name} imports {}, which no plugin is given: one may import wtaf:stage/log 0.1, and of WASI 0.2 cli, clocks, filesystem, io, random and sockets, with nothing behind them that is not granted", plain::list(.imports))]
    NotGranted {
        /// Its name.
        name: String,
        /// What it asks for.
        imports: Vec<String>,
    },
    /// It does not compile, or its functions are not those of its world.
    #[error("{name} does not fit: {why}")]
    Unfit {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// It cannot be set going.
    #[error("{name} does not start: {why}")]
    Fails {
        /// Its name.
        name: String,
        /// Why.
        why: Fault,
    },
}

#[derive(Clone)]
enum Pre {
    Coach(worlds::coach::CoachPluginPre<CallState>),
    Prompt(worlds::prompt::PromptPluginPre<CallState>),
    Extract(worlds::extract::ExtractPluginPre<CallState>),
    Slug(worlds::slug::SlugPluginPre<CallState>),
    Filter(worlds::filter::FilterPluginPre<CallState>),
}

/// A plugin ready to be called.
pub struct Plugin {
    /// Its name in pipeline.toml.
    pub name: String,
    /// What it says of itself.
    pub about: About,
    /// SHA-256 of the component, hex.
    pub digest: String,
    /// Whether it had to be compiled.
    pub made: Made,
    label: CallLabel,
    pre: Pre,
    /// Its own share of the guests' threads.
    turns: Turns,
    sandbox: Arc<Sandbox>,
}

type Said = wasmtime::Result<Result<Answer, types::StageError>>;

impl Plugin {
    /// Compiles and links a component, unless its code is kept from an earlier run. Compiling takes tens of milliseconds for a Rust plugin, seconds for one
    /// with an interpreter inside: call it off the async threads.
    pub fn load(sandbox: &Arc<Sandbox>, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let about = inspect::about(bytes).map_err(|why| LoadError::NotAPlugin { name: name.to_owned(), why })?;
        let linker = linker_for(sandbox, name, &about)?;
        let unfit = |error: wasmtime::Error| LoadError::Unfit { name: name.to_owned(), why: format!("{error:#}") };
        let digest = digest_of(bytes);
        let (component, made) = sandbox.component(&digest, bytes).map_err(unfit)?;
        let instance = linker.instantiate_pre(&component).map_err(unfit)?;
        let pre = match about.role {
            Role::Coach => Pre::Coach(worlds::coach::CoachPluginPre::new(instance).map_err(unfit)?),
            Role::Prompt => Pre::Prompt(worlds::prompt::PromptPluginPre::new(instance).map_err(unfit)?),
            Role::Extract => Pre::Extract(worlds::extract::ExtractPluginPre::new(instance).map_err(unfit)?),
            Role::Slug => Pre::Slug(worlds::slug::SlugPluginPre::new(instance).map_err(unfit)?),
            Role::Filter => Pre::Filter(worlds::filter::FilterPluginPre::new(instance).map_err(unfit)?),
        };
        let turns = Turns::on(sandbox.threads);
        let label = CallLabel::of(name, &digest);
        let plugin =
            Self { name: name.to_owned(), about, digest, made, label, pre, turns, sandbox: Arc::clone(sandbox) };
        plugin.starts()?;
        Ok(plugin)
    }

    /// Makes one instance, and asks it nothing. Only an instance tells whether its functions have the arguments and results of its world; and one that
    /// fails before it is asked would fail in every job.
    fn starts(&self) -> Result<(), LoadError> {
        let state = CallState::new(Limits::default(), self.label.clone(), Meter::default());
        let (pre, mut store) = (self.pre.clone(), self.store(state, &Told::default(), None));
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let running = self.sandbox.guests.spawn(async move {
            let started = bounded(&mut store, async |store| pre.instantiate(store).await).await;
            // Who waits for it is there until it is told.
            let _ = tell.send(started.map_err(|why| Unstarted::of(why, store.into_data())));
        });
        let started = told.recv().unwrap_or_else(|_| Err(Unstarted::Unfit("the engine is stopping".into())));
        drop(running);
        let name = self.name.clone();
        match started {
            // How much memory it may have is its stage's word, which is not known here.
            Ok(()) | Err(Unstarted::Stopped(Fault::Trapped { cause: Cause::Memory { .. }, .. })) => Ok(()),
            Err(Unstarted::Stopped(why)) => Err(LoadError::Fails { name, why }),
            Err(Unstarted::Unfit(why)) => Err(LoadError::Unfit { name, why }),
        }
    }

    /// A fault of this plugin, with its name and version on it.
    pub fn error(&self, fault: Fault) -> PluginError {
        PluginError {
            plugin: self.name.clone(),
            version: self.about.version.clone(),
            digest: self.digest.clone(),
            role: self.about.role,
            fault,
        }
    }

    /// Asks it, in a fresh instance. A plugin whose calls are known to be short is asked on the spot; what a guest does with more time is no matter of those who
    /// wait on the network, so it goes on, or begins, on the guests' own threads. An answer that breaks the contract is a fault.
    pub async fn ask(self: &Arc<Self>, call: Arc<Call>) -> Asked {
        let failed = |cause| Asked { outcome: Err(self.stopped(cause)), used: Used::default() };
        if call.question.role() != self.about.role {
            let why = format!("called as a {} plugin", call.question.role().as_str());
            return Asked { outcome: Err(self.error(Fault::Contract(why))), used: Used::default() };
        }
        // First among its own calls, then among all: one plugin that hogs its time leaves the others' turns alone.
        let (Ok(own), Ok(_turn)) = (self.turns.take().await, self.sandbox.turns.acquire().await) else {
            return failed(Cause::Trap("the engine is stopping".into()));
        };
        let (plugin, long) = (Arc::clone(self), own.long.clone());
        let guests = &self.sandbox.guests;
        let asked = if own.is_trusted() && self.only_computes() {
            guests.spawn_unless_short(async move { plugin.run(&call, Meter::brief(), long).await }).await
        } else {
            guests.spawn(async move { plugin.run(&call, Meter::default(), long).await }).await
        };
        asked.unwrap_or_else(|_| failed(Cause::Trap("the engine is stopping".into())))
    }

    /// Whether nothing in it waits: WASI's functions may.
    fn only_computes(&self) -> bool {
        #[cfg(feature = "wasi")]
        return !wants_wasi(&self.about);
        #[cfg(not(feature = "wasi"))]
        true
    }

    async fn run(&self, call: &Arc<Call>, meter: Meter, long: Long) -> Asked {
        let limits = Limits { memory: call.limits.memory.min(MOST_MEMORY), ..call.limits };
        let mut store = self.store(
            CallState::new(limits, self.label.with(call), meter),
            &Told { now: call.context.now, seed: call.context.seed, grants: call.grants.clone() },
            Some(long),
        );
        let said = bounded(&mut store, async |store| self.put(store, call).await).await;
        let fuel =
            self.sandbox.counts_fuel.then(|| call.limits.fuel.unwrap_or(u64::MAX) - store.get_fuel().unwrap_or(0));
        let mut state = store.into_data();
        state.log_printed();
        let used = Used {
            time: state.meter.spent(),
            memory: state.held(),
            fuel,
            lines: state.logged(),
            grants: state.used_grants(),
        };
        self.turns.took(used.time);
        let outcome = match said {
            Ok(Ok(answer)) => match contract::check(&call.question, &answer) {
                Ok(()) => Ok(answer),
                Err(breach) => Err(self.error(Fault::Contract(breach))),
            },
            Ok(Err(said)) => Err(self.error(said.into())),
            Err(ended) => Err(self.error(ended.fault(state))),
        };
        Asked { outcome, used }
    }

    async fn put(&self, store: &mut Store<CallState>, call: &Call) -> Said {
        let ctx = &call.context;
        match (&self.pre, &call.question) {
            (Pre::Coach(pre), Question::Decide { request, person, pages, thread }) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                let coach = instance.wtaf_stage_coach();
                Ok(coach.call_decide(store, ctx, request, person, pages, thread).await?.map(Answer::Decision))
            }
            (Pre::Coach(pre), Question::Say { person, occasion }) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                Ok(instance.wtaf_stage_coach().call_say(store, ctx, person, occasion).await?.map(Answer::Words))
            }
            (Pre::Prompt(pre), Question::Compose { order, person, thread, material }) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                let prompt = instance.wtaf_stage_prompt();
                Ok(prompt.call_compose(store, ctx, order, person, thread, material).await?.map(Answer::Call))
            }
            (Pre::Extract(pre), Question::Extract { order, answer, finished }) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                let extract = instance.wtaf_stage_extract();
                Ok(extract.call_extract(store, ctx, order, answer, *finished).await?.map(Answer::Found))
            }
            (Pre::Slug(pre), Question::Propose { order, title, taken }) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                let slug = instance.wtaf_stage_slug();
                Ok(slug.call_propose(store, ctx, order, title.as_deref(), taken).await?.map(Answer::Names))
            }
            (Pre::Filter(pre), Question::Apply { content }) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                Ok(instance.wtaf_stage_filter().call_apply(store, ctx, content).await?.map(Answer::Content))
            }
            _ => Err(wasmtime::Error::msg("a question of another role")),
        }
    }

    fn stopped(&self, cause: Cause) -> PluginError {
        self.error(Fault::Trapped { cause, backtrace: Vec::new() })
    }

    #[cfg_attr(not(feature = "wasi"), expect(unused_variables, reason = "only WASI is told"))]
    fn store(
        &self,
        #[cfg_attr(not(feature = "wasi"), expect(unused_mut, reason = "only WASI adds to it"))] mut state: CallState,
        told: &Told,
        long: Option<Long>,
    ) -> Store<CallState> {
        let limits = state.limits;
        #[cfg(feature = "wasi")]
        if wants_wasi(&self.about) {
            state.wasi = Some(super::wasi::Closed::new(told.now, told.seed, &told.grants));
        }
        let mut store = Store::new(&self.sandbox.engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(limits.message);
        if self.sandbox.counts_fuel
            && let Err(error) = store.set_fuel(limits.fuel.unwrap_or(u64::MAX))
        {
            tracing::error!(%error, "fuel is not counted by this engine");
        }
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            let state = store.data();
            if state.meter.spent() > state.limits.deadline {
                return Ok(UpdateDeadline::Interrupt);
            }
            let long = long.clone().filter(|long| !long.is_held());
            Ok(UpdateDeadline::YieldCustom(
                1,
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    if let Some(long) = long {
                        long.take().await;
                    }
                }),
            ))
        });
        store
    }
}

/// What WASI's clock and chance are made of where they are not the true ones.
#[derive(Default)]
#[cfg_attr(not(feature = "wasi"), expect(dead_code, reason = "only WASI reads it"))]
struct Told {
    now: u64,
    seed: u64,
    grants: Grants,
}

impl Pre {
    async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<()> {
        match self {
            Self::Coach(pre) => pre.instantiate_async(store).await.map(drop),
            Self::Prompt(pre) => pre.instantiate_async(store).await.map(drop),
            Self::Extract(pre) => pre.instantiate_async(store).await.map(drop),
            Self::Slug(pre) => pre.instantiate_async(store).await.map(drop),
            Self::Filter(pre) => pre.instantiate_async(store).await.map(drop),
        }
    }
}

/// How a call ended that gave no answer.
enum Ended {
    Wall(Duration),
    Error(wasmtime::Error),
}

impl Ended {
    fn fault(self, state: CallState) -> Fault {
        match self {
            Self::Wall(wall) => Fault::Trapped { cause: Cause::Wall(wall), backtrace: Vec::new() },
            Self::Error(error) => fault_of(&error, state),
        }
    }
}

/// Why there is no instance.
enum Unstarted {
    Stopped(Fault),
    Unfit(String),
}

impl Unstarted {
    fn of(ended: Ended, state: CallState) -> Self {
        match ended {
            // What did not trap never ran: the host would not link it.
            Ended::Error(error) if state.stopped.is_none() && !error.is::<Trap>() => Self::Unfit(format!(
                "its functions are not those of its world: {}",
                plain::text(&format!("{error:#}"), 2_000)
            )),
            ended => Self::Stopped(ended.fault(state)),
        }
    }
}

/// Runs a guest with its time counted. Epochs do not interrupt the host's own code, and a busy machine may starve a call: a wall clock stands around it.
async fn bounded<T>(
    store: &mut Store<CallState>,
    run: impl AsyncFnOnce(&mut Store<CallState>) -> wasmtime::Result<T>,
) -> Result<T, Ended> {
    let (meter, deadline) = (store.data().meter.clone(), store.data().limits.deadline);
    let wall = deadline.saturating_mul(5).saturating_add(Duration::from_secs(1));
    match tokio::time::timeout(wall, metered(&meter, run(store))).await {
        Ok(said) => said.map_err(Ended::Error),
        Err(_) => Err(Ended::Wall(wall)),
    }
}

#[cfg(feature = "wasi")]
fn wants_wasi(about: &About) -> bool {
    about.imports.iter().any(|import| import.starts_with("wasi:"))
}

fn linker_for<'a>(
    sandbox: &'a Sandbox,
    name: &str,
    about: &About,
) -> Result<&'a wasmtime::component::Linker<CallState>, LoadError> {
    let with_wasi = cfg!(feature = "wasi");
    let granted = |import: &str| {
        import.starts_with("wtaf:stage/log@0.1.")
            || (with_wasi
                && ["cli", "clocks", "filesystem", "io", "random", "sockets"]
                    .iter()
                    .any(|part| import.strip_prefix("wasi:").is_some_and(|rest| rest.starts_with(&format!("{part}/"))))
                && import.contains("@0.2."))
    };
    let imports: Vec<String> = about.imports.iter().filter(|import| !granted(import)).cloned().collect();
    if !imports.is_empty() {
        return Err(LoadError::NotGranted { name: name.to_owned(), imports });
    }
    #[cfg(feature = "wasi")]
    if wants_wasi(about) {
        return Ok(&sandbox.with_wasi);
    }
    Ok(&sandbox.plain)
}

/// Counts the time the future spends being polled.
async fn metered<F: Future>(meter: &Meter, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        meter.begin();
        let polled = future.as_mut().poll(cx);
        meter.end();
        match polled {
            Poll::Ready(output) => Poll::Ready(output),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn fault_of(error: &wasmtime::Error, mut state: CallState) -> Fault {
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
    let cause = match (state.stopped.take(), error.downcast_ref::<Trap>()) {
        (Some(cause), _) => cause,
        (None, Some(Trap::Interrupt)) => Cause::Deadline(state.limits.deadline),
        (None, Some(Trap::StackOverflow)) => Cause::Stack,
        (None, Some(Trap::OutOfFuel)) => Cause::Fuel(state.limits.fuel.unwrap_or(u64::MAX)),
        // A panic ends in `unreachable`; anything else ended the call whatever was said before.
        (None, Some(trap @ Trap::UnreachableCodeReached)) => {
            state.last_words().map_or_else(|| Cause::Trap(trap.to_string()), Cause::Panic)
        }
        (None, Some(trap)) => Cause::Trap(trap.to_string()),
        (None, None) if format!("{error:#}").contains("fuel allocated for hostcalls") => {
            Cause::Message(state.limits.message)
        }
        (None, None) if has_exited(error) => Cause::Exit(state.last_words().unwrap_or_default()),
        (None, None) => Cause::Trap(plain::text(&error.root_cause().to_string(), 1_000).into_owned()),
    };
    Fault::Trapped { cause, backtrace }
}

/// Whether it ended itself by WASI's `exit`, as interpreters do where nobody catches an exception.
fn has_exited(error: &wasmtime::Error) -> bool {
    #[cfg(feature = "wasi")]
    return error.is::<wasmtime_wasi::I32Exit>();
    #[cfg(not(feature = "wasi"))]
    return {
        let _ = error;
        false
    };
}

/// What Rust does between a panic and its end.
const PLUMBING: [&str; 4] = ["core::panicking", "std::panicking", "std::sys::backtrace", "__rustc::"];

/// The guest's own functions, innermost first; the runtime's plumbing is left out.
fn frames(backtrace: &WasmBacktrace) -> Vec<String> {
    backtrace
        .frames()
        .iter()
        .map(|frame| match frame.func_name() {
            Some(name) => readable(name),
            None => format!("function {}", frame.func_index()),
        })
        .filter(|name| !PLUMBING.iter().any(|part| name.starts_with(part)))
        .take(12)
        .collect()
}

/// Rust's mangled names, readable, without the hash nobody wants to read.
fn readable(name: &str) -> String {
    plain::line(&format!("{:#}", rustc_demangle::demangle(plain::clip(name, 1_000))), 160).into_owned()
}
