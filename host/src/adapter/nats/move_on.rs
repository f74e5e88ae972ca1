//! A server that is cut off from its peers still takes connections, and keeps nothing: whoever is connected to it moves on to another one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::{
    Client, ReconnectToServer, Server,
    connection::State,
    jetstream::{self, ErrorCode, context::AccountErrorKind},
};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// How long a server has to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// A server says that it has no leader once it has had none for ten seconds, which is longer than an election. Where moving does not help, because no server
/// has enough peers, it is tried ever less often.
const FIRST: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_mins(1);

/// Of one server after another; one may have several addresses.
const TRIES: usize = 8;

/// How long a connection takes to leave, and to come to a server.
const LEFT: Duration = Duration::from_millis(500);
const SETTLED: Duration = Duration::from_secs(5);

/// Watches a connection for as long as it is there.
pub(super) async fn watch(client: Client, jetstream: jetstream::Context, moves: Arc<Moves>) {
    let (mut since, mut wait) = (None::<Instant>, FIRST);
    loop {
        tokio::time::sleep(LOOK).await;
        // A connection that breaks is the client's own business.
        if client.connection_state() != State::Connected || has_peers(&jetstream).await {
            since = None;
            if client.connection_state() == State::Connected {
                wait = FIRST;
            }
            continue;
        }
        let began = *since.get_or_insert_with(Instant::now);
        if began.elapsed() < wait {
            continue;
        }
        let from = client.server_info();
        tracing::warn!(server = %from.server_name, "this NATS server seems to be cut off from its peers: moving to another");
        leave(&client, &from.server_id, &moves).await;
        (since, wait) = (None, (wait * 2).min(LONGEST));
    }
}

/// Whether the server has enough peers to keep anything. What it says otherwise is no reason to leave it: another would say the same.
async fn has_peers(jetstream: &jetstream::Context) -> bool {
    match tokio::time::timeout(ANSWER, jetstream.query_account()).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => match error.kind() {
            AccountErrorKind::TimedOut => false,
            AccountErrorKind::JetStream(why) => {
                ![ErrorCode::CLUSTER_NOT_AVAILABLE, ErrorCode::CLUSTER_NOT_LEADER].contains(&why.error_code())
            }
            AccountErrorKind::JetStreamUnavailable | AccountErrorKind::Other => true,
        },
        Err(_) => false,
    }
}

/// Where the client is to connect next. Left to itself it takes the server that failed least often, which is the one it leaves as long as that takes connections.
#[derive(Debug, Default)]
pub(super) struct Moves {
    leaving: AtomicBool,
    turn: AtomicUsize,
}

impl Moves {
    /// One after another while a server is being left; whoever else comes back is led by the client.
    pub(super) fn next(&self, servers: &[Server]) -> Option<ReconnectToServer> {
        if servers.is_empty() || !self.leaving.load(Ordering::Relaxed) {
            return None;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Some(ReconnectToServer { addr: servers[turn % servers.len()].addr.clone(), delay: None })
    }
}

async fn leave(client: &Client, from: &str, moves: &Moves) {
    moves.leaving.store(true, Ordering::Relaxed);
    for _ in 0..TRIES {
        if client.force_reconnect().await.is_err() {
            break;
        }
        // Where none can be reached the client goes on trying; the next look tells where that led.
        if settled(client).await.is_none_or(|server| server != from) {
            break;
        }
    }
    moves.leaving.store(false, Ordering::Relaxed);
}

/// The server a connection has come to, if it has in time.
async fn settled(client: &Client) -> Option<String> {
    let begun = Instant::now();
    // Until then it may not have left.
    tokio::time::sleep(LEFT).await;
    while begun.elapsed() < SETTLED {
        if client.connection_state() == State::Connected {
            return Some(client.server_info().server_id);
        }
        tokio::time::sleep(LEFT).await;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers() -> Vec<Server> {
        ["one", "two", "three"].map(server).into()
    }

    fn server(host: &str) -> Server {
        let addr = host.parse().unwrap();
        // What the client would take first has never failed.
        Server { addr, failed_attempts: 0, did_connect: true, is_discovered: false, last_error: None }
    }

    #[test]
    fn whoever_leaves_a_server_is_led_to_each_in_turn_and_nobody_else_is_led() {
        let moves = Moves::default();
        assert!(moves.next(&servers()).is_none());
        moves.leaving.store(true, Ordering::Relaxed);
        let led = [(); 4].map(|()| moves.next(&servers()).unwrap().addr.host().to_owned());
        assert_eq!(led, ["one", "two", "three", "one"]);
        assert!(moves.next(&[]).is_none());
    }
}
