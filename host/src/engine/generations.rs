//! Which generation a job runs on: the one in force, a canary's for the people in its share, or the one it began with.
//!
//! What is in force is one value that is replaced whole; nothing here compiles or decides. Each generation that a job may have begun on is on record on the
//! disk, so that the job can finish on it after a restart.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};

use super::{
    generation::{Generation, GenerationId},
    trial::{Difference, Mode, Shadowed, Trial},
};
use crate::{
    job::{Asker, Millis},
    plugin::{Answer, Call, Plugin, PluginError, own},
};

/// Calls shown to shadows at once. A shadow that is slower than the traffic sees part of it.
const SHADOWS: usize = 2;

/// After so many calls without it, a grant counts as never used.
const MANY: u64 = 20;

/// What a version made of its grants so far.
#[derive(Default)]
struct GrantUse {
    digest: String,
    calls: u64,
    used: HashSet<String>,
}

/// What is in force.
pub struct InForce {
    /// For everyone whom no canary takes.
    pub base: Arc<Generation>,
    /// Versions being watched; of one plugin at most one.
    pub trials: Vec<Arc<Trial>>,
    /// Trials that failed, newest last: jobs that began on those versions may still be under way.
    pub failed: Vec<Arc<Trial>>,
    /// Trials that ended without blame because something else came, newest last: the same.
    pub ended: Vec<Arc<Trial>>,
}

/// Trials remembered for the jobs that are still under way on their versions.
const REMEMBERED: usize = 16;

impl InForce {
    /// A set that differs from this one in its base and its trials; what is no longer on trial is remembered, `failed` as such.
    #[must_use]
    pub fn next(&self, base: Arc<Generation>, trials: Vec<Arc<Trial>>, failed: Option<&Arc<Trial>>) -> Self {
        let stays = |trial: &Arc<Trial>| trials.iter().any(|kept| Arc::ptr_eq(kept, trial));
        let gone = self.trials.iter().filter(|trial| !stays(trial) && trial.mode != Mode::Shadow);
        // What is in force again, or on trial again, has no failure to its name.
        let again = |trial: &&Arc<Trial>| {
            base.runs(&trial.key, &trial.new) || trials.iter().any(|kept| kept.is_of(&trial.key, &trial.new))
        };
        let mut ended: Vec<_> = self.ended.iter().filter(|trial| !again(trial)).cloned().collect();
        ended.extend(
            gone.filter(|trial| failed.is_none_or(|failed| !Arc::ptr_eq(failed, trial)) && !again(trial)).cloned(),
        );
        let mut failures: Vec<_> = self.failed.iter().filter(|trial| !again(trial)).cloned().collect();
        failures.extend(failed.cloned());
        for list in [&mut ended, &mut failures] {
            let surplus = list.len().saturating_sub(REMEMBERED);
            list.drain(..surplus);
        }
        Self { base, trials, failed: failures, ended }
    }

    /// The version before one that is on trial or was; further back where that one has failed too.
    fn before(&self, key: &str, plugin: &Plugin) -> Option<Arc<Plugin>> {
        let known =
            || self.trials.iter().filter(|trial| trial.mode != Mode::Shadow).chain(&self.failed).chain(&self.ended);
        let mut seen = vec![plugin.digest.clone()];
        let mut found: Option<Arc<Plugin>> = None;
        loop {
            let from: &Plugin = found.as_deref().unwrap_or(plugin);
            let Some(trial) = known().find(|trial| trial.is_of(key, from)) else { return found };
            // One step back is what a trial is for; a second only past a version that is known to fail.
            if found.is_some() && trial.counts().strikes == 0 {
                return found;
            }
            if seen.contains(&trial.old.digest) {
                return found;
            }
            seen.push(trial.old.digest.clone());
            found = Some(Arc::clone(&trial.old));
        }
    }
}

/// A generation on record: what is needed to put it together again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnRecord {
    /// Since when.
    pub at: Millis,
    /// pipeline.toml, unexpanded.
    pub pipeline: String,
    /// Digests by what it calls the plugins.
    pub plugins: std::collections::BTreeMap<String, String>,
}

/// Which generation runs.
pub struct Generations {
    in_force: ArcSwap<InForce>,
    made: Mutex<HashMap<GenerationId, Weak<Generation>>>,
    records: PathBuf,
    shadows: Arc<Semaphore>,
    used: Mutex<HashMap<String, GrantUse>>,
    /// Put on record and not asked about yet, newest last.
    records_made: Mutex<Vec<GenerationId>>,
    /// Rung when one is put on record.
    pub(super) recorded: Notify,
    /// Rung whenever a trial has something new to be judged by.
    pub(super) news: Notify,
}

impl Generations {
    /// With a first generation in force.
    pub fn new(base: &Arc<Generation>, data_dir: &Path) -> io::Result<Self> {
        let records = data_dir.join("generations");
        own::folder(&records)?;
        let generations = Self {
            in_force: ArcSwap::from_pointee(InForce {
                base: Arc::clone(base),
                trials: Vec::new(),
                failed: Vec::new(),
                ended: Vec::new(),
            }),
            made: Mutex::default(),
            records,
            shadows: Arc::new(Semaphore::new(SHADOWS)),
            used: Mutex::default(),
            records_made: Mutex::default(),
            recorded: Notify::new(),
            news: Notify::new(),
        };
        generations.record(base)?;
        Ok(generations)
    }

    /// What is in force at this moment.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// The generation in force for everyone whom no canary takes.
    pub fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.in_force.load().base)
    }

    /// Puts another set in force, from one job to the next. It is on record before.
    pub fn replace(&self, next: InForce) -> io::Result<()> {
        self.record(&next.base)?;
        let before = self.in_force.swap(Arc::new(next));
        // Jobs under way on it, and those that wait for another try, ask for it by its name.
        self.keep(&before.base);
        self.news.notify_one();
        Ok(())
    }

    /// What a new job of this person runs on.
    pub fn pick(&self, asker: &Asker) -> Arc<Generation> {
        let in_force = self.in_force.load();
        let tried: Vec<_> = in_force
            .trials
            .iter()
            .filter(|trial| matches!(trial.mode, Mode::Canary(_)) && trial.takes(asker))
            .map(|trial| (trial.key.as_str(), &trial.new))
            .collect();
        if tried.is_empty() { Arc::clone(&in_force.base) } else { self.derive(&in_force.base, &tried) }
    }

    /// A generation that is still in memory, for a job that began on it.
    pub fn resident(&self, id: &GenerationId) -> Option<Arc<Generation>> {
        let current = self.current();
        if current.id == *id {
            return Some(current);
        }
        self.made.lock().unwrap_or_else(PoisonError::into_inner).get(id).and_then(Weak::upgrade)
    }

    /// The same with every version that is on trial, or was, replaced by the one before it; none where it runs no such version.
    pub fn before_trials(&self, generation: &Arc<Generation>) -> Option<Arc<Generation>> {
        let in_force = self.in_force.load();
        self.older(generation, |key, plugin| in_force.before(key, plugin))
    }

    /// The same for versions that have failed their trial.
    pub fn before_failed(&self, generation: &Arc<Generation>) -> Option<Arc<Generation>> {
        let in_force = self.in_force.load();
        let failed = |key: &str, plugin: &Plugin| in_force.failed.iter().rev().find(|trial| trial.is_of(key, plugin));
        self.older(generation, |key, plugin| failed(key, plugin).map(|trial| Arc::clone(&trial.old)))
    }

    fn older(
        &self,
        generation: &Arc<Generation>,
        before: impl Fn(&str, &Plugin) -> Option<Arc<Plugin>>,
    ) -> Option<Arc<Generation>> {
        let older: Vec<_> = generation
            .plugins()
            .iter()
            .filter_map(|(key, plugin)| Some((key.as_str(), before(key, plugin)?)))
            .collect();
        let older: Vec<_> = older.iter().map(|(key, plugin)| (*key, plugin)).collect();
        if older.is_empty() { None } else { Some(self.derive(generation, &older)) }
    }

    /// A job ended in which these versions were called, and none of them is to blame for how.
    pub fn passed(&self, called: &HashSet<String>) {
        let in_force = self.in_force.load();
        serving(&in_force.trials).filter(|trial| called.contains(&trial.new.digest)).for_each(|trial| trial.passed());
        self.news.notify_one();
    }

    /// A job in which these versions were called failed, and on the generation before their trials it did not. The version that failed is to blame where it
    /// is on trial itself, else all that are.
    pub fn strike(&self, called: &HashSet<String>, failed: Option<&PluginError>) {
        let in_force = self.in_force.load();
        let on_trial: Vec<_> = serving(&in_force.trials).filter(|trial| called.contains(&trial.new.digest)).collect();
        let own = |trial: &Trial| failed.is_some_and(|error| error.digest == trial.new.digest);
        let blamed = on_trial.iter().any(|trial| own(trial));
        for trial in &on_trial {
            if !blamed || own(trial) { trial.strike() } else { trial.passed() }
        }
        self.news.notify_one();
    }

    /// Shows a call that was answered to the shadow of its plugin, where there is one. What the shadow says goes into its counts and nowhere else: a plugin
    /// can do nothing but answer.
    pub fn show_to_shadow(&self, key: &str, served: &Plugin, call: &Arc<Call>, answer: Option<&Answer>) {
        let in_force = self.in_force.load();
        let fits =
            |trial: &&Arc<Trial>| trial.mode == Mode::Shadow && trial.key == key && trial.old.digest == served.digest;
        let (Some(trial), Some(answer)) = (in_force.trials.iter().find(fits), answer) else { return };
        let Ok(place) = Arc::clone(&self.shadows).try_acquire_owned() else { return };
        let (trial, call, answer) = (Arc::clone(trial), Arc::clone(call), answer.to_json());
        tokio::spawn(async move {
            let asked = trial.new.ask(call.clone()).await;
            drop(place);
            let outcome = match &asked.outcome {
                Ok(said) if said.to_json() == answer => Shadowed::Same,
                Ok(said) => {
                    trial.keep(Difference {
                        job: call.context.job.clone(),
                        stage: call.stage.to_string(),
                        before: answer,
                        after: said.to_json(),
                    });
                    Shadowed::Differs
                }
                Err(error) => {
                    tracing::warn!(job = %call.context.job, plugin = %trial.key, digest = &trial.new.digest[..12], fault = error.fault.word(), "the shadow gave no answer");
                    Shadowed::Fails
                }
            };
            trial.shown(outcome);
        });
    }

    /// A version that is granted something was called, and made use of these grants.
    pub(super) fn granted(&self, plugin: &Plugin, used: &[String]) {
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(plugin.name.clone()).or_default();
        if entry.digest != plugin.digest {
            *entry = GrantUse { digest: plugin.digest.clone(), ..GrantUse::default() };
        }
        entry.calls += 1;
        entry.used.extend(used.iter().cloned());
    }

    /// What a version is granted and has not used in many calls: it may well do without.
    pub(super) fn idle_grants(&self, plugin: &Plugin, granted: &[String]) -> Vec<String> {
        let all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all.get(&plugin.name).filter(|known| known.digest == plugin.digest && known.calls >= MANY);
        used.map(|known| granted.iter().filter(|grant| !known.used.contains(*grant)).cloned().collect())
            .unwrap_or_default()
    }

    /// A generation's record, where there is one.
    pub fn on_record(&self, id: &GenerationId) -> io::Result<Option<OnRecord>> {
        if !id.is_plain() {
            return Ok(None);
        }
        match fs::read(self.records.join(format!("{id}.json"))) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What was put on record since this was asked last.
    pub(super) fn take_recorded(&self) -> Vec<GenerationId> {
        std::mem::take(&mut self.records_made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every text of pipeline.toml that a generation here was made of, newest first.
    pub(super) fn texts(&self) -> Vec<String> {
        let files = fs::read_dir(&self.records).into_iter().flatten().flatten().map(|entry| entry.path());
        let records = files.filter_map(|path| serde_json::from_slice::<OnRecord>(&fs::read(path).ok()?).ok());
        let mut records: Vec<_> = records.collect();
        records.sort_by_key(|record| std::cmp::Reverse(record.at));
        records.into_iter().map(|record| record.pipeline).collect()
    }

    /// Keeps a generation that was put together again from its record, for the next job that wants it.
    pub fn keep(&self, generation: &Arc<Generation>) {
        self.keep_as(&generation.id, generation);
    }

    /// The same under the name jobs know it by, which is another where a version of it was set aside since.
    pub(super) fn keep_as(&self, id: &GenerationId, generation: &Arc<Generation>) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|_, generation| generation.strong_count() > 0);
        made.insert(id.clone(), Arc::downgrade(generation));
    }

    /// The digests of every generation on record, and how many old records went: those nobody has begun a job on for so long.
    pub(super) fn tidy(&self, older: Duration) -> io::Result<(HashSet<String>, usize)> {
        let (mut digests, mut removed) = (HashSet::new(), 0);
        let current = self.current();
        for entry in fs::read_dir(&self.records)?.flatten() {
            let path = entry.path();
            let is_current = path.file_stem().is_some_and(|stem| *stem == *current.id.to_string());
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > older && !is_current {
                fs::remove_file(&path)?;
                removed += 1;
            } else if let Ok(record) = serde_json::from_slice::<OnRecord>(&fs::read(&path)?) {
                digests.extend(record.plugins.into_values());
            }
        }
        Ok((digests, removed))
    }

    fn derive(&self, from: &Arc<Generation>, others: &[(&str, &Arc<Plugin>)]) -> Arc<Generation> {
        let derived = from.with(others);
        if let Some(resident) = self.resident(&derived.id) {
            return resident;
        }
        let derived = Arc::new(derived);
        self.keep(&derived);
        if let Err(error) = self.record(&derived) {
            tracing::warn!(%error, generation = %derived.id, "not put on record: after a restart its jobs go on with what is in force then");
        }
        derived
    }

    /// Puts a generation on record, before anything says that it is in force.
    pub(super) fn record(&self, generation: &Generation) -> io::Result<()> {
        let path = self.records.join(format!("{}.json", generation.id));
        {
            let mut made = self.records_made.lock().unwrap_or_else(PoisonError::into_inner);
            if !made.contains(&generation.id) {
                made.push(generation.id.clone());
                // Nobody asks where there are no other nodes.
                let surplus = made.len().saturating_sub(REMEMBERED);
                made.drain(..surplus);
            }
        }
        self.recorded.notify_one();
        // One that is in use again counts as new.
        if let Ok(known) = fs::File::options().append(true).open(&path) {
            return known.set_modified(std::time::SystemTime::now());
        }
        let record = OnRecord {
            at: Millis::now(),
            pipeline: generation.pipeline.text().to_owned(),
            plugins: generation.plugins().iter().map(|(key, plugin)| (key.clone(), plugin.digest.clone())).collect(),
        };
        own::write(&path, &serde_json::to_vec_pretty(&record)?)
    }
}

/// The trials whose new version serves someone.
fn serving(trials: &[Arc<Trial>]) -> impl Iterator<Item = &Arc<Trial>> {
    trials.iter().filter(|trial| trial.mode != Mode::Shadow)
}
