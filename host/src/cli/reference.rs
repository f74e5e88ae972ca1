//! The page of the book with every verb's help, as `--help` prints it.

use std::fmt::Write as _;

use clap::Command;

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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_page_of_verbs_is_as_help_prints_it() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/cli.md");
        let page = std::fs::read_to_string(file).unwrap();
        let (before, _) = page.split_once("\n## wtaf-host\n").unwrap_or((page.trim_end(), ""));
        let verbs = verbs_page(super::super::Cli::command());
        let wanted = format!("{}\n\n{}\n", before.trim_end(), verbs.trim_end());
        if std::env::var_os("WTAF_UPDATE_DOCS").is_some() {
            std::fs::write(file, wanted).unwrap();
        } else {
            assert_eq!(page, wanted, "WTAF_UPDATE_DOCS=1 cargo test -p wtaf-host --lib page writes it anew");
        }
    }
}
