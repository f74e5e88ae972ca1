//! What can go wrong in a call, by what the engine does about it.

use std::time::Duration;

use super::{bindings::types::StageError, plain};
use crate::config::Role;

/// A call that gave no answer, and whose it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin} {version} ({role}, {digest:.12}): {fault}", role = .role.as_str())]
pub struct PluginError {
    /// Its name in pipeline.toml.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// Its role.
    pub role: Role,
    /// What went wrong.
    pub fault: Fault,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It will not do it, in words for the person.
    #[error("refused: {0}")]
    Refused(String),
    /// It says that its input breaks the contract: a fault of the stage before.
    #[error("says its input is bad: {0}")]
    BadInput(String),
    /// It says that it failed.
    #[error("says it failed: {0}")]
    Internal(String),
    /// What it answered breaks the contract.
    #[error("broke the contract: {0}")]
    Contract(String),
    /// It was stopped.
    #[error("{cause}{}", trace(.backtrace))]
    Trapped {
        /// Why.
        cause: Cause,
        /// Function names, innermost first.
        backtrace: Vec<String>,
    },
}

impl Fault {
    /// One word, for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::BadInput(_) => "bad-input",
            Self::Internal(_) => "internal",
            Self::Contract(_) => "contract",
            Self::Trapped { cause, .. } => match cause {
                Cause::Deadline(_) | Cause::Wall(_) | Cause::Fuel(_) => "too-long",
                Cause::Memory { .. } | Cause::Stack | Cause::Message(_) => "too-much",
                Cause::Panic(_) | Cause::Exit(_) | Cause::Trap(_) => "trapped",
            },
        }
    }
}

fn trace(frames: &[String]) -> String {
    if frames.is_empty() { String::new() } else { format!("\n  in {}", frames.join("\n  in ")) }
}

/// Bytes of what a plugin may say of its own failure; a job's story holds it.
const LONGEST: usize = 2_000;

impl From<StageError> for Fault {
    fn from(error: StageError) -> Self {
        let short = |words: String| plain::text(&words, LONGEST).into_owned();
        match error {
            StageError::BadInput(why) => Self::BadInput(short(why)),
            StageError::Refused(words) => Self::Refused(short(words)),
            StageError::Internal(why) => Self::Internal(short(why)),
        }
    }
}

/// Why a call was stopped, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Too much processor time.
    #[error("stopped after {} ms of processor time, its deadline", .0.as_millis())]
    Deadline(Duration),
    /// Too many instructions.
    #[error("stopped after {0} units of fuel, its limit")]
    Fuel(u64),
    /// Too long on the wall clock, in the host or waiting for a turn.
    #[error("stopped after {} ms on the wall clock", .0.as_millis())]
    Wall(Duration),
    /// Too much memory.
    #[error("wanted {wanted} bytes of memory, {allowed} are allowed")]
    Memory {
        /// What it would have had.
        wanted: usize,
        /// The limit.
        allowed: usize,
    },
    /// Too deep a recursion.
    #[error("recursed too deep: its stack is full")]
    Stack,
    /// It panicked, and this is what it said.
    #[error("panicked: {0}")]
    Panic(String),
    /// It ended itself, and this is the end of what it printed.
    #[error("ended itself{}", if .0.is_empty() { String::new() } else { format!(": {}", .0) })]
    Exit(String),
    /// It took in or gave back too much.
    #[error("passed more than {0} bytes in one call")]
    Message(usize),
    /// Anything else the sandbox stops.
    #[error("trapped: {0}")]
    Trap(String),
}
