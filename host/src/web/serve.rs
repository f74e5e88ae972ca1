//! Listening, until told to stop: requests in flight are answered, streams end so that their clients reconnect.
//!
//! A connection on which nothing is asked is closed after a while, and there is an end to how many there are: who opens thousands and says nothing keeps
//! nobody out for long.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::ConnectInfo;
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

use super::{
    Site, State,
    quiet::{HEAD, IDLE, Quiet},
    records,
    routes::Door,
    views,
};

/// Connections at once. Those who watch their jobs keep one each; the files they take leave room for the AI's.
const MOST: usize = 20_000;

/// After a failure to take a connection (no files left): what is open has to close first.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `shutdown`, then answers what it has begun and returns.
pub async fn serve(listener: TcpListener, state: Arc<State>, shutdown: CancellationToken) -> std::io::Result<()> {
    let site = Site::new(state, shutdown.clone());
    let writing = tokio::spawn(views::keep_writing(site.clone(), shutdown.clone()));
    let preparing = site.clone();
    tokio::spawn(async move { records::prepare(&preparing).await });
    let door = Door::of(site.clone());
    let (open, graceful) = (Arc::new(Semaphore::new(MOST)), GracefulShutdown::new());
    loop {
        let next = async {
            // Nobody is taken on without a place; closed, the semaphore would say so for ever.
            let place = Arc::clone(&open).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = shutdown.cancelled() => break,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, peer))) => talk(&door, &graceful, stream, peer, place),
            (Ok(_), Err(error)) => {
                tracing::debug!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
            (Err(_), _) => break,
        }
    }
    drop(listener);
    // Before the wait for those who are slow to read: it may be cut short.
    site.views.write(site.store()).await;
    graceful.shutdown().await;
    // A panic in it has lost a few views.
    let _ = writing.await;
    site.views.write(site.store()).await;
    Ok(())
}

/// Answers on one connection, in a task of its own.
fn talk(door: &Door, graceful: &GracefulShutdown, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
    // A page and its stages are small writes that should leave at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY on a connection");
    }
    let quiet = Quiet::begun();
    let (door, heard) = (door.clone(), quiet.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (door, heard) = (door.clone(), heard.clone());
        heard.asked();
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let response = door.answer(request).await?;
            Ok::<_, Infallible>(response.map(|body| heard.answered(body)))
        }
    });
    // Told to expect HTTP/1, it counts the time from the first moment: looking for the version first, it would wait for ever.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    let connection = builder.serve_connection(TokioIo::new(quiet.heard(stream)), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            () = quiet.too_slow(HEAD) => tracing::debug!("a connection was closed: the head of its request did not come"),
        }
        drop(place);
    });
}
