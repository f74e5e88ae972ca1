//! Plugins: WebAssembly components in a sandbox, one fresh instance a call.
//!
//! A plugin has no I/O. What it may use is bounded per call: memory, processor time, stack, the bytes it takes in and gives back. Whatever goes wrong is a
//! [`PluginError`] that names plugin, version and cause; it ends one call and nothing else.

mod bindings;
mod fault;
mod inspect;
mod limits;
mod loaded;
pub mod oci;
mod registry;
mod sandbox;
pub mod signature;
mod state;
#[cfg(feature = "wasi")]
mod wasi;
mod whole;

pub use bindings::{coach, extract, filter, prompt, types};
pub use fault::{Cause, Fault, PluginError};
pub use inspect::{About, NotAPlugin, about};
pub use limits::{Limits, counts_fuel};
pub use loaded::{Call, LoadError, Plugin};
pub use registry::{Registry, SourceError, role_of};
pub use sandbox::Sandbox;
