//! What went wrong, as RFC 9457 problem+json with a stable `code`; for people who browse, the same as a page that says what to do.

use askama::Template;
use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::look;
use crate::{
    adapter::{queue::QueueError, store::StoreError},
    engine::LookupError,
    job::JobId,
};

/// Something that was not done, and what to do about it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: String,
    detail: Option<String>,
    kept: Option<&'static str>,
    todo: Option<String>,
    job: Option<JobId>,
    retry_after: Option<u64>,
    more: serde_json::Map<String, serde_json::Value>,
    offers: Vec<Offer>,
}

/// Somewhere else to go.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What is there.
    pub title: String,
    /// Where.
    pub url: String,
}

impl Problem {
    /// What happened, in one sentence.
    pub fn new(status: StatusCode, code: &'static str, title: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            title: title.into(),
            detail: None,
            kept: None,
            todo: None,
            job: None,
            retry_after: None,
            more: serde_json::Map::new(),
            offers: Vec::new(),
        }))
    }

    /// Where and why.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.0.detail = Some(text.into());
        self
    }

    /// What of it is not lost.
    #[must_use]
    pub fn kept(mut self, text: &'static str) -> Self {
        self.0.kept = Some(text);
        self
    }

    /// What to do now.
    #[must_use]
    pub fn todo(mut self, text: impl Into<String>) -> Self {
        self.0.todo = Some(text.into());
        self
    }

    /// The job it is about.
    #[must_use]
    pub fn job(mut self, id: JobId) -> Self {
        self.0.job = Some(id);
        self
    }

    /// When another try makes sense, seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// A member of its own in the JSON.
    #[must_use]
    pub fn with(mut self, name: &str, value: serde_json::Value) -> Self {
        self.0.more.insert(name.to_owned(), value);
        self
    }

    /// Where else to go, for people.
    #[must_use]
    pub fn offers(mut self, offers: Vec<Offer>) -> Self {
        self.0.offers = offers;
        self
    }
}

impl Problem {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// All of it in one line, for beside a form.
    pub fn words(&self) -> String {
        let all = [Some(self.0.title.as_str()), self.0.detail.as_deref(), self.0.kept, self.0.todo.as_deref()];
        all.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Parts {
    fn json(&self) -> serde_json::Value {
        let mut body = serde_json::Map::from_iter([
            ("type".to_owned(), json!(format!("urn:wtaf:problem:{}", self.code))),
            ("status".to_owned(), json!(self.status.as_u16())),
            ("code".to_owned(), json!(self.code)),
            ("title".to_owned(), json!(self.title)),
        ]);
        let parts: Vec<&str> =
            [self.detail.as_deref(), self.kept, self.todo.as_deref()].into_iter().flatten().collect();
        if !parts.is_empty() {
            body.insert("detail".to_owned(), json!(parts.join(" ")));
        }
        if let Some(job) = self.job {
            body.insert("job".to_owned(), json!(job));
        }
        if let Some(seconds) = self.retry_after {
            body.insert("retry_after".to_owned(), json!(seconds));
        }
        body.extend(self.more.clone());
        serde_json::Value::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.0.status, self.0.json().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store could not answer a web request");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "The shelf with the pages is out of reach.")
            .kept("Nothing that was accepted is lost.")
            .todo("Try again in a moment.")
            .retry_after(5)
    }
}

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Store(error) => error.into(),
            LookupError::Queue(error) => error.into(),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        if matches!(error, QueueError::Full { .. } | QueueError::Behind { .. }) {
            return Self::new(StatusCode::TOO_MANY_REQUESTS, "queue-full", "Too many people are asking at once.")
                .kept("This request was not taken in.")
                .todo("Ask again in half a minute.")
                .retry_after(30);
        }
        tracing::error!(%error, "the queue could not answer a web request");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue-unavailable", "The queue is out of reach.")
            .kept("This request was not taken in; what was accepted before is safe.")
            .todo("Try again in a moment.")
            .retry_after(5)
    }
}

/// Nothing there.
pub(super) fn not_found(title: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", title).todo("Check the address, or begin at the front page.")
}

/// A fault of ours that no type foresaw.
pub(super) fn internal() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "A fault on our side stopped this answer.")
        .kept("Nothing that was accepted is lost.")
        .todo("Try again; if it stays, tell whoever runs this engine.")
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    title: &'a str,
    problem: &'a Parts,
}

/// On a response that says itself, in a page of its own, what went wrong.
#[derive(Clone, Copy)]
pub(super) struct Told;

/// Turns a problem into a page when the client prefers to read HTML.
pub(super) async fn for_people(request: Request, next: Next) -> Response {
    let reads_html = prefers_html(request.headers());
    let response = next.run(request).await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if response.extensions().get::<Told>().is_some() {
        return response;
    }
    // The framework's own refusals (an address that is not UTF-8, say) get our form too.
    let response = match response.extensions().get::<Problem>() {
        None if failed => Problem::new(response.status(), "bad-request", "This request cannot be read.")
            .todo("Check the address.")
            .into_response(),
        _ => response,
    };
    match response.extensions().get::<Problem>() {
        Some(problem) if reads_html => {
            let Ok(html) = (Page { title: &problem.0.title, problem: &problem.0 }).render() else { return response };
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            look::own_page(&mut parts.headers, None);
            parts.headers.insert(header::VARY, HeaderValue::from_static("accept"));
            Response::from_parts(parts, Body::from(html))
        }
        _ => response,
    }
}

fn prefers_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}
