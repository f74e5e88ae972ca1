//! The page that explains every key of pipeline.toml, printed from the same tables as its schema.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::schema::schema;

/// One table a section, one row a key.
fn keys_page() -> String {
    let mut out = String::new();
    let schema = schema();
    for (name, section) in children(&schema) {
        write_section(&mut out, name, section);
    }
    out
}

fn write_section(out: &mut String, name: &str, section: &Value) {
    let (title, table) = match section.get("items") {
        Some(item) if item.get("properties").is_some() => (format!("[[{name}]]"), item),
        _ => (format!("[{name}]"), section),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "## `{title}`\n\n{}\n", words(section));
    if children(table).next().is_none() {
        return;
    }
    out.push_str("| key | takes | unset | what |\n|---|---|---|---|\n");
    write_rows(out, "", table);
    out.push('\n');
}

fn write_rows(out: &mut String, prefix: &str, table: &Value) {
    let required: Vec<&str> = table["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, about) in children(table) {
        if about.get("properties").is_some() {
            write_rows(out, &format!("{prefix}{key}."), about);
            continue;
        }
        let unset = match about.get("default") {
            Some(default) => format!("`{}`", shown(default)),
            None if required.contains(&key) => "must be there".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(out, "| `{prefix}{key}` | {} | {unset} | {} |", takes(about), words(about));
    }
}

/// As it would stand in the file.
fn shown(default: &Value) -> String {
    default.to_string()
}

fn takes(about: &Value) -> String {
    let either = about["anyOf"].as_array().into_iter().flatten().chain(std::iter::once(about));
    for one in either {
        if let Some(words) = one["enum"].as_array() {
            return words.iter().map(|word| format!("`{}`", shown(word))).collect::<Vec<_>>().join(" ");
        }
        match one["type"].as_str() {
            Some("boolean") => return "`true` `false`".into(),
            Some(kind @ ("integer" | "number")) => return range(kind, one),
            Some("array") => return "a list".into(),
            Some("object") => return "a table".into(),
            _ => {}
        }
    }
    let example = about["examples"].as_array().and_then(|examples| examples.first());
    example.map_or_else(|| "text".to_owned(), |example| format!("text such as `{}`", shown(example)))
}

fn range(kind: &str, one: &Value) -> String {
    let kind = if kind == "integer" { "a whole number" } else { "a number" };
    match (one.get("minimum"), one.get("maximum")) {
        (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
        (Some(least), None) => format!("{kind} from {least}"),
        _ => kind.to_owned(),
    }
}

fn words(about: &Value) -> String {
    about["description"].as_str().unwrap_or_default().replace('|', "\\|").replace('\n', " ")
}

fn children(table: &Value) -> impl Iterator<Item = (&str, &Value)> {
    table["properties"].as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_key_and_is_as_the_code_has_it() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/pipeline.md");
        let page = std::fs::read_to_string(file).unwrap();
        let (before, _) = page.split_once("\n## `[").unwrap_or((page.trim_end(), ""));
        let wanted = format!("{}\n\n{}\n", before.trim_end(), keys_page().trim_end());
        if std::env::var_os("WTAF_UPDATE_DOCS").is_some() {
            std::fs::write(file, wanted).unwrap();
        } else {
            assert_eq!(page, wanted, "WTAF_UPDATE_DOCS=1 cargo test -p wtaf-host --lib page writes it anew");
        }
    }
}
