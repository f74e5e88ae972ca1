//! What a plugin author depends on: the types of `wtaf:stage`, one trait a role, one macro to export it.
//!
//! ```ignore
//! use wtaf_plugin_sdk::{slug::Slug, Context, Order, StageError};
//!
//! struct Plain;
//!
//! impl Slug for Plain {
//!     fn propose(ctx: Context, _order: Order, _title: Option<String>, _taken: Vec<String>) -> Result<Vec<String>, StageError> {
//!         Ok(vec![format!("page-{}", ctx.seed)])
//!     }
//! }
//!
//! wtaf_plugin_sdk::export_slug!(Plain);
//! ```
//!
//! A plugin is pure: no clock, no randomness, no files. What it may depend on is in its arguments; `ctx.now` and `ctx.seed`
//! stand in for the first two. Its unit tests run natively (`cargo test`), where [`mod@log`] writes to stderr.

#[doc(hidden)]
pub mod __bindings;
mod context;
pub mod log;
mod panics;
mod roles;
mod seed;

pub use __bindings::types::{
    Asset, Context, Extra, Media, Order, PageDraft, PageSummary, Person, Request, StageError, Turn,
};
pub use context::Named;
pub use roles::{coach, extract, filter, prompt, slug};
pub use seed::Seeded;

#[doc(hidden)]
pub use panics::install as __install_panic_hook;
