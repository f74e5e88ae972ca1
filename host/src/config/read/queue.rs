//! `[queue]`: where requests wait, and with NATS the servers it needs.

use crate::config::{
    fault::{Code, Found},
    keys::{Backend, queue},
    model::{Nats, Queue, QueueBackend},
    walk::{View, Walk},
};

/// The queue, its servers named where it needs any.
pub fn read(walk: &mut Walk<'_>, view: &View) -> Option<Queue> {
    let backend = view.get(walk, &queue::BACKEND);
    let nats = nats(walk, view);
    if matches!(backend, Some(Backend::Nats)) && !view.has(walk, &queue::NATS_URL) {
        let fault = Found::new(Code::Missing, view.at_of(&queue::BACKEND), "the queue `nats` needs `queue.nats_url`");
        walk.push(fault.help("such as nats_url = \"nats://127.0.0.1:4222\""));
    }
    let in_hand = view.get(walk, &queue::IN_HAND);
    let max_waiting = view.get(walk, &queue::MAX_WAITING);
    let max_age = view.get(walk, &queue::MAX_AGE);
    let max_attempts = view.get(walk, &queue::MAX_ATTEMPTS);
    let per_user = view.get(walk, &queue::PER_USER);
    Some(Queue {
        backend: match backend? {
            Backend::Files => QueueBackend::Files,
            Backend::Nats => QueueBackend::Nats(nats.clone()?),
        },
        nats,
        in_hand: in_hand?,
        max_waiting: max_waiting?,
        max_age: max_age?,
        max_attempts: max_attempts?,
        per_user: per_user?,
    })
}

/// The servers, where they are named.
fn nats(walk: &mut Walk<'_>, view: &View) -> Option<Nats> {
    let url = view.get(walk, &queue::NATS_URL);
    let creds = view.get(walk, &queue::NATS_CREDS);
    let prefix = view.get(walk, &queue::NATS_PREFIX);
    let replicas = view.get(walk, &queue::REPLICAS);
    let lease = view.get(walk, &queue::LEASE);
    Some(Nats { url: url?, creds, prefix: prefix?, replicas: replicas?, lease: lease? })
}
