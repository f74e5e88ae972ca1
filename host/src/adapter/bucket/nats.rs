//! The bucket on NATS JetStream: an object store of components, a key-value bucket of what is in force, one of what the nodes say, one of generations.
//!
//! Names: `<prefix>_<bucket>` for the first two, `<prefix>_nodes` and `<prefix>_generations`. They are made when they are not there. The connection is made
//! when it is first needed, so that a node begins without one.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    kv::{self, Operation, UpdateErrorKind},
    object_store::{self, GetErrorKind, ObjectStore},
};
use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, sync::Mutex};

use super::{Bucket, BucketError, Change, Report, Said, Standing, is_digest, is_name};
use crate::{adapter::nats::Nats, config::Nats as Settings, job::Millis};

/// No component is larger: 64 MiB.
const LARGEST: u64 = 64 << 20;

/// A generation is a handful of digests.
const LARGEST_RECORD: usize = 64 << 10;

/// For a whole component to come or go.
const PATIENCE: Duration = Duration::from_mins(1);

/// A node that said nothing for so long is not there.
const PRESENT: Duration = Duration::from_mins(1);

/// A job that began on a generation is taken up again within this time, or goes on with what is in force.
const WEEK: Duration = Duration::from_hours(24 * 7);

/// A bucket of plugins on NATS.
pub struct NatsBucket {
    name: String,
    settings: Settings,
    connected: Mutex<Option<Nats>>,
    opened: Mutex<Option<Opened>>,
}

#[derive(Clone)]
struct Opened {
    components: ObjectStore,
    standings: kv::Store,
    nodes: kv::Store,
    generations: kv::Store,
}

impl NatsBucket {
    /// Of this name, over the connection there is, else over one that is made when it is needed.
    pub fn new(name: &str, settings: Settings, connected: Option<Nats>) -> Self {
        Self { name: name.to_owned(), settings, connected: Mutex::new(connected), opened: Mutex::default() }
    }

    async fn nats(&self) -> Result<Nats, BucketError> {
        let mut connected = self.connected.lock().await;
        if let Some(nats) = &*connected {
            return Ok(nats.clone());
        }
        let nats = Nats::connect(&self.settings).await.map_err(away)?;
        *connected = Some(nats.clone());
        Ok(nats)
    }

    async fn opened(&self) -> Result<Opened, BucketError> {
        let nats = self.nats().await?;
        let mut opened = self.opened.lock().await;
        if let Some(opened) = &*opened {
            return Ok(opened.clone());
        }
        let made = open(&nats, &nats.name(&self.name)).await?;
        *opened = Some(made.clone());
        Ok(made)
    }

    /// What was opened may be gone with the server's disk: it is made anew when it is next needed.
    async fn forget<T>(&self, outcome: Result<T, BucketError>) -> Result<T, BucketError> {
        if let Err(BucketError::Away(_)) = &outcome {
            *self.opened.lock().await = None;
        }
        outcome
    }
}

async fn open(nats: &Nats, name: &str) -> Result<Opened, BucketError> {
    let (jetstream, num_replicas) = (nats.jetstream(), nats.replicas());
    let keys = async |bucket: String, history, max_age, max_value_size| {
        if jetstream.get_key_value(&bucket).await.is_err() {
            let bucket = bucket.clone();
            let config = kv::Config { bucket, history, max_age, max_value_size, num_replicas, ..Default::default() };
            jetstream.create_key_value(config).await.map_err(away)?;
        }
        answered_by_its_leader(jetstream, &format!("KV_{bucket}")).await?;
        jetstream.get_key_value(&bucket).await.map_err(away)
    };
    if jetstream.get_object_store(name).await.is_err() {
        let config = object_store::Config { bucket: name.to_owned(), num_replicas, ..Default::default() };
        jetstream.create_object_store(config).await.map_err(away)?;
    }
    answered_by_its_leader(jetstream, &format!("OBJ_{name}")).await?;
    let components = jetstream.get_object_store(name).await.map_err(away)?;
    Ok(Opened {
        components,
        // A few values back: an operator who wonders can look.
        standings: keys(name.to_owned(), 8, Duration::ZERO, 64 << 10).await?,
        nodes: keys(nats.name("nodes"), 1, PRESENT, 8 << 10).await?,
        generations: keys(nats.name("generations"), 1, WEEK, 64 << 10).await?,
    })
}

/// The buckets that NATS' own tools make are read from whichever server is at hand, and a follower may be a moment behind: it would answer with what was in
/// force before. The client asks the leader where the stream does not allow that, so what it knows of the stream has to be read after this.
async fn answered_by_its_leader(jetstream: &jetstream::Context, stream: &str) -> Result<(), BucketError> {
    let there = jetstream.get_stream(stream).await.map_err(away)?.cached_info().config.clone();
    if !there.allow_direct {
        return Ok(());
    }
    let changed = jetstream::stream::Config { allow_direct: false, ..there };
    jetstream.update_stream(changed).await.map(drop).map_err(away)
}

#[async_trait]
impl Bucket for NatsBucket {
    fn called(&self) -> String {
        format!("nats://{}", self.name)
    }

    async fn plugins(&self) -> Result<Vec<String>, BucketError> {
        let opened = self.opened().await?;
        let keys = keys_of(&opened.standings).await;
        Ok(self.forget(keys).await?.into_iter().filter(|name| is_name(name)).collect())
    }

    async fn said(&self, plugin: &str) -> Result<Option<Said>, BucketError> {
        let opened = self.opened().await?;
        let entry = self.forget(opened.standings.entry(plugin).await.map_err(away)).await?;
        let Some(entry) = entry.filter(|entry| entry.operation == Operation::Put) else { return Ok(None) };
        let standing = Standing::read(&entry.value).ok_or(BucketError::Garbled)?;
        Ok(Some(Said { standing, revision: entry.revision }))
    }

    async fn say(&self, plugin: &str, standing: &Standing, over: Option<u64>) -> Result<u64, BucketError> {
        let opened = self.opened().await?;
        let value = standing.to_bytes().into();
        let Some(over) = over else {
            // Also over the mark of a key that was deleted.
            return opened.standings.create(plugin, value).await.map_err(|error| match error.kind() {
                kv::CreateErrorKind::AlreadyExists => BucketError::Overtaken,
                _ => away(error),
            });
        };
        opened.standings.update(plugin, value, over).await.map_err(|error| match error.kind() {
            UpdateErrorKind::WrongLastRevision => BucketError::Overtaken,
            _ => away(error),
        })
    }

    async fn component(&self, digest: &str) -> Result<Vec<u8>, BucketError> {
        let opened = self.opened().await?;
        if !is_digest(digest) {
            return Err(BucketError::Missing(digest.to_owned()));
        }
        let loaded = tokio::time::timeout(PATIENCE, download(&opened.components, digest)).await.map_err(away);
        self.forget(loaded.flatten()).await
    }

    async fn keep(&self, digest: &str, bytes: &[u8]) -> Result<bool, BucketError> {
        let opened = self.opened().await?;
        // What is there and whole stays; what was spoiled is mended.
        match self.component(digest).await {
            Ok(_) => return Ok(false),
            Err(BucketError::Away(why)) => return Err(BucketError::Away(why)),
            Err(_) => {}
        }
        let mut reader = bytes;
        let put = tokio::time::timeout(PATIENCE, opened.components.put(digest, &mut reader)).await.map_err(away)?;
        put.map(|_| true).map_err(away)
    }

    async fn components(&self) -> Result<Vec<(String, Millis)>, BucketError> {
        let opened = self.opened().await?;
        let mut all = self.forget(opened.components.list().await.map_err(away)).await?;
        let mut found = Vec::new();
        while let Some(object) = all.next().await {
            let object = object.map_err(away)?;
            // Without a time it is taken for young. What is no digest is nobody's of ours.
            let at = object.modified.map_or_else(Millis::now, |at| {
                Millis(u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default())
            });
            found.extend(is_digest(&object.name).then_some((object.name, at)));
        }
        Ok(found)
    }

    async fn discard(&self, digest: &str) -> Result<(), BucketError> {
        self.opened().await?.components.delete(digest).await.map_err(away)
    }

    async fn changes(&self) -> Result<BoxStream<'static, Change>, BucketError> {
        let opened = self.opened().await?;
        let standings = opened.standings.watch_with_history(">").await.map_err(away);
        let standings = self.forget(standings).await?.map(|entry| {
            let key = entry.map(|entry| entry.key);
            key.map(|key| Some(key).filter(|key| is_name(key)).map(Change::Standing))
        });
        let nodes = opened.nodes.watch_with_history(">").await.map_err(away);
        let nodes = self.forget(nodes).await?.map(|entry| {
            entry.map(|entry| match entry.operation {
                Operation::Put => {
                    Report::read(&entry.value).filter(|report| key_of(report) == entry.key).map(Change::Report)
                }
                Operation::Delete | Operation::Purge => {
                    let (node, plugin) = entry.key.split_once('.')?;
                    Some(Change::Left { node: node.parse().ok()?, plugin: plugin.to_owned() })
                }
            })
        });
        let both = stream::select(standings.boxed(), nodes.boxed());
        Ok(both
            .take_while(|change| std::future::ready(change.is_ok()))
            .filter_map(async |change| change.ok().flatten())
            .boxed())
    }

    async fn report(&self, report: &Report) -> Result<(), BucketError> {
        let opened = self.opened().await?;
        let put = opened.nodes.put(key_of(report), report.to_bytes().into()).await.map_err(away);
        self.forget(put).await.map(|_| ())
    }

    async fn take_back(&self, report: &Report) -> Result<(), BucketError> {
        self.opened().await?.nodes.purge(key_of(report)).await.map_err(away)
    }

    async fn reports(&self) -> Result<Vec<Report>, BucketError> {
        let opened = self.opened().await?;
        let mut reports = Vec::new();
        for key in keys_of(&opened.nodes).await? {
            let value = opened.nodes.get(&key).await.map_err(away)?;
            let report = value.and_then(|value| Report::read(&value)).filter(|report| key_of(report) == key);
            reports.extend(report);
        }
        reports.sort_by(|a, b| (&a.plugin, &a.name, a.node).cmp(&(&b.plugin, &b.name, b.node)));
        Ok(reports)
    }

    async fn keep_generation(&self, id: &str, record: &[u8]) -> Result<(), BucketError> {
        let opened = self.opened().await?;
        // Again also where it is there: from now on it is young.
        let put = opened.generations.put(id, record.to_vec().into()).await.map_err(away);
        self.forget(put).await.map(|_| ())
    }

    async fn generations(&self) -> Result<Vec<Vec<u8>>, BucketError> {
        let opened = self.opened().await?;
        let mut all = Vec::new();
        for key in keys_of(&opened.generations).await? {
            let value = opened.generations.get(&key).await.map_err(away)?;
            all.extend(value.filter(|value| value.len() <= LARGEST_RECORD).map(Vec::from));
        }
        Ok(all)
    }

    async fn generation(&self, id: &str) -> Result<Option<Vec<u8>>, BucketError> {
        let value = self.opened().await?.generations.get(id).await.map_err(away)?;
        Ok(value.filter(|value| value.len() <= LARGEST_RECORD).map(Vec::from))
    }
}

/// A node's line on a plugin has a key of its own.
fn key_of(report: &Report) -> String {
    format!("{}.{}", report.node, report.plugin)
}

async fn keys_of(store: &kv::Store) -> Result<Vec<String>, BucketError> {
    let mut keys = store.keys().await.map_err(away)?;
    let mut all = Vec::new();
    while let Some(key) = keys.next().await {
        all.push(key.map_err(away)?);
    }
    Ok(all)
}

async fn download(store: &ObjectStore, digest: &str) -> Result<Vec<u8>, BucketError> {
    let object = store.get(digest).await.map_err(|error| match error.kind() {
        GetErrorKind::NotFound => BucketError::Missing(digest.to_owned()),
        _ => away(error),
    })?;
    let tampered = |found: String| BucketError::Tampered { wanted: digest.to_owned(), found };
    if object.info().size as u64 > LARGEST {
        return Err(tampered(format!("{} bytes", object.info().size)));
    }
    let mut bytes = Vec::new();
    // What it says of its size is no promise.
    match object.take(LARGEST + 1).read_to_end(&mut bytes).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(tampered(error.to_string())),
        Err(error) => return Err(away(error)),
    }
    let found = hex::encode(Sha256::digest(&bytes));
    if found == digest { Ok(bytes) } else { Err(tampered(found)) }
}

fn away(error: impl std::fmt::Display) -> BucketError {
    BucketError::Away(error.to_string())
}
