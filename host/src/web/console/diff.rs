//! What was answered and what is answered now, line by line.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::words::masked;

/// Lines shown of one difference.
const MOST: usize = 120;
/// Bytes of a value that are compared line by line: a page is long, and the comparison is slow.
const LONGEST: usize = 200_000;

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// `+`, `-` or a blank.
    pub sign: &'static str,
    /// For the stylesheet.
    pub class: &'static str,
    /// What stands there.
    pub text: String,
}

/// The lines that differ, with a line around each.
pub(super) fn lines(then: &Value, now: &Value) -> Vec<Line> {
    let (then, now) = (readable(then), readable(now));
    let diff =
        TextDiff::configure().timeout(std::time::Duration::from_millis(200)).diff_lines(then.as_str(), now.as_str());
    let mut lines = Vec::new();
    for change in diff.grouped_ops(1).iter().flatten().flat_map(|op| diff.iter_changes(op)) {
        let (sign, class) = match change.tag() {
            ChangeTag::Equal => (" ", "same"),
            ChangeTag::Delete => ("-", "less"),
            ChangeTag::Insert => ("+", "more"),
        };
        lines.push(Line { sign, class, text: masked(change.value().trim_end_matches('\n')) });
        if lines.len() >= MOST {
            lines.push(Line { sign: " ", class: "same", text: "… and more.".into() });
            break;
        }
    }
    lines
}

/// JSON with the line breaks within its texts, so that a page reads as a page.
pub(super) fn readable(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let text = text.replace("\\n", "\n").replace("\\\"", "\"");
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_shown_and_the_rest_left_out() {
        let then = json!({ "names": ["a", "b"], "html": "one\ntwo\nthree\nfour\nfive" });
        let now = json!({ "names": ["a", "b"], "html": "one\ntwo\nTHREE\nfour\nfive" });
        let shown: Vec<_> = lines(&then, &now).into_iter().map(|line| format!("{}{}", line.sign, line.text)).collect();
        assert_eq!(shown, [" two", "-three", "+THREE", " four"]);
        assert!(lines(&then, &then).is_empty());
    }
}
