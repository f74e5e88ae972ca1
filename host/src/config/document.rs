//! The TOML document as a tree that knows where each piece was written.
//!
//! Made from the file with recovery, so that one slip of syntax does not hide the other faults; `--set` puts pieces of its own into the same
//! tree. It judges nothing but syntax.

use toml::de::{DeTable, DeValue};

/// A place in one of the sources: 0 is the file, then `--set` 1, 2…
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Which source.
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl At {
    /// The beginning of the file, for what is nowhere.
    pub const TOP: Self = Self { source: 0, start: 0, end: 0 };

    /// A span of a source, moved to where the source's text begins.
    pub fn new(source: usize, span: &std::ops::Range<usize>, offset: usize) -> Self {
        Self { source, start: span.start + offset, end: span.end + offset }
    }
}

/// A value, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub at: At,
    /// What.
    pub value: Val,
}

/// What a value is. Strings are not expanded yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    /// A string.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// An integer; one too large for us is the largest.
    Whole(i128),
    /// A float.
    Real(f64),
    /// A date or time.
    Time(String),
    /// An array.
    List(Vec<Node>),
    /// A table, in the order written.
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: At,
    /// Its value.
    pub node: Node,
}

impl Val {
    /// What people call it.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Flag(_) => "true or false",
            Self::Whole(_) => "a whole number",
            Self::Real(_) => "a number with a fraction",
            Self::Time(_) => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A slip of syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Where.
    pub at: At,
    /// The parser's words.
    pub message: String,
}

/// A whole document; what could not be understood is left out of the tree and named in the slips.
pub fn document(text: &str) -> (Vec<Entry>, Vec<Slip>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let slips = errors.iter().map(|error| slip(error, text)).collect();
    (entries(table.get_ref(), 0, 0), slips)
}

fn slip(error: &toml::de::Error, text: &str) -> Slip {
    let span = error.span().unwrap_or(text.len()..text.len());
    Slip { at: At::new(0, &span, 0), message: error.message().to_owned() }
}

/// One value of `--set`, or a default.
pub fn value(text: &str, source: usize, offset: usize) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    Some(node(&value, source, offset))
}

fn entries(table: &DeTable<'_>, source: usize, offset: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_at: At::new(source, &key.span(), offset),
            node: node(value, source, offset),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_at);
    entries
}

fn node(value: &toml::Spanned<DeValue<'_>>, source: usize, offset: usize) -> Node {
    let at = At::new(source, &value.span(), offset);
    let value = match value.get_ref() {
        DeValue::String(text) => Val::Text(text.to_string()),
        DeValue::Integer(number) => {
            Val::Whole(i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX))
        }
        DeValue::Float(number) => Val::Real(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Val::Flag(*flag),
        DeValue::Datetime(time) => Val::Time(time.to_string()),
        DeValue::Array(items) => Val::List(items.iter().map(|item| node(item, source, offset)).collect()),
        DeValue::Table(table) => Val::Table(entries(table, source, offset)),
    };
    Node { at, value }
}
