//! A plugin ready to be called: compiled, linked, its exports checked. One fresh instance a call, so nothing leaks from one person's job to the next.

use std::{future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use sha2::{Digest, Sha256};
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace, component::Component};

use super::{
    About, Cause, Fault, Limits, NotAPlugin, PluginError, Sandbox,
    bindings::{coach, extract, filter, prompt, types, worlds},
    inspect,
    sandbox::MOST_MEMORY,
    state::{CallLabel, CallState, Meter},
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
    #[error("{name} imports {}, which it is not granted: a plugin may import wtaf:stage/log, and WASI with nothing behind it", .imports.join(", "))]
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
}

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
    pre: Pre,
    sandbox: Arc<Sandbox>,
}

/// What a call is for, and what it may use.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The stage's name.
    pub stage: &'a str,
    /// What it may use.
    pub limits: Limits,
    /// What the plugin is told.
    pub context: types::Context,
}

type Answer<T> = wasmtime::Result<Result<T, types::StageError>>;

impl Plugin {
    /// Compiles and links a component. Takes tens of milliseconds for a Rust plugin, seconds for one with an interpreter inside: call it off the async threads.
    pub fn load(sandbox: &Arc<Sandbox>, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let about = inspect::about(bytes).map_err(|why| LoadError::NotAPlugin { name: name.to_owned(), why })?;
        let linker = linker_for(sandbox, name, &about)?;
        let unfit = |error: wasmtime::Error| LoadError::Unfit { name: name.to_owned(), why: format!("{error:#}") };
        let component = Component::from_binary(&sandbox.engine, bytes).map_err(unfit)?;
        let instance = linker.instantiate_pre(&component).map_err(unfit)?;
        let pre = match about.role {
            Role::Coach => Pre::Coach(worlds::coach::CoachPluginPre::new(instance).map_err(unfit)?),
            Role::Prompt => Pre::Prompt(worlds::prompt::PromptPluginPre::new(instance).map_err(unfit)?),
            Role::Extract => Pre::Extract(worlds::extract::ExtractPluginPre::new(instance).map_err(unfit)?),
            Role::Slug => Pre::Slug(worlds::slug::SlugPluginPre::new(instance).map_err(unfit)?),
            Role::Filter => Pre::Filter(worlds::filter::FilterPluginPre::new(instance).map_err(unfit)?),
        };
        let digest = hex::encode(Sha256::digest(bytes));
        Ok(Self { name: name.to_owned(), about, digest, pre, sandbox: Arc::clone(sandbox) })
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

    /// What to do with a request (`coach.decide`).
    pub async fn decide(
        &self,
        call: Call<'_>,
        request: &types::Request,
        person: &types::Person,
        pages: &[types::PageSummary],
        thread: &[types::Turn],
    ) -> Result<coach::Decision, PluginError> {
        let Pre::Coach(pre) = &self.pre else { return Err(self.wrong_role(Role::Coach)) };
        let context = &call.context;
        self.run(&call, async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.wtaf_stage_coach().call_decide(store, context, request, person, pages, thread).await
        })
        .await
    }

    /// The words for an occasion (`coach.say`).
    pub async fn say(
        &self,
        call: Call<'_>,
        person: &types::Person,
        occasion: &coach::Occasion,
    ) -> Result<Option<String>, PluginError> {
        let Pre::Coach(pre) = &self.pre else { return Err(self.wrong_role(Role::Coach)) };
        let context = &call.context;
        self.run(&call, async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.wtaf_stage_coach().call_say(store, context, person, occasion).await
        })
        .await
    }

    /// The AI call for an order (`prompt.compose`).
    pub async fn compose(
        &self,
        call: Call<'_>,
        order: &types::Order,
        person: &types::Person,
        thread: &[types::Turn],
        material: &types::Extra,
    ) -> Result<prompt::AiCall, PluginError> {
        let Pre::Prompt(pre) = &self.pre else { return Err(self.wrong_role(Role::Prompt)) };
        let context = &call.context;
        self.run(&call, async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.wtaf_stage_prompt().call_compose(store, context, order, person, thread, material).await
        })
        .await
    }

    /// What an answer holds (`extract.extract`).
    pub async fn extract(
        &self,
        call: Call<'_>,
        order: &types::Order,
        answer: &str,
        finished: bool,
    ) -> Result<extract::Found, PluginError> {
        let Pre::Extract(pre) = &self.pre else { return Err(self.wrong_role(Role::Extract)) };
        let context = &call.context;
        self.run(&call, async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.wtaf_stage_extract().call_extract(store, context, order, answer, finished).await
        })
        .await
    }

    /// Names for a page (`slug.propose`).
    pub async fn propose(
        &self,
        call: Call<'_>,
        order: &types::Order,
        title: Option<&str>,
        taken: &[String],
    ) -> Result<Vec<String>, PluginError> {
        let Pre::Slug(pre) = &self.pre else { return Err(self.wrong_role(Role::Slug)) };
        let context = &call.context;
        self.run(&call, async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.wtaf_stage_slug().call_propose(store, context, order, title, taken).await
        })
        .await
    }

    /// What passes, changed or not (`filter.apply`).
    pub async fn apply(&self, call: Call<'_>, content: &filter::Content) -> Result<filter::Content, PluginError> {
        let Pre::Filter(pre) = &self.pre else { return Err(self.wrong_role(Role::Filter)) };
        let context = &call.context;
        let applied = self
            .run(&call, async |store| {
                let instance = pre.instantiate_async(&mut *store).await?;
                instance.wtaf_stage_filter().call_apply(store, context, content).await
            })
            .await?;
        let same_case = std::mem::discriminant(&applied) == std::mem::discriminant(content);
        if same_case {
            Ok(applied)
        } else {
            Err(self.error(Fault::Contract("a filter gives back the case it was given".into())))
        }
    }

    fn wrong_role(&self, wanted: Role) -> PluginError {
        self.error(Fault::Contract(format!("called as a {} plugin", wanted.as_str())))
    }

    async fn run<T>(
        &self,
        call: &Call<'_>,
        body: impl AsyncFnOnce(&mut Store<CallState>) -> Answer<T>,
    ) -> Result<T, PluginError> {
        let _turn = self
            .sandbox
            .turns
            .acquire()
            .await
            .map_err(|_| self.stopped(Cause::Trap("the engine is stopping".into())))?;
        let mut store = self.store_for(call);
        let meter = store.data().meter.clone();
        // Epochs do not interrupt the host's own code, and a busy machine may starve a call: a wall clock stands around it.
        let wall = call.limits.deadline * 5 + Duration::from_secs(1);
        let answered = tokio::time::timeout(wall, metered(&meter, body(&mut store))).await;
        match answered {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(said))) => Err(self.error(said.into())),
            Ok(Err(error)) => Err(self.error(fault_of(&error, store.into_data()))),
            Err(_) => Err(self.stopped(Cause::Wall(wall))),
        }
    }

    fn stopped(&self, cause: Cause) -> PluginError {
        self.error(Fault::Trapped { cause, backtrace: Vec::new() })
    }

    fn store_for(&self, call: &Call<'_>) -> Store<CallState> {
        let limits = Limits { memory: call.limits.memory.min(MOST_MEMORY), ..call.limits };
        let label = CallLabel {
            job: call.context.job.clone(),
            stage: call.stage.to_owned(),
            plugin: self.name.clone(),
            digest: self.digest[..12].to_owned(),
        };
        #[cfg_attr(not(feature = "wasi"), expect(unused_mut, reason = "only WASI adds to it"))]
        let mut state = CallState::new(limits, label);
        #[cfg(feature = "wasi")]
        if wants_wasi(&self.about) {
            state.wasi = Some(super::wasi::Closed::new(call.context.now, call.context.seed));
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
        store.epoch_deadline_callback(|store| {
            let state = store.data();
            if state.meter.spent() <= state.limits.deadline {
                return Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())));
            }
            Ok(UpdateDeadline::Interrupt)
        });
        store
    }
}

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
                    .any(|part| import.strip_prefix("wasi:").is_some_and(|rest| rest.starts_with(&format!("{part}/")))))
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

fn fault_of(error: &wasmtime::Error, state: CallState) -> Fault {
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
    let cause =
        state.stopped.or_else(|| state.panic.map(Cause::Panic)).unwrap_or_else(|| match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Cause::Deadline(state.limits.deadline),
            Some(Trap::StackOverflow) => Cause::Stack,
            Some(Trap::OutOfFuel) => Cause::Fuel(state.limits.fuel.unwrap_or(u64::MAX)),
            Some(trap) => Cause::Trap(trap.to_string()),
            None if format!("{error:#}").contains("fuel allocated for hostcalls") => {
                Cause::Message(state.limits.message)
            }
            None => Cause::Trap(format!("{:#}", error.root_cause())),
        });
    Fault::Trapped { cause, backtrace }
}

/// The guest's own functions, innermost first; the runtime's plumbing is left out.
fn frames(backtrace: &WasmBacktrace) -> Vec<String> {
    backtrace
        .frames()
        .iter()
        .map(|frame| match frame.func_name() {
            Some(name) => readable(name),
            None => format!("function {}", frame.func_index()),
        })
        .filter(|name| !name.starts_with("core::panicking") && !name.starts_with("std::panicking"))
        .take(12)
        .collect()
}

/// Rust's mangled names, readable, without the hash nobody wants to read.
fn readable(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}
