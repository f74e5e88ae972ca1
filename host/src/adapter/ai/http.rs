//! One try over HTTP: take a seat on a connection, send, judge the status, listen to the stream under its deadlines.
//!
//! What is sent and what the events mean is a [`Dialect`]'s business, who shares a connection that of [`Wires`]. Nothing is sent twice here, redirects are not followed.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, header};
use hyper::body::{Frame, SizeHint};
use reqwest::{Body, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

use super::{
    AiCall, AiError, Bar, Trouble,
    classify::{Judge, wants_no_temperature},
    client::{ClientError, Maker, Trust, root},
    provider::{Ear, Ending, Named, Provider},
    sse::{Broken, Event, Events},
    wires::{News, Seat, Wires},
};
use crate::config;

/// Between two events of a stream that has begun.
pub(super) const IDLE: Duration = Duration::from_secs(30);
/// What is read of an error, and for how long.
const ERROR_BYTES: usize = 64 * 1024;
const ERROR_TIME: Duration = Duration::from_secs(5);
/// An answered connection is worth this long a wait for its end, so that the next call finds it open.
const LAST_BYTE: Duration = Duration::from_millis(20);

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// One provider's way of asking and answering; pure.
pub(super) trait Dialect: Send + Sync {
    /// The body of a call; `bare` leaves the temperature to the model.
    fn body(&self, entry: &config::Ai, call: &AiCall, bare: bool) -> Vec<u8>;

    /// A reader for one answer.
    fn reader(&self) -> Box<dyn Reader>;
}

/// Reads one answer, event by event; pure.
pub(super) trait Reader: Send {
    /// What an event means.
    fn read(&mut self, event: &Event) -> Result<Read, Misread>;
}

/// What an event means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    /// Nothing for us.
    Nothing,
    /// The model thinks.
    Thinking,
    /// More words.
    Text(String),
    /// The end, proved.
    Done(Ending),
}

/// Why an event cannot be part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Misread {
    /// The provider says it failed.
    Failed(Value),
    /// It makes no sense at this place.
    Senseless(&'static str),
    /// It is not of this API.
    Foreign(&'static str),
}

/// A provider that is spoken to over HTTP.
pub(super) struct HttpProvider<D> {
    pub named: Named,
    pub entry: config::Ai,
    pub key_hint: String,
    pub wires: Arc<Wires>,
    pub url: Url,
    pub headers: HeaderMap,
    pub dialect: D,
    /// The model takes no temperature: learned from its first refusal.
    pub bare: AtomicBool,
}

impl<D: Dialect> HttpProvider<D> {
    /// The connections to the address of `path` under the entry's `base_url`, else under `base`, and that address.
    pub fn reach(entry: &config::Ai, base: &str, path: &str, trust: &Trust) -> Result<(Arc<Wires>, Url), ReachError> {
        let base = entry.base_url.as_ref().map_or(base, Url::as_str).trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path}")).map_err(|_| ReachError::Url)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(ReachError::Url);
        }
        let maker = Maker::new(trust, is_local(&url))?;
        let wires = if url.scheme() == "https" { Wires::secure(maker)? } else { Wires::plain(maker)? };
        Ok((wires, url))
    }

    fn judge<'a>(&'a self, call: &'a AiCall) -> Judge<'a> {
        Judge {
            named: &self.named,
            model: &self.entry.model,
            key_hint: &self.key_hint,
            key: self.entry.api_key.as_ref(),
            call,
        }
    }

    /// Sends, and gives back a stream that is one, with the seat it came to. What comes after the wait has its room when it comes.
    async fn open(&self, call: &AiCall) -> Result<(Response, Seat), AiError> {
        let seat = self.wires.seat().await;
        let bare = self.bare.load(Ordering::Relaxed);
        let (response, seat) = self.send(call, bare, seat).await?;
        if response.status() != 400 || bare || call.temperature.or(self.entry.temperature).is_none() {
            return Ok((Box::pin(self.stream(response, call)).await?, seat));
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = Box::pin(error_body(response)).await;
        if !wants_no_temperature(status, &body) {
            return Err(self.judge(call).status(status, &headers, &body, jiff::Timestamp::now()));
        }
        self.bare.store(true, Ordering::Relaxed);
        let (response, seat) = self.send(call, true, seat).await?;
        Ok((Box::pin(self.stream(response, call)).await?, seat))
    }

    async fn send(&self, call: &AiCall, bare: bool, seat: Seat) -> Result<(Response, Seat), AiError> {
        let error = match self.sent(call, bare, &seat).await {
            Ok(response) => return Ok((response, seat)),
            Err(error) => error,
        };
        // Not a byte of it was sent where there was no connection.
        let instead = if error.is_connect() { seat.instead() } else { None };
        let Some(seat) = instead else {
            return Err(self.unreached(&error, &seat));
        };
        match self.sent(call, bare, &seat).await {
            Ok(response) => Ok((response, seat)),
            Err(error) => Err(self.unreached(&error, &seat)),
        }
    }

    fn sent(
        &self,
        call: &AiCall,
        bare: bool,
        seat: &Seat,
    ) -> impl Future<Output = Result<Response, reqwest::Error>> + use<D> {
        let body = Body::wrap(Once(Some(self.dialect.body(&self.entry, call, bare).into())));
        seat.client().post(self.url.clone()).headers(self.headers.clone()).body(body).send()
    }

    /// A status and a content type that begin an answer.
    async fn stream(&self, response: Response, call: &AiCall) -> Result<Response, AiError> {
        let status = response.status().as_u16();
        let media = media_type(response.headers());
        if status == 200 && (media.is_empty() || media == "text/event-stream") {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = error_body(response).await;
        if status != 200 {
            return Err(self.judge(call).status(status, &headers, &body, jiff::Timestamp::now()));
        }
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(self.judge(call).late(&value));
        }
        let what = match media.as_str() {
            "text/html" => "a web page",
            "application/json" => "JSON that is no stream of an answer",
            _ => "something that is no stream of an answer",
        };
        Err(self.named.next(Bar::Strange, format!("answered with {what}: check base_url and the kind of this entry")))
    }

    fn unreached(&self, error: &reqwest::Error, seat: &Seat) -> AiError {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        let cause = if error.is_timeout() { "no connection within 5 s".to_owned() } else { root(error) };
        let trouble = match seat.broke() {
            News::First => Trouble::Down,
            News::Known => Trouble::Shared,
        };
        self.named.retry(trouble, format!("cannot be reached at {host}:{port}: {cause}"))
    }

    fn misread(&self, misread: &Misread, call: &AiCall) -> AiError {
        match misread {
            Misread::Failed(error) => self.judge(call).late(error),
            Misread::Senseless(what) => self.named.retry(Trouble::Cut, *what),
            Misread::Foreign(what) => self.named.next(Bar::Strange, format!("{what}: check base_url and model")),
        }
    }

    fn broken(&self, broken: Broken, seat: &Seat) -> AiError {
        let trouble = match broken {
            Broken::TooLong | Broken::LineTooLong => return self.named.next(Bar::Strange, broken.to_string()),
            Broken::Cut if seat.broke() == News::Known => Trouble::Shared,
            Broken::NotEvents | Broken::Cut => Trouble::Cut,
        };
        self.named.retry(trouble, broken.to_string())
    }

    async fn listen(
        &self,
        (response, seat): (Response, Seat),
        call: &AiCall,
        ear: &mut Ear<'_>,
        limits: Limits,
    ) -> Result<Ending, AiError> {
        let mut reader = self.dialect.reader();
        let mut events = Events::new(response.bytes_stream());
        let mut last = Instant::now();
        loop {
            let idle = if ear.first().is_some() { last + IDLE } else { limits.first };
            let Ok(next) = timeout_at(idle.min(limits.last), events.next()).await else {
                // Perhaps it is the connection that is slow.
                seat.worn();
                return Err(self.late(limits, ear.first().is_some()));
            };
            let event = match next {
                None => return Err(self.named.retry(Trouble::Cut, "the answer ended without its end")),
                Some(Err(broken)) => return Err(self.broken(broken, &seat)),
                Some(Ok(event)) => event,
            };
            last = Instant::now();
            match reader.read(&event).map_err(|misread| self.misread(&misread, call))? {
                Read::Nothing => {}
                Read::Thinking => ear.alive(),
                Read::Text(text) => ear.text(&text),
                Read::Done(ending) => {
                    let _ = timeout(LAST_BYTE, events.next()).await;
                    return Ok(ending);
                }
            }
        }
    }

    fn late(&self, limits: Limits, begun: bool) -> AiError {
        let why = if Instant::now() >= limits.last {
            format!("took longer than its timeout of {:?}", self.entry.timeout)
        } else if begun {
            format!("went silent for {IDLE:?} in the middle of its answer")
        } else {
            format!("said nothing for {:?}", self.entry.first_token_timeout)
        };
        self.named.next(Bar::Slow, why)
    }
}

/// A body that is gone once it is sent. One that could be sent again would be kept for as long as the answer takes, and nothing is sent twice here.
struct Once(Option<Bytes>);

impl hyper::body::Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// When a try has taken too long.
#[derive(Debug, Clone, Copy)]
struct Limits {
    first: Instant,
    last: Instant,
}

#[async_trait]
impl<D: Dialect> Provider for HttpProvider<D> {
    async fn call(&self, call: &AiCall, ear: &mut Ear<'_>) -> Result<Ending, AiError> {
        let began = Instant::now();
        let limits = Limits { first: began + self.entry.first_token_timeout, last: began + self.entry.timeout };
        let response = timeout_at(limits.first.min(limits.last), Box::pin(self.open(call))).await;
        let response = response.map_err(|_| self.late(limits, false))??;
        Box::pin(self.listen(response, call, ear, limits)).await
    }
}

/// Why an entry of `[[ai]]` leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReachError {
    #[error("its base_url is not an http or https URL")]
    Url,
    #[error(transparent)]
    Client(#[from] ClientError),
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The beginning of an error's body, as far as it comes.
async fn error_body(mut response: Response) -> String {
    let mut body = Vec::new();
    let _ = timeout(ERROR_TIME, async {
        while let (true, Ok(Some(chunk))) = (body.len() < ERROR_BYTES, response.chunk().await) {
            body.extend_from_slice(&chunk);
        }
    })
    .await;
    body.truncate(ERROR_BYTES);
    String::from_utf8_lossy(&body).into_owned()
}
