//! What is wrong with a text, in serde_json's words.

use std::fmt::{self, Display, Formatter};

use serde::de::{self, Expected, Unexpected};

/// Why a text is not the value that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    pub(super) fn new(why: &str) -> Self {
        Self(why.to_owned())
    }

    /// The same, naming its place.
    pub(super) fn at(self, (line, column): (usize, usize)) -> Self {
        Self(format!("{} at line {line} column {column}", self.0))
    }

    /// A number that is written as no whole one, where a whole one was wanted.
    pub(super) fn not_whole(literal: &str, wanted: &dyn Expected) -> Self {
        Self(format!("invalid type: floating point `{literal}`, expected {wanted}"))
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(why: T) -> Self {
        Self(why.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self(format!("invalid type: {}, expected {wanted}", Found(found)))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self(format!("invalid value: {}, expected {wanted}", Found(found)))
    }
}

/// serde's own words would bring the printing of floating point numbers into every plugin, a fifth of its code.
struct Found<'a>(Unexpected<'a>);

impl Display for Found<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Bool(value) => write!(f, "boolean `{value}`"),
            Unexpected::Unsigned(value) => write!(f, "integer `{value}`"),
            Unexpected::Signed(value) => write!(f, "integer `{value}`"),
            Unexpected::Float(_) => f.write_str("floating point number"),
            Unexpected::Str(value) => write!(f, "string {value:?}"),
            Unexpected::Unit => f.write_str("null"),
            Unexpected::Seq => f.write_str("sequence"),
            Unexpected::Map => f.write_str("map"),
            Unexpected::Other(what) => f.write_str(what),
            _ => f.write_str("another value"),
        }
    }
}
