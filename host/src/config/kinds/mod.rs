//! The kinds of values there are in pipeline.toml: numbers and flags, quantities, choices, lists and tables.
//!
//! Each says what it wants, how it is read and how the schema has it. Kinds made of a line of text are in `line`.

mod line;
mod table;

use std::{marker::PhantomData, time::Duration};

use serde_json::{Value, json};

pub use self::{
    line::{
        ADDRESS, BASE_URL, FILE, FOLDER, GRANTED, HOME, KEY, LISTEN, Line, NAME, NATS, NUMBER, ORIGIN, PLUGIN, PROXY,
        SECRET, SENDER, SID, STORE, TEXT,
    },
    table::{FREE, Free, NAMED_NUMBERS, NamedNumbers, ROLES, Roles, Section, Sections, unknown_role},
};
use super::{
    document::{Node, Val},
    fault::{Code, Found},
    units,
    walk::{Kind, Shape, Walk, nearest},
};

/// `true` or `false`.
pub struct Flag;

impl Kind for Flag {
    type Out = bool;

    fn wants(&self) -> String {
        "true or false".to_owned()
    }

    fn schema(&self) -> Value {
        or_variable(&json!({ "type": "boolean" }))
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<bool> {
        match walk.scalar(node, path, &self.wants())?.value {
            Val::Flag(flag) => Some(flag),
            _ => wrong(walk, node, path, &self.wants()),
        }
    }
}

/// A whole number within bounds.
pub struct Whole<T> {
    min: u64,
    max: u64,
    out: PhantomData<fn() -> T>,
}

/// From the least to the most.
pub const fn whole<T>(min: u64, max: u64) -> Whole<T> {
    Whole { min, max, out: PhantomData }
}

impl<T: TryFrom<u64> + 'static> Kind for Whole<T> {
    type Out = T;

    fn wants(&self) -> String {
        "a whole number".to_owned()
    }

    fn schema(&self) -> Value {
        let mut schema = json!({ "type": "integer", "minimum": self.min });
        if self.max < u64::from(u32::MAX) {
            schema["maximum"] = json!(self.max);
        }
        or_variable(&schema)
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<T> {
        let Val::Whole(number) = walk.scalar(node, path, &self.wants())?.value else {
            return wrong(walk, node, path, &self.wants());
        };
        let fits = u64::try_from(number).ok().filter(|number| (self.min..=self.max).contains(number));
        match fits.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Some(number),
            None if number < i128::from(self.min) => out_of_range(walk, node, path, &format!("at least {}", self.min)),
            None => out_of_range(walk, node, path, &format!("at most {}", self.max)),
        }
    }
}

/// A number within bounds.
pub struct Real {
    min: f64,
    max: f64,
}

/// From the least to the most.
pub const fn real(min: f64, max: f64) -> Real {
    Real { min, max }
}

impl Kind for Real {
    type Out = f64;

    fn wants(&self) -> String {
        "a number".to_owned()
    }

    fn schema(&self) -> Value {
        or_variable(&json!({ "type": "number", "minimum": self.min, "maximum": self.max }))
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<f64> {
        let number = match walk.scalar(node, path, &self.wants())?.value {
            Val::Real(number) => number,
            #[allow(clippy::cast_precision_loss, reason = "prices and factors are small")]
            Val::Whole(number) => number as f64,
            _ => return wrong(walk, node, path, &self.wants()),
        };
        if (self.min..=self.max).contains(&number) {
            return Some(number);
        }
        out_of_range(walk, node, path, &format!("from {} to {}", self.min, self.max))
    }
}

/// A duration within bounds, in milliseconds.
pub struct Time {
    min: u64,
    max: u64,
}

/// From the least to the most, in milliseconds.
pub const fn time(min: u64, max: u64) -> Time {
    Time { min, max }
}

impl Kind for Time {
    type Out = Duration;

    fn wants(&self) -> String {
        "a duration such as \"30s\"".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "pattern": r"^\s*[0-9][0-9_.]*\s*(ms|s|m|h|d)\s*$|^$|\$\{", "examples": ["30s", "1500ms", "5m"] })
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Duration> {
        let given = walk.text(node, path, &self.wants())?;
        let (min, max) = (Duration::from_millis(self.min), Duration::from_millis(self.max));
        match units::duration(&given.text) {
            Ok(time) if time < min => {
                out_of_range(walk, node, path, &format!("at least {}", units::show_duration(min)))
            }
            Ok(time) if time > max => out_of_range(walk, node, path, &format!("at most {}", units::show_duration(max))),
            Ok(time) => Some(time),
            Err(bad) => bad_value(walk, node, path, &given.shown, &bad.why(&units::time_units()), &self.wants()),
        }
    }
}

/// A size in bytes within bounds.
pub struct Size {
    min: u64,
    max: u64,
}

/// From the least to the most, in bytes.
pub const fn size(min: u64, max: u64) -> Size {
    Size { min, max }
}

impl Kind for Size {
    type Out = u64;

    fn wants(&self) -> String {
        "a size such as \"64MiB\"".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "pattern": r"^\s*[0-9][0-9_.]*\s*(B|kB|MB|GB|KiB|MiB|GiB)\s*$|^$|\$\{", "examples": ["64MiB", "512KiB"] })
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<u64> {
        let given = walk.text(node, path, &self.wants())?;
        match units::size(&given.text) {
            Ok(bytes) if bytes < self.min => {
                out_of_range(walk, node, path, &format!("at least {}", units::show_size(self.min)))
            }
            Ok(bytes) if bytes > self.max => {
                out_of_range(walk, node, path, &format!("at most {}", units::show_size(self.max)))
            }
            Ok(bytes) => Some(bytes),
            Err(bad) => bad_value(walk, node, path, &given.shown, &bad.why(&units::size_units()), &self.wants()),
        }
    }
}

/// One of a few words.
pub struct Choice<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + Sync + 'static> Kind for Choice<T> {
    type Out = T;

    fn wants(&self) -> String {
        format!("one of {}", quoted(self.0.iter().map(|(word, _)| *word)))
    }

    fn schema(&self) -> Value {
        let words: Vec<_> = self.0.iter().map(|(word, _)| *word).collect();
        or_variable(&json!({ "enum": words }))
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<T> {
        let given = walk.text(node, path, &self.wants())?;
        if let Some((_, value)) = self.0.iter().find(|(word, _)| *word == given.text) {
            return Some(*value);
        }
        let message = format!("`{path}` knows no \"{}\"", given.shown);
        let fault = Found::new(Code::BadValue, node.at, message).help(format!("it takes {}", self.wants()));
        let fault = match nearest(&given.text, self.0.iter().map(|(word, _)| *word)) {
            Some(near) => fault.label(format!("did you mean \"{near}\"?")),
            None => fault,
        };
        walk.push(fault);
        None
    }
}

/// A list.
pub struct Listed<K>(pub K);

impl<K: Kind> Kind for Listed<K> {
    type Out = Vec<K::Out>;

    fn wants(&self) -> String {
        format!("a list, each of it {}", self.0.wants())
    }

    fn schema(&self) -> Value {
        json!({ "type": "array", "items": self.0.schema() })
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Vec<K::Out>> {
        let Val::List(items) = &node.value else {
            return wrong(walk, node, path, &self.wants());
        };
        let items: Vec<_> = items.iter().filter(|item| !walk.is_blank(item)).enumerate().collect();
        let read: Vec<_> =
            items.into_iter().map(|(index, item)| self.0.read(walk, item, &format!("{path}.{index}"))).collect();
        read.into_iter().collect()
    }
}

/// One, or a list.
pub struct OneOrMore<K>(pub K);

impl<K: Kind> Kind for OneOrMore<K> {
    type Out = Vec<K::Out>;

    fn wants(&self) -> String {
        format!("{}, or a list of such", self.0.wants())
    }

    fn schema(&self) -> Value {
        json!({ "anyOf": [self.0.schema(), { "type": "array", "items": self.0.schema() }] })
    }

    fn shape(&self) -> Shape {
        Shape::TextOrList
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Vec<K::Out>> {
        let Val::List(items) = &node.value else {
            return self.0.read(walk, node, path).map(|one| vec![one]);
        };
        let items: Vec<_> = items.iter().filter(|item| !walk.is_blank(item)).enumerate().collect();
        let read: Vec<_> =
            items.into_iter().map(|(index, item)| self.0.read(walk, item, &format!("{path}.{index}"))).collect();
        read.into_iter().collect()
    }
}

/// A number or flag may be written as a string with a variable in it.
fn or_variable(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": r"^$|\$\{" }] })
}

fn wrong<T>(walk: &mut Walk<'_>, node: &Node, path: &str, wants: &str) -> Option<T> {
    walk.wrong_type(node, path, wants);
    None
}

fn out_of_range<T>(walk: &mut Walk<'_>, node: &Node, path: &str, bounds: &str) -> Option<T> {
    walk.push(Found::new(Code::OutOfRange, node.at, format!("`{path}` must be {bounds}")));
    None
}

fn bad_value<T>(walk: &mut Walk<'_>, node: &Node, path: &str, shown: &str, why: &str, wants: &str) -> Option<T> {
    let message = format!("`{path}`: \"{shown}\" {why}");
    walk.push(Found::new(Code::BadValue, node.at, message).help(format!("it takes {wants}")));
    None
}

fn quoted<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
