//! What a plugin author depends on: the types of `wtaf:stage`, one trait a role, one macro to export it.
//!
//! A plugin is a WebAssembly component that `wtaf-host` calls at one point of its pipeline. It implements the trait of its role and exports it:
//!
//! ```
//! use wtaf_plugin_sdk::{Context, Order, StageError, slug::Slug};
//!
//! struct Plain;
//!
//! impl Slug for Plain {
//!     fn propose(ctx: Context, order: Order, title: Option<String>, taken: Vec<String>) -> Result<Vec<String>, StageError> {
//!         let names = (1..=20).map(|number| format!("{}-{number}", order.kind));
//!         Ok(names.filter(|name| !taken.contains(name)).collect())
//!     }
//! }
//!
//! wtaf_plugin_sdk::export_slug!(Plain);
//! ```
//!
//! `wtaf-host plugin new slug my-names` begins such a project, `wtaf-host plugin build` makes a plugin of it, and again on every save with `--watch`.
//!
//! # Roles
//!
//! | role | trait | is called | gives |
//! |---|---|---|---|
//! | coach | [`coach::Coach`] | for every text and chat, and when there is something to tell | what to do; the words for it |
//! | prompt | [`prompt::Prompt`] | for an order | the call of an AI |
//! | extract | [`extract::Extract`] | with an AI's answer | the page in it |
//! | slug | [`slug::Slug`] | for a page that needs a name | names, best first |
//! | filter | [`filter::Filter`] | for an idea, a reply or a page | the same, changed or not |
//!
//! A plugin has one role. The contract is `wit/*.wit`; what its words mean is said there, and here on each type.
//!
//! # What a call may depend on
//!
//! On its arguments, and on nothing else: there is no clock, no randomness, no file, no network, and no memory of the call before, since each runs in a fresh
//! instance. [`Context::now`] and [`Seeded`] over [`Context::seed`] stand in for the first two. So the same call gives the same answer, and the engine can run any
//! job again: to rehearse a new version before it serves, to explain what happened, to recover from a crash.
//!
//! # Configuration
//!
//! The stage's `config` table in pipeline.toml arrives as JSON; [`Context::config`] reads it into a type of your own. With `#[serde(default, deny_unknown_fields)]` a
//! key that was left out has your default, and a misspelled one is told to the operator. What the host itself offers (the coaches, the roles, its address) is in
//! [`Context::extra`], looked up by [`Named::named`] and read by [`json::read`].
//!
//! # What a call costs
//!
//! A fresh instance remembers nothing, so what a plugin prepares it prepares in every call: lists of words are better split by the compiler ([`words!`], [`phrases!`],
//! [`json_items!`]) and tables written as constants. And every function that is linked is compiled wherever the plugin comes: [`json`] is a third of serde_json.
//!
//! # Errors
//!
//! Which of the three a plugin gives decides what happens to the job:
//!
//! - [`StageError::Refused`]: it will not do it. The person is told, in these words.
//! - [`StageError::BadInput`]: what it was given breaks the contract, so the stage before is at fault.
//! - [`StageError::Internal`]: the plugin, or its configuration, is at fault. The operator is told; where an older version is there, the job is tried on it.
//!
//! A panic ends the call, and its message and line reach the operator as those of an error do.
//!
//! # Logging
//!
//! [`mod@log`] writes a line to the engine's log, under the job's and the plugin's name. Never put a person's words in it.
//!
//! # Tests
//!
//! Natively the export macros give nothing, so a plugin is a library like any other: call the trait's functions in `cargo test`. Calls that every new version has to
//! get right belong into `examples/*.json`: they travel inside the `.wasm`, and the engine rehearses them before the version serves.

#[doc(hidden)]
pub mod __bindings;
mod context;
pub mod json;
pub mod log;
mod panics;
pub mod phrases;
mod roles;
mod seed;
pub mod words;

pub use __bindings::types::{
    Asset, Context, Extra, Media, Order, PageDraft, PageSummary, Person, Request, StageError, Turn,
};
pub use context::Named;
pub use roles::{coach, extract, filter, prompt, slug};
pub use seed::Seeded;

/// A call runs in a fresh instance: an allocator that uses the memory that is there is one that asks for none.
#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[doc(hidden)]
pub use panics::install as __install_panic_hook;
