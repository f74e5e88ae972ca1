//! What a component is, read from its own sections without compiling it: its role, what it imports, its version.

use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;

use super::plain;
use crate::config::Role;

/// The version of `wtaf:stage` this host speaks.
pub const STAGE_VERSION: &str = "0.1.0";

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// By the interface it exports.
    pub role: Role,
    /// The interfaces it imports, as it names them (types-only imports of `wtaf:stage/types` left out).
    pub imports: Vec<String>,
    /// The text of its `version` section, `0.0.0` without one.
    pub version: String,
    /// Bytes.
    pub size: usize,
}

/// Why a file is no plugin, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPlugin {
    /// Not WebAssembly, or cut short.
    #[error("it is not a whole WebAssembly file: {0}")]
    Malformed(String),
    /// A core module.
    #[error(
        "it is a core module, not a component: make it one with `wtaf-host plugin build` or `wasm-tools component new`"
    )]
    CoreModule,
    /// Native code, made by some engine out of a component.
    #[error("it is compiled native code, which is not taken from anyone: give the component it was compiled from")]
    Precompiled,
    /// No role of ours.
    #[error("it exports none of wtaf:stage's interfaces (coach, prompt, extract, slug, filter); it exports {0}")]
    NoRole(String),
    /// Two roles.
    #[error("it exports more than one role ({0}): a plugin has one")]
    TwoRoles(String),
    /// Made for another contract.
    #[error(
        "it was made for wtaf:stage {theirs}, this host speaks {STAGE_VERSION}: rebuild it against the {STAGE_VERSION} SDK"
    )]
    OtherVersion {
        /// What it was made for.
        theirs: String,
    },
}

/// Reads a component's sections.
pub fn about(bytes: &[u8]) -> Result<About, NotAPlugin> {
    let malformed = |error: wasmparser::BinaryReaderError| NotAPlugin::Malformed(error.to_string());
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(NotAPlugin::Precompiled);
    }
    let (mut exports, mut imports, mut version) = (Vec::new(), Vec::new(), None);
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(NotAPlugin::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if depth == 0 && section.name() == "version" => {
                version = Some(plain::line(String::from_utf8_lossy(section.data()).trim(), 64).into_owned());
            }
            _ => {}
        }
    }
    imports.retain(|name| !name.starts_with("wtaf:stage/types@"));
    Ok(About {
        role: role_of(&exports)?,
        imports,
        version: version.unwrap_or_else(|| "0.0.0".into()),
        size: bytes.len(),
    })
}

fn role_of(exports: &[String]) -> Result<Role, NotAPlugin> {
    let found: Vec<(Role, &str)> = exports
        .iter()
        .filter_map(|name| {
            let (interface, version) = name.strip_prefix("wtaf:stage/")?.split_once('@')?;
            Some((Role::ALL.into_iter().find(|role| role.as_str() == interface)?, version))
        })
        .collect();
    match found.as_slice() {
        [] if exports.is_empty() => Err(NotAPlugin::NoRole("nothing".into())),
        [] => Err(NotAPlugin::NoRole(plain::list(exports))),
        [(role, version)] if speaks(version) => Ok(*role),
        [(_, version)] => Err(NotAPlugin::OtherVersion { theirs: plain::line(version, 64).into_owned() }),
        several => {
            Err(NotAPlugin::TwoRoles(several.iter().map(|(role, _)| role.as_str()).collect::<Vec<_>>().join(" and ")))
        }
    }
}

/// Semver with a leading zero: the same minor version links, whatever the patch.
fn speaks(version: &str) -> bool {
    let minor = |text: &str| text.splitn(3, '.').take(2).map(str::to_owned).collect::<Vec<_>>();
    minor(version) == minor(STAGE_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_plugins_import_no_function_but_log() {
        for plugin in wtaf_bundle::EMBEDDED {
            let about = about(plugin.bytes).unwrap();
            assert_eq!(about.role.as_str(), plugin.name);
            assert!(
                about.imports.iter().all(|import| import == "wtaf:stage/log@0.1.0"),
                "{}: {:?}",
                plugin.name,
                about.imports
            );
            assert_eq!(about.version, env!("CARGO_PKG_VERSION"));
        }
    }

    #[test]
    fn what_is_no_plugin_is_told_in_words() {
        assert!(matches!(about(b"not wasm at all"), Err(NotAPlugin::Malformed(_))));
        assert_eq!(about(b"\0asm\x01\0\0\0"), Err(NotAPlugin::CoreModule));
        let whole = wtaf_bundle::embedded("slug").unwrap().bytes;
        assert!(matches!(about(&whole[..whole.len() / 2]), Err(NotAPlugin::Malformed(_))));
    }

    #[test]
    fn only_the_same_minor_version_of_the_contract_fits() {
        let made_for = |version: &str| role_of(&[format!("wtaf:stage/slug@{version}")]);
        assert_eq!(made_for("0.1.0"), Ok(Role::Slug));
        assert_eq!(made_for("0.1.7"), Ok(Role::Slug));
        assert_eq!(made_for("0.2.0"), Err(NotAPlugin::OtherVersion { theirs: "0.2.0".into() }));
        assert_eq!(made_for("1.0.0"), Err(NotAPlugin::OtherVersion { theirs: "1.0.0".into() }));
    }
}
