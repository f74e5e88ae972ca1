//! `plugin install`: what a version asks for beyond the one in force is shown, it is tried, and then it goes to the engine that runs, or into its place for
//! the next one.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::Value;
use wtaf_plugin_pack::Manifest;

use super::{ConfigFlags, Outcome, everywhere, test};
use crate::{
    adapter::{
        bucket::{Bucket, Said},
        queue::Lock,
    },
    cli::{ConfigArgs, Fatal, block_on, boot, operate::Running},
    config::{Checked, Places, PluginSource, Role, RoleOf, Runs},
    engine::{Components, sources},
    plugin::{
        self, About, Shelf, Want,
        ledger::Ledger,
        rehearsal::{Rehearsal, Verdict},
        signature::Trust,
    },
};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  wtaf-host plugin install my-names/my-names.wasm --name slug\n  \
                  wtaf-host plugin install slug.wasm --at-once          to everyone, without a trial\n\n\
                  It is rehearsed first: one that fails its own examples or a recorded job is refused, and nothing changes.")]
pub(in crate::cli) struct Args {
    /// The component.
    component: PathBuf,
    /// What pipeline.toml calls the plugin; unset: the name in its manifest, else the file's.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Take it although it asks for more than the version in force.
    #[arg(long)]
    accept_grants: bool,
    /// Try a version again that was set aside.
    #[arg(long)]
    again: bool,
    /// Serve everyone at once, without a shadow or a canary.
    #[arg(long)]
    at_once: bool,
    #[command(flatten)]
    config: ConfigFlags,
}

/// Installs it.
pub(super) fn install(args: &Args) -> Outcome {
    let bytes =
        std::fs::read(&args.component).into_diagnostic().wrap_err_with(|| args.component.display().to_string())?;
    let (about, manifest) = (plugin::about(&bytes).into_diagnostic()?, Manifest::of(&bytes).into_diagnostic()?);
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.component, manifest.as_ref()));
    let pipeline = load(args, &name, about.role)?;
    let source = source_called(&pipeline, &name)?;
    let wanted = pipeline.stages.iter().find_map(|stage| match &stage.runs {
        Runs::Plugin { source: named, role } if *named == source => Some(*role),
        _ => None,
    });
    if let Some(wanted) = wanted.filter(|wanted| *wanted != about.role) {
        return Err(
            miette!("it is a {} plugin, and {name} is a {} plugin", about.role.as_str(), wanted.as_str()).into()
        );
    }
    let asks = Asks::of(&about, manifest.as_ref());
    let shared = everywhere::bucket_of(&pipeline, &source).is_some();
    let (said, runs_everywhere) = everywhere::known(&pipeline, &source)?;
    let serving = match runs_everywhere {
        Some(bytes) => Asks::of_bytes(&bytes)?,
        None => in_force(&pipeline, &source)?,
    };
    let more = asks.beyond(&serving);
    more.print(&name);
    if more.needs_leave() && !args.accept_grants {
        return Err(miette!(help = "if that is right: --accept-grants", "{name} asks for more than before").into());
    }
    let digest = plugin::digest_of(&bytes);
    let ledger = Ledger::look(&pipeline.data_dir).into_diagnostic()?;
    let aside = match &said {
        Some(said) => said.standing.gone(&digest).map(|gone| &gone.why),
        None => ledger.entry(&source.key()).and_then(|entry| entry.set_aside(&digest)).map(|aside| &aside.why),
    };
    if let Some(why) = aside.filter(|_| !args.again) {
        return Err(miette!(help = "to try it again all the same: --again", "it was set aside before: {why}").into());
    }
    if !shared {
        block_on(deliver(args, &pipeline, &source, bytes, manifest))??;
        return Ok(ExitCode::SUCCESS);
    }
    let well = block_on(async {
        let Some(bucket) = everywhere::bucket_of(&pipeline, &source) else { return Ok(true) };
        deliver_everywhere(args, &pipeline, &*bucket, said, Version { source: &source, bytes, about, manifest })
            .await?;
        everywhere::wait_for_nodes(&*bucket, &source.name()).await
    })??;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Version<'a> {
    source: &'a PluginSource,
    bytes: Vec<u8>,
    about: About,
    manifest: Option<Manifest>,
}

/// To every node, by the engine that runs here, else by the bucket itself.
async fn deliver_everywhere(
    args: &Args,
    pipeline: &Checked,
    bucket: &dyn Bucket,
    said: Option<Said>,
    version: Version<'_>,
) -> miette::Result<()> {
    let Version { source, bytes, about, manifest } = version;
    let name = source.name();
    let running = Running::find(pipeline).await?;
    if let Some(running) = &running
        && runs(&running.plugins().await?, source)
    {
        let taken = running.send(&["api", "plugins", &source.key()], args.at_once, bytes).await?;
        println!("{}", told(&name, &taken));
        return Ok(());
    }
    let rehearsal = rehearsed(pipeline, source, &bytes, manifest).await?;
    let digest = plugin::digest_of(&bytes);
    let base = serving(pipeline, source)?.map(|base| plugin::about(&base).map(|about| (base, about.version)));
    let checkup = everywhere::Checkup {
        name: &name,
        version: &about.version,
        digest: &digest,
        bytes: &bytes,
        base: base.transpose().into_diagnostic()?,
        at_once: args.at_once,
    };
    let how = everywhere::put(bucket, pipeline, said, checkup).await?;
    println!("{name}: version {} ({digest:.12}) {how}; {}", about.version, rehearsal.words());
    if let Some(running) = running {
        // It has not taken this pipeline.toml yet, since it lacked the very plugin.
        running.post(&["api", "reload"]).await?;
    }
    Ok(())
}

/// Tried here, and signed where that is asked for.
async fn rehearsed(
    pipeline: &Checked,
    source: &PluginSource,
    bytes: &[u8],
    manifest: Option<Manifest>,
) -> miette::Result<Rehearsal> {
    let name = source.name();
    let rehearsal = {
        let (bytes, pipeline, name) = (bytes.to_vec(), pipeline.clone(), name.clone());
        let tried = move || test::try_in_the_lab(&bytes, manifest, Vec::new(), Some(&pipeline), Some(&name));
        tokio::task::spawn_blocking(tried).await.into_diagnostic()??
    };
    if rehearsal.verdict() == Verdict::Failed {
        return Err(miette!("{name} {}", rehearsal.words()));
    }
    let trust = Trust::open(&pipeline.plugins.keys, &pipeline.data_dir.join("plugins")).into_diagnostic()?;
    let role = plugin::about(bytes).into_diagnostic()?.role;
    trust.admit(bytes, Some(&name), role).into_diagnostic()?;
    Ok(rehearsal)
}

/// The pipeline, which may name this very plugin before it is there.
fn load(args: &Args, name: &str, role: Role) -> Result<Checked, Fatal> {
    let config: ConfigArgs = args.config.clone().into();
    let with_it = crate::config::load(&config.file, &config.set, &WithIt { name, role });
    let with_others = |faults| {
        let more = [(name.to_owned(), role)].into_iter().collect();
        boot::load_with_bucket(&config, more).map_err(|()| faults)
    };
    with_it.or_else(|_| boot::load_to_run(&config)).or_else(with_others).map_err(Fatal::Config)
}

struct WithIt<'a> {
    name: &'a str,
    role: Role,
}

impl RoleOf for WithIt<'_> {
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
        Components
            .role_of(source, places)
            .or_else(|why| if source.name() == self.name { Ok(self.role) } else { Err(why) })
    }
}

async fn deliver(
    args: &Args,
    pipeline: &Checked,
    source: &PluginSource,
    bytes: Vec<u8>,
    manifest: Option<Manifest>,
) -> miette::Result<()> {
    let name = source.name();
    let running = match Running::find(pipeline).await? {
        // One that has not taken this pipeline.toml yet, since it lacks the very plugin, takes both together.
        Some(running) if !runs(&running.plugins().await?, source) => {
            put_in_place(args, pipeline, source, &bytes)?;
            running.post(&["api", "reload"]).await?;
            println!("{name}: in force with the pipeline that names it");
            return Ok(());
        }
        running => running,
    };
    if let Some(running) = running {
        let taken = running.send(&["api", "plugins", &source.key()], args.at_once, bytes).await?;
        println!("{}", told(&name, &taken));
        return Ok(());
    }
    let rehearsal = rehearsed(pipeline, source, &bytes, manifest).await?;
    put_in_place(args, pipeline, source, &bytes)?;
    println!("{name}: {}; in force with the next start", rehearsal.words());
    Ok(())
}

fn runs(shown: &Value, source: &PluginSource) -> bool {
    shown["plugins"].as_array().is_some_and(|all| all.iter().any(|line| line["plugin"] == source.key()))
}

fn told(name: &str, taken: &Value) -> String {
    let text = |field: &str| taken[field].as_str().unwrap_or_default();
    let rehearsal: Option<Rehearsal> = serde_json::from_value(taken["rehearsal"].clone()).ok();
    let tried = rehearsal.map(|rehearsal| format!("; {}", rehearsal.words())).unwrap_or_default();
    let how = match (&taken["mode"], taken["mode"]["canary"].as_u64()) {
        (Value::Null, _) => "was in force already".to_owned(),
        (Value::String(word), _) if word == "shadow" => format!("runs as a shadow and serves nobody{tried}"),
        (_, Some(share)) => format!("serves {share} people in 100{tried}"),
        _ => format!("is in force{tried}"),
    };
    format!("{name}: version {} ({:.12}) {how}", text("version"), text("digest"))
}

fn put_in_place(args: &Args, pipeline: &Checked, source: &PluginSource, bytes: &[u8]) -> miette::Result<()> {
    let place = match source {
        PluginSource::Named(name) => pipeline.plugins.dir.join(format!("{name}.wasm")),
        PluginSource::Path(path) => path.clone(),
        PluginSource::Digest(_) | PluginSource::Oci(_) => {
            return Err(miette!("the pipeline names this plugin by {}: change that instead", source.key()));
        }
    };
    if args.again {
        // The worker's lock: an engine that runs and does not answer us is not written behind its back.
        let _ours = Lock::worker(&pipeline.data_dir).into_diagnostic()?;
        let mut ledger = Ledger::open(&pipeline.data_dir).into_diagnostic()?;
        ledger.pardon(&source.key(), &plugin::digest_of(bytes)).into_diagnostic()?;
    }
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).into_diagnostic()?;
    }
    // By rename, and for whoever the engine runs as to read.
    let draft = place.with_extension(format!("draft-{}", std::process::id()));
    let written = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, &place));
    written.into_diagnostic().wrap_err_with(|| place.display().to_string())
}

fn name_of(file: &Path, manifest: Option<&Manifest>) -> String {
    let stem = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    manifest.map_or_else(stem, |manifest| manifest.name.clone())
}

pub(super) fn source_called(pipeline: &Checked, name: &str) -> miette::Result<PluginSource> {
    let all = sources(pipeline);
    let found = all.iter().find(|source| source.key() == name || source.name() == name).cloned();
    found.ok_or_else(|| {
        let known: Vec<_> = all.iter().map(PluginSource::name).collect();
        miette!(
            help =
                format!("name one with --name, or give it a stage: [[stage]] name = \"{name}\", plugin = \"{name}\""),
            "no stage of the pipeline runs a plugin called {name}; there are {}",
            known.join(", ")
        )
    })
}

/// What a version asks for.
#[derive(Default)]
struct Asks {
    does: BTreeSet<String>,
    grants: BTreeSet<String>,
    config: BTreeSet<String>,
}

impl Asks {
    fn of(about: &About, manifest: Option<&Manifest>) -> Self {
        Self {
            // Every plugin may log.
            does: plugin::wants(about).iter().filter(|want| **want != Want::Log).map(ToString::to_string).collect(),
            grants: manifest.iter().flat_map(|manifest| manifest.grants.iter().cloned()).collect(),
            config: manifest.iter().flat_map(|manifest| manifest.config.keys().cloned()).collect(),
        }
    }

    fn of_bytes(bytes: &[u8]) -> miette::Result<Self> {
        let about = plugin::about(bytes).into_diagnostic()?;
        Ok(Self::of(&about, Manifest::of(bytes).ok().flatten().as_ref()))
    }

    fn beyond(&self, before: &Self) -> Self {
        let more = |new: &BTreeSet<String>, old: &BTreeSet<String>| new.difference(old).cloned().collect();
        Self {
            does: more(&self.does, &before.does),
            grants: more(&self.grants, &before.grants),
            config: more(&self.config, &before.config),
        }
    }

    fn needs_leave(&self) -> bool {
        !self.does.is_empty() || !self.grants.is_empty()
    }

    fn print(&self, name: &str) {
        for what in &self.does {
            println!("{name} {what}, which the version in force does not");
        }
        for grant in &self.grants {
            println!("{name} wants the grant {grant}, which the version in force does not");
        }
        for key in &self.config {
            println!("{name} reads the config key {key}, which the version in force does not");
        }
    }
}

/// What the version in force asks for. Where none can be had, everything is new.
fn in_force(pipeline: &Checked, source: &PluginSource) -> miette::Result<Asks> {
    serving(pipeline, source)?.map_or_else(|| Ok(Asks::default()), |bytes| Asks::of_bytes(&bytes))
}

/// The version in force on this machine.
fn serving(pipeline: &Checked, source: &PluginSource) -> miette::Result<Option<Vec<u8>>> {
    let ledger = Ledger::look(&pipeline.data_dir).into_diagnostic()?;
    let shelf = Shelf::new(&pipeline.data_dir);
    let kept = ledger.entry(&source.key()).and_then(|entry| shelf.get(&entry.in_force.digest).ok());
    Ok(kept.or_else(|| plugin::component(source, &pipeline.plugins.dir, &shelf).ok()))
}
