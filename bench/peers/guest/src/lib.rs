//! A filter that lets everything pass, as an Extism plugin.
#![allow(missing_docs, unsafe_code, reason = "made by the macro")]

use extism_pdk::{FnResult, plugin_fn};

#[plugin_fn]
pub fn pass(content: String) -> FnResult<String> {
    Ok(content)
}
