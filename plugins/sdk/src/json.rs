//! The JSON that the host gives: a stage's config, its coaches, its roles.
//!
//! Read by a reader of a few hundred lines behind serde's face, and not by serde_json: a plugin is compiled wherever it runs for the first time, and numbers it
//! never prints, messages it never gives were the half of a small plugin. It reads what serde_json reads, with one reservation: a struct is made of an object, never
//! of an array. What a plugin brings along itself the compiler takes apart: [`table`].

/// Methods of serde that come to the same.
macro_rules! same {
    ($($method:ident)* => $as:ident) => {
        $(fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$as(visitor)
        })*
    };
}

mod error;
mod keys;
mod reader;
mod serde;
pub mod table;
mod variants;

pub use error::Error;

/// A value of JSON as a type of one's own; text without escapes is lent, where the type wants that (`&str`, `#[serde(borrow)] Cow<str>`).
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Coach<'t> {
///     id: &'t str,
/// }
///
/// let cast: Vec<Coach> = wtaf_plugin_sdk::json::read(r#"[{ "id": "alex" }, { "id": "venus" }]"#)?;
/// assert_eq!(cast[1].id, "venus");
/// # Ok::<(), wtaf_plugin_sdk::json::Error>(())
/// ```
///
/// # Errors
/// What does not fit, and where.
pub fn read<'t, T: ::serde::Deserialize<'t>>(text: &'t str) -> Result<T, Error> {
    read_noting(text).map(|(value, _)| value)
}

/// The same, with the keys of the outermost object that the type has no field for.
pub(crate) fn read_noting<'t, T: ::serde::Deserialize<'t>>(text: &'t str) -> Result<(T, Vec<&'t str>), Error> {
    let mut reader = reader::Reader::new(text);
    let value = T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(value) => Ok((value, reader.unknown)),
        Err(error) => Err(error.at(reader.place())),
    }
}
