//! JavaScript: componentize-js puts a JavaScript engine around the project's `plugin.js`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use miette::{IntoDiagnostic, WrapErr, miette};

use super::{contract, run};

const PACKAGE: &str = "@bytecodealliance/componentize-js";
const VARIABLE: &str = "WTAF_COMPONENTIZE_JS";

/// Builds the project's `plugin.js`.
pub(super) fn component(dir: &Path, role: &str) -> miette::Result<Vec<u8>> {
    let tool = tool(dir)?;
    let dir = std::path::absolute(dir).into_diagnostic()?;
    let scratch = tempfile::tempdir().into_diagnostic()?;
    let (script, out) = (scratch.path().join("componentize.mjs"), scratch.path().join("plugin.wasm"));
    fs::write(&script, include_str!("componentize.mjs")).into_diagnostic()?;
    let mut node = Command::new("node");
    node.arg(&script).arg(&tool).arg(&dir).arg(contract(&dir, scratch.path())?);
    node.arg(format!("{role}-plugin")).arg(&out);
    node.current_dir(&dir).stdin(Stdio::null()).stdout(Stdio::null());
    run(node, "componentize-js").map_err(explained)?;
    fs::read(&out).into_diagnostic().wrap_err("componentize-js wrote nothing")
}

fn explained(error: miette::Report) -> miette::Report {
    let runs = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match runs {
        Ok(_) => error,
        Err(why) => miette!(help = "install Node.js 20 or later: https://nodejs.org", "node could not be run: {why}"),
    }
}

/// The package's folder: the project's own, else the one the environment names.
fn tool(dir: &Path) -> miette::Result<PathBuf> {
    let is_there = |folder: &PathBuf| folder.join("package.json").is_file();
    let own = dir.join("node_modules").join(PACKAGE);
    if is_there(&own) {
        return std::path::absolute(own).into_diagnostic();
    }
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let places = named
        .iter()
        .flat_map(|folder| [folder.clone(), folder.join(PACKAGE), folder.join("node_modules").join(PACKAGE)]);
    let found = places.filter(|folder| folder.ends_with(PACKAGE)).find(is_there);
    found.map_or_else(|| Err(missing(dir, named.as_deref())), |folder| std::path::absolute(folder).into_diagnostic())
}

fn missing(dir: &Path, named: Option<&Path>) -> miette::Report {
    let also = named
        .map_or_else(|| format!("{VARIABLE} is not set"), |named| format!("nor in {VARIABLE}={}", named.display()));
    miette!(
        help = format!(
            "in {}: npm install\n(its package.json asks for {PACKAGE} 0.23.0 and @bytecodealliance/preview2-shim 0.17, which it needs beside it);\n\
             or set {VARIABLE} to a folder where they are installed already",
            dir.display()
        ),
        "a plugin in JavaScript is built by componentize-js, which is not in {} ({also})",
        dir.join("node_modules").display()
    )
}
