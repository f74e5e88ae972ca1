//! Findings as a table for people.

use std::fmt::Write;

use super::{Finding, State};

/// A line a finding, what to do below it, and a verdict last.
pub(super) fn table(findings: &[Finding], colour: bool) -> String {
    let mut out = String::new();
    let wide = findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or(0);
    let mut group = "";
    for finding in findings {
        if finding.group != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            group = finding.group;
            let _ = writeln!(out, "{gap}{}", paint(group, "1", colour));
        }
        let (word, paint_as) = match finding.state {
            State::Ok => ("ok     ", "32"),
            State::Warning => ("warning", "33"),
            State::Failure => ("FAILED ", "31"),
        };
        let what = format!("{:<wide$}", finding.what);
        let _ = writeln!(out, "  {}  {what}  {}", paint(word, paint_as, colour), finding.found);
        if let Some(todo) = &finding.todo {
            let _ = writeln!(out, "  {:7}  {:wide$}  → {todo}", "", "");
        }
    }
    let _ = writeln!(out, "\n{}", verdict(findings));
    out
}

fn verdict(findings: &[Finding]) -> String {
    let of = |state| findings.iter().filter(|finding| finding.state == state).count();
    match (of(State::Failure), of(State::Warning)) {
        (0, 0) => format!("All is well ({} things looked at).", findings.len()),
        (0, warnings) => format!("It works; {} worth a look.", things(warnings)),
        (failures, 0) => format!("{} not work.", does(failures)),
        (failures, warnings) => format!("{} not work, {} worth a look.", does(failures), things(warnings)),
    }
}

fn things(n: usize) -> String {
    if n == 1 { "one thing is".to_owned() } else { format!("{n} things are") }
}

fn does(n: usize) -> String {
    if n == 1 { "One thing does".to_owned() } else { format!("{n} things do") }
}

fn paint(text: &str, how: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[{how}m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_below_what_is_not_well() {
        let finding = |group, what: &str, state, todo: Option<&str>| Finding {
            group,
            what: what.into(),
            state,
            found: format!("{what} was looked at"),
            todo: todo.map(str::to_owned),
        };
        let findings = [
            finding("disk", "space", State::Ok, None),
            finding("disk", "permissions", State::Warning, Some("chmod 700 data")),
            finding("store", "connection", State::Failure, Some("start it")),
        ];
        insta::assert_snapshot!(table(&findings, false));
        assert!(table(&findings[..1], false).ends_with("\nAll is well (1 things looked at).\n"));
        assert!(table(&findings, true).contains("\u{1b}[31mFAILED \u{1b}[0m"));
    }
}
