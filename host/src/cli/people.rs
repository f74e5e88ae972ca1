//! `wtaf-host people`: who is here, what is kept about one of them, that as a file, and none of it any more. Works while the engine runs and while it does not.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::{Value, json};

use super::{ConfigFlags, Outcome, OutputFormat, block_on, boot, operate::Running};
use crate::{
    adapter::{
        queue::{Queue, QueueError},
        store::{PersonId, Standing, Store},
    },
    config::{AdapterStage, Checked, QueueBackend, Runs},
    engine::people::{Known, PeopleError, Places, Report, about},
    plugin::Recordings,
};

#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// Everyone, in the order they came; numbers are masked, but for JSON.
    #[command(after_help = "Examples:\n  wtaf-host people list\n  wtaf-host people list --format json | jq length")]
    List {
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// What is kept about someone, counted.
    #[command(after_help = "Examples:\n  wtaf-host people show +15550001111\n  wtaf-host people show brave-otter")]
    Show {
        /// A number (+15550001111), or the first part of their pages' addresses.
        who: String,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// Everything kept about someone, as JSON; with a folder, their pages as files beside it.
    #[command(
        after_help = "Examples:\n  wtaf-host people export brave-otter > person.json\n  wtaf-host people export brave-otter --out brave-otter"
    )]
    Export {
        /// A number (+15550001111), or the first part of their pages' addresses.
        who: String,
        /// A new folder for `person.json` and `pages/`; without it all is printed.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// Erases everything kept about someone. Shows what would go, unless told `--yes`.
    #[command(
        after_help = "Examples:\n  wtaf-host people erase brave-otter             what would go\n  wtaf-host people erase brave-otter --yes"
    )]
    Erase {
        /// A number (+15550001111), or the first part of their pages' addresses.
        who: String,
        /// Do it: there is no way back.
        #[arg(long)]
        yes: bool,
        #[arg(long, value_enum, default_value = "text")]
        format: OutputFormat,
        #[command(flatten)]
        config: ConfigFlags,
    },
}

/// Does one of them.
pub(super) fn people(verb: Verb) -> Outcome {
    match verb {
        Verb::List { format, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            block_on(list(&pipeline, format))??;
        }
        Verb::Show { who, format, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            block_on(show(&pipeline, &who, format))??;
        }
        Verb::Export { who, out, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            block_on(export(&pipeline, &who, out.as_deref()))??;
        }
        Verb::Erase { who, yes, format, config } => {
            let pipeline = boot::load_to_run(&config.into())?;
            block_on(erase(&pipeline, &who, yes, format))??;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The places, opened.
struct Opened<'a> {
    pipeline: &'a Checked,
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    recordings: Recordings,
}

impl<'a> Opened<'a> {
    async fn with(pipeline: &'a Checked, queue: Arc<dyn Queue>) -> miette::Result<Self> {
        let store = boot::open_store(pipeline).await?;
        let (keep, words) = (pipeline.plugins.record, pipeline.plugins.record_words);
        let recordings = Recordings::open(&pipeline.data_dir, keep, words).into_diagnostic()?;
        Ok(Self { pipeline, store, queue, recordings })
    }

    /// To look: the engine may run or not.
    async fn to_look(pipeline: &'a Checked) -> miette::Result<Self> {
        Self::with(pipeline, boot::queue_to_look(pipeline).await?).await
    }

    fn places(&self) -> Places<'_> {
        Places {
            pipeline: self.pipeline,
            store: self.store.as_ref(),
            queue: self.queue.as_ref(),
            recordings: &self.recordings,
        }
    }

    async fn find(&self, who: &str) -> miette::Result<Known> {
        self.places().find(who).await.map_err(told)
    }
}

fn told(error: PeopleError) -> miette::Report {
    match error {
        PeopleError::Nobody(_) => miette!(help = "`wtaf-host people list` shows who there is", "{error}"),
        PeopleError::Queue(QueueError::UnderWay(_)) => {
            miette!(help = "nothing was erased; wait for them, or stop the engine and ask again", "{error}")
        }
        other => Err::<(), _>(other).into_diagnostic().unwrap_err(),
    }
}

async fn list(pipeline: &Checked, format: OutputFormat) -> miette::Result<()> {
    let store = boot::open_store(pipeline).await?;
    let mut after = PersonId(i64::MIN);
    let mut all = Vec::new();
    loop {
        let some = store.people(after, 500).await.into_diagnostic()?;
        let Some(last) = some.last() else { break };
        after = last.id;
        all.extend(some);
    }
    if format == OutputFormat::Json {
        println!("{:#}", Value::Array(all.iter().map(about).collect()));
        return Ok(());
    }
    if all.is_empty() {
        println!("Nobody.");
    }
    for person in all {
        let left = if person.standing == Standing::Left { "  left" } else { "" };
        println!("{:<28} {:<12} {:<9} {}{left}", person.slug, person.asker.to_string(), person.role, person.joined);
    }
    Ok(())
}

async fn show(pipeline: &Checked, who: &str, format: OutputFormat) -> miette::Result<()> {
    let opened = Opened::to_look(pipeline).await?;
    let known = opened.find(who).await?;
    let report = opened.places().count(&known).await.map_err(told)?;
    match format {
        OutputFormat::Json => {
            println!(
                "{:#}",
                json!({ "person": known.person.as_ref().map(about), "kept": report, "under_way": known.under_way() })
            );
        }
        OutputFormat::Text => {
            println!("{}", heading(&known));
            print_report(&report);
        }
    }
    Ok(())
}

/// Who it is, in one line.
fn heading(known: &Known) -> String {
    match &known.person {
        Some(person) => format!("{} ({}), {}, since {}", person.slug, person.asker, person.role, person.joined),
        None => format!("{}, without an account", known.whom.asker),
    }
}

fn print_report(report: &Report) {
    for erased in &report.database {
        println!("  {:>6}  rows of {}", erased.rows, erased.table);
    }
    for (count, what) in [
        (report.queue, "files of the queue"),
        (report.recordings, "recordings of plugin calls"),
        (report.texts, "texts in outbox/"),
        (report.folders, "folders of pages"),
    ] {
        if count > 0 {
            println!("  {count:>6}  {what}");
        }
    }
}

async fn export(pipeline: &Checked, who: &str, out: Option<&Path>) -> miette::Result<()> {
    let opened = Opened::to_look(pipeline).await?;
    let known = opened.find(who).await?;
    let mut everything = opened.places().everything(&known).await.map_err(told)?;
    let Some(folder) = out else {
        println!("{everything:#}");
        return Ok(());
    };
    // For its owner's eyes, and never into a folder that holds something else.
    let make = || fs::DirBuilder::new().mode(0o700).create(folder);
    make().into_diagnostic().wrap_err_with(|| format!("making the folder {}", folder.display()))?;
    let pages = take_pages_out(&mut everything, folder)?;
    write(&folder.join("person.json"), format!("{everything:#}\n").as_bytes())?;
    println!("{}: person.json and {pages} documents in pages/", folder.display());
    Ok(())
}

/// Documents are files of their own, named by page and version; the JSON says which.
fn take_pages_out(everything: &mut Value, folder: &Path) -> miette::Result<usize> {
    let pages = folder.join("pages");
    fs::DirBuilder::new().mode(0o700).create(&pages).into_diagnostic()?;
    let mut written = 0;
    for (table, columns) in [("wtaf_content", ["html_content"].as_slice()), ("wtaf_versions", &["html", "owner_html"])]
    {
        for row in everything["database"][table].as_array_mut().into_iter().flatten() {
            let stem = format!("{}-{}", row["content_id"], row["version"]);
            for column in columns {
                let Some(html) = row[*column].as_str() else { continue };
                let name = format!("{stem}-{column}.html");
                write(&pages.join(&name), html.as_bytes())?;
                row[*column] = json!({ "file": format!("pages/{name}") });
                written += 1;
            }
        }
    }
    Ok(written)
}

fn write(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        std::io::Write::write_all(&mut file, bytes)
    };
    write().into_diagnostic().wrap_err_with(|| format!("writing {}", path.display()))
}

async fn erase(pipeline: &Checked, who: &str, yes: bool, format: OutputFormat) -> miette::Result<()> {
    if !yes {
        let opened = Opened::to_look(pipeline).await?;
        let known = opened.find(who).await?;
        let report = opened.places().count(&known).await.map_err(told)?;
        if format == OutputFormat::Json {
            println!("{:#}", json!({ "would_erase": report, "under_way": known.under_way() }));
            return Ok(());
        }
        println!("{}\n\nThis would go:", heading(&known));
        print_report(&report);
        let standing = known.person.as_ref().map(|person| person.standing);
        if standing == Some(Standing::Left) {
            println!("\nThat they left stays, under a hash of their number: no text goes to it.");
        }
        println!("\nNothing was erased. With --yes it is, and there is no way back.");
        return Ok(());
    }
    // What the engine remembers in memory it alone can forget; while none runs, none may start.
    let report = if let Some(engine) = Running::find(pipeline).await? {
        engine.post_json(&["api", "people", "erase"], &json!({ "who": who })).await?
    } else {
        let queue = boot::queue_alone(pipeline).await?;
        let opened = Opened::with(pipeline, queue).await?;
        let known = opened.find(who).await?;
        json!(opened.places().erase(&known).await.map_err(told)?)
    };
    match format {
        OutputFormat::Json => println!("{report:#}"),
        OutputFormat::Text => {
            println!("Erased:");
            for row in report["database"].as_array().into_iter().flatten() {
                println!("  {:>6}  rows of {}", row["rows"], row["table"].as_str().unwrap_or_default());
            }
            for what in ["queue", "recordings", "texts", "folders"] {
                if report[what] != 0 {
                    println!("  {:>6}  {what}", report[what]);
                }
            }
            if matches!(pipeline.queue.backend, QueueBackend::Nats(_)) {
                println!("\nOther machines remove what they have recorded within a minute, or when they start.");
                if pipeline.stages.iter().any(|stage| matches!(stage.runs, Runs::Adapter(AdapterStage::Files))) {
                    println!(
                        "What a `files` stage wrote on their disks stays: remove the folders of these pages there."
                    );
                }
            }
        }
    }
    Ok(())
}
