//! `wtaf-host migrate`: the database's tables, brought up to date.

use std::process::ExitCode;

use miette::IntoDiagnostic;

use super::{ConfigArgs, Outcome, block_on, boot};
use crate::adapter::store;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the SQL and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Applies what is missing, or prints it.
pub(super) fn migrate(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config)?;
    if args.dry_run {
        print!("{}", store::migrations_sql(&pipeline.store.url));
        return Ok(ExitCode::SUCCESS);
    }
    let applied = block_on(store::migrate(&pipeline.store.url))?.into_diagnostic()?;
    if applied.is_empty() {
        println!("The tables are up to date.");
    }
    for name in applied {
        println!("applied {name}");
    }
    Ok(ExitCode::SUCCESS)
}
