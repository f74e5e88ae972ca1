//! What an operator does here, done for every node: a version is tried here first, put into the bucket, and then followed like anyone else's.

use std::sync::{Arc, PoisonError};

use super::{
    super::{Offer, Refused, Swaps, Taken, offer::mode_of},
    Cluster, name_in,
};
use crate::{
    adapter::bucket::{BucketError, How, Placed, Standing, amend},
    config::{Checked, PluginSource},
    engine::trial::{Mode, Trial},
    plugin::{Plugin, digest_of, rehearsal::Rehearsal},
};

impl Swaps {
    /// The cluster, where this plugin is one a bucket may say something of.
    pub(in super::super) fn shared(&self, source: &PluginSource) -> Option<(&Arc<Cluster>, String)> {
        let cluster = self.cluster.as_ref()?;
        name_in(source).map(|name| (cluster, name.to_owned()))
    }

    /// Whether a version of it that is installed here is installed everywhere.
    pub fn is_shared(&self, source: &PluginSource) -> bool {
        self.shared(source).is_some()
    }

    /// The bucket, where it is the bucket that says what runs of this plugin.
    pub(in super::super) fn governed(&self, key: &str) -> Option<String> {
        let cluster = self.cluster.as_ref()?;
        cluster.followed(key).map(|_| cluster.bucket.called())
    }

    /// Offers a version to every node, where plugins come from a bucket; else to this one. It is tried here first: what fails here goes nowhere.
    pub async fn install(
        self: &Arc<Self>,
        source: &PluginSource,
        bytes: Vec<u8>,
        offer: Offer,
    ) -> Result<Taken, Refused> {
        let Some((cluster, plugin)) = self.shared(source) else { return self.offer(source, bytes, offer).await };
        let began = std::time::Instant::now();
        let digest = digest_of(&bytes);
        let said = cluster.bucket.said(&plugin).await?;
        let tried = {
            let _candidate = self.candidates.lock().await;
            let tried = self.examine(source, &bytes, None).await;
            if let Err(refused) = &tried {
                self.tell_refused(&source.key(), &digest, refused);
            }
            tried?
        };
        let pipeline = Arc::clone(&self.generations.current().pipeline);
        let mode = match offer {
            Offer::AtOnce => Mode::Whole,
            Offer::As(mode) | Offer::Followed(mode) => mode,
            Offer::Found | Offer::Asked => mode_of(&pipeline, &source.key()),
        };
        let taken = |mode| Taken {
            plugin: plugin.clone(),
            version: tried.plugin.about.version.clone(),
            digest: digest.clone(),
            mode,
            rehearsal: tried.rehearsal.clone(),
            ms: began.elapsed().as_secs_f64() * 1e3,
        };
        let standing = match &said {
            Some(said) => said.standing.clone(),
            None => Standing::begin(self.put_what_serves(cluster, &source.key()).await?),
        };
        let on_trial =
            standing.trial.as_ref().is_some_and(|tried| tried.placed.digest == digest && how(mode) == Some(tried.how));
        let in_force = standing.in_force.digest == digest && standing.trial.is_none() && said.is_some();
        // Also where nothing else changes: what is gone or spoiled in the bucket is mended by installing it again.
        let mended = cluster.bucket.keep(&digest, &bytes).await?;
        if on_trial || in_force {
            if let Some(said) = said.filter(|_| mended) {
                // Under a new number, so that nodes that could not have it ask at once.
                cluster.bucket.say(&plugin, &standing, Some(said.revision)).await?;
                self.follow(cluster, &plugin).await?;
            }
            return Ok(taken(None));
        }
        let placed = Placed::now(&digest, &tried.plugin.about.version, &cluster.name);
        let next = standing.with(placed, how(mode));
        *cluster.rehearsed.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((digest.clone(), tried.rehearsal.clone()));
        cluster.bucket.say(&plugin, &next, said.map(|said| said.revision)).await?;
        self.follow(cluster, &plugin).await?;
        Ok(taken(Some(mode)))
    }

    /// What a version was tried on before it was put into the bucket from here.
    pub(in super::super) fn tried_just_now(&self, digest: &str) -> Option<Rehearsal> {
        let mut known = self.cluster.as_ref()?.rehearsed.lock().unwrap_or_else(PoisonError::into_inner);
        known.take_if(|(tried, _)| tried == digest).map(|(_, rehearsal)| rehearsal)
    }

    /// What serves here is what one goes back to: it has to be in the bucket too.
    async fn put_what_serves(&self, cluster: &Cluster, key: &str) -> Result<Placed, Refused> {
        let serving = self.generations.current().plugins().get(key).cloned();
        let Some(serving) = serving else { return Err(Refused::Unknown { name: key.to_owned(), known: Vec::new() }) };
        let (workshop, digest) = (Arc::clone(&self.workshop), serving.digest.clone());
        let bytes = tokio::task::spawn_blocking(move || workshop.registry().component(&digest)).await;
        cluster.bucket.keep(&serving.digest, &bytes.map_err(|_| Refused::Stopping)??).await?;
        Ok(Placed::now(&serving.digest, &serving.about.version, &cluster.name))
    }

    /// Ends the trial in favour of the version, for everyone.
    pub(in super::super) async fn promote_everywhere(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        plugin: &str,
    ) -> Result<(), Refused> {
        let not_on_trial = || Refused::NotOnTrial { name: plugin.to_owned() };
        let said = cluster.bucket.said(plugin).await?.ok_or_else(not_on_trial)?;
        let tried = said.standing.trial.as_ref().ok_or_else(not_on_trial)?.placed.id;
        let next = said.standing.promoted(tried).ok_or_else(not_on_trial)?;
        cluster.bucket.say(plugin, &next, Some(said.revision)).await?;
        Ok(self.follow(cluster, plugin).await?)
    }

    /// Tries the version on trial on another share of the people, on every node; its counts begin anew.
    pub(in super::super) async fn change_share_everywhere(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        plugin: &str,
        mode: Mode,
    ) -> Result<(), Refused> {
        let not_on_trial = || Refused::NotOnTrial { name: plugin.to_owned() };
        let said = cluster.bucket.said(plugin).await?.ok_or_else(not_on_trial)?;
        let tried = &said.standing.trial.as_ref().ok_or_else(not_on_trial)?.placed;
        let placed = Placed::now(&tried.digest, &tried.version, &cluster.name);
        let next = said.standing.with(placed, how(mode));
        cluster.bucket.say(plugin, &next, Some(said.revision)).await?;
        Ok(self.follow(cluster, plugin).await?)
    }

    /// Goes back, for everyone. Gives the version that is in force here then.
    pub(in super::super) async fn roll_back_everywhere(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        plugin: &str,
        why: &str,
    ) -> Result<Arc<Plugin>, Refused> {
        let here = || self.generations.current().plugins().get(plugin).cloned();
        let nothing = || Refused::NothingBefore { digest: here().map(|it| it.digest.clone()).unwrap_or_default() };
        let said = cluster.bucket.said(plugin).await?.ok_or_else(nothing)?;
        let from = said.standing.newest().id;
        let next = said.standing.without(from, None, why, &cluster.name).ok_or_else(nothing)?;
        cluster.bucket.say(plugin, &next, Some(said.revision)).await?;
        self.follow(cluster, plugin).await?;
        here().ok_or_else(nothing)
    }

    /// A trial is won, by the sum of what all nodes saw: whoever finds it first says so.
    pub(in super::super) async fn say_promoted(&self, trial: &Trial) {
        let Some(cluster) = &self.cluster else { return };
        let Some((id, false)) = cluster.installation(trial) else { return };
        match amend(&*cluster.bucket, &trial.key, |standing: &Standing| standing.promoted(id)).await {
            Ok(_) => cluster.ask_about(&trial.key),
            Err(error @ (BucketError::Away(_) | BucketError::Overtaken)) => {
                tracing::debug!(plugin = %trial.key, %error, "its promotion waits");
            }
            Err(error) => tracing::error!(plugin = %trial.key, %error, "its promotion could not be told"),
        }
    }

    /// A version went here: everyone is to know.
    pub(in super::super) fn say_rolled_back(&self, key: &str) {
        if let Some(cluster) = &self.cluster {
            cluster.ask_about(key);
        }
    }
}

/// How a new version of a plugin is tried, as this pipeline has it; unset: it serves everyone at once.
pub fn how_of(pipeline: &Checked, key: &str) -> Option<How> {
    how(mode_of(pipeline, key))
}

fn how(mode: Mode) -> Option<How> {
    match mode {
        Mode::Shadow => Some(How::Shadow),
        Mode::Canary(share) => Some(How::Canary(share)),
        Mode::Whole => None,
    }
}
