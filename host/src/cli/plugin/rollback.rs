//! `plugin rollback` and `plugin promote`: an operator decides what a trial comes to, or goes back from a version.

use std::{process::ExitCode, sync::Arc};

use miette::{IntoDiagnostic, miette};

use super::everywhere;
use crate::{
    adapter::{bucket::Bucket, queue::Lock},
    cli::{ConfigFlags, Outcome, block_on, boot, operate::Running},
    config::Checked,
    engine::sources,
    plugin::ledger::Ledger,
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// What pipeline.toml calls the plugin.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) config: ConfigFlags,
}

/// Goes back to the version before: at once in the engine that runs, else for the next one.
pub(super) fn rollback(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config.clone().into())?;
    let answered = block_on(async {
        match Running::find(&pipeline).await? {
            Some(running) => running.post(&["api", "plugins", &args.name, "rollback"]).await.map(Some),
            None => Ok(None),
        }
    })??;
    match answered {
        Some(back) => {
            let text = |name: &str| back[name].as_str().unwrap_or_default();
            println!("{}: version {} ({:.12}) is in force again", args.name, text("version"), text("digest"));
        }
        None => match shared(&pipeline, &args.name) {
            Some((bucket, name)) => {
                let back = block_on(everywhere::roll_back(&*bucket, &name))??;
                println!("{name}: version {} ({:.12}) is in force again", back.version, back.digest);
            }
            None => on_disk(&pipeline, &args.name)?,
        },
    }
    heard(&pipeline, &args.name)
}

/// Gives the version on trial to everyone.
pub(super) fn promote(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config.clone().into())?;
    block_on(async {
        match Running::find(&pipeline).await? {
            Some(running) => running.post(&["api", "plugins", &args.name, "promote"]).await.map(|_| ()),
            None => match shared(&pipeline, &args.name) {
                Some((bucket, name)) => everywhere::promote(&*bucket, &name).await,
                None => Err(miette!(help = "start it with `wtaf-host run`", "no engine answers: nothing is on trial")),
            },
        }
    })??;
    println!("{}: everyone gets the version that was on trial", args.name);
    heard(&pipeline, &args.name)
}

/// The bucket and what it calls the plugin, where plugins come from one.
fn shared(pipeline: &Checked, name: &str) -> Option<(Arc<dyn Bucket>, String)> {
    let source = sources(pipeline).into_iter().find(|source| source.key() == name || source.name() == name)?;
    Some((everywhere::bucket_of(pipeline, &source)?, source.name()))
}

/// A line a node, where there are several.
fn heard(pipeline: &Checked, name: &str) -> Outcome {
    let Some((bucket, name)) = shared(pipeline, name) else { return Ok(ExitCode::SUCCESS) };
    let well = block_on(everywhere::wait_for_nodes(&*bucket, &name))??;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn on_disk(pipeline: &Checked, name: &str) -> miette::Result<()> {
    // The worker's lock: an engine that runs and does not answer us is not written behind its back.
    let _ours = Lock::worker(&pipeline.data_dir).into_diagnostic()?;
    let source = sources(pipeline)
        .into_iter()
        .find(|source| source.key() == name || source.name() == name)
        .ok_or_else(|| miette!("no stage of the pipeline runs a plugin called {name}"))?;
    let mut ledger = Ledger::open(&pipeline.data_dir).into_diagnostic()?;
    let entry = ledger.entry(&source.key()).cloned();
    let before = entry.as_ref().and_then(|entry| entry.before.first().cloned());
    let (Some(entry), Some(before)) = (entry, before) else {
        return Err(miette!("there is no version of {name} before the one in force"));
    };
    let (version, digest) = (before.version.clone(), before.digest.clone());
    ledger.rolled_back(&source.key(), &entry.in_force.digest, before, "an operator went back").into_diagnostic()?;
    println!("{name}: the next start begins with version {version} ({digest:.12})");
    Ok(())
}
