//! The queue's behaviours, each told once and shown on files and on NATS: nothing accepted is lost, nothing is done twice, whoever crashes where.

mod behaviours;
mod files;
mod nats;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use wtaf_host::{
    adapter::{
        nats::Nats,
        queue::{FilesQueue, NatsQueue, Queue, Roles, Room},
    },
    config,
    job::{Asker, Decided, ForPerson, GuestKey, Job, Request, Source},
};

use crate::kit;

/// For whatever has to happen: the machine may be busy.
const SOON: Duration = Duration::from_secs(30);

/// How long a worker's silence may last in these tests.
const LEASE: Duration = Duration::from_secs(2);

fn request(who: &str, text: &str, delivery: Option<&str>) -> Request {
    Request {
        source: Source::Sms,
        asker: asker(who),
        text: text.to_owned(),
        media: vec![],
        delivery: delivery.map(str::to_owned),
        opt_out: None,
        coach: None,
        user_slug: None,
    }
}

fn asker(who: &str) -> Asker {
    Asker::Guest(GuestKey::of_token(who))
}

fn decided() -> Decided {
    Decided { then: ForPerson::Reply("x".into()), first: false }
}

async fn next(queue: &dyn Queue) -> Job {
    tokio::time::timeout(SOON, queue.next()).await.expect("a job is there").unwrap()
}

async fn nothing_next(queue: &dyn Queue) {
    let nothing = tokio::time::timeout(Duration::from_millis(300), queue.next()).await;
    assert!(nothing.is_err(), "a job was handed out: {nothing:?}");
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition().await {
        assert!(Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Where a test's queue is kept, whoever has it open.
struct Place {
    /// With files all of it; with NATS what a worker has of its own.
    folder: TempDir,
    nats: Option<config::Nats>,
}

impl Place {
    #[expect(clippy::unused_async, reason = "each behaviour opens its place alike")]
    async fn files() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), nats: None }
    }

    async fn nats() -> Self {
        Self::at(kit::nats::url().await)
    }

    /// On a server of the test's own.
    fn at(url: String) -> Self {
        let nats =
            config::Nats { url: url.into(), creds: None, prefix: kit::nats::prefix(), replicas: 1, lease: LEASE };
        Self { folder: tempfile::tempdir().unwrap(), nats: Some(nats) }
    }

    /// As a process in these roles has it.
    async fn open_as(&self, roles: Roles, most: usize) -> Arc<dyn Queue> {
        let room = Room { most, oldest: Duration::MAX };
        match &self.nats {
            None => FilesQueue::with_room(self.folder.path(), roles, room).unwrap(),
            Some(settings) => nats_queue(settings, self.folder.path(), roles, room).await,
        }
    }

    /// As a process that does both has it.
    async fn open(&self) -> Arc<dyn Queue> {
        self.open_as(Roles::BOTH, 100_000).await
    }
}

async fn nats_queue(settings: &config::Nats, folder: &std::path::Path, roles: Roles, room: Room) -> Arc<NatsQueue> {
    let nats = Nats::connect(settings).await.expect("the server is there");
    NatsQueue::open(nats, folder, roles, room, settings.lease).await.expect("the queue can be opened")
}
