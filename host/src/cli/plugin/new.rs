//! `plugin new`: a project that builds, tests and installs as it stands.
//!
//! Everything a project needs of ours is written into it (the contract, for Rust the SDK), so that it can be kept, moved and built without this repository.

pub(super) mod templates;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use miette::{IntoDiagnostic, WrapErr, miette};

use crate::{cli::Outcome, config::Role};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  wtaf-host plugin new slug my-names\n  wtaf-host plugin new --lang python filter")]
pub(in crate::cli) struct Args {
    /// What it is written in.
    #[arg(long, value_enum, default_value = "rust")]
    lang: Lang,
    /// What it does in the pipeline.
    #[arg(value_parser = roles())]
    role: Role,
    /// The new folder; its name becomes the plugin's. Unset: my-<role>.
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Lang {
    Rust,
    Js,
    Python,
}

fn roles() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .try_map(|text| Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or("no such role"))
}

/// Writes the project and says how to go on.
pub(super) fn new(args: &Args) -> Outcome {
    let dir = args.dir.clone().unwrap_or_else(|| format!("my-{}", args.role.as_str()).into());
    if fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(miette!(help = "name a folder that does not exist yet", "{} is not empty", dir.display()).into());
    }
    let name = name_of(&dir, args.role);
    for (path, text) in templates::files(args.lang, args.role) {
        write(&dir.join(path), &text.replace("my-plugin", &name))?;
    }
    println!("{}", next_steps(&dir, &name, args.lang));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> miette::Result<()> {
    let told = || path.display().to_string();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).into_diagnostic().wrap_err_with(told)?;
    }
    fs::write(path, text).into_diagnostic().wrap_err_with(told)
}

/// The folder's own name, as plugins are called.
fn name_of(dir: &Path, role: Role) -> String {
    // `.` and the like have a name only once they are resolved.
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let text = whole.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").chars().take(64).collect();
    let name = name.trim_end_matches('-');
    // Cargo takes no package whose name begins with a digit.
    if name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.into()
    } else {
        format!("my-{}", role.as_str())
    }
}

fn next_steps(dir: &Path, name: &str, lang: Lang) -> String {
    let shown = dir.display();
    let mut text = format!("{name} is in {shown}. Next:\n\n    cd {shown}\n");
    for line in templates::first_steps(lang) {
        let _ = writeln!(text, "    {line}");
    }
    let _ = write!(text, "    wtaf-host plugin build .\n\nREADME.md tells the rest.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_name_becomes_the_plugins_where_it_can() {
        let named = |dir: &str| name_of(Path::new(dir), Role::Slug);
        assert_eq!(named("/x/My Names_2"), "my-names-2");
        assert_eq!(named("/x/haiku/"), "haiku");
        assert_eq!(named("/x/Ünïcode"), "n-code");
        assert_eq!(named("/x/2fast"), "my-slug");
        assert_eq!(named("/"), "my-slug");
    }
}
