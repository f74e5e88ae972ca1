//! Names for pages.
//!
//! By default the title's own words come first (`pizza-dough-timer`), then a title word beside a colour and an animal, then the service's
//! colour-animal-action, drawn from the call's seed. With `style = "words"` only the last kind, with the title's own animal or colour where
//! it names one. Never rude, never a route's name, none of `taken`; the host reserves the first that is free.

mod latin;
mod propose;
mod rude;
mod title;
mod words;

use serde::Deserialize;
use wtaf_plugin_sdk::{Context, Order, StageError, slug::Slug};

/// How names are ranked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// The title's words first.
    #[default]
    Title,
    /// Colour-animal-action only.
    Words,
}

/// The stage's `config` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How names are ranked.
    pub style: Style,
    /// Names never proposed, besides those of the host's own routes.
    pub reserved: Vec<String>,
    /// How many candidates, 12 to 100.
    pub count: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { style: Style::default(), reserved: Vec::new(), count: 16 }
    }
}

/// The namer that comes with the engine.
pub struct Namer;

impl Slug for Namer {
    fn propose(
        ctx: Context,
        order: Order,
        title: Option<String>,
        taken: Vec<String>,
    ) -> Result<Vec<String>, StageError> {
        let config: Config = ctx.config()?;
        Ok(propose::candidates(&propose::Wanted {
            title: title.as_deref().unwrap_or_default(),
            idea: &order.text,
            kind: &order.kind,
            style: config.style,
            count: config.count.clamp(12, 100),
            reserved: &config.reserved,
            taken: &taken,
            seed: ctx.seed,
        }))
    }
}

wtaf_plugin_sdk::export_slug!(Namer);
