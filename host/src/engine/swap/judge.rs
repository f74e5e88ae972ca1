//! Trials are judged: promoted, settled, rolled back; by their rule, or because an operator says so.

use std::sync::{Arc, PoisonError};

use super::{Refused, Swaps, version_of};
use crate::{
    engine::{
        InForce,
        trial::{Mode, Trial, Verdict, Versions},
    },
    plugin::{
        Plugin,
        ledger::{Version, What},
        signature::Signed,
    },
};

impl Swaps {
    /// Asks the rule of every trial.
    pub(super) async fn judge(self: &Arc<Self>) {
        if let Err(error) = self.write_down() {
            tracing::error!(%error, "a version that was rolled back is still in force as far as the disk knows: tried again");
        }
        let due = |trial: &Arc<Trial>| self.verdict(trial) != Verdict::Wait;
        if !self.generations.in_force().trials.iter().any(due) {
            return;
        }
        for trial in self.judge_here(due).await {
            self.say_promoted(&trial).await;
        }
    }

    /// Does what the rule says. Gives the trials that are won and are every node's: those wait for the bucket's word, while what goes goes at once.
    async fn judge_here(&self, due: impl Fn(&Arc<Trial>) -> bool) -> Vec<Arc<Trial>> {
        let mut won = Vec::new();
        let _turn = self.turn.lock().await;
        let trials = self.generations.in_force().trials.clone();
        for trial in trials.iter().filter(|trial| due(trial)) {
            let verdict = self.verdict(trial);
            let everywhere = self.governed(&trial.key).is_some();
            if everywhere && verdict == Verdict::Promote {
                won.push(Arc::clone(trial));
                continue;
            }
            let gone = matches!(verdict, Verdict::RollBack(_));
            // It waits for the disk, and nobody else is to.
            let done = tokio::task::block_in_place(|| match verdict {
                Verdict::Wait => Ok(()),
                Verdict::Promote => self.promote_trial(trial),
                Verdict::Settle => self.settle(trial),
                Verdict::RollBack(why) => self.roll_back_trial(trial, &why),
            });
            if let Err(error) = done {
                tracing::error!(plugin = %trial.key, %error, "what its trial came to could not be written down: tried again");
            }
            if everywhere && gone {
                self.say_rolled_back(&trial.key);
            }
        }
        won
    }

    /// Ends a trial in favour of its version: everyone gets it, and it is watched for a while longer.
    pub async fn promote(self: &Arc<Self>, name: &str) -> Result<(), Refused> {
        let source = self.source_called(name)?;
        let key = source.key();
        if let (Some((cluster, plugin)), Some(_)) = (self.shared(&source), self.governed(&key)) {
            return self.promote_everywhere(cluster, &plugin).await;
        }
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        let trial = in_force.trials.iter().find(|trial| trial.key == key && trial.mode != Mode::Whole);
        let Some(trial) = trial else { return Err(Refused::NotOnTrial { name: name.to_owned() }) };
        self.promote_trial(trial)
    }

    /// Goes back: from the version on trial, else from the one in force to the one before it. Gives the version that is in force then.
    pub async fn roll_back(self: &Arc<Self>, name: &str) -> Result<Arc<Plugin>, Refused> {
        const WHY: &str = "an operator went back";
        let source = self.source_called(name)?;
        let key = source.key();
        if let (Some((cluster, plugin)), Some(_)) = (self.shared(&source), self.governed(&key)) {
            return self.roll_back_everywhere(cluster, &plugin, WHY).await;
        }
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        // What serves few goes before what serves all.
        let tried = || in_force.trials.iter().filter(|trial| trial.key == key);
        if let Some(trial) = tried().find(|trial| trial.mode != Mode::Whole).or_else(|| tried().next()) {
            self.roll_back_trial(trial, WHY)?;
            return Ok(Arc::clone(&trial.old));
        }
        let Some(serving) = in_force.base.plugins().get(&key) else { return Err(self.unknown(name)) };
        let before = self.ledger().entry(&key).and_then(|entry| entry.before.first().cloned());
        let Some(before) = before else { return Err(Refused::NothingBefore { digest: serving.digest.clone() }) };
        let old = self.version(&key, &source.name(), &before.digest).await?;
        let versions = Versions { old: Arc::clone(&old), new: Arc::clone(serving), signed: None };
        let trial = Trial::new(&key, versions, Mode::Whole, in_force.base.pipeline.plugins.trial);
        self.roll_back_trial(&Arc::new(trial), WHY)?;
        Ok(old)
    }

    /// Ends the trial of a version whose file has gone, or is the version in force again. It did nothing wrong, so it is not set aside.
    pub(super) async fn abandon(&self, key: &str) {
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        let Some(trial) = in_force.trials.iter().find(|trial| trial.key == key && trial.mode != Mode::Whole) else {
            return;
        };
        match self.put(in_force.next(Arc::clone(&in_force.base), others(&in_force, trial), None)) {
            Ok(()) => {
                let why = "its file is gone, or is the version in force again".to_owned();
                self.told(trial, What::RolledBack { to: trial.old.digest.clone(), why });
            }
            Err(error) => tracing::error!(plugin = key, %error, "its trial could not be ended"),
        }
    }

    fn unknown(&self, name: &str) -> Refused {
        let known = self.generations.current().plugins().keys().cloned().collect();
        Refused::Unknown { name: name.to_owned(), known }
    }

    async fn version(&self, key: &str, name: &str, digest: &str) -> Result<Arc<Plugin>, Refused> {
        let resident = {
            let resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
            resident.get(key).and_then(|versions| versions.iter().find(|version| version.digest == digest)).cloned()
        };
        if let Some(plugin) = resident {
            return Ok(plugin);
        }
        let (workshop, name, digest) = (Arc::clone(&self.workshop), name.to_owned(), digest.to_owned());
        let loaded = tokio::task::spawn_blocking(move || workshop.registry().version(&name, &digest)).await;
        Ok(loaded.map_err(|_| Refused::Stopping)??)
    }

    pub(super) fn promote_trial(&self, trial: &Arc<Trial>) -> Result<(), Refused> {
        let in_force = self.generations.in_force();
        let rule = in_force.base.pipeline.plugins.trial;
        let base = Arc::new(in_force.base.with(&[(&trial.key, &trial.new)]));
        self.generations.record(&base)?;
        self.ledger().in_force(&trial.key, version_of(&trial.new))?;
        // The watch over the version it takes the place of ends with it.
        let mut trials: Vec<_> = in_force.trials.iter().filter(|other| other.key != trial.key).cloned().collect();
        if rule.window.is_zero() {
            self.proven(trial.signed.as_ref());
        } else {
            let (old, new) = (Arc::clone(&trial.old), Arc::clone(&trial.new));
            let versions = Versions { old, new, signed: trial.signed.clone() };
            trials.push(Arc::new(Trial::new(&trial.key, versions, Mode::Whole, rule)));
        }
        self.put(in_force.next(base, trials, None))?;
        self.told(trial, What::Promoted);
        Ok(())
    }

    fn settle(&self, trial: &Arc<Trial>) -> Result<(), Refused> {
        let in_force = self.generations.in_force();
        self.put(in_force.next(Arc::clone(&in_force.base), others(&in_force, trial), None))?;
        self.proven(trial.signed.as_ref());
        self.told(trial, What::Settled);
        Ok(())
    }

    /// First the jobs are safe, then it is written down; where that fails, it is tried again at every look.
    pub(super) fn roll_back_trial(&self, trial: &Arc<Trial>, why: &str) -> Result<(), Refused> {
        let in_force = self.generations.in_force();
        let serves = in_force.base.runs(&trial.key, &trial.new);
        let base =
            if serves { Arc::new(in_force.base.with(&[(&trial.key, &trial.old)])) } else { Arc::clone(&in_force.base) };
        let back = base.plugins().get(&trial.key).map_or_else(|| version_of(&trial.old), |plugin| version_of(plugin));
        self.put(in_force.next(base, others(&in_force, trial), Some(trial)))?;
        self.keep_resident(&trial.key, &trial.old);
        self.told(trial, What::RolledBack { to: back.digest.clone(), why: why.to_owned() });
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push(Unwritten {
            key: trial.key.clone(),
            from: trial.new.digest.clone(),
            to: back,
            why: why.to_owned(),
        });
        self.write_down()
    }

    /// Writes down which versions went. What cannot be written now is written when the disk will have it.
    pub(super) fn write_down(&self) -> Result<(), Refused> {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(gone) = unwritten.first() {
            self.ledger().rolled_back(&gone.key, &gone.from, gone.to.clone(), &gone.why)?;
            unwritten.remove(0);
        }
        Ok(())
    }

    /// A release has held: from now on none older is taken for a newer one.
    pub(super) fn proven(&self, signed: Option<&Signed>) {
        if let Some(Err(error)) = signed.map(|signed| self.trust.in_use(signed)) {
            tracing::error!(%error, "that a signed release is in use could not be written down: an older one would be let in");
        }
    }

    fn told(&self, trial: &Trial, what: What) {
        self.tell(&trial.key, &trial.new.about.version, &trial.new.digest, what);
    }
}

/// A version that went, and is still in force as far as the disk knows.
pub(super) struct Unwritten {
    key: String,
    from: String,
    to: Version,
    why: String,
}

fn others(in_force: &InForce, trial: &Arc<Trial>) -> Vec<Arc<Trial>> {
    in_force.trials.iter().filter(|other| !Arc::ptr_eq(other, trial)).cloned().collect()
}
