//! A reader in serde's terms.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, Error as _, Expected, MapAccess, SeqAccess, Unexpected, Visitor};

use super::{Error, keys::Key, reader::Reader, variants::Variant};

impl<'t> Reader<'t> {
    /// That there is something else than a visitor wants.
    fn unexpected<'v, V: Visitor<'v>>(&mut self, wanted: &V) -> Error {
        self.found_instead(wanted).unwrap_or_else(|broken| broken)
    }

    fn found_instead(&mut self, wanted: &dyn Expected) -> Result<Error, Error> {
        let found = match self.wanted()? {
            b'"' => return Ok(Error::invalid_type(Unexpected::Str(&self.string()?), wanted)),
            b'-' | b'0'..=b'9' => match self.whole()? {
                Whole::Positive(number) => Unexpected::Unsigned(number),
                Whole::Negative(number) => Unexpected::Signed(number),
                Whole::Not(literal) => return Ok(Error::not_whole(literal, wanted)),
            },
            b't' => self.word("true").map(|()| Unexpected::Bool(true))?,
            b'f' => self.word("false").map(|()| Unexpected::Bool(false))?,
            b'n' => self.word("null").map(|()| Unexpected::Unit)?,
            b'[' => Unexpected::Seq,
            b'{' => Unexpected::Map,
            _ => return Err(self.beyond("expected value")),
        };
        Ok(Error::invalid_type(found, wanted))
    }

    fn whole(&mut self) -> Result<Whole<'t>, Error> {
        let literal = self.number()?;
        let negative = || literal.parse().ok().map(Whole::Negative);
        Ok(literal.parse().ok().map(Whole::Positive).or_else(negative).unwrap_or(Whole::Not(literal)))
    }

    fn visit_whole<V: Visitor<'t>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.wanted()? {
            b'-' | b'0'..=b'9' => match self.whole()? {
                Whole::Positive(number) => visitor.visit_u64(number),
                Whole::Negative(number) => visitor.visit_i64(number),
                Whole::Not(literal) => Err(Error::not_whole(literal, &visitor)),
            },
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn visit_number<V: Visitor<'t>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.whole()? {
            Whole::Positive(number) => visitor.visit_u64(number),
            Whole::Negative(number) => visitor.visit_i64(number),
            Whole::Not(literal) => match literal.parse::<f64>() {
                Ok(number) if number.is_finite() => visitor.visit_f64(number),
                _ => Err(Error::new("number out of range")),
            },
        }
    }
}

/// A number, read as a whole one.
enum Whole<'t> {
    Positive(u64),
    Negative(i64),
    Not(&'t str),
}

pub(super) fn lend<'t, V: Visitor<'t>>(text: Cow<'t, str>, visitor: V) -> Result<V::Value, Error> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

impl<'t> Deserializer<'t> for &mut Reader<'t> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.wanted()? {
            b'"' => self.deserialize_str(visitor),
            b'-' | b'0'..=b'9' => self.visit_number(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            b'[' => self.deserialize_seq(visitor),
            b'{' => self.deserialize_map(visitor),
            _ => Err(self.beyond("expected value")),
        }
    }

    fn deserialize_bool<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.wanted()? {
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    same!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 => visit_whole);

    fn deserialize_f64<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.wanted()? {
            b'-' | b'0'..=b'9' => self.visit_number(visitor),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    same!(deserialize_f32 => deserialize_f64);

    fn deserialize_str<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.wanted()? {
            b'"' => lend(self.string()?, visitor),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    same!(deserialize_char deserialize_string deserialize_identifier => deserialize_str);
    same!(deserialize_bytes deserialize_byte_buf => deserialize_any);

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.wanted()? {
            b'n' => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.wanted()? {
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.wanted()? != b'[' {
            return Err(self.unexpected(&visitor));
        }
        self.open()?;
        let mut items = Items { reader: self, end: b']', first: true };
        let value = visitor.visit_seq(&mut items)?;
        items.finish().map(|()| value)
    }

    fn deserialize_tuple<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.wanted()? != b'{' {
            return Err(self.unexpected(&visitor));
        }
        self.open()?;
        let mut items = Items { reader: self, end: b'}', first: true };
        let value = visitor.visit_map(&mut items)?;
        items.finish().map(|()| value)
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.wanted()? {
            b'"' => visitor.visit_enum(Variant { reader: self, holds: false }),
            b'{' => {
                self.open()?;
                let value = visitor.visit_enum(Variant { reader: &mut *self, holds: true })?;
                Items { reader: self, end: b'}', first: false }.finish().map(|()| value)
            }
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.ignore().and_then(|()| visitor.visit_unit())
    }
}

/// What stands in a list or an object.
struct Items<'r, 't> {
    reader: &'r mut Reader<'t>,
    end: u8,
    first: bool,
}

impl Items<'_, '_> {
    fn another(&mut self) -> Result<bool, Error> {
        let another = self.reader.another(self.first, self.end);
        // Asked once more after the end, a visitor that counts would read on into what follows.
        if let Ok(true) = another {
            self.first = false;
        } else {
            self.end = 0;
        }
        another
    }

    /// Reads the end, where the visitor has not.
    fn finish(&mut self) -> Result<(), Error> {
        if self.end == 0 || !self.another()? {
            return Ok(());
        }
        Err(self.reader.beyond("trailing characters"))
    }
}

impl<'t> SeqAccess<'t> for Items<'_, 't> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.end == 0 || !self.another()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'t> MapAccess<'t> for Items<'_, 't> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.end == 0 || !self.another()? {
            return Ok(None);
        }
        let key = self.reader.key()?;
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.reader.colon()?;
        seed.deserialize(&mut *self.reader)
    }
}
