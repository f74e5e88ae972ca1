//! Bodies: read within a limit, and forms as pairs in the order they came, repeated names kept (a signature covers them all).

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{HeaderMap, StatusCode, header};

use super::{Problem, routes};

/// For a body to arrive; a carrier gives us no more than that for the whole of a request.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Names and values, in order.
pub(super) type Pairs = Vec<(String, String)>;

/// The whole body, unless it is too long.
pub(super) async fn read(body: Body) -> Result<Bytes, Problem> {
    let reading = tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, routes::BODY));
    let slow = || {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request did not arrive in time.")
            .todo("Send it again.")
    };
    reading.await.map_err(|_| slow())?.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too long, or broke off.")
            .todo(format!("Send at most {} KiB.", routes::BODY / 1024))
    })
}

/// The pairs of an urlencoded form.
pub(super) async fn pairs(headers: &HeaderMap, body: Body) -> Result<Pairs, Problem> {
    if !is(headers, "application/x-www-form-urlencoded") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-a-form", "The request must come as a form.")
            .todo("Send Content-Type: application/x-www-form-urlencoded."));
    }
    Ok(url::form_urlencoded::parse(&read(body).await?).into_owned().collect())
}

/// The pairs of a query.
pub(super) fn query(uri: &http::Uri) -> Pairs {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The first value of a name.
pub(super) fn first<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// Whether the body is said to be of a type, its parameters aside.
pub(super) fn is(headers: &HeaderMap, kind: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split(';').next())
        .is_some_and(|v| v.trim().eq_ignore_ascii_case(kind))
}
