//! Health and metrics on an address of their own, for a worker (which listens nowhere else) and for scrapers that hold no token.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Shared,
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{State, health};

/// Answers `/healthz`, `/readyz` and `/metrics` until `shutdown`.
pub async fn probes(listener: TcpListener, state: Arc<State>, shutdown: CancellationToken) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state);
    axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn ready(Shared(state): Shared<Arc<State>>) -> Response {
    let health = state.engine.health().await;
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    health::measured(&state).await
}
