//! An AI server that speaks Anthropic's Messages API and OpenAI's chat completions as their documents say, and fails on demand.
//!
//! ```ignore
//! let ai = FakeAi::start().await;
//! ai.script([Reply::status(529), Reply::text("hello")]);   // for the first calls, in order
//! ai.always(Reply::text("later"));                         // for all the others
//! // base_url: ai.anthropic() or ai.openai(); afterwards ai.calls() and ai.count()
//! ```

mod secure;
mod wire;

use std::{
    collections::VecDeque,
    fmt::Display,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

pub use secure::{Line, trust};
pub use wire::Api;

/// What the server does with one call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers, in a few pieces.
    Text(String),
    /// Answers, each piece this long after the one before.
    Slow(String, Duration),
    /// Answers, a byte at a time: every character of more than one byte is split.
    Bytewise(String),
    /// Answers as far as its `max_tokens` let it.
    CutOff(String),
    /// Would rather not, in these words.
    Refusal(String),
    /// Thinks, then answers.
    Thinking(String),
    /// This status, with the error body of the API unless there is another, and these headers.
    Status { status: u16, kind: &'static str, message: String, headers: Vec<(&'static str, String)> },
    /// Takes the call, and answers when the gate opens.
    Gated(watch::Receiver<bool>, String),
    /// Takes the call and never says a byte.
    Hang,
    /// Begins an answer, then a byte of a comment each so often, for ever.
    Drip(Duration),
    /// Says this much, then the connection breaks.
    Cut(String),
    /// Says this much, then ends as if it were done, without the API's proof of it.
    Unfinished(String),
    /// Says this much, then an error of this kind, after the 200.
    Fails(String, &'static str),
    /// A web page where a stream was asked for.
    Html,
    /// JSON that says nothing we asked for.
    WrongJson,
    /// An error body with a 200.
    ErrorIn200(&'static str),
    /// An answer of this many bytes.
    Huge(usize),
    /// Whatever this is.
    Raw { status: u16, media: &'static str, body: Vec<u8> },
}

impl Reply {
    /// An answer.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A status with the error body that goes with it.
    pub fn status(status: u16) -> Self {
        let kind = wire::kind_of(status);
        Self::Status { status, kind, message: kind.replace('_', " "), headers: Vec::new() }
    }

    /// A 429 that asks for this much patience, in one of the header's forms.
    pub fn too_many(name: &'static str, value: impl Display) -> Self {
        Self::status(429).with(name, value)
    }

    /// OpenAI's 429 that no waiting cures.
    pub fn insufficient_quota() -> Self {
        let message = "You exceeded your current quota, please check your plan and billing details.".to_owned();
        Self::Status { status: 429, kind: "insufficient_quota", message, headers: Vec::new() }
    }

    /// The same status with one more header.
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name, value.to_string()));
        }
        self
    }

    /// The same status in other words.
    pub fn saying(mut self, words: impl Into<String>) -> Self {
        if let Self::Status { message, .. } = &mut self {
            *message = words.into();
        }
        self
    }
}

/// One call as it came in.
#[derive(Debug, Clone)]
pub struct Call {
    /// When.
    pub at: Instant,
    /// Such as `/v1/messages`.
    pub path: String,
    /// All of them.
    pub headers: HeaderMap,
    /// Parsed.
    pub body: Value,
}

type Answerer = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;

/// The server; it ends when dropped.
pub struct FakeAi {
    root: String,
    lines: secure::Lines,
    shared: Arc<Shared>,
    _server: AbortOnDropHandle<()>,
}

struct Shared {
    script: Mutex<VecDeque<Reply>>,
    always: Mutex<Answerer>,
    calls: Mutex<Vec<Call>>,
    connections: AtomicUsize,
}

impl FakeAi {
    /// On a free port of this machine.
    pub async fn start() -> Self {
        let (listener, address) = listening().await;
        let (shared, router) = answering();
        let counted = shared.clone();
        let listener = listener.tap_io(move |_| {
            counted.connections.fetch_add(1, Ordering::Relaxed);
        });
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let root = format!("http://{address}");
        Self { root, lines: Arc::default(), shared, _server: AbortOnDropHandle::new(server) }
    }

    /// The same over TLS, for whoever believes [`trust`]; it speaks these protocols, as `h2` and `http/1.1`.
    pub async fn secure(protocols: &[&str]) -> Self {
        let (listener, address) = listening().await;
        let (shared, router) = answering();
        let lines = secure::Lines::default();
        let server = secure::serve(listener, router, protocols, lines.clone());
        Self { root: format!("https://localhost:{}", address.port()), lines, shared, _server: server }
    }

    /// The connections over TLS so far, in the order they came.
    pub fn lines(&self) -> Vec<Arc<Line>> {
        self.lines.lock().unwrap().clone()
    }

    /// What the next calls get, in order.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.script.lock().unwrap().extend(replies);
    }

    /// What calls get when the script is through.
    pub fn always(&self, reply: Reply) {
        self.answer(move |_| reply.clone());
    }

    /// What calls get when the script is through, by what they ask.
    pub fn answer(&self, answerer: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        *self.shared.always.lock().unwrap() = Arc::new(answerer);
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.shared.calls.lock().unwrap().len()
    }

    /// Connections made to it so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// The server's root.
    pub fn url(&self) -> Url {
        self.root.parse().unwrap()
    }

    /// A `base_url` for kind `anthropic`.
    pub fn anthropic(&self) -> Url {
        self.url()
    }

    /// A `base_url` for kind `openai`.
    pub fn openai(&self) -> Url {
        self.url().join("/v1").unwrap()
    }
}

async fn listening() -> (tokio::net::TcpListener, SocketAddr) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn answering() -> (Arc<Shared>, Router) {
    let always: Answerer = Arc::new(|_| Reply::text("All is well."));
    let shared = Arc::new(Shared {
        script: Mutex::default(),
        always: Mutex::new(always),
        calls: Mutex::default(),
        connections: AtomicUsize::new(0),
    });
    let router = Router::new()
        .route("/v1/messages", post(messages))
        .route("/v1/chat/completions", post(completions))
        .with_state(shared.clone());
    (shared, router)
}

/// The root of another AI server to try the same client on (a real model, a fault injector), where `WTAF_TEST_AI_URL` names one.
pub fn elsewhere() -> Option<Url> {
    std::env::var("WTAF_TEST_AI_URL").ok()?.parse().ok()
}

/// An address nobody listens on.
pub async fn nowhere() -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

async fn messages(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    reply(&shared, Api::Anthropic, &uri, headers, &body).await
}

async fn completions(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    reply(&shared, Api::OpenAi, &uri, headers, &body).await
}

async fn reply(shared: &Shared, api: Api, uri: &Uri, headers: HeaderMap, body: &[u8]) -> Response {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let call = Call { at: Instant::now(), path: uri.path().to_owned(), headers, body };
    shared.calls.lock().unwrap().push(call.clone());
    if let Some(fault) = wire::fault(api, &call) {
        return error(api, 400, "invalid_request_error", &fault, &[]);
    }
    let scripted = shared.script.lock().unwrap().pop_front();
    let reply = scripted.unwrap_or_else(|| {
        let answerer = shared.always.lock().unwrap().clone();
        answerer(&call)
    });
    play(api, &call, reply).await
}

async fn play(api: Api, call: &Call, reply: Reply) -> Response {
    let wire = wire::Wire::new(api, call);
    match reply {
        Reply::Text(text) => streamed(wire.answer(&text, wire.complete()), None),
        Reply::Slow(text, pause) => streamed(wire.answer(&text, wire.complete()), Some(pause)),
        Reply::Bytewise(text) => {
            let bytes = wire.answer(&text, wire.complete()).concat();
            streamed(bytes.chunks(1).map(<[u8]>::to_vec).collect(), None)
        }
        Reply::CutOff(text) => streamed(wire.answer(&text, wire.cut_off()), None),
        Reply::Refusal(text) => streamed(wire.refusal(&text), None),
        Reply::Thinking(text) => streamed([wire.thinking(), wire.answer(&text, wire.complete())].concat(), None),
        Reply::Status { status, kind, message, headers } => error(api, status, kind, &message, &headers),
        Reply::Gated(mut gate, text) => {
            // A gate that is gone stands open.
            let _ = gate.wait_for(|open| *open).await;
            streamed(wire.answer(&text, wire.complete()), None)
        }
        Reply::Hang => std::future::pending().await,
        Reply::Drip(pause) => {
            let begun = stream::iter(wire.begun("Once upon a time")).map(Bytes::from);
            let drops = stream::repeat(Bytes::from_static(b":")).then(move |drop| async move {
                tokio::time::sleep(pause).await;
                drop
            });
            events(Body::from_stream(begun.chain(drops).map(Ok::<_, std::io::Error>)))
        }
        Reply::Cut(text) => {
            let begun = stream::iter(wire.begun(&text)).map(|piece| Ok(Bytes::from(piece)));
            // The pieces are on their way before the connection breaks.
            let broken = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(std::io::Error::other("broken"))
            });
            events(Body::from_stream(begun.chain(broken)))
        }
        Reply::Unfinished(text) => streamed(wire.begun(&text), None),
        Reply::Fails(text, kind) => streamed([wire.begun(&text), vec![wire.failure(kind)]].concat(), None),
        Reply::Html => {
            raw(200, "text/html; charset=utf-8", b"<!doctype html><title>Welcome to our network</title>".into())
        }
        Reply::WrongJson => raw(200, "application/json", br#"{"hello":"world"}"#.into()),
        Reply::ErrorIn200(kind) => {
            raw(200, "application/json", wire::error_body(api, kind, "late news").to_string().into())
        }
        Reply::Huge(bytes) => {
            let piece = wire.piece(&"<p>more</p>".repeat(6000));
            let pieces = bytes / piece.len() + 1;
            let many = stream::repeat(Bytes::from(piece)).take(pieces).map(Ok::<_, std::io::Error>);
            events(Body::from_stream(many))
        }
        Reply::Raw { status, media, body } => raw(status, media, body),
    }
}

fn streamed(pieces: Vec<Vec<u8>>, pause: Option<Duration>) -> Response {
    events(Body::from_stream(stream::iter(pieces).then(move |piece| async move {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        Ok::<_, std::io::Error>(Bytes::from(piece))
    })))
}

fn events(body: Body) -> Response {
    ([("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")], body).into_response()
}

fn raw(status: u16, media: &'static str, body: Vec<u8>) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", media)], body).into_response()
}

fn error(api: Api, status: u16, kind: &str, message: &str, headers: &[(&'static str, String)]) -> Response {
    let body = wire::error_body(api, kind, message).to_string();
    let mut response = raw(status, "application/json", body.into());
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}
