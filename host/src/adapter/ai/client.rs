//! HTTP clients for calls to the outside: whom they believe, how long they connect, how they share a connection.
//!
//! Whatever they are for, they follow no redirect, send nothing twice, and read the system's certificates once.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{Client, ClientBuilder};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
};
use rustls_platform_verifier::BuilderVerifierExt;

const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is kept that carries nothing.
const KEPT: Duration = Duration::from_mins(1);

/// How many calls one connection of HTTP/2 carries at most. Providers allow a hundred and more, and what is beyond theirs queues unseen; what shares a connection breaks with it.
pub(super) const SEATS: usize = 32;
/// What a call may have sent to it before it reads: a second's words of the fastest model, over the slowest line.
const STREAM_WINDOW: u32 = 64 * 1024;
/// All who share a connection may be slow to read at once, and nobody else's words wait for it.
#[expect(clippy::cast_possible_truncation, reason = "a few dozen")]
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * SEATS as u32;
/// A connection that says nothing for so long is asked for a sign of life,
const ASKED: Duration = Duration::from_secs(15);
/// and is dead without one. Both together are less than what a silent answer is given, so that a dead connection is not taken for a silent provider.
const DEAD: Duration = Duration::from_secs(10);

const _: () = assert!(ASKED.as_secs() + DEAD.as_secs() < super::http::IDLE.as_secs());

/// There is no client, so no provider can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot make an HTTPS client ({0}); are the system's CA certificates installed?")]
pub struct ClientError(String);

/// Whose certificates are believed.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Whom this machine believes, or `SSL_CERT_FILE` names.
    System,
    /// Those alone who were certified by one of these.
    Only(Arc<RootCertStore>),
}

impl Trust {
    fn config(&self) -> Result<ClientConfig, ClientError> {
        static SYSTEM: OnceLock<Result<ClientConfig, ClientError>> = OnceLock::new();
        match self {
            // A hundred certificates take a hundred KiB: all clients share them, and the sessions to take up again.
            Self::System => SYSTEM.get_or_init(|| config(None)).clone(),
            Self::Only(roots) => config(Some(roots.clone())),
        }
    }
}

fn config(roots: Option<Arc<RootCertStore>>) -> Result<ClientConfig, ClientError> {
    let failed = |error: rustls::Error| ClientError(root(&error));
    // Fails only where one is installed already, which does as well.
    let _ = ring::default_provider().install_default();
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(failed)?;
    Ok(match roots {
        None => builder.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
        Some(roots) => builder.with_root_certificates(roots).with_no_client_auth(),
    })
}

/// What clients are made of: whom they believe, and whether the server is on this machine, where no proxy could reach it and none should see.
#[derive(Debug, Clone)]
pub(super) struct Maker {
    tls: ClientConfig,
    local: bool,
}

impl Maker {
    pub fn new(trust: &Trust, local: bool) -> Result<Self, ClientError> {
        Ok(Self { tls: trust.config()?, local })
    }

    /// A connection a call.
    pub fn alone(&self) -> Result<Client, ClientError> {
        made(self.begun(&["http/1.1"]).http1_only())
    }

    /// Whatever the server likes best; `layer` sees the connection.
    pub fn either(&self, layer: super::door::Door) -> Result<Client, ClientError> {
        made(shared(self.begun(&["h2", "http/1.1"])).connector_layer(layer))
    }

    /// One connection of HTTP/2 for all calls; `layer` sees it.
    pub fn together(&self, layer: super::door::Door) -> Result<Client, ClientError> {
        made(shared(self.begun(&["h2"])).http2_prior_knowledge().connector_layer(layer))
    }

    fn begun(&self, protocols: &[&str]) -> ClientBuilder {
        let mut tls = self.tls.clone();
        tls.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let builder = Client::builder()
            .user_agent(concat!("wtaf-host/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tls_backend_preconfigured(tls)
            .pool_idle_timeout(KEPT)
            .tcp_keepalive(Duration::from_secs(30));
        if self.local { builder.no_proxy() } else { builder }
    }
}

fn shared(builder: ClientBuilder) -> ClientBuilder {
    builder
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(ASKED)
        .http2_keep_alive_timeout(DEAD)
}

fn made(builder: ClientBuilder) -> Result<Client, ClientError> {
    builder.build().map_err(|error| ClientError(root(&error)))
}

/// The one client for calls to the outside: its pool is shared, its proxy is the environment's.
pub fn client() -> Result<Client, ClientError> {
    static CLIENT: OnceLock<Result<Client, ClientError>> = OnceLock::new();
    CLIENT.get_or_init(|| Maker::new(&Trust::System, false)?.alone()).clone()
}

/// For a server on this machine, which no proxy could reach, and none should see.
pub fn local_client() -> Result<Client, ClientError> {
    static CLIENT: OnceLock<Result<Client, ClientError>> = OnceLock::new();
    CLIENT.get_or_init(|| Maker::new(&Trust::System, true)?.alone()).clone()
}

/// The innermost cause, which is the one that helps; the outer ones name the URL, which may hold a password.
pub(super) fn root(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
