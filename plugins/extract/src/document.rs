//! What the tokens say of a document: where it ends, what is open where the text stops, its title, its styles and scripts.
//!
//! One pass over the text given, stopped at the document's end. No tree, no recursion, nothing allocated but what is kept. It does not judge: whether
//! a page is whole enough to be saved is `cutoff`'s affair.
#![allow(
    clippy::inline_always,
    reason = "left to the compiler, half of it stays calls, and a page takes 1.6 times as long in the sandbox"
)]

use std::ops::Range;

use crate::{
    cutoff, delimiter,
    references::{self, Place},
    text::{self, Meter},
    tokens::{Attributes, Content, Element, Tag, Token, Tokens},
};

/// Longest title or heading kept while reading; what is shown is cut further.
const TITLE_BYTES: usize = 400;

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Just past `</html>`, and past scripts and styles that follow it.
    Closed(usize),
    /// At a delimiter that begins the other page.
    Delimiter(usize),
    /// At the doctype of another document.
    Another(usize),
    /// The text is over.
    Text,
}

/// What is open where the text stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// Nothing that matters: the text stops between tags.
    Nothing,
    /// A tag that began here.
    Tag(usize),
    /// A comment or doctype that began here.
    Comment(usize),
    /// A script.
    Script,
    /// Another element whose content is not markup: style, title, textarea.
    Raw,
}

/// A style sheet or script that the document expects beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its tag (for a script, both tags).
    pub at: Range<usize>,
    /// `type="module"`.
    pub module: bool,
}

/// What was read. Positions are bytes from the start of the text.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Outline {
    pub end: End,
    pub open: Open,
    pub doctype: Option<Range<usize>>,
    /// Where `<html` stands.
    pub html_tag: Option<usize>,
    pub head_tag: bool,
    pub body_tag: bool,
    /// Just past `<head…>`.
    pub head_start: Option<usize>,
    pub head_close: Option<usize>,
    pub body_close: Option<usize>,
    /// The end tag of the document.
    pub html_end: Option<Range<usize>>,
    /// Just past it and the scripts and styles that follow it.
    pub html_close: Option<usize>,
    pub title: Option<String>,
    pub heading: Option<String>,
    /// `<style>` elements, and finished `<script>` elements with content of their own.
    pub styles: usize,
    pub scripts: usize,
    pub links: Vec<Reference>,
    pub sources: Vec<Reference>,
    /// Bytes of text that a reader would see, counted up to [`cutoff::VISIBLE`].
    pub visible: usize,
    /// Whether something on it is dead without a script: a canvas, a button, an `on…` attribute.
    pub waits: bool,
    /// `</script>` or `</style>` with nothing open: the text begins inside a script.
    pub stray_end: bool,
}

/// Reads `text`, which begins where a document or a fragment begins.
pub fn outline(text: &str, meter: &Meter) -> Outline {
    let mut tokens = Tokens::of(text);
    let mut watcher = Watcher::new(text);
    let end = loop {
        tokens.skips_text = !watcher.reads_text();
        let Some(token) = tokens.next() else { break None };
        if let Some(end) = watcher.see(token) {
            break Some(end);
        }
    };
    meter.add(tokens.read());
    watcher.finish(end)
}

/// Whether a document begins at the start of `text`.
pub fn begins(text: &str) -> bool {
    let named = |prefix: &str| {
        text::starts_with(text, prefix)
            && text.as_bytes().get(prefix.len()).is_none_or(|&b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))
    };
    named("<!doctype html") || named("<html")
}

/// What the attributes of a `<link>` or `<script>` say.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is an attribute seen")]
struct File {
    stylesheet: bool,
    module: bool,
    /// `href` or `src`, where it names a file beside the page.
    local: bool,
    source: bool,
}

impl File {
    fn of(text: &str, tag: &Tag) -> Self {
        let mut file = Self::default();
        for attribute in Attributes::of(text, tag) {
            let name = &text[attribute.name];
            file.source |= name.eq_ignore_ascii_case("src");
            if attribute.value.is_empty() {
                continue;
            }
            let value = references::decoded(&text[attribute.value], Place::Attribute);
            let value = value.trim_ascii();
            if name.eq_ignore_ascii_case("rel") {
                file.stylesheet = value.eq_ignore_ascii_case("stylesheet");
            } else if name.eq_ignore_ascii_case("type") {
                file.module = value.eq_ignore_ascii_case("module");
            } else if name.eq_ignore_ascii_case("href") || name.eq_ignore_ascii_case("src") {
                file.local = local(value.as_bytes());
            }
        }
        file
    }
}

/// An open element whose content is not markup.
#[derive(Debug)]
struct Raw {
    element: Element,
    start: usize,
    file: File,
}

/// Where text goes that is being collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collect {
    Nothing,
    Title,
    Heading,
}

/// Turns tokens into an [`Outline`].
#[derive(Debug)]
struct Watcher<'a> {
    text: &'a str,
    out: Outline,
    /// Whether any element has begun.
    begun: bool,
    raw: Option<Raw>,
    collect: Collect,
    collected: String,
    in_head: bool,
    svg: usize,
    /// What the last token left open.
    open: Open,
}

impl<'a> Watcher<'a> {
    fn new(text: &'a str) -> Self {
        let out = Outline {
            end: End::Text,
            open: Open::Nothing,
            doctype: None,
            html_tag: None,
            head_tag: false,
            body_tag: false,
            head_start: None,
            head_close: None,
            body_close: None,
            html_end: None,
            html_close: None,
            title: None,
            heading: None,
            styles: 0,
            scripts: 0,
            links: Vec::new(),
            sources: Vec::new(),
            visible: 0,
            waits: false,
            stray_end: false,
        };
        Self {
            text,
            out,
            begun: false,
            raw: None,
            collect: Collect::Nothing,
            collected: String::new(),
            in_head: false,
            svg: 0,
            open: Open::Nothing,
        }
    }

    /// One token; an answer stops the reading.
    #[inline(always)]
    fn see(&mut self, token: Token) -> Option<End> {
        match token {
            Token::Start(tag) => return self.start(&tag),
            Token::End(tag) => return self.end(&tag),
            Token::Text(at) => return self.words(at),
            Token::Raw(at) => self.raw(at),
            Token::Comment { at, inside, ended } => return self.comment(at, inside, ended),
            Token::Doctype { at, html, ended } => return self.doctype(at, html, ended),
            Token::Stump(at) => return self.stump(at),
        }
        None
    }

    /// Where the document ends, once `</html>` and what follows it have been seen.
    fn closed(&self) -> End {
        self.out.html_close.map_or(End::Text, End::Closed)
    }

    fn doctype(&mut self, at: Range<usize>, html: bool, ended: bool) -> Option<End> {
        if !ended {
            self.open = Open::Comment(at.start);
        }
        if !html {
            return None;
        }
        if self.out.doctype.is_some() || self.begun {
            return Some(if self.out.html_close.is_some() { self.closed() } else { End::Another(at.start) });
        }
        self.out.doctype = Some(at);
        None
    }

    fn comment(&mut self, at: Range<usize>, inside: Range<usize>, ended: bool) -> Option<End> {
        if self.out.html_close.is_some() {
            return Some(self.closed());
        }
        if !ended {
            self.open = Open::Comment(at.start);
        }
        delimiter::comment_says(&self.text[inside]).map(|_| End::Delimiter(at.start))
    }

    /// A tag that stops before its name is text as well, by the standard.
    fn stump(&mut self, at: usize) -> Option<End> {
        self.open = Open::Tag(at);
        if matches!(&self.text[at..], "<" | "</") { self.words(at..self.text.len()) } else { None }
    }

    #[inline(always)]
    fn start(&mut self, tag: &Tag) -> Option<End> {
        if self.out.html_close.is_some() && !matches!(tag.element, Element::Script | Element::Style) {
            return Some(self.closed());
        }
        if tag.element == Element::Html && self.out.html_tag.is_some() {
            return Some(End::Another(tag.at.start));
        }
        self.out.waits |= tag.handles;
        if !tag.ended {
            self.open = Open::Tag(tag.at.start);
            return None;
        }
        self.begun = true;
        if tag.element != Element::Other {
            self.started(tag);
        }
        None
    }

    /// A start tag that matters is whole.
    fn started(&mut self, tag: &Tag) {
        match tag.element {
            Element::Html => self.out.html_tag = Some(tag.at.start),
            Element::Head => {
                self.out.head_tag = true;
                self.out.head_start = Some(tag.at.end);
                self.in_head = true;
            }
            Element::Body => {
                self.out.body_tag = true;
                self.in_head = false;
            }
            Element::Link => {
                let file = File::of(self.text, tag);
                if file.stylesheet && file.local {
                    self.out.links.push(Reference { at: tag.at.clone(), module: false });
                }
            }
            Element::Canvas | Element::Button => self.out.waits = true,
            Element::Svg => self.svg += 1,
            Element::Br if self.collect == Collect::Heading => self.collected.push(' '),
            Element::Title if self.svg == 0 && self.out.title.is_none() => self.collect = Collect::Title,
            Element::H1 if self.out.heading.is_none() => self.collect = Collect::Heading,
            _ => {}
        }
        if tag.element.content().is_some() {
            let file = if tag.element == Element::Script { File::of(self.text, tag) } else { File::default() };
            self.raw = Some(Raw { element: tag.element, start: tag.at.start, file });
        }
    }

    #[inline(always)]
    fn end(&mut self, tag: &Tag) -> Option<End> {
        if let Some(raw) = self.raw.take() {
            self.raw_ended(&raw, tag.at.end);
        } else if self.out.html_close.is_some() {
            return Some(self.closed());
        } else {
            match tag.element {
                Element::Head => {
                    self.out.head_close.get_or_insert(tag.at.start);
                    self.in_head = false;
                }
                Element::Body => self.out.body_close = Some(tag.at.start),
                Element::Html => {
                    self.out.html_end = Some(tag.at.clone());
                    self.out.html_close = Some(tag.at.end);
                }
                Element::Svg => self.svg = self.svg.saturating_sub(1),
                Element::Script | Element::Style => self.out.stray_end = true,
                _ => {}
            }
        }
        self.collected(tag.element);
        None
    }

    fn raw_ended(&mut self, raw: &Raw, end: usize) {
        match raw.element {
            Element::Style => self.out.styles += 1,
            Element::Script if raw.file.source && raw.file.local => {
                self.out.sources.push(Reference { at: raw.start..end, module: raw.file.module });
            }
            Element::Script if !raw.file.source => self.out.scripts += 1,
            _ => {}
        }
        if let Some(close) = &mut self.out.html_close {
            *close = end;
        }
    }

    /// Keeps the title or heading whose element just ended.
    #[inline(always)]
    fn collected(&mut self, element: Element) {
        let done = match (self.collect, element) {
            (Collect::Title, Element::Title) => &mut self.out.title,
            (Collect::Heading, Element::H1) => &mut self.out.heading,
            _ => return,
        };
        let words = text::collapse(&self.collected);
        if !words.is_empty() {
            *done = Some(words);
        }
        self.collected.clear();
        self.collect = Collect::Nothing;
    }

    /// Whether text between tags still says something.
    fn reads_text(&self) -> bool {
        let unseen = !self.in_head && self.out.visible < cutoff::VISIBLE;
        unseen || self.collect != Collect::Nothing || self.out.html_close.is_some()
    }

    /// Text between tags.
    fn words(&mut self, at: Range<usize>) -> Option<End> {
        if self.out.html_close.is_some() && !self.text[at.clone()].bytes().all(|byte| byte.is_ascii_whitespace()) {
            return Some(self.closed());
        }
        let words = references::decoded(&self.text[at], Place::Text);
        self.collect(&words);
        if !self.in_head {
            let visible = words.bytes().filter(|byte| !byte.is_ascii_whitespace());
            self.out.visible += visible.take(cutoff::VISIBLE - self.out.visible).count();
        }
        None
    }

    /// What is in an element whose content is not markup.
    fn raw(&mut self, at: Range<usize>) {
        let inside = &self.text[at];
        match self.raw.as_ref().and_then(|raw| raw.element.content()) {
            _ if self.collect == Collect::Nothing => {}
            Some(Content::Rcdata) => self.collect(&references::decoded(inside, Place::Text)),
            _ => self.collect(inside),
        }
    }

    fn collect(&mut self, words: &str) {
        if self.collect != Collect::Nothing && self.collected.len() < TITLE_BYTES {
            self.collected.push_str(text::slice(words, 0..TITLE_BYTES));
        }
    }

    fn finish(mut self, end: Option<End>) -> Outline {
        self.out.end = end.unwrap_or_else(|| self.closed());
        self.out.open = match (self.raw, self.out.end) {
            (_, End::Closed(_)) => Open::Nothing,
            (Some(Raw { element: Element::Script, .. }), _) => Open::Script,
            (Some(_), _) => Open::Raw,
            (None, _) => self.open,
        };
        self.out
    }
}

/// Whether an address names a file that would lie beside the page.
fn local(address: &[u8]) -> bool {
    let remote: [&[u8]; 5] = [b"http:", b"https:", b"//", b"data:", b"blob:"];
    !address.is_empty()
        && !address.starts_with(b"#")
        && !remote.iter().any(|start| address.get(..start.len()).is_some_and(|a| a.eq_ignore_ascii_case(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Outline {
        outline(text, &Meter::default())
    }

    #[test]
    fn a_document_ends_at_its_own_end_tag_and_not_in_a_script() {
        let page = "<!DOCTYPE html><html><script>let a = '</html>';</script></html>";
        assert_eq!(
            read(&format!(
                "{page}
Enjoy!"
            ))
            .end,
            End::Closed(page.len())
        );
    }

    #[test]
    fn scripts_after_the_end_tag_belong_to_the_page() {
        let page = "<html><body></body></html>
<script>go()</script>";
        assert_eq!(
            read(&format!(
                "{page}
<p>x"
            ))
            .end,
            End::Closed(page.len())
        );
    }

    #[test]
    fn what_is_open_where_the_text_stops_is_known() {
        for (text, open) in [
            ("<html><p>hi", Open::Nothing),
            ("<html><p>hi</p", Open::Tag(11)),
            ("<html><p class=\"a < b", Open::Tag(6)),
            ("<html><!-- é", Open::Comment(6)),
            ("<html><!-", Open::Comment(6)),
            ("<html><? a", Open::Comment(6)),
            ("<html><? a>", Open::Nothing),
            ("<html><script>let a", Open::Script),
            ("<html><style>p{", Open::Raw),
            ("<html><title>x", Open::Raw),
            ("<html><p>1 <", Open::Tag(11)),
        ] {
            assert_eq!(read(text).open, open, "{text}");
        }
    }

    #[test]
    fn title_and_heading_are_read_and_an_icons_title_is_not() {
        let out =
            read("<html><body><svg><title>icon</title></svg><h1>Big <b>news</b></h1><title>A &amp; B\n c</title>");
        assert_eq!(out.title.as_deref(), Some("A & B c"));
        assert_eq!(out.heading.as_deref(), Some("Big news"));
    }

    #[test]
    fn files_beside_the_page_are_found_and_remote_ones_are_not() {
        let out = read(
            "<html><link rel=stylesheet href=style.css><link rel=stylesheet href=https://x.y/z.css>\
             <script src=\"app.js\" type=module></script><script src=//cdn/x.js></script>",
        );
        assert_eq!((out.links.len(), out.sources.len(), out.sources[0].module), (1, 1, true));
    }

    #[test]
    fn another_document_or_a_delimiter_ends_an_unclosed_one() {
        assert_eq!(read("<!doctype html><p>a<!doctype html><p>b").end, End::Another(19));
        assert_eq!(read("<html><p>a<!-- wtaf:page owner --><p>").end, End::Delimiter(10));
    }

    #[test]
    fn positions_hold_with_windows_line_ends_and_any_script() {
        let page = "<html>\r\n<p>é\r\n\r\r\n</p>\r\n<script>\r\nlet a='ü';\r\n</script></html>";
        assert_eq!(read(&format!("{page}\r\nafter")).end, End::Closed(page.len()));
    }
}
