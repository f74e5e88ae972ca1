//! `POST /api/chat`: a message in, a job out, at once.

use axum::{
    body::Bytes,
    extract::{self, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::{
    Problem, Site, address,
    ask::{self, Asked},
    form, session,
};
use crate::config::Server;

#[derive(Deserialize)]
struct Body {
    message: String,
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    coach: Option<String>,
}

pub(super) async fn chat(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    ask::check_origin(&site, &parts.uri, headers)?;
    // A form of another site can send anything but this type without asking us first.
    if !form::is(headers, "application/json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "The message must come as JSON.")
            .todo("Send Content-Type: application/json and {\"message\": \"…\"}."));
    }
    let bytes = form::read(body).await?;
    let body = parse(&bytes)?;
    let key = headers.get("idempotency-key").map(|v| v.to_str().unwrap_or_default());
    let from = address::client(address::peer(&parts.extensions), headers, &site.trusted);
    let server = &site.config().server;
    let session = brought(body.session.as_deref(), headers, server)?;
    let who = site.who_holds(session.token).await?;
    // What a browser keeps out of reach of scripts is not handed to one.
    let secret = session.by_cookie && who.person.is_some();
    let taken = ask::ask(&site, from, Asked { message: &body.message, coach: body.coach.as_deref(), key, who }).await?;
    let id = taken.accepted.id();
    let status_url = server.url(&format!("/api/jobs/{id}"));
    let answer = json!({
        "id": id,
        "status_url": status_url,
        "events_url": server.url(&format!("/api/jobs/{id}/events")),
        "session": Some(taken.token.as_str()).filter(|_| !secret),
    });
    let mut response = (StatusCode::ACCEPTED, axum::Json(answer)).into_response();
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(location) = HeaderValue::from_str(&status_url) {
        out.insert(header::LOCATION, location);
    }
    if taken.fresh
        && let Some(cookie) = taken.token.cookie(server)
    {
        out.insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn parse(bytes: &Bytes) -> Result<Body, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (status, code) = if error.is_data() {
            (StatusCode::UNPROCESSABLE_ENTITY, "bad-body")
        } else {
            (StatusCode::BAD_REQUEST, "bad-json")
        };
        Problem::new(status, code, "The body is not the JSON that is asked for.")
            .detail(format!("{error}."))
            .todo("Send {\"message\": \"…\"}, with \"session\" and \"coach\" as strings if at all.")
    })
}

/// The session a client holds.
pub(super) struct Brought {
    pub token: Option<session::Token>,
    pub by_cookie: bool,
}

/// The session the client holds: in the body, in the header, in the cookie.
pub(super) fn brought(body: Option<&str>, headers: &HeaderMap, server: &Server) -> Result<Brought, Problem> {
    match body.or_else(|| session::bearer(headers)) {
        Some(text) => {
            session::Token::parse(text).map(|token| Brought { token: Some(token), by_cookie: false }).ok_or_else(|| {
                ask::unprocessable("session-malformed", "That is not a session of ours.")
                    .todo("Leave \"session\" out; the answer holds a fresh one.")
            })
        }
        None => Ok(Brought { token: session::cookie(headers, server), by_cookie: true }),
    }
}
