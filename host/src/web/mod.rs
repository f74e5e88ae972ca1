//! Everything HTTP: webhook, web chat, live pages, the phone in the browser, the API.
//!
//! It promises that errors are problem+json with a stable code (a page for people who browse), that a URL is never made from the Host header, and that
//! what a person wrote is never logged. It decides nothing about jobs: it hands requests to [`crate::engine::Engine`] and shows what became of them.

mod access;
mod address;
mod api;
mod ask;
mod card;
mod chat;
mod console;
mod dress;
mod events;
mod form;
mod front;
mod gallery;
mod health;
mod home;
mod jobs;
mod local;
mod look;
mod operator;
mod owner;
mod page;
mod pages;
mod people;
mod phone;
mod plugins;
mod portrait;
mod probes;
mod problem;
mod qr;
mod quiet;
mod records;
mod routes;
mod serve;
mod session;
mod shelf;
mod sign_in;
mod sign_in_page;
mod sms;
mod table;
mod views;
mod who;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, Uri};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use operator::is_beyond_guessing;
pub use probes::probes;
pub use problem::Problem;
pub use routes::router;
pub use serve::serve;

use crate::{adapter::store::Store, config, engine::Engine};

/// What the web needs.
pub struct State {
    /// Takes requests, knows what became of them.
    pub engine: Arc<Engine>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
}

/// What every handler gets.
#[derive(Clone)]
struct Site {
    state: Arc<State>,
    /// Ends the streams, so that their clients reconnect elsewhere.
    shutdown: CancellationToken,
    trusted: Arc<address::Trusted>,
    desk: Arc<records::Desk>,
    views: Arc<views::Views>,
    cards: Arc<card::Cards>,
    liked: Arc<gallery::Liked>,
    shelf: Arc<shelf::Shelf>,
    operators: Arc<console::Desk>,
}

impl Site {
    fn new(state: Arc<State>, shutdown: CancellationToken) -> Self {
        let trusted = Arc::new(address::Trusted::new(&state.engine.pipeline().server.trusted_proxies));
        Self {
            state,
            shutdown,
            trusted,
            desk: Arc::default(),
            views: Arc::default(),
            cards: Arc::default(),
            liked: Arc::default(),
            shelf: Arc::default(),
            operators: Arc::default(),
        }
    }

    fn engine(&self) -> &Engine {
        &self.state.engine
    }

    fn store(&self) -> &dyn Store {
        self.state.engine.store().as_ref()
    }

    /// The whole of it, with its text.
    fn config_arc(&self) -> &Arc<config::Checked> {
        self.state.engine.pipeline()
    }

    fn config(&self) -> &config::Pipeline {
        self.state.engine.pipeline()
    }

    /// Whether a request comes from this machine, by the rule in [`local`].
    fn local(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), local::NotLocal> {
        let server = &self.config().server;
        local::check(server.listen, &server.public_url, uri, headers)
    }

    /// Whether texts go to `/phone` instead of a carrier.
    fn console(&self) -> bool {
        matches!(self.config().sms.provider, config::SmsProvider::Console)
    }
}

/// For [`crate::fuzzing`]: everything that is read of a request's headers before anything else is known of it.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_headers(headers: &HeaderMap) {
    let uri = Uri::from_static("/phone");
    if let (Ok(listen), Ok(public)) = ("127.0.0.1:3030".parse(), "http://localhost:3030".parse()) {
        let _ = local::check(listen, &public, &uri, headers);
    }
    let _ = (session::bearer(headers), session::in_cookie(headers, "wtaf_session"));
    let peer = std::net::Ipv4Addr::LOCALHOST.into();
    let _ = address::bucket(address::client(peer, headers, &address::Trusted::new(&["127.0.0.0/8", "10.0.0.0/8"])));
}

/// For [`crate::fuzzing`]: the body of a record.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_record(body: &[u8], is_form: bool) {
    records::try_any(body, is_form);
}
