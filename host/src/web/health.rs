//! Whether it lives, whether it can work, what it measures, and what its API is.

use std::sync::LazyLock;

use axum::{
    extract,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{Problem, Site, State, operator};
use crate::telemetry;

static OPENAPI: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("openapi.json")).unwrap_or(Value::Null));

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let health = site.engine().health().await;
    // What a database or a disk says of itself names hosts and folders: for whoever runs the engine.
    let told = operator::check(&site, &uri, &headers).is_ok();
    let shown = |state: String| if told || state == "ok" { state } else { "not well".to_owned() };
    let parts: serde_json::Map<String, Value> =
        health.parts.into_iter().map(|(name, state)| (name, Value::String(shown(state)))).collect();
    if health.ready {
        return Ok(axum::Json(json!({ "ready": true, "parts": parts })).into_response());
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "A part that is needed is not well.")
        .with("ready", json!(false))
        .with("parts", Value::Object(parts))
        .retry_after(5))
}

/// Of how much there is of everything, a competitor learns as much as whoever runs the engine.
pub(super) async fn metrics(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    operator::check(&site, &uri, &headers)?;
    Ok(measured(&site.state).await)
}

/// All metrics, as of now.
pub(super) async fn measured(state: &State) -> Response {
    state.engine.measure().await;
    telemetry::measure_process();
    let mut response = state.metrics.render().into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}

pub(super) async fn openapi(extract::State(site): extract::State<Site>) -> Response {
    let mut document = OPENAPI.clone();
    document["servers"] = json!([{ "url": site.config().server.url("") }]);
    axum::Json(document).into_response()
}
