//! A piece of a page without a document around it: does this text begin with an HTML element, and where does it end among words?

use std::ops::Range;

use crate::scan::Pieces;

/// The elements a fragment may begin with.
const ELEMENTS: [&str; 58] = [
    "a",
    "article",
    "aside",
    "audio",
    "blockquote",
    "body",
    "button",
    "canvas",
    "center",
    "dialog",
    "details",
    "div",
    "dl",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hgroup",
    "hr",
    "iframe",
    "img",
    "input",
    "label",
    "link",
    "main",
    "menu",
    "meta",
    "meter",
    "nav",
    "noscript",
    "ol",
    "p",
    "picture",
    "pre",
    "progress",
    "script",
    "section",
    "select",
    "span",
    "strong",
    "style",
    "svg",
    "table",
    "template",
    "textarea",
    "title",
    "ul",
    "video",
    "marquee",
    "math",
];

/// Whether `text` begins with an HTML element or a comment before one.
pub fn begins(text: &str) -> bool {
    let mut text = text;
    while let Some(rest) = text.strip_prefix("<!--") {
        match rest.split_once("-->") {
            Some((_, after)) => text = after.trim_start(),
            None => return false,
        }
    }
    element(text).is_some()
}

/// The element whose start tag begins `text`.
fn element(text: &str) -> Option<&'static str> {
    let rest = text.strip_prefix('<')?;
    let length = rest.bytes().take(12).take_while(u8::is_ascii_alphanumeric).count();
    let delimited = rest.as_bytes().get(length).is_none_or(|&b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
    ELEMENTS.into_iter().find(|name| delimited && name.eq_ignore_ascii_case(&rest[..length]))
}

/// A fragment among the words of an answer: from the first line that begins with an element to the last that ends with a tag.
pub fn among_words(answer: &str, pieces: &Pieces) -> Option<Range<usize>> {
    // Words around documents belong to no fragment, and what is for the owner must not reach everyone.
    if pieces.owner_announced || !pieces.documents.is_empty() {
        return None;
    }
    let line = |range: &Range<usize>| answer[range.clone()].trim().to_owned();
    let first = pieces.prose.iter().position(|range| element(&line(range)).is_some())?;
    let last = pieces.prose.iter().rposition(|range| line(range).ends_with('>'))?;
    (first <= last).then(|| pieces.prose[first].start..pieces.prose[last].end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_told_from_other_things_in_angle_brackets() {
        for text in ["<div>", "<H1 class=x>", "<!-- a --> <p>", "<svg/>", "<p"] {
            assert!(begins(text), "{text}");
        }
        for text in ["<3 you", "<answer>", "<divx>", "< div>", "", "<!-- a", "div"] {
            assert!(!begins(text), "{text}");
        }
    }
}
