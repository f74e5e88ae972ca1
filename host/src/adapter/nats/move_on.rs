//! A server that is cut off from its peers still takes connections, and keeps nothing: whoever is connected to it moves on to another one.

use std::time::{Duration, Instant};

use async_nats::{
    Client,
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

/// Tries to come to another server than this one: the client picks by chance among those that answered it last.
const TRIES: usize = 8;

/// How long a connection takes to leave, and to come to a server.
const LEFT: Duration = Duration::from_millis(500);
const SETTLED: Duration = Duration::from_secs(10);

/// Watches a connection for as long as it is there.
pub(super) async fn watch(client: Client, jetstream: jetstream::Context) {
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
        leave(&client, &from.server_id).await;
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

async fn leave(client: &Client, from: &str) {
    for _ in 0..TRIES {
        if client.force_reconnect().await.is_err() {
            return;
        }
        match settled(client).await {
            // Chance led back to the server it came from.
            Some(server) if server == from => {}
            // Where none can be reached the client goes on trying; the next look tells where that led.
            Some(_) | None => return,
        }
    }
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
