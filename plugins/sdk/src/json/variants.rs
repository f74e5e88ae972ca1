//! A variant of an enum: `"name"`, or `{ "name": what it holds }`.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, Unexpected, VariantAccess, Visitor,
};

use super::{Error, keys::Key, reader::Reader};

/// At the name of a variant.
pub(super) struct Variant<'r, 't> {
    pub(super) reader: &'r mut Reader<'t>,
    /// Whether something stands behind the name.
    pub(super) holds: bool,
}

impl<'t> EnumAccess<'t> for Variant<'_, 't> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = if self.holds { self.reader.key()? } else { self.reader.string()? };
        seed.deserialize(Key(name)).map(|value| (value, self))
    }
}

impl<'r, 't> Variant<'r, 't> {
    /// At what stands behind the name.
    fn held(self, wanted: &'static str) -> Result<&'r mut Reader<'t>, Error> {
        if !self.holds {
            return Err(Error::invalid_type(Unexpected::Other("unit variant"), &wanted));
        }
        self.reader.colon().map(|()| self.reader)
    }
}

impl<'t> VariantAccess<'t> for Variant<'_, 't> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if self.holds { <()>::deserialize(self.held("unit variant")?) } else { Ok(()) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.held("newtype variant")?)
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.held("tuple variant")?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.held("struct variant")?.deserialize_map(visitor)
    }
}
