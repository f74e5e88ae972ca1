//! What a stage may grant its plugin beyond `log`: a word each.

use std::{fmt, str::FromStr};

use super::walk::nearest;

/// One of `grant = […]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// WASI's clocks tell the true time, not the job's.
    Clock,
    /// WASI's randomness is true, not drawn from the job's seed.
    Chance,
    /// WASI's environment holds this variable of the engine's own.
    Env(String),
}

/// A word that grants nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", match .near { Some(near) => format!("grants nothing: did you mean \"{near}\"?"), None => "grants nothing".to_owned() })]
pub struct UnknownGrant {
    /// The word.
    pub word: String,
    /// The one it is close to.
    pub near: Option<String>,
}

impl FromStr for Grant {
    type Err = UnknownGrant;

    fn from_str(word: &str) -> Result<Self, UnknownGrant> {
        match word.split_once(':') {
            None if word == "clock" => return Ok(Self::Clock),
            None if word == "chance" => return Ok(Self::Chance),
            Some(("env", name)) if is_variable(name) => return Ok(Self::Env(name.to_owned())),
            _ => {}
        }
        let (kind, name) = word.split_once(':').unwrap_or((word, ""));
        let name = if is_variable(name) { name } else { "NAME" };
        let near = match nearest(
            kind,
            ["clock", "chance", "env", "environment", "time", "random", "randomness"].into_iter(),
        ) {
            Some("time") => Some("clock".to_owned()),
            Some("random" | "randomness") => Some("chance".to_owned()),
            Some("env" | "environment") => Some(format!("env:{name}")),
            near => near.map(str::to_owned),
        };
        Err(UnknownGrant { word: word.to_owned(), near })
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock => f.write_str("clock"),
            Self::Chance => f.write_str("chance"),
            Self::Env(name) => write!(f, "env:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_one_of_three_words() {
        for word in ["clock", "chance", "env:TZ", "env:MY_KEY_2"] {
            assert_eq!(word.parse::<Grant>().unwrap().to_string(), word);
        }
        let near = |word: &str| word.parse::<Grant>().unwrap_err().near;
        assert_eq!(near("clok").as_deref(), Some("clock"));
        assert_eq!(near("time").as_deref(), Some("clock"));
        assert_eq!(near("randon").as_deref(), Some("chance"));
        assert_eq!(near("env").as_deref(), Some("env:NAME"));
        assert_eq!(near("evn:TZ").as_deref(), Some("env:TZ"));
        assert_eq!(near("env:a b").as_deref(), Some("env:NAME"));
        assert_eq!(near("network"), None);
    }
}
