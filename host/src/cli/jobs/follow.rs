//! `jobs list --follow` and `jobs show --follow`: what becomes of jobs while it does, a line at a time, on a terminal and in a pipe alike.

use std::{collections::HashMap, io::Write, process::ExitCode, time::Duration};

use miette::{IntoDiagnostic, miette};
use serde_json::Value;

use super::{HEAD, Which, line_of, list};
use crate::{
    adapter::{queue::Queue, store::Store},
    cli::OutputFormat,
    engine::{Eyes, job_view},
    job::{Job, JobId, Millis, StageRecord, Status},
};

/// Between two looks at the queue.
const PACE: Duration = Duration::from_millis(400);

/// Events of a job read at once.
const EVENTS: u32 = 100;

/// Whether whoever reads is still there.
enum Reader {
    There,
    Gone,
}

fn say(line: &str) -> miette::Result<Reader> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        // They have heard enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error).into_diagnostic(),
    }
}

/// What may change about a job that is worth a line.
#[derive(PartialEq)]
struct Seen {
    status: Status,
    stages: usize,
    attempts: u32,
}

impl Seen {
    fn of(job: &Job) -> Self {
        Self { status: job.status, stages: job.stages.len(), attempts: job.attempts }
    }
}

/// The jobs there are, oldest first, then a line whenever something becomes of one. Ends when nobody reads any more.
pub(super) async fn all(
    queue: &dyn Queue,
    which: Option<Which>,
    limit: usize,
    format: OutputFormat,
) -> miette::Result<ExitCode> {
    let mut seen: HashMap<JobId, Seen> = HashMap::new();
    if format == OutputFormat::Text
        && let Reader::Gone = say(HEAD)?
    {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        let mut jobs = list(queue, which, limit).await?;
        jobs.reverse();
        // What has left the list is old news; what comes back into it is told again.
        seen.retain(|id, _| jobs.iter().any(|job| job.id == *id));
        for job in jobs {
            let now = Seen::of(&job);
            if seen.get(&job.id) == Some(&now) {
                continue;
            }
            seen.insert(job.id, now);
            let line = match format {
                OutputFormat::Json => job_view(&job, None, Eyes::Operator).to_string(),
                OutputFormat::Text => line_of(&job),
            };
            if matches!(say(&line)?, Reader::Gone) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

/// A job's stages as they end, then how it ended. Exit code 0 where that was well.
pub(super) async fn one(
    queue: &dyn Queue,
    store: &dyn Store,
    id: JobId,
    format: OutputFormat,
) -> miette::Result<ExitCode> {
    let (mut after, mut told) = (0, 0);
    loop {
        let events = store.next_events(id, after, EVENTS).await.into_diagnostic()?;
        for event in &events {
            after = event.seq;
            let stages = stages_in(&event.data);
            // A job that is tried again from the start tells its stages again.
            told = told.min(stages.len());
            let lines = match format {
                OutputFormat::Json => vec![event.data.to_string()],
                OutputFormat::Text => stages[told..].iter().map(stage_line).collect(),
            };
            told = stages.len();
            for line in lines {
                if matches!(say(&line)?, Reader::Gone) {
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        if !events.is_empty() {
            continue;
        }
        let job = match queue.find(id).await.into_diagnostic()? {
            Some(job) => Some(job),
            None => store.job(id).await.into_diagnostic()?,
        };
        let job =
            job.ok_or_else(|| miette!(help = "`wtaf-host jobs list` shows those there are", "there is no job {id}"))?;
        if !job.status.is_final() {
            continue;
        }
        if format == OutputFormat::Text || after == 0 {
            let end = match format {
                OutputFormat::Json => job_view(&job, None, Eyes::Operator).to_string(),
                OutputFormat::Text => line_of(&job),
            };
            say(&end)?;
        }
        return Ok(if job.status == Status::Done { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
}

fn stages_in(view: &Value) -> Vec<StageRecord> {
    let stages = view["stages"].as_array().into_iter().flatten();
    stages.filter_map(|stage| serde_json::from_value(stage.clone()).ok()).collect()
}

fn stage_line(stage: &StageRecord) -> String {
    let version = stage.version.as_deref().unwrap_or_default();
    let at: Millis = stage.at;
    format!("{at}  {:<10} {version:<8} {:>10.3} ms  {}", stage.name, stage.ms, super::one_line(&stage.outcome))
}
