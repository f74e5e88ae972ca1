//! The outbox: everything that goes out by SMS, acknowledgements too, with its status.

use async_trait::async_trait;

use super::Result;
use crate::job::{JobId, Millis, Phone};

/// A text to write into the outbox. `(job, occasion)` is unique: written twice, it is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewText {
    /// The job it belongs to.
    pub job: JobId,
    /// `accepted`, `page-live`…
    pub occasion: String,
    /// To whom.
    pub to: Phone,
    /// The words.
    pub body: String,
}

/// Where a text stands. The order is the rank: a later status is never overwritten by an earlier one (callbacks arrive out of order).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextStatus {
    /// To be sent.
    Waiting,
    /// Handed to a sender; after a crash, perhaps sent.
    Sending,
    /// The carrier has it.
    Sent,
    /// The phone has it.
    Delivered,
    /// It will not arrive.
    Failed,
    /// Not sent: they had left.
    Withheld,
}

impl TextStatus {
    /// The word in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Withheld => "withheld",
        }
    }
}

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxText {
    /// Row, as the carrier and files name it: `{job}-{occasion}`.
    pub id: String,
    /// What was written.
    pub text: NewText,
    /// Where it stands.
    pub status: TextStatus,
    /// Tries so far.
    pub attempts: u32,
    /// The carrier's id.
    pub sid: Option<String>,
    /// Segments billed.
    pub segments: Option<u32>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was written.
    pub created: Millis,
    /// When its status last changed.
    pub updated: Millis,
}

/// What a try to send a text came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The carrier took it.
    Sent {
        /// The carrier's id.
        sid: String,
        /// Billed.
        segments: u32,
    },
    /// Not yet: try again at that moment.
    Again {
        /// Not before.
        at: Millis,
        /// Why.
        error: String,
    },
    /// Never.
    Failed {
        /// Why.
        error: String,
    },
    /// They had left.
    Withheld,
}

/// What a carrier's callback says of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The carrier's id for it.
    pub sid: String,
    /// Ours ([`OutboxText::id`]), where the callback carries it: a callback may be faster than [`Outbox::text_tried`], which writes the carrier's down.
    pub id: Option<String>,
    /// Where it stands.
    pub status: TextStatus,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// Whether it says that its reader has opted out at the carrier.
    pub left: bool,
}

/// Texts to send.
#[async_trait]
pub trait Outbox {
    /// Writes a text down. Gives whether it is new.
    async fn write_text(&self, text: NewText, now: Millis) -> Result<bool>;

    /// Takes up to `limit` texts that are due, oldest first, marking them `Sending`; texts to one number go out one at a time, in the order written, so one
    /// that waits for another try holds back those behind it. Nobody else is given them for two minutes. Each is given as it stood before: `Waiting`, or
    /// `Sending` when an earlier taker never said what came of it, and then the carrier must be asked before it is sent again.
    async fn take_texts(&self, now: Millis, limit: u32) -> Result<Vec<OutboxText>>;

    /// Lets go of every text in hand, for the one sender there is, at its start: whoever had them is gone. Each is still `Sending`, so the carrier is asked first.
    /// Gives how many.
    async fn release_texts(&self, now: Millis) -> Result<u64>;

    /// Confirms that a text that was taken is still this taker's, and keeps it for two minutes more: asked just before the carrier gets it. False where another
    /// has taken it since, or nothing is to be sent any more; then it is not sent.
    async fn hold_text(&self, text: &OutboxText, now: Millis) -> Result<bool>;

    /// Puts a text back as it was taken, for whoever takes it next: its taker ends, and the carrier did not get it. Changes nothing where another has it.
    async fn put_text_back(&self, text: &OutboxText, now: Millis) -> Result<()>;

    /// Writes down what a try came to, unless a carrier's callback was faster. Where another has taken the text since, only that it was sent counts: that is so
    /// whoever did it, and keeps the other from doing it again.
    async fn text_tried(&self, text: &OutboxText, delivery: Delivery, now: Millis) -> Result<()>;

    /// A carrier's callback. Gives to whom the text went, or none where it is not ours; a status of lower rank, or the same again, changes nothing. Whoever has
    /// left by it has from then on, in the same transaction: a callback that comes again later does not undo their return.
    async fn text_delivery(&self, heard: Heard, now: Millis) -> Result<Option<Phone>>;

    /// Texts to a number, newest first.
    async fn texts_to(&self, to: &Phone, limit: u32) -> Result<Vec<OutboxText>>;

    /// Texts of a job, in the order written.
    async fn texts_of(&self, job: JobId) -> Result<Vec<OutboxText>>;

    /// How many wait to be sent.
    async fn texts_waiting(&self) -> Result<u64>;
}
