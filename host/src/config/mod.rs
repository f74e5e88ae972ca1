//! pipeline.toml, from text to a checked pipeline.
//!
//! The rest of the engine sees only [`Checked`]: every string expanded, every unit parsed, every fault already told. Nothing here opens a
//! socket or a database.

mod model;

pub use model::*;
