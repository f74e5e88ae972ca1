//! The manifest: what a plugin says of itself, and the examples it is tried with.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    check, project,
    section::{self, BadBytes},
};

/// The custom section that holds a manifest, as JSON.
pub(crate) const SECTION: &str = "wtaf:plugin";

/// The largest manifest that is written or read, examples included.
pub(crate) const LARGEST: usize = 4 << 20;

/// Which form of manifest it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Format {
    /// The first.
    #[default]
    #[serde(rename = "wtaf-plugin-1")]
    V1,
}

/// What a plugin says of itself. One that was read is well formed: its role exists and its examples call that role's functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Which form this is.
    pub format: Format,
    /// `[a-z0-9]+(-[a-z0-9]+)*`: what its file is called.
    pub name: String,
    /// `1.2.3`, as in semver.
    pub version: String,
    /// `coach`, `prompt`, `extract`, `slug` or `filter`.
    pub role: String,
    /// One line for whoever chooses among plugins.
    pub about: String,
    /// What it asks to be granted beyond computing and logging.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    /// The keys of the stage's `config` that it reads, each with what it is for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, String>,
    /// Fuel that a single example may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
    /// What it is tried with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

/// One call, and what is to come of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// `{"<function>": {named arguments}}`.
    pub call: Value,
    /// What differs from an everyday context.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub context: Value,
    /// `{"answer": pattern}` or `{"error": "refused"|"bad-input"|"internal"}`; unset: any answer that keeps the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Value>,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

fn is_nothing(context: &Value) -> bool {
    context.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Why there is no manifest to be had.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file of the project that cannot be read.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the project that its author has to mend.
    #[error("{}: {why}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong in it, and where.
        why: String,
    },
    /// A component that is cut short, or was none.
    #[error("{0}")]
    Malformed(String),
    /// A component whose manifest is none, or is not well formed.
    #[error("its manifest is spoiled: {0}")]
    Spoiled(String),
    /// Larger than anyone needs.
    #[error("its manifest has {bytes} bytes; at most {LARGEST} are read")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// A form that came after this crate.
    #[error("its manifest is of the form `{0}`; this host reads `wtaf-plugin-1`: a newer host will know it")]
    OtherFormat(String),
}

impl From<BadBytes> for ManifestError {
    fn from(bad: BadBytes) -> Self {
        Self::Malformed(bad.to_string())
    }
}

impl Manifest {
    /// Reads a project's `plugin.toml` and `examples/*.json` (by name; a file holds one example, or a list of them).
    ///
    /// # Errors
    /// `Unreadable`, or `Wrong` in words for the author.
    pub fn read(dir: &std::path::Path) -> Result<Self, ManifestError> {
        project::Project::read(dir).map(|project| project.manifest)
    }

    /// The manifest inside a component; none where it has none. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// `Malformed`, `Spoiled`, `TooLarge`, `OtherFormat`.
    pub fn of(component: &[u8]) -> Result<Option<Self>, ManifestError> {
        let mut found = section::custom(component, SECTION)?.into_iter();
        let Some(bytes) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(ManifestError::Spoiled("there are two".into()));
        }
        if bytes.len() > LARGEST {
            return Err(ManifestError::TooLarge { bytes: bytes.len() });
        }
        read(bytes).map(Some)
    }
}

/// The form is looked at first, so that a newer one is told by name and not by the first field that differs.
fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }

    let spoiled = |error: serde_json::Error| ManifestError::Spoiled(error.to_string());
    let Head { format } = serde_json::from_slice(bytes).map_err(spoiled)?;
    if format != "wtaf-plugin-1" {
        return Err(ManifestError::OtherFormat(format.chars().take(40).collect()));
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(spoiled)?;
    check::manifest(&manifest).map_err(ManifestError::Spoiled)?;
    for example in &manifest.examples {
        let wrong = |why| ManifestError::Spoiled(format!("the example `{}`: {why}", example.name));
        check::example(example, &manifest.role).map_err(wrong)?;
    }
    Ok(manifest)
}
