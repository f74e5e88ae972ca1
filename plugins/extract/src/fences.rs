//! Markdown code fences, line by line, as CommonMark has them: three or more backticks or tildes, indented by up to three spaces, an info
//! string in any case with whatever after its first word.
//!
//! More forgiving than CommonMark in one thing: a page may begin on the fence's own line (<code>```html &lt;!DOCTYPE…</code>).

use std::ops::Range;

use crate::{
    bytes,
    text::{self, Meter},
};

/// More than any info string: a line may be the whole page.
const INFO: usize = 300;

/// The widest indent of a fence.
const INDENT: usize = 3;

/// What a block says it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// `html` in one of its spellings.
    Html,
    /// `svg`.
    Svg,
    /// `css`.
    Css,
    /// `js` in one of its spellings.
    Js,
    /// Markdown around the real answer.
    Container,
    /// Nothing said, or a word that may hold a page (`xml`, `text`, `plaintext`).
    Unsaid,
    /// Any other language: never part of a page.
    Other,
}

/// An opening fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    mark: u8,
    length: usize,
    /// What it says it opens.
    pub lang: Lang,
    /// Whether it has an info string at all.
    pub named: bool,
    /// Where on the opening line the content begins, when it begins there.
    pub inline: Option<usize>,
}

/// The fence that `line` opens.
pub fn opening(line: &str) -> Option<Fence> {
    let (indent, mark, length) = run(line)?;
    let info = text::slice(&line[indent + length..], 0..INFO).trim();
    if mark == b'`' && info.contains('`') {
        return None;
    }
    let inline = info.find('<').map(|_| line.find('<').unwrap_or(line.len()));
    let name = info.split('<').next().unwrap_or_default();
    Some(Fence { mark, length, lang: lang(name), named: !info.is_empty(), inline })
}

/// Where the fences of a text may be: every run of three marks and more. Looked for once, since a page is long and fences are few.
#[derive(Debug)]
pub struct Runs<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Runs<'a> {
    /// Those of `text`.
    pub fn of(text: &'a str, meter: &Meter) -> Self {
        meter.add(text.len());
        let bytes = text.as_bytes();
        let mut starts = Vec::new();
        let mut at = bytes::find_rare(bytes, 0, [b'`', b'~']);
        while at < bytes.len() {
            let length = bytes[at..].iter().take_while(|&&mark| mark == bytes[at]).count();
            if length >= 3 {
                starts.push(at);
            }
            at = bytes::find_rare(bytes, at + length, [b'`', b'~']);
        }
        Self { text, starts }
    }

    /// The fences of HTML at the end of a line, be it in mid-line: where their first mark is, and where the line ends.
    pub fn of_html(&self) -> impl Iterator<Item = Range<usize>> {
        self.starts.iter().filter_map(|&at| {
            let rest = self.text[at..].trim_start_matches(char::from(self.text.as_bytes()[at]));
            let name = ["html", "htm"].into_iter().find(|name| text::starts_with(rest, name))?;
            let behind = &rest[name.len()..];
            let from = self.text.len() - behind.len();
            let space = &behind[..behind.len() - behind.trim_start().len()];
            match space.find('\n') {
                Some(end) => Some(at..from + end + 1),
                None => (space.len() == behind.len()).then_some(at..self.text.len()),
            }
        })
    }

    /// The lines from `from` on that begin with one, as fences do. `from` may be in the middle of a line.
    pub fn lines(&self, from: usize) -> impl Iterator<Item = Range<usize>> {
        let first = self.starts.partition_point(|&at| at < from);
        self.starts[first..].iter().filter_map(move |&at| {
            let before = &self.text.as_bytes()[from..at];
            let indent = before.iter().rev().take(INDENT + 1).take_while(|&&byte| byte == b' ').count();
            let begins = before.len() == indent || before[before.len() - indent - 1] == b'\n';
            (begins && indent <= INDENT).then(|| at - indent..bytes::line_end(self.text, at))
        })
    }
}

/// Whether `line` is nothing but a fence, of either kind.
pub fn bare(line: &str) -> bool {
    run(line).is_some_and(|(indent, _, length)| line[indent + length..].trim().is_empty())
}

impl Fence {
    /// Whether `line` closes this fence.
    pub fn closed_by(&self, line: &str) -> bool {
        run(line).is_some_and(|(indent, mark, length)| {
            mark == self.mark && length >= self.length && line[indent + length..].trim().is_empty()
        })
    }

    /// Whether the block may hold a page.
    pub fn may_hold_page(&self) -> bool {
        matches!(self.lang, Lang::Html | Lang::Svg | Lang::Unsaid)
    }
}

/// Indent, mark and length of the run of marks that begins a line.
fn run(line: &str) -> Option<(usize, u8, usize)> {
    let bytes = line.as_bytes();
    let indent = bytes.iter().take_while(|&&b| b == b' ').count();
    let mark = *bytes.get(indent)?;
    if indent > INDENT || !matches!(mark, b'`' | b'~') {
        return None;
    }
    let length = bytes[indent..].iter().take_while(|&&b| b == mark).count();
    (length >= 3).then_some((indent, mark, length))
}

/// The language that an info string names: `HTML`, `html {.numberLines}`, `{.html}`, `html:index.html`, `index.html`.
fn lang(info: &str) -> Lang {
    let word = info.trim_start_matches(['{', '.', ' ']);
    let word = word.split(|c: char| !(c.is_ascii_alphanumeric() || "._-+#".contains(c))).next().unwrap_or_default();
    let word = word.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        "html" | "htm" | "html5" | "xhtml" => Lang::Html,
        "svg" => Lang::Svg,
        "css" => Lang::Css,
        "js" | "javascript" | "mjs" | "ecmascript" => Lang::Js,
        "md" | "markdown" => Lang::Container,
        "" | "xml" | "text" | "txt" | "plaintext" | "plain" | "code" | "vue" | "php" | "liquid" | "jinja" => {
            Lang::Unsaid
        }
        _ => Lang::Other,
    }
}

/// Whether `line` is only the name of a language, as is left over when a fence's info string slips to the next line.
pub fn only_a_name(line: &str) -> bool {
    let word = line.trim().trim_start_matches('`');
    ["html", "htm", "html5"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Where a fence of HTML that begins in the middle of a line has its first mark; the rest of the line after its name is empty.
pub fn html_marker_at_end(line: &str) -> Option<usize> {
    let trimmed = line.trim_end();
    let name = ["html", "htm"].into_iter().find(|name| {
        trimmed.len() > name.len()
            && trimmed.is_char_boundary(trimmed.len() - name.len())
            && text::starts_with(&trimmed[trimmed.len() - name.len()..], name)
    })?;
    let before = &trimmed[..trimmed.len() - name.len()];
    let mark = before.chars().next_back().filter(|c| matches!(c, '`' | '~'))?;
    let start = before.trim_end_matches(mark).len();
    (before.len() - start >= 3).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_read_as_commonmark_reads_it() {
        for (line, lang) in [
            ("```html", Lang::Html),
            ("```HTML title=\"x\" {1,3}", Lang::Html),
            ("~~~Html", Lang::Html),
            ("   `````htm", Lang::Html),
            ("``` index.html", Lang::Html),
            ("```html:index.html", Lang::Html),
            ("```{.html}", Lang::Html),
            ("```", Lang::Unsaid),
            ("```python", Lang::Other),
            ("```JavaScript", Lang::Js),
            ("```styles.css", Lang::Css),
        ] {
            assert_eq!(opening(line).map(|fence| fence.lang), Some(lang), "{line}");
        }
        for line in ["``html", "    ```html", "```a```", "text ```html", ""] {
            assert_eq!(opening(line), None, "{line}");
        }
    }

    #[test]
    fn a_fence_is_closed_by_one_at_least_as_long_of_its_own_kind() {
        let fence = opening("````html").unwrap();
        assert!(fence.closed_by("````"));
        assert!(fence.closed_by("  `````  \r"));
        assert!(!fence.closed_by("```"));
        assert!(!fence.closed_by("~~~~"));
        assert!(!fence.closed_by("````js"));
    }

    #[test]
    fn the_lines_that_begin_with_a_fence_are_found_from_anywhere() {
        let text = "```html\nx ```\n   ~~~~ x\n    ```\n``\n```js";
        let runs = Runs::of(text, &Meter::default());
        let lines = |from: usize| runs.lines(from).map(|line| &text[line]).collect::<Vec<_>>();
        assert_eq!(lines(0), ["```html\n", "   ~~~~ x\n", "```js"]);
        assert_eq!(lines(1), ["   ~~~~ x\n", "```js"]);
        assert_eq!(lines(10), ["```\n", "   ~~~~ x\n", "```js"]);
    }

    #[test]
    fn a_fence_reopened_in_mid_line_is_seen() {
        assert_eq!(html_marker_at_end("ctx.fillRe```html\n"), Some(10));
        assert_eq!(html_marker_at_end("```HTML"), Some(0));
        assert_eq!(html_marker_at_end("of `html"), None);
        assert_eq!(html_marker_at_end("html"), None);
    }

    #[test]
    fn the_fences_of_html_at_the_end_of_a_line_are_found() {
        for text in [
            "a```html\n<b>",
            "~~~~HTM  \r\nx",
            "```html",
            "```html \n\n```html\n",
            "```htmlx\n```html x\n``html\nhtml\n",
            "~~~```html\n```~~~html",
        ] {
            let runs = Runs::of(text, &Meter::default());
            let by_line = bytes::lines(text, 0)
                .filter_map(|line| Some(line.start + html_marker_at_end(&text[line.clone()])?..line.end));
            assert_eq!(runs.of_html().collect::<Vec<_>>(), by_line.collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn a_page_may_begin_on_the_fences_own_line() {
        let fence = opening("```html <!DOCTYPE html>").unwrap();
        assert_eq!((fence.lang, fence.inline), (Lang::Html, Some(8)));
    }
}
