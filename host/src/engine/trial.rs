//! A version on trial: how it is tried, what it has done so far, and the rule by which it stays or goes.
//!
//! The rule counts **strikes**: jobs that failed on the new version and did not on the one before it, with everything else the same. So what fails because of
//! the request, the AI or the database is never held against a version.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use crate::adapter::bucket::Counts;
use crate::{
    config::TrialRule,
    job::{Asker, Millis},
    plugin::{Plugin, signature::Signed},
};

/// How a new version is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It sees what the old one sees, and serves nothing.
    Shadow,
    /// It serves these people: so many in a hundred.
    Canary(u8),
    /// It serves everyone; the old one is at hand.
    Whole,
}

impl Mode {
    /// For the journal.
    pub fn words(self) -> String {
        match self {
            Self::Shadow => "shadow: it serves nobody".into(),
            Self::Canary(share) => format!("canary: {share} people in 100"),
            Self::Whole => "it serves everyone".into(),
        }
    }
}

/// What the rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Too early to say.
    Wait,
    /// It has served its share long enough: everyone gets it.
    Promote,
    /// It has been watched long enough: it stays, and is watched no more.
    Settle,
    /// It goes, and why.
    RollBack(String),
}

/// Two versions of a plugin.
#[derive(Clone)]
pub struct Versions {
    /// The one before.
    pub old: Arc<Plugin>,
    /// The new one.
    pub new: Arc<Plugin>,
    /// Who signed the new one, where that is asked for.
    pub signed: Option<Signed>,
}

/// A version on trial.
pub struct Trial {
    /// What pipeline.toml calls it.
    pub key: String,
    /// What ran before, and still does for everyone outside the trial.
    pub old: Arc<Plugin>,
    /// What is tried.
    pub new: Arc<Plugin>,
    /// Who signed it, where that is asked for.
    pub signed: Option<Signed>,
    /// How.
    pub mode: Mode,
    /// Since when.
    pub since: Millis,
    began: Instant,
    rule: TrialRule,
    jobs: AtomicU64,
    strikes: AtomicU64,
    shown: AtomicU64,
    differences: AtomicU64,
    faults: AtomicU64,
    seen: Mutex<VecDeque<Difference>>,
}

/// What a shadow would have said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The job.
    pub job: String,
    /// The stage.
    pub stage: String,
    /// What was answered.
    pub before: Value,
    /// What the shadow would have answered.
    pub after: Value,
}

/// Differences kept for an operator to look at.
const SEEN: usize = 5;

impl Trial {
    /// A trial that begins now.
    pub fn new(key: &str, versions: Versions, mode: Mode, rule: TrialRule) -> Self {
        let Versions { old, new, signed } = versions;
        Self {
            key: key.to_owned(),
            old,
            new,
            signed,
            mode,
            since: Millis::now(),
            began: Instant::now(),
            rule,
            jobs: AtomicU64::default(),
            strikes: AtomicU64::default(),
            shown: AtomicU64::default(),
            differences: AtomicU64::default(),
            faults: AtomicU64::default(),
            seen: Mutex::default(),
        }
    }

    /// Whether it is about this version of this plugin.
    pub fn is_of(&self, key: &str, plugin: &Plugin) -> bool {
        self.key == key && self.new.digest == plugin.digest
    }

    /// Whether this person is among those who get the new version. By hash: the same person always gives the same answer, and each version has other
    /// people try it.
    pub fn takes(&self, asker: &Asker) -> bool {
        match self.mode {
            Mode::Shadow => false,
            Mode::Whole => true,
            Mode::Canary(share) => bucket(asker, &self.new.digest) < share,
        }
    }

    /// The trial of a version that serves everyone, taken up again after a restart.
    pub fn resumed(key: &str, versions: Versions, rule: TrialRule, since: Millis) -> Self {
        let age = Millis::now().since(since);
        let began = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        Self { since, began, ..Self::new(key, versions, Mode::Whole, rule) }
    }

    /// A job in which it had part ended well, or would have ended the same without it.
    pub fn passed(&self) {
        self.jobs.fetch_add(1, Relaxed);
    }

    /// A job failed on it and not on the version before.
    pub fn strike(&self) {
        self.jobs.fetch_add(1, Relaxed);
        self.strikes.fetch_add(1, Relaxed);
    }

    /// As a shadow it was shown a call.
    pub fn shown(&self, outcome: Shadowed) {
        self.shown.fetch_add(1, Relaxed);
        match outcome {
            Shadowed::Same => {}
            Shadowed::Differs => {
                self.differences.fetch_add(1, Relaxed);
            }
            Shadowed::Fails => {
                self.faults.fetch_add(1, Relaxed);
            }
        }
    }

    /// The last things it would have said otherwise, oldest first.
    pub fn seen(&self) -> Vec<Difference> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Keeps a difference for an operator to look at.
    pub fn keep(&self, difference: Difference) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_back(difference);
        if seen.len() > SEEN {
            seen.pop_front();
        }
    }

    /// What became of it so far.
    pub fn counts(&self) -> Counts {
        Counts {
            jobs: self.jobs.load(Relaxed),
            strikes: self.strikes.load(Relaxed),
            shown: self.shown.load(Relaxed),
            differences: self.differences.load(Relaxed),
            faults: self.faults.load(Relaxed),
        }
    }

    /// What the rule says now, with what it has come to elsewhere.
    pub fn verdict(&self, elsewhere: Counts) -> Verdict {
        judge(&self.rule, self.mode, self.counts() + elsewhere, self.began.elapsed())
    }
}

/// How a shadow answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shadowed {
    /// As the version in force did.
    Same,
    /// Otherwise.
    Differs,
    /// Not at all.
    Fails,
}

#[expect(clippy::cast_precision_loss, reason = "counts of jobs in some minutes")]
fn judge(rule: &TrialRule, mode: Mode, counts: Counts, age: Duration) -> Verdict {
    let share = counts.strikes as f64 * 100.0 / counts.jobs.max(1) as f64;
    if counts.strikes >= u64::from(rule.strikes) && share >= rule.share {
        return Verdict::RollBack(format!(
            "{} of {} jobs failed on it and not on the version before ({} are enough)",
            counts.strikes, counts.jobs, rule.strikes
        ));
    }
    let many = counts.jobs >= u64::from(rule.jobs);
    match mode {
        Mode::Canary(_) if many && age >= rule.least => Verdict::Promote,
        // A quiet hour proves nothing: it stays on trial until it has served someone, and while a strike may be the first of many.
        Mode::Whole if age >= rule.window && counts.jobs > 0 && (counts.strikes == 0 || many) => Verdict::Settle,
        // A shadow serves nobody: only an operator can tell whether its differences are wanted.
        Mode::Shadow | Mode::Canary(_) | Mode::Whole => Verdict::Wait,
    }
}

/// 0 to 99.
fn bucket(asker: &Asker, salt: &str) -> u8 {
    let digest = Sha256::new_with_prefix(salt).chain_update([0]).chain_update(asker.key()).finalize();
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    u8::try_from(number % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Phone;

    const RULE: TrialRule =
        TrialRule { window: Duration::from_mins(10), least: Duration::from_mins(1), jobs: 20, strikes: 3, share: 1.0 };

    fn counts(jobs: u64, strikes: u64) -> Counts {
        Counts { jobs, strikes, ..Counts::default() }
    }

    fn judged(mode: Mode, jobs: u64, strikes: u64, secs: u64) -> Verdict {
        judge(&RULE, mode, counts(jobs, strikes), Duration::from_secs(secs))
    }

    #[test]
    fn three_strikes_roll_a_version_back() {
        assert_eq!(judged(Mode::Canary(10), 5, 2, 0), Verdict::Wait);
        assert!(matches!(judged(Mode::Canary(10), 5, 3, 0), Verdict::RollBack(_)));
        assert!(matches!(judged(Mode::Whole, 5, 3, 0), Verdict::RollBack(_)));
    }

    #[test]
    fn strikes_that_are_rare_enough_are_borne() {
        assert_eq!(judged(Mode::Whole, 10_000, 3, 0), Verdict::Wait);
    }

    #[test]
    fn a_canary_is_promoted_after_enough_jobs_and_time() {
        assert_eq!(judged(Mode::Canary(10), 20, 0, 59), Verdict::Wait);
        assert_eq!(judged(Mode::Canary(10), 19, 0, 3_600), Verdict::Wait);
        assert_eq!(judged(Mode::Canary(10), 20, 2, 60), Verdict::Promote);
        assert_eq!(judged(Mode::Shadow, 0, 0, 3_600), Verdict::Wait);
    }

    #[test]
    fn a_version_settles_once_it_has_served_and_nothing_is_held_against_it() {
        assert_eq!(judged(Mode::Whole, 1, 0, 599), Verdict::Wait);
        assert_eq!(judged(Mode::Whole, 1, 0, 600), Verdict::Settle);
        assert_eq!(judged(Mode::Whole, 0, 0, 3_600), Verdict::Wait);
        assert_eq!(judged(Mode::Whole, 2, 2, 3_600), Verdict::Wait);
        assert_eq!(judged(Mode::Whole, 500, 2, 600), Verdict::Settle);
    }

    #[test]
    fn a_person_is_always_in_the_same_bucket_and_buckets_are_even() {
        let people: Vec<Asker> =
            (0..2_000).map(|n| Asker::Phone(format!("+1555010{n:04}").parse::<Phone>().unwrap())).collect();
        let in_share = people.iter().filter(|asker| bucket(asker, "digest") < 10).count();
        assert!((140..=260).contains(&in_share), "{in_share} of 2,000");
        assert!(people.iter().all(|asker| bucket(asker, "digest") == bucket(asker, "digest")));
        assert!(people.iter().any(|asker| bucket(asker, "digest") != bucket(asker, "another")));
    }
}
