//! Pages have no origin, so any may ask here, and none is told anything in a visitor's name: every origin, no credentials.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// Answers what a browser asks beforehand, and lets pages read the answers of their records.
pub(in crate::web) async fn any_origin(request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/apps/") {
        return next.run(request).await;
    }
    let asked_before = request.method() == Method::OPTIONS;
    let mut response = if asked_before { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    open(response.headers_mut(), asked_before);
    response
}

fn open(headers: &mut HeaderMap, beforehand: bool) {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    const BEFOREHAND: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key, wtaf-friend"),
        (header::ACCESS_CONTROL_MAX_AGE, "7200"),
    ];
    headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    let more = if beforehand { &BEFOREHAND[..] } else { &[] };
    for (name, value) in ALWAYS.iter().chain(more) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
