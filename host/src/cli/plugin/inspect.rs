//! `plugin inspect`: what a component is and what it may do, in words.

use std::{path::Path, process::ExitCode};

use miette::{IntoDiagnostic, WrapErr};
use serde_json::json;
use sha2::{Digest, Sha256};
use wtaf_plugin_pack::Manifest;

use crate::{
    cli::{Outcome, OutputFormat},
    plugin::{self, About},
};

/// What a component fits that was read without a fault: patches of the contract's version make no difference.
const CONTRACT: &str = "0.1";

/// Everything a file says of itself.
pub(super) struct Inspected {
    about: About,
    digest: String,
    manifest: Option<Manifest>,
}

impl Inspected {
    /// Reads it, without compiling it.
    pub(super) fn of(bytes: &[u8]) -> miette::Result<Self> {
        let about = plugin::about(bytes).into_diagnostic()?;
        let manifest = Manifest::of(bytes).into_diagnostic()?;
        Ok(Self { about, digest: hex::encode(Sha256::digest(bytes)), manifest })
    }

    /// For scripts.
    pub(super) fn json(&self) -> serde_json::Value {
        let About { role, imports, version, size } = &self.about;
        json!({
            "role": role.as_str(),
            "world": self.world(),
            "version": version,
            "imports": imports,
            "bytes": size,
            "digest": self.digest,
            "may": may(&self.about),
            "manifest": self.manifest,
        })
    }

    /// For people: a line a matter.
    pub(super) fn text(&self) -> String {
        let About { role, imports, version, size } = &self.about;
        let mut lines = Vec::new();
        let mut line = |name: &str, words: String| lines.push(format!("{name:<9} {words}"));
        if let Some(manifest) = &self.manifest {
            line("name", manifest.name.clone());
            line("about", manifest.about.clone());
        }
        line("role", role.as_str().to_owned());
        line("version", version.clone());
        line("world", self.world());
        line("digest", format!("sha256:{}", self.digest));
        line("size", format!("{} ({size} bytes)", readable(*size)));
        line("imports", imported(imports));
        line("may", may(&self.about));
        match &self.manifest {
            Some(manifest) => told(manifest, line),
            None => line("manifest", "none: without examples of its own it cannot be rehearsed with them (`wtaf-host plugin build` puts them in)".into()),
        }
        lines.join("\n")
    }

    fn world(&self) -> String {
        format!("wtaf:stage/{}-plugin@{CONTRACT}", self.about.role.as_str())
    }
}

/// What its author says of it.
fn told(manifest: &Manifest, mut line: impl FnMut(&str, String)) {
    for (at, (key, words)) in manifest.config.iter().enumerate() {
        line(if at == 0 { "config" } else { "" }, format!("{key}: {words}"));
    }
    if !manifest.grants.is_empty() {
        line("asks for", manifest.grants.join(", "));
    }
    if let Some(budget) = manifest.budget {
        line("budget", format!("{budget} units of fuel a call"));
    }
    let examples = &manifest.examples;
    for (at, example) in examples.iter().enumerate() {
        line(if at == 0 { "examples" } else { "" }, example.name.clone());
    }
    if examples.is_empty() {
        line("examples", "none".into());
    }
}

fn is_wasi(import: &str) -> bool {
    import.starts_with("wasi:")
}

/// The interfaces by name, those of WASI as a number: they come in dozens.
fn imported(imports: &[String]) -> String {
    let wasi = imports.iter().filter(|import| is_wasi(import)).count();
    let own = imports.iter().filter(|import| !is_wasi(import)).cloned();
    let named: Vec<_> = own.chain((wasi > 0).then(|| format!("{wasi} interfaces of WASI"))).collect();
    if named.is_empty() { "nothing".into() } else { named.join(", ") }
}

/// What it asks for, in words; what it asks for and has not is what keeps people awake.
fn may(about: &About) -> String {
    let asks: Vec<_> = plugin::wants(about).iter().map(ToString::to_string).collect();
    let rest = if about.imports.iter().any(|import| is_wasi(import)) {
        "; nothing else"
    } else {
        "; it sees no files, network, clock or chance"
    };
    let asks = if asks.is_empty() { String::new() } else { format!("; it {}", asks.join(", ")) };
    format!("compute{asks}{rest}")
}

/// Bytes as people say them.
pub(super) fn readable(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Prints it.
pub(super) fn inspect(file: &Path, format: OutputFormat) -> Outcome {
    let bytes = std::fs::read(file).into_diagnostic().wrap_err_with(|| file.display().to_string())?;
    let inspected = Inspected::of(&bytes).wrap_err_with(|| file.display().to_string())?;
    match format {
        OutputFormat::Json => println!("{:#}", inspected.json()),
        OutputFormat::Text => println!("{}", inspected.text()),
    }
    Ok(ExitCode::SUCCESS)
}
