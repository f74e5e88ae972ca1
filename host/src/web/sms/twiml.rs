//! The two answers a carrier understands: nothing to say, and a few words.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

/// Taken in; every text goes out through the outbox instead.
pub(in crate::web) fn empty() -> Response {
    xml(r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#.to_owned())
}

/// Not taken in, and this is all the person will hear of it.
pub(in crate::web) fn words(text: &str) -> Response {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    xml(format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response><Message>{text}</Message></Response>"#))
}

fn xml(body: String) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
