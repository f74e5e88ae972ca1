//! How the walk learns what a plugin is, without knowing WebAssembly.

use std::path::Path;

use super::model::{PluginSource, Role};

/// Tells a plugin's role by its component's own exports. The plugin layer implements it.
pub trait RoleOf {
    /// The role, or in words why there is none: no such plugin, no component, none of our worlds.
    fn role_of(&self, source: &PluginSource, folders: Folders<'_>) -> Result<Role, String>;
}

/// Where components may be.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    /// `plugins.dir`.
    pub plugins: &'a Path,
    /// `data.dir`: the engine keeps what it has used there.
    pub data: &'a Path,
}

/// A [`RoleOf`] and the folders it looks in.
pub(super) struct Finder<'a> {
    pub roles: &'a dyn RoleOf,
    pub folders: Folders<'a>,
}

impl Finder<'_> {
    pub fn role_of(&self, source: &PluginSource) -> Result<Role, String> {
        self.roles.role_of(source, self.folders)
    }
}
