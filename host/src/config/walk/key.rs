//! Keys and tables of keys: what each is called, takes, is when unset, and is for.

use serde_json::Value;

use super::Walk;
#[cfg(test)]
use crate::config::document;
use crate::config::document::Node;

/// What a key takes.
pub trait Kind: Sync + 'static {
    /// What the rest of the engine gets.
    type Out;

    /// For messages: "a duration such as \"30s\"".
    fn wants(&self) -> String;

    /// As JSON Schema.
    fn schema(&self) -> Value;

    /// How `--set` and its paths treat it.
    fn shape(&self) -> Shape {
        Shape::Toml
    }

    /// Reads a value; `None` where a fault was noted.
    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Self::Out>;
}

/// How `--set` treats a value.
#[derive(Clone, Copy)]
pub enum Shape {
    /// The text as it stands.
    Text,
    /// TOML where it begins with a bracket, else the text as it stands.
    TextOrList,
    /// TOML.
    Toml,
    /// TOML where it is that, else the text: a table of the plugin's own.
    Free,
    /// A table.
    Table(&'static Table),
    /// Tables in order.
    Tables(&'static Table),
}

/// A key that may be set.
pub struct Key<K: Kind> {
    /// As the file has it.
    pub name: &'static str,
    /// What it takes.
    pub kind: K,
    /// What it is when unset, as TOML.
    pub default: Option<&'static str>,
    /// Whether it must be set.
    pub required: bool,
    /// What it is for.
    pub doc: &'static str,
}

/// A key, whatever it takes.
pub trait AnyKey: Sync {
    /// As the file has it.
    fn name(&self) -> &'static str;
    /// What it is for.
    fn doc(&self) -> &'static str;
    /// What it is when unset, as TOML.
    fn default(&self) -> Option<&'static str>;
    /// Whether it must be set.
    fn required(&self) -> bool;
    /// What it takes, as JSON Schema.
    fn schema(&self) -> Value;
    /// How `--set` treats it.
    fn shape(&self) -> Shape;
    /// Reads its default only: a fault of ours if that fails.
    #[cfg(test)]
    fn default_reads(&self, walk: &mut Walk<'_>) -> bool;
}

impl<K: Kind> AnyKey for Key<K> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc.trim()
    }

    fn default(&self) -> Option<&'static str> {
        self.default
    }

    fn required(&self) -> bool {
        self.required
    }

    fn schema(&self) -> Value {
        self.kind.schema()
    }

    fn shape(&self) -> Shape {
        self.kind.shape()
    }

    #[cfg(test)]
    fn default_reads(&self, walk: &mut Walk<'_>) -> bool {
        self.default.is_none_or(|text| {
            document::value(text, 0, 0).and_then(|node| self.kind.read(walk, &node, self.name)).is_some()
        })
    }
}

/// The keys of one table.
pub struct Table {
    /// `[server]`, `[[stage]]`, "the top of the file".
    pub called: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [&'static dyn AnyKey],
}

impl Table {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static dyn AnyKey> {
        self.keys.iter().copied().find(|key| key.name() == name)
    }
}

/// Declares tables of keys: `/// doc  NAME: Kind = "key", kind, or "default as TOML";` or `…, required;`. Each table is a module.
macro_rules! keys {
    ($($(#[doc = $table_doc:literal])* $module:ident $called:literal {
        $($(#[doc = $doc:literal])* $id:ident: $kind:ty = $name:literal, $value:expr $(, $word:ident $($default:literal)?)?;)*
    })*) => {
        $($(#[doc = $table_doc])* pub mod $module {
            #[allow(unused_imports, reason = "not every table needs every kind")]
            use super::*;
            $($(#[doc = $doc])* pub static $id: Key<$kind> = Key {
                name: $name,
                kind: $value,
                default: keys!(@default $($($default)?)?),
                required: keys!(@required $($word)?),
                doc: concat!($($doc),*),
            };)*
            /// All of them.
            pub static TABLE: Table = Table {
                called: $called,
                doc: concat!($($table_doc),*),
                keys: &[$(&$id),*],
            };
        })*
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
    (@required) => { false };
    (@required or) => { false };
    (@required required) => { true };
}
pub(in crate::config) use keys;
