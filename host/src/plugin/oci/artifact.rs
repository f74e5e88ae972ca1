//! What a component looks like in a registry: the manifest and the config of the WebAssembly working group's artifact, as wkg, oci-wasm and others
//! write and read it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::About;

/// The manifest's type.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The config's type.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The type of the one layer, which is the component.
const LAYER: &str = "application/wasm";
/// What the component was before there was a type for it.
const OLD_LAYER: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// The component a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `sha256:…` of the manifest.
    pub manifest_digest: String,
    /// Bytes, as the manifest says.
    pub size: u64,
    digest: String,
}

impl Found {
    /// SHA-256 of the component, hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    layers: Option<Vec<Layer>>,
    #[serde(default)]
    manifests: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    size: u64,
}

/// Reads a manifest; why it names no component, in words.
pub fn read(bytes: &[u8]) -> Result<Found, String> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| format!("its manifest is none ({error})"))?;
    if manifest.manifests.is_some() {
        return Err("it is an index of several images: name the manifest of the component, by its digest".into());
    }
    let is_image = manifest.media_type.as_deref().is_none_or(|kind| kind == MANIFEST);
    if manifest.schema_version != 2 || !is_image {
        let kind = manifest.media_type.unwrap_or_else(|| format!("schema {}", manifest.schema_version));
        return Err(format!("its manifest is of the kind {kind}"));
    }
    let layers = manifest.layers.unwrap_or_default();
    let component = |layer: &&Layer| matches!(layer.media_type.as_str(), LAYER | OLD_LAYER);
    let layer = match layers.iter().filter(component).collect::<Vec<_>>().as_slice() {
        [layer] => *layer,
        [] => {
            let kinds: Vec<_> = layers.iter().map(|layer| layer.media_type.as_str()).collect();
            return Err(format!("its layers are [{}], and a component is one of {LAYER}", kinds.join(", ")));
        }
        several => return Err(format!("it has {} layers of {LAYER}, and a plugin is one component", several.len())),
    };
    let hex = layer
        .digest
        .strip_prefix("sha256:")
        .filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')));
    let digest = hex.ok_or_else(|| "its layer is not named by SHA-256".to_owned())?.to_owned();
    Ok(Found { manifest_digest: sha256(bytes), size: layer.size, digest })
}

/// What people read of an artifact, from the component's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Its name.
    pub title: String,
    /// What the component says of itself.
    pub about: About,
}

/// A component, its config and its manifest, ready to be put somewhere. The same component makes the same bytes: its digest can be known beforehand.
pub struct Artifact {
    pub config: Vec<u8>,
    pub manifest: Vec<u8>,
}

impl Artifact {
    pub fn of(component: &[u8], labels: &Labels) -> Self {
        let export = format!("wtaf:stage/{}@{}", labels.about.role.as_str(), super::super::inspect::STAGE_VERSION);
        let layer = sha256(component);
        let config = json!({
            "created": "1970-01-01T00:00:00Z",
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer],
            "component": { "exports": [export], "imports": labels.about.imports, "target": null },
        });
        let config = config.to_string().into_bytes();
        let annotations = BTreeMap::from([
            ("org.opencontainers.image.title", labels.title.as_str()),
            ("org.opencontainers.image.version", labels.about.version.as_str()),
        ]);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": sha256(&config), "size": config.len() },
            "layers": [{ "mediaType": LAYER, "digest": layer, "size": component.len() }],
            "annotations": annotations,
        });
        Self { config, manifest: manifest.to_string().into_bytes() }
    }
}

/// As registries write it.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::config::Role;

    fn labels() -> Labels {
        let about = About { role: Role::Slug, imports: Vec::new(), version: "1.0.0".into(), size: 3 };
        Labels { title: "slug".into(), about }
    }

    #[test]
    fn what_is_written_is_read() {
        let artifact = Artifact::of(b"abc", &labels());
        let found = read(&artifact.manifest).unwrap();
        assert_eq!(format!("sha256:{}", found.digest()), sha256(b"abc"));
        assert_eq!((found.size, found.manifest_digest), (3, sha256(&artifact.manifest)));
        assert_eq!(Artifact::of(b"abc", &labels()).manifest, artifact.manifest);
    }

    #[rstest]
    #[case("[]", "its manifest is none")]
    #[case(r#"{"schemaVersion":2,"manifests":[]}"#, "index")]
    #[case(r#"{"schemaVersion":1}"#, "schema 1")]
    #[case(r#"{"schemaVersion":2,"mediaType":"text/plain","layers":[]}"#, "text/plain")]
    #[case(r#"{"schemaVersion":2,"layers":[]}"#, "its layers are []")]
    #[case(r#"{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"x","size":1}]}"#, "v1.tar")]
    #[case(
        r#"{"schemaVersion":2,"layers":[{"mediaType":"application/wasm","digest":"sha512:12","size":1}]}"#,
        "SHA-256"
    )]
    fn what_names_no_component_is_told_apart(#[case] manifest: &str, #[case] told: &str) {
        let why = read(manifest.as_bytes()).unwrap_err();
        assert!(why.contains(told), "{why}");
    }

    proptest! {
        #[test]
        fn no_manifest_makes_it_panic(text in "\\PC*") {
            let _ = read(text.as_bytes());
        }
    }
}
