//! Reads an answer from top to bottom, once, into its pieces: documents, blocks of code, delimiters, and the words around them.
//!
//! A document ends where the tokenizer says so, and only where it never does, at its fence: three backticks in a script end nothing. Input
//! that never closes a document is read to the end a few times only ([`FULL_READS`]), so that the work stays proportional to its length.

use std::ops::Range;

use crate::{
    bytes,
    delimiter::{self, Audience},
    document::{self, End, Open, Outline},
    fences::{self, Fence, Lang, Runs},
    text::{self, Meter},
};

/// How many documents without an end are looked for beyond their fence.
const FULL_READS: usize = 4;
/// How much of a line is looked at around the start of a document.
const LEAD: usize = 300;
/// How many fences inside scripts a fragment may have.
const FENCES_IN_SCRIPTS: usize = 8;

/// How a document or block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// By `</html>`.
    EndTag,
    /// By its fence, by what followed it, or by the end of the answer.
    Otherwise,
}

/// A document: it has a doctype or an `<html` tag.
#[derive(Debug, Clone)]
pub struct Document {
    pub audience: Audience,
    pub range: Range<usize>,
    pub outline: Outline,
    pub closed: Closed,
}

/// A block of code that holds no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub audience: Audience,
    pub lang: Lang,
    pub range: Range<usize>,
    pub closed: bool,
}

/// What an answer is made of.
#[derive(Debug, Default)]
pub struct Pieces {
    pub documents: Vec<Document>,
    pub blocks: Vec<Block>,
    /// The words around, line by line.
    pub prose: Vec<Range<usize>>,
    /// Whether a delimiter announced the owner's page.
    pub owner_announced: bool,
}

/// Reads an answer.
pub fn scan(answer: &str, runs: &Runs<'_>, meter: &Meter) -> Pieces {
    let mut scanner = Scanner {
        answer,
        runs,
        meter,
        last_end: last_end_tag(answer),
        audience: Audience::Everyone,
        full_reads: 0,
        open: None,
        line_end: 0,
        pieces: Pieces::default(),
    };
    meter.add(answer.len());
    let mut at = 0;
    while at < answer.len() {
        let next = scanner.line(at);
        meter.add(next - at);
        at = next;
    }
    scanner.close(answer.len(), false);
    scanner.pieces
}

/// The fence the scanner is in.
#[derive(Debug)]
struct Inside {
    fence: Fence,
    start: usize,
    documents: usize,
    /// Fences opened inside it that are still open.
    nested: usize,
    /// Closing lines passed over, since a script was open there.
    passed: usize,
    /// Where the closing line was found, when it was looked for.
    closing: Option<Closing>,
}

/// What a search for the closing line found.
#[derive(Debug, Clone, Copy)]
enum Closing {
    At(usize),
    Never,
}

struct Scanner<'a> {
    answer: &'a str,
    runs: &'a Runs<'a>,
    meter: &'a Meter,
    /// Where the last `</html` of the answer is: past it no document ends.
    last_end: Option<usize>,
    audience: Audience,
    full_reads: usize,
    open: Option<Inside>,
    /// Where the line being read ends; a line may hold many documents.
    line_end: usize,
    pieces: Pieces,
}

impl Scanner<'_> {
    /// Reads what stands from `at` to the end of its line, or to the end of the document that begins there; answers where to go on.
    fn line(&mut self, at: usize) -> usize {
        let end = self.end_of_line(at);
        let line = &self.answer[at..end];
        if let Some(audience) = self.announced(line) {
            self.audience = audience;
            self.pieces.owner_announced |= audience == Audience::Owner;
            return end;
        }
        match &mut self.open {
            Some(inside) if inside.fence.closed_by(line) => {
                self.closing(at, end);
                return end;
            }
            Some(inside) if inside.fence.may_hold_page() => {
                if inside.documents == 0 && fences::opening(line).is_some_and(|fence| fence.named) {
                    inside.nested += 1;
                }
            }
            Some(_) => return end,
            None => {
                if let Some(fence) = fences::opening(line) {
                    return self.opening(fence, at, end);
                }
            }
        }
        if let Some(start) = self.document_start(at, line) {
            if self.open.is_none() {
                self.prose(at..start);
            }
            return self.document(start);
        }
        if self.open.is_none() {
            self.prose(at..end);
        }
        end
    }

    /// The audience a line announces. Inside a block of code only the service's own comment counts: `--- admin ---` may be content.
    fn announced(&self, line: &str) -> Option<Audience> {
        let audience = delimiter::line(line)?;
        let own = text::find(line, "wtaf:page", 0).is_some();
        let between = self.open.as_ref().is_none_or(|inside| inside.documents > 0 && inside.fence.may_hold_page());
        (own || between).then_some(audience)
    }

    fn opening(&mut self, fence: Fence, at: usize, end: usize) -> usize {
        if fence.lang == Lang::Container {
            return end;
        }
        let start = fence.inline.map_or(end, |inline| at + inline);
        self.open = Some(Inside { fence, start, documents: 0, nested: 0, passed: 0, closing: None });
        start
    }

    /// A line that closes the open fence, unless it pairs with one inside or a script is open there.
    fn closing(&mut self, at: usize, end: usize) {
        let Some(inside) = &mut self.open else { return };
        if inside.nested > 0 {
            inside.nested -= 1;
            return;
        }
        let fragment = inside.documents == 0 && inside.fence.lang == Lang::Html;
        if fragment && inside.passed < FENCES_IN_SCRIPTS {
            inside.passed += 1;
            let open = document::outline(&self.answer[inside.start..at], self.meter).open;
            if open == Open::Script && self.closes_later(end) {
                return;
            }
        }
        self.close(at, true);
    }

    /// Whether the script open at a fence is closed after it, before any other block of code opens.
    fn closes_later(&self, from: usize) -> bool {
        for line in bytes::lines(self.answer, from) {
            let line = &self.answer[line];
            self.meter.add(line.len());
            if fences::opening(line).is_some_and(|fence| fence.named) {
                return false;
            }
            if text::find(line, "</script", 0).is_some() {
                return true;
            }
        }
        false
    }

    /// Ends the open block at `end`.
    fn close(&mut self, end: usize, closed: bool) {
        let Some(inside) = self.open.take() else { return };
        if inside.documents > 0 {
            return;
        }
        let range = inside.start..end;
        // A fence that opens nothing (one left over behind a bare page) must not swallow the words after it.
        if !closed && !inside.fence.named {
            self.pieces.prose.push(range.clone());
        }
        let lang = inside.fence.lang;
        self.pieces.blocks.push(Block { audience: self.audience, lang, range, closed });
    }

    fn prose(&mut self, range: Range<usize>) {
        let line = &self.answer[range.clone()];
        if !line.trim().is_empty() && !fences::only_a_name(line) && !line.trim_start().starts_with("<!--") {
            self.pieces.prose.push(range);
        }
    }

    /// Where on this line a document begins, and not merely the mention of one.
    fn document_start(&self, at: usize, line: &str) -> Option<usize> {
        line.match_indices('<')
            .map(|(offset, _)| offset)
            .find(|&offset| {
                let rest = &self.answer[at + offset..];
                document::begins(rest) && is_one(&line[..offset], rest)
            })
            .map(|offset| at + offset)
    }

    /// Reads the document at `start`; answers where it ends.
    fn document(&mut self, start: usize) -> usize {
        let may_end = self.last_end.is_some_and(|last| last > start) && self.full_reads < FULL_READS;
        let fence = self.closing_line(start);
        let limit = if may_end || fence.is_none() { self.answer.len() } else { fence.unwrap_or(self.answer.len()) };
        let outline = document::outline(&self.answer[start..limit], self.meter);
        let (range, outline, closed) = match outline.end {
            End::Closed(end) => match self.restarted(start, start + end) {
                Some((again, outline)) => (again, outline, Closed::EndTag),
                None => (start..start + end, outline, Closed::EndTag),
            },
            End::Delimiter(end) | End::Another(end) => {
                let nearer = fence.filter(|&fence| fence < start + end);
                self.full_reads += usize::from(nearer.is_some());
                self.up_to(start, nearer.unwrap_or(start + end))
            }
            End::Text => {
                self.full_reads += 1;
                match fence {
                    Some(fence) if fence < limit => {
                        let fenced = self.up_to(start, fence);
                        let in_script = matches!(fenced.1.open, Open::Script | Open::Raw);
                        // A fence in a script ends nothing, unless a page begins anew behind it.
                        if in_script && !self.starts_again(fence) {
                            (start..limit, outline, Closed::Otherwise)
                        } else {
                            fenced
                        }
                    }
                    _ => (start..limit, outline, Closed::Otherwise),
                }
            }
        };
        let end = range.end;
        self.pieces.documents.push(Document { audience: self.audience, range, outline, closed });
        match &mut self.open {
            Some(inside) => inside.documents += 1,
            None => return self.past_marks(end),
        }
        end
    }

    fn up_to(&self, start: usize, end: usize) -> (Range<usize>, Outline, Closed) {
        (start..end, document::outline(&self.answer[start..end], self.meter), Closed::Otherwise)
    }

    /// Whether a fence with a document opens after `from`.
    fn starts_again(&self, from: usize) -> bool {
        let mut at = from;
        bytes::lines(self.answer, from).any(|line| {
            let line = &self.answer[line];
            self.meter.add(line.len());
            at += line.len();
            let fence = fences::opening(line).is_some_and(|fence| fence.may_hold_page());
            fence && document::begins(text::slice(self.answer, at..at + LEAD).trim_start())
        })
    }

    /// Where the line stands that closes the open fence, by CommonMark's rule but for fences that pair up inside it. Each part of the answer is
    /// searched once: what was found is kept while it lies ahead.
    fn closing_line(&mut self, start: usize) -> Option<usize> {
        let inside = self.open.as_mut()?;
        match inside.closing {
            Some(Closing::At(at)) if at >= start => return Some(at),
            Some(Closing::Never) => return None,
            _ => {}
        }
        let fence = inside.fence;
        let mut nested = 0_usize;
        inside.closing = Some(Closing::Never);
        for range in self.runs.lines(start) {
            self.meter.add(range.len());
            let line = &self.answer[range.clone()];
            if fence.closed_by(line) {
                if nested == 0 {
                    inside.closing = Some(Closing::At(range.start));
                    return Some(range.start);
                }
                nested -= 1;
            } else if fences::opening(line).is_some_and(|fence| fence.named) {
                nested += 1;
            }
        }
        None
    }

    /// A model that was cut off may start over instead of going on. Then one more document begins than ends, and the last that begins is whole
    /// and does not begin inside a script.
    fn restarted(&self, start: usize, end: usize) -> Option<(Range<usize>, Outline)> {
        let text = &self.answer[start..end];
        self.meter.add(text.len());
        let again = text::find(text, "<html", 0).and_then(|first| text::find(text, "<html", first + 1));
        again?;
        let (mut begun, mut ended, mut last) = (0_usize, 0_usize, None);
        let mut doctype = None;
        for (at, _) in text.match_indices('<') {
            let rest = &text[at..];
            if text::starts_with(rest, "</html") {
                ended += 1;
            } else if document::begins(rest) {
                if text::starts_with(rest, "<!") {
                    doctype = Some(at);
                } else {
                    begun += 1;
                    let from = doctype.take().filter(|&from| text[from..at].len() < 200).unwrap_or(at);
                    last = Some(from);
                }
            }
        }
        let last = last.filter(|&last| last > 0 && begun > ended)?;
        let line = text[..last].rfind('\n').map_or(0, |at| at + 1);
        if text[..last].ends_with(['\'', '"', '`', '(']) || !is_one(&text[line..last], &text[last..]) {
            return None;
        }
        let outline = document::outline(&text[last..], self.meter);
        match outline.end {
            End::Closed(length) if !outline.stray_end && last + length == text.len() => {
                Some((start + last..start + last + length, outline))
            }
            _ => None,
        }
    }

    /// Past a fence that stands right behind a document outside any fence.
    fn past_marks(&mut self, at: usize) -> usize {
        let end = self.end_of_line(at);
        if fences::bare(self.answer[at..end].trim_start()) { end } else { at }
    }

    /// Where the line ends that `at` stands in, looked for once a line.
    fn end_of_line(&mut self, at: usize) -> usize {
        if at >= self.line_end {
            self.line_end = bytes::line_end(self.answer, at);
            self.meter.add(self.line_end - at);
        }
        self.line_end
    }
}

fn last_end_tag(answer: &str) -> Option<usize> {
    answer.rmatch_indices('<').map(|(at, _)| at).find(|&at| text::starts_with(&answer[at..], "</html"))
}

/// Whether the start of a document at `rest` is one, and not the mention of one in words.
fn is_one(before: &str, rest: &str) -> bool {
    let lead = text::slice(before.trim_end(), 0..LEAD);
    let fenced = before.len() < LEAD && (lead.ends_with("```") || text::starts_with(lead, "```html"));
    if before.ends_with(['`', '\'', '"', '(']) && !fenced {
        return false;
    }
    if text::starts_with(rest, "<html") {
        // Where a doctype before it was only a mention, so is this.
        let mention = text::find(lead, "<!doctype", 0).is_some();
        return lead.is_empty() || fenced || (before.trim_end().ends_with(['>', ':']) && !mention);
    }
    let start = text::slice(rest, 0..LEAD);
    let after = start.split_once('>').map_or("", |(_, after)| after.trim_start());
    after.is_empty() || after.starts_with('<')
}
