//! The pages of the book about the command line, written from the command line itself: every verb's help, as `--help` prints it, and what its exit code says.

use std::fmt::Write as _;

use clap::Command;

use super::exits::{EXITS, Exits};

/// Every verb, those within verbs too, in the order of `--help`.
fn verbs_page(mut command: Command) -> String {
    command.build();
    let mut out = String::new();
    write_verb(&mut out, &command, "wtaf-host");
    out
}

fn write_verb(out: &mut String, command: &Command, path: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "## {path}\n\n```text\n{}\n```\n", plain(command));
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write_verb(out, verb, &format!("{path} {}", verb.get_name()));
    }
}

/// Its long help, of one width wherever it is printed.
fn plain(command: &Command) -> String {
    let help = command.clone().term_width(110).render_long_help().to_string();
    help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// What each verb's exit code says.
fn exits_page() -> String {
    let mut out = String::from("| verb | 0 | 1 | may end in 78 |\n|---|---|---|---|\n");
    for Exits { verb, done, failed, reads } in EXITS {
        let reads = if *reads { "yes" } else { "no" };
        let _ = writeln!(out, "| `{verb}` | {done} | {failed} | {reads} |");
    }
    out
}

/// The verbs that do something, by their whole names.
fn leaves(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
    let verbs: Vec<_> = command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
    for verb in &verbs {
        leaves(verb, format!("{path} {}", verb.get_name()).trim(), found);
    }
    if verbs.is_empty() {
        found.push((path.to_owned(), command.clone()));
    }
}

/// The examples of a verb's help, as a shell would split them; what comes after a pipe, or is said about one, is not ours.
fn examples(help: &str) -> Vec<Vec<String>> {
    let lines = help.lines().filter_map(|line| line.trim().strip_prefix("wtaf-host "));
    lines.map(|line| words(line.split("   ").next().unwrap_or_default())).collect()
}

fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, None);
    for sign in line.chars() {
        match (quoted, sign) {
            (Some(quote), sign) if sign == quote => quoted = None,
            (None, '"' | '\'') => {
                quoted = Some(sign);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '>' | '&' | '#') if word.is_none() => break,
            (_, sign) => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use clap::{CommandFactory, Parser};

    use super::*;

    const JOB: &str = "01M85DJ82QXN5127FRSK3FDDB3";

    /// Compares a page from one of its lines on, or writes that part anew.
    fn is_written(file: &str, from: &str, wanted: &str) {
        let file = format!("{}/../docs/reference/{file}", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&file).unwrap();
        let (before, _) = page.split_once(&format!("\n{from}")).unwrap_or((page.trim_end(), ""));
        let wanted = format!("{}\n\n{}\n", before.trim_end(), wanted.trim_end());
        if std::env::var_os("WTAF_UPDATE_DOCS").is_some() {
            std::fs::write(file, wanted).unwrap();
        } else {
            assert_eq!(page, wanted, "WTAF_UPDATE_DOCS=1 cargo test -p wtaf-host --lib page writes it anew");
        }
    }

    fn all() -> Vec<(String, Command)> {
        let mut command = super::super::Cli::command();
        command.build();
        let mut found = Vec::new();
        leaves(&command, "", &mut found);
        found
    }

    #[test]
    fn the_page_of_verbs_is_as_help_prints_it() {
        is_written("cli.md", "## wtaf-host\n", &verbs_page(super::super::Cli::command()));
    }

    #[test]
    fn the_page_of_exit_codes_has_every_verb() {
        let verbs: Vec<_> = all().into_iter().map(|(verb, _)| verb).collect();
        let told: Vec<_> = EXITS.iter().map(|exits| exits.verb).collect();
        assert_eq!(told, verbs);
        is_written("exits.md", "| verb |", &exits_page());
    }

    /// Every page of the book, and the README.
    fn book() -> Vec<(PathBuf, String)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut pages = vec![root.join("README.md")];
        for folder in ["docs", "docs/howto"] {
            pages.extend(std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
        }
        pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
        pages.into_iter().map(|page| (page.clone(), std::fs::read_to_string(page).unwrap())).collect()
    }

    /// What stands for something of the reader's own.
    fn filled_in(word: String) -> String {
        match word.as_str() {
            "01K6…" | "<id>" => JOB.to_owned(),
            "<who>" => "brave-otter".to_owned(),
            asked if asked.starts_with("$(") => JOB.to_owned(),
            _ => word,
        }
    }

    #[test]
    fn every_command_of_the_book_is_one_that_the_command_line_takes() {
        let mut seen = 0;
        for (page, text) in book() {
            for line in text.lines() {
                let line = line.trim().trim_start_matches("$ ").trim_start_matches("sudo -u wtaf ");
                let Some(line) = line.strip_prefix("wtaf-host ") else { continue };
                let words = words(line.split("   ").next().unwrap_or_default()).into_iter().map(filled_in);
                let taken = super::super::Cli::try_parse_from(["wtaf-host".to_owned()].into_iter().chain(words));
                assert!(taken.is_ok(), "{}: {line}: {}", page.display(), taken.err().unwrap());
                seen += 1;
            }
        }
        assert!(seen > 60, "the commands were found: {seen}");
    }

    #[test]
    fn every_verb_teaches_by_examples_that_the_command_line_takes() {
        for (verb, mut command) in all() {
            let help = command.render_long_help().to_string();
            let shown = help.split_once("Examples:").map(|(_, shown)| shown).unwrap_or_default();
            let examples = examples(shown);
            assert!(examples.iter().any(|words| words.join(" ").starts_with(&verb)), "{verb} has no example");
            for example in examples {
                let words = example.iter().cloned().map(filled_in);
                let taken = super::super::Cli::try_parse_from(["wtaf-host".to_owned()].into_iter().chain(words));
                assert!(taken.is_ok(), "{verb}: {example:?}: {}", taken.err().unwrap());
            }
        }
    }
}
