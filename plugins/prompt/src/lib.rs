//! The built-in prompt writer: turns an order into the AI call that makes the page, writes its brief, or talks.
//!
//! The texts are files (`templates/`), each replaceable by the stage's config; `compose` puts them in order, `voice` adds
//! the coach. It promises that the person's words come last and unchanged, and that all text before them is the same for
//! the same kind and coach. It never sees an answer.

mod compose;
mod config;
mod templates;
mod voice;

use wtaf_plugin_sdk::{
    Context, Extra, Order, Person, StageError, Turn,
    prompt::{AiCall, Prompt},
};

/// The plugin.
pub struct BuiltIn;

impl Prompt for BuiltIn {
    fn compose(
        ctx: Context,
        order: Order,
        _person: Person,
        thread: Vec<Turn>,
        material: Extra,
    ) -> Result<AiCall, StageError> {
        compose::compose(&ctx, &order, &thread, &material)
    }
}

wtaf_plugin_sdk::export_prompt!(BuiltIn);
