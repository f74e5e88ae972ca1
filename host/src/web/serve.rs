//! Listening, until told to stop: requests in flight are answered, streams end so that their clients reconnect.

use std::{net::SocketAddr, sync::Arc};

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Site, State, routes, views};

/// Serves until `shutdown`, then answers what it has begun and returns.
pub async fn serve(listener: TcpListener, state: Arc<State>, shutdown: CancellationToken) -> std::io::Result<()> {
    // A page and its stages are small writes that should leave at once.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY on a connection");
        }
    });
    let site = Site::new(state, shutdown.clone());
    let writing = tokio::spawn(views::keep_writing(site.clone(), shutdown.clone()));
    let service = routes::over(site.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned()).await;
    // A panic in it has lost a few views.
    let _ = writing.await;
    site.views.write(site.store()).await;
    served
}
