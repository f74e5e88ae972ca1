//! An AI as providers have it, over TLS and HTTP/2 (HTTP/1.1 for whoever asks for that alone), that answers any number of calls: at once, after a wait, or when told.
//!
//!     secure_ai PORT CERTIFICATE KEY HEAD REST WAIT BEGUN HOLD
//!
//! HEAD and REST are files, the answer's first piece and what follows. WAIT is in seconds. BEGUN (`true`): the first piece comes at once. HOLD (`true`): nobody is answered before `/release`.
//! `/waiting` and `/answered` are counts. It ends with the process that started it.

use std::{
    convert::Infallible,
    error::Error,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Request, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::Listener,
};
use futures_util::{StreamExt, stream::once};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    time::sleep,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

struct Ai {
    head: Bytes,
    rest: Bytes,
    wait: Duration,
    begun: bool,
    held: watch::Sender<bool>,
    waiting: AtomicUsize,
    answered: AtomicUsize,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let [port, certificate, key, head, rest, wait, begun, hold] = &asked[..] else {
        return Err("secure_ai PORT CERTIFICATE KEY HEAD REST WAIT BEGUN HOLD".into());
    };
    let ai = Arc::new(Ai {
        head: std::fs::read(head)?.into(),
        rest: std::fs::read(rest)?.into(),
        wait: Duration::from_secs_f64(wait.parse()?),
        begun: begun == "true",
        held: watch::Sender::new(hold == "true"),
        waiting: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
    });
    let router = Router::new()
        .route("/v1/chat/completions", post(answer))
        .route("/release", get(release))
        .route("/waiting", get(async |State(ai): State<Arc<Ai>>| ai.waiting.load(Relaxed).to_string()))
        .route("/answered", get(async |State(ai): State<Arc<Ai>>| ai.answered.load(Relaxed).to_string()))
        .with_state(ai);
    tokio::spawn(leave_with_parent());
    axum::serve(Secure::listen(port.parse()?, certificate, key).await?, router).await?;
    Ok(())
}

async fn release(State(ai): State<Arc<Ai>>) -> String {
    ai.held.send_replace(false);
    ai.answered.load(Relaxed).to_string()
}

async fn answer(State(ai): State<Arc<Ai>>, request: Request<Body>) -> Response {
    // All of it is read first, as a model reads it.
    drop(axum::body::to_bytes(request.into_body(), 1 << 24).await);
    ai.waiting.fetch_add(1, Relaxed);
    let begun = ai.begun;
    let turn = turn(ai.clone());
    let events = [(header::CONTENT_TYPE, "text/event-stream")];
    if begun {
        let pieces = once(ready(ai.head.clone())).chain(once(turn)).map(Ok::<_, Infallible>);
        return (events, Body::from_stream(pieces)).into_response();
    }
    let rest = turn.await;
    (events, [ai.head.clone(), rest].concat()).into_response()
}

/// The rest of the answer, when it is this call's turn.
async fn turn(ai: Arc<Ai>) -> Bytes {
    // Whoever tells is there as long as we are.
    let _ = ai.held.subscribe().wait_for(|held| !held).await;
    sleep(ai.wait).await;
    ai.waiting.fetch_sub(1, Relaxed);
    ai.answered.fetch_add(1, Relaxed);
    ai.rest.clone()
}

/// Connections whose handshake is done; each is given its own time for it.
struct Secure {
    address: std::net::SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, std::net::SocketAddr)>,
}

impl Secure {
    async fn listen(port: u16, certificate: &str, key: &str) -> Outcome<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let chain = vec![CertificateDer::from_pem_file(certificate)?];
        let builder = ServerConfig::builder().with_no_client_auth();
        let mut config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(1024);
        tokio::spawn(async move {
            loop {
                let Ok((stream, from)) = listener.accept().await else { continue };
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = done.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Self { address, ready })
    }
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}

async fn leave_with_parent() {
    let parent = std::os::unix::process::parent_id();
    while std::os::unix::process::parent_id() == parent {
        sleep(Duration::from_secs(1)).await;
    }
    std::process::exit(0);
}
