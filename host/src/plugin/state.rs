//! What a call carries while it runs: its limits, its log, its clock.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use wasmtime::{ResourceLimiter, component::HasSelf};

use super::{Limits, bindings, fault::Cause};

/// Processor time of a call: the time its future spends being polled.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Metered>>);

#[derive(Debug, Default)]
struct Metered {
    spent: Duration,
    poll_began: Option<Instant>,
}

impl Meter {
    /// A poll begins.
    pub fn begin(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_began = Some(Instant::now());
    }

    /// A poll ends.
    pub fn end(&self) {
        let mut metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(began) = metered.poll_began.take() {
            metered.spent += began.elapsed();
        }
    }

    /// So far, the running poll included.
    pub fn spent(&self) -> Duration {
        let metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        metered.spent + metered.poll_began.map(|began| began.elapsed()).unwrap_or_default()
    }
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
    /// Bytes by memory, as last grown: a limit is for all of them together.
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
    /// Bytes of memory, all memories together.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Lines logged so far.
    pub fn logged(&self) -> u32 {
        self.logged
    }

    /// The grants it has made use of.
    pub fn used_grants(&self) -> Vec<String> {
        #[cfg(feature = "wasi")]
        return self.wasi.as_ref().map(super::wasi::Closed::used).unwrap_or_default();
        #[cfg(not(feature = "wasi"))]
        Vec::new()
    }
}

impl ResourceLimiter for CallState {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.held.saturating_add(desired.saturating_sub(current));
        if wanted > self.limits.memory {
            let cause = Cause::Memory { wanted, allowed: self.limits.memory };
            let error = wasmtime::Error::msg(cause.to_string());
            self.stopped = Some(cause);
            return Err(error);
        }
        self.held = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 100_000)
    }
}

/// How the generated code finds the state.
pub type Host = HasSelf<CallState>;

impl bindings::types::Host for CallState {}

impl bindings::log::Host for CallState {
    fn log(&mut self, level: bindings::log::Level, message: String) {
        use bindings::log::Level;

        self.logged += 1;
        let line = clip(&message, self.limits.log_line);
        if matches!(level, Level::Error) && line.starts_with("panicked at") {
            self.panic = Some(line.to_owned());
        }
        if self.logged > self.limits.log_lines {
            if self.logged == self.limits.log_lines + 1 {
                tracing::warn!(job = %self.label.job, stage = %self.label.stage, plugin = %self.label.plugin, digest = %self.label.digest, "plugin logs too much: the rest of this call's lines are dropped");
            }
            return;
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

fn clip(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
