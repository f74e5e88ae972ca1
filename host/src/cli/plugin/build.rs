//! `plugin build`: a plugin out of a project, in the language its `plugin.toml` names, with its manifest and examples inside.
//!
//! The tools of each language are found or explained, never installed. What is not a whole, fitting plugin is not written: the file there is the last good one.

mod js;
mod python;
mod rust;
mod watch;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use miette::{IntoDiagnostic, WrapErr, miette};
use wtaf_plugin_pack::{Lang, Project};

use super::{
    inspect::{Inspected, readable},
    new::templates,
};
use crate::{
    cli::{ConfigArgs, Outcome, OutputFormat, progress::Progress},
    config::{self, Places, PluginSource, Role, RoleOf},
    engine::Components,
    plugin,
};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host plugin build my-names\n  wtaf-host plugin build my-names --watch --install --config pipeline.toml"
)]
pub(in crate::cli) struct Args {
    /// The project: the folder with its plugin.toml.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The file to write. Unset: <name>.wasm in the project.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Build again whenever something is saved; a build that fails leaves the last good one.
    #[arg(long)]
    watch: bool,
    /// With --watch: write it into the plugins folder of the pipeline, where a running engine takes it up.
    #[arg(long, requires_all = ["watch", "config"], conflicts_with = "out")]
    install: bool,
    /// The pipeline for --install.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Override any key of that pipeline (repeatable).
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// Rust: where cargo keeps what it has compiled. Unset: target in the project.
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

/// Builds once, or until it is stopped.
pub(super) fn build(args: &Args) -> Outcome {
    if args.watch {
        return watch::watch(args);
    }
    let built = once(args)?;
    match args.format {
        OutputFormat::Json => println!("{:#}", built.json()),
        OutputFormat::Text => println!("{}", built.text()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A plugin that was built and written.
struct Built {
    out: PathBuf,
    inspected: Inspected,
    bytes: usize,
    took: Duration,
}

impl Built {
    fn text(&self) -> String {
        let took = format!("built in {:.1} s", self.took.as_secs_f32());
        format!("{} ({}, {took})\n\n{}", self.out.display(), readable(self.bytes), self.inspected.text())
    }

    fn json(&self) -> serde_json::Value {
        let mut json = self.inspected.json();
        json["out"] = self.out.display().to_string().into();
        json["ms"] = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX).into();
        json
    }
}

/// From the sources to the file.
fn once(args: &Args) -> miette::Result<Built> {
    let began = Instant::now();
    let project = Project::read(&args.dir)
        .map_err(|error| miette!(help = "`wtaf-host plugin new <role>` begins a project", "{error}"))?;
    let out = out(args, &project)?;
    let progress = Progress::of(format!("building {}", project.manifest.name));
    let component = match project.lang {
        Lang::Rust => rust::component(&args.dir, args.target_dir.as_deref())?,
        Lang::Js => js::component(&args.dir, &project.manifest.role)?,
        Lang::Python => python::component(&args.dir, &project.manifest.role)?,
    };
    drop(progress);
    let sealed = wtaf_plugin_pack::seal(&component, &project.manifest).into_diagnostic()?;
    let about = plugin::about(&sealed).into_diagnostic().wrap_err("what was built is no plugin")?;
    if about.role.as_str() != project.manifest.role {
        let (made, said) = (about.role.as_str(), &project.manifest.role);
        return Err(miette!(
            help = "make the two agree",
            "the sources export the role {made}, plugin.toml says {said}"
        ));
    }
    replace(&out, &sealed).into_diagnostic().wrap_err_with(|| out.display().to_string())?;
    Ok(Built { out, inspected: Inspected::of(&sealed)?, bytes: sealed.len(), took: began.elapsed() })
}

/// The file that is written.
fn out(args: &Args, project: &Project) -> miette::Result<PathBuf> {
    let name = &project.manifest.name;
    match (&args.out, &args.config) {
        (Some(out), _) => Ok(out.clone()),
        (None, Some(file)) if args.install => {
            let folder = plugins_dir(file, &args.set, project)?;
            fs::create_dir_all(&folder).into_diagnostic().wrap_err_with(|| folder.display().to_string())?;
            Ok(folder.join(format!("{name}.wasm")))
        }
        (None, _) => Ok(args.dir.join(format!("{name}.wasm"))),
    }
}

/// Answers for the plugin that is being built: a pipeline may name it before it is there.
struct WithThis<'a>(&'a Project);

impl RoleOf for WithThis<'_> {
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
        let own = &self.0.manifest;
        let is_own = matches!(source, PluginSource::Named(name) if *name == own.name);
        match Role::ALL.into_iter().find(|role| role.as_str() == own.role) {
            Some(role) if is_own => Ok(role),
            _ => Components.role_of(source, places),
        }
    }
}

fn plugins_dir(file: &Path, set: &[String], project: &Project) -> miette::Result<PathBuf> {
    let args = ConfigArgs { file: file.to_owned(), set: set.to_vec() };
    let checked = config::load(&args.file, &args.set, &WithThis(project));
    Ok(checked.map_err(|faults| miette!("{}", faults.render(false)))?.plugins.dir.clone())
}

/// The contract that the tools of other languages read: the project's own `wit`, else this engine's, written to a folder that goes away.
fn contract(dir: &Path, scratch: &Path) -> miette::Result<PathBuf> {
    let own = dir.join("wit");
    if own.is_dir() {
        return Ok(own);
    }
    let ours = scratch.join("wit");
    fs::create_dir(&ours).into_diagnostic()?;
    for (file, text) in templates::WIT {
        fs::write(ours.join(file), text).into_diagnostic()?;
    }
    Ok(ours)
}

/// Puts the file in place in one go: whoever watches it never sees half of it.
fn replace(out: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&beside, out));
    if renamed.is_err() {
        // What cannot be used is not left lying about; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    renamed
}

/// Runs a tool to its end; what it says goes where our own words go.
fn run(mut tool: Command, what: &str) -> miette::Result<()> {
    let status = tool.status().into_diagnostic().wrap_err_with(|| format!("{what} could not be started"))?;
    if status.success() { Ok(()) } else { Err(miette!("{what} failed ({status}): its own words are above")) }
}
