//! `plugin list`: the plugins of a pipeline, where each comes from.

use std::{path::Path, process::ExitCode};

use miette::{IntoDiagnostic, miette};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    cli::{ConfigFlags, Outcome, OutputFormat, boot},
    config::{PluginSource, Runs},
    plugin::{self, Registry, Sandbox},
};

/// One line a plugin stage.
pub(super) fn list(config: ConfigFlags, format: OutputFormat) -> Outcome {
    let pipeline = boot::load(&config.into())?;
    let sandbox = Sandbox::new(false).map_err(|error| miette!("the WebAssembly engine: {error:#}"))?;
    let registry = Registry::new(sandbox, &pipeline.plugins.dir, &pipeline.data_dir);
    let mut rows = Vec::new();
    for stage in &pipeline.stages {
        let Runs::Plugin { source, .. } = &stage.runs else { continue };
        let bytes = registry.bytes(source).into_diagnostic()?;
        let about = plugin::about(&bytes).into_diagnostic()?;
        rows.push(json!({
            "stage": stage.name,
            "role": about.role.as_str(),
            "from": from(source, &pipeline.plugins.dir),
            "version": about.version,
            "digest": hex::encode(Sha256::digest(&bytes)),
            "bytes": about.size,
        }));
    }
    match format {
        OutputFormat::Json => println!("{:#}", Value::Array(rows)),
        OutputFormat::Text => rows.iter().for_each(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            println!(
                "{:<12} {:<8} {:<8} {:.12}  {}",
                text("stage"),
                text("role"),
                text("version"),
                text("digest"),
                text("from")
            );
        }),
    }
    Ok(ExitCode::SUCCESS)
}

fn from(source: &PluginSource, dir: &Path) -> String {
    match source {
        PluginSource::Named(name) => {
            let file = dir.join(format!("{name}.wasm"));
            if file.exists() { file.display().to_string() } else { "built in".into() }
        }
        PluginSource::Path(path) => path.display().to_string(),
        PluginSource::Digest(digest) => digest.clone(),
    }
}
