//! A plugin's project on disk: `plugin.toml`, and `examples/` beside it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{Example, Format, Manifest, ManifestError, check};

/// What a project is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Built by cargo.
    #[default]
    Rust,
    /// JavaScript, built by componentize-js.
    Js,
    /// Built by componentize-py.
    Python,
}

impl Lang {
    /// As it stands in `plugin.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        }
    }
}

/// A project that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// What goes into the component.
    pub manifest: Manifest,
    /// How it is built.
    pub lang: Lang,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: String,
    role: String,
    about: String,
    #[serde(default)]
    lang: Lang,
    #[serde(default)]
    grants: Vec<String>,
    budget: Option<u64>,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

/// An example as its author writes it: named by its file where it has no name of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    call: Value,
    #[serde(default)]
    context: Option<Value>,
    expect: Option<Value>,
}

impl Project {
    /// Reads a project's folder.
    ///
    /// # Errors
    /// `Unreadable`, or `Wrong` in words for the author.
    pub fn read(dir: &Path) -> Result<Self, ManifestError> {
        let path = dir.join("plugin.toml");
        let wrong = |why: String| ManifestError::Wrong { path: path.clone(), why };
        let file: File =
            toml::from_str(&text(&path)?).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        let mut manifest = Manifest {
            format: Format::V1,
            name: file.name,
            version: file.version,
            role: file.role,
            about: file.about,
            grants: file.grants,
            config: file.config,
            budget: file.budget,
            examples: Vec::new(),
        };
        check::manifest(&manifest).map_err(wrong)?;
        manifest.examples = examples(dir, &manifest.role)?;
        Ok(Self { manifest, lang: file.lang })
    }
}

fn text(path: &Path) -> Result<String, ManifestError> {
    fs::read_to_string(path).map_err(|source| ManifestError::Unreadable { path: path.to_owned(), source })
}

fn examples(dir: &Path, role: &str) -> Result<Vec<Example>, ManifestError> {
    let mut examples: Vec<Example> = Vec::new();
    for path in files(&dir.join("examples"))? {
        let wrong = |why: String| ManifestError::Wrong { path: path.clone(), why };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (list, several) = match serde_json::from_str(&text(&path)?).map_err(|error| wrong(error.to_string()))? {
            Value::Array(list) => (list, true),
            one => (vec![one], false),
        };
        for (at, value) in list.into_iter().enumerate() {
            let number = at + 1;
            let place = |why: String| wrong(if several { format!("example {number}: {why}") } else { why });
            let written: Written = serde_json::from_value(value).map_err(|error| place(error.to_string()))?;
            let name = written.name.unwrap_or_else(|| if several { format!("{stem} {number}") } else { stem.clone() });
            let context = written.context.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
            let example = Example { name, call: written.call, context, expect: written.expect };
            check::example(&example, role).map_err(&place)?;
            if examples.iter().any(|other| other.name == example.name) {
                return Err(place(format!("another example is called `{}` too", example.name)));
            }
            examples.push(example);
        }
    }
    Ok(examples)
}

/// The examples' files by name; a project without the folder has none.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    let unreadable = |source| ManifestError::Unreadable { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
