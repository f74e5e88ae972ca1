//! The four built-in plugins, as components: what makes the binary work alone.

/// A component that comes with the engine.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Its name in pipeline.toml.
    pub name: &'static str,
    /// The component.
    pub bytes: &'static [u8],
}

macro_rules! embedded {
    ($($name:literal),*) => {
        &[$(Embedded { name: $name, bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")) }),*]
    };
}

/// All of them.
pub const EMBEDDED: &[Embedded] = embedded!("coach", "prompt", "extract", "slug");

/// The one with this name.
pub fn embedded(name: &str) -> Option<&'static Embedded> {
    EMBEDDED.iter().find(|plugin| plugin.name == name)
}
