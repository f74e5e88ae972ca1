//! What is in force for every node: one value a plugin, changed whole and only over the value it was made of.
//!
//! What comes out of a bucket was written by anyone who may write there: it is read here, once, into names, digests and words that can do no harm where they
//! are shown or looked up.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::job::Millis;

/// Versions one can go back to.
const BEFORE: usize = 3;

/// Versions remembered as set aside.
const SET_ASIDE: usize = 32;

/// A value is a few hundred bytes a version.
const LARGEST: usize = 64 << 10;

/// Letters of someone's words that are kept.
const WORDS: usize = 500;

/// A version that was put somewhere, once. The same bytes installed again are another installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Which installation.
    pub id: Ulid,
    /// SHA-256 of the component.
    pub digest: String,
    /// What it calls itself.
    pub version: String,
    /// When it was installed.
    pub since: Millis,
    /// By whom: a node's name, or a person's at a machine.
    pub by: String,
    /// Each node runs the version that is built into it; the digest is that of whoever said so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub built_in: bool,
}

impl Placed {
    /// An installation of this moment.
    pub fn now(digest: &str, version: &str, by: &str) -> Self {
        Self {
            id: Ulid::new(),
            digest: digest.to_owned(),
            version: plain(version, 64),
            since: Millis::now(),
            by: plain(by, 120),
            built_in: false,
        }
    }

    /// The same of what is built into each engine.
    pub fn built_in_now(digest: &str, version: &str, by: &str) -> Self {
        Self { built_in: true, ..Self::now(digest, version, by) }
    }
}

/// How a version is tried before it serves everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It sees calls and serves nobody.
    Shadow,
    /// It serves so many people in a hundred.
    Canary(u8),
}

/// A version on trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The version.
    pub placed: Placed,
    /// How.
    pub how: How,
}

/// A version that went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// SHA-256 of the component.
    pub digest: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Millis,
    /// Who said so.
    pub by: String,
}

/// What is in force of a plugin, for every node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    format: Format,
    /// For everyone whom no canary takes.
    pub in_force: Placed,
    /// Those before it, newest first.
    #[serde(default)]
    pub before: Vec<Placed>,
    /// On trial beside it.
    #[serde(default)]
    pub trial: Option<Tried>,
    /// Those that went, newest last.
    #[serde(default)]
    pub set_aside: Vec<Gone>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "wtaf-standing-1")]
    V1,
}

impl Standing {
    /// Of a plugin that nobody has installed yet: what was there without a bucket.
    pub fn begin(in_force: Placed) -> Self {
        Self { format: Format::V1, in_force, before: Vec::new(), trial: None, set_aside: Vec::new() }
    }

    /// Reads one; `None` where it is none, or holds what no node of ours writes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LARGEST {
            return None;
        }
        let mut read: Self = serde_json::from_slice(bytes).ok()?;
        let fits = read.every().all(|placed| is_digest(&placed.digest))
            && read.set_aside.iter().all(|gone| is_digest(&gone.digest))
            && read.before.len() <= BEFORE
            && read.set_aside.len() <= SET_ASIDE
            && !matches!(read.trial, Some(Tried { how: How::Canary(share), .. }) if !(1..100).contains(&share));
        let every = std::iter::once(&mut read.in_force).chain(&mut read.before);
        for placed in every.chain(read.trial.iter_mut().map(|tried| &mut tried.placed)) {
            placed.version = plain(&placed.version, 64);
            placed.by = plain(&placed.by, 120);
        }
        for gone in &mut read.set_aside {
            gone.why = plain(&gone.why, WORDS);
            gone.by = plain(&gone.by, 120);
        }
        fits.then_some(read)
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        // It holds nothing that JSON cannot.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Every version a node may want.
    pub fn every(&self) -> impl Iterator<Item = &Placed> {
        let tried = self.trial.iter().map(|tried| &tried.placed);
        std::iter::once(&self.in_force).chain(&self.before).chain(tried)
    }

    /// The version that is tried, and the one that serves.
    pub fn running(&self) -> impl Iterator<Item = &Placed> {
        self.trial.iter().map(|tried| &tried.placed).chain([&self.in_force])
    }

    /// The version that is tried, else the one that serves: what an operator means who goes back.
    pub fn newest(&self) -> &Placed {
        self.trial.as_ref().map_or(&self.in_force, |tried| &tried.placed)
    }

    /// Why a version went.
    pub fn gone(&self, digest: &str) -> Option<&Gone> {
        self.set_aside.iter().rev().find(|gone| gone.digest == digest)
    }

    /// With another version, tried as `how` says, else in force at once. What was set aside is forgiven.
    #[must_use]
    pub fn with(&self, placed: Placed, how: Option<How>) -> Self {
        let mut next = self.clone();
        next.set_aside.retain(|gone| gone.digest != placed.digest);
        next.trial = None;
        match how {
            Some(how) => next.trial = Some(Tried { placed, how }),
            None => next.put_in_force(placed),
        }
        next
    }

    /// With the version on trial in force for everyone; `None` where it is not on trial.
    #[must_use]
    pub fn promoted(&self, id: Ulid) -> Option<Self> {
        let tried = self.trial.as_ref().filter(|tried| tried.placed.id == id)?;
        let mut next = self.clone();
        next.trial = None;
        next.put_in_force(tried.placed.clone());
        Some(next)
    }

    /// Without a version that is on trial or in force: then the one to go back to is in force, which is the one before where `to` is none of those. `None`
    /// where it is neither, or nothing is before it.
    #[must_use]
    pub fn without(&self, id: Ulid, to: Option<&str>, why: &str, by: &str) -> Option<Self> {
        let mut next = self.clone();
        let digest = if let Some(tried) = next.trial.take_if(|tried| tried.placed.id == id) {
            tried.placed.digest
        } else if next.in_force.id == id {
            let at = to.and_then(|to| next.before.iter().position(|placed| placed.digest == to)).unwrap_or(0);
            next.before.drain(..at.min(next.before.len()));
            let back = if next.before.is_empty() { return None } else { next.before.remove(0) };
            std::mem::replace(&mut next.in_force, back).digest
        } else {
            return None;
        };
        next.before.retain(|placed| placed.digest != digest);
        next.set_aside.retain(|gone| gone.digest != digest);
        next.set_aside.push(Gone { digest, why: plain(why, WORDS), at: Millis::now(), by: plain(by, 120) });
        let surplus = next.set_aside.len().saturating_sub(SET_ASIDE);
        next.set_aside.drain(..surplus);
        Some(next)
    }

    fn put_in_force(&mut self, placed: Placed) {
        let before = std::mem::replace(&mut self.in_force, placed);
        self.before.retain(|known| known.digest != before.digest && known.digest != self.in_force.digest);
        if before.digest != self.in_force.digest {
            self.before.insert(0, before);
        }
        self.before.truncate(BEFORE);
    }
}

/// Whether it is a SHA-256 as we write it: it may be an object's name, and a file's.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether it may be a plugin's name: the rule pipeline.toml has for names.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Someone else's words on one line of ours: nothing in them speaks to a terminal.
pub fn plain(text: &str, most: usize) -> String {
    let unseen = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().take(most).map(|sign| if unseen(sign) { '\u{fffd}' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(digit: char) -> Placed {
        Placed::now(&String::from(digit).repeat(64), "1.0.0", "ann")
    }

    #[test]
    fn three_versions_can_be_gone_back_to_and_each_only_once() {
        let mut standing = Standing::begin(placed('0'));
        for digit in ['1', '2', '3', '4', '2'] {
            standing = standing.with(placed(digit), None);
        }

        let before: Vec<_> = standing.before.iter().map(|placed| &placed.digest[..1]).collect();
        assert_eq!((&standing.in_force.digest[..1], before), ("2", vec!["4", "3", "1"]));
    }

    #[test]
    fn a_verdict_counts_only_for_the_installation_it_was_found_on() {
        let (first, again) = (placed('1'), placed('1'));
        let standing = Standing::begin(placed('0')).with(first.clone(), Some(How::Canary(10)));
        let gone = standing.without(first.id, None, "3 of 4 jobs failed", "node").unwrap();
        assert_eq!((gone.trial.as_ref(), &gone.gone(&first.digest).unwrap().why[..]), (None, "3 of 4 jobs failed"));

        let asked_again = gone.with(again.clone(), Some(How::Canary(10)));

        assert!(asked_again.gone(&first.digest).is_none(), "it is forgiven");
        assert_eq!(asked_again.without(first.id, None, "late", "node"), None);
        assert_eq!(asked_again.promoted(first.id), None);
        assert_eq!(asked_again.promoted(again.id).unwrap().in_force, again);
    }

    #[test]
    fn one_goes_back_past_a_version_that_proved_nothing() {
        let all: Vec<_> = ['0', '1', '2'].into_iter().map(placed).collect();
        let standing = Standing::begin(all[0].clone()).with(all[1].clone(), None).with(all[2].clone(), None);

        let one = standing.without(all[2].id, None, "why", "ann").unwrap();
        let two = standing.without(all[2].id, Some(&all[0].digest), "why", "ann").unwrap();

        assert_eq!((&one.in_force, &one.before[..]), (&all[1], &all[..1]));
        assert_eq!((&two.in_force, &two.before[..]), (&all[0], &[][..]));
        assert_eq!(two.without(all[0].id, None, "why", "ann"), None, "nothing is before it");
    }

    #[test]
    fn what_comes_back_is_what_was_kept() {
        let standing = Standing::begin(placed('0')).with(placed('1'), Some(How::Shadow));
        assert_eq!(Standing::read(&standing.to_bytes()), Some(standing));
    }

    #[test]
    fn what_was_handed_back_to_the_engines_can_be_gone_back_from() {
        let installed = Standing::begin(placed('0')).with(placed('1'), None);
        let own = Placed::built_in_now(&"0".repeat(64), "1.0.0", "ann");

        let handed = installed.with(own.clone(), None);
        let back = Standing::read(&handed.to_bytes()).unwrap().without(own.id, None, "why", "ann").unwrap();

        assert!(handed.in_force.built_in && handed.before[0].digest.starts_with('1'));
        assert!(!back.in_force.built_in && back.in_force.digest.starts_with('1'));
    }

    #[test]
    fn what_no_node_writes_is_no_standing() {
        let standing = Standing::begin(placed('0'));
        let text = String::from_utf8(standing.to_bytes()).unwrap();
        let spoiled = [
            String::new(),
            "{}".into(),
            text.replace("wtaf-standing-1", "wtaf-standing-2"),
            text.replace(&"0".repeat(64), "../../../../etc/passwd"),
            text.replace(&"0".repeat(64), &"A".repeat(64)),
            text.replace(
                "\"trial\":null",
                &format!(
                    "\"trial\":{{\"placed\":{},\"how\":{{\"canary\":100}}}}",
                    serde_json::to_string(&placed('1')).unwrap()
                ),
            ),
            format!("{text}{}", " ".repeat(LARGEST)),
        ];
        for bad in spoiled {
            assert_eq!(Standing::read(bad.as_bytes()), None, "{bad:.100}");
        }
        let loud = text.replace("1.0.0", "\\u001b[2J1.0.0");
        assert_eq!(Standing::read(loud.as_bytes()).unwrap().in_force.version, "\u{fffd}[2J1.0.0");
    }

    #[test]
    fn a_name_can_never_become_a_path() {
        for bad in ["", ".", "..", "a/b", "a.b", "a b", ">", "*", "é", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_name("my-names_2"));
    }
}
