//! What is released: packages that stand alone, a bill of materials, a workflow that trusts nobody it need not.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    process::{Command, Output},
};

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// A path without its `..`, whatever is on the disk.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

/// What a line builds in: the last text in quotes, and where it begins.
fn built_in(line: &str, file: &Path, krate: &Path) -> Option<PathBuf> {
    let text = line.rsplit('"').nth(1)?;
    if line.contains("CARGO_MANIFEST_DIR") || line.contains("migrate!") || line.contains("path: \"") {
        return Some(plain(&krate.join(text.trim_start_matches('/'))));
    }
    let includes = line.contains("include_str!(\"") || line.contains("include_bytes!(\"");
    includes.then(|| plain(&file.parent().unwrap().join(text)))
}

#[test]
fn nothing_outside_a_package_is_built_into_it() {
    let mut seen = 0;
    for name in ["host", "plugins/sdk", "plugins/pack"] {
        let krate = root().join(name);
        let mut files = Vec::new();
        sources(&krate.join("src"), &mut files);
        for file in files {
            for line in fs::read_to_string(&file).unwrap().lines() {
                let builds =
                    ["include_str!", "include_bytes!", "migrate!(", "path: \""].iter().any(|it| line.contains(it));
                let Some(path) = built_in(line, &file, &krate).filter(|_| builds) else { continue };
                seen += 1;
                assert!(path.starts_with(&krate), "{}: {line}", file.display());
            }
        }
    }
    assert!(seen >= 8, "the lines were found: {seen}");
}

#[test]
fn what_packages_share_is_linked_and_not_copied() {
    let links = [
        ("host/wit", "wit"),
        ("host/pipeline.toml", "pipeline.toml"),
        ("host/migrations/postgres", "supabase/migrations"),
        ("host/templates/sdk", "plugins/sdk/src"),
    ];
    for (link, to) in links {
        assert_eq!(fs::canonicalize(root().join(link)).unwrap(), root().join(to), "{link}");
    }
}

fn release(arguments: &[&str]) -> Output {
    Command::new(root().join("scripts/release")).args(arguments).output().expect("Python is there")
}

#[test]
fn the_version_is_the_engines_own_and_a_version_without_its_changes_is_none() {
    let version = release(&["version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), env!("CARGO_PKG_VERSION"));
    let changes = release(&["changes", "99.0.0"]);
    assert!(!changes.status.success() && String::from_utf8_lossy(&changes.stderr).contains("99.0.0"), "{changes:?}");
}

#[test]
fn the_bill_of_materials_names_every_crate_that_is_linked_with_licence_and_checksum() {
    let made = release(&["sbom"]);
    assert!(made.status.success(), "{made:?}");
    let bill: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let components = bill["components"].as_array().unwrap();
    let of = |name: &str| components.iter().find(|component| component["name"] == name);
    let wasmtime = of("wasmtime").expect("it is linked");
    assert_eq!(wasmtime["licenses"][0]["expression"], "Apache-2.0 WITH LLVM-exception");
    assert_eq!(wasmtime["hashes"][0]["content"].as_str().map(str::len), Some(64));
    assert!(of("dlmalloc").is_some(), "what the plugins are made of is shipped too");
    assert!(of("rstest").is_none(), "what only tests is not shipped");
    assert!(components.iter().all(|component| component["licenses"].is_array()));
}

#[test]
fn the_release_workflow_pins_what_it_runs_and_asks_for_little() {
    let text = fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    for line in text.lines().filter(|line| line.contains("uses:")) {
        let pin = line.split('@').nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
        assert!(pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
        assert!(line.contains("# v"), "it says which version that is: {line}");
    }
    let top = text.split("\njobs:").next().unwrap();
    assert!(top.contains("permissions:\n  contents: read\n"), "{top}");
    assert_eq!(text.matches("contents: write").count(), 1, "one job may write: the last");
    assert!(!text.contains("pull_request_target"), "nobody else's code runs with our rights");
}
