//! What plugins answer, as people compare it: texts as lines, not as one long quoted string.

use std::{fmt::Write, io::IsTerminal};

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// What differs between two answers, with a line of what is around it.
pub(in crate::cli) fn readable_diff(before: &Value, after: &Value) -> String {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (before, after) = (lines(before), lines(after));
    let diff = TextDiff::from_lines(&before, &after);
    let mut out = String::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, paint) = match change.tag() {
                ChangeTag::Delete => ('-', "\u{1b}[31m"),
                ChangeTag::Insert => ('+', "\u{1b}[32m"),
                ChangeTag::Equal => (' ', ""),
            };
            let line = change.value().trim_end_matches('\n');
            let (paint, plain) = if colour && !paint.is_empty() { (paint, "\u{1b}[0m") } else { ("", "") };
            // Writing into a String cannot fail.
            let _ = writeln!(out, "    {paint}{sign} {line}{plain}");
        }
    }
    out
}

fn lines(value: &Value) -> String {
    let mut out = String::new();
    spread(value, "", 0, &mut out);
    out
}

fn spread(value: &Value, name: &str, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let label = if name.is_empty() { String::new() } else { format!("{name}: ") };
    // Writing into a String cannot fail.
    match value {
        Value::Object(all) if !all.is_empty() => {
            let _ = writeln!(out, "{indent}{}", label.trim_end());
            for (name, value) in all {
                spread(value, name, depth + 1, out);
            }
        }
        Value::Array(all) if !all.is_empty() => {
            let _ = writeln!(out, "{indent}{}", label.trim_end());
            for value in all {
                spread(value, "-", depth + 1, out);
            }
        }
        Value::String(text) if text.contains('\n') => {
            let _ = writeln!(out, "{indent}{label}|");
            for line in text.lines() {
                let _ = writeln!(out, "{indent}  {line}");
            }
        }
        Value::String(text) => {
            let _ = writeln!(out, "{indent}{label}{text}");
        }
        other => {
            let _ = writeln!(out, "{indent}{label}{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_line_of_a_long_text_is_shown_with_its_neighbours_only() {
        let before = json!({ "Pages": [{ "html": "a\nb\nc\nd\ne\nf" }] });
        let after = json!({ "Pages": [{ "html": "a\nb\nc\nD\ne\nf" }] });

        let diff = readable_diff(&before, &after);

        assert_eq!(diff, "              c\n    -         d\n    +         D\n              e\n");
    }

    #[test]
    fn what_is_the_same_is_not_shown() {
        assert_eq!(readable_diff(&json!(["a"]), &json!(["a"])), "");
    }
}
