//! A filter that lets everything pass: what a call costs besides its work.

use wtaf_plugin_sdk::{
    Context, StageError,
    filter::{Content, Filter},
};

/// Gives back what it is given.
pub struct Passing;

impl Filter for Passing {
    fn apply(_: Context, content: Content) -> Result<Content, StageError> {
        Ok(content)
    }
}

wtaf_plugin_sdk::export_filter!(Passing);
