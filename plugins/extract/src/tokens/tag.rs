//! Tags and what stands in them.
#![allow(
    clippy::inline_always,
    reason = "left to the compiler, half of it stays calls, and a page takes 1.6 times as long in the sandbox"
)]

use std::ops::Range;

use super::Element;
use crate::bytes;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub element: Element,
    pub at: Range<usize>,
    /// From its first attribute to its end; empty where it has none.
    pub attributes: Range<usize>,
    /// Whether one of them is named `on…`: the page does something there.
    pub handles: bool,
    /// Whether its `>` is there.
    pub ended: bool,
}

impl Tag {
    /// The tag that begins at `start`, whose name begins at `name`.
    #[inline(always)]
    pub fn read(text: &[u8], start: usize, name: usize) -> Self {
        let (element, end) = element(text, name);
        if text.get(end) == Some(&b'>') {
            return Self { element, at: start..end + 1, attributes: end..end, handles: false, ended: true };
        }
        let mut inside = Attributes { text, at: end };
        let first = inside.skip_space();
        let (mut any, mut handles, mut unsaid) = (false, false, false);
        for attribute in inside.by_ref() {
            any = true;
            // One that the text stops in before it says anything is not one yet.
            handles |= unsaid | (attribute.handles(text) & !attribute.value.is_empty());
            unsaid = attribute.handles(text);
        }
        let (last, ended) = inside.end();
        handles |= unsaid & ended;
        let attributes = if any { first..last } else { first..first };
        Self { element, at: start..last, attributes, handles, ended }
    }
}

/// The element whose name stands at `name`, and where the name ends.
#[inline(always)]
fn element(text: &[u8], name: usize) -> (Element, usize) {
    if let Some(word) = bytes::word(text, name) {
        let stops = bytes::same(word, b'>') | bytes::same(word, b'/') | bytes::less(word, b'!');
        let length = bytes::before(stops);
        // Names of eight bytes and more are few, as are control characters in one.
        if length < 8 && ends_name(text[name + length]) {
            return (Element::packed(word & ((1 << (8 * length)) - 1)), name + length);
        }
    }
    let length = text[name..].iter().position(|&byte| ends_name(byte)).unwrap_or(text.len() - name);
    (Element::named(&text[name..name + length]), name + length)
}

#[inline(always)]
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | b'\x0c')
}

#[inline(always)]
const fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'>' | b'/')
}

/// An attribute: places in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: Range<usize>,
    /// Without its quotes; empty where it has none.
    pub value: Range<usize>,
}

impl Attribute {
    /// Whether its value is a script.
    #[inline(always)]
    fn handles(&self, text: &[u8]) -> bool {
        self.name.len() > 2 && (text[self.name.start] | 0x20, text[self.name.start + 1] | 0x20) == (b'o', b'n')
    }
}

/// Reads the attributes of a tag.
#[derive(Debug)]
pub struct Attributes<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    /// Those of `tag`.
    pub fn of(text: &'a str, tag: &Tag) -> Self {
        let text = text.as_bytes();
        if tag.attributes.is_empty() { Self { text, at: text.len() } } else { Self { text, at: tag.attributes.start } }
    }

    /// Where the next attribute or the `>` is.
    #[inline(always)]
    fn skip_space(&mut self) -> usize {
        while self.text.get(self.at).is_some_and(|&byte| is_space(byte) || byte == b'/') {
            self.at += 1;
        }
        self.at
    }

    /// Behind the tag, and whether that has its `>`.
    #[inline(always)]
    fn end(&self) -> (usize, bool) {
        if self.at < self.text.len() { (self.at + 1, true) } else { (self.text.len(), false) }
    }

    /// Where the name ends that stands at `at`: a `=` may be its first byte.
    #[inline(always)]
    fn name_end(&self) -> usize {
        let mut at = self.at + 1;
        while let Some(word) = bytes::word(self.text, at) {
            let stops =
                bytes::same(word, b'=') | bytes::same(word, b'>') | bytes::same(word, b'/') | bytes::less(word, b'!');
            if stops == 0 {
                at += 8;
                continue;
            }
            at += bytes::before(stops);
            if ends_name(self.text[at]) || self.text[at] == b'=' {
                return at;
            }
            at += 1;
        }
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.iter().position(|&byte| ends_name(byte) || byte == b'=').unwrap_or(rest.len())
    }

    /// The value behind `=`, and where to go on.
    #[inline(always)]
    fn value(&self, from: usize) -> (Range<usize>, usize) {
        let mut start = from;
        while self.text.get(start).is_some_and(|&byte| is_space(byte)) {
            start += 1;
        }
        match self.text.get(start) {
            Some(&quote @ (b'"' | b'\'')) => {
                let end = bytes::find(self.text, start + 1, [quote]).min(self.text.len());
                (start + 1..end, end + 1)
            }
            Some(_) => {
                let length = self.text[start..].iter().position(|&byte| is_space(byte) || byte == b'>');
                let end = length.map_or(self.text.len(), |length| start + length);
                (start..end, end)
            }
            None => (start..start, start),
        }
    }
}

impl Iterator for Attributes<'_> {
    type Item = Attribute;

    #[inline(always)]
    fn next(&mut self) -> Option<Attribute> {
        self.skip_space();
        if *self.text.get(self.at)? == b'>' {
            return None;
        }
        let name = self.at..self.name_end();
        let mut at = name.end;
        while self.text.get(at).is_some_and(|&byte| is_space(byte)) {
            at += 1;
        }
        let mut value = name.end..name.end;
        if self.text.get(at) == Some(&b'=') {
            (value, at) = self.value(at + 1);
        }
        self.at = at;
        Some(Attribute { name, value })
    }
}
