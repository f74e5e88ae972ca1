//! The value that moves along: a job, its ids, who asked, its story so far.
//!
//! Plain data that queue, store, engine and web share. It knows none of them, does no I/O, and reads as JSON that a person can `cat`.

mod asker;
mod id;
pub mod mask;
mod progress;
pub mod reserved;
mod story;
mod time;

pub use asker::{Asker, GuestKey, NotAPhone, Phone};
pub use id::{JobId, JobIds};
pub use progress::{AiAnswer, Decided, Finish, ForPerson, Order, Progress, Published, SavedDraft};
pub use story::{AiUse, JobError, Paid, StageRecord, Status};
pub use time::{LONGEST_WAIT, Millis};

use serde::{Deserialize, Serialize};

/// Where a request came in. An interface adds one of these and a sink, no stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A text, through the webhook.
    Sms,
    /// The web chat.
    Web,
    /// A file dropped into the queue's folder.
    File,
}

impl Source {
    /// The word plugins, logs and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Web => "web",
            Self::File => "file",
        }
    }
}

/// Something that came with a request and is fetched only when a stage wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where the provider keeps it.
    pub url: String,
    /// Such as `image/jpeg`.
    pub media_type: String,
}

/// What was asked, exactly as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where it came in.
    pub source: Source,
    /// Who asks.
    pub asker: Asker,
    /// The words, UTF-8, line breaks kept.
    pub text: String,
    /// What came with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// What makes a second delivery of the same request recognisable: Twilio's `MessageSid`, or the idempotency key of a web client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Twilio's `OptOutType`: the carrier has already answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<String>,
    /// A coach named outside the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coach: Option<String>,
    /// A person's slug named outside the text, by a dropped file (`USER_SLUG:`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_slug: Option<String>,
}

/// The version of the job's JSON, named so that a later engine can read an earlier engine's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Format {
    /// The first.
    #[default]
    #[serde(rename = "wtaf-job-1")]
    V1,
}

/// One request on its way through the stages, with everything needed to go on after a crash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The version of this JSON.
    pub format: Format,
    /// Its id; also what lets one watch it.
    pub id: JobId,
    /// Where it stands.
    pub status: Status,
    /// What was asked.
    pub request: Request,
    /// When it was accepted; plugins see this as `now`, so that a replay sees it too.
    pub created_at: Millis,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Millis>,
    /// Tries so far that ended in a failure worth another; a crash or a shutdown uses none up.
    #[serde(default)]
    pub attempts: u32,
    /// Not before this time (a retry that waits).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Millis>,
    /// Chance for the plugins, fixed for the job.
    pub seed: u64,
    /// The generation it began on, and ends on, whatever is swapped meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// What has been made so far, in order: the checkpoints.
    #[serde(default)]
    pub progress: Progress,
    /// What each stage did, for the story.
    #[serde(default)]
    pub stages: Vec<StageRecord>,
    /// Which AI answered and what it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai: Option<AiUse>,
    /// Why it failed or was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    /// What this worker's hold on it is worth, where several share the work; never written down.
    #[serde(skip)]
    pub hold: Option<Hold>,
}

/// A worker's hold on a job, where another may take the job over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Higher each time the job is taken up: what is done for it under a lower one comes too late.
    pub fence: u64,
    /// How often it was taken up since it was last ended or given back: more than once means that a worker was lost over it.
    pub taken: u32,
}

impl Job {
    /// A fresh job for a request.
    pub fn new(id: JobId, request: Request, now: Millis) -> Self {
        Self {
            format: Format::V1,
            id,
            status: Status::Queued,
            request,
            created_at: now,
            finished_at: None,
            attempts: 0,
            not_before: None,
            seed: rand::random(),
            generation: None,
            progress: Progress::default(),
            stages: Vec::new(),
            ai: None,
            error: None,
            hold: None,
        }
    }
}
