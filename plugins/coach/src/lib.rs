//! The built-in coach: understands what people text or type, and words everything they read.
//!
//! A text goes through `grammar` (its shape), `commands` (a row a command, allowed by `roles`), and where it is no command
//! through `decide` (talk or idea); ideas get their kind from `kinds`. What is told of it comes from `say`. All of it is
//! pure: what happens is done by the host, from the actions and the order in a decision.
//!
//! `Report` after an action asks `say` for the occasion of what was done: `join` → `welcome`, `return` → `welcome-back`,
//! `confirm` → `confirmed`, `rename` → `renamed` or `name-taken`, `set-home` → `home-set`, `forget` → `forgotten`, `undo` →
//! `undone`, `hide` → `hidden`, `unhide` → `unhidden`, `fave` → `faved`; any of them may come to `no-such-page` or, where
//! nothing changed, `already`. Where a new person's command has an action of its own, the last action is the one to tell.

mod cast;
mod commands;
mod decide;
mod grammar;
mod gsm;
mod kinds;
mod roles;
mod say;
mod scene;
mod slugs;
mod typos;

use wtaf_plugin_sdk::{
    Context, PageSummary, Person, Request, StageError, Turn,
    coach::{Coach, Decision, Occasion},
};

/// The plugin.
pub struct BuiltIn;

impl Coach for BuiltIn {
    fn decide(
        ctx: Context,
        request: Request,
        person: Person,
        pages: Vec<PageSummary>,
        thread: Vec<Turn>,
    ) -> Result<Decision, StageError> {
        scene::Scene::new(&ctx, &request, &person, &pages, &thread).map(|scene| decide::decide(&scene))
    }

    fn say(ctx: Context, person: Person, occasion: Occasion) -> Result<Option<String>, StageError> {
        say::say(&ctx, &person, &occasion)
    }
}

wtaf_plugin_sdk::export_coach!(BuiltIn);
