//! What a stage lets its plugin do beyond computing and logging; and what a component asks for, in words for who installs it.
//!
//! Everything granted is WASI's, so only components made for WASI can use it. What is not granted is still there, with nothing behind it: a clock that
//! stands at the job's `now`, chance that comes from its `seed`, an empty environment. Files and network are never granted.

use std::{fmt, sync::Arc};

use super::{About, plain};
use crate::config::{Grant, Stage, UnknownGrant};

/// What one call is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The true time.
    pub clock: bool,
    /// True chance.
    pub chance: bool,
    /// These variables of the engine's environment.
    pub env: Arc<[String]>,
}

impl Grants {
    /// What a stage grants.
    pub fn of(stage: &Stage) -> Self {
        stage.grant.iter().cloned().collect()
    }

    /// As they are written in pipeline.toml.
    pub fn parse(words: &[String]) -> Result<Self, UnknownGrant> {
        words.iter().map(|word| word.parse()).collect()
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(all: I) -> Self {
        let (mut grants, mut env) = (Self::default(), Vec::new());
        for grant in all {
            match grant {
                Grant::Clock => grants.clock = true,
                Grant::Chance => grants.chance = true,
                Grant::Env(name) => env.push(name),
            }
        }
        if !env.is_empty() {
            grants.env = env.into();
        }
        grants
    }
}

/// Something a component asks for, by its imports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// To log.
    Log,
    /// The time.
    Clock,
    /// Randomness.
    Chance,
    /// Variables.
    Environment,
    /// The streams every program has.
    Streams,
    /// Files.
    Files,
    /// The network.
    Network,
    /// What this engine has not.
    Other(String),
}

impl Want {
    /// The word that grants it, where something does.
    pub fn grant(&self) -> Option<&'static str> {
        match self {
            Self::Clock => Some("clock"),
            Self::Chance => Some("chance"),
            Self::Environment => Some("env:NAME"),
            _ => None,
        }
    }

    fn of(import: &str) -> Option<Self> {
        let interface = import.split('@').next().unwrap_or_default();
        Some(match interface {
            "wtaf:stage/log" => Self::Log,
            "wasi:cli/environment" => Self::Environment,
            // Resources that the others are made of, and the way to end.
            "wasi:cli/exit" | "wasi:io/error" | "wasi:io/poll" | "wasi:io/streams" => return None,
            _ => match interface.split('/').next().unwrap_or_default() {
                "wasi:cli" => Self::Streams,
                "wasi:clocks" => Self::Clock,
                "wasi:random" => Self::Chance,
                "wasi:filesystem" => Self::Files,
                "wasi:sockets" => Self::Network,
                _ => Self::Other(plain::line(import, 120).into_owned()),
            },
        })
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "writes to the log",
            Self::Clock => "reads the clock (the job's own, unless granted)",
            Self::Chance => "draws chance (from the job's seed, unless granted)",
            Self::Environment => "reads the environment (empty, unless granted)",
            Self::Streams => "prints (its stderr is logged)",
            Self::Files => "opens files (never granted)",
            Self::Network => "uses the network (never granted)",
            Self::Other(import) => return write!(f, "calls {import} (refused)"),
        })
    }
}

/// What a component asks for, each thing once.
pub fn wants(about: &About) -> Vec<Want> {
    let mut wants: Vec<_> = about.imports.iter().filter_map(|import| Want::of(import)).collect();
    wants.sort_unstable();
    wants.dedup();
    wants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;

    #[test]
    fn what_a_component_imports_is_told_once_and_in_words() {
        let imports = [
            "wasi:clocks/wall-clock@0.2.6",
            "wtaf:stage/log@0.1.0",
            "wasi:clocks/monotonic-clock@0.2.6",
            "wasi:io/streams@0.2.6",
            "wasi:filesystem/types@0.2.6",
            "wasi:cli/environment@0.2.6",
            "wasi:cli/stderr@0.2.6",
            "evil:thing/shell",
        ];
        let about =
            About { role: Role::Slug, imports: imports.map(str::to_owned).to_vec(), version: String::new(), size: 0 };

        let wants = wants(&about);

        let other = Want::Other("evil:thing/shell".into());
        assert_eq!(wants, [Want::Log, Want::Clock, Want::Environment, Want::Streams, Want::Files, other]);
        assert_eq!(wants[4].to_string(), "opens files (never granted)");
    }

    #[test]
    fn grants_are_read_as_they_are_written() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let grants = Grants::parse(&words(&["clock", "env:TZ", "env:LANG"])).unwrap();
        assert!(grants.clock && !grants.chance && grants.env.len() == 2);
        assert_eq!(Grants::parse(&words(&["clokc"])).unwrap_err().near.as_deref(), Some("clock"));
        assert_eq!(Grants::parse(&[]).unwrap(), Grants::default());
    }
}
