//! The share of a version on trial is changed: more people get it, or fewer, or nobody but its counts.

use std::sync::Arc;

use super::{Refused, Swaps};
use crate::{
    engine::trial::{Mode, Trial, Versions},
    plugin::ledger::What,
};

impl Swaps {
    /// Tries the version that is on trial on another share of the people; its counts begin anew. Whoever had it among few has it among more, for people are
    /// picked by a hash.
    pub async fn change_share(self: &Arc<Self>, name: &str, mode: Mode) -> Result<(), Refused> {
        let source = self.source_called(name)?;
        let key = source.key();
        if mode == Mode::Whole {
            return self.promote(name).await;
        }
        if let Some((cluster, plugin)) = self.shared(&source)
            && self.governed(&key).is_some()
        {
            let cluster = Arc::clone(cluster);
            return self.change_share_everywhere(&cluster, &plugin, mode).await;
        }
        let _turn = self.turn.lock().await;
        let in_force = self.generations.in_force();
        let trial = in_force.trials.iter().find(|trial| trial.key == key && trial.mode != Mode::Whole);
        let Some(trial) = trial.cloned() else { return Err(Refused::NotOnTrial { name: name.to_owned() }) };
        let rule = in_force.base.pipeline.plugins.trial;
        let versions =
            Versions { old: Arc::clone(&trial.old), new: Arc::clone(&trial.new), signed: trial.signed.clone() };
        let changed = Arc::new(Trial::new(&key, versions, mode, rule));
        let trials = in_force.trials.iter().map(|other| if Arc::ptr_eq(other, &trial) { &changed } else { other });
        self.put(in_force.next(Arc::clone(&in_force.base), trials.cloned().collect(), None))?;
        let what = What::Tried { how: mode.words(), rehearsal: "an operator changed its share".into() };
        self.tell(&key, &changed.new.about.version, &changed.new.digest, what);
        Ok(())
    }
}
