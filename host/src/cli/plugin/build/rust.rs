//! Rust: cargo makes a core module, and `pack` a component of it.

use std::{
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::Value;

const TARGET: &str = "wasm32-unknown-unknown";

/// What an outer build was told is not for this one: its flags, its lint driver, its target.
const OUTER: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
];

/// Builds the project's library.
pub(super) fn component(dir: &Path, target_dir: Option<&Path>) -> miette::Result<Vec<u8>> {
    need_target(dir)?;
    let module = cargo(dir, target_dir)?;
    let bytes = fs::read(&module).into_diagnostic().wrap_err_with(|| module.display().to_string())?;
    wtaf_plugin_pack::componentize(&bytes).into_diagnostic().wrap_err_with(|| module.display().to_string())
}

/// Runs cargo, whose words for people go to stderr; the module's place is told on stdout.
fn cargo(dir: &Path, target_dir: Option<&Path>) -> miette::Result<PathBuf> {
    let own = dir.join("target");
    let target_dir = std::path::absolute(target_dir.unwrap_or(&own)).into_diagnostic()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(dir)
        .args(["build", "--release", "--lib", "--message-format=json-render-diagnostics", "--target", TARGET])
        .args(["--config", wtaf_plugin_pack::CARGO_CONFIG])
        .arg("--target-dir")
        .arg(target_dir)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if !std::io::stderr().is_terminal() {
        cargo.arg("--quiet");
    }
    for name in OUTER {
        cargo.env_remove(name);
    }
    let output = cargo.output().map_err(|error| {
        miette!(help = "install Rust with rustup: https://rustup.rs", "cargo could not be run: {error}")
    })?;
    if !output.status.success() {
        return Err(miette!("cargo build failed: its own words are above"));
    }
    module_in(&output.stdout).ok_or_else(|| {
        miette!(
            help = "Cargo.toml needs: [lib] crate-type = [\"cdylib\"]",
            "cargo built no WebAssembly module of {}",
            dir.display()
        )
    })
}

/// The last `.wasm` among the artifacts that cargo lists: dependencies come first, the project itself last.
fn module_in(messages: &[u8]) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let artifacts = lines.filter(|message| message["reason"] == "compiler-artifact");
    let files = artifacts.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let mut paths = files.filter_map(|file| file.as_str().map(PathBuf::from));
    paths.rfind(|path| path.extension().is_some_and(|extension| extension == "wasm"))
}

/// Adds the target where rustup can.
fn need_target(dir: &Path) -> miette::Result<()> {
    if has_target(dir) {
        return Ok(());
    }
    eprintln!("adding the Rust target {TARGET} …");
    let added = Command::new("rustup").current_dir(dir).args(["target", "add", TARGET]).output();
    let why = match added {
        Ok(output) if output.status.success() && has_target(dir) => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("rustup could not be run: {error}"),
    };
    Err(miette!(
        help = format!(
            "rustup target add {TARGET}, or your distribution's package with Rust's standard library for WebAssembly"
        ),
        "the Rust target {TARGET} is not installed, and could not be added:\n{why}"
    ))
}

/// Asked in the project's folder, which may choose a toolchain of its own.
fn has_target(dir: &Path) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc).current_dir(dir).args(["--print", "target-libdir", "--target", TARGET]).output();
    let Ok(output) = asked else { return false };
    let libdir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    fs::read_dir(libdir).is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_module_is_the_last_that_cargo_tells_of() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","filenames":["/t/other.wasm"]}"#,
            "\nnoise\n",
            r#"{"reason":"compiler-artifact","filenames":["/t/plugin.d","/t/plugin.wasm"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(module_in(messages.as_bytes()), Some(PathBuf::from("/t/plugin.wasm")));
        assert_eq!(module_in(b""), None);
    }
}
