//! The text of JSON, from left to right: strings, numbers, what stands between them, and the way past a value nobody wants.

use std::borrow::Cow;

use super::Error;

/// Deeper than this nobody nests, and a guest's stack has an end.
const DEEPEST: u8 = 127;

/// A text, and how far it is read. An error leaves it where it was found.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: u8,
    /// The last key that was read, as it is written.
    key: &'t str,
    /// The keys of the outermost object whose values nobody wanted.
    pub(super) unknown: Vec<&'t str>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0, key: "", unknown: Vec::new() }
    }

    /// Line and column of what was read last, from 1.
    pub(super) fn place(&self) -> (usize, usize) {
        let read = &self.text.as_bytes()[..self.at.min(self.text.len())];
        let mut lines = read.split(|&byte| byte == b'\n');
        let column = lines.next_back().unwrap_or_default().len();
        (lines.count() + 1, column)
    }

    /// Whether nothing follows.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.beyond("trailing characters")),
        }
    }

    /// The next sign that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// The next sign; there is one.
    pub(super) fn wanted(&mut self) -> Result<u8, Error> {
        self.peek().ok_or_else(|| Error::new("EOF while parsing a value"))
    }

    /// Reads one sign, or says what is missing.
    fn sign(&mut self, sign: u8, missing: &str) -> Result<(), Error> {
        match self.peek() {
            Some(found) if found == sign => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.beyond(missing)),
            None => Err(Error::new("EOF while parsing a value")),
        }
    }

    /// Whether another item follows in a list or an object, its comma read. The end is read as well.
    pub(super) fn another(&mut self, first: bool, end: u8) -> Result<bool, Error> {
        let missing = if end == b']' { "expected `,` or `]`" } else { "expected `,` or `}`" };
        match self.peek() {
            Some(found) if found == end => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(_) if first => Ok(true),
            _ => {
                self.sign(b',', missing)?;
                match self.peek() {
                    Some(found) if found == end => Err(self.beyond("trailing comma")),
                    _ => Ok(true),
                }
            }
        }
    }

    /// Reads the sign that opens a list or an object.
    pub(super) fn open(&mut self) -> Result<(), Error> {
        if self.depth == DEEPEST {
            return Err(self.beyond("recursion limit exceeded"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Reads one of the three words JSON has.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Error> {
        if self.rest().as_bytes().starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.beyond("expected ident"))
    }

    /// Reads a key.
    pub(super) fn key(&mut self) -> Result<Cow<'t, str>, Error> {
        if self.wanted()? != b'"' {
            return Err(self.beyond("key must be a string"));
        }
        let start = self.at + 1;
        let key = self.string()?;
        self.key = self.text.get(start..self.at - 1).unwrap_or_default();
        Ok(key)
    }

    /// Reads what stands between a key and its value.
    pub(super) fn colon(&mut self) -> Result<(), Error> {
        self.sign(b':', "expected `:`")
    }

    /// Reads past a value that nobody wants.
    pub(super) fn ignore(&mut self) -> Result<(), Error> {
        if self.depth == 1 {
            self.unknown.push(self.key);
        }
        self.skip()
    }

    /// Reads a string; without escapes it is lent.
    pub(super) fn string(&mut self) -> Result<Cow<'t, str>, Error> {
        self.at += 1;
        let plain = self.plain()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut whole = plain.to_owned();
        while self.byte() == Some(b'\\') {
            self.at += 1;
            whole.push(self.escape()?);
            whole.push_str(self.plain()?);
        }
        self.at += 1;
        Ok(Cow::Owned(whole))
    }

    /// Reads on to the end of a string, or to an escape in it.
    fn plain(&mut self) -> Result<&'t str, Error> {
        let rest = self.rest();
        let Some(end) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) else {
            self.at = self.text.len();
            return Err(Error::new("EOF while parsing a string"));
        };
        self.at += end;
        match self.byte() {
            Some(b'"' | b'\\') => Ok(rest.get(..end).unwrap_or_default()),
            _ => Err(self.beyond("control character (\\u0000-\\u001F) found while parsing a string")),
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let Some(sign) = self.byte() else { return Err(Error::new("EOF while parsing a string")) };
        self.at += 1;
        Ok(match sign {
            b'"' | b'\\' | b'/' => char::from(sign),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(Error::new("invalid escape")),
        })
    }

    /// Reads four hexadecimal digits, and where they are the first half of a pair, the second.
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hex()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| Error::new("lone surrogate found in hex escape"));
        }
        if !self.rest().as_bytes().starts_with(b"\\u") {
            return Err(Error::new("lone leading surrogate in hex escape"));
        }
        self.at += 2;
        let second = self.hex()?;
        if !(0xDC00..0xE000).contains(&second) {
            return Err(Error::new("lone leading surrogate in hex escape"));
        }
        let letter = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        char::from_u32(letter).ok_or_else(|| Error::new("invalid escape"))
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let digits = self.rest().as_bytes().get(..4).unwrap_or_default();
        let number = digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?));
        match number {
            Some(number) if digits.len() == 4 => {
                self.at += 4;
                Ok(number)
            }
            _ => Err(Error::new("invalid escape")),
        }
    }

    /// Reads a number, as it is written.
    pub(super) fn number(&mut self) -> Result<&'t str, Error> {
        let rest = self.rest();
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let zero = self.byte() == Some(b'0');
        if self.digits()? > 1 && zero {
            return Err(Error::new("invalid number"));
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(rest.get(..self.at - start).unwrap_or_default())
    }

    fn digits(&mut self) -> Result<usize, Error> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match (self.at - start, self.byte()) {
            (0, None) => Err(Error::new("EOF while parsing a value")),
            (0, Some(_)) => Err(self.beyond("invalid number")),
            (count, _) => Ok(count),
        }
    }

    /// Reads past a value.
    fn skip(&mut self) -> Result<(), Error> {
        match self.wanted()? {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            open @ (b'[' | b'{') => {
                self.open()?;
                let mut first = true;
                while self.another(first, if open == b'[' { b']' } else { b'}' })? {
                    first = false;
                    if open == b'{' {
                        self.key()?;
                        self.colon()?;
                    }
                    self.skip()?;
                }
                Ok(())
            }
            _ => Err(self.beyond("expected value")),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// An error about the next sign, which is then what was read last.
    pub(super) fn beyond(&mut self, why: &str) -> Error {
        self.at += 1;
        Error::new(why)
    }
}
