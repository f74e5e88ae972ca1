//! A version is offered: checked, compiled, tried, and then in force, on trial, or refused.

use std::{
    io,
    sync::{Arc, PoisonError},
    time::Instant,
};

use serde::Serialize;

use super::{Swaps, version_of};
use crate::{
    adapter::bucket::BucketError,
    config::{Checked, PluginSource, Role, Runs},
    engine::{
        InForce, sources,
        trial::{Mode, Trial, Versions},
    },
    plugin::{
        Grants, Limits, LoadError, Plugin, SourceError, digest_of, is_built_in,
        ledger::What,
        rehearsal::{Programme, Rehearsal, Verdict, rehearse},
        signature::{NotTrusted, Signed},
    },
};
use wtaf_plugin_pack::Manifest;

/// How a version came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Its file was found: one that was set aside before is not taken again.
    Found,
    /// Someone asks for it by name: what was set aside is forgiven.
    Asked,
    /// Someone asks that it serve everyone at once, without a shadow or a canary.
    AtOnce,
    /// It is what every node is to run, and how: someone asked for it on another, or here a moment ago.
    Followed(Mode),
    /// Someone asks for it by name, and says how it is to be tried, whatever the pipeline says.
    As(Mode),
}

/// What became of an offer that was not refused.
#[derive(Debug, Clone, Serialize)]
pub struct Taken {
    /// What pipeline.toml calls it.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// How it is tried; unset where it was in force already.
    pub mode: Option<Mode>,
    /// What it was tried on.
    pub rehearsal: Rehearsal,
    /// From the first look to being in force, milliseconds.
    pub ms: f64,
}

/// Why it was not taken. The version in force serves on.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No stage is called so.
    #[error("no stage of the pipeline runs a plugin called {name}; there are {}", .known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is no plugin, asks for what it was not granted, or does not fit.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Nobody we know signed it, or it is an older release.
    #[error(transparent)]
    NotTrusted(#[from] NotTrusted),
    /// It has another role than its stage.
    #[error("it is a {} plugin, and stage {stage} runs a {} plugin", .it.as_str(), .wanted.as_str())]
    OtherRole {
        /// The stage.
        stage: String,
        /// What it is.
        it: Role,
        /// What is wanted.
        wanted: Role,
    },
    /// It went before.
    #[error("it was set aside before ({why}); to try it again all the same: wtaf-host plugin install --again")]
    SetAside {
        /// Why.
        why: String,
    },
    /// It was refused a moment ago, and nothing has changed since.
    #[error("it was refused before, and nothing has changed since")]
    Again,
    /// It failed its rehearsal.
    #[error("{}", .0.words())]
    Rehearsal(Box<Rehearsal>),
    /// There is nothing to go back to.
    #[error("there is no version before {digest:.12} to go back to")]
    NothingBefore {
        /// The one in force.
        digest: String,
    },
    /// No version of it is on trial.
    #[error("no version of {name} is on trial")]
    NotOnTrial {
        /// The plugin.
        name: String,
    },
    /// The bucket says what runs here, and a file does not.
    #[error(
        "every node runs what {bucket} says, so a file in the plugins folder is not taken: wtaf-host plugin install"
    )]
    FromBucket {
        /// What pipeline.toml calls it.
        bucket: String,
    },
    /// The bucket could not be asked, or has it not whole.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The disk.
    #[error("the data directory: {0}")]
    Disk(#[from] io::Error),
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

impl Refused {
    /// Stable, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "no-such-plugin",
            Self::Load(LoadError::NotGranted { .. }) => "plugin-not-granted",
            Self::NotTrusted(_) => "plugin-not-trusted",
            Self::SetAside { .. } => "plugin-set-aside",
            Self::Rehearsal(_) => "plugin-rehearsal-failed",
            Self::NothingBefore { .. } => "plugin-nothing-before",
            Self::NotOnTrial { .. } => "plugin-not-on-trial",
            Self::FromBucket { .. } => "plugin-from-bucket",
            Self::Bucket(BucketError::Overtaken) => "plugin-overtaken",
            Self::Bucket(BucketError::Away(_)) => "plugin-bucket-away",
            Self::Load(_) | Self::Source(_) | Self::OtherRole { .. } | Self::Bucket(_) => "plugin-unfit",
            Self::Disk(_) | Self::Stopping | Self::Again => "plugin-not-now",
        }
    }
}

impl Swaps {
    /// The source someone means by a name: what pipeline.toml calls it, or the short name of a path.
    pub fn source_called(&self, name: &str) -> Result<PluginSource, Refused> {
        let known = sources(&self.generations.current().pipeline);
        let exact = known.iter().find(|source| source.key() == name);
        let found = exact.or_else(|| known.iter().find(|source| source.name() == name)).cloned();
        found.ok_or_else(|| Refused::Unknown {
            name: name.to_owned(),
            known: known.iter().map(PluginSource::name).collect(),
        })
    }

    /// Offers a version. What it comes to is told, logged and journaled, also when the one who asked has gone away.
    pub async fn offer(
        self: &Arc<Self>,
        source: &PluginSource,
        bytes: Vec<u8>,
        offer: Offer,
    ) -> Result<Taken, Refused> {
        let (swaps, source) = (Arc::clone(self), source.clone());
        let offered = tokio::spawn(async move {
            let (key, digest) = (source.key(), digest_of(&bytes));
            if offer == Offer::Found && swaps.was_refused(&key, &digest) {
                return Err(Refused::Again);
            }
            let retried = matches!(offer, Offer::Followed(_)) && swaps.was_refused(&key, &digest);
            let taken = swaps.take(&source, bytes, &digest, offer).await;
            swaps.note_refusal(&key, taken.is_err().then_some(&digest));
            if let Err(refused) = &taken
                && !(retried && swaps.said_before(&key, refused))
            {
                swaps.tell_refused(&key, &digest, refused);
            }
            taken
        });
        offered.await.map_err(|_| Refused::Stopping)?
    }

    /// Whether it was told already that what the bucket says cannot run here for this reason.
    fn said_before(&self, key: &str, refused: &Refused) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| cluster.knew(key, &refused.to_string()))
    }

    pub(super) fn tell_refused(&self, key: &str, digest: &str, refused: &Refused) {
        self.tell(key, "", digest, What::Refused { why: refused.to_string() });
    }

    async fn take(&self, source: &PluginSource, bytes: Vec<u8>, digest: &str, offer: Offer) -> Result<Taken, Refused> {
        // Candidates are prepared one after another; what is in force can be changed meanwhile, so that nobody waits to go back.
        let _candidate = self.candidates.lock().await;
        let began = Instant::now();
        let key = source.key();
        let in_force = self.generations.in_force();
        let taken = |plugin: &Plugin, mode, rehearsal| Taken {
            plugin: key.clone(),
            version: plugin.about.version.clone(),
            digest: plugin.digest.clone(),
            mode,
            rehearsal,
            ms: began.elapsed().as_secs_f64() * 1e3,
        };
        if let Some(serving) = already(&in_force, &key, digest, offer) {
            if in_force.base.runs(&key, &serving) {
                self.abandon(&key).await;
            }
            return Ok(taken(&serving, None, Rehearsal::default()));
        }
        if offer == Offer::Found
            && let Some(aside) = self.ledger().entry(&key).and_then(|entry| entry.set_aside(digest))
        {
            return Err(Refused::SetAside { why: aside.why.clone() });
        }
        let known = if matches!(offer, Offer::Followed(_)) { self.tried_just_now(digest) } else { None };
        let Ready { plugin, signed, rehearsal } = self.examine(source, &bytes, known).await?;
        self.keep(bytes).await?;
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        fits(&in_force.base.pipeline, source, &plugin)?;
        let mode = match offer {
            Offer::AtOnce => Mode::Whole,
            Offer::Followed(mode) | Offer::As(mode) => mode,
            Offer::Found | Offer::Asked => mode_of(&in_force.base.pipeline, &key),
        };
        // It waits for the disk, and nobody else is to.
        tokio::task::block_in_place(|| {
            if offer != Offer::Found {
                self.ledger().pardon(&key, digest)?;
            }
            self.begin(&in_force, &key, Candidate { plugin: &plugin, signed }, mode, &rehearsal)
        })?;
        Ok(taken(&plugin, Some(mode), rehearsal))
    }

    /// Every check there is before a version may serve, and its rehearsal unless it is known. Changes nothing.
    pub(super) async fn examine(
        &self,
        source: &PluginSource,
        bytes: &[u8],
        known: Option<Rehearsal>,
    ) -> Result<Ready, Refused> {
        let pipeline = Arc::clone(&self.generations.current().pipeline);
        let signed = self.admit(&pipeline, source, bytes)?;
        let plugin = self.compile(source, bytes).await?;
        fits(&pipeline, source, &plugin)?;
        let rehearsal = match known {
            Some(rehearsal) => rehearsal,
            None => self.rehearse(&pipeline, &source.key(), &plugin, bytes).await,
        };
        if rehearsal.verdict() == Verdict::Failed {
            return Err(Refused::Rehearsal(Box::new(rehearsal)));
        }
        Ok(Ready { plugin, signed, rehearsal })
    }

    pub(super) async fn keep(&self, bytes: Vec<u8>) -> Result<(), Refused> {
        let workshop = Arc::clone(&self.workshop);
        let kept = tokio::task::spawn_blocking(move || workshop.registry().shelf().keep(&bytes)).await;
        kept.map_err(|_| Refused::Stopping)??;
        Ok(())
    }

    /// Whether it may be let in at all: asked before anything in it is looked at closely. The engine's own copies are part of the engine.
    fn admit(&self, pipeline: &Checked, source: &PluginSource, bytes: &[u8]) -> Result<Option<Signed>, NotTrusted> {
        match super::role_in(pipeline, source) {
            Some(role) if !is_built_in(bytes) => self.trust.admit(bytes, super::signed_name(source).as_deref(), role),
            _ => Ok(None),
        }
    }

    /// Whether this very file was refused last: looking again tells nobody anything new.
    pub(super) fn was_refused(&self, key: &str, digest: &str) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(key).is_some_and(|known| known == digest)
    }

    pub(super) fn note_refusal(&self, key: &str, digest: Option<&String>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match digest {
            Some(digest) => refused.insert(key.to_owned(), digest.clone()),
            None => refused.remove(key),
        };
    }

    pub(super) async fn compile(&self, source: &PluginSource, bytes: &[u8]) -> Result<Arc<Plugin>, Refused> {
        let (workshop, name, bytes) = (Arc::clone(&self.workshop), source.name(), bytes.to_vec());
        let compiled = tokio::task::spawn_blocking(move || workshop.registry().compile(&name, &bytes)).await;
        Ok(compiled.map_err(|_| Refused::Stopping)??)
    }

    /// Tries a version on its own examples and on what was recorded.
    pub(super) async fn rehearse(
        &self,
        pipeline: &Checked,
        key: &str,
        plugin: &Arc<Plugin>,
        bytes: &[u8],
    ) -> Rehearsal {
        let manifest = match Manifest::of(bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                let failed = crate::plugin::rehearsal::Failed { what: "its manifest".into(), why: error.to_string() };
                return Rehearsal { failures: vec![failed], ..Rehearsal::default() };
            }
        };
        let recorded = self.recordings.last(key, pipeline.plugins.rehearse);
        rehearse(plugin, Programme::new(manifest, recorded), |stage| allowed(pipeline, key, stage)).await
    }

    fn begin(
        &self,
        in_force: &InForce,
        key: &str,
        candidate: Candidate<'_>,
        mode: Mode,
        rehearsal: &Rehearsal,
    ) -> Result<(), Refused> {
        let Candidate { plugin, signed } = candidate;
        let Some(serving) = in_force.base.plugins().get(key) else {
            return Err(Refused::Unknown { name: key.to_owned(), known: Vec::new() });
        };
        let of_it = |trial: &&Arc<Trial>| trial.key == key;
        let watch = in_force.trials.iter().filter(of_it).find(|trial| trial.mode == Mode::Whole);
        let old = match watch {
            // Only what has served and failed nobody is good enough to go back to.
            Some(watch) if mode == Mode::Whole && (watch.counts().strikes > 0 || watch.counts().jobs == 0) => {
                Arc::clone(&watch.old)
            }
            _ => Arc::clone(serving),
        };
        let rule = in_force.base.pipeline.plugins.trial;
        let versions = Versions { old, new: Arc::clone(plugin), signed: signed.clone() };
        let trial = Arc::new(Trial::new(key, versions, mode, rule));
        // The version that serves stays watched beside one that is tried; a version tried before gives way.
        let stays = |trial: &&Arc<Trial>| trial.key != key || (trial.mode == Mode::Whole && mode != Mode::Whole);
        let mut trials: Vec<_> = in_force.trials.iter().filter(stays).cloned().collect();
        let watched = mode != Mode::Whole || !rule.window.is_zero();
        if watched {
            trials.push(trial);
        }
        let words = rehearsal.words();
        let what = match mode {
            Mode::Whole => {
                let base = Arc::new(in_force.base.with(&[(key, plugin)]));
                self.generations.record(&base)?;
                self.ledger().in_force(key, version_of(plugin))?;
                self.put(in_force.next(base, trials, None))?;
                What::Swapped { from: serving.digest.clone(), rehearsal: words }
            }
            Mode::Canary(_) | Mode::Shadow => {
                self.put(in_force.next(Arc::clone(&in_force.base), trials, None))?;
                What::Tried { how: mode.words(), rehearsal: words }
            }
        };
        if !watched {
            self.proven(signed.as_ref());
        }
        self.keep_resident(key, plugin);
        self.tell(key, &plugin.about.version, &plugin.digest, what);
        Ok(())
    }
}

/// A version that may serve.
pub(super) struct Ready {
    pub plugin: Arc<Plugin>,
    pub signed: Option<Signed>,
    pub rehearsal: Rehearsal,
}

/// A version that has passed every check.
struct Candidate<'a> {
    plugin: &'a Arc<Plugin>,
    signed: Option<Signed>,
}

/// The version, where there is nothing to do: it is in force or on trial already.
fn already(in_force: &InForce, key: &str, digest: &str, offer: Offer) -> Option<Arc<Plugin>> {
    let serving = in_force.base.plugins().get(key).filter(|plugin| plugin.digest == digest);
    // How it is tried may be what is to change.
    let stays = |trial: &&Arc<Trial>| match offer {
        Offer::Found | Offer::Asked => true,
        Offer::AtOnce => false,
        Offer::Followed(mode) | Offer::As(mode) => trial.mode == mode,
    };
    let tried = in_force.trials.iter().filter(stays);
    let tried = tried.filter(|trial| trial.key == key && trial.new.digest == digest).map(|trial| &trial.new);
    serving.or(tried.into_iter().next()).cloned()
}

pub(super) fn fits(pipeline: &Checked, source: &PluginSource, plugin: &Plugin) -> Result<(), Refused> {
    for stage in &pipeline.stages {
        if let Runs::Plugin { source: named, role } = &stage.runs
            && named == source
            && *role != plugin.about.role
        {
            return Err(Refused::OtherRole { stage: stage.name.clone(), it: plugin.about.role, wanted: *role });
        }
    }
    Ok(())
}

/// A stage's own limits and grants; an example belongs to none, so it gets those of the first stage that runs the plugin.
fn allowed(pipeline: &Checked, key: &str, stage: &str) -> (Limits, Grants) {
    let runs =
        |stage: &&crate::config::Stage| matches!(&stage.runs, Runs::Plugin { source, .. } if source.key() == key);
    let named = pipeline.stages.iter().find(|known| known.name == stage);
    match named.or_else(|| pipeline.stages.iter().find(runs)) {
        Some(stage) => (Limits::of(&pipeline.plugins, stage), Grants::of(stage)),
        None => Default::default(),
    }
}

/// How a new version of a plugin is tried: by its stages' own keys, else by those of `[plugins]`. Of several stages the most careful decides.
pub(super) fn mode_of(pipeline: &Checked, key: &str) -> Mode {
    let stages = || {
        pipeline.stages.iter().filter(|stage| matches!(&stage.runs, Runs::Plugin { source, .. } if source.key() == key))
    };
    if stages().any(|stage| stage.shadow.unwrap_or(pipeline.plugins.shadow)) {
        return Mode::Shadow;
    }
    match stages().filter_map(|stage| stage.canary.or(pipeline.plugins.canary)).min() {
        Some(share) if share < 100 => Mode::Canary(share),
        _ => Mode::Whole,
    }
}
