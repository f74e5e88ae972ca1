//! What a tokenizer says of a document: where it ends, what is open where the text stops, its title, its styles and scripts.
//!
//! One pass of the WHATWG tokenizer over the text given, stopped at the document's end. No tree, no recursion, nothing allocated but
//! what is kept. It does not judge: whether a page is whole enough to be saved is `cutoff`'s affair.

use std::ops::Range;

use html5gum::{
    Error, Span, Tokenizer,
    emitters::callback::{CallbackEmitter, CallbackEvent},
};

use crate::{
    cutoff, delimiter,
    reader::Metered,
    text::{self, Meter},
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
    /// Bytes of text that a reader would see.
    pub visible: usize,
    /// Whether something on it is dead without a script: a canvas, a button, an `on…` attribute.
    pub waits: bool,
    /// `</script>` or `</style>` with nothing open: the text begins inside a script.
    pub stray_end: bool,
    /// Start tags of any kind.
    pub tags: usize,
    /// Whether a comment says that something was left out.
    pub left_out: bool,
}

/// Reads `text`, which begins where a document or a fragment begins.
pub fn outline(text: &str, meter: &Meter) -> Outline {
    let mut watcher = Watcher::new();
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| watcher.see(&event, span));
    emitter.naively_switch_states(true);
    let mut tokens = Tokenizer::new_with_emitter(Metered::new(text, meter), emitter);
    let end = tokens.next().map(|Ok(end)| end);
    drop(tokens);
    watcher.finish(text, end)
}

/// Whether a document begins at the start of `text`.
pub fn begins(text: &str) -> bool {
    let named = |prefix: &str| {
        text::starts_with(text, prefix)
            && text.as_bytes().get(prefix.len()).is_none_or(|&b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))
    };
    named("<!doctype html") || named("<html")
}

/// The elements whose content the tokenizer does not read as markup (its own list, so that both agree).
const RAW: [&[u8]; 10] =
    [b"script", b"style", b"title", b"textarea", b"iframe", b"xmp", b"noembed", b"noframe", b"noscript", b"plaintext"];

/// A start tag being read.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is an attribute seen")]
struct Tag {
    name: Vec<u8>,
    start: usize,
    attribute: Vec<u8>,
    stylesheet: bool,
    module: bool,
    /// `href` or `src`, where it names a file beside the page.
    local: bool,
    source: bool,
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
struct Watcher {
    out: Outline,
    tag: Option<Tag>,
    /// The raw element that is open: its tag's start, and whether it is a script with content of its own.
    raw: Option<Tag>,
    collect: Collect,
    collected: String,
    in_head: bool,
    svg: usize,
    /// The last comment.
    comment: Range<usize>,
    at_end: Option<Error>,
}

impl Watcher {
    fn new() -> Self {
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
            tags: 0,
            left_out: false,
        };
        Self {
            out,
            tag: None,
            raw: None,
            collect: Collect::Nothing,
            collected: String::new(),
            in_head: false,
            svg: 0,
            comment: 0..0,
            at_end: None,
        }
    }

    /// One token; an answer stops the reading.
    fn see(&mut self, event: &CallbackEvent<'_>, span: Span<usize>) -> Option<End> {
        let past = self.out.html_close.is_some();
        match event {
            CallbackEvent::Doctype { name, .. } if *name == b"html" => {
                if self.out.doctype.is_some() || self.out.tags > 0 {
                    return Some(self.stop_at(span.start));
                }
                self.out.doctype = Some(span.start..span.end);
            }
            CallbackEvent::OpenStartTag { name } => {
                if past && !matches!(*name, b"script" | b"style") {
                    return Some(self.closed());
                }
                if *name == b"html" && self.out.html_tag.is_some() {
                    return Some(End::Another(span.start));
                }
                self.tag = Some(Tag { name: name.to_vec(), start: span.start, ..Tag::default() });
            }
            CallbackEvent::AttributeName { name } => self.attribute(name),
            CallbackEvent::AttributeValue { value } => self.value(value),
            CallbackEvent::CloseStartTag { .. } => self.started(span.end),
            CallbackEvent::EndTag { name } => return self.ended(name, span),
            CallbackEvent::String { value } => {
                if past && self.raw.is_none() && !value.iter().all(u8::is_ascii_whitespace) {
                    return Some(self.closed());
                }
                self.words(value);
            }
            CallbackEvent::Comment { value } => {
                if past {
                    return Some(self.closed());
                }
                self.comment = span.start..span.end;
                self.out.left_out |= std::str::from_utf8(value).is_ok_and(cutoff::leaves_out);
                if std::str::from_utf8(value).is_ok_and(|value| delimiter::comment_says(value).is_some()) {
                    return Some(End::Delimiter(span.start));
                }
            }
            CallbackEvent::Error(
                error @ (Error::EofInTag
                | Error::EofBeforeTagName
                | Error::EofInComment
                | Error::EofInDoctype
                | Error::EofInCdata),
            ) => self.at_end = Some(*error),
            CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
        None
    }

    /// Where the document ends, once `</html>` and what follows it have been seen.
    fn closed(&self) -> End {
        self.out.html_close.map_or(End::Text, End::Closed)
    }

    fn stop_at(&self, start: usize) -> End {
        if self.out.html_close.is_some() { self.closed() } else { End::Another(start) }
    }

    fn attribute(&mut self, name: &[u8]) {
        if let Some(tag) = &mut self.tag {
            tag.attribute.clear();
            tag.attribute.extend_from_slice(name);
            self.out.waits |= name.len() > 2 && name.starts_with(b"on");
            tag.source |= name == b"src";
        }
    }

    fn value(&mut self, value: &[u8]) {
        let Some(tag) = &mut self.tag else { return };
        let value = value.trim_ascii();
        match tag.attribute.as_slice() {
            b"rel" => tag.stylesheet = value.eq_ignore_ascii_case(b"stylesheet"),
            b"type" => tag.module = value.eq_ignore_ascii_case(b"module"),
            b"href" | b"src" => tag.local = local(value),
            _ => {}
        }
    }

    /// A start tag is whole.
    fn started(&mut self, end: usize) {
        let Some(tag) = self.tag.take() else { return };
        self.out.tags += 1;
        match tag.name.as_slice() {
            b"html" => self.out.html_tag = Some(tag.start),
            b"head" => {
                self.out.head_tag = true;
                self.out.head_start = Some(end);
                self.in_head = true;
            }
            b"body" => {
                self.out.body_tag = true;
                self.in_head = false;
            }
            b"link" if tag.stylesheet && tag.local => {
                self.out.links.push(Reference { at: tag.start..end, module: false });
            }
            b"canvas" | b"button" => self.out.waits = true,
            b"svg" => self.svg += 1,
            b"br" if self.collect == Collect::Heading => self.collected.push(' '),
            b"title" if self.svg == 0 && self.out.title.is_none() => self.collect = Collect::Title,
            b"h1" if self.out.heading.is_none() => self.collect = Collect::Heading,
            _ => {}
        }
        if RAW.contains(&tag.name.as_slice()) {
            self.raw = Some(tag);
        }
    }

    fn ended(&mut self, name: &[u8], span: Span<usize>) -> Option<End> {
        if let Some(raw) = self.raw.take() {
            self.raw_ended(&raw, span.end);
        } else if self.out.html_close.is_some() {
            return Some(self.closed());
        } else {
            match name {
                b"head" => {
                    self.out.head_close.get_or_insert(span.start);
                    self.in_head = false;
                }
                b"body" => self.out.body_close = Some(span.start),
                b"html" => {
                    self.out.html_end = Some(span.start..span.end);
                    self.out.html_close = Some(span.end);
                }
                b"svg" => self.svg = self.svg.saturating_sub(1),
                b"script" | b"style" => self.out.stray_end = true,
                _ => {}
            }
        }
        self.collected(name);
        None
    }

    fn raw_ended(&mut self, raw: &Tag, end: usize) {
        match raw.name.as_slice() {
            b"style" => self.out.styles += 1,
            b"script" if raw.source && raw.local => {
                self.out.sources.push(Reference { at: raw.start..end, module: raw.module });
            }
            b"script" if !raw.source => self.out.scripts += 1,
            _ => {}
        }
        if let Some(close) = &mut self.out.html_close {
            *close = end;
        }
    }

    /// Keeps the title or heading whose element just ended.
    fn collected(&mut self, name: &[u8]) {
        let done = match (self.collect, name) {
            (Collect::Title, b"title") => &mut self.out.title,
            (Collect::Heading, b"h1") => &mut self.out.heading,
            _ => return,
        };
        let words = text::collapse(&self.collected);
        if !words.is_empty() {
            *done = Some(words);
        }
        self.collected.clear();
        self.collect = Collect::Nothing;
    }

    fn words(&mut self, value: &[u8]) {
        if self.collect != Collect::Nothing && self.collected.len() < TITLE_BYTES {
            let words = &value[..value.len().min(TITLE_BYTES)];
            self.collected.push_str(String::from_utf8_lossy(words).trim_end_matches('\u{fffd}'));
        }
        if self.raw.as_ref().is_some_and(|raw| matches!(raw.name.as_slice(), b"script" | b"style")) {
            self.out.left_out |= value.split(|&byte| byte == b'\n').any(comment_leaves_out);
        }
        if self.raw.is_none() && !self.in_head {
            self.out.visible += value.iter().filter(|b| !b.is_ascii_whitespace()).count();
        }
    }

    fn finish(mut self, text: &str, end: Option<End>) -> Outline {
        self.out.end = end.unwrap_or_else(|| self.closed());
        self.out.open = match (&self.raw, self.at_end, self.out.end) {
            (_, _, End::Closed(_)) => Open::Nothing,
            (Some(raw), ..) if raw.name == b"script" => Open::Script,
            (Some(_), ..) => Open::Raw,
            (None, Some(Error::EofInComment), _) => Open::Comment(self.comment.start),
            // What begins like a comment and is none (`<!-`, `<?xml`) goes on to the next `>` just so.
            (None, None, End::Text) if self.comment.end >= text.len() && !text.ends_with('>') => {
                Open::Comment(self.comment.start)
            }
            (None, None, _) => Open::Nothing,
            (None, Some(Error::EofInDoctype), _) => Open::Comment(0),
            (None, Some(_), _) => Open::Tag(self.tag.map_or_else(|| text.rfind('<').unwrap_or(0), |tag| tag.start)),
        };
        self.out
    }
}

/// Whether a line of code is a comment that says that something was left out.
fn comment_leaves_out(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let line = line.trim();
    let comment = line.strip_prefix("//").or_else(|| line.strip_prefix("/*"));
    comment.is_some_and(|comment| cutoff::leaves_out(comment.trim_end_matches("*/")))
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
