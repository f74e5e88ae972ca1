//! `wtaf-host init`: three questions, and a pipeline.toml that runs.

mod starter;

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use miette::{IntoDiagnostic, WrapErr, miette};
use url::Url;

use self::starter::{Answers, starter};
use super::Outcome;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Ai {
    /// Anthropic's Claude.
    Anthropic,
    /// OpenAI.
    Openai,
    /// Ollama, or another server of your own that speaks OpenAI's API.
    Ollama,
    /// Nobody yet: a library of ready-made apps.
    Demo,
}

/// Where texts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Texts {
    /// A phone in the browser.
    Console,
    /// Real phones.
    Twilio,
}

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  wtaf-host init                                   asks\n  \
                        wtaf-host init my-pages --ai anthropic --texts console --public-url \"\"      asks nothing")]
pub(super) struct Args {
    /// Where to put it.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Who answers.
    #[arg(long, value_enum)]
    ai: Option<Ai>,
    /// Where texts go.
    #[arg(long, value_enum)]
    texts: Option<Texts>,
    /// What the world calls it, such as https://wtaf.example; empty: this machine only.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

/// Asks what was not said, writes the files, says what to do next. What is there already is never written over.
pub(super) fn init(args: &Args) -> Outcome {
    let answers = answers(args)?;
    let files = starter(&answers);
    fs::create_dir_all(&args.folder).into_diagnostic().wrap_err_with(|| args.folder.display().to_string())?;
    for file in &files {
        let path = args.folder.join(file.name);
        if path.exists() {
            return Err(
                miette!(help = "give another folder, or move it away", "{} is there already", path.display()).into()
            );
        }
    }
    for file in &files {
        let path = args.folder.join(file.name);
        write_new(&path, &file.text, file.secret).into_diagnostic().wrap_err_with(|| path.display().to_string())?;
    }
    println!("{}", next_steps(&args.folder, &answers));
    Ok(ExitCode::SUCCESS)
}

fn write_new(path: &Path, text: &str, secret: bool) -> io::Result<()> {
    let mode = if secret { 0o600 } else { 0o644 };
    fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
}

fn answers(args: &Args) -> miette::Result<Answers> {
    let said_all = args.ai.is_some() && args.texts.is_some() && args.public_url.is_some();
    if !said_all && !io::stdin().is_terminal() {
        return Err(miette!(
            help = "wtaf-host init --ai demo --texts console --public-url \"\"",
            "there is nobody to ask: say --ai, --texts and --public-url"
        ));
    }
    let ai = match args.ai {
        Some(ai) => ai,
        None => choose(
            "Who answers?",
            &[
                ("Anthropic (Claude)", Ai::Anthropic),
                ("OpenAI", Ai::Openai),
                ("Ollama, or another server of my own", Ai::Ollama),
                ("nobody yet: ready-made apps, to try it", Ai::Demo),
            ],
        )?,
    };
    let texts = match args.texts {
        Some(texts) => texts,
        None => choose(
            "Where do texts go?",
            &[("a phone in the browser", Texts::Console), ("real phones, by Twilio", Texts::Twilio)],
        )?,
    };
    let public_url = match &args.public_url {
        Some(url) => read_url(url).map_err(|why| miette!("--public-url {why}"))?,
        None => ask_url()?,
    };
    Ok(Answers { ai, texts, public_url })
}

/// A question with numbered answers; the first one is taken for an empty line.
fn choose<T: Copy>(question: &str, choices: &[(&str, T)]) -> miette::Result<T> {
    println!("\n{question}");
    for (number, (words, _)) in choices.iter().enumerate() {
        println!("  {}  {words}", number + 1);
    }
    loop {
        let line = ask("[1] ")?;
        let number: usize = if line.is_empty() { 1 } else { line.parse().unwrap_or(0) };
        match number.checked_sub(1).and_then(|at| choices.get(at)) {
            Some((_, choice)) => return Ok(*choice),
            None => println!("A number from 1 to {}.", choices.len()),
        }
    }
}

fn ask_url() -> miette::Result<Option<Url>> {
    println!("\nWhat does the world call it? Such as https://wtaf.example; nothing, if only this machine does.");
    loop {
        match read_url(&ask("[] ")?) {
            Ok(url) => return Ok(url),
            Err(why) => println!("It {why}."),
        }
    }
}

fn ask(prompt: &str) -> miette::Result<String> {
    print!("{prompt}");
    io::stdout().flush().into_diagnostic()?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).into_diagnostic()? == 0 {
        return Err(miette!("nothing was written: there was no answer"));
    }
    Ok(line.trim().to_owned())
}

fn read_url(text: &str) -> Result<Option<Url>, String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let url: Url = text.parse().map_err(|_| "is no URL such as https://wtaf.example".to_owned())?;
    let fits = matches!(url.scheme(), "http" | "https") && url.host_str().is_some() && url.query().is_none();
    if fits {
        Ok(Some(url))
    } else {
        Err("begins with neither https:// nor http://, or has more than a host and a path".into())
    }
}

fn next_steps(folder: &Path, answers: &Answers) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let mut lines = vec![format!("\nThere are {} and {}.", at("pipeline.toml"), at(".env"))];
    let missing = answers.to_fill_in();
    if !missing.is_empty() {
        lines.push(format!("Put {} into {} first.", missing.join(", "), at(".env")));
    }
    lines.push(format!("\n  wtaf-host check {0}      is it right?\n  wtaf-host doctor {0}     do the others answer?\n  wtaf-host run {0}", at("pipeline.toml")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_perhaps_a_path() {
        assert_eq!(read_url("  ").unwrap(), None);
        assert_eq!(read_url("https://wtaf.example/").unwrap().unwrap().as_str(), "https://wtaf.example/");
        for bad in ["wtaf.example", "ftp://wtaf.example", "https://wtaf.example?x=1", "https://"] {
            assert!(read_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_there_is_not_written_over_and_secrets_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        write_new(&file, "A=1\n", true).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        write_new(&file, "A=2\n", true).unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), "A=1\n");
    }
}
