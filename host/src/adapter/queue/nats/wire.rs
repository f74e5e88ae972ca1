//! One question to the servers, or one thing written there. Answers come from a stream's leader, so what was written before is seen; while there is none (an
//! election takes a few seconds) it is asked again.

use std::{
    error::Error as _,
    time::{Duration, Instant},
};

use async_nats::{
    Subject,
    jetstream::{
        self, AckKind, ErrorCode,
        context::PublishErrorKind,
        message::{PublishMessage, StreamMessage},
        publish::PublishAck,
        stream::{InfoError, RawMessageError, RawMessageErrorKind, Stream},
    },
};
use bytes::Bytes;
use futures_util::TryStreamExt;

use super::{
    super::QueueError,
    names::{Key, Names},
};
use crate::{adapter::nats::Nats, job::JobId};

/// How long it is tried. A carrier waits fifteen seconds for its answer, and a try may take five.
const PATIENCE: Duration = Duration::from_secs(8);
const BREATH: Duration = Duration::from_millis(100);

/// Why it could not be done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Someone else wrote there first.
    Raced,
    /// The stream takes no more.
    Full,
    /// It is larger than the servers take.
    TooBig { size: usize, most: usize },
    /// No server answers, or none that has the stream.
    Away(String),
}

impl Trouble {
    /// As the queue's callers hear of it.
    pub(super) fn about(self, id: JobId) -> QueueError {
        match self {
            Self::TooBig { size, most } => QueueError::TooBig { id, size, most },
            other => other.into(),
        }
    }
}

impl From<Trouble> for QueueError {
    fn from(trouble: Trouble) -> Self {
        let why = match trouble {
            Trouble::Raced => "someone else wrote at the same time, again and again".to_owned(),
            Trouble::Full => "the stream takes no more".to_owned(),
            Trouble::TooBig { size, most } => format!("{size} bytes, and the servers take {most}"),
            Trouble::Away(why) => why,
        };
        Self::Io { what: "the queue in NATS".to_owned(), source: std::io::Error::other(why) }
    }
}

/// The connection, and the streams behind it.
pub(super) struct Wire {
    nats: Nats,
    pub(super) names: Names,
    work: Stream<()>,
    jobs: Stream<()>,
    seen: Stream<()>,
    dead: Stream<()>,
}

/// Which stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum In {
    Work,
    Jobs,
    Seen,
    Dead,
}

/// Which message of it.
pub(super) enum Which {
    /// At this place.
    At(u64),
    /// The first on a subject from a place on.
    First(String, u64),
    /// The last on a subject.
    Last(String),
}

impl Wire {
    pub(super) async fn new(nats: Nats, names: Names) -> Result<Self, QueueError> {
        let jobs = stream(&nats, &Names::bucket_stream(&names.jobs)).await?;
        let seen = stream(&nats, &Names::bucket_stream(&names.seen)).await?;
        let (work, dead) = (stream(&nats, &names.work).await?, stream(&nats, &names.dead).await?);
        Ok(Self { nats, names, work, jobs, seen, dead })
    }

    pub(super) fn client(&self) -> &async_nats::Client {
        self.nats.client()
    }

    pub(super) fn stream(&self, which: In) -> &Stream<()> {
        match which {
            In::Work => &self.work,
            In::Jobs => &self.jobs,
            In::Seen => &self.seen,
            In::Dead => &self.dead,
        }
    }

    /// Writes a message, durably when this returns. After a try whose answer was lost the next one may be told that someone wrote first: it was we.
    pub(super) async fn write(
        &self,
        subject: &str,
        body: Bytes,
        headers: PublishMessage,
    ) -> Result<PublishAck, Trouble> {
        let size = body.len();
        let message = headers.payload(body);
        let tries = Tries::begin();
        loop {
            match self.write_once(subject, message.clone()).await {
                Ok(written) => return Ok(written),
                Err(Trouble::TooBig { most, .. }) => return Err(Trouble::TooBig { size, most }),
                Err(trouble) => tries.after(trouble).await?,
            }
        }
    }

    async fn write_once(&self, subject: &str, message: PublishMessage) -> Result<PublishAck, Trouble> {
        let sent = match self.nats.jetstream().send_publish(subject.to_owned(), message).await {
            Ok(sent) => sent.await,
            Err(error) => Err(error),
        };
        sent.map_err(|error| {
            let refused = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
            match (error.kind(), refused) {
                (PublishErrorKind::WrongLastSequence, _) => Trouble::Raced,
                (PublishErrorKind::MaxPayloadExceeded, _) => {
                    Trouble::TooBig { size: 0, most: self.client().max_payload() }
                }
                (_, Some(refused)) if refused.to_string().contains("maximum messages") => Trouble::Full,
                (_, Some(refused)) => Trouble::Away(refused.to_string()),
                _ => Trouble::Away(error.to_string()),
            }
        })
    }

    /// A message of a stream, where there is one.
    pub(super) async fn read(&self, stream: In, which: &Which) -> Result<Option<StreamMessage>, Trouble> {
        let (stream, tries) = (self.stream(stream), Tries::begin());
        loop {
            let found = match which {
                Which::At(sequence) => stream.get_raw_message(*sequence).await,
                Which::First(subject, from) => stream.get_first_raw_message_by_subject(subject, *from).await,
                Which::Last(subject) => stream.get_last_raw_message_by_subject(subject).await,
            };
            match found {
                Ok(message) => return Ok(Some(message)),
                Err(error) if is_nothing(&error) => return Ok(None),
                Err(error) => tries.after(Trouble::Away(error.to_string())).await?,
            }
        }
    }

    /// Every job that a stream has on subjects like this one.
    pub(super) async fn keys(&self, stream: In, subjects: &str) -> Result<Vec<Key>, Trouble> {
        let tries = Tries::begin();
        loop {
            match self.keys_once(stream, subjects).await {
                Ok(keys) => return Ok(keys),
                Err(error) => tries.after(Trouble::Away(error.to_string())).await?,
            }
        }
    }

    async fn keys_once(&self, stream: In, subjects: &str) -> Result<Vec<Key>, InfoError> {
        let parse = if matches!(stream, In::Work) { Names::of_work } else { Names::of_job };
        let mut listed = self.stream(stream).info_with_subjects(subjects).await?;
        let mut keys = Vec::new();
        while let Some((subject, _)) = listed.try_next().await? {
            keys.extend(parse(&subject));
        }
        Ok(keys)
    }

    /// Removes a message for good.
    pub(super) async fn remove(&self, stream: In, sequence: u64) -> Result<(), Trouble> {
        let Err(error) = self.stream(stream).delete_message(sequence).await else { return Ok(()) };
        match self.read(stream, &Which::At(sequence)).await? {
            // It went all the same, or someone else removed it.
            None => Ok(()),
            Some(_) => Err(Trouble::Away(error.to_string())),
        }
    }

    /// A word about a delivery, which may be lost: a message that nobody speaks for comes again.
    pub(super) async fn say(&self, reply: &Subject, word: AckKind) {
        let said = self.client().publish(reply.clone(), Bytes::from(word));
        match tokio::time::timeout(PATIENCE, said).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a word about a delivery was not said"),
            Err(_) => tracing::debug!("a word about a delivery was not said in time"),
        }
    }

    /// The message is done with, and the servers know.
    pub(super) async fn done_with(&self, reply: &Subject) {
        if let Err(error) = self.client().request(reply.clone(), Bytes::from(AckKind::Ack)).await {
            // It comes again, and is seen to have ended.
            tracing::debug!(%error, "the servers did not confirm that a message is done with");
        }
    }
}

async fn stream(nats: &Nats, name: &str) -> Result<Stream<()>, QueueError> {
    nats.jetstream().get_stream_no_info(name).await.map_err(|why| Trouble::Away(why.to_string()).into())
}

fn is_nothing(error: &RawMessageError) -> bool {
    match error.kind() {
        RawMessageErrorKind::NoMessageFound => true,
        RawMessageErrorKind::JetStream(error) => error.error_code() == ErrorCode::SEQUENCE_NOT_FOUND,
        _ => false,
    }
}

/// How long something has been tried.
struct Tries(Instant);

impl Tries {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits a moment before the next try, if there is to be one.
    async fn after(&self, trouble: Trouble) -> Result<(), Trouble> {
        if !matches!(trouble, Trouble::Away(_)) || self.0.elapsed() > PATIENCE {
            return Err(trouble);
        }
        tokio::time::sleep(BREATH).await;
        Ok(())
    }
}
