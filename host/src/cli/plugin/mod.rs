//! `wtaf-host plugin`: what plugins there are and what one is; new ones, from a project to a component; another version, tried, in force, and back.

mod build;
mod everywhere;
mod export;
mod inspect;
mod install;
mod list;
mod new;
mod rollback;
mod show;
mod test;
mod trust;
mod uninstall;

use std::path::PathBuf;

use super::{ConfigFlags, Outcome, OutputFormat};

pub(super) use show::readable_diff;

#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// The plugins of a pipeline: what is in force, on trial, before, set aside.
    #[command(
        after_help = "Examples:\n  wtaf-host plugin list\n  wtaf-host plugin list --format json | jq -r '.[] | .name, .version'"
    )]
    List {
        #[command(flatten)]
        config: ConfigFlags,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
    },
    /// What a component is and what it may do, in words.
    #[command(
        after_help = "Examples:\n  wtaf-host plugin inspect my-names/my-names.wasm\n  wtaf-host plugin inspect my-names.wasm --format json"
    )]
    Inspect {
        /// The component.
        file: PathBuf,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
    },
    /// Write a built-in plugin to a file.
    #[command(after_help = "Examples:\n  wtaf-host plugin export slug --out slug.wasm")]
    Export {
        /// coach, prompt, extract or slug.
        name: String,
        /// Where to.
        #[arg(long)]
        out: PathBuf,
    },
    /// Begin a plugin: a project that builds, tests and installs as it stands.
    New(new::Args),
    /// Make a plugin of a project, and again on every save with --watch.
    Build(build::Args),
    /// Try a plugin on its own examples and on recorded jobs; count what it takes.
    Test(test::Args),
    /// Put a plugin in force: checked, tried, and then swapped in while the engine runs.
    Install(install::Args),
    /// Go back to the version before.
    #[command(
        after_help = "Examples:\n  wtaf-host plugin rollback slug\n\nThe engine may run or not; jobs under way end on what they began with."
    )]
    Rollback(rollback::Args),
    /// Remove what was installed: the version built into the engine serves again.
    #[command(after_help = "Examples:\n  wtaf-host plugin uninstall slug")]
    Uninstall(rollback::Args),
    /// Give the version on trial to everyone.
    #[command(
        after_help = "Examples:\n  wtaf-host plugin list                how the trial goes\n  wtaf-host plugin promote slug"
    )]
    Promote(rollback::Args),
    #[command(flatten)]
    Trust(trust::Verb),
}

/// Does one of them.
pub(super) fn plugin(verb: Verb) -> Outcome {
    match verb {
        Verb::List { config, format } => list::list(config, format),
        Verb::Inspect { file, format } => inspect::inspect(&file, format),
        Verb::Export { name, out } => export::export(&name, &out),
        Verb::New(args) => new::new(&args),
        Verb::Build(args) => build::build(&args),
        Verb::Test(args) => test::test(&args),
        Verb::Install(args) => install::install(&args),
        Verb::Rollback(args) => rollback::rollback(&args),
        Verb::Uninstall(args) => uninstall::uninstall(&args),
        Verb::Promote(args) => rollback::promote(&args),
        Verb::Trust(verb) => trust::trust(verb),
    }
}
