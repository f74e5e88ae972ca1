//! `wtaf-host doctor`: looks at everything the pipeline needs, for real, and says what to do about what is not well. `check` reads the file alone.
//!
//! All checks run side by side, each with a time limit. Nothing is changed: what has to be written to find out whether it can be is removed at once, and the one
//! thing that costs money is a call of a few tokens to each AI provider.

mod ai;
mod clock;
mod config;
mod disk;
mod nats;
mod plugins;
mod queue;
mod show;
mod sms;
mod store;
mod web;

use std::{process::ExitCode, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, FutureExt, join_all};

use super::{ConfigArgs, Outcome, OutputFormat, block_on, boot};
use crate::config::Checked;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  wtaf-host doctor                              everything, with what to do\n  \
                        wtaf-host doctor --format json | jq '.[] | select(.state != \"ok\")'\n\n\
                        Exit codes: 0 nothing failed, 1 something did, 78 the file itself is bad (see `wtaf-host check`)")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Well.
    Ok,
    /// It works, and something is to be known.
    Warning,
    /// It does not work.
    Failure,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
struct Finding {
    group: &'static str,
    what: String,
    state: State,
    found: String,
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

/// Findings of one check, without their group.
#[derive(Default)]
struct Notes(Vec<(String, State, String, Option<String>)>);

impl Notes {
    fn ok(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.0.push((what.into(), State::Ok, found.into(), None));
    }

    fn warn(&mut self, what: impl Into<String>, found: impl Into<String>, todo: impl Into<String>) {
        self.0.push((what.into(), State::Warning, found.into(), Some(todo.into())));
    }

    fn fail(&mut self, what: impl Into<String>, found: impl Into<String>, todo: impl Into<String>) {
        self.0.push((what.into(), State::Failure, found.into(), Some(todo.into())));
    }
}

/// Something to look at.
struct Check {
    group: &'static str,
    what: String,
    limit: Duration,
    look: BoxFuture<'static, Notes>,
}

impl Check {
    fn new(
        group: &'static str,
        what: impl Into<String>,
        limit: Duration,
        look: impl Future<Output = Notes> + Send + 'static,
    ) -> Self {
        Self { group, what: what.into(), limit, look: look.boxed() }
    }

    /// One that computes or waits for a disk.
    fn blocking(
        group: &'static str,
        what: impl Into<String>,
        limit: Duration,
        look: impl FnOnce() -> Notes + Send + 'static,
    ) -> Self {
        Self::new(group, what, limit, async move {
            tokio::task::spawn_blocking(look).await.unwrap_or_else(|_| {
                let mut notes = Notes::default();
                notes.fail("doctor", "the check itself failed", "please report it");
                notes
            })
        })
    }

    /// Looks, and gives up after a while.
    async fn run(self) -> Vec<Finding> {
        let (group, what, limit) = (self.group, self.what, self.limit);
        let notes = tokio::time::timeout(limit, self.look).await.unwrap_or_else(|_| {
            let mut notes = Notes::default();
            let found = format!("no answer within {} s", limit.as_secs());
            notes.fail(what, found, "see whether it is overloaded, or whether a firewall swallows what is sent");
            notes
        });
        let finding = |(what, state, found, todo)| Finding { group, what, state, found, todo };
        notes.0.into_iter().map(finding).collect()
    }
}

/// Looks at everything.
pub(super) fn doctor(args: &Args) -> Outcome {
    let pipeline = Arc::new(boot::load_to_run(&args.config)?);
    let findings = block_on(async { join_all(checks(&pipeline).into_iter().map(Check::run)).await.concat() })?;
    match args.format {
        OutputFormat::Json => println!("{:#}", serde_json::json!(findings)),
        OutputFormat::Text => print!("{}", show::table(&findings, super::colour(&std::io::stdout()))),
    }
    let failed = findings.iter().any(|finding| finding.state == State::Failure);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn checks(pipeline: &Arc<Checked>) -> Vec<Check> {
    let mut checks = vec![config::check(pipeline), disk::check(pipeline)];
    checks.extend(store::checks(pipeline));
    checks.push(queue::check(pipeline));
    checks.extend(nats::check(pipeline));
    checks.extend(ai::checks(pipeline));
    checks.push(sms::check(pipeline));
    checks.push(web::check(pipeline));
    checks.push(plugins::check(pipeline));
    checks.push(clock::check());
    checks
}

/// Whether an address is this machine's own, and so nothing that anyone else can reach.
fn is_here(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        None => true,
    }
}

/// Whether a file's mode leaves it to its owner.
fn is_private(mode: u32) -> bool {
    mode.trailing_zeros() >= 6
}

/// Bytes as people say them.
#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
fn readable(bytes: u64) -> String {
    const GIB: f64 = (1 << 30) as f64;
    let gib = bytes as f64 / GIB;
    if gib >= 1.0 { format!("{gib:.1} GiB") } else { format!("{:.0} MiB", gib * 1024.0) }
}
