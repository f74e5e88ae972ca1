//! What one call may use.

use std::time::Duration;

use crate::config::{Pipeline, Plugins, Stage};

/// What one call may use. Each is a trap with its cause in words when it is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, all memories of the instance together.
    pub memory: usize,
    /// Processor time; waiting for a turn does not count.
    pub deadline: Duration,
    /// Instructions, where someone asks for a limit in them.
    pub fuel: Option<u64>,
    /// Bytes taken in or given back.
    pub message: usize,
    /// Lines a call may log; what comes after is counted and dropped.
    pub log_lines: u32,
    /// Bytes of one logged line.
    pub log_line: usize,
}

impl Limits {
    /// The stage's overrides over what `[plugins]` says.
    pub fn of(plugins: &Plugins, stage: &Stage) -> Self {
        Self {
            memory: usize::try_from(stage.memory.unwrap_or(plugins.memory)).unwrap_or(usize::MAX),
            deadline: stage.deadline.unwrap_or(plugins.deadline),
            fuel: stage.fuel.or(plugins.fuel),
            message: usize::try_from(stage.message.unwrap_or(plugins.message)).unwrap_or(usize::MAX),
            ..Self::default()
        }
    }
}

/// Whether a pipeline asks for a limit in fuel anywhere.
pub(super) fn counts_fuel(pipeline: &Pipeline) -> bool {
    pipeline.plugins.fuel.is_some() || pipeline.stages.iter().any(|stage| stage.fuel.is_some())
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            deadline: Duration::from_secs(2),
            fuel: None,
            message: 8 << 20,
            log_lines: 100,
            log_line: 1_000,
        }
    }
}
