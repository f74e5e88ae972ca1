//! What a call carries while it runs: its limits, its log, its clock.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use wasmtime::{ResourceLimiter, component::HasSelf};

use super::{
    Limits, Plugin, bindings,
    fault::Cause,
    plain,
    sandbox::{MOST_ENTRIES, MOST_INSTANCES, MOST_MEMORIES, MOST_TABLES},
};

/// Processor time of a call: what its thread got while its future was polled. Time in which a busy machine let others run is no fault of the guest's.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Metered>>);

#[derive(Debug, Default)]
struct Metered {
    spent: Duration,
    /// The thread's own clock then. A poll begins, asks and ends on one thread.
    poll_began: Option<Duration>,
}

impl Meter {
    /// A poll begins.
    pub fn begin(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_began = Some(thread_time());
    }

    /// A poll ends.
    pub fn end(&self) {
        let mut metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(began) = metered.poll_began.take() {
            metered.spent += thread_time().saturating_sub(began);
        }
    }

    /// So far, the running poll included.
    pub fn spent(&self) -> Duration {
        let metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        metered.spent + metered.poll_began.map(|began| thread_time().saturating_sub(began)).unwrap_or_default()
    }
}

/// Processor time of this thread so far.
fn thread_time() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Whom a call is for: every line it logs carries it.
#[derive(Debug, Clone)]
pub struct CallLabel {
    /// The job's id.
    pub job: String,
    /// The stage's name.
    pub stage: String,
    /// The plugin's name.
    pub plugin: String,
    /// The component's digest, shortened.
    pub digest: String,
}

impl CallLabel {
    /// A call of a plugin.
    pub fn of(plugin: &Plugin, job: &str, stage: &str) -> Self {
        Self {
            job: job.to_owned(),
            stage: stage.to_owned(),
            plugin: plugin.name.clone(),
            digest: plugin.digest[..12].to_owned(),
        }
    }
}

/// The store's data.
pub struct CallState {
    pub(super) limits: Limits,
    pub(super) meter: Meter,
    /// Set when a limit stopped the call: the trap itself cannot say.
    pub(super) stopped: Option<Cause>,
    /// The guest's own words when it panicked.
    pub(super) panic: Option<String>,
    label: CallLabel,
    logged: u32,
    /// Bytes of every memory and table, as last grown: a limit is for all of them together.
    held: usize,
    #[cfg(feature = "wasi")]
    pub(super) wasi: Option<super::wasi::Closed>,
}

impl CallState {
    /// For one call.
    pub fn new(limits: Limits, label: CallLabel) -> Self {
        Self {
            limits,
            meter: Meter::default(),
            stopped: None,
            panic: None,
            label,
            logged: 0,
            held: 0,
            #[cfg(feature = "wasi")]
            wasi: None,
        }
    }
}

impl CallState {
    /// Takes so much more, or says why not; what does not fit ends the call, or a guest would die of it with the cause lost.
    fn grow(&mut self, bytes: usize) -> wasmtime::Result<bool> {
        let wanted = self.held.saturating_add(bytes);
        if wanted > self.limits.memory {
            let cause = Cause::Memory { wanted, allowed: self.limits.memory };
            let error = wasmtime::Error::msg(cause.to_string());
            self.stopped = Some(cause);
            return Err(error);
        }
        self.held = wanted;
        Ok(true)
    }

    /// Bytes of memory, all memories and tables together.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Lines logged so far.
    pub fn logged(&self) -> u32 {
        self.logged
    }

    /// What it said before it failed: its panic, else the end of what it printed.
    pub fn last_words(&self) -> Option<String> {
        self.panic.clone().or_else(|| self.printed())
    }

    /// Puts into its log what it printed, as one line of the log.
    pub fn log_printed(&mut self) {
        if let Some(words) = self.printed() {
            bindings::log::Host::log(self, bindings::log::Level::Warn, format!("printed: {words}"));
        }
    }

    fn printed(&self) -> Option<String> {
        #[cfg(feature = "wasi")]
        return self.wasi.as_ref().and_then(super::wasi::Closed::printed);
        #[cfg(not(feature = "wasi"))]
        None
    }

    /// The grants it has made use of.
    pub fn used_grants(&self) -> Vec<String> {
        #[cfg(feature = "wasi")]
        return self.wasi.as_ref().map(super::wasi::Closed::used).unwrap_or_default();
        #[cfg(not(feature = "wasi"))]
        Vec::new()
    }
}

impl CallState {
    fn drop_line(&self) {
        if self.logged == self.limits.log_lines.saturating_add(1) {
            tracing::warn!(job = %self.label.job, stage = %self.label.stage, plugin = %self.label.plugin, digest = %self.label.digest, "plugin logs too much: the rest of this call's lines are dropped");
        }
    }
}

impl ResourceLimiter for CallState {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // The standard's own answer: the guest is told that the table did not grow.
        if desired > MOST_ENTRIES {
            return Ok(false);
        }
        self.grow(desired.saturating_sub(current).saturating_mul(size_of::<usize>()))
    }

    // What the pool has room for, also where there is no pool.
    fn instances(&self) -> usize {
        MOST_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        MOST_MEMORIES as usize
    }

    fn tables(&self) -> usize {
        MOST_TABLES as usize
    }
}

/// Rust's own words for a panic, `place:` and then the message, with what matters first.
fn panic_in_short(words: &str) -> String {
    match words.split_once(":\n") {
        Some((place, message)) => format!("{message} (at {place})"),
        None => words.to_owned(),
    }
}

/// How the generated code finds the state.
pub type Host = HasSelf<CallState>;

impl bindings::types::Host for CallState {}

impl bindings::log::Host for CallState {
    fn log(&mut self, level: bindings::log::Level, message: String) {
        use bindings::log::Level;

        self.logged = self.logged.saturating_add(1);
        if self.logged > self.limits.log_lines && !matches!(level, Level::Error) {
            return self.drop_line();
        }
        let line = plain::text(&message, self.limits.log_line);
        if matches!(level, Level::Error)
            && let Some(words) = line.strip_prefix("panicked at ")
        {
            self.panic = Some(panic_in_short(words));
        }
        if self.logged > self.limits.log_lines {
            return self.drop_line();
        }
        macro_rules! forward {
            ($level:ident) => {
                tracing::$level!(target: "wtaf_host::guest", job = %self.label.job, stage = %self.label.stage, plugin = %self.label.plugin, digest = %self.label.digest, "{line}")
            };
        }
        match level {
            Level::Trace => forward!(trace),
            Level::Debug => forward!(debug),
            Level::Info => forward!(info),
            Level::Warn => forward!(warn),
            Level::Error => forward!(error),
        }
    }
}
