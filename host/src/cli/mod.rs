//! The command line: one file a verb. What their exit codes say stands in `exits`.

mod boot;
mod check;
mod doctor;
mod exits;
mod graph;
mod init;
mod jobs;
mod man;
mod migrate;
mod operate;
mod people;
mod plugin;
mod progress;
#[cfg(test)]
mod reference;
mod replay;
mod run;
mod schema;
mod send;
mod status;
mod systemd;
mod tap;
mod test;

pub use exits::BAD_CONFIG;

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

#[derive(Parser)]
#[command(
    name = "wtaf-host",
    version,
    about = "Texts and chats in, live web pages out",
    long_about = "Runs pipeline.toml: every text or chat becomes a job that goes through its stages and ends in a live page.",
    after_help = "Start here:\n  wtaf-host run pipeline.toml          then open http://localhost:3030/phone\n  \
                  wtaf-host check pipeline.toml        every problem in the file at once\n  \
                  wtaf-host send \"wtaf a snake game\"   be a texter from the shell\n\n\
                  Exit codes: 0 done, 1 failed, 2 usage, 78 bad configuration"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// Which file, and what to read differently.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct ConfigArgs {
    /// The pipeline.
    #[arg(default_value = "pipeline.toml", value_name = "FILE")]
    pub file: PathBuf,
    /// Override any key, such as server.listen=127.0.0.1:4040 (repeatable).
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// The same, for verbs whose first argument is something else.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct ConfigFlags {
    /// The pipeline.
    #[arg(long = "config", default_value = "pipeline.toml", value_name = "FILE")]
    pub file: PathBuf,
    /// Override any key (repeatable).
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl From<ConfigFlags> for ConfigArgs {
    fn from(flags: ConfigFlags) -> Self {
        Self { file: flags.file, set: flags.set }
    }
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the engine until it is told to stop (Ctrl-C or SIGTERM: what is in hand is finished first).
    Run(run::Args),
    /// Write a pipeline.toml to begin with, by asking three questions.
    Init(init::Args),
    /// Find every problem in a pipeline at once.
    #[command(after_help = "Examples:\n  wtaf-host check\n  wtaf-host check other.toml --set limits.enabled=false\n  \
                            wtaf-host check --format json | jq -r '.[].message'")]
    Check {
        #[command(flatten)]
        config: ConfigArgs,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
    },
    /// Try the cases written in a pipeline: its plugins for real, and nobody texted, no AI asked, nothing kept.
    Test(test::Args),
    /// Look at everything the pipeline needs, for real (database, disk, keys, numbers, plugins), and say what to do.
    Doctor(doctor::Args),
    /// Print the JSON Schema of pipeline.toml.
    #[command(
        after_help = "Examples:\n  wtaf-host schema > pipeline.schema.json      and first in pipeline.toml: #:schema ./pipeline.schema.json"
    )]
    Schema,
    /// Draw the pipeline as a Mermaid flowchart.
    #[command(
        after_help = "Examples:\n  wtaf-host graph\n  wtaf-host graph other.toml > pipeline.mmd    which editors and forges draw"
    )]
    Graph(ConfigArgs),
    /// Text the engine from the shell and wait for the page.
    Send(send::Args),
    /// See how the engine that runs is.
    Status(status::Args),
    /// Watch what the plugins of a stage are asked and answer, as jobs go by.
    Tap(tap::Args),
    /// Look at jobs, bring failed ones back.
    #[command(subcommand)]
    Jobs(jobs::Verb),
    /// See, give out and erase what is kept about people.
    #[command(subcommand)]
    People(people::Verb),
    /// Look at plugins.
    #[command(subcommand)]
    Plugin(plugin::Verb),
    /// Bring the database's tables up to date.
    Migrate(migrate::Args),
    /// Print completions for a shell.
    #[command(
        after_help = "Examples:\n  wtaf-host completions bash > ~/.local/share/bash-completion/completions/wtaf-host\n  \
                            wtaf-host completions zsh > ~/.zfunc/_wtaf-host\n  \
                            wtaf-host completions fish > ~/.config/fish/completions/wtaf-host.fish"
    )]
    Completions {
        /// Which one.
        shell: clap_complete::Shell,
    },
    /// Print the manual's first page, or write a page for each verb.
    Man(man::Args),
}

/// What a verb can fail with, at the edge.
pub(crate) enum Fatal {
    /// The configuration has faults.
    Config(crate::config::Faults),
    /// Anything else, told by miette.
    Other(miette::Report),
}

impl From<crate::config::Faults> for Fatal {
    fn from(faults: crate::config::Faults) -> Self {
        Self::Config(faults)
    }
}

impl From<miette::Report> for Fatal {
    fn from(report: miette::Report) -> Self {
        Self::Other(report)
    }
}

pub(crate) type Outcome = Result<ExitCode, Fatal>;

/// Parses the command line, does it, and says how it went.
pub fn main() -> ExitCode {
    end_with_the_reader();
    let outcome = match Cli::parse().verb {
        Verb::Run(args) => run::run(&args),
        Verb::Init(args) => init::init(&args),
        Verb::Check { config, format } => Ok(check_file(&config, format)),
        Verb::Test(args) => test::test(&args),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Schema => {
            print!("{}", schema::run());
            Ok(ExitCode::SUCCESS)
        }
        Verb::Graph(config) => {
            graph::run(&config.file, &config.set, &crate::engine::Components).map_err(Fatal::Config).map(|picture| {
                print!("{picture}");
                ExitCode::SUCCESS
            })
        }
        Verb::Send(args) => send::send(&args),
        Verb::Status(args) => status::status(&args),
        Verb::Tap(args) => tap::tap(&args),
        Verb::Jobs(verb) => jobs::jobs(verb),
        Verb::People(verb) => people::people(verb),
        Verb::Plugin(verb) => plugin::plugin(verb),
        Verb::Migrate(args) => migrate::migrate(&args),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "wtaf-host", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Verb::Man(args) => man::man(&args, Cli::command()),
    };
    match outcome {
        Ok(code) => code,
        Err(Fatal::Config(faults)) => {
            eprint!("{}", faults.render(colour(&std::io::stderr())));
            ExitCode::from(BAD_CONFIG)
        }
        Err(Fatal::Other(report)) => {
            eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}

fn check_file(config: &ConfigArgs, format: OutputFormat) -> ExitCode {
    let form = match format {
        OutputFormat::Json => check::Form::Json,
        OutputFormat::Text => check::Form::Text { color: colour(&std::io::stdout()) },
    };
    let verdict = check::run(&config.file, &config.set, &crate::engine::Components, form);
    print!("{}", verdict.text);
    if verdict.good { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIG) }
}

/// Whoever reads what is printed may stop (`| head`): that is no fault of ours to report. The shell's own code for it is given.
fn end_with_the_reader() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|why| why.starts_with("failed printing to stdout: Broken pipe")) {
            std::process::exit(141);
        }
        report(panic);
    }));
}

/// Colour is for terminals, and for people who have not said no (no-color.org).
fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Runs a future on a small runtime, for the verbs that need one.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> miette::Result<T> {
    use miette::IntoDiagnostic;

    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build().into_diagnostic()?.block_on(future))
}
