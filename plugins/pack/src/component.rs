//! From a core module to a component, and from a component to a plugin.

use crate::{
    Manifest, ManifestError,
    manifest::{LARGEST, SECTION},
    section::{self, BadBytes},
};

/// The registry-metadata convention: a custom section of this name holds the version as text.
const VERSION: &str = "version";

/// Why nothing was packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The module does not implement a world, or the component is none.
    #[error("{0}")]
    Unfit(String),
    /// The manifest is one that no host would read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl From<BadBytes> for PackError {
    fn from(bad: BadBytes) -> Self {
        Self::Unfit(bad.to_string())
    }
}

/// Makes a component of a core module that was built with the SDK.
///
/// # Errors
/// `Unfit`, with what the module lacks.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, PackError> {
    wit_component::ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| PackError::Unfit(format!("the module is no component of wtaf:stage: {error:?}")))
}

/// Puts the manifest and the version into a component, in place of any that are there.
///
/// # Errors
/// `Unfit` for what is no component; `Manifest` for one that no host would read.
pub fn seal(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, PackError> {
    let told = serde_json::to_vec(manifest).map_err(|error| PackError::Unfit(error.to_string()))?;
    if told.len() > LARGEST {
        return Err(ManifestError::TooLarge { bytes: told.len() }.into());
    }
    let mut sealed = section::without(component, &[SECTION, VERSION])?;
    section::append(&mut sealed, SECTION, &told);
    section::append(&mut sealed, VERSION, manifest.version.as_bytes());
    // What cannot be read back (a manifest made by hand, values nested beyond the reader's depth) is not given out.
    Manifest::of(&sealed)?;
    Ok(sealed)
}
