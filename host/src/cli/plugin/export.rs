//! `plugin export`: a copy of a plugin that comes with the engine.

use std::{path::Path, process::ExitCode};

use miette::{IntoDiagnostic, WrapErr, miette};

use crate::cli::Outcome;

/// Writes it.
pub(super) fn export(name: &str, out: &Path) -> Outcome {
    let embedded = wtaf_bundle::embedded(name)
        .ok_or_else(|| miette!("there is no built-in plugin {name}: there are coach, prompt, extract and slug"))?;
    std::fs::write(out, embedded.bytes).into_diagnostic().wrap_err_with(|| out.display().to_string())?;
    println!("{} ({} bytes)", out.display(), embedded.bytes.len());
    Ok(ExitCode::SUCCESS)
}
