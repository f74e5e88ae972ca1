//! Chooses the page among what an answer holds.
//!
//! The last whole document; while there is more to be had, a cut-off document behind it is waited for. Without any document the largest block
//! of HTML, then a drawing, then markup among the words, each made a document. For an edit or a remix only a whole document counts: a
//! fragment would replace the page by a piece of it.

use std::borrow::Cow;

use wtaf_plugin_sdk::Order;

use crate::{
    cutoff::{self, Supply},
    delimiter::Audience,
    document::{self, End, Outline},
    fences::{Lang, Runs},
    fold::{self, Beside},
    fragment, omission,
    scan::{Document, Pieces},
    seam,
    text::Meter,
    title,
};

/// A complete document and what it is called.
#[derive(Debug)]
pub struct Page {
    pub html: String,
    pub title: Option<String>,
}

/// What there is for an audience.
#[derive(Debug)]
pub enum Verdict {
    Page(Page),
    CutOff,
    Nothing(&'static str),
}

/// The answer as read, and what was asked.
pub struct Picker<'a> {
    pub answer: &'a str,
    pub pieces: &'a Pieces,
    pub order: &'a Order,
    pub supply: Supply,
    pub title_chars: usize,
    pub meter: &'a Meter,
}

impl Picker<'_> {
    /// The page for an audience.
    pub fn page(&self, audience: Audience) -> Verdict {
        let documents = self.pieces.documents.iter().filter(|document| document.audience == audience);
        let (mut whole, mut cut) = (None, None);
        for document in documents {
            // A cut-off document counts only behind the last whole one.
            if self.whole(document) { (whole, cut) = (Some(document), None) } else { cut = Some(document) }
        }
        if self.changes_a_page() && whole.is_some_and(|document| self.leaves_out(document)) {
            return Verdict::Nothing("the answer leaves out parts of the page");
        }
        match (whole, cut) {
            (Some(_), Some(_)) if self.supply == Supply::More => Verdict::CutOff,
            (Some(document), _) => Verdict::Page(self.folded(document, document.range.len())),
            (None, Some(_)) if self.supply != Supply::Last => Verdict::CutOff,
            (None, Some(document)) => self.salvaged(document),
            (None, None) => self.without_document(audience),
        }
    }

    fn changes_a_page(&self) -> bool {
        matches!(self.order.kind.as_str(), "edit" | "remix")
    }

    fn leaves_out(&self, document: &Document) -> bool {
        omission::leaves_out(&self.answer[document.range.clone()], self.meter)
    }

    fn whole(&self, document: &Document) -> bool {
        cutoff::whole(&document.outline, document.closed, self.supply)
    }

    /// The first `length` bytes of a document with the blocks beside it.
    fn folded(&self, document: &Document, length: usize) -> Page {
        let found = &self.answer[document.range.clone()][..length];
        let html = fold::complete(found, &document.outline, &self.beside(document.audience));
        let html = match html {
            Cow::Borrowed(html) => html.to_owned(),
            Cow::Owned(html) => self.mended(html),
        };
        Page { html, title: self.title(&document.outline) }
    }

    /// A page put together here, without fences that were left in it: only now is it seen where it ends.
    fn mended(&self, html: String) -> String {
        match seam::mend(&html, &Runs::of(&html, self.meter), self.meter) {
            Cow::Borrowed(_) => html,
            Cow::Owned(mended) => mended,
        }
    }

    fn salvaged(&self, document: &Document) -> Verdict {
        match cutoff::keep(&document.outline, document.range.len()) {
            Some(length) => Verdict::Page(self.folded(document, length)),
            None => Verdict::Nothing("the page stops in the middle"),
        }
    }

    fn title(&self, outline: &Outline) -> Option<String> {
        title::title(outline, &self.order.text, self.title_chars)
    }

    fn beside(&self, audience: Audience) -> Beside<'_> {
        let blocks = |lang| {
            let wanted = self.pieces.blocks.iter().filter(move |block| {
                block.audience == audience && block.lang == lang && (block.closed || self.supply == Supply::Finished)
            });
            wanted.map(|block| &self.answer[block.range.clone()]).collect()
        };
        Beside { css: blocks(Lang::Css), js: blocks(Lang::Js) }
    }

    fn without_document(&self, audience: Audience) -> Verdict {
        let Some((range, lang, closed)) = self.fragment(audience) else { return Verdict::Nothing(NONE) };
        if self.changes_a_page() {
            return Verdict::Nothing("the answer has only a part of the page");
        }
        let text = self.answer[range].trim();
        let outline = document::outline(text, self.meter);
        let text = match outline.end {
            End::Delimiter(end) | End::Another(end) => &text[..end],
            End::Closed(_) | End::Text => text,
        };
        let length = if cutoff::whole_fragment(&outline, closed, self.supply) && !self.block_missing(audience) {
            text.len()
        } else if self.supply == Supply::Last {
            match cutoff::keep(&outline, text.len()) {
                Some(length) => length,
                None => return Verdict::Nothing("the page stops in the middle"),
            }
        } else {
            return Verdict::CutOff;
        };
        let text = &text[..length];
        let title = self.title(&outline);
        let name = title.as_deref().unwrap_or("Page");
        let html = if lang == Lang::Svg {
            fold::frame(text, name)
        } else {
            self.mended(fold::wrap(text, &outline, name, &self.beside(audience), self.meter))
        };
        Verdict::Page(Page { html, title })
    }

    /// Whether a style or script beside the page is cut off: the page is not whole without it.
    fn block_missing(&self, audience: Audience) -> bool {
        self.supply == Supply::More
            && self
                .pieces
                .blocks
                .iter()
                .any(|block| block.audience == audience && matches!(block.lang, Lang::Css | Lang::Js) && !block.closed)
    }

    fn fragment(&self, audience: Audience) -> Option<(std::ops::Range<usize>, Lang, bool)> {
        let text = |range: &std::ops::Range<usize>| self.answer[range.clone()].trim();
        let blocks = || self.pieces.blocks.iter().filter(move |block| block.audience == audience);
        let html = blocks()
            .filter(|block| match block.lang {
                Lang::Html => text(&block.range).contains('<'),
                Lang::Unsaid => fragment::begins(text(&block.range)),
                _ => false,
            })
            .max_by_key(|block| block.range.len());
        let drawing = || {
            blocks()
                .rfind(|block| matches!(block.lang, Lang::Svg | Lang::Unsaid) && text(&block.range).contains("<svg"))
        };
        if let Some(block) = html.or_else(drawing) {
            let lang = if starts_with_drawing(text(&block.range)) { Lang::Svg } else { Lang::Html };
            return Some((block.range.clone(), lang, block.closed));
        }
        let range = fragment::among_words(self.answer, self.pieces).filter(|_| audience == Audience::Everyone)?;
        let lang = if starts_with_drawing(text(&range)) { Lang::Svg } else { Lang::Html };
        Some((range, lang, false))
    }
}

const NONE: &str = "no page in the answer";

/// Whether the text is a drawing and nothing else: `<svg`, or an XML prologue before one.
fn starts_with_drawing(text: &str) -> bool {
    let drawing = text.starts_with("<svg") || text.starts_with("<?xml") || text.starts_with("<!DOCTYPE svg");
    drawing && text.ends_with("</svg>")
}
