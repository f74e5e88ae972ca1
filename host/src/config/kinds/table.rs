//! Kinds made of tables: sections with keys of their own, and tables whose keys are data.

use serde_json::{Map, Number, Value, json};

use super::real;
use crate::config::{
    document::{At, Entry, Node, Val},
    fault::{Code, Found},
    schema,
    walk::{Kind, Shape, Table, View, Walk, nearest},
};

/// `[section]`.
pub struct Section(pub &'static Table);

impl Kind for Section {
    type Out = View;

    fn wants(&self) -> String {
        "a table".to_owned()
    }

    fn schema(&self) -> Value {
        schema::table(self.0)
    }

    fn shape(&self) -> Shape {
        Shape::Table(self.0)
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<View> {
        match &node.value {
            Val::Table(entries) => Some(View::new(walk, self.0, entries, node.at, path)),
            Val::List(_) => {
                let message = format!("`{path}` is one table, not a list of tables");
                walk.push(Found::new(Code::WrongType, node.at, message).help(format!("write {}", self.0.called)));
                None
            }
            _ => {
                walk.wrong_type(node, path, &self.wants());
                None
            }
        }
    }
}

/// `[[section]]`.
pub struct Sections(pub &'static Table);

impl Kind for Sections {
    type Out = Vec<View>;

    fn wants(&self) -> String {
        format!("one or more tables, each begun by {}", self.0.called)
    }

    fn schema(&self) -> Value {
        json!({ "type": "array", "items": schema::table(self.0) })
    }

    fn shape(&self) -> Shape {
        Shape::Tables(self.0)
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Vec<View>> {
        let items = match &node.value {
            Val::List(items) => items.as_slice(),
            Val::Table(_) => {
                let message = format!("`{path}` is a list of tables, and this is one table");
                let fault = Found::new(Code::WrongType, node.at, message);
                walk.push(fault.help(format!("write two brackets: {}", self.0.called)));
                std::slice::from_ref(node)
            }
            _ => {
                walk.wrong_type(node, path, &self.wants());
                return None;
            }
        };
        let mut views = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match &item.value {
                Val::Table(entries) => {
                    let path = format!("{path}.{}", handle(entries, index));
                    views.push(View::new(walk, self.0, entries, item.at, &path));
                }
                _ => walk.wrong_type(item, &format!("{path}.{index}"), "a table"),
            }
        }
        Some(views)
    }
}

/// What `--set` and messages call one of several tables: its name, else its number.
pub fn handle(entries: &[Entry], index: usize) -> String {
    let named = entries.iter().find(|entry| matches!(entry.key.as_str(), "name" | "id")).map(|entry| &entry.node.value);
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match named {
        Some(Val::Text(name)) if plain(name) => name.clone(),
        _ => index.to_string(),
    }
}

/// A table whose keys are not ours.
pub struct Free;

/// A table whose keys are not ours.
pub const FREE: Free = Free;

impl Kind for Free {
    type Out = Map<String, Value>;

    fn wants(&self) -> String {
        "a table".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "object" })
    }

    fn shape(&self) -> Shape {
        Shape::Free
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Map<String, Value>> {
        let Val::Table(entries) = &node.value else {
            walk.wrong_type(node, path, &self.wants());
            return None;
        };
        object(walk, entries, path)
    }
}

fn object(walk: &mut Walk<'_>, entries: &[Entry], path: &str) -> Option<Map<String, Value>> {
    for entry in entries {
        walk.hide_if_secret(&entry.key, &entry.node);
    }
    let read: Vec<_> = entries
        .iter()
        .map(|entry| Some((entry.key.clone(), plain(walk, &entry.node, &format!("{path}.{}", entry.key))?)))
        .collect();
    read.into_iter().collect()
}

/// A value as JSON, its strings expanded; a date is its text.
fn plain(walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Value> {
    Some(match &node.value {
        Val::Text(_) => Value::String(walk.text(node, path, "text")?.text),
        Val::Flag(flag) => Value::Bool(*flag),
        Val::Time(time) => Value::String(time.clone()),
        Val::Whole(number) => match i64::try_from(*number) {
            Ok(number) => Value::from(number),
            Err(_) => return too_large(walk, node.at, path),
        },
        Val::Real(number) => match Number::from_f64(*number) {
            Some(number) => Value::Number(number),
            None => return too_large(walk, node.at, path),
        },
        Val::List(items) => {
            let read: Vec<_> =
                items.iter().enumerate().map(|(index, item)| plain(walk, item, &format!("{path}.{index}"))).collect();
            Value::Array(read.into_iter().collect::<Option<_>>()?)
        }
        Val::Table(entries) => Value::Object(object(walk, entries, path)?),
    })
}

fn too_large(walk: &mut Walk<'_>, at: At, path: &str) -> Option<Value> {
    walk.push(Found::new(Code::OutOfRange, at, format!("`{path}` is no number that JSON can carry")));
    None
}

/// A table of names, each with a number.
pub struct NamedNumbers;

/// A table of names, each with a number.
pub const NAMED_NUMBERS: NamedNumbers = NamedNumbers;

impl Kind for NamedNumbers {
    type Out = Vec<(String, f64, At)>;

    fn wants(&self) -> String {
        "a table of roles and factors such as { operator = 10 }".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "object", "additionalProperties": real(0.0, 1e6).schema() })
    }

    fn shape(&self) -> Shape {
        Shape::Free
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Self::Out> {
        let Val::Table(entries) = &node.value else {
            walk.wrong_type(node, path, &self.wants());
            return None;
        };
        let factor = real(0.0, 1e6);
        let read: Vec<_> = entries
            .iter()
            .map(|entry| {
                let number = factor.read(walk, &entry.node, &format!("{path}.{}", entry.key))?;
                Some((entry.key.clone(), number, entry.key_at))
            })
            .collect();
        read.into_iter().collect()
    }
}

/// `ladder`, and the least role of each command.
pub struct Roles;

/// `ladder`, and the least role of each command.
pub const ROLES: Roles = Roles;

/// The rungs where `ladder` is unset, lowest first.
pub const LADDER: [&str; 5] = ["user", "coder", "degen", "operator", "admin"];

/// The role of new people.
const NEW: &str = "coder";

impl Roles {
    /// The rungs in force.
    pub fn ladder(roles: &Map<String, Value>) -> Vec<String> {
        match roles.get("ladder").and_then(Value::as_array) {
            Some(ladder) => ladder.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => LADDER.map(str::to_owned).to_vec(),
        }
    }
}

impl Kind for Roles {
    type Out = Map<String, Value>;

    fn wants(&self) -> String {
        "a table of commands and roles such as { edit = \"coder\" }".to_owned()
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "ladder": {
                    "description": "The roles, lowest first; a higher one may do what a lower one may. New people are `coder`.",
                    "type": "array", "items": { "type": "string" }, "default": LADDER,
                },
            },
            "additionalProperties": { "type": "string", "description": "The least role this command needs." },
        })
    }

    fn shape(&self) -> Shape {
        Shape::Free
    }

    fn read(&self, walk: &mut Walk<'_>, node: &Node, path: &str) -> Option<Self::Out> {
        let Val::Table(entries) = &node.value else {
            walk.wrong_type(node, path, &self.wants());
            return None;
        };
        let ladder_entry = entries.iter().find(|entry| entry.key == "ladder");
        if let Some(entry) = ladder_entry {
            let ladder = plain(walk, &entry.node, &format!("{path}.ladder"))?;
            check_ladder(walk, &ladder, entry.node.at, path)?;
        }
        let roles = object(walk, entries, path)?;
        let ladder = Self::ladder(&roles);
        let mut good = true;
        for entry in entries.iter().filter(|entry| entry.key != "ladder") {
            let path = format!("{path}.{}", entry.key);
            let Some(role) = walk.text(&entry.node, &path, "the name of a role") else {
                good = false;
                continue;
            };
            if !ladder.contains(&role.text) {
                good = false;
                walk.push(unknown_role(&path, &role.shown, &ladder, entry.node.at));
            }
        }
        good.then_some(roles)
    }
}

fn check_ladder(walk: &mut Walk<'_>, ladder: &Value, at: At, path: &str) -> Option<()> {
    let rungs: Option<Vec<&str>> = ladder.as_array().and_then(|rungs| rungs.iter().map(Value::as_str).collect());
    let Some(rungs) = rungs else {
        let message = format!("`{path}.ladder` wants a list of roles, lowest first");
        walk.push(Found::new(Code::WrongType, at, message));
        return None;
    };
    if let Some(twice) = rungs.iter().enumerate().find(|(index, rung)| rungs[..*index].contains(rung)) {
        walk.push(Found::new(Code::Duplicate, at, format!("`{path}.ladder` has \"{}\" twice", twice.1)));
        return None;
    }
    if !rungs.contains(&NEW) {
        let message = format!("`{path}.ladder` has no \"{NEW}\", and that is what new people are");
        walk.push(
            Found::new(Code::BadValue, at, message).help(format!("put \"{NEW}\" on the rung where newcomers stand")),
        );
        return None;
    }
    Some(())
}

/// A role that is on no rung.
pub fn unknown_role(path: &str, role: &str, ladder: &[String], at: At) -> Found {
    let message = format!("`{path}`: \"{role}\" is not on the ladder of roles");
    let fault = Found::new(Code::BadValue, at, message).help(format!("the roles are {}", ladder.join(", ")));
    match nearest(role, ladder.iter().map(String::as_str)) {
        Some(near) => fault.label(format!("did you mean \"{near}\"?")),
        None => fault,
    }
}
