//! Small things about text: cleaning what came, cutting at a bound, looking for ASCII in any case.
//!
//! Everything here is one pass over its input and never splits a character.

use std::{borrow::Cow, cell::Cell, ops::Range};

use crate::bytes;

/// Counts the bytes looked at, so that a test can show that twice the input is twice the work.
#[derive(Debug, Default)]
pub struct Meter(Cell<u64>);

impl Meter {
    /// Adds to the count.
    pub fn add(&self, bytes: usize) {
        self.0.set(self.0.get() + bytes as u64);
    }

    /// The count.
    pub fn read(&self) -> u64 {
        self.0.get()
    }
}

/// The answer without what no page may hold (NUL: PostgreSQL refuses it), the byte order mark, and the model's thinking aloud.
pub fn clean(answer: &str) -> Cow<'_, str> {
    let text = answer.trim_start_matches(['\u{feff}', '\0']);
    let text = after_thinking(text);
    let has_nul = bytes::find_rare(text.as_bytes(), 0, [0]) < text.len();
    if has_nul { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

/// Some models open with `<think>…</think>`, drafts of the page included. Unclosed thinking is all there is: nothing is left.
fn after_thinking(text: &str) -> &str {
    let start = text.trim_start();
    for name in ["think", "thinking", "reasoning"] {
        let opened =
            start.strip_prefix('<').and_then(|rest| rest.strip_prefix(name)).and_then(|rest| rest.strip_prefix('>'));
        if let Some(rest) = opened {
            return match rest.split_once(&format!("</{name}>")) {
                Some((_, after)) => after,
                None => "",
            };
        }
    }
    text
}

/// `text[range]`, with bounds moved down to where a character begins.
pub fn slice(text: &str, range: Range<usize>) -> &str {
    let end = floor(text, range.end);
    let start = floor(text, range.start).min(end);
    &text[start..end]
}

/// The nearest character boundary at or before `at`.
pub fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether `text` begins with the ASCII `prefix` in any case.
pub fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Where the ASCII `needle` (in any case) is in `text`, at or after `from`. The needle must be short: it is compared wherever its ends fit.
pub fn find(text: &str, needle: &str, from: usize) -> Option<usize> {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    let (&first, &last) = (needle.first()?, needle.last()?);
    let is_at = |at: usize| text.get(at..at + needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(needle));
    let mut at = from;
    loop {
        at = bytes::find_ends(text, at, [first, last], needle.len() - 1)?;
        if is_at(at) {
            return Some(at);
        }
        at += 1;
    }
}

/// One line of spaces between words, nothing before and after.
pub fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `chars` characters, cut between words where there is one to cut at.
pub fn short(text: &str, chars: usize) -> String {
    let Some((limit, _)) = text.char_indices().nth(chars) else { return text.to_owned() };
    let head = &text[..limit];
    let cut = head.rfind(char::is_whitespace).filter(|&at| at * 2 > limit).unwrap_or(limit);
    format!("{}…", head[..cut].trim_end_matches(|c: char| c.is_whitespace() || ",;:-".contains(c)))
}

/// `&`, `<`, `>` and `"` made harmless for markup.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_aloud_is_dropped() {
        assert_eq!(clean("<think>maybe <html></think>\nHere").as_ref(), "\nHere");
        assert_eq!(clean("\u{feff}a\0b").as_ref(), "ab");
        assert_eq!(clean("<think>for ever").as_ref(), "");
    }

    #[test]
    fn a_bound_cuts_between_words_and_never_in_a_character() {
        assert_eq!(short("a timer for pizza", 10), "a timer…");
        assert_eq!(short("ääääää", 3), "äää…");
        assert_eq!(short("short", 10), "short");
        assert_eq!(slice("ä", 0..1), "");
    }

    #[test]
    fn ascii_is_found_in_any_case() {
        assert_eq!(find("xx</HtMl>", "</html", 0), Some(2));
        assert_eq!(find("xx", "</html", 5), None);
    }
}
