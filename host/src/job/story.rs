//! What happened to a job, for those who ask: its status, what each stage did, what it cost, why it failed.

use serde::{Deserialize, Serialize};

use super::Millis;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Accepted, not taken up.
    Queued,
    /// In the stages.
    Running,
    /// Page live, or reply given, or silent with a reason on record.
    Done,
    /// Gave up; the person was told. `jobs retry` brings it back.
    Failed,
    /// Not done by rule (a limit, a filter's no); the person was told why.
    Refused,
}

impl Status {
    /// Whether nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Refused)
    }

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// One run of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// The stage's name in pipeline.toml.
    pub name: String,
    /// The plugin, where the stage is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The plugin's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the component, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When it began.
    pub at: Millis,
    /// How long it took, milliseconds with a fraction.
    pub ms: f64,
    /// The job's try, from 1.
    pub attempt: u32,
    /// `ok`, `skipped`, or what went wrong in one line.
    pub outcome: String,
}

/// Which AI answered, and what it took. Several calls of one job are added up; the model is the last one's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AiUse {
    /// The provider's name in pipeline.toml.
    pub provider: String,
    /// As the provider names it.
    pub model: String,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// US dollars, where the price is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Calls paid for.
    #[serde(default)]
    pub calls: u32,
    /// What each call with a price cost, in order, so that each is booked once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paid: Vec<Paid>,
}

/// What one call cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paid {
    /// The provider's name in pipeline.toml.
    pub provider: String,
    /// US dollars.
    pub cost: f64,
}

/// Why a job failed or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// Stable, for scripts: `ai-unavailable`, `no-page`, `plugin`, `limit`, `refused`, `store`…
    pub code: String,
    /// For the operator: what, where, why.
    pub message: String,
}
