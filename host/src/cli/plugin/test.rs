//! `plugin test`: a plugin on its own examples and on recorded jobs, in an engine that counts every instruction and leaves nothing to chance.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::json;
use wtaf_plugin_pack::Manifest;

use super::{ConfigFlags, Outcome, OutputFormat, readable_diff};
use crate::{
    cli::{block_on, boot},
    config::{Checked, Runs},
    plugin::{
        Engines, Grants, Limits, Plugin, Recorded, Recordings, Sandbox,
        rehearsal::{Programme, Rehearsal, Verdict, rehearse},
    },
};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  wtaf-host plugin test my-names/my-names.wasm\n  \
                        wtaf-host plugin test my-names.wasm --name slug --recorded 200     on what slug was asked lately")]
pub(in crate::cli) struct Args {
    /// The component.
    component: PathBuf,
    /// The plugin of the pipeline whose recorded calls it is tried on; unset: the name in its manifest.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How many recorded calls; 0: its own examples only.
    #[arg(long, default_value_t = 20)]
    recorded: usize,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
    #[command(flatten)]
    config: ConfigFlags,
}

/// Tries it. Exit code 1 where it fails, or where there is nothing to try it on.
pub(super) fn test(args: &Args) -> Outcome {
    let bytes =
        std::fs::read(&args.component).into_diagnostic().wrap_err_with(|| args.component.display().to_string())?;
    let manifest = Manifest::of(&bytes).into_diagnostic()?;
    let name = args.name.clone().or_else(|| manifest.as_ref().map(|manifest| manifest.name.clone()));
    // Without a pipeline there is nothing recorded, and its own examples are tried all the same.
    let pipeline = if args.config.file.exists() { Some(boot::load_to_run(&args.config.clone().into())?) } else { None };
    let recorded = match (&pipeline, &name) {
        (Some(pipeline), Some(name)) => recorded(pipeline, name, args.recorded)?,
        _ => Vec::new(),
    };
    let rehearsal = try_in_the_lab(&bytes, manifest.clone(), recorded, pipeline.as_ref(), name.as_deref())?;
    match args.format {
        OutputFormat::Json => println!("{:#}", json!(rehearsal)),
        OutputFormat::Text => print(&rehearsal, manifest.and_then(|manifest| manifest.budget)),
    }
    Ok(if rehearsal.verdict() == Verdict::Passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn recorded(pipeline: &Checked, name: &str, most: usize) -> miette::Result<Vec<Arc<Recorded>>> {
    if !pipeline.data_dir.join("recordings").exists() || most == 0 {
        return Ok(Vec::new());
    }
    let recordings = Recordings::open(&pipeline.data_dir, usize::MAX, true).into_diagnostic()?;
    recordings.warm();
    let sources = crate::engine::sources(pipeline);
    let key = sources.iter().find(|source| source.key() == name || source.name() == name);
    Ok(key.map(|source| recordings.last(&source.key(), most)).unwrap_or_default())
}

/// Tries a component where every instruction is counted.
pub(super) fn try_in_the_lab(
    bytes: &[u8],
    manifest: Option<Manifest>,
    recorded: Vec<Arc<Recorded>>,
    pipeline: Option<&Checked>,
    name: Option<&str>,
) -> miette::Result<Rehearsal> {
    let engines = pipeline.map(|pipeline| Engines::of(pipeline)).unwrap_or_default();
    let sandbox = Sandbox::lab_of(&engines).map_err(|error| miette!("the WebAssembly engine: {error:#}"))?;
    let plugin = Arc::new(Plugin::load(&sandbox, name.unwrap_or("plugin"), bytes).into_diagnostic()?);
    let programme = Programme { own_words: true, ..Programme::new(manifest, recorded) };
    let allowed = |stage: &str| pipeline.and_then(|pipeline| allowed(pipeline, stage, name)).unwrap_or_default();
    block_on(rehearse(&plugin, programme, allowed))
}

fn allowed(pipeline: &Checked, stage: &str, name: Option<&str>) -> Option<(Limits, Grants)> {
    let runs = |stage: &&crate::config::Stage| match &stage.runs {
        Runs::Plugin { source, .. } => name.is_some_and(|name| source.key() == name || source.name() == name),
        Runs::Adapter(_) => false,
    };
    let named = pipeline.stages.iter().find(|known| known.name == stage);
    named
        .or_else(|| pipeline.stages.iter().find(runs))
        .map(|stage| (Limits::of(&pipeline.plugins, stage), Grants::of(stage)))
}

fn print(rehearsal: &Rehearsal, budget: Option<u64>) {
    for cost in &rehearsal.costs {
        let failed = rehearsal.failures.iter().find(|failed| failed.what == format!("example \"{}\"", cost.example));
        let mark = if failed.is_some() { "FAILED" } else { "ok" };
        let of_budget = budget
            .zip(cost.fuel)
            .map(|(budget, fuel)| format!(" ({} % of its budget)", fuel.saturating_mul(100) / budget.max(1)))
            .unwrap_or_default();
        println!(
            "{mark:<7} {}  {} fuel{of_budget}, {} KiB",
            cost.example,
            cost.fuel.unwrap_or_default(),
            cost.memory / 1024
        );
    }
    for difference in &rehearsal.differences {
        println!("differs {}", difference.what);
        print!("{}", readable_diff(&difference.before, &difference.after));
    }
    for failed in &rehearsal.failures {
        println!("FAILED  {}: {}", failed.what, failed.why);
    }
    println!("{}", rehearsal.words());
}
