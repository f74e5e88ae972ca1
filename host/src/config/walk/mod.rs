//! The walk: reads a document against tables of keys, and notes every fault on the way.
//!
//! A [`Key`] says once what a key is called, what it takes, what it is when unset and what it is for; the walk reads by it and the JSON Schema
//! is printed from it. Reading goes on after a fault, so a reader takes all its keys first and only then asks whether each was there.

mod key;
mod view;

use std::path::Path;

pub(super) use self::key::keys;
pub use self::{
    key::{AnyKey, Key, Kind, Shape, Table},
    view::{View, nearest},
};
use super::{
    document::{self, At, Node, Val},
    expand::{self, Lookup, Unexpandable},
    fault::{Code, Found, Source},
    keys::sounds_secret,
};

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

    /// The line of a place in the file, from 1.
    pub fn line(&self, at: At) -> usize {
        let file = self.sources.first().filter(|_| at.source == 0).map_or("", |source| source.text.as_str());
        file.bytes().take(at.start).map(|byte| usize::from(byte == b'\n')).sum::<usize>() + 1
    }

    /// Remembers that a secret stands here.
    pub fn hide(&mut self, at: At) {
        self.secrets.push(at);
    }

    /// The same, where a key of ours or not sounds as if one did.
    pub fn hide_if_secret(&mut self, key: &str, node: &Node) {
        if sounds_secret(key) && !matches!(node.value, Val::Table(_)) {
            self.hide(node.at);
        }
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
        if let Some(scalar) = scalar {
            return Some(Node { at: node.at, value: scalar.value });
        }
        let message = format!("`{path}` wants {wants}; what \"{}\" comes to is not that", given.shown);
        self.push(Found::new(Code::WrongType, node.at, message));
        None
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
            // What stands there may be a piece of a secret: it is not repeated.
            Unexpandable::NoName(_) => {
                Found::new(Code::Expansion, node.at, format!("`${{…}}` in `{path}` holds no name of a variable"))
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

/// Stars of the same length over a secret; its quotes, its scheme and the names of its variables stay.
pub fn blot(text: &mut String, at: At) {
    let Some(written) = text.get(at.start..at.end) else { return };
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    if let Some(scheme) =
        written.find("://").filter(|end| written[..*end].bytes().all(|b| b.is_ascii_alphabetic() || b == b'"'))
    {
        let (kept, after) = written.split_at(scheme + 3);
        out.push_str(kept);
        rest = after;
    }
    while let Some(c) = rest.chars().next() {
        let variable = expand::variable_at_start(rest);
        let kept = if variable > 0 { variable } else { c.len_utf8() };
        if variable > 0 || matches!(c, '"' | '\'' | '[' | ']' | ',' | '\n') {
            out.push_str(&rest[..kept]);
        } else {
            out.push_str(&"*".repeat(kept));
        }
        rest = &rest[kept..];
    }
    text.replace_range(at.start..at.end, &out);
}
