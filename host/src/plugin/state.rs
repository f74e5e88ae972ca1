//! What a call carries while it runs: its limits, its log, its clock.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use wasmtime::{ResourceLimiter, component::HasSelf};

use super::{
    Call, Limits, bindings,
    fault::Cause,
    plain,
    sandbox::{MOST_ENTRIES, MOST_INSTANCES, MOST_MEMORIES, MOST_TABLES},
    ticker::TICK,
};

/// Processor time of a call: what its thread got while its future was polled. Time in which a busy machine let others run is no fault of the guest's.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Metered>>);

#[derive(Debug, Default)]
struct Metered {
    spent: Duration,
    /// Whether the next poll is the one on the caller's own thread, which ends within a tick.
    brief: bool,
    /// The running poll.
    poll: Option<Poll>,
}

/// What a poll began with. It begins, asks and ends on one thread.
#[derive(Debug, Clone, Copy)]
enum Poll {
    /// The thread's own clock then.
    Exact(Duration),
    /// The time then: the thread's own clock is a system call, a tenth of what a short call costs.
    Brief(Instant),
}

impl Poll {
    fn spent(self) -> Duration {
        match self {
            Self::Exact(began) => thread_time().saturating_sub(began),
            // Longer than a tick it was only if others had the processor.
            Self::Brief(began) => began.elapsed().min(TICK),
        }
    }
}

impl Meter {
    /// For a call whose first poll is over within a tick.
    pub fn brief() -> Self {
        Self(Arc::new(Mutex::new(Metered { brief: true, ..Metered::default() })))
    }

    /// A poll begins.
    pub fn begin(&self) {
        let mut metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let brief = std::mem::take(&mut metered.brief);
        metered.poll = Some(if brief { Poll::Brief(Instant::now()) } else { Poll::Exact(thread_time()) });
    }

    /// A poll ends.
    pub fn end(&self) {
        let mut metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(poll) = metered.poll.take() {
            metered.spent += poll.spent();
        }
    }

    /// So far, the running poll included.
    pub fn spent(&self) -> Duration {
        let metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        metered.spent + metered.poll.map(Poll::spent).unwrap_or_default()
    }
}

/// Processor time of this thread so far.
fn thread_time() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Whom a call is for: every line it logs carries it.
#[derive(Clone)]
pub struct CallLabel {
    plugin: Arc<str>,
    /// The component's digest, shortened.
    digest: Arc<str>,
    /// Without one it is only started.
    call: Option<Arc<Call>>,
}

impl CallLabel {
    /// Of no call yet.
    pub fn of(plugin: &str, digest: &str) -> Self {
        Self { plugin: plugin.into(), digest: plain::clip(digest, 12).into(), call: None }
    }

    /// Of a call.
    pub fn with(&self, call: &Arc<Call>) -> Self {
        Self { call: Some(Arc::clone(call)), ..self.clone() }
    }

    /// The job's id.
    fn job(&self) -> &str {
        self.call.as_ref().map_or("", |call| &call.context.job)
    }

    /// The stage's name.
    fn stage(&self) -> &str {
        self.call.as_ref().map_or("", |call| &call.stage)
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
    pub fn new(limits: Limits, label: CallLabel, meter: Meter) -> Self {
        Self {
            limits,
            meter,
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
            tracing::warn!(job = %self.label.job(), stage = %self.label.stage(), plugin = %self.label.plugin, digest = %self.label.digest, "plugin logs too much: the rest of this call's lines are dropped");
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
                tracing::$level!(target: "wtaf_host::guest", job = %self.label.job(), stage = %self.label.stage(), plugin = %self.label.plugin, digest = %self.label.digest, "{line}")
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
