//! The stage's `config`: which call this stage writes, and what the operator changes in it.

use std::{
    collections::BTreeMap,
    fmt::{self, Formatter},
};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use wtaf_plugin_sdk::{Context, StageError, log};

use crate::templates::Templates;

/// Which call the stage writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Make {
    /// The call that makes the page.
    #[default]
    Page,
    /// The call before it, that writes the brief.
    Brief,
}

/// Texts, given as one or as a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(Vec<String>);

impl Lines {
    /// The texts that are not blank.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|line| line.trim()).filter(|line| !line.is_empty())
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Lines;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: serde::de::Error>(self, line: &str) -> Result<Lines, E> {
        Ok(Lines(vec![line.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Lines, A::Error> {
        let mut lines = vec![];
        while let Some(line) = items.next_element()? {
            lines.push(line);
        }
        Ok(Lines(lines))
    }
}

/// A reply is short; this only ends one that has gone astray, with room for a model that thinks first.
fn chat_tokens() -> u32 {
    1_000
}

/// This engine keeps what visitors enter.
fn kept() -> bool {
    true
}

#[derive(Debug, Deserialize)]
struct Table {
    #[serde(default)]
    make: Make,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default = "chat_tokens")]
    chat_max_tokens: u32,
    #[serde(default)]
    extra_rules: Lines,
    #[serde(default = "kept")]
    records: bool,
    #[serde(default)]
    templates: BTreeMap<String, String>,
}

/// The checked config.
#[derive(Debug)]
pub struct Config {
    /// Which call the stage writes.
    pub make: Make,
    /// 0 to 2.
    pub temperature: Option<f32>,
    /// The most a page or a brief may have; unset leaves it to the provider entry.
    pub max_tokens: Option<u32>,
    /// The most a coach's reply may have.
    pub chat_max_tokens: u32,
    /// The operator's own rules, one line each.
    pub extra_rules: Lines,
    /// Whether pages are served by a host that keeps what visitors enter; not so where they are only files somewhere else.
    pub records: bool,
    /// All texts.
    pub templates: Templates,
}

impl Config {
    /// Reads and checks the stage's `config`.
    ///
    /// # Errors
    /// `internal`, naming what does not fit.
    pub fn read(ctx: &Context) -> Result<Self, StageError> {
        let (table, unknown) = ctx.config_and_unknown::<Table>()?;
        for key in unknown {
            log::warn(&format!(
                "config of this stage: unknown key `{key}` (known: make, temperature, max_tokens, chat_max_tokens, extra_rules, records, templates)"
            ));
        }
        if table.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(StageError::Internal("config of this stage: `temperature` is from 0 to 2".into()));
        }
        Ok(Self {
            make: table.make,
            temperature: table.temperature,
            max_tokens: table.max_tokens,
            chat_max_tokens: table.chat_max_tokens,
            extra_rules: table.extra_rules,
            records: table.records,
            templates: Templates::new(table.templates)?,
        })
    }
}
