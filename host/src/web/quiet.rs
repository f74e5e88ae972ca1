//! How long a connection may be quiet.
//!
//! Between two requests longer than the proxies in front of us keep theirs open (nginx a minute): one that we closed just as they used it again would be a
//! 502 to somebody. While the head of a request is on its way, much shorter: who sends it a letter at a time keeps nobody out for long.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// For the whole head of a request, from its first byte; on a new connection from the beginning.
pub(super) const HEAD: Duration = Duration::from_secs(20);

/// From an answer to the next request.
pub(super) const IDLE: Duration = Duration::from_secs(75);

/// What a connection is at: one of two words, or since how many milliseconds after its beginning a head is awaited or on its way. A number, so that a change of
/// it wakes nobody: whoever waits looks again when the time is over.
#[derive(Debug)]
struct At {
    begun: Instant,
    now: AtomicU64,
}

/// A request is being answered.
const WORK: u64 = u64::MAX;
/// All that was asked is answered.
const REST: u64 = u64::MAX - 1;

/// What one connection is at, known to all its parts.
#[derive(Debug, Clone)]
pub(super) struct Quiet(Arc<At>);

impl Quiet {
    /// Of a connection that has just been made: its first head is awaited.
    pub(super) fn begun() -> Self {
        Self(Arc::new(At { begun: Instant::now(), now: AtomicU64::new(0) }))
    }

    /// The stream of the connection.
    pub(super) fn heard<S>(&self, stream: S) -> Heard<S> {
        Heard { stream, quiet: self.clone() }
    }

    /// A request has its whole head.
    pub(super) fn asked(&self) {
        self.0.now.store(WORK, Ordering::Relaxed);
    }

    /// Its answer, after which the connection is at rest.
    pub(super) fn answered(self, body: Body) -> Last {
        Last { body, quiet: self }
    }

    /// Something arrived: after a rest it begins a head.
    fn arrived(&self) {
        if self.0.now.load(Ordering::Relaxed) == REST {
            let since = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(0);
            self.0.now.store(since.min(REST - 1), Ordering::Relaxed);
        }
    }

    /// When the present head will have taken too long; nothing where none is on its way.
    fn over(&self, patience: Duration) -> Option<Instant> {
        match self.0.now.load(Ordering::Relaxed) {
            WORK | REST => None,
            since => Some(self.0.begun + Duration::from_millis(since) + patience),
        }
    }

    /// Comes when a head has taken too long.
    pub(super) async fn too_slow(&self, patience: Duration) {
        loop {
            match self.over(patience) {
                Some(over) if over <= Instant::now() => return,
                Some(over) => tokio::time::sleep_until(over).await,
                // A head that begins from now on has at least as long.
                None => tokio::time::sleep(patience).await,
            }
        }
    }
}

/// A stream of which it is noted when a request begins to come in.
pub(super) struct Heard<S> {
    stream: S,
    quiet: Quiet,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.quiet.arrived();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// An answer's body, whose end is noted.
pub(super) struct Last {
    body: Body,
    quiet: Quiet,
}

impl HttpBody for Last {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        self.quiet.0.now.store(REST, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_and_what_comes_between_heads_has_none() {
        let quiet = Quiet::begun();
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = quiet.heard(server);
        let slow = || {
            let quiet = quiet.clone();
            async move { tokio::time::timeout(Duration::from_secs(1_000), quiet.too_slow(HEAD)).await.is_ok() }
        };
        let mut letter = async || {
            client.write_all(b"G").await.unwrap();
            server.read_u8().await.unwrap();
        };

        assert!(slow().await, "a new connection on which nobody asks");
        quiet.asked();
        letter().await;
        assert!(!slow().await, "a body may take its own time");
        drop(quiet.clone().answered(Body::empty()));
        assert!(!slow().await, "it rests");
        letter().await;
        tokio::time::advance(HEAD / 2).await;
        letter().await;
        assert!(quiet.too_slow(HEAD).now_or_never().is_none());
        tokio::time::advance(HEAD / 2).await;
        assert!(quiet.too_slow(HEAD).now_or_never().is_some(), "the time is counted from the first letter");
    }
}
