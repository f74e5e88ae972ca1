//! The door through which a client connects: it lets one connection through where there is to be one, and tells what the server speaks.
//!
//! A layer around the client's own connector. It sends nothing, and knows nothing of calls.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::Connection;
use tokio::sync::watch;
use tower::{BoxError, Layer, Service};

/// What a server speaks, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// Nobody asked yet; so many tries to ask came to nothing.
    Unknown(u32),
    /// A call is under way that will know as soon as it is connected; the so-and-so-manieth try.
    Asked(u32),
    /// HTTP/1.1: a connection a call.
    Alone,
    /// HTTP/2: many calls over one.
    Together,
}

/// Where a door's one connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// Nobody went through yet, or somebody is about to.
    Shut,
    /// There was a connection; whether it still is, the client knows.
    Opened,
    /// It could not be made, and will not be.
    Failed,
}

/// A client's door.
#[derive(Debug, Clone)]
pub(super) struct Door {
    /// Only one connection of HTTP/2 goes through.
    one: bool,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    speaks: watch::Sender<Speaks>,
}

#[derive(Debug)]
struct State {
    begun: bool,
    stands: Stands,
}

#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("its one connection is over")]
    Over,
    #[error("the server no longer speaks HTTP/2")]
    Otherwise,
}

impl Door {
    /// For one connection of HTTP/2, never another.
    pub fn for_one(speaks: watch::Sender<Speaks>) -> Self {
        Self::new(true, speaks)
    }

    /// For as many as there are, of any kind.
    pub fn for_any(speaks: watch::Sender<Speaks>) -> Self {
        Self::new(false, speaks)
    }

    fn new(one: bool, speaks: watch::Sender<Speaks>) -> Self {
        let state = Mutex::new(State { begun: false, stands: Stands::Shut });
        Self { one, inner: Arc::new(Inner { state, speaks }) }
    }

    /// Where its connection stands.
    pub fn stands(&self) -> Stands {
        self.state().stands
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Result<Entering, Closed> {
        let mut state = self.state();
        if self.one && state.begun {
            return Err(Closed::Over);
        }
        state.begun = true;
        Ok(Entering { door: self.clone(), settled: false })
    }
}

/// A connection in the making; what is dropped half-way (it took too long) has failed.
struct Entering {
    door: Door,
    settled: bool,
}

impl Entering {
    fn opened(mut self, together: bool) -> Result<(), Closed> {
        let speaks = if together { Speaks::Together } else { Speaks::Alone };
        if self.door.one && !together {
            self.failed(speaks);
            return Err(Closed::Otherwise);
        }
        self.settled = true;
        self.door.state().stands = Stands::Opened;
        self.tell(speaks);
        Ok(())
    }

    fn failed(&mut self, speaks: Speaks) {
        self.settled = true;
        self.door.state().stands = Stands::Failed;
        // Whoever asks what the server speaks says himself when he gives up.
        if self.door.one {
            self.tell(speaks);
        }
    }

    fn tell(&self, speaks: Speaks) {
        self.door.inner.speaks.send_if_modified(|known| std::mem::replace(known, speaks) != speaks);
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        if !self.settled {
            self.failed(Speaks::Unknown(0));
        }
    }
}

impl<S> Layer<S> for Door {
    type Service = Doorway<S>;

    fn layer(&self, inner: S) -> Doorway<S> {
        Doorway { door: self.clone(), inner }
    }
}

/// A connector behind its door.
#[derive(Clone)]
pub(super) struct Doorway<S> {
    door: Door,
    inner: S,
}

impl<S, To> Service<To> for Doorway<S>
where
    S: Service<To, Error = BoxError>,
    S::Response: Connection + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, to: To) -> Self::Future {
        let entering = match self.door.enter() {
            Ok(entering) => entering,
            Err(closed) => return Box::pin(std::future::ready(Err(closed.into()))),
        };
        let connecting = self.inner.call(to);
        Box::pin(async move {
            let connection = connecting.await?;
            entering.opened(connection.connected().is_negotiated_h2())?;
            Ok(connection)
        })
    }
}
