//! `--set key=value`: dotted keys into the document, list items by number or by name.
//!
//! Where the schema wants a string the text is taken as it stands, else it is TOML. What is set carries its own place, so that a fault in it
//! points into the override and not into the file.

use super::{
    document::{self, At, Entry, Node, Val},
    fault::{Code, Found},
    keys,
    walk::Shape,
};

/// Puts one override into the document. `source` is its number among the sources.
pub fn apply(root: &mut Vec<Entry>, text: &str, source: usize) -> Result<(), Box<Found>> {
    let all = At { source, start: 0, end: text.len() };
    let Some((key, value)) = text.split_once('=') else {
        return Err(Found::new(Code::Override, all, "there is no `=` in it")
            .help("write --set key=value, such as --set server.listen=127.0.0.1:4040")
            .into());
    };
    let steps = steps(key, source)?;
    let node = node(value, key.len() + 1, source, shape_of(&steps));
    put(root, &steps, node)
}

/// The part of an override that went nowhere which may hold a secret: all but its key.
pub fn doubtful(text: &str, source: usize) -> Option<At> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let key = text.find(|c| !plain(c)).unwrap_or(text.len());
    let secret = keys::sounds_secret(&text[..key]) && key < text.len();
    secret.then_some(At { source, start: key + text[key..].chars().next().map_or(0, char::len_utf8), end: text.len() })
}

/// One part of a dotted key.
struct Step<'t> {
    name: &'t str,
    at: At,
}

fn steps(key: &str, source: usize) -> Result<Vec<Step<'_>>, Box<Found>> {
    let mut start = 0;
    let mut steps = Vec::new();
    for part in key.split('.') {
        let name = part.trim();
        let from = start + (part.len() - part.trim_start().len());
        let at = At { source, start: from, end: from + name.len() };
        if name.is_empty() {
            return Err(Found::new(Code::Override, at, "a part of the key is empty")
                .help("parts stand between dots: limits.per_hour, ai.0.base_url, stage.coach.memory")
                .into());
        }
        steps.push(Step { name, at });
        start += part.len() + 1;
    }
    Ok(steps)
}

/// What the schema wants at the end of a path.
fn shape_of(steps: &[Step<'_>]) -> Shape {
    let mut shape = Shape::Table(&keys::root::TABLE);
    for step in steps {
        shape = match shape {
            Shape::Table(table) => table.key(step.name).map_or(Shape::Free, super::walk::AnyKey::shape),
            // The step named which of the tables; what follows is in it.
            Shape::Tables(table) => Shape::Table(table),
            Shape::TextOrList => Shape::Text,
            Shape::Text | Shape::Toml | Shape::Free => return Shape::Free,
        };
    }
    shape
}

fn node(value: &str, offset: usize, source: usize, shape: Shape) -> Node {
    let at = At { source, start: offset, end: offset + value.len() };
    let text = Node { at, value: Val::Text(value.to_owned()) };
    match shape {
        Shape::Text => text,
        Shape::TextOrList if !value.trim_start().starts_with('[') => text,
        // What is not TOML goes on as text: the walk says what it wants instead.
        _ => document::value(value, source, offset).unwrap_or(text),
    }
}

fn put(entries: &mut Vec<Entry>, steps: &[Step<'_>], node: Node) -> Result<(), Box<Found>> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    let index = entries.iter().position(|entry| entry.key == step.name);
    if rest.is_empty() {
        let entry = Entry { key: step.name.to_owned(), key_at: step.at, node };
        match index {
            Some(index) => entries[index] = entry,
            None => entries.push(entry),
        }
        return Ok(());
    }
    let index = index.unwrap_or_else(|| {
        let value = if is_list(step.name) { Val::List(Vec::new()) } else { Val::Table(Vec::new()) };
        entries.push(Entry { key: step.name.to_owned(), key_at: step.at, node: Node { at: step.at, value } });
        entries.len() - 1
    });
    put_below(&mut entries[index].node, step, rest, node)
}

fn is_list(name: &str) -> bool {
    keys::root::TABLE.key(name).is_some_and(|key| matches!(key.shape(), Shape::Tables(_)))
}

fn put_below(parent: &mut Node, above: &Step<'_>, steps: &[Step<'_>], node: Node) -> Result<(), Box<Found>> {
    match &mut parent.value {
        Val::Table(entries) => put(entries, steps, node),
        Val::List(items) => put_in_list(items, above, steps, node),
        other => {
            let message = format!("`{}` is {}, there is nothing below it", above.name, other.noun());
            Err(Found::new(Code::Override, above.at, message).into())
        }
    }
}

fn put_in_list(items: &mut Vec<Node>, list: &Step<'_>, steps: &[Step<'_>], node: Node) -> Result<(), Box<Found>> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    let Some(index) = find(items, step.name) else {
        return Err(no_such_item(items, list, step).into());
    };
    if index == items.len() {
        items.push(Node { at: step.at, value: Val::Table(Vec::new()) });
    }
    if rest.is_empty() {
        items[index] = node;
        return Ok(());
    }
    put_below(&mut items[index], step, rest, node)
}

/// Which item is meant; one past the last is a new one.
fn find(items: &[Node], name: &str) -> Option<usize> {
    if let Ok(index) = name.parse::<usize>() {
        return (index <= items.len()).then_some(index);
    }
    items.iter().position(|item| named(item) == Some(name))
}

fn named(item: &Node) -> Option<&str> {
    let Val::Table(entries) = &item.value else { return None };
    entries.iter().find(|entry| matches!(entry.key.as_str(), "name" | "id")).and_then(|entry| match &entry.node.value {
        Val::Text(name) => Some(name.as_str()),
        _ => None,
    })
}

fn no_such_item(items: &[Node], list: &Step<'_>, step: &Step<'_>) -> Found {
    let names: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(index, item)| named(item).map_or_else(|| index.to_string(), str::to_owned))
        .collect();
    let message = format!("there is no `{}` in `{}`", step.name, list.name);
    let fault = Found::new(Code::Override, step.at, message);
    let fault = match super::walk::nearest(step.name, names.iter().map(String::as_str)) {
        Some(near) => fault.label(format!("did you mean `{near}`?")),
        None => fault,
    };
    match names.as_slice() {
        [] => fault.help("the list is empty; its first item is 0"),
        names => fault.help(format!("there are {}; a new one is {}", names.join(", "), names.len())),
    }
}
