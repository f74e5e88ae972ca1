//! Where content that is not markup ends.

use super::{Content, Element};
use crate::bytes;

/// Where the end tag stands of the element whose content begins at `start`, or where the text stops.
pub fn end(text: &[u8], start: usize, element: Element) -> usize {
    match element.content() {
        Some(Content::Script) => script_end(text, start),
        Some(Content::Rcdata | Content::Rawtext) => plain_end(text, start, element.end()),
        Some(Content::Plaintext) => text.len(),
        None => start,
    }
}

fn plain_end(text: &[u8], start: usize, name: &str) -> usize {
    let mut at = start;
    loop {
        at = bytes::find(text, at, [b'<']);
        if at >= text.len() || ends(text, at, name) {
            return at;
        }
        at += 1;
    }
}

/// Whether the end tag of `name` stands at `at`, whole but for its `>`.
fn ends(text: &[u8], at: usize, name: &str) -> bool {
    text.get(at + 1) == Some(&b'/') && named(text, at + 2, name)
}

/// Whether `name`, in any case, and then something that ends a name stands at `at`.
fn named(text: &[u8], at: usize, name: &str) -> bool {
    let end = at + name.len();
    text.get(at..end).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
        && matches!(text.get(end), Some(b' ' | b'\n' | b'\t' | b'\r' | b'\x0c' | b'/' | b'>'))
}

const SCRIPT: &str = "script";

/// How deep in what looks like a comment a script is: the standard's script data, escaped and double escaped states. Old pages hid scripts from
/// older browsers in comments; in one, `<script>` hides the `</script>` that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Not,
    InComment,
    InScriptInComment,
}

fn script_end(text: &[u8], start: usize) -> usize {
    let mut hidden = Hidden::Not;
    let mut at = start;
    loop {
        at = match hidden {
            Hidden::Not => bytes::find(text, at, [b'<']),
            _ => bytes::find(text, at, [b'<', b'>']),
        };
        let Some(&mark) = text.get(at) else { return text.len() };
        let end_tag = mark == b'<' && ends(text, at, SCRIPT);
        if end_tag && hidden != Hidden::InScriptInComment {
            return at;
        }
        (hidden, at) = match hidden {
            // The two dashes that begin it may be the two that end it.
            Hidden::Not if text[at..].starts_with(b"<!--") => (Hidden::InComment, at + 4),
            Hidden::InComment | Hidden::InScriptInComment if mark == b'>' && text[..at].ends_with(b"--") => {
                (Hidden::Not, at + 1)
            }
            Hidden::InComment if mark == b'<' && named(text, at + 1, SCRIPT) => {
                (Hidden::InScriptInComment, at + 2 + SCRIPT.len())
            }
            Hidden::InScriptInComment if end_tag => (Hidden::InComment, at + 3 + SCRIPT.len()),
            same => (same, at + 1),
        };
    }
}
