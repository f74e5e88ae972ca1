//! What makes a WebAssembly module a plugin: a component of `wtaf:stage` with its manifest and its examples inside.
//!
//! ```no_run
//! use std::{fs, path::Path};
//! use wtaf_plugin_pack::{Manifest, componentize, seal};
//!
//! let project = Path::new("my-plugin");
//! let module = fs::read(project.join("target/wasm32-unknown-unknown/release/my_plugin.wasm"))?;
//! let plugin = seal(&componentize(&module)?, &Manifest::read(project)?)?;
//! fs::write(project.join("my-plugin.wasm"), plugin)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file travels alone, so what is known of it travels inside: its name, version and role, the configuration it reads, what it asks to be granted, and the
//! examples it is rehearsed with before it may serve. This crate writes and reads that; it runs nothing and judges no answer.

mod check;
mod component;
mod manifest;
mod project;
mod section;

pub use component::{PackError, componentize, seal};
pub use manifest::{Example, Format, Manifest, ManifestError};
pub use project::{Lang, Project};

/// Told to cargo wherever a Rust plugin is built: a guest begins with memory enough for a usual call. What grows while it runs costs two changes of the process's
/// address space a call, in which the other threads' calls wait.
pub const CARGO_CONFIG: &str =
    r#"target.wasm32-unknown-unknown.rustflags = ["-C", "link-arg=--initial-memory=2097152"]"#;
