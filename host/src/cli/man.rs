//! `wtaf-host man`: the manual's pages, from the same words as `--help`.

use std::{path::PathBuf, process::ExitCode};

use miette::{IntoDiagnostic, WrapErr};

use super::Outcome;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host man | man -l -\n  wtaf-host man --out /usr/local/share/man/man1      a page for each verb"
)]
pub(super) struct Args {
    /// A folder for the pages of all verbs; unset, the first page goes to the output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the first page, or writes them all.
pub(super) fn man(args: &Args, command: clap::Command) -> Outcome {
    match &args.out {
        Some(folder) => {
            std::fs::create_dir_all(folder).into_diagnostic().wrap_err_with(|| folder.display().to_string())?;
            clap_mangen::generate_to(command, folder).into_diagnostic()?;
            println!("the manual is in {}", folder.display());
        }
        None => clap_mangen::Man::new(command).render(&mut std::io::stdout()).into_diagnostic()?,
    }
    Ok(ExitCode::SUCCESS)
}
