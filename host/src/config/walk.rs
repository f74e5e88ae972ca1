//! The walk: reads a document against tables of keys, and notes every fault on the way.
//!
//! A [`Key`] says once what a key is called, what it takes, what it is when unset and what it is for; the walk reads by it and the JSON Schema
//! is printed from it. Reading goes on after a fault, so a reader takes all its keys first and only then asks whether each was there.

use std::path::Path;

use serde_json::Value;

use super::{
    document::{self, At, Entry, Node, Val},
    expand::{self, Lookup, Unexpandable},
    fault::{Code, Found, Source},
};

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
pub(super) use keys;

/// A string with its variables put in, and how a message may show it.
pub struct Given {
    /// The result.
    pub text: String,
    /// As written: the result may come from the environment.
    pub shown: String,
}

/// One reading of a document.
pub struct Walk<'a> {
    base: &'a Path,
    lookup: Lookup<'a>,
    sources: Vec<Source>,
    found: Vec<Found>,
    secrets: Vec<At>,
}

impl<'a> Walk<'a> {
    /// Over these sources, the file first. `base` is the folder relative paths start from.
    pub fn new(base: &'a Path, lookup: Lookup<'a>, sources: Vec<Source>) -> Self {
        Self { base, lookup, sources, found: Vec::new(), secrets: Vec::new() }
    }

    /// The folder relative paths start from.
    pub fn base(&self) -> &Path {
        self.base
    }

    /// Notes a fault.
    pub fn push(&mut self, fault: Found) {
        self.found.push(fault);
    }

    /// Whether none was noted.
    pub fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// The source's own words at a place.
    pub fn written(&self, at: At) -> &str {
        self.sources.get(at.source).and_then(|source| source.text.get(at.start..at.end)).unwrap_or_default()
    }

    /// Remembers that a secret stands here.
    pub fn hide(&mut self, at: At) {
        self.secrets.push(at);
    }

    /// The sources with clear-text secrets blotted out, and what was found.
    pub fn finish(mut self) -> (Vec<Source>, Vec<Found>) {
        for at in &self.secrets {
            if let Some(source) = self.sources.get_mut(at.source) {
                blot(&mut source.text, *at);
            }
        }
        (self.sources, self.found)
    }

    /// The value is of the wrong type.
    pub fn wrong_type(&mut self, node: &Node, path: &str, wants: &str) {
        let message = format!("`{path}` wants {wants}, not {}", node.value.noun());
        self.push(Found::new(Code::WrongType, node.at, message));
    }

    /// A string's text with its variables in it.
    pub fn text(&mut self, node: &Node, path: &str, wants: &str) -> Option<Given> {
        let Val::Text(text) = &node.value else {
            self.wrong_type(node, path, wants);
            return None;
        };
        match expand::expand(text, self.lookup) {
            Ok(done) => {
                let shown = if done.from_env { text.clone() } else { done.text.clone() };
                Some(Given { text: done.text, shown })
            }
            Err(faults) => {
                for fault in faults {
                    let fault = self.unexpandable(node, path, &fault);
                    self.push(fault);
                }
                None
            }
        }
    }

    /// Whether it is a string that comes out empty, which means unset.
    pub fn is_blank(&self, node: &Node) -> bool {
        let Val::Text(text) = &node.value else { return false };
        expand::expand(text, self.lookup).is_ok_and(|done| done.text.is_empty())
    }

    /// A number or flag may come from the environment; such a string is read as TOML. Anything else stays as it is.
    pub fn scalar(&mut self, node: &Node, path: &str, wants: &str) -> Option<Node> {
        let Val::Text(text) = &node.value else { return Some(node.clone()) };
        if !expand::has_variable(text) {
            self.wrong_type(node, path, wants);
            return None;
        }
        let given = self.text(node, path, wants)?;
        let scalar = document::value(given.text.trim(), node.at.source, 0)
            .filter(|scalar| matches!(scalar.value, Val::Flag(_) | Val::Whole(_) | Val::Real(_)));
        match scalar {
            Some(scalar) => Some(Node { at: node.at, value: scalar.value }),
            None => {
                let message = format!("`{path}` wants {wants}; what \"{}\" comes to is not that", given.shown);
                self.push(Found::new(Code::WrongType, node.at, message));
                None
            }
        }
    }

    fn unexpandable(&self, node: &Node, path: &str, why: &Unexpandable) -> Found {
        match why {
            Unexpandable::Unset(name) => {
                let at = self.variable_at(node.at, name);
                Found::new(Code::UnsetVariable, at, format!("the variable {name} is not set, and `{path}` needs it"))
                    .label("not in the environment, nor in .env")
                    .help(format!(
                        "set {name}, put it in the .env beside the file, or give a default: ${{{name}:-…}} (`:-` alone means unset)"
                    ))
            }
            Unexpandable::NoName(name) => {
                Found::new(Code::Expansion, node.at, format!("`{name}` in `{path}` is no name of a variable"))
                    .help("a name has letters, digits and underscores; a dollar meant as a dollar is written $$")
            }
            Unexpandable::Open => Found::new(Code::Expansion, node.at, format!("`${{` in `{path}` is never closed"))
                .help("close it with `}`; a dollar meant as a dollar is written $$"),
            Unexpandable::Deep => {
                Found::new(Code::Expansion, node.at, format!("defaults of `{path}` stand in each other too deeply"))
                    .help("name the variables one level deep")
            }
        }
    }

    fn variable_at(&self, at: At, name: &str) -> At {
        let needle = format!("${{{name}");
        match self.written(at).find(&needle) {
            Some(from) => At { start: at.start + from, end: at.start + from + needle.len() + 1, ..at },
            None => at,
        }
    }
}

/// Replaces what stands between the quotes by stars of the same length.
fn blot(text: &mut String, at: At) {
    let Some(written) = text.get(at.start..at.end) else { return };
    let stars: String =
        written.bytes().map(|byte| if matches!(byte, b'"' | b'\'' | b'\n') { byte as char } else { '*' }).collect();
    text.replace_range(at.start..at.end, &stars);
}

/// A table of the document, its unknown keys told.
#[derive(Clone)]
pub struct View {
    table: &'static Table,
    entries: Vec<Entry>,
    at: At,
    path: String,
}

impl View {
    /// The table; `path` is how `--set` would name it.
    pub fn new(walk: &mut Walk<'_>, table: &'static Table, entries: &[Entry], at: At, path: &str) -> Self {
        for entry in entries.iter().filter(|entry| table.key(&entry.key).is_none()) {
            let fault = unknown_key(table, entry);
            walk.push(fault);
        }
        Self { table, entries: entries.to_vec(), at, path: path.to_owned() }
    }

    /// Where it begins.
    pub fn at(&self) -> At {
        self.at
    }

    /// How `--set` would name it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where a key's value stands, if it is there, else where the table begins.
    pub fn at_of<K: Kind>(&self, key: &Key<K>) -> At {
        self.node(key).map_or(self.at, |node| node.at)
    }

    /// Where a key stands with its value, if it is there.
    pub fn entry_at<K: Kind>(&self, key: &Key<K>) -> Option<At> {
        let entry = self.entries.iter().find(|entry| entry.key == key.name)?;
        let (from, to) = (entry.key_at, entry.node.at);
        Some(if from.source == to.source { At { end: to.end.max(from.end), ..from } } else { to })
    }

    /// The value as it stands.
    pub fn node<K: Kind>(&self, key: &Key<K>) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key == key.name).map(|entry| &entry.node)
    }

    /// Whether the key is there, and not empty.
    pub fn has<K: Kind>(&self, walk: &Walk<'_>, key: &Key<K>) -> bool {
        self.node(key).is_some_and(|node| !walk.is_blank(node))
    }

    /// A key's full name.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The key's value, or its default; `None` where it is unset or a fault was noted.
    pub fn get<K: Kind>(&self, walk: &mut Walk<'_>, key: &Key<K>) -> Option<K::Out> {
        debug_assert!(self.table.key(key.name).is_some(), "{} has no key {}", self.table.called, key.name);
        let path = self.path_of(key.name);
        match self.node(key) {
            Some(node) if !walk.is_blank(node) => key.kind.read(walk, node, &path),
            _ => key.kind.read(walk, &document::value(key.default?, 0, 0)?, &path),
        }
    }

    /// As [`View::get`]; a fault where it is unset.
    pub fn need<K: Kind>(&self, walk: &mut Walk<'_>, key: &Key<K>) -> Option<K::Out> {
        if key.default.is_none() && !self.has(walk, key) {
            let path = self.path_of(key.name);
            let help = format!("it takes {}: {}", key.kind.wants(), key.doc.trim());
            let fault = match self.node(key) {
                Some(node) => Found::new(Code::Missing, node.at, format!("`{path}` must be set, and comes out empty")),
                None => Found::new(Code::Missing, self.at, format!("`{path}` is missing")),
            };
            walk.push(fault.help(help));
            return None;
        }
        self.get(walk, key)
    }
}

fn unknown_key(table: &'static Table, entry: &Entry) -> Found {
    let names: Vec<_> = table.keys.iter().map(|key| key.name()).collect();
    let message = format!("there is no key `{}` in {}", entry.key, table.called);
    let fault = Found::new(Code::UnknownKey, entry.key_at, message);
    let fault = if let Some(near) = nearest(&entry.key, names.iter().copied()) {
        fault.label(format!("did you mean `{near}`?"))
    } else if let Some(owner) = super::keys::owner_of(&entry.key) {
        fault.label(format!("that is a key of {owner}"))
    } else {
        fault
    };
    if names.is_empty() {
        fault.help("it takes no keys")
    } else {
        fault.help(format!("keys here: {}", names.join(", ")))
    }
}

/// The word that was meant, where one is near enough.
pub fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let word = word.to_lowercase().replace('-', "_");
    let far = (word.chars().count() / 3).max(1);
    names
        .map(|name| (strsim::damerau_levenshtein(&word, name), name))
        .filter(|(distance, name)| *distance <= far && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
