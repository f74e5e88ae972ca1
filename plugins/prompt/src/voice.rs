//! A coach's voice as text for a call. The cast is the operator's, or the one the coach plugin has built in.

use std::fmt::Write as _;

use serde::Deserialize;
use wtaf_plugin_sdk::{
    Context, Named, StageError,
    json::{self, table},
    json_items, log,
};

use crate::config::Lines;

/// The one built-in cast, shared with the coach plugin so that the two can never differ: of each coach the text that tells of it. Only one of them is read in a call.
const BUILT_IN: &[&str] = json_items!(include_str!("../../coach/cast.json"));

/// What orders call them.
const IDS: [&str; BUILT_IN.len()] = {
    let mut ids = [""; BUILT_IN.len()];
    let mut at = 0;
    while at < ids.len() {
        ids[at] = table::text(BUILT_IN[at], "id");
        at += 1;
    }
    ids
};

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
    let found = found(ctx, id).map_err(|error| StageError::BadInput(format!("coaches: {error}")))?;
    if found.is_none() {
        log::warn(&format!("no coach `{id}`: the call goes out without a voice"));
    }
    Ok(found.map(|coach| coach.described()))
}

fn found(ctx: &Context, id: &str) -> Result<Option<Coach>, json::Error> {
    if let Some(offered) = ctx.extra.named("coaches").filter(|text| !text.trim().is_empty()) {
        let offered: Vec<Coach> = json::read(offered)?;
        if !offered.is_empty() {
            return Ok(offered.into_iter().find(|coach| coach.id == id));
        }
    }
    IDS.iter().position(|known| *known == id).map(|at| json::read(BUILT_IN[at])).transpose()
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
