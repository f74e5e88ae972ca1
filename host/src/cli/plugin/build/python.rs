//! Python: componentize-py puts a Python around the project's `plugin.py`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use miette::{IntoDiagnostic, WrapErr, miette};

use super::{contract, run};

const TOOL: &str = "componentize-py";
const VARIABLE: &str = "WTAF_COMPONENTIZE_PY";

/// The module that is built: the plugin's own class, with its exceptions turned into errors that can be read. Uncaught, they reach the host as a bare
/// `unreachable`.
const ENTRY: &str = r#"
import traceback

from componentize_py_types import Err
from wit_world.imports.types import StageError_Internal

import plugin


def readable(call):
    def called(*given):
        try:
            return call(*given)
        except Err:
            raise
        except Exception as error:
            raise Err(StageError_Internal("".join(traceback.format_exception(error))))

    return called


class {Role}(plugin.{Role}):
    pass


for name in [name for name in dir(plugin.{Role}) if not name.startswith("_")]:
    method = getattr(plugin.{Role}, name)
    if callable(method):
        setattr({Role}, name, readable(method))
"#;

/// Builds the project's `plugin.py`.
pub(super) fn component(dir: &Path, role: &str) -> miette::Result<Vec<u8>> {
    let tool = tool(dir)?;
    let dir = std::path::absolute(dir).into_diagnostic()?;
    let scratch = tempfile::tempdir().into_diagnostic()?;
    let out = scratch.path().join("plugin.wasm");
    fs::write(scratch.path().join("wtaf_entry.py"), ENTRY.replace("{Role}", &class_of(role))).into_diagnostic()?;
    let mut python = Command::new(tool);
    python
        .arg("--quiet")
        .arg("--wit-path")
        .arg(contract(&dir, scratch.path())?)
        .args(["--world", &format!("{role}-plugin")]);
    python.args(["componentize", "wtaf_entry", "--python-path"]).arg(scratch.path()).arg("--python-path").arg(&dir);
    python.arg("--output").arg(&out);
    python.current_dir(&dir).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stdout(Stdio::null());
    run(python, TOOL)?;
    fs::read(&out).into_diagnostic().wrap_err("componentize-py wrote nothing")
}

/// `slug` is exported by the class `Slug`.
fn class_of(role: &str) -> String {
    let (first, rest) = role.split_at(1);
    first.to_uppercase() + rest
}

/// The project's own, else the one the environment names, else the one on the path.
fn tool(dir: &Path) -> miette::Result<PathBuf> {
    let own = [".venv", "venv"].map(|venv| dir.join(venv).join("bin").join(TOOL));
    if let Some(own) = own.into_iter().find(|tool| tool.is_file()) {
        return std::path::absolute(own).into_diagnostic();
    }
    if let Some(named) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        return if named.is_file() {
            std::path::absolute(named).into_diagnostic()
        } else {
            Err(missing(dir, &format!("{VARIABLE}={} is no file", named.display())))
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(TOOL)).find(|tool| tool.is_file());
    on_path.ok_or_else(|| missing(dir, "it is not on the PATH either"))
}

fn missing(dir: &Path, also: &str) -> miette::Report {
    miette!(
        help = format!(
            "in {}: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n(which asks for {TOOL} 0.25.1);\n\
             or set {VARIABLE} to a {TOOL} that is installed already",
            dir.display()
        ),
        "a plugin in Python is built by {TOOL}, which is not in {} ({also})",
        dir.join(".venv").display()
    )
}
