//! The whole of config at work: the shipped file, the broken ones, overrides, and text that no one would write.

mod broken;
mod chain;
mod flow;
mod hostile;
mod overrides;
mod shipped;
mod trust;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::*;

/// The shipped file.
pub const SHIPPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.toml"));

/// Knows the built-in plugins by name, and one filter.
pub struct Known;

impl RoleOf for Known {
    fn role_of(&self, source: &PluginSource, _: Places<'_>) -> Result<Role, String> {
        match source {
            PluginSource::Named(name) => match name.as_str() {
                "coach" => Ok(Role::Coach),
                "prompt" => Ok(Role::Prompt),
                "extract" => Ok(Role::Extract),
                "slug" => Ok(Role::Slug),
                "tidy" => Ok(Role::Filter),
                other => Err(format!("there is no plugin `{other}`")),
            },
            PluginSource::Path(_) | PluginSource::Digest(_) | PluginSource::Oci(_) => Ok(Role::Filter),
        }
    }
}

/// A text, an environment and overrides, on their way to be checked.
#[derive(Default)]
pub struct Case<'a> {
    pub text: &'a str,
    pub env: &'a [(&'a str, &'a str)],
    pub set: &'a [&'a str],
}

impl Case<'_> {
    pub fn parse(&self) -> Result<Checked, Faults> {
        self.parse_as(Path::new("/srv/wtaf/pipeline.toml"))
    }

    pub fn parse_as(&self, path: &Path) -> Result<Checked, Faults> {
        let env = |name: &str| self.env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let overrides: Vec<_> = self.set.iter().map(|text| (*text).to_owned()).collect();
        let sources = Sources { path, text: self.text, env: &env, dotenv: BTreeMap::new(), overrides: &overrides };
        parse(sources, &Known)
    }

    pub fn good(&self) -> Checked {
        self.parse().unwrap_or_else(|faults| panic!("{faults}"))
    }

    pub fn faults(&self) -> Faults {
        self.parse_as(Path::new("pipeline.toml")).expect_err("it is broken")
    }

    /// The messages alone.
    pub fn messages(&self) -> Vec<String> {
        self.faults().iter().map(|fault| fault.message().to_owned()).collect()
    }
}

/// The shipped file.
pub fn shipped() -> Case<'static> {
    Case { text: SHIPPED, ..Case::default() }
}

/// The folder of the broken files.
pub fn broken_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}
