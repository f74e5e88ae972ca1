//! Where a comment ends: at `-->` or `--!>`, and one that begins `<!-->` or `<!--->` at once.

use std::ops::Range;

use crate::bytes;

/// A comment from behind its `<!--`.
pub struct Comment {
    pub inside: Range<usize>,
    pub end: usize,
    pub ended: bool,
}

/// Reads one whose inside begins at `start`.
pub fn read(text: &[u8], start: usize) -> Comment {
    for abrupt in [">", "->"] {
        if text[start..].starts_with(abrupt.as_bytes()) {
            return Comment { inside: start..start, end: start + abrupt.len(), ended: true };
        }
    }
    let mut at = start;
    loop {
        at = bytes::find(text, at, [b'>']);
        let inside = &text[start..at];
        if at == text.len() {
            return Comment { inside: start..start + unfinished(inside), end: at, ended: false };
        }
        if let Some(inside) = inside.strip_suffix(b"--").or_else(|| inside.strip_suffix(b"--!")) {
            return Comment { inside: start..start + inside.len(), end: at + 1, ended: true };
        }
        at += 1;
    }
}

/// The length of what is inside a comment that stops, without what may be the first part of its end.
fn unfinished(inside: &[u8]) -> usize {
    let part = ["--!", "--", "-"].into_iter().find(|part| inside.ends_with(part.as_bytes()));
    inside.len() - part.map_or(0, str::len)
}
