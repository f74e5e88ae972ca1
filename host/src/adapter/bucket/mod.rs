//! The bucket that plugins come from: components by digest, what is in force of each plugin, and what the nodes say of themselves.
//!
//! It is shared and may be written by others: every component is checked against its digest, every value read into what can do no harm. It decides nothing, and
//! what it holds is trusted no more than a file someone dropped.

mod nats;
mod report;
mod standing;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use ulid::Ulid;

use crate::job::Millis;

pub use self::{
    nats::NatsBucket,
    report::{Counts, Report, Tally},
    standing::{Gone, How, Placed, Standing, Tried, is_digest, is_name, plain},
};

/// Why the bucket did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// Nobody answers; whether it was done is not known.
    #[error("NATS does not answer ({0})")]
    Away(String),
    /// Someone else changed it since it was read.
    #[error("someone else changed it at the same moment")]
    Overtaken,
    /// There is no such component.
    #[error("the bucket has no component {0:.12}")]
    Missing(String),
    /// What is kept under a digest has another.
    #[error("what the bucket keeps as {wanted:.12} is something else ({found}): it was tampered with")]
    Tampered {
        /// Its name.
        wanted: String,
        /// Its own digest, or its size.
        found: String,
    },
    /// What is said of a plugin cannot be read.
    #[error("what the bucket says of it is not what a node of ours writes")]
    Garbled,
}

impl BucketError {
    /// Whether asking again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Overtaken)
    }
}

/// What is said of a plugin, and the number by which a change says what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is in force.
    pub standing: Standing,
    /// Its number; higher is newer.
    pub revision: u64,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// What is in force of this plugin.
    Standing(String),
    /// A node said something.
    Report(Report),
    /// A node took its line on a plugin back.
    Left {
        /// Which node.
        node: Ulid,
        /// The plugin.
        plugin: String,
    },
}

/// Where plugins come from for a cluster.
#[async_trait]
pub trait Bucket: Send + Sync {
    /// What pipeline.toml calls it.
    fn called(&self) -> String;

    /// The plugins it says something of.
    async fn plugins(&self) -> Result<Vec<String>, BucketError>;

    /// What it says of one.
    async fn said(&self, plugin: &str) -> Result<Option<Said>, BucketError>;

    /// Says something else of it, over what was read; `None`: over nothing. Gives its new number.
    async fn say(&self, plugin: &str, standing: &Standing, over: Option<u64>) -> Result<u64, BucketError>;

    /// A component. Its digest holds.
    async fn component(&self, digest: &str) -> Result<Vec<u8>, BucketError>;

    /// Keeps a component, under its digest, unless it is there whole. Gives whether it had to be put there.
    async fn keep(&self, digest: &str, bytes: &[u8]) -> Result<bool, BucketError>;

    /// The digests of the components there are, and when each was put there.
    async fn components(&self) -> Result<Vec<(String, Millis)>, BucketError>;

    /// Removes a component.
    async fn discard(&self, digest: &str) -> Result<(), BucketError>;

    /// What changes from now on, what there is first. It ends when the connection does, and is then asked for again.
    async fn changes(&self) -> Result<BoxStream<'static, Change>, BucketError>;

    /// A node's line.
    async fn report(&self, report: &Report) -> Result<(), BucketError>;

    /// A node that ends takes its lines back.
    async fn take_back(&self, report: &Report) -> Result<(), BucketError>;

    /// Every node's lines.
    async fn reports(&self) -> Result<Vec<Report>, BucketError>;

    /// Keeps what a generation is made of, unless it is there.
    async fn keep_generation(&self, id: &str, record: &[u8]) -> Result<(), BucketError>;

    /// What every generation is made of that is kept.
    async fn generations(&self) -> Result<Vec<Vec<u8>>, BucketError>;

    /// What a generation is made of.
    async fn generation(&self, id: &str) -> Result<Option<Vec<u8>>, BucketError>;
}

/// Changes what is said of a plugin, as often as others change it at the same moment; `None` from `change` is that there is nothing to change any more.
pub async fn amend(
    bucket: &dyn Bucket,
    plugin: &str,
    change: impl Fn(&Standing) -> Option<Standing> + Send + Sync,
) -> Result<Option<u64>, BucketError> {
    loop {
        let Some(said) = bucket.said(plugin).await? else { return Ok(None) };
        let Some(next) = change(&said.standing) else { return Ok(None) };
        match bucket.say(plugin, &next, Some(said.revision)).await {
            Err(BucketError::Overtaken) => {}
            done => return done.map(Some),
        }
    }
}
