//! What can go wrong with a job, by what happens next.

use std::time::Duration;

use crate::{
    adapter::{ai::Unanswered, queue::QueueError, store::StoreError},
    plugin::{Cause, Fault, PluginError},
};

/// Why a job did not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not done by rule; the person is told these words and nothing is tried again.
    #[error("{code}: refused")]
    Refused {
        /// Stable.
        code: &'static str,
        /// For the person.
        words: String,
    },
    /// Worth another try, which uses up an attempt.
    #[error("{code}: {why}")]
    Retry {
        /// Stable.
        code: &'static str,
        /// For the operator.
        why: String,
        /// Not before.
        after: Option<Duration>,
    },
    /// Another try would end the same.
    #[error("{code}: {why}")]
    Final {
        /// Stable.
        code: &'static str,
        /// For the operator.
        why: String,
    },
    /// A plugin gave no answer, or none that keeps the contract. On the version before it may have.
    #[error("plugin: {0}")]
    Plugin(Box<PluginError>),
    /// The answer holds no page, says the extract plugin. On the version before it may have.
    #[error("no-page: {why}")]
    NoPage {
        /// For the person and the operator.
        why: String,
        /// The stage whose answer may be asked for once more: the same question often gets another one.
        ask_again: Option<String>,
    },
    /// Another worker has the job by now: nothing more is done for it here.
    #[error("another worker has the job by now")]
    Lost,
    /// The store answers other engines and not this one: the job goes on there, no attempt used.
    #[error("the store answers other engines and not this one")]
    CutOff,
    /// The engine is stopping: the job goes on at the next start, no attempt used.
    #[error("the engine is stopping")]
    Stopping,
}

impl Failure {
    /// Another try would end the same.
    pub fn last(code: &'static str, why: impl Into<String>) -> Self {
        Self::Final { code, why: why.into() }
    }

    /// One word for traces: it tells failures apart, and holds nobody's words.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } | Self::Retry { code, .. } | Self::Final { code, .. } => code,
            Self::Plugin(error) => error.fault.word(),
            Self::NoPage { .. } => "no-page",
            Self::Stopping => "stopping",
            Self::CutOff => "cut-off",
            Self::Lost => "lost",
        }
    }

    /// Whether another version of a plugin may do better with the very same job.
    pub fn stems_from_plugins(&self) -> bool {
        matches!(self, Self::Plugin(_) | Self::NoPage { .. })
    }

    /// The plugin that failed.
    pub fn plugin(&self) -> Option<&PluginError> {
        match self {
            Self::Plugin(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        match &error.fault {
            Fault::Refused(words) => Self::Refused { code: "refused", words: words.clone() },
            _ => Self::Plugin(Box::new(error)),
        }
    }
}

/// A call is pure: only what depends on the machine's load is worth another try on the same version.
pub(super) fn depends_on_load(error: &PluginError) -> bool {
    matches!(error.fault, Fault::Trapped { cause: Cause::Deadline(_) | Cause::Wall(_), .. })
}

impl From<Unanswered> for Failure {
    fn from(error: Unanswered) -> Self {
        match error.after {
            Some(after) => Self::Retry { code: "ai-unavailable", why: error.to_string(), after: Some(after) },
            // No waiting helps: a key, a credit or a model has to be mended first, and then `jobs retry` brings the job back.
            None => Self::Final { code: "ai-unavailable", why: error.to_string() },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Retry { code: "store", why: error.to_string(), after: None },
            StoreError::Refused(_) => Self::Final { code: "store", why: error.to_string() },
            StoreError::Fenced(_) => Self::Lost,
        }
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Lost(_) => Self::Lost,
            QueueError::TooBig { .. } => Self::Final { code: "too-big", why: error.to_string() },
            _ => Self::Retry { code: "queue", why: error.to_string(), after: None },
        }
    }
}
