//! `wtaf-host migrate`: the database's tables, brought up to date; or what that would do, tried out and undone.

use std::{fmt::Write, process::ExitCode};

use miette::IntoDiagnostic;

use super::{ConfigArgs, Outcome, block_on, boot, progress::Progress};
use crate::adapter::store::{self, Found, Rehearsal, Tried};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host migrate\n  wtaf-host migrate --dry-run > missing.sql   what is missing, as `supabase db push` would apply it; what was found is in its comments"
)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the SQL that is missing and change nothing: it is tried out on the database's own rows, in a transaction that is rolled back.
    #[arg(long)]
    dry_run: bool,
}

/// Applies what is missing, or tries and prints it.
pub(super) fn migrate(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config)?;
    if args.dry_run {
        let rehearsal = block_on(store::rehearse(&pipeline.store.url))?.into_diagnostic()?;
        print!("{}", told(&rehearsal));
        let good = !matches!(rehearsal.tried, Tried::Fails(_));
        return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let progress = Progress::of("bringing the tables up to date");
    let applied = block_on(store::migrate(&pipeline.store.url))?.into_diagnostic()?;
    drop(progress);
    if applied.is_empty() {
        println!("The tables are up to date.");
    }
    for name in applied {
        println!("applied {name}");
    }
    Ok(ExitCode::SUCCESS)
}

/// SQL that can be fed to psql as it is: all else is in comments.
fn told(rehearsal: &Rehearsal) -> String {
    let mut out = String::new();
    for line in verdict(rehearsal) {
        let _ = writeln!(out, "-- {line}");
    }
    for migration in &rehearsal.missing {
        let _ = writeln!(out, "\n-- {}\n{}", migration.name, migration.sql.trim_end());
    }
    out
}

fn verdict(rehearsal: &Rehearsal) -> Vec<String> {
    let count = match rehearsal.missing.len() {
        1 => "One migration is".to_owned(),
        more => format!("{more} migrations are"),
    };
    match &rehearsal.tried {
        Tried::UpToDate => vec!["The tables are up to date.".to_owned()],
        Tried::NoDatabase => vec!["There is no database yet: all of this makes it.".to_owned()],
        Tried::Away(why) => vec![
            format!("The database could not be asked: {why}."),
            "So this is every migration there is, not only what is missing, and nothing was tried.".to_owned(),
        ],
        Tried::Fails(why) => vec![format!("{count} missing."), format!("It does NOT apply, and was undone: {why}.")],
        Tried::Applies { found, took } => {
            let mut lines = vec![format!(
                "{count} missing. Tried on this database in {} ms and undone: all is well.",
                took.as_millis()
            )];
            lines.extend(found.iter().flat_map(adopted));
            lines
        }
    }
}

fn adopted(found: &Found) -> Vec<String> {
    let (before, after) = found.rows;
    let lost = match before - after {
        0 => "none is lost".to_owned(),
        gone => format!("{gone} WOULD BE LOST"),
    };
    let columns = match found.loses.as_slice() {
        [] => "every column stays".to_owned(),
        gone => format!("{} is called otherwise then", gone.join(", ")),
    };
    let mut lines = vec![format!("{}: {before} rows, {lost}; {columns}, {} are added.", found.table, found.gains)];
    lines.extend(found.doubles.iter().map(|(what, n)| {
        let becomes = match what.as_str() {
            "phone_number" => "the oldest keeps the number, the others their slug and pages",
            "slug" => "the oldest keeps the slug, the others get a number after theirs",
            _ => "the newest keeps the address, the others get a number after theirs",
        };
        format!("  {n} of them have the same {what} as another: {becomes}.")
    }));
    lines
}
