//! The event stream of an answer: the SSE grammar over a body that may be too long, cut, or not text at all.
//!
//! It never reconnects: the provider would be paid twice.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use eventsource_stream::{EventStream, EventStreamError};
use futures_util::{Stream, StreamExt};

use super::provider::MAX_ANSWER;

/// An event larger than this is not a piece of an answer, and parsing it would take time out of proportion.
const MAX_LINE: usize = 1024 * 1024;

/// Why a stream gave no further event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// More than we take.
    #[error("the answer is larger than {} MiB", MAX_ANSWER / 1024 / 1024)]
    TooLong,
    /// A piece larger than we take.
    #[error("one event of the answer is larger than {} MiB", MAX_LINE / 1024 / 1024)]
    LineTooLong,
    /// The bytes are not UTF-8, or no events.
    #[error("the answer is not a stream of events in UTF-8")]
    NotEvents,
    /// The connection ended early.
    #[error("the connection broke in the middle of the answer")]
    Cut,
}

/// One event: its name and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// `message` where it has none.
    pub name: String,
    /// Its lines, joined.
    pub data: String,
}

/// The events of a body.
pub(super) struct Events<S> {
    inner: EventStream<Guard<S>>,
}

impl<S, E> Events<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// Over a body.
    pub fn new(body: S) -> Self {
        Self { inner: EventStream::new(Guard { body, rest: Bytes::new(), total: 0, line: 0, mark: Some(0) }) }
    }

    /// The next one; nothing at the body's clean end.
    pub async fn next(&mut self) -> Option<Result<Event, Broken>> {
        Some(match self.inner.next().await? {
            Ok(event) => Ok(Event { name: event.event, data: event.data }),
            Err(EventStreamError::Transport(broken)) => Err(broken),
            Err(EventStreamError::Utf8(_) | EventStreamError::Parser(_)) => Err(Broken::NotEvents),
        })
    }
}

/// The parser moves what is left of a chunk at each line: small chunks keep that cheap whatever the lines.
const MORSEL: usize = 4096;

/// Counts what passes, cuts it small, and takes a byte order mark away (the parser would panic over one).
struct Guard<S> {
    body: S,
    rest: Bytes,
    total: usize,
    line: usize,
    /// How much of a byte order mark was there, while there may be one.
    mark: Option<usize>,
}

impl<S> Guard<S> {
    fn pass(&mut self, mut chunk: Bytes) -> Result<Bytes, Broken> {
        const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
        self.total += chunk.len();
        if self.total > MAX_ANSWER {
            return Err(Broken::TooLong);
        }
        while let (Some(seen), Some(first)) = (self.mark, chunk.first()) {
            if *first == MARK[seen] {
                self.mark = (seen + 1 < MARK.len()).then_some(seen + 1);
                chunk = chunk.slice(1..);
            } else if seen == 0 {
                self.mark = None;
            } else {
                return Err(Broken::NotEvents);
            }
        }
        for line in chunk.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            self.line += line.len();
            if self.line > MAX_LINE {
                return Err(Broken::LineTooLong);
            }
            if line.ends_with(b"\n") || line.ends_with(b"\r") {
                self.line = 0;
            }
        }
        Ok(chunk)
    }
}

impl<S, E> Stream for Guard<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_next(context) {
                Poll::Ready(Some(Ok(chunk))) => self.rest = chunk,
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(Broken::Cut))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
        let size = self.rest.len().min(MORSEL);
        let morsel = self.rest.split_to(size);
        Poll::Ready(Some(self.pass(morsel)))
    }
}

/// The events of a recorded stream, fed in pieces of `size` bytes.
#[cfg(test)]
pub(super) async fn recorded(stream: &[u8], size: usize) -> Vec<Result<Event, Broken>> {
    let pieces: Vec<std::io::Result<Bytes>> =
        stream.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let mut events = Events::new(futures_util::stream::iter(pieces));
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        let broken = event.is_err();
        seen.push(event);
        if broken {
            break;
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Result<Event, Broken> {
        Ok(Event { name: name.into(), data: data.into() })
    }

    #[tokio::test]
    async fn a_stream_reads_the_same_in_whatever_pieces_it_comes() {
        let stream =
            "\u{feff}: a comment\r\n\r\nevent: ping\r\ndata: {}\r\n\r\ndata: snake 🐍\ndata:é\n\ndata: [DONE]\n\n";
        let whole = vec![event("ping", "{}"), event("message", "snake 🐍\né"), event("message", "[DONE]")];
        for size in [1, 2, 3, 5, 7, 4096] {
            assert_eq!(recorded(stream.as_bytes(), size).await, whole, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn an_event_without_its_blank_line_is_none() {
        assert_eq!(recorded(b"data: one\n\ndata: tw", 4096).await, vec![event("message", "one")]);
    }

    #[tokio::test]
    async fn too_much_is_refused() {
        let long_line = vec![b'x'; MAX_LINE + 1];
        assert_eq!(recorded(&long_line, 8192).await, vec![Err(Broken::LineTooLong)]);
        let comments = b": .....\n".repeat(MAX_ANSWER / 8 + 1);
        assert_eq!(recorded(&comments, 65536).await, vec![Err(Broken::TooLong)]);
    }

    #[tokio::test]
    async fn what_is_not_utf_8_is_no_stream() {
        assert_eq!(recorded(b"data: \xff\xfe\n\n", 4096).await, vec![Err(Broken::NotEvents)]);
        assert_eq!(recorded(b"\xef\xbbdata: x\n\n", 4096).await, vec![Err(Broken::NotEvents)]);
    }
}
