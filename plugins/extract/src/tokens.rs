//! The tokens of HTML, as section 13.2.5 of the WHATWG's standard has them: <https://html.spec.whatwg.org/multipage/parsing.html#tokenization>.
//!
//! Each token is a place in the text: nothing is copied, no error is reported, character references are left to `references`. What is not looked at is skipped
//! by the word: text to the next `<`, a value to its quote, a script to what may be its end. Places only grow, so the work is proportional to the length.
//! There is no tree: what is not markup is told by the tag before it alone, as the standard's tokenizer is told by its tree builder outside of foreign
//! elements (in an `<svg>`, `<title>` and `<style>` are read like those of the page).
#![allow(
    clippy::inline_always,
    reason = "left to the compiler, half of it stays calls, and a page takes 1.6 times as long in the sandbox"
)]

mod comment;
mod element;
#[cfg(test)]
mod oracle;
mod raw;
mod tag;

use std::ops::Range;

pub use element::{Content, Element};
pub use tag::{Attributes, Tag};

use crate::bytes;

/// One token. Where a text stops in a token, that token is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Text between tags.
    Text(Range<usize>),
    /// What is inside an element whose content is not markup.
    Raw(Range<usize>),
    /// `<name …>`.
    Start(Tag),
    /// `</name …>`.
    End(Tag),
    /// A comment, or what is read as one.
    Comment { at: Range<usize>, inside: Range<usize>, ended: bool },
    /// A document type, and whether it is HTML's.
    Doctype { at: Range<usize>, html: bool, ended: bool },
    /// The text stops in the tag that begins here, before anything is to be known of it.
    Stump(usize),
}

/// Reads the tokens of a text.
#[derive(Debug)]
pub struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    /// The element whose content stands at `at`, where that is not markup.
    content: Option<Element>,
    /// Whether text between tags is passed over.
    pub skips_text: bool,
}

impl<'a> Tokens<'a> {
    /// Of `text`, which begins between tags.
    pub fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, content: None, skips_text: false }
    }

    /// How far they are read.
    pub fn read(&self) -> usize {
        self.at
    }

    /// Up to the next thing that begins with `<` and is more than that.
    #[inline(always)]
    fn text_end(&self) -> usize {
        let mut at = self.at;
        loop {
            at = bytes::find(self.text, at, [b'<']);
            match self.text.get(at + 1) {
                Some(next) if next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?') => return at,
                None => return at.min(self.text.len()),
                Some(_) => at += 1,
            }
        }
    }

    /// What begins here with `<`; `</>` is nothing at all.
    #[inline(always)]
    fn markup(&mut self) -> Option<Token> {
        let start = self.at;
        match self.text.get(start + 1) {
            Some(b'/') => self.end_tag(start),
            Some(b'!' | b'?') => Some(self.declaration(start)),
            Some(_) => Some(self.start_tag(start)),
            None if start < self.text.len() => Some(self.stump(start)),
            None => None,
        }
    }

    #[inline(always)]
    fn start_tag(&mut self, start: usize) -> Token {
        let tag = Tag::read(self.text, start, start + 1);
        self.at = tag.at.end;
        if !tag.ended && tag.attributes.is_empty() {
            return Token::Stump(start);
        }
        self.content = Some(tag.element).filter(|element| tag.ended && element.content().is_some());
        Token::Start(tag)
    }

    #[inline(always)]
    fn end_tag(&mut self, start: usize) -> Option<Token> {
        match self.text.get(start + 2) {
            Some(letter) if letter.is_ascii_alphabetic() => {
                let tag = Tag::read(self.text, start, start + 2);
                self.at = tag.at.end;
                Some(if tag.ended { Token::End(tag) } else { Token::Stump(start) })
            }
            Some(b'>') => {
                self.at = start + "</>".len();
                None
            }
            Some(_) => Some(self.bogus(start, start + 2)),
            None => Some(self.stump(start)),
        }
    }

    fn declaration(&mut self, start: usize) -> Token {
        let rest = &self.text[start + 1..];
        if rest.starts_with(b"!--") {
            let comment = comment::read(self.text, start + 4);
            self.at = comment.end;
            return Token::Comment { at: start..comment.end, inside: comment.inside, ended: comment.ended };
        }
        if rest.get(..8).is_some_and(|word| word.eq_ignore_ascii_case(b"!doctype")) {
            return self.doctype(start);
        }
        // `<?` is part of what it begins, `<!` is not.
        self.bogus(start, start + 1 + usize::from(rest.starts_with(b"!")))
    }

    /// What is read as a comment from here to the next `>`.
    fn bogus(&mut self, start: usize, inside: usize) -> Token {
        let end = bytes::find(self.text, inside, [b'>']);
        self.at = (end + 1).min(self.text.len());
        Token::Comment { at: start..self.at, inside: inside..end, ended: end < self.text.len() }
    }

    /// A document type ends at the next `>`, in its quoted identifiers too.
    fn doctype(&mut self, start: usize) -> Token {
        let inside = start + "<!doctype".len();
        let end = bytes::find(self.text, inside, [b'>']);
        self.at = (end + 1).min(self.text.len());
        let mut words = self.text[inside..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let html = words.next().is_some_and(|name| name.eq_ignore_ascii_case(b"html"));
        Token::Doctype { at: start..self.at, html, ended: end < self.text.len() }
    }

    fn stump(&mut self, start: usize) -> Token {
        self.at = self.text.len();
        Token::Stump(start)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    #[inline(always)]
    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        if let Some(element) = self.content.take() {
            self.at = raw::end(self.text, start, element);
            if self.at > start {
                return Some(Token::Raw(start..self.at));
            }
        }
        while self.at < self.text.len() {
            let start = self.at;
            self.at = self.text_end();
            if self.at > start && !self.skips_text {
                return Some(Token::Text(start..self.at));
            }
            let token = self.markup();
            if token.is_some() {
                return token;
            }
        }
        None
    }
}
