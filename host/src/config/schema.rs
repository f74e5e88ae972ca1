//! The JSON Schema (draft-07) of pipeline.toml, printed from the tables of keys the walk reads by.

use serde_json::{Map, Value, json};

use super::{
    document::{self, Node, Val},
    keys,
    walk::{AnyKey, Table},
};

/// The schema of a whole pipeline.toml.
pub fn schema() -> Value {
    let mut schema = table(&keys::root::TABLE);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("pipeline.toml of wtaf-host");
    schema
}

/// The same, as printed and as kept in docs.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

/// A table's keys.
pub(super) fn table(table: &Table) -> Value {
    let properties: Map<_, _> = table.keys.iter().map(|key| (key.name().to_owned(), property(*key))).collect();
    let mut schema = json!({
        "type": "object",
        "description": table.doc.trim(),
        "properties": properties,
        "additionalProperties": false,
    });
    let required: Vec<_> = table.keys.iter().filter(|key| key.required()).map(|key| key.name()).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A key: what it takes, what it is for, what it is when unset.
pub(super) fn property(key: &dyn AnyKey) -> Value {
    let mut schema = key.schema();
    schema["description"] = json!(key.doc());
    if let Some(default) = key.default().and_then(|text| document::value(text, 0, 0)) {
        schema["default"] = json_of(&default);
    }
    schema
}

fn json_of(node: &Node) -> Value {
    match &node.value {
        Val::Text(text) | Val::Time(text) => json!(text),
        Val::Flag(flag) => json!(flag),
        Val::Whole(number) => i64::try_from(*number).map_or(Value::Null, Value::from),
        Val::Real(number) => json!(number),
        Val::List(items) => items.iter().map(json_of).collect(),
        Val::Table(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.node))).collect::<Map<_, _>>().into()
        }
    }
}
