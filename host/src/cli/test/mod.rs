//! `wtaf-host test`: tries the cases written in pipeline.toml (`[[test]]`) on the plugins it names, through the engine's own stages.
//!
//! Nothing of it touches the world: texts go nowhere, a script stands in for the AI, and what is kept is kept in a folder that is thrown away. An engine may
//! run on the same data directory meanwhile.

mod came;
mod judge;
mod lab;
mod tell;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use miette::{IntoDiagnostic, miette};
use tokio::sync::Semaphore;

use self::{came::Came, judge::Miss, lab::Lab};
use super::{ConfigArgs, Outcome, OutputFormat, block_on, boot, progress::Progress};
use crate::config::{Case, Checked};

/// No case takes longer, on any machine: a plugin's deadline ends it long before.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wtaf-host test                           every case of ./pipeline.toml
  wtaf-host test --only \"tip calculator\"   those with these words in their name
  wtaf-host test --set stage.slug.plugin=./my-slug.wasm
                                           the same cases on a plugin of your own

A case:
  [[test]]
  name = \"a wish becomes a page\"
  text = \"wtaf a tip calculator\"
  expect = { kind = \"app\", reply = \"tip-calculator\" }

Exit codes: 0 every case passed, 1 a case failed or there is none, 2 usage, 78 bad configuration")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only cases with these words in their name.
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

/// A case that was tried.
struct Tried {
    case: Case,
    took: Duration,
    /// How its job ended, or why it could not be tried.
    came: Result<Came, String>,
    misses: Vec<Miss>,
}

impl Tried {
    fn passed(&self) -> bool {
        self.came.is_ok() && self.misses.is_empty()
    }
}

/// Tries them, side by side. The file alone decides, as with `check`.
pub(super) fn test(args: &Args) -> Outcome {
    let pipeline = boot::load(&args.config)?;
    let wanted = |case: &&Case| args.only.as_ref().is_none_or(|words| case.name.contains(words.as_str()));
    let cases: Vec<Case> = pipeline.tests.iter().filter(wanted).cloned().collect();
    if cases.is_empty() {
        return Err(nothing_to_try(&pipeline, args.only.as_deref()).into());
    }
    let began = Instant::now();
    let tried = block_on(try_all(&pipeline, cases))??;
    match args.format {
        OutputFormat::Json => println!("{:#}", tell::as_json(&pipeline, &tried)),
        OutputFormat::Text => print!("{}", tell::as_text(&pipeline, &tried, began.elapsed())),
    }
    Ok(if tried.iter().all(Tried::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn nothing_to_try(pipeline: &Checked, only: Option<&str>) -> miette::Report {
    let file = pipeline.path().display();
    match only {
        Some(words) if !pipeline.tests.is_empty() => {
            let names: Vec<_> = pipeline.tests.iter().map(|case| format!("\"{}\"", case.name)).collect();
            miette!(help = format!("there are {}", names.join(", ")), "no case of {file} has \"{words}\" in its name")
        }
        _ => miette!(
            help = "write one:\n[[test]]\nname = \"a wish becomes a page\"\ntext = \"wtaf a tip calculator\"\nexpect = { kind = \"app\" }",
            "{file} has no case to try: no [[test]] in it"
        ),
    }
}

async fn try_all(pipeline: &Checked, cases: Vec<Case>) -> miette::Result<Vec<Tried>> {
    let compiling = Progress::of("compiling the plugins");
    let lab = Arc::new(Lab::open(pipeline).await?);
    drop(compiling);
    let progress = Progress::of_many("trying", cases.len());
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    let places = Arc::new(Semaphore::new(at_once));
    let tasks: Vec<_> = cases
        .into_iter()
        .enumerate()
        .map(|(number, case)| {
            let (lab, places) = (Arc::clone(&lab), Arc::clone(&places));
            tokio::spawn(async move {
                // Never closed: it is dropped after the last case.
                let _place = places.acquire_owned().await;
                try_one(&lab, number, case).await
            })
        })
        .collect();
    let mut tried = Vec::new();
    for task in tasks {
        tried.push(task.await.into_diagnostic()?);
        progress.step();
    }
    Ok(tried)
}

async fn try_one(lab: &Lab, number: usize, case: Case) -> Tried {
    let began = Instant::now();
    let came = match tokio::time::timeout(PATIENCE, lab.run(number, &case)).await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(why)) => Err(format!("{why:#}")),
        Err(_) => Err(format!("it did not end in {} s", PATIENCE.as_secs())),
    };
    let misses = came.as_ref().map(|came| judge::misses(&case, came)).unwrap_or_default();
    Tried { case, took: began.elapsed(), came, misses }
}
