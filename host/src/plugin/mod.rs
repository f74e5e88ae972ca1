//! Plugins: WebAssembly components in a sandbox, one fresh instance a call.
//!
//! A plugin has no I/O. What it may use is bounded per call: memory, processor time, stack, the bytes it takes in and gives back. Whatever goes wrong is a
//! [`PluginError`] that names plugin, version and cause; it ends one call and nothing else.

mod bindings;
mod cache;
mod call;
pub mod contract;
mod example;
mod fault;
mod grants;
mod inspect;
pub mod ledger;
mod limits;
mod loaded;
pub mod oci;
pub mod own;
mod plain;
mod recording;
mod registry;
pub mod rehearsal;
mod sandbox;
mod shelf;
pub mod signature;
mod state;
mod ticker;
mod turns;
#[cfg(feature = "wasi")]
mod wasi;
mod watch;

pub use bindings::{coach, extract, filter, prompt, types};
pub use cache::Made;
pub use call::{Answer, Asked, Call, Question, Used};
pub use example::Trying;
pub use fault::{Cause, Fault, PluginError};
pub use grants::{Grants, Want, wants};
pub use inspect::{About, NotAPlugin, about};
pub use limits::Limits;
pub use loaded::{LoadError, Plugin};
pub use recording::{Recorded, Recordings};
pub use registry::{LARGEST, Registry, SourceError, built_in, component, digest_of, is_built_in, role_of};
pub use sandbox::{Engines, Sandbox};
pub use shelf::Shelf;
pub use watch::Watch;
