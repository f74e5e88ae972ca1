//! The AI server behind TLS, as providers have it: HTTP/2 for whoever asks for it, and each connection under the test's eyes.

use std::sync::{
    Arc, LazyLock, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use wtaf_host::adapter::ai::Trust;

use crate::kit::{
    postgres_tls::{authority, certificate},
    server::RunAs,
};

/// A certificate for `localhost`, its key, and who signed it.
struct Papers {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Arc<RootCertStore>,
}

static PAPERS: LazyLock<Papers> = LazyLock::new(|| {
    let run_as = RunAs::unprivileged();
    let folder = run_as.folder("ai-tls");
    let signed_by = authority(&run_as, &folder, "authority");
    certificate(&run_as, &folder);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(signed_by).expect("a certificate")).expect("an authority");
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.pem")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    Papers { chain, key, roots: Arc::new(roots) }
});

/// Whom a client has to believe.
pub fn trust() -> Trust {
    Trust::Only(PAPERS.roots.clone())
}

/// One connection.
#[derive(Debug, Default)]
pub struct Line {
    calls: AtomicUsize,
    broken: CancellationToken,
    asked_to_leave: CancellationToken,
}

impl Line {
    /// Calls that came over it so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// It is gone, as when a cable is cut.
    pub fn break_off(&self) {
        self.broken.cancel();
    }

    /// GOAWAY: what is under way ends well, and nothing new is taken.
    pub fn ask_to_leave(&self) {
        self.asked_to_leave.cancel();
    }
}

/// The connections so far, in the order they came.
pub type Lines = Arc<Mutex<Vec<Arc<Line>>>>;

/// Serves on it, over TLS; the first of `protocols` that a client offers is spoken.
pub fn serve(listener: TcpListener, router: Router, protocols: &[&str], lines: Lines) -> AbortOnDropHandle<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(PAPERS.chain.clone(), PAPERS.key.clone_key())
        .expect("the key is the certificate's");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a listener listens");
            let (acceptor, router, lines) = (acceptor.clone(), router.clone(), lines.clone());
            tokio::spawn(async move {
                // Whoever does not believe us goes away.
                if let Ok(stream) = acceptor.accept(stream).await {
                    let line = Arc::new(Line::default());
                    lines.lock().unwrap().push(line.clone());
                    talk(stream, router, &line).await;
                }
            });
        }
    }))
}

async fn talk(stream: TlsStream<TcpStream>, router: Router, line: &Arc<Line>) {
    let counted = line.clone();
    let router = router.layer(axum::middleware::map_request(move |request: axum::extract::Request| {
        counted.calls.fetch_add(1, Ordering::Relaxed);
        std::future::ready(request)
    }));
    let mut server = Builder::new(TokioExecutor::new());
    // More than anyone should send at once: that nobody does is the client's doing.
    server.http2().max_concurrent_streams(100_000);
    let mut talk = std::pin::pin!(server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let mut leaving = false;
    loop {
        tokio::select! {
            _ = talk.as_mut() => return,
            () = line.broken.cancelled() => return,
            () = line.asked_to_leave.cancelled(), if !leaving => {
                leaving = true;
                talk.as_mut().graceful_shutdown();
            }
        }
    }
}
