//! `wtaf-host plugin`: what plugins there are and what one is; new ones, from a project to a component.

mod build;
mod export;
mod inspect;
mod list;
mod new;

use std::path::PathBuf;

use super::{ConfigFlags, Outcome, OutputFormat};

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
    /// Begin a plugin: a project that builds, tests and installs as it stands.
    New(new::Args),
    /// Make a plugin of a project, and again on every save with --watch.
    Build(build::Args),
}

/// Does one of them.
pub(super) fn plugin(verb: Verb) -> Outcome {
    match verb {
        Verb::List { config, format } => list::list(config, format),
        Verb::Inspect { file, format } => inspect::inspect(&file, format),
        Verb::Export { name, out } => export::export(&name, &out),
        Verb::New(args) => new::new(&args),
        Verb::Build(args) => build::build(&args),
    }
}
