//! NATS: the servers, JetStream, and our streams and buckets as they are beside how they are to be.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::stream::{Config, StorageType};

use super::{Check, Notes, readable};
use crate::{
    adapter::nats::Nats,
    config::{self, Checked, QueueBackend},
};

const LIMIT: Duration = Duration::from_secs(20);
/// Major and minor: per-message limits and stream metadata are not in older ones.
const OLDEST: (u32, u32) = (2, 10);
/// A request with its progress, an AI's answer included, is one message.
const PAYLOAD: usize = 1 << 20;

pub(super) fn check(pipeline: &Arc<Checked>) -> Option<Check> {
    let settings = pipeline.queue.nats.clone()?;
    let queued = matches!(pipeline.queue.backend, QueueBackend::Nats(_));
    Some(Check::new("nats", "connection", LIMIT, look(settings, queued)))
}

async fn look(settings: config::Nats, queued: bool) -> Notes {
    let mut notes = Notes::default();
    let nats = match Nats::connect(&settings).await {
        Ok(nats) => nats,
        Err(error) => {
            let todo = "see whether it runs (nats-server -js), whether queue.nats_url is its address, and queue.nats_creds its credentials";
            notes.fail("connection", error.to_string(), todo);
            return notes;
        }
    };
    server(&nats, &mut notes);
    if !jetstream(&nats, &mut notes).await || !queued {
        return notes;
    }
    for (name, what) in
        [("work", "what waits"), ("dead", "what failed"), ("jobs", "jobs' progress"), ("seen", "what was accepted")]
    {
        let stream = if matches!(name, "jobs" | "seen") { format!("KV_{}", nats.name(name)) } else { nats.name(name) };
        kept(&nats, &stream, what, &mut notes).await;
    }
    notes
}

fn server(nats: &Nats, notes: &mut Notes) {
    let info = nats.client().server_info();
    let found = format!("nats-server {} ({})", info.version, info.server_name);
    if version(&info.version) >= OLDEST {
        notes.ok("server", found);
    } else {
        notes.fail("server", found, "move to nats-server 2.10 or later");
    }
    let payload = format!("{} at most", readable(info.max_payload as u64));
    if info.max_payload >= PAYLOAD {
        notes.ok("message size", payload);
    } else {
        notes.warn(
            "message size",
            payload,
            "max_payload: 8MB in nats-server's configuration: a job with a large page does not fit",
        );
    }
}

fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

async fn jetstream(nats: &Nats, notes: &mut Notes) -> bool {
    match nats.jetstream().query_account().await {
        Ok(account) => {
            let used = format!("on, {} streams, {} on disk", account.streams, readable(account.storage));
            match u64::try_from(account.limits.max_storage.unwrap_or(-1)) {
                Ok(most) if most > 0 && account.storage > most / 10 * 9 => {
                    notes.warn(
                        "JetStream",
                        format!("{used} of {}", readable(most)),
                        "raise the account's max_file in nats-server's configuration",
                    );
                }
                _ => notes.ok("JetStream", used),
            }
            true
        }
        Err(error) => {
            notes.fail(
                "JetStream",
                format!("not to be had: {error}"),
                "start nats-server with -js (or jetstream { } in its configuration), and allow it for this account",
            );
            false
        }
    }
}

/// A stream as it is.
async fn kept(nats: &Nats, stream: &str, what: &str, notes: &mut Notes) {
    match nats.jetstream().get_stream(stream).await {
        Ok(found) => {
            let info = found.cached_info();
            let wrong = differs(&info.config, nats.replicas());
            let found = format!("{stream}: {} messages on {} servers", info.state.messages, info.config.num_replicas);
            if wrong.is_empty() {
                notes.ok(what, found);
            } else {
                let todo = format!(
                    "nats stream edit {stream} --replicas {}, or set queue.replicas to what it is",
                    nats.replicas()
                );
                notes.warn(what, format!("{found}; {}", wrong.join(", ")), todo);
            }
            if let Some(cluster) = &info.cluster
                && info.config.num_replicas > 1
            {
                let behind = cluster.replicas.iter().filter(|peer| peer.offline || !peer.current).count();
                if cluster.leader.is_none() || behind > 0 {
                    notes.warn(
                        what,
                        format!("{stream}: {behind} of its servers are away or behind"),
                        "see nats server report jetstream",
                    );
                }
            }
        }
        Err(error) if error.to_string().contains("not found") => {
            notes.ok(what, format!("{stream} is made at the first start"));
        }
        Err(error) => {
            notes.fail(what, format!("{stream}: {error}"), "see whether this account may use JetStream's API");
        }
    }
}

/// What of it is not as it is to be.
fn differs(config: &Config, replicas: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    if config.num_replicas != replicas {
        wrong.push(format!("queue.replicas is {replicas}"));
    }
    if config.storage != StorageType::File {
        wrong.push("it is kept in memory and gone with the server".to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(version("2.9.25") < OLDEST && version("2.10.0-beta") >= OLDEST && version("2.15.1") >= OLDEST);
        assert!(version("nonsense") < OLDEST);
    }

    #[test]
    fn what_is_not_as_configured_is_named() {
        let config = Config { num_replicas: 1, storage: StorageType::Memory, ..Config::default() };
        assert_eq!(differs(&config, 3).len(), 2);
    }
}
