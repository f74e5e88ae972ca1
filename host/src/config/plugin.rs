//! How the walk learns what a plugin is, without knowing WebAssembly.

use std::path::Path;

use super::model::{PluginSource, Role};

/// Tells a plugin's role by its component's own exports. The plugin layer implements it.
pub trait RoleOf {
    /// The role, or in words why there is none: no such plugin, no component, none of our worlds.
    fn role_of(&self, source: &PluginSource, plugins_dir: &Path) -> Result<Role, String>;
}

/// A [`RoleOf`] and the folder it looks in.
pub(super) struct Finder<'a> {
    pub roles: &'a dyn RoleOf,
    pub dir: &'a Path,
}

impl Finder<'_> {
    pub fn role_of(&self, source: &PluginSource) -> Result<Role, String> {
        self.roles.role_of(source, self.dir)
    }
}
