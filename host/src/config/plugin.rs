//! How the walk learns what a plugin is, without knowing WebAssembly.

use std::path::Path;

use super::model::{PluginSource, Role};

/// Where components are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// `plugins.dir`: dropped files.
    pub dir: &'a Path,
    /// `data.dir`: what the engine keeps.
    pub data_dir: &'a Path,
}

/// Tells a plugin's role by its component's own exports. The plugin layer implements it.
pub trait RoleOf {
    /// The role, or in words why there is none: no such plugin, no component, none of our worlds.
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String>;
}

/// A [`RoleOf`] and where it looks.
pub(super) struct Finder<'a> {
    pub roles: &'a dyn RoleOf,
    pub places: Places<'a>,
}

impl Finder<'_> {
    pub fn role_of(&self, source: &PluginSource) -> Result<Role, String> {
        self.roles.role_of(source, self.places)
    }
}
