//! What the bucket says and this node cannot run: shown for as long as it is so, told once, and tried again, ever less often, where the disk or the bucket is
//! what stands in the way.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The first wait before it is tried again, and the longest.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(30);

/// What cannot run here, by plugin.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<String, Refusal>);

#[derive(Debug)]
struct Refusal {
    /// Its number in the bucket.
    revision: u64,
    why: String,
    again: Option<Again>,
}

/// When it is tried again.
#[derive(Debug)]
struct Again {
    at: Instant,
    wait: Duration,
}

impl Refusals {
    /// Takes note of one; `passes`: it says nothing of the version, so it is tried again. Gives whether it was not known yet.
    pub fn note(&mut self, plugin: &str, revision: u64, why: &str, passes: bool) -> bool {
        let before = self.0.remove(plugin).filter(|before| before.revision == revision);
        let new = before.as_ref().is_none_or(|before| before.why != why);
        let waited = before.and_then(|before| before.again).map(|again| again.wait);
        let wait = waited.map_or(FIRST, |waited| (waited * 2).min(LONGEST));
        let again = passes.then(|| Again { at: Instant::now() + wait, wait });
        self.0.insert(plugin.to_owned(), Refusal { revision, why: why.to_owned(), again });
        new
    }

    /// Whether what the bucket says under this number was refused, and is not to be tried now.
    pub fn hold(&self, plugin: &str, revision: u64) -> bool {
        self.0.get(plugin).is_some_and(|refusal| {
            refusal.revision == revision && refusal.again.as_ref().is_none_or(|again| Instant::now() < again.at)
        })
    }

    /// Whether it is being tried again after it was refused in these words.
    pub fn knew(&self, plugin: &str, why: &str) -> bool {
        self.0.get(plugin).is_some_and(|refusal| refusal.again.is_some() && refusal.why == why)
    }

    /// Why it cannot run.
    pub fn why(&self, plugin: &str) -> Option<&str> {
        self.0.get(plugin).map(|refusal| refusal.why.as_str())
    }

    /// Each with why.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(plugin, refusal)| (plugin.as_str(), refusal.why.as_str()))
    }

    /// It runs.
    pub fn remove(&mut self, plugin: &str) {
        self.0.remove(plugin);
    }

    /// Something changed that they may have been about.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(refusals: &Refusals) -> Duration {
        refusals.0["slug"].again.as_ref().unwrap().wait
    }

    #[test]
    fn a_version_that_is_no_good_is_not_tried_again_until_the_bucket_says_something_else() {
        let mut refusals = Refusals::default();
        assert!(refusals.note("slug", 7, "failed its rehearsal", false));

        assert!(refusals.hold("slug", 7) && !refusals.hold("slug", 8) && !refusals.hold("coach", 7));
        assert!(!refusals.knew("slug", "failed its rehearsal"), "installed again, it is told again");
        assert!(refusals.note("slug", 8, "failed its rehearsal", false));
    }

    #[test]
    fn a_full_disk_is_told_once_and_tried_again_ever_less_often() {
        let mut refusals = Refusals::default();
        let told: Vec<_> = (0..5).map(|_| refusals.note("slug", 7, "the disk is full", true)).collect();

        assert_eq!(told, [true, false, false, false, false]);
        assert!(refusals.hold("slug", 7) && refusals.knew("slug", "the disk is full"));
        assert_eq!(wait(&refusals), LONGEST);
        refusals.0.get_mut("slug").unwrap().again.as_mut().unwrap().at = Instant::now();
        assert!(!refusals.hold("slug", 7), "its time has come");
        assert!(refusals.note("slug", 8, "the disk is full", true), "another installation");
        assert_eq!(wait(&refusals), FIRST);
    }
}
