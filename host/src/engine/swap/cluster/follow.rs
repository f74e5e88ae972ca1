//! What the bucket says is brought into force here: at the start, whenever it changes, and every few seconds in case word of a change was lost.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::{
    super::{Offer, Refused, Swaps, role_in, signed_name},
    Cluster, name_in,
};
use crate::{
    adapter::bucket::{BucketError, Change, How, Placed, Said, Standing, amend},
    config::PluginSource,
    engine::{
        sources,
        trial::{Mode, Trial, Versions},
    },
    plugin::{self, Plugin, SourceError, digest_of, is_built_in, ledger::What},
};

/// A start waits so long for what the bucket says, and then goes on with what the node has.
const AT_START: Duration = Duration::from_secs(30);

/// In case word of a change was lost.
const LOOK: Duration = Duration::from_secs(5);

impl Swaps {
    /// Brings every plugin to what the bucket says, before the first job. Where it is away, the node goes on with what it has.
    pub async fn join(self: &Arc<Self>) {
        let Some(cluster) = &self.cluster else { return };
        let why = match tokio::time::timeout(AT_START, self.follow_all(cluster)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it takes too long".to_owned(),
        };
        let in_force = self.generations.current();
        let own: Vec<_> = in_force
            .plugins()
            .iter()
            .map(|(key, plugin)| format!("{key} {} ({:.12})", plugin.about.version, plugin.digest))
            .collect();
        cluster.away.store(true, std::sync::atomic::Ordering::Relaxed);
        tracing::warn!(bucket = %cluster.bucket.called(), %why, plugins = own.join(", "), "the bucket of plugins is away: going on with what this node has");
    }

    /// How it is with the bucket, in words; nothing where plugins come from none.
    pub fn bucket_health(&self) -> Option<String> {
        self.cluster.as_ref().map(|cluster| cluster.health())
    }

    /// Follows the bucket until the engine stops.
    pub(in super::super) async fn follow_until(self: Arc<Self>, stopping: CancellationToken) {
        let Some(cluster) = self.cluster.clone() else { return };
        let listening = tokio::spawn(listen(Arc::clone(&cluster), stopping.clone()));
        let sharing = tokio::spawn(Arc::clone(&self).share_until(stopping.clone()));
        let reporting = tokio::spawn(Arc::clone(&self).report_until(stopping.clone()));
        let pruning = tokio::spawn(Arc::clone(&self).prune_until(stopping.clone()));
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                () = cluster.news.notified() => {
                    let due = std::mem::take(&mut *cluster.due.lock().unwrap_or_else(PoisonError::into_inner));
                    for plugin in due {
                        cluster.answered(&self.follow(&cluster, &plugin).await);
                    }
                }
                _ = look.tick() => {
                    cluster.answered(&self.follow_all(&cluster).await);
                }
            }
        }
        // They end by themselves once told to; a panic in them has nothing left to harm.
        let _ = listening.await;
        let _ = reporting.await;
        let _ = sharing.await;
        let _ = pruning.await;
    }

    async fn follow_all(self: &Arc<Self>, cluster: &Arc<Cluster>) -> Result<(), BucketError> {
        for source in sources(&self.generations.current().pipeline) {
            if let Some(name) = name_in(&source) {
                self.follow(cluster, name).await?;
            }
        }
        Ok(())
    }

    /// Brings one plugin to what the bucket says at this moment.
    pub(super) async fn follow(self: &Arc<Self>, cluster: &Arc<Cluster>, plugin: &str) -> Result<(), BucketError> {
        let known = sources(&self.generations.current().pipeline);
        let Some(source) = known.into_iter().find(|source| name_in(source) == Some(plugin)) else {
            return self.stock(cluster, plugin).await;
        };
        let _turn = cluster.following.lock().await;
        loop {
            let said = match cluster.bucket.said(plugin).await {
                Ok(Some(said)) => said,
                // What it said before counts until it says something else.
                Ok(None) => return Ok(()),
                Err(error @ BucketError::Garbled) => {
                    self.cannot(cluster, plugin, 0, &error.into(), false);
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            // First, for what went here may be another version than the one that was refused.
            if self.say_what_went(cluster, plugin, &said).await? {
                continue;
            }
            if cluster.refused().hold(plugin, said.revision) {
                return Ok(());
            }
            match self.bring(cluster, &source, &said.standing).await {
                Ok(()) => Self::brought(cluster, plugin, &said),
                Err(Refused::Bucket(error)) if error.is_transient() => return Err(error),
                Err(refused) => {
                    self.cannot(cluster, plugin, said.revision, &refused, may_pass(&refused));
                    let in_force = &said.standing.in_force;
                    let serves = self.serves(&source.key(), &meant(&source, in_force)).then_some(in_force.id);
                    Self::note(cluster, plugin, &said, serves.as_slice());
                }
            }
            return Ok(());
        }
    }

    fn brought(cluster: &Cluster, plugin: &str, said: &Said) {
        cluster.refused().remove(plugin);
        let ran: Vec<_> = said.standing.running().map(|placed| placed.id).collect();
        Self::note(cluster, plugin, said, &ran);
    }

    fn note(cluster: &Cluster, plugin: &str, said: &Said, ran: &[Ulid]) {
        let noted = cluster.seen.lock().unwrap_or_else(PoisonError::into_inner).follow(plugin, said, ran);
        if let Err(error) = noted {
            tracing::error!(plugin, %error, "what the bucket says could not be written down: a restart without NATS may know less");
        }
        cluster.to_report.notify_one();
    }

    /// Told once for each thing the bucket says; the way it was offered tells the rest.
    fn cannot(&self, cluster: &Cluster, plugin: &str, revision: u64, refused: &Refused, passes: bool) {
        let why = refused.to_string();
        let new = cluster.refused().note(plugin, revision, &why, passes);
        if new {
            tracing::error!(plugin, bucket = %cluster.bucket.called(), %why, "this node cannot run what is in force for every node: it goes on with the version it has");
            if matches!(refused, Refused::Bucket(_)) {
                self.tell(plugin, "", "", What::Refused { why });
            }
        }
        cluster.to_report.notify_one();
    }

    /// A version that was rolled back here by its rule, while the bucket says it runs: everyone is told. Gives whether something was said.
    async fn say_what_went(&self, cluster: &Cluster, plugin: &str, said: &Said) -> Result<bool, BucketError> {
        let standing = &said.standing;
        let owed = {
            let (ledger, seen) = (self.ledger(), cluster.seen.lock().unwrap_or_else(PoisonError::into_inner));
            standing.running().find_map(|placed| {
                let entry = ledger.entry(plugin)?;
                let gone = entry.set_aside(&placed.digest).filter(|_| seen.ran(plugin, placed.id))?;
                Some((placed.id, entry.in_force.digest.clone(), gone.why.clone()))
            })
        };
        let Some((id, back, why)) = owed else { return Ok(false) };
        let told = amend(&*cluster.bucket, plugin, |now| now.without(id, Some(&back), &why, &cluster.name)).await?;
        if told.is_some() {
            tracing::warn!(plugin, %why, "every node is told that the version goes");
        }
        Ok(told.is_some())
    }

    async fn bring(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        source: &PluginSource,
        standing: &Standing,
    ) -> Result<(), Refused> {
        self.bring_in_force(cluster, source, standing).await?;
        self.bring_trial(cluster, source, standing).await
    }

    async fn bring_in_force(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        source: &PluginSource,
        standing: &Standing,
    ) -> Result<(), Refused> {
        let (key, wanted) = (source.key(), &meant(source, &standing.in_force));
        if self.serves(&key, wanted) || self.promoted_here(&key, wanted).await? {
            return Ok(());
        }
        let serving = self.generations.in_force().base.plugins().get(&key).cloned();
        if let Some(serving) = serving
            && let Some(gone) = standing.gone(&serving.digest)
        {
            let old = self.had(cluster, source, wanted).await?;
            self.go_back(&key, &serving, &old, &gone.why).await?;
        }
        if self.serves(&key, wanted) {
            return Ok(());
        }
        let bytes = self.fetched(cluster, wanted).await?;
        self.offer(source, bytes, Offer::Followed(Mode::Whole)).await.map(|_| ())
    }

    fn serves(&self, key: &str, digest: &str) -> bool {
        self.generations.in_force().base.plugins().get(key).is_some_and(|plugin| plugin.digest == digest)
    }

    /// What everyone gets now was on trial here.
    async fn promoted_here(&self, key: &str, digest: &str) -> Result<bool, Refused> {
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        let tried = |trial: &&Arc<Trial>| trial.key == key && trial.mode != Mode::Whole && trial.new.digest == digest;
        match in_force.trials.iter().find(tried) {
            Some(trial) => tokio::task::block_in_place(|| self.promote_trial(trial)).map(|()| true),
            None => Ok(false),
        }
    }

    async fn go_back(&self, key: &str, from: &Arc<Plugin>, to: &Arc<Plugin>, why: &str) -> Result<(), Refused> {
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        if !in_force.base.runs(key, from) {
            return Ok(());
        }
        let watched = in_force.trials.iter().find(|trial| trial.mode == Mode::Whole && trial.is_of(key, from)).cloned();
        let trial = watched.filter(|trial| trial.old.digest == to.digest).unwrap_or_else(|| {
            let versions = Versions { old: Arc::clone(to), new: Arc::clone(from), signed: None };
            Arc::new(Trial::new(key, versions, Mode::Whole, in_force.base.pipeline.plugins.trial))
        });
        tokio::task::block_in_place(|| self.roll_back_trial(&trial, why))
    }

    async fn bring_trial(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        source: &PluginSource,
        standing: &Standing,
    ) -> Result<(), Refused> {
        let key = source.key();
        let in_force = self.generations.in_force();
        let here = in_force.trials.iter().find(|trial| trial.key == key && trial.mode != Mode::Whole);
        match (&standing.trial, here) {
            (None, None) => Ok(()),
            (None, Some(trial)) => {
                if let Some(gone) = standing.gone(&trial.new.digest) {
                    self.end_trial(&key, &trial.new.digest, &gone.why).await
                } else {
                    self.abandon(&key).await;
                    Ok(())
                }
            }
            (Some(tried), Some(trial)) if trial.new.digest == tried.placed.digest && trial.mode == mode(tried.how) => {
                Ok(())
            }
            (Some(tried), _) => {
                let bytes = self.fetched(cluster, &tried.placed.digest).await?;
                self.offer(source, bytes, Offer::Followed(mode(tried.how))).await.map(|_| ())
            }
        }
    }

    async fn end_trial(&self, key: &str, digest: &str, why: &str) -> Result<(), Refused> {
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        let tried = |trial: &&Arc<Trial>| trial.key == key && trial.mode != Mode::Whole && trial.new.digest == digest;
        match in_force.trials.iter().find(tried) {
            Some(trial) => tokio::task::block_in_place(|| self.roll_back_trial(trial, why)),
            None => Ok(()),
        }
    }

    /// A component: built in, on the shelf, else from the bucket.
    async fn fetched(&self, cluster: &Cluster, digest: &str) -> Result<Vec<u8>, Refused> {
        let (workshop, wanted) = (Arc::clone(&self.workshop), digest.to_owned());
        let here = tokio::task::spawn_blocking(move || workshop.registry().component(&wanted)).await;
        match here.map_err(|_| Refused::Stopping)? {
            Ok(bytes) => Ok(bytes),
            Err(SourceError::NotKept { .. }) => Ok(cluster.bucket.component(digest).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// A version to go back to: it served before, so its release may be older than the newest. Where it never was here, it passes every other check now.
    async fn had(&self, cluster: &Cluster, source: &PluginSource, digest: &str) -> Result<Arc<Plugin>, Refused> {
        let bytes = self.fetched(cluster, digest).await?;
        let pipeline = Arc::clone(&self.generations.current().pipeline);
        if let (Some(role), false) = (role_in(&pipeline, source), is_built_in(&bytes)) {
            self.trust.admit_again(&bytes, signed_name(source).as_deref(), role)?;
        }
        debug_assert_eq!(digest_of(&bytes), digest, "whoever gave it has checked");
        let plugin = self.compile(source, &bytes).await?;
        super::super::offer::fits(&pipeline, source, &plugin)?;
        self.keep(bytes).await?;
        Ok(plugin)
    }
}

/// The component that an installation means here.
fn meant(source: &PluginSource, placed: &Placed) -> String {
    let own = if placed.built_in { plugin::built_in(&source.name()) } else { None };
    own.map_or_else(|| placed.digest.clone(), digest_of)
}

/// Whether it says nothing of the version: it is tried again.
fn may_pass(refused: &Refused) -> bool {
    matches!(
        refused,
        Refused::Disk(_) | Refused::Stopping | Refused::Bucket(_) | Refused::Source(SourceError::Unreadable { .. })
    )
}

/// How a version is tried here when the bucket says how it is tried.
pub(super) fn mode(how: How) -> Mode {
    match how {
        How::Shadow => Mode::Shadow,
        How::Canary(share) => Mode::Canary(share),
    }
}

/// Hears what changes, and notes what is to be looked at.
async fn listen(cluster: Arc<Cluster>, stopping: CancellationToken) {
    let mut wait = Duration::from_millis(100);
    loop {
        let heard = async {
            match cluster.bucket.changes().await {
                Ok(mut changes) => {
                    wait = Duration::from_millis(100);
                    while let Some(change) = changes.next().await {
                        match change {
                            Change::Standing(plugin) => cluster.ask_about(&plugin),
                            Change::Report(report) => cluster.hear(report),
                            Change::Left { node, plugin } => cluster.hear_no_more(node, &plugin),
                        }
                    }
                }
                Err(error) => tracing::debug!(%error, "the bucket of plugins is not heard: tried again"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(2));
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = heard => {}
        }
    }
}
