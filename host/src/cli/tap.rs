//! `wtaf-host tap`: what the plugins of a stage are asked and what they answer, as jobs go by. It reads the recordings beside the engine, so the engine knows nothing
//! of it and is not slowed by it; a job's calls appear when it has gone as far as it goes.

use std::{
    collections::HashMap,
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use miette::{IntoDiagnostic, WrapErr, miette};

use super::{ConfigFlags, Outcome, OutputFormat, boot};
use crate::plugin::Recorded;

/// Between two looks at the folder.
const PACE: Duration = Duration::from_millis(250);

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host tap                        every plugin call of every job\n  wtaf-host tap slug\n  \
                        wtaf-host tap extract --format json | jq '.answer'\n\nWhat people and AIs wrote is shown: it is your own terminal."
)]
pub(super) struct Args {
    /// Only this stage.
    stage: Option<String>,
    /// So many calls, then an end; unset: until Ctrl-C.
    #[arg(long)]
    count: Option<std::num::NonZeroUsize>,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
    #[command(flatten)]
    config: ConfigFlags,
}

/// Follows the recordings.
pub(super) fn tap(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config.clone().into())?;
    if let Some(stage) = &args.stage
        && !pipeline.stages.iter().any(|known| known.name == *stage && known.runs.is_plugin())
    {
        let known: Vec<_> =
            pipeline.stages.iter().filter(|stage| stage.runs.is_plugin()).map(|stage| stage.name.as_str()).collect();
        return Err(miette!(
            help = format!("those with plugins: {}", known.join(", ")),
            "no stage `{stage}` asks a plugin"
        )
        .into());
    }
    if pipeline.plugins.record == 0 {
        return Err(miette!(
            help = "set plugins.record to 1 or more",
            "plugin calls are not recorded: plugins.record = 0"
        )
        .into());
    }
    let mut folder = Folder::open(&pipeline.data_dir.join("recordings"));
    eprintln!("listening; Ctrl-C ends it");
    let mut left = args.count.map_or(usize::MAX, std::num::NonZeroUsize::get);
    loop {
        for recorded in folder.news().into_diagnostic().wrap_err("the recordings")? {
            if args.stage.as_ref().is_some_and(|stage| *stage != recorded.call.stage) {
                continue;
            }
            let text = told(&recorded, args.format).into_diagnostic()?;
            match std::io::stdout().write_all(text.as_bytes()) {
                // Whoever listened has heard enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
                written => written.into_diagnostic()?,
            }
            left -= 1;
            if left == 0 {
                return Ok(ExitCode::SUCCESS);
            }
        }
        std::thread::sleep(PACE);
    }
}

/// A call and the job it was for.
struct Tapped {
    job: String,
    call: Recorded,
}

/// The call as lines.
fn told(tapped: &Tapped, format: OutputFormat) -> serde_json::Result<String> {
    let Tapped { job, call } = tapped;
    if format == OutputFormat::Json {
        let mut line = serde_json::to_value(call)?;
        line["job"] = job.as_str().into();
        return Ok(format!("{line}\n"));
    }
    let outcome = call.fault.as_deref().map_or("ok", |fault| fault.lines().next().unwrap_or_default());
    let digest = call.digest.get(..12).unwrap_or(&call.digest);
    let Recorded { at, stage, plugin, version, ms, .. } = call;
    let answered = call.answer.as_ref().map(|answer| format!("  answered  {}\n", short(&answer.to_string())));
    Ok(format!(
        "{at}  {job}  {stage}  {plugin} {version} {digest}  {ms:.3} ms  {outcome}\n  asked     {}\n{}",
        short(&serde_json::to_string(&call.question)?),
        answered.unwrap_or_default()
    ))
}

fn short(text: &str) -> String {
    const MOST: usize = 400;
    let mut kept: String = text.chars().take(MOST).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

/// The recordings, and how far each was read.
struct Folder {
    dir: PathBuf,
    read: HashMap<PathBuf, u64>,
}

impl Folder {
    /// From now on: what is there is passed over.
    fn open(dir: &Path) -> Self {
        let mut folder = Self { dir: dir.to_owned(), read: HashMap::new() };
        folder.read = folder.files().into_iter().collect();
        folder
    }

    fn files(&self) -> Vec<(PathBuf, u64)> {
        // Before the first job there is no folder.
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let sized = |entry: fs::DirEntry| Some((entry.path(), entry.metadata().ok()?.len()));
        entries
            .flatten()
            .filter_map(sized)
            .filter(|(path, _)| path.extension().is_some_and(|end| end == "jsonl"))
            .collect()
    }

    /// What was added since the last look, oldest call first. A line that is not whole yet is read the next time.
    fn news(&mut self) -> std::io::Result<Vec<Tapped>> {
        let mut news = Vec::new();
        let files = self.files();
        self.read.retain(|path, _| files.iter().any(|(there, _)| there == path));
        for (path, length) in files {
            let read = self.read.entry(path.clone()).or_default();
            if *read >= length {
                continue;
            }
            let mut file = match fs::File::open(&path) {
                Ok(file) => file,
                // The oldest make room for new ones.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            file.seek(SeekFrom::Start(*read))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            *read += whole as u64;
            let job = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            // A line that a later version wrote says nothing to this one.
            let calls = lines.filter_map(|line| serde_json::from_slice(line).ok());
            news.extend(calls.map(|call| Tapped { job: job.clone(), call }));
        }
        news.sort_by_key(|tapped| tapped.call.at);
        Ok(news)
    }
}
