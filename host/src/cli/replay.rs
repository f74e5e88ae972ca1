//! `jobs replay`: a job's plugin calls, put again to the versions that answered them, or to others. Nothing but the sandbox runs: no AI, no text, no page.

use std::{collections::HashMap, path::PathBuf, process::ExitCode, sync::Arc};

use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::{Value, json};

use super::{ConfigFlags, Outcome, OutputFormat, block_on, boot, plugin::readable_diff};
use crate::{
    config::Checked,
    job::JobId,
    plugin::{Engines, Grants, Limits, Plugin, Recorded, Recordings, Registry, Sandbox},
};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host jobs replay 01K6…                            do the same versions give the same answers?\n  \
                  wtaf-host jobs replay 01K6… --with slug=./new.wasm     what would another one have said?"
)]
pub(super) struct Args {
    /// The job.
    id: JobId,
    /// Put a plugin's calls to another component: slug=./new.wasm (repeatable).
    #[arg(long, value_name = "PLUGIN=FILE")]
    with: Vec<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
    #[command(flatten)]
    config: ConfigFlags,
}

/// One call, then and now.
struct Replayed {
    recorded: Recorded,
    version: String,
    digest: String,
    now: Value,
    then: Value,
    fuel: Option<u64>,
    failed: bool,
    swapped: bool,
}

impl Replayed {
    /// To the byte: what is recorded is compared as it is written.
    fn same(&self) -> bool {
        let (now, then) = (self.now.to_string(), self.then.to_string());
        now == then
    }
}

/// Replays a job. Exit code 1 where a version does not give its own answer again, or where another gives none.
pub(super) fn replay(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config.clone().into())?;
    let recordings = Recordings::open(&pipeline.data_dir, usize::MAX, true).into_diagnostic()?;
    let calls = recordings.of(args.id).into_diagnostic()?;
    if calls.is_empty() {
        return Err(miette!(
            help = "plugins.record says how many jobs are kept",
            "nothing is recorded of job {}",
            args.id
        )
        .into());
    }
    if calls.iter().any(|call| call.without_words) {
        return Err(miette!(
            "job {} was recorded without words (plugins.record_words): it cannot be replayed",
            args.id
        )
        .into());
    }
    let lab = Lab::new(&pipeline, &args.with)?;
    let mut replayed = Vec::new();
    for call in calls {
        replayed.push(lab.replay(call)?);
    }
    if let Some(unused) = lab
        .others
        .keys()
        .find(|name| !replayed.iter().any(|call| call.recorded.plugin == **name || call.recorded.stage == **name))
    {
        return Err(miette!(
            "job {} called no plugin {unused}: --with takes the names that are listed without it",
            args.id
        )
        .into());
    }
    match args.format {
        OutputFormat::Json => println!("{:#}", Value::Array(replayed.iter().map(as_json).collect())),
        OutputFormat::Text => replayed.iter().for_each(print),
    }
    let wrong = |call: &Replayed| if call.swapped { call.failed } else { !call.same() };
    Ok(if replayed.iter().any(wrong) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

struct Lab<'a> {
    pipeline: &'a Checked,
    registry: Registry,
    others: HashMap<String, Arc<Plugin>>,
}

impl<'a> Lab<'a> {
    fn new(pipeline: &'a Checked, with: &[String]) -> miette::Result<Self> {
        let sandbox =
            Sandbox::lab_of(&Engines::of(pipeline)).map_err(|error| miette!("the WebAssembly engine: {error:#}"))?;
        let registry = Registry::new(sandbox, &pipeline.plugins.dir, &pipeline.data_dir);
        let mut others = HashMap::new();
        for pair in with {
            let (name, file) =
                pair.split_once('=').ok_or_else(|| miette!("--with takes PLUGIN=FILE, such as slug=./new.wasm"))?;
            let file = PathBuf::from(file);
            let bytes = std::fs::read(&file).into_diagnostic().wrap_err_with(|| file.display().to_string())?;
            others.insert(name.to_owned(), registry.compile(name, &bytes).into_diagnostic()?);
        }
        Ok(Self { pipeline, registry, others })
    }

    fn replay(&self, recorded: Recorded) -> miette::Result<Replayed> {
        let other = self.others.get(&recorded.plugin).or_else(|| self.others.get(&recorded.stage));
        let plugin = match other {
            Some(plugin) => Arc::clone(plugin),
            None => self.registry.version(&recorded.plugin, &recorded.digest).into_diagnostic()?,
        };
        let stage = self.pipeline.stages.iter().find(|stage| stage.name == recorded.stage);
        let allowed = stage.map(|stage| (Limits::of(&self.pipeline.plugins, stage), Grants::of(stage)));
        let (limits, grants) = allowed.unwrap_or_default();
        let asked = block_on(plugin.ask(Arc::new(recorded.call(limits, grants))))?;
        Ok(Replayed {
            version: plugin.about.version.clone(),
            digest: plugin.digest.clone(),
            now: asked.came_of_it(),
            then: recorded.came_of_it(),
            fuel: asked.used.fuel,
            failed: asked.outcome.is_err(),
            swapped: other.is_some(),
            recorded,
        })
    }
}

fn print(call: &Replayed) {
    let verdict = if call.same() { "same" } else { "differs" };
    println!(
        "{:<10} {:<8} {:<10} {:.12}  {verdict}  {} fuel",
        call.recorded.stage,
        call.recorded.question.function(),
        call.version,
        call.digest,
        call.fuel.unwrap_or_default()
    );
    if !call.same() {
        print!("{}", readable_diff(&call.then, &call.now));
    }
}

fn as_json(call: &Replayed) -> Value {
    json!({
        "stage": call.recorded.stage,
        "plugin": call.recorded.plugin,
        "function": call.recorded.question.function(),
        "recorded_digest": call.recorded.digest,
        "digest": call.digest,
        "version": call.version,
        "same": call.same(),
        "fuel": call.fuel,
        "before": call.then,
        "after": call.now,
    })
}
