//! `plugin list`: what is in force, on trial, before and set aside; of the engine that runs, else of what the next one would begin with.

use std::{path::Path, process::ExitCode};

use miette::IntoDiagnostic;
use serde_json::{Value, json};

use super::{everywhere, readable_diff};
use crate::{
    cli::{ConfigFlags, Outcome, OutputFormat, block_on, boot, operate::Running},
    config::{Checked, PluginSource, Runs, Stage},
    engine::sources,
    plugin::{self, Shelf, ledger::Ledger},
};

/// A line a plugin, and what is to be known of it below.
pub(super) fn list(config: ConfigFlags, format: OutputFormat) -> Outcome {
    let pipeline = boot::load_to_run(&config.into())?;
    let running = block_on(async {
        match Running::find(&pipeline).await? {
            Some(running) => running.plugins().await.map(Some),
            None => Ok(None),
        }
    })?;
    let (rows, runs) = match running {
        Ok(Some(shown)) => (shown["plugins"].as_array().cloned().unwrap_or_default(), true),
        // An engine that we may not operate is as good as none: what is on the disk can still be read.
        Ok(None) | Err(_) => (on_disk(&pipeline)?, false),
    };
    let mut rows = rows;
    if let Some(bucket) = boot::bucket(&pipeline, None).filter(|_| !runs)
        && let Err(error) = block_on(everywhere::add_to(&*bucket, &mut rows))?
    {
        eprintln!("{}: {error}; this is what is known here", bucket.called());
    }
    match format {
        OutputFormat::Json => println!("{:#}", Value::Array(rows)),
        OutputFormat::Text => {
            if !runs {
                println!("No engine answers: this is what the next one begins with.");
            }
            rows.iter().for_each(print);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn on_disk(pipeline: &Checked) -> miette::Result<Vec<Value>> {
    let ledger = Ledger::look(&pipeline.data_dir).into_diagnostic()?;
    let shelf = Shelf::new(&pipeline.data_dir);
    let mut rows = Vec::new();
    for source in sources(pipeline) {
        let entry = ledger.entry(&source.key());
        let kept = entry.and_then(|entry| shelf.get(&entry.in_force.digest).ok());
        let bytes = match kept {
            Some(bytes) => bytes,
            None => plugin::component(&source, &pipeline.plugins.dir, &shelf).into_diagnostic()?,
        };
        let about = plugin::about(&bytes).into_diagnostic()?;
        rows.push(json!({
            "name": source.name(),
            "plugin": source.key(),
            "role": about.role.as_str(),
            "stages": stages(pipeline, &source),
            "from": from(&source, &pipeline.plugins.dir),
            "version": about.version,
            "digest": plugin::digest_of(&bytes),
            "before": entry.map(|entry| &entry.before),
            "set_aside": entry.map(|entry| &entry.set_aside),
            "trial": Value::Null,
        }));
    }
    Ok(rows)
}

fn stages(pipeline: &Checked, source: &PluginSource) -> Vec<String> {
    let runs = |stage: &&Stage| matches!(&stage.runs, Runs::Plugin { source: named, .. } if named == source);
    pipeline.stages.iter().filter(runs).map(|stage| stage.name.clone()).collect()
}

fn from(source: &PluginSource, dir: &Path) -> String {
    match source {
        PluginSource::Named(name) if !dir.join(format!("{name}.wasm")).exists() => "built in".into(),
        PluginSource::Named(name) => dir.join(format!("{name}.wasm")).display().to_string(),
        other => other.key(),
    }
}

fn print(row: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = format!(
        "{:<14} {:<8} {:<10} {:.12}  {}",
        text(&row["name"]),
        text(&row["role"]),
        text(&row["version"]),
        text(&row["digest"]),
        text(&row["from"])
    );
    println!("{}", line.trim_end());
    let trial = &row["trial"];
    if trial.is_object() {
        let counts = &trial["counts"];
        println!(
            "  on trial     {:<10} {:.12}  {}: {} jobs, {} strikes; as a shadow {} calls, {} answered otherwise, {} not at all",
            text(&trial["version"]),
            text(&trial["digest"]),
            mode(&trial["mode"]),
            counts["jobs"],
            counts["strikes"],
            counts["shown"],
            counts["differences"],
            counts["faults"]
        );
    }
    for difference in trial["differences"].as_array().into_iter().flatten() {
        println!("  differs      job {}, stage {}", text(&difference["job"]), text(&difference["stage"]));
        print!("{}", readable_diff(&difference["before"], &difference["after"]));
    }
    for version in row["before"].as_array().into_iter().flatten() {
        println!("  before       {:<10} {:.12}", text(&version["version"]), text(&version["digest"]));
    }
    for aside in row["set_aside"].as_array().into_iter().flatten() {
        println!("  set aside    {:<10} {:.12}  {}", "", text(&aside["digest"]), text(&aside["why"]));
    }
    for node in row["nodes"].as_array().into_iter().flatten() {
        if let Some(line) = everywhere::shown(node) {
            println!("  node       {line}");
        }
    }
    for grant in row["idle_grants"].as_array().into_iter().flatten() {
        println!("  never used   grant {}", text(grant));
    }
}

fn mode(mode: &Value) -> String {
    match (mode.as_str(), mode["canary"].as_u64()) {
        (Some(word), _) => word.to_owned(),
        (_, Some(share)) => format!("canary, {share} people in 100"),
        _ => String::new(),
    }
}
