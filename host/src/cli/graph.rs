//! `wtaf-host graph`: the stages as a mermaid picture.

use std::path::Path;

use crate::config::{self, Faults, RoleOf};

/// The picture, a line break at its end; or all that is wrong with the file.
pub fn run(path: &Path, overrides: &[String], roles: &dyn RoleOf) -> Result<String, Faults> {
    config::load(path, overrides, roles).map(|checked| config::mermaid(&checked))
}
