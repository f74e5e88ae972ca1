//! Whether a page leaves out parts of the one it is to replace: `... rest of the code stays the same ...`, as a comment.
//!
//! Models asked for a change like to write so, and a page saved like that is broken. Looked for in changed pages alone: it is a reading of its own.

use crate::{
    text::{self, Meter},
    tokens::{Element, Token, Tokens},
};

/// Whether a comment of the document says so, be it in its markup, its styles or its scripts.
pub fn leaves_out(document: &str, meter: &Meter) -> bool {
    meter.add(document.len());
    let mut element = Element::Other;
    Tokens::of(document).any(|token| match token {
        Token::Start(tag) => {
            element = tag.element;
            false
        }
        Token::Comment { inside, .. } => says_so(&document[inside]),
        Token::Raw(code) if matches!(element, Element::Script | Element::Style) => {
            document[code].split(['\n', '\r']).any(comment_says_so)
        }
        _ => false,
    })
}

/// Whether a line of code is a comment that says so.
fn comment_says_so(line: &str) -> bool {
    let line = line.trim();
    let comment = line.strip_prefix("//").or_else(|| line.strip_prefix("/*"));
    comment.is_some_and(|comment| says_so(comment.trim_end_matches("*/")))
}

/// Whether a comment stands where code should.
fn says_so(comment: &str) -> bool {
    let words = text::slice(comment, 0..200).trim().to_lowercase();
    let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let dots = words.starts_with("...") || words.starts_with('…');
    let parts = ["rest of the ", "rest of your ", "remaining "];
    let kinds = ["code", "html", "css", "styles", "script", "page", "function", "markup", "content"];
    let same = ["same", "unchanged", "as before", "here", "existing", "previous"];
    if dots { has(&same) || has(&parts) } else { has(&parts) && has(&kinds) && has(&same) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_in_place_of_code_is_seen() {
        for comment in [
            " ... existing code ... ",
            "... rest of the page ...",
            "rest of the CSS stays the same",
            "… same as before",
        ] {
            assert!(says_so(comment), "{comment}");
        }
        for comment in ["draw the rest of the snake", "...", "the header", "keep the same colour"] {
            assert!(!says_so(comment), "{comment}");
        }
    }

    #[test]
    fn a_document_that_leaves_something_out_is_told_by_its_comments_alone() {
        let left_out = |html: &str| leaves_out(html, &Meter::default());
        for html in [
            "<p>a<!-- ... existing code ... -->",
            "<script>\nlet a;\r\n  // ... rest of the script ...\n</script>",
            "<style>/* rest of the CSS stays the same */</style>",
        ] {
            assert!(left_out(html), "{html}");
        }
        for html in [
            "<p>... rest of the page ...",
            "<textarea>\n// ... same ...\n</textarea>",
            "<script>go() // ... same\n</script>",
        ] {
            assert!(!left_out(html), "{html}");
        }
    }
}
