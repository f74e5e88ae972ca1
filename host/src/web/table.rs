//! Records as rows and columns, for the owner's table and for spreadsheets. What a record holds is hostile: it is never markup here, and never a formula there.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use crate::adapter::store::Record;

/// What a column is called where a record is no object.
const ALONE: &str = "value";

/// Columns there may be: whoever leaves records makes up their fields.
pub(super) const COLUMNS: usize = 100;

/// A record's fields in the order they came; what is no object is one field.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub fn of(record: &Record) -> Self {
        let text = record.data.get();
        let fields = serde_json::from_str::<Object>(text).map(|object| object.0);
        Self(fields.unwrap_or_else(|_| vec![(ALONE.to_owned(), serde_json::from_str(text).unwrap_or_default())]))
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// What stands in a column.
    pub fn value(&self, column: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == column).map(|(_, value)| value)
    }
}

/// An object's members in their order.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if all.len() < COLUMNS {
                        all.push((name, map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Object(all))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Every field's name once, in the order they are first met.
#[derive(Default)]
pub(super) struct Columns(Vec<String>);

impl Columns {
    /// Takes a record's fields in.
    pub fn meet(&mut self, fields: &Fields) {
        for name in fields.names() {
            if self.0.len() < COLUMNS && !self.0.iter().any(|known| known == name) {
                self.0.push(name.to_owned());
            }
        }
    }

    pub fn names(&self) -> &[String] {
        &self.0
    }
}

/// A value as words: text as it stands, anything else as JSON, nothing as nothing.
pub(super) fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// What a spreadsheet takes for a formula gets an apostrophe, which makes it text. A number that is one stays one.
fn harmless(value: Option<&Value>) -> String {
    let text = words(value);
    let is_number = value.is_some_and(Value::is_number);
    let begins = text.trim_start_matches([' ', '\u{a0}', '\n']).chars().next();
    let is_formula = matches!(begins, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠'));
    if is_formula && !is_number { format!("'{text}") } else { text }
}

/// A cell of RFC 4180.
fn cell(text: &str) -> String {
    let plain = !text.contains(['"', ',', ';', '\r', '\n', '\t']) && text.trim() == text;
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// A line of CSV.
fn line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.map(|text| cell(&text)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// The first line, with the mark by which spreadsheets know UTF-8.
pub(super) fn csv_head(columns: &Columns) -> String {
    let own = ["id", "at", "collection", "by"].map(str::to_owned);
    let names = columns.names().iter().map(|name| harmless(Some(&Value::String(name.clone()))));
    format!("\u{feff}{}", line(own.into_iter().chain(names)))
}

/// A record's line.
pub(super) fn csv_line(record: &Record, columns: &Columns) -> String {
    let fields = Fields::of(record);
    let by = record.by.clone().map(Value::String);
    let own = [
        record.number.to_string(),
        record.at.to_string(),
        harmless(Some(&Value::String(record.collection.to_string()))),
        harmless(by.as_ref()),
    ];
    line(own.into_iter().chain(columns.names().iter().map(|column| harmless(fields.value(column)))))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{adapter::store::Collection, job::Millis};

    fn record(number: u64, json: &str) -> Record {
        Record {
            number,
            collection: Collection::main(),
            data: RawValue::from_string(json.to_owned()).unwrap(),
            by: None,
            at: Millis(1_795_413_000_123),
            updated: Millis(1_795_413_000_123),
        }
    }

    fn csv(records: &[Record]) -> String {
        let mut columns = Columns::default();
        for record in records {
            columns.meet(&Fields::of(record));
        }
        records.iter().fold(csv_head(&columns), |csv, record| csv + &csv_line(record, &columns))
    }

    #[test]
    fn columns_are_the_union_of_all_fields_in_the_order_they_came() {
        let csv = csv(&[record(2, r#"{"name":"Ann","age":41}"#), record(1, r#"{"zip":"x","name":null}"#)]);
        let at = "2026-11-23T05:50:00.123Z";
        assert_eq!(
            csv,
            format!("\u{feff}id,at,collection,by,name,age,zip\r\n2,{at},main,,Ann,41,\r\n1,{at},main,,,,x\r\n")
        );
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for text in ["=cmd|' /C calc'!A0", "+1-2", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1"] {
            let json = serde_json::json!({ "note": text }).to_string();
            let csv = csv(&[record(1, &json)]);
            assert!(csv.contains(",'") || csv.contains(",\"'"), "{text:?}: {csv}");
        }
        let name = csv(&[record(1, r#"{"=HYPERLINK(1)":1}"#)]);
        assert!(name.contains(",'=HYPERLINK(1)\r\n"), "{name}");
        assert!(csv(&[record(1, r#"{"n":-5,"e":-1.5e3}"#)]).contains(",-5,-1500.0\r\n"), "numbers are numbers");
    }

    #[test]
    fn quotes_commas_and_line_breaks_stay_within_their_cell() {
        let csv = csv(&[record(1, r#"{"a":"say \"hi\", twice","b":"one\r\ntwo","c":[1,"x"],"d":" x"}"#)]);
        assert!(csv.ends_with(",\"say \"\"hi\"\", twice\",\"one\r\ntwo\",\"[1,\"\"x\"\"]\",\" x\"\r\n"), "{csv}");
    }

    #[test]
    fn what_is_no_object_is_one_value_and_columns_have_an_end() {
        let csv = csv(&[record(1, "\"just words\""), record(2, "null")]);
        assert!(csv.contains(",by,value\r\n") && csv.contains(",just words\r\n"), "{csv}");
        let many: Vec<String> = (0..500).map(|n| format!("\"f{n}\":{n}")).collect();
        let mut columns = Columns::default();
        columns.meet(&Fields::of(&record(1, &format!("{{{}}}", many.join(",")))));
        assert_eq!(columns.names().len(), COLUMNS);
    }
}
