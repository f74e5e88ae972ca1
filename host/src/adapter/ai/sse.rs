//! The event stream of an answer: the SSE grammar over a body that may be too long, cut, or not text at all.
//!
//! It never reconnects: the provider would be paid twice.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use eventsource_stream::{EventStream, EventStreamError};
use futures_util::{Stream, StreamExt};

use super::provider::MAX_ANSWER;

/// A line larger than this is not a piece of an answer.
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
    inner: EventStream<Lines<S>>,
}

impl<S, E> Events<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// Over a body.
    pub fn new(body: S) -> Self {
        Self { inner: EventStream::new(Lines { body, waiting: BytesMut::new(), seen: 0, total: 0, ended: false }) }
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

/// Hands the parser one whole line at a time, whatever the chunks: it reads a line again for each piece of it, and moves all that follows.
/// Counts what passes, and takes a byte order mark away (the parser would panic over one).
struct Lines<S> {
    body: S,
    waiting: BytesMut,
    /// Bytes of `waiting` in which there is no line's end.
    seen: usize,
    total: usize,
    ended: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl<S> Lines<S> {
    fn taken(&mut self, chunk: &[u8]) -> Result<(), Broken> {
        let first = self.total < BYTE_ORDER_MARK.len();
        self.total += chunk.len();
        self.waiting.extend_from_slice(chunk);
        if first && self.waiting.starts_with(BYTE_ORDER_MARK) {
            self.waiting.advance(BYTE_ORDER_MARK.len());
            self.seen = 0;
        }
        if self.total > MAX_ANSWER { Err(Broken::TooLong) } else { Ok(()) }
    }

    fn line(&mut self) -> Result<Option<Bytes>, Broken> {
        let unseen = &self.waiting[self.seen..];
        if let Some(at) = unseen.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let line = self.waiting.split_to(self.seen + at + 1).freeze();
            self.seen = 0;
            return Ok(Some(line));
        }
        self.seen = self.waiting.len();
        if self.seen > MAX_LINE { Err(Broken::LineTooLong) } else { Ok(None) }
    }
}

impl<S, E> Stream for Lines<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(line) = self.line().transpose() {
                return Poll::Ready(Some(line));
            }
            if self.ended {
                let rest = self.waiting.split().freeze();
                self.seen = 0;
                return Poll::Ready((!rest.is_empty()).then_some(Ok(rest)));
            }
            match ready!(Pin::new(&mut self.body).poll_next(context)) {
                Some(Ok(chunk)) => self.taken(&chunk)?,
                Some(Err(_)) => return Poll::Ready(Some(Err(Broken::Cut))),
                None => self.ended = true,
            }
        }
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

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into() }
    }

    #[tokio::test]
    async fn a_stream_reads_the_same_in_whatever_pieces_it_comes() {
        let stream =
            "\u{feff}: a comment\r\n\r\nevent: ping\r\ndata: {}\r\n\r\ndata: snake 🐍\ndata:é\n\ndata: [DONE]\n\n";
        let whole = [event("ping", "{}"), event("message", "snake 🐍\né"), event("message", "[DONE]")].map(Ok);
        for size in [1, 2, 3, 5, 7, 4096] {
            assert_eq!(recorded(stream.as_bytes(), size).await, whole, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn an_event_without_its_blank_line_is_none() {
        assert_eq!(recorded(b"data: one\n\ndata: tw", 4096).await, [Ok(event("message", "one"))]);
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
