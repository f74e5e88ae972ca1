//! Components to swap in: the built-in plugins under other versions, which makes them other components.

use std::fs;

use serde_json::Value;
use wtaf_host::plugin::digest_of;
use wtaf_plugin_pack::{Example, Manifest, seal};

use super::host::{Host, until};

/// A component and its digest.
#[derive(Debug, Clone)]
pub struct Component {
    pub bytes: Vec<u8>,
    pub digest: String,
}

impl Component {
    pub fn new(bytes: Vec<u8>) -> Self {
        let digest = digest_of(&bytes);
        Self { bytes, digest }
    }

    /// A built-in plugin as it is.
    pub fn built_in(name: &str) -> Self {
        Self::new(wtaf_bundle::embedded(name).expect("it is built in").bytes.to_vec())
    }

    /// A built-in plugin that calls itself another version, and ships no examples: nothing in a test waits for them.
    pub fn version(name: &str, version: &str) -> Self {
        Self::changed(name, |manifest| {
            version.clone_into(&mut manifest.version);
            manifest.examples.clear();
        })
    }

    /// The same with one example.
    pub fn with_example(name: &str, version: &str, example: Value) -> Self {
        Self::changed(name, |manifest| {
            version.clone_into(&mut manifest.version);
            let example: Example = serde_json::from_value(example).expect("an example");
            manifest.examples = vec![example];
        })
    }

    /// A slug plugin that fails on ideas with a boom in them; calls itself this version.
    pub fn moody(version: &str) -> Self {
        let mut manifest = Manifest::of(wtaf_bundle::embedded("slug").expect("it is built in").bytes)
            .expect("its manifest is whole")
            .expect("it has a manifest");
        version.clone_into(&mut manifest.version);
        manifest.examples.clear();
        Self::new(seal(super::guest::hostile(), &manifest).expect("it can be sealed"))
    }

    /// The same as another component, with its manifest changed.
    pub fn with(&self, change: impl FnOnce(&mut Manifest)) -> Self {
        let mut manifest = Manifest::of(&self.bytes).expect("its manifest is whole").expect("it has a manifest");
        change(&mut manifest);
        Self::new(seal(&self.bytes, &manifest).expect("it can be sealed"))
    }

    fn changed(name: &str, change: impl FnOnce(&mut Manifest)) -> Self {
        let bytes = wtaf_bundle::embedded(name).expect("it is built in").bytes;
        let mut manifest = Manifest::of(bytes).expect("its manifest is whole").expect("it has a manifest");
        change(&mut manifest);
        Self::new(seal(bytes, &manifest).expect("it can be sealed"))
    }
}

/// Drops a component into the watched folder, whole.
pub fn drop_in(host: &Host, name: &str, bytes: &[u8]) {
    let folder = installed(host);
    let draft = folder.join(format!(".{name}.draft"));
    fs::write(&draft, bytes).expect("the folder is writable");
    fs::rename(&draft, folder.join(format!("{name}.wasm"))).expect("the folder is writable");
}

/// The watched folder.
pub fn installed(host: &Host) -> std::path::PathBuf {
    let folder = host.folder().join("plugins/installed");
    fs::create_dir_all(&folder).expect("the folder is writable");
    folder
}

/// A plugin's line in the operator's API.
pub async fn plugin(host: &Host, name: &str) -> Value {
    let shown: Value = host.get("/api/plugins").await.json().await.expect("it answers in JSON");
    let lines = shown["plugins"].as_array().expect("there are plugins");
    lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("no {name}: {shown:#}")).clone()
}

/// Waits until a version is in force.
pub async fn in_force(host: &Host, name: &str, digest: &str) {
    until(&format!("{name} {digest:.12} is in force"), async || {
        (plugin(host, name).await["digest"] == digest).then_some(())
    })
    .await;
}

/// Every event of a kind, oldest first.
pub async fn events(host: &Host, kind: &str) -> Vec<Value> {
    let shown: Value = host.get("/api/plugins").await.json().await.expect("it answers in JSON");
    let all = shown["events"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|event| event["event"] == kind).collect()
}

/// The digest a job's stage ran on, the last time it ran.
pub fn digest_in(job: &Value, stage: &str) -> String {
    let stages = job["stages"].as_array().expect("a job has stages");
    let last = stages.iter().rev().find(|record| record["name"] == stage);
    last.and_then(|record| record["digest"].as_str()).unwrap_or_else(|| panic!("no {stage}: {job:#}")).to_owned()
}
