//! A coach's voice as text for a call. The cast is the operator's, or the one the coach plugin has built in.

use std::fmt::Write as _;

use serde::Deserialize;
use wtaf_plugin_sdk::{Context, Named, StageError, json, log};

use crate::config::Lines;

/// The one built-in cast, shared with the coach plugin so that the two can never differ.
const BUILT_IN: &str = include_str!("../../coach/cast.json");

/// As much of a coach as a voice needs.
#[derive(Debug, Deserialize)]
struct Coach {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    voice: String,
    #[serde(default)]
    lines: Lines,
    #[serde(default)]
    quirks: Lines,
}

/// What to say of the coach of this id, or none where there is no such coach.
///
/// # Errors
/// `bad-input` where the host's list of coaches is no such list.
pub fn of(ctx: &Context, id: &str) -> Result<Option<String>, StageError> {
    let found = cast(ctx)?.into_iter().find(|coach| coach.id == id);
    if found.is_none() {
        log::warn(&format!("no coach `{id}`: the call goes out without a voice"));
    }
    Ok(found.map(|coach| coach.described()))
}

fn cast(ctx: &Context) -> Result<Vec<Coach>, StageError> {
    let bad = |error| StageError::BadInput(format!("coaches: {error}"));
    let offered = ctx.extra.named("coaches").filter(|text| !text.trim().is_empty()).unwrap_or("[]");
    let offered: Vec<Coach> = json::read(offered).map_err(bad)?;
    if offered.is_empty() { json::read(BUILT_IN).map_err(bad) } else { Ok(offered) }
}

impl Coach {
    fn described(&self) -> String {
        let name = if self.name.is_empty() { &self.id } else { &self.name };
        let mut out = format!("Name: {name}");
        if !self.about.is_empty() {
            let _ = write!(out, ", {}", self.about);
        }
        if !self.voice.is_empty() {
            let _ = write!(out, "\nVoice: {}", self.voice);
        }
        listed(&mut out, "Habits:", self.quirks.iter());
        listed(&mut out, "Lines that sound like this coach (for the tone; never copied):", self.lines.iter());
        out
    }
}

fn listed<'l>(out: &mut String, title: &str, lines: impl Iterator<Item = &'l str>) {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            let _ = write!(out, "\n{title}");
        }
        let _ = write!(out, "\n- {line}");
    }
}
