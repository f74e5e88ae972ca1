//! One table of the document, read key by key.

use super::{Key, Kind, Table, Walk};
use crate::config::{
    document::{self, At, Entry, Node},
    fault::{Code, Found},
    keys,
};

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
            let meant = nearest(&entry.key, table.keys.iter().map(|key| key.name())).unwrap_or(&entry.key);
            walk.hide_if_secret(meant, &entry.node);
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
            let help = format!("{} It takes {}.", key.doc.trim(), key.kind.wants());
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
    } else if let Some(owner) = keys::owner_of(&entry.key) {
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
