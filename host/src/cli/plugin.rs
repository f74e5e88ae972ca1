//! `wtaf-host plugin`: what plugins there are, what one is, a copy of a built-in one.

use std::{path::PathBuf, process::ExitCode};

use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ConfigFlags, Outcome, OutputFormat, boot};
use crate::{
    config::{PluginSource, Runs},
    plugin::{self, Engines, Registry, Sandbox},
};

#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// The plugins of a pipeline: where each comes from, its version and digest.
    List {
        #[command(flatten)]
        config: ConfigFlags,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
    },
    /// What a component is and what it may do, in words.
    Inspect {
        /// The component.
        file: PathBuf,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
    },
    /// Write a built-in plugin to a file.
    Export {
        /// coach, prompt, extract or slug.
        name: String,
        /// Where to.
        #[arg(long)]
        out: PathBuf,
    },
}

/// Does one of them.
pub(super) fn plugin(verb: Verb) -> Outcome {
    match verb {
        Verb::List { config, format } => list(config, format),
        Verb::Inspect { file, format } => inspect(&file, format),
        Verb::Export { name, out } => export(&name, &out),
    }
}

fn list(config: ConfigFlags, format: OutputFormat) -> Outcome {
    let pipeline = boot::load(&config.into())?;
    let sandbox = Sandbox::new(&Engines::default()).map_err(|error| miette!("the WebAssembly engine: {error:#}"))?;
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

fn from(source: &PluginSource, dir: &std::path::Path) -> String {
    match source {
        PluginSource::Named(name) => {
            let file = dir.join(format!("{name}.wasm"));
            if file.exists() { file.display().to_string() } else { "built in".into() }
        }
        PluginSource::Path(path) => path.display().to_string(),
        PluginSource::Digest(digest) => digest.clone(),
    }
}

fn inspect(file: &std::path::Path, format: OutputFormat) -> Outcome {
    let bytes = std::fs::read(file).into_diagnostic().wrap_err_with(|| file.display().to_string())?;
    let about = plugin::about(&bytes).into_diagnostic().wrap_err_with(|| file.display().to_string())?;
    let digest = hex::encode(Sha256::digest(&bytes));
    match format {
        OutputFormat::Json => println!(
            "{:#}",
            json!({ "role": about.role.as_str(), "version": about.version, "imports": about.imports, "bytes": about.size, "digest": digest })
        ),
        OutputFormat::Text => {
            println!("role     {} (wtaf:stage/{} 0.1)", about.role.as_str(), about.role.as_str());
            println!("version  {}", about.version);
            println!("digest   sha256:{digest}");
            println!("size     {} bytes", about.size);
            match about.imports.as_slice() {
                [] => println!("may      compute, nothing else"),
                imports => println!("may      compute, and call {}", imports.join(", ")),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn export(name: &str, out: &std::path::Path) -> Outcome {
    let embedded = wtaf_bundle::embedded(name)
        .ok_or_else(|| miette!("there is no built-in plugin {name}: there are coach, prompt, extract and slug"))?;
    std::fs::write(out, embedded.bytes).into_diagnostic().wrap_err_with(|| out.display().to_string())?;
    println!("{} ({} bytes)", out.display(), embedded.bytes.len());
    Ok(ExitCode::SUCCESS)
}
