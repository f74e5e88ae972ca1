//! What the tokenizer reads from: a string, counted as it is handed out.
//!
//! The count is the proof that reading is linear; the tokenizer's own reader would do otherwise.

use std::convert::Infallible;

use html5gum::Reader;

use crate::text::Meter;

/// A reader over bytes that counts what it hands out.
pub struct Metered<'a> {
    rest: &'a [u8],
    meter: &'a Meter,
}

impl<'a> Metered<'a> {
    /// A reader over `text`.
    pub fn new(text: &'a str, meter: &'a Meter) -> Self {
        Self { rest: text.as_bytes(), meter }
    }

    fn take(&mut self, bytes: usize) {
        self.meter.add(bytes);
        self.rest = &self.rest[bytes..];
    }
}

impl Reader for Metered<'_> {
    type Error = Infallible;

    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        let byte = self.rest.first().copied();
        if byte.is_some() {
            self.take(1);
        }
        Ok(byte)
    }

    fn try_read_string(&mut self, wanted: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        let same = self
            .rest
            .get(..wanted.len())
            .is_some_and(|start| start == wanted || (!case_sensitive && start.eq_ignore_ascii_case(wanted)));
        if same {
            self.take(wanted.len());
        }
        Ok(same)
    }

    fn read_until<'b>(&'b mut self, needle: &[u8], buffer: &'b mut [u8; 4]) -> Result<Option<&'b [u8]>, Infallible> {
        let _ = buffer;
        let rest = self.rest;
        let Some(first) = rest.first() else { return Ok(None) };
        // A needle comes alone, else everything up to it.
        let chunk = if needle.contains(first) {
            1
        } else {
            rest.iter().position(|byte| needle.contains(byte)).unwrap_or(rest.len())
        };
        self.take(chunk);
        Ok(Some(&rest[..chunk]))
    }
}
