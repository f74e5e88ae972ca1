//! `wtaf-host status`: how the engine that runs is, at a glance; on a terminal again and again, until Ctrl-C.

mod scrape;

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    process::ExitCode,
    time::Duration,
};

use miette::miette;
use serde_json::{Value, json};

use self::scrape::Scrape;
use super::{ConfigArgs, Outcome, OutputFormat, block_on, boot, operate::Running};
use crate::job::Millis;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host status                     again every 2 s\n  wtaf-host status --once\n  \
                        wtaf-host status --format json | jq .jobs.failed"
)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Once, also on a terminal.
    #[arg(long)]
    once: bool,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

/// Looks, and looks again.
pub(super) fn status(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config)?;
    let at = format!("http://{}", pipeline.server.listen);
    let order: Vec<_> = pipeline.stages.iter().map(|stage| stage.name.clone()).collect();
    let again = !args.once && args.format == OutputFormat::Text && std::io::stdout().is_terminal();
    block_on(async {
        loop {
            let running = Running::find(&pipeline).await?;
            let seen = match &running {
                Some(running) => match Seen::look(running, order.clone()).await {
                    // It went between two questions: the next look says so.
                    Err(_) if again => None,
                    seen => Some(seen?),
                },
                None => None,
            };
            match &seen {
                None if !again => {
                    return Err(miette!(help = "start it with `wtaf-host run`", "no engine answers at {at}"));
                }
                Some(seen) if args.format == OutputFormat::Json => println!("{:#}", seen.json(&at)),
                Some(seen) => show(&seen.text(&at), again),
                None => show(&format!("no engine answers at {at}\n"), again),
            }
            if !again {
                let ready = seen.is_some_and(|seen| seen.ready);
                return Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            tokio::time::sleep(Duration::from_secs(args.every)).await;
        }
    })?
    .map_err(Into::into)
}

/// Writes over what was there, where it comes again.
fn show(text: &str, again: bool) {
    let clear = if again { "\x1b[H\x1b[2J" } else { "" };
    print!("{clear}{text}");
    // A terminal that is gone is noticed at the next line.
    let _ = std::io::stdout().flush();
}

/// One look.
struct Seen {
    ready: bool,
    parts: Vec<(String, String)>,
    scrape: Scrape,
    /// The stages of pipeline.toml.
    order: Vec<String>,
    now: Millis,
}

impl Seen {
    async fn look(running: &Running, order: Vec<String>) -> miette::Result<Self> {
        let (ready, health) = running.health().await?;
        let parts = health["parts"].as_object().cloned().unwrap_or_default();
        let parts = parts.into_iter().map(|(name, state)| (name, state.as_str().unwrap_or_default().to_owned()));
        let scrape = Scrape::read(&running.metrics().await?);
        Ok(Self { ready, parts: parts.collect(), scrape, order, now: Millis::now() })
    }

    /// Those that have run, in the pipeline's order; others, of a generation before, after them.
    fn stages(&self) -> Vec<String> {
        let mut ran = self.scrape.values("wtaf_stage_seconds_bucket", "stage");
        ran.sort_by_key(|name| self.order.iter().position(|stage| stage == name).unwrap_or(usize::MAX));
        ran
    }

    fn count(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.scrape.sum(name, labels).unwrap_or_default()
    }

    fn waiting(&self, state: &str) -> f64 {
        self.count("wtaf_queue_jobs", &[("state", state)])
    }

    fn up(&self) -> Duration {
        let began = self.count("process_start_time_seconds", &[]);
        let now = Duration::from_millis(self.now.0).as_secs_f64();
        Duration::try_from_secs_f64((now - began).max(0.0)).unwrap_or_default()
    }

    fn text(&self, at: &str) -> String {
        let mut out = String::new();
        let version = self.scrape.values("wtaf_build_info", "version").pop().unwrap_or_default();
        let ready = if self.ready { "ready" } else { "NOT READY" };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "wtaf-host {version} at {at}: {ready}, up {}\n", span(self.up().as_secs_f64()));
        for (part, state) in self.parts.iter().filter(|(_, state)| state != "ok") {
            let _ = writeln!(out, "  {part:<9} {state}");
        }
        let oldest = self.count("wtaf_queue_oldest_seconds", &[]);
        let _ = writeln!(
            out,
            "  jobs      {} waiting (the oldest for {}), {} at work, {} failed",
            self.waiting("waiting"),
            span(oldest),
            self.waiting("working"),
            self.waiting("failed"),
        );
        let _ = writeln!(out, "  ended     {}", self.by("wtaf_jobs_total", "status"));
        let half = self.scrape.quantile("wtaf_job_seconds", &[], 0.5);
        let most = self.scrape.quantile("wtaf_job_seconds", &[], 0.95);
        let _ = writeln!(out, "  time      half within {}, 95 in 100 within {}", maybe(half), maybe(most));
        for stage in self.stages() {
            let of = [("stage", stage.as_str())];
            let half = self.scrape.quantile("wtaf_stage_seconds", &of, 0.5);
            let most = self.scrape.quantile("wtaf_stage_seconds", &of, 0.95);
            let _ = writeln!(out, "    {stage:<9} {:>9} {:>9}", maybe(half), maybe(most));
        }
        for provider in self.scrape.values("wtaf_ai_calls_total", "provider") {
            let breaker = match self.count("wtaf_ai_breaker", &[("provider", &provider)]) {
                state if state >= 2.0 => ", PASSED OVER",
                state if state >= 1.0 => ", being tried again",
                _ => "",
            };
            let of = [("provider", provider.as_str())];
            let outcomes = self.by_of("wtaf_ai_calls_total", "outcome", &of);
            let half = self.scrape.quantile("wtaf_ai_call_seconds", &of, 0.5);
            let _ = writeln!(out, "  ai        {provider}: {outcomes}; half within {}{breaker}", maybe(half));
        }
        let _ = writeln!(out, "  texts     {}", self.by("wtaf_texts_total", "outcome"));
        let _ = writeln!(
            out,
            "  process   {:.0} MiB, {} open files, {} threads",
            self.count("process_resident_memory_bytes", &[]) / f64::from(1 << 20),
            self.count("process_open_fds", &[]),
            self.count("process_threads", &[]),
        );
        out
    }

    fn by(&self, name: &str, label: &str) -> String {
        self.by_of(name, label, &[])
    }

    /// `12 done, 1 failed`.
    fn by_of(&self, name: &str, label: &str, of: &[(&str, &str)]) -> String {
        let each = self.scrape.values(name, label).into_iter().filter_map(|value| {
            let labels: Vec<_> = of.iter().copied().chain([(label, value.as_str())]).collect();
            self.scrape.sum(name, &labels).map(|count| format!("{count} {value}"))
        });
        let each: Vec<_> = each.collect();
        if each.is_empty() { "none yet".to_owned() } else { each.join(", ") }
    }

    fn json(&self, at: &str) -> Value {
        let each = |name: &str, label: &str| -> Value {
            let values = self.scrape.values(name, label);
            values.into_iter().map(|value| (value.clone(), json!(self.count(name, &[(label, &value)])))).collect()
        };
        let times = |name: &str, of: &[(&str, &str)]| json!({ "p50": self.scrape.quantile(name, of, 0.5), "p95": self.scrape.quantile(name, of, 0.95) });
        let stages: Value = self
            .stages()
            .into_iter()
            .map(|stage| (stage.clone(), times("wtaf_stage_seconds", &[("stage", &stage)])))
            .collect();
        let parts: Value = self.parts.iter().map(|(part, state)| (part.clone(), json!(state))).collect();
        json!({
            "at": at,
            "ready": self.ready,
            "parts": parts,
            "up_seconds": self.up().as_secs(),
            "jobs": {
                "waiting": self.waiting("waiting"), "working": self.waiting("working"), "failed": self.waiting("failed"),
                "oldest_seconds": self.count("wtaf_queue_oldest_seconds", &[]),
            },
            "ended": each("wtaf_jobs_total", "status"),
            "seconds": times("wtaf_job_seconds", &[]),
            "stages": stages,
            "texts": each("wtaf_texts_total", "outcome"),
            "breakers": each("wtaf_ai_breaker", "provider"),
            "memory_bytes": self.count("process_resident_memory_bytes", &[]),
        })
    }
}

fn maybe(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), span)
}

/// A time as people read it.
fn span(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor();
    match seconds {
        s if s <= 0.0 => "0 s".to_owned(),
        s if s < 0.01 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 90.0 => format!("{s:.1} s"),
        _ if minutes < 90.0 => format!("{minutes} min"),
        _ => format!("{} h {} min", (minutes / 60.0).floor(), minutes % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_people_read_them() {
        let spans = [0.0, 0.000_42, 0.35, 12.0, 600.0, 11_520.0].map(span);
        assert_eq!(spans, ["0 s", "0.4 ms", "350 ms", "12.0 s", "10 min", "3 h 12 min"]);
    }
}
