//! The connection to the NATS servers, which the queue and the plugins' bucket share: one for a process, mended by itself when it breaks.
//!
//! Names of streams and buckets begin with the configured prefix; whoever makes one asks here for its name and for how many servers keep it.

mod move_on;

use std::{sync::Arc, time::Duration};

use async_nats::{Client, ConnectOptions, Event, ServerAddr, jetstream};
use secrecy::ExposeSecret;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Nats as Settings;

/// For a connection to be made, and for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries to come back: at first at once, later a little apart, so that a server that starts is not run over.
fn before_try(tried: usize) -> Duration {
    let most = Duration::from_secs(2);
    u32::try_from(tried).map_or(most, |tried| (Duration::from_millis(50) * tried).min(most))
}

/// Why NATS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// The URLs, or the credentials, are none.
    #[error("{0}")]
    Settings(String),
    /// No server answers, or none lets us in.
    #[error("no NATS server answers at {at}: {why}")]
    Away {
        /// The servers, without passwords.
        at: String,
        /// What the client said.
        why: String,
    },
}

/// A connection, and what is ours on it.
#[derive(Clone)]
pub struct Nats {
    client: Client,
    jetstream: jetstream::Context,
    prefix: String,
    replicas: usize,
    /// Where there is a server to move on to.
    _watch: Option<Arc<AbortOnDropHandle<()>>>,
}

impl Nats {
    /// Connects; from then on the client comes back by itself, however long the servers are away.
    pub async fn connect(settings: &Settings) -> Result<Self, NatsError> {
        let servers = servers(settings)?;
        let at = servers.iter().map(shown).collect::<Vec<_>>().join(", ");
        let (options, several) = (options(settings).await?, servers.len() > 1);
        let moves = Arc::<move_on::Moves>::default();
        let led = Arc::clone(&moves);
        let options = options.reconnect_to_server_callback(move |servers, _| std::future::ready(led.next(&servers)));
        let client = options.connect(servers).await.map_err(|why| NatsError::Away { at, why: why.to_string() })?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(PATIENCE);
        let watch = several.then(|| tokio::spawn(move_on::watch(client.clone(), jetstream.clone(), moves)));
        Ok(Self {
            client,
            jetstream,
            prefix: settings.prefix.clone(),
            replicas: settings.replicas,
            _watch: watch.map(|watch| Arc::new(AbortOnDropHandle::new(watch))),
        })
    }

    /// The plain connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Streams, buckets and objects.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Our name for a stream or bucket: letters, digits, `-` and `_` only, as NATS wants them.
    pub fn name(&self, of: &str) -> String {
        format!("{}_{of}", self.prefix)
    }

    /// The first part of our subjects.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// On how many servers a stream or bucket of ours is kept.
    pub fn replicas(&self) -> usize {
        self.replicas
    }
}

fn servers(settings: &Settings) -> Result<Vec<ServerAddr>, NatsError> {
    let read = |one: &str| {
        // The parser's own words may repeat the URL, and with it a password.
        one.trim().parse::<ServerAddr>().map_err(|_| NatsError::Settings("queue.nats_url is no NATS URL".into()))
    };
    settings.url.expose_secret().split(',').map(read).collect()
}

fn shown(server: &ServerAddr) -> String {
    format!("{}:{}", server.host(), server.port())
}

async fn options(settings: &Settings) -> Result<ConnectOptions, NatsError> {
    let options = match &settings.creds {
        Some(file) => ConnectOptions::with_credentials_file(file)
            .await
            .map_err(|why| NatsError::Settings(format!("queue.nats_creds, {}: {why}", file.display())))?,
        None => ConnectOptions::new(),
    };
    Ok(options
        .name("wtaf-host")
        .connection_timeout(PATIENCE)
        .request_timeout(Some(PATIENCE))
        .ping_interval(Duration::from_secs(10))
        .reconnect_delay_callback(before_try)
        .event_callback(told))
}

/// An operator should see when the servers come and go; everything else is the client's business.
async fn told(event: Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("NATS is away: what needs it waits"),
        Event::LameDuckMode => tracing::info!("a NATS server is about to stop: moving to another"),
        Event::SlowConsumer(_) => tracing::warn!("NATS sends faster than we read"),
        other => tracing::debug!(%other, "NATS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Settings {
        Settings {
            url: url.to_owned().into(),
            creds: None,
            prefix: "wtaf".into(),
            replicas: 1,
            lease: Duration::from_secs(30),
        }
    }

    #[test]
    fn several_servers_are_read_and_shown_without_their_password() {
        let servers = servers(&settings("nats://me:secret@one:4222, nats://two")).unwrap();
        assert_eq!(servers.iter().map(shown).collect::<Vec<_>>(), ["one:4222", "two:4222"]);
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_named_and_its_password_is_not() {
        let Err(error) = Nats::connect(&settings("nats://me:secret@127.0.0.1:1")).await else {
            panic!("nobody listens there");
        };
        let words = error.to_string();
        assert!(words.contains("127.0.0.1:1") && !words.contains("secret"), "{words}");
    }

    #[test]
    fn tries_to_come_back_are_never_far_apart() {
        assert_eq!(before_try(1), Duration::from_millis(50));
        assert_eq!(before_try(usize::MAX), Duration::from_secs(2));
    }
}
