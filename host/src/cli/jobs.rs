//! `wtaf-host jobs`: what waits, what failed and why, and bringing it back.

mod advice;
mod explain;
mod follow;

use std::process::ExitCode;

use jiff::{Timestamp, tz::TimeZone};
use miette::{IntoDiagnostic, miette};
use serde_json::Value;

use super::{ConfigFlags, Outcome, OutputFormat, block_on, boot, replay};
use crate::{
    adapter::queue::{Queue, State},
    config::Checked,
    engine::{Eyes, job_view},
    job::{ForPerson, Job, JobId, Millis, mask},
};

#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// Jobs, newest first.
    #[command(after_help = "Examples:\n  wtaf-host jobs list\n  wtaf-host jobs list --state failed --limit 100\n  \
                            wtaf-host jobs list --follow                      a line whenever something becomes of one\n  \
                            wtaf-host jobs list --format json | jq -r '.[] | select(.status == \"failed\") | .id'")]
    List {
        /// Only these.
        #[arg(long, value_enum)]
        state: Option<Which>,
        /// How many of each.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Go on with a line whenever something becomes of one, until Ctrl-C; as JSON, an object a line.
        #[arg(long)]
        follow: bool,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// One job's stages and its end.
    #[command(
        after_help = "Examples:\n  wtaf-host jobs show 01K6…\n  wtaf-host jobs show 01K6… --follow                while it runs, to its end\n  \
                            wtaf-host jobs show 01K6… --format json | jq .ai.cost"
    )]
    Show {
        /// Its id.
        id: JobId,
        /// Show its stages while they run, and end when it does: exit code 0 where it ended well, else 1.
        #[arg(long)]
        follow: bool,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// One job's story in words: what was asked, what each stage did, what went wrong and what to do now.
    #[command(after_help = "Examples:\n  wtaf-host jobs list --state failed\n  wtaf-host jobs explain 01K6…\n  \
                            wtaf-host jobs explain 01K6… --format json | jq -r '.do[]'\n\n\
                            Numbers are masked, in what people wrote too.")]
    Explain {
        /// Its id.
        id: JobId,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// Bring failed jobs back; what they have already made is not made again.
    #[command(after_help = "Examples:\n  wtaf-host jobs retry 01K6…\n  \
                            wtaf-host jobs list --state failed --format json | jq -r '.[].id' | xargs wtaf-host jobs retry")]
    Retry {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<JobId>,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// Put a job's plugin calls again to the versions that answered them, or to others, and compare.
    Replay(replay::Args),
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Which {
    /// Waiting.
    New,
    /// Taken up.
    Work,
    /// Ended.
    Done,
    /// Failed.
    Failed,
}

/// Does one of them, on the queue itself; the engine may run or not.
pub(super) fn jobs(verb: Verb) -> Outcome {
    match verb {
        Verb::List { state, limit, follow, format, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            if follow {
                let following =
                    async { follow::all(&*boot::queue_to_look(&pipeline).await?, state, limit, format).await };
                return Ok(block_on(following)??);
            }
            let jobs = block_on(async { list(&*boot::queue_to_look(&pipeline).await?, state, limit).await })??;
            print_list(&jobs, format);
        }
        Verb::Show { id, follow, format, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            if follow {
                let following = async {
                    let (queue, store) = (boot::queue_to_look(&pipeline).await?, boot::open_store(&pipeline).await?);
                    follow::one(&*queue, &*store, id, format).await
                };
                return Ok(block_on(following)??);
            }
            let job = block_on(async { boot::queue_to_look(&pipeline).await?.find(id).await.into_diagnostic() })??;
            let job = job
                .ok_or_else(|| miette!(help = "`wtaf-host jobs list` shows those there are", "there is no job {id}"))?;
            show(&job, format);
        }
        Verb::Explain { id, format, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            let story = block_on(explain::read(&pipeline, id))??;
            match format {
                OutputFormat::Json => println!("{:#}", story.as_json()),
                OutputFormat::Text => print!("{}", story.as_text(Millis::now())),
            }
        }
        Verb::Retry { ids, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            block_on(retry(pipeline, ids))??;
        }
        Verb::Replay(args) => return replay::replay(&args),
    }
    Ok(ExitCode::SUCCESS)
}

async fn retry(pipeline: Checked, ids: Vec<JobId>) -> miette::Result<()> {
    let queue = boot::queue_to_look(&pipeline).await?;
    for id in ids {
        queue.retry(id).await.into_diagnostic()?;
        println!("{id} waits again");
    }
    Ok(())
}

async fn list(queue: &dyn Queue, which: Option<Which>, limit: usize) -> miette::Result<Vec<Job>> {
    let states = match which {
        None => vec![State::New, State::Work, State::Failed, State::Done],
        Some(Which::New) => vec![State::New],
        Some(Which::Work) => vec![State::Work],
        Some(Which::Done) => vec![State::Done],
        Some(Which::Failed) => vec![State::Failed],
    };
    let mut jobs = Vec::new();
    for state in states {
        jobs.extend(queue.list(state, limit).await.into_diagnostic()?);
    }
    jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
    jobs.truncate(limit);
    Ok(jobs)
}

fn print_list(jobs: &[Job], format: OutputFormat) {
    if format == OutputFormat::Json {
        println!("{:#}", Value::Array(jobs.iter().map(|job| job_view(job, None, Eyes::Operator)).collect()));
        return;
    }
    if jobs.is_empty() {
        println!("No jobs.");
        return;
    }
    println!("{HEAD}");
    for job in jobs {
        println!("{}", line_of(job));
    }
}

/// What stands over the columns of [`line_of`].
const HEAD: &str = "JOB                         STATUS    FROM  WHO        ACCEPTED (UTC)   WHAT";

/// A job in a line: where it stands, whose it is, when it came, and its page, its error, the stage it is in, or that it was answered.
fn line_of(job: &Job) -> String {
    let page = job.progress.published.as_ref().map(|page| page.url.clone());
    let error = || job.error.as_ref().map(|error| format!("{}: {}", error.code, one_line(&error.message)));
    let stage = || job.stages.last().filter(|_| !job.status.is_final()).map(|stage| stage.name.clone());
    let answer = || {
        Some(match &job.progress.decided.as_ref()?.then {
            ForPerson::Silence(why) => format!("silence: {}", one_line(why)),
            ForPerson::Reply(_) => "answered".to_owned(),
            ForPerson::Order(order) => format!("answered: {}", order.kind),
        })
    };
    let line = format!(
        "{}  {:<8}  {:<4}  {:<9}  {}  {}",
        job.id,
        job.status.as_str(),
        job.request.source.as_str(),
        job.request.asker.to_string(),
        moment(job.created_at),
        page.or_else(error).or_else(stage).or_else(answer).unwrap_or_default()
    );
    line.trim_end().to_owned()
}

/// `23 Nov 23:58:50`, of one width.
fn moment(at: Millis) -> String {
    let time = Timestamp::from_millisecond(at.as_i64()).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime("%e %b %H:%M:%S").to_string()
}

fn one_line(text: &str) -> String {
    mask::numbers(&text.lines().next().unwrap_or_default().chars().take(120).collect::<String>())
}

fn show(job: &Job, format: OutputFormat) {
    if format == OutputFormat::Json {
        println!("{:#}", job_view(job, None, Eyes::Operator));
        return;
    }
    println!("job      {}", job.id);
    println!("status   {} (attempts: {})", job.status.as_str(), job.attempts);
    println!("from     {} by {}", job.request.asker, job.request.source.as_str());
    println!("accepted {}", job.created_at);
    if let Some(at) = job.finished_at {
        println!("ended    {at} ({} ms)", at.since(job.created_at).as_millis());
    }
    if let Some(page) = &job.progress.published {
        println!("page     {} (version {})", page.url, page.version);
    }
    if let Some(error) = &job.error {
        println!("error    {}: {}", error.code, mask::numbers(&error.message));
    }
    for stage in &job.stages {
        let digest = stage.digest.as_deref().map(|digest| &digest[..digest.len().min(12)]).unwrap_or_default();
        println!("  {:<10} {:>9.3} ms  {:<12} {}", stage.name, stage.ms, digest, mask::numbers(&stage.outcome));
    }
}
