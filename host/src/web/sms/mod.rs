//! What a carrier posts: texts that came in, and what became of texts that went out.

mod status;
mod trust;
mod twiml;
mod webhook;

pub(super) use status::status;
pub(super) use trust::bears_bridge_token as is_bridge;
pub(super) use webhook::webhook;
