//! Whether a document is whole, and how one that is not may still be closed.
//!
//! The rule. A document is whole when it has its `</html>`, or when the provider said that the answer is finished and nothing is open where it
//! stops; a fragment, also when its fence is closed. It is cut off when the text stops within a tag, comment, style or script, or when the provider said that
//! there is more. With nothing more to be had, a page cut after its visible part is closed properly: never one whose script or style stops in
//! the middle, and never one with buttons or a canvas that wait for a script that did not come.

use crate::{
    document::{Open, Outline},
    scan::Closed,
};

/// What the host said of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supply {
    /// The provider said that this is all.
    Finished,
    /// There is more to be had by asking.
    More,
    /// Cut off, and nothing more is to be had.
    Last,
}

impl Supply {
    /// From the contract's `finished` and the context's `last`.
    pub fn new(finished: bool, last: bool) -> Self {
        match (finished, last) {
            (_, true) => Self::Last,
            (true, false) => Self::Finished,
            (false, false) => Self::More,
        }
    }
}

/// Least text that makes a page worth keeping without its end, in bytes without spaces.
pub const VISIBLE: usize = 16;

/// Whether a document is whole. While there is more to come only its end tag shows it: the fence that seems to close it may be content.
pub fn whole(outline: &Outline, closed: Closed, supply: Supply) -> bool {
    closed == Closed::EndTag || (outline.open == Open::Nothing && supply == Supply::Finished)
}

/// Whether a fragment is whole; it has no end tag to wait for, so its fence counts.
pub fn whole_fragment(outline: &Outline, closed: bool, supply: Supply) -> bool {
    outline.open == Open::Nothing && (closed || supply == Supply::Finished)
}

/// How much of a document that is cut off may be kept, if any of it.
pub fn keep(outline: &Outline, length: usize) -> Option<usize> {
    let end = match outline.open {
        Open::Script | Open::Raw => return None,
        Open::Nothing => length,
        Open::Tag(at) | Open::Comment(at) => at,
    };
    let dead = outline.waits && outline.scripts == 0;
    // What is open may be all there is: then nothing is left of the page.
    let left = end > 0 && outline.html_tag.is_none_or(|at| at < end);
    (outline.visible >= VISIBLE && !dead && left).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document, text::Meter};

    fn kept(text: &str) -> Option<&str> {
        keep(&document::outline(text, &Meter::default()), text.len()).map(|end| &text[..end])
    }

    #[test]
    fn a_page_cut_after_its_words_is_kept_up_to_the_last_whole_tag() {
        let page = "<html><body><h1>Bread</h1><p>Flour, water, salt, time.</p>";
        assert_eq!(kept(page), Some(page));
        assert_eq!(kept(&format!("{page}<p cla")), Some(page));
        assert_eq!(kept(&format!("{page}<!-- foo")), Some(page));
    }

    #[test]
    fn a_page_whose_script_stops_or_never_came_is_not_kept() {
        let page = "<html><body><h1>Bread</h1><p>Flour, water, salt, time.</p>";
        assert_eq!(kept(&format!("{page}<script>let a")), None);
        assert_eq!(kept(&format!("{page}<style>p {{")), None);
        assert_eq!(kept(&format!("{page}<button onclick=go()>Go</button>")), None);
        assert_eq!(kept("<html><body>"), None);
    }
}
