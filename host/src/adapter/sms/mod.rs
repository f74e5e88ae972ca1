//! Texts out: one carrier behind one trait. What to do about a failure is in the error's type.

pub mod codes;
mod console;
mod inbound;
mod opt_out;
pub mod segments;
pub mod signature;
mod twilio;

pub use console::Console;
pub use inbound::{Inbound, NotAText, StatusReport, TEXT_ID, status};
pub use opt_out::{CarrierWord, carrier_word};
pub use twilio::{Account, Twilio};

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use url::Url;

use crate::{
    config,
    job::{Millis, Phone},
};

/// A text to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The outbox row's id.
    pub id: String,
    /// To whom.
    pub to: Phone,
    /// The words.
    pub body: String,
}

/// What the carrier said when it took a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The carrier's id for it.
    pub sid: String,
    /// Segments it will be billed for.
    pub segments: u32,
}

/// Why a text was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// The person has opted out at the carrier (Twilio 21610): their standing follows.
    #[error("the person has opted out at the carrier")]
    Left,
    /// Not processed; safe to try again, not before `after` where one was named.
    #[error("{why}")]
    Later {
        /// In words.
        why: String,
        /// A minimum.
        after: Option<Duration>,
    },
    /// It may have been accepted (a time-out, a 5xx): look before sending again.
    #[error("{why}")]
    Unsure {
        /// In words.
        why: String,
    },
    /// This text will never reach this number.
    #[error("{why} (code {code})")]
    Undeliverable {
        /// The carrier's.
        code: String,
        /// In words.
        why: String,
    },
    /// The account or its settings are wrong: for the operator; worth another try when they are mended.
    #[error("{why} (code {code})")]
    Misconfigured {
        /// The carrier's.
        code: String,
        /// In words, with what to do.
        why: String,
    },
}

/// Who carries texts.
#[async_trait]
pub trait Sms: Send + Sync {
    /// Waits until a carrier that takes only so much a second may be handed this text.
    async fn turn(&self, _text: &Text) {}

    /// Hands a text over, at once.
    async fn send(&self, text: &Text) -> Result<Taken, SmsError>;

    /// A text with these words that the carrier took for this number since then: asked after a crash or an [`SmsError::Unsure`], before
    /// sending again.
    async fn find_taken(&self, to: &Phone, body: &str, since: Millis) -> Result<Option<Taken>, SmsError>;

    /// Removes what it keeps of texts from before a moment, where it keeps any. Gives how many.
    async fn prune(&self, _before: Millis) -> std::io::Result<u64> {
        Ok(0)
    }
}

/// The carrier of pipeline.toml. `status_callback` is where it may report what becomes of a text.
pub fn carrier(sms: &config::Sms, data_dir: &Path, status_callback: Option<Url>) -> Result<Arc<dyn Sms>, SmsError> {
    match &sms.provider {
        config::SmsProvider::Console => Ok(Arc::new(Console::open(data_dir)?)),
        config::SmsProvider::Twilio(account) => {
            let from = sms.from.as_deref().ok_or_else(|| SmsError::Misconfigured {
                code: "config".to_owned(),
                why: "sms.from is not set: give it a number of the account, or a messaging service (MG...)".to_owned(),
            })?;
            Ok(Arc::new(Twilio::new(account, from, sms.per_second, status_callback)?))
        }
    }
}
