//! One line and one measurement a request: method, route, status, time. No path, query, body or number: they name people and jobs.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::{Method, StatusCode};
use metrics::{Counter, Histogram};

/// A method as a label: anyone may make one up, and each label is kept for ever.
fn known(method: &Method) -> String {
    let common = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if common.contains(method) { method.to_string() } else { "other".to_owned() }
}

/// How many of these there were, and how long those of the route took.
pub(super) fn measures(method: &Method, route: &str, status: StatusCode) -> (Counter, Histogram) {
    let labels = [("method", known(method)), ("route", route.to_owned()), ("status", status.as_str().to_owned())];
    let requests = metrics::counter!("wtaf_http_requests_total", &labels);
    (requests, metrics::histogram!("wtaf_http_request_seconds", "route" => route.to_owned()))
}

/// Logs a request once it is answered.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", |m| m.as_str()).to_owned();
    let response = next.run(request).await;
    let (status, took) = (response.status(), began.elapsed());
    let (requests, seconds) = measures(&method, &route, status);
    requests.increment(1);
    seconds.record(took.as_secs_f64());
    let ms = took.as_secs_f64() * 1e3;
    // Probes come every few seconds and say nothing.
    if matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics" | "/look/{file}" | "/phone/texts") {
        tracing::debug!(%method, route, status = status.as_u16(), ms, "answered");
    } else {
        tracing::info!(%method, route, status = status.as_u16(), ms, "answered");
    }
    response
}
