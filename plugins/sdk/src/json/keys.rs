//! The keys of a map: text, or what is written as text, such as a number.

use std::borrow::Cow;

use serde::de::{Deserializer, Error as _, Unexpected, Visitor, value::CowStrDeserializer};
use serde::forward_to_deserialize_any;

use super::{Error, serde::lend};

/// A key that was read.
pub(super) struct Key<'t>(pub(super) Cow<'t, str>);

impl<'t> Deserializer<'t> for Key<'t> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        lend(self.0, visitor)
    }

    fn deserialize_u64<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.parse() {
            Ok(number) => visitor.visit_u64(number),
            Err(_) => self.deserialize_i64(visitor),
        }
    }

    fn deserialize_i64<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.parse() {
            Ok(number) => visitor.visit_i64(number),
            Err(_) => Err(Error::invalid_type(Unexpected::Str(&self.0), &visitor)),
        }
    }

    same!(deserialize_u8 deserialize_u16 deserialize_u32 => deserialize_u64);
    same!(deserialize_i8 deserialize_i16 deserialize_i32 => deserialize_i64);

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(CowStrDeserializer::new(self.0))
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
