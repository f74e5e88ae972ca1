//! Statements of SQLite, put and answered on the thread that asks.

use std::sync::Arc;

use rusqlite::{
    CachedStatement, Connection,
    types::{ToSqlOutput, Value, ValueRef},
};
use serde_json::Map;

use super::{
    db::Arg,
    fault::{Fault, Outcome},
};

/// Does something; gives how many rows it was done to.
pub(super) fn run(conn: &Connection, sql: &str, args: &[Arg]) -> Outcome<u64> {
    Ok(bound(conn, sql, args)?.raw_execute()? as u64)
}

/// All rows.
pub(super) fn all(conn: &Connection, sql: &str, args: &[Arg]) -> Outcome<Vec<Row>> {
    let mut statement = bound(conn, sql, args)?;
    let columns: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
    let (mut rows, mut found) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
        found.push(Row { columns: Arc::clone(&columns), values });
    }
    Ok(found)
}

/// A statement with its values in place. To SQLite `$2` is a name like any other, numbered where it is first met.
fn bound<'c>(conn: &'c Connection, sql: &str, args: &[Arg]) -> Outcome<CachedStatement<'c>> {
    let mut statement = conn.prepare_cached(sql)?;
    for at in 1..=statement.parameter_count() {
        let number = statement.parameter_name(at).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let arg = number.and_then(|number| args.get(number.checked_sub(1)?));
        let arg = arg.ok_or_else(|| Fault::Refused("a statement asks for a value that it is not given".into()))?;
        statement.raw_bind_parameter(at, value(arg))?;
    }
    Ok(statement)
}

fn value(arg: &Arg) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match arg {
        Arg::Int(Some(number)) => ValueRef::Integer(*number),
        Arg::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
        Arg::Int(None) | Arg::Text(None) => ValueRef::Null,
        Arg::Flag(flag) => ValueRef::Integer((*flag).into()),
        Arg::Real(number) => ValueRef::Real(*number),
    })
}

/// A row of a result.
pub(super) struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    fn get(&self, column: &str) -> Outcome<&Value> {
        let at = self.columns.iter().position(|name| name == column);
        let value = at.and_then(|at| self.values.get(at));
        value.ok_or_else(|| Fault::Refused(format!("there is no column {column}")))
    }

    /// The same, where there is anything.
    pub(super) fn unless_null<T>(
        &self,
        column: &str,
        read: impl FnOnce(&Self, &str) -> Outcome<T>,
    ) -> Outcome<Option<T>> {
        if *self.get(column)? == Value::Null { Ok(None) } else { read(self, column).map(Some) }
    }

    /// A number.
    pub(super) fn int(&self, column: &str) -> Outcome<i64> {
        match self.get(column)? {
            Value::Integer(number) => Ok(*number),
            _ => Err(another_type(column)),
        }
    }

    /// Words.
    pub(super) fn text(&self, column: &str) -> Outcome<String> {
        match self.get(column)? {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(another_type(column)),
        }
    }

    /// A number with a fraction; SQLite may keep one without as a whole number.
    #[expect(clippy::cast_precision_loss, reason = "money")]
    pub(super) fn real(&self, column: &str) -> Outcome<f64> {
        match self.get(column)? {
            Value::Real(number) => Ok(*number),
            Value::Integer(number) => Ok(*number as f64),
            _ => Err(another_type(column)),
        }
    }

    /// All of it, but for what are bytes.
    pub(super) fn json(&self) -> serde_json::Value {
        let fields: Map<String, serde_json::Value> = self
            .columns
            .iter()
            .zip(&self.values)
            .filter_map(|(name, value)| Some((name.clone(), json(value)?)))
            .collect();
        fields.into()
    }
}

fn json(value: &Value) -> Option<serde_json::Value> {
    match value {
        Value::Null => Some(serde_json::Value::Null),
        Value::Integer(number) => Some((*number).into()),
        Value::Real(number) => Some((*number).into()),
        Value::Text(text) => Some(text.clone().into()),
        Value::Blob(_) => None,
    }
}

fn another_type(column: &str) -> Fault {
    Fault::Refused(format!("column {column} holds another type than expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sql: &str, args: &[Arg]) -> Outcome<Row> {
        Ok(all(&Connection::open_in_memory()?, sql, args)?.remove(0))
    }

    #[test]
    fn a_value_goes_where_its_number_stands_however_often_and_in_whatever_order() {
        let row = one("select $2 as b, $1 as a, $2 as again", &["one".into(), 2_i64.into()]).unwrap();
        assert_eq!((row.text("a").unwrap(), row.int("b").unwrap(), row.int("again").unwrap()), ("one".into(), 2, 2));
    }

    #[test]
    fn a_value_that_is_missing_is_told_and_nothing_is_done() {
        let missing = one("select $1, $3", &["one".into(), "two".into()]);
        assert!(matches!(missing, Err(Fault::Refused(_))));
    }

    #[test]
    fn what_is_read_is_of_its_type_or_refused() {
        let row = one("select 1 as n, 'x' as t, 0.5 as r, null as empty, x'00' as bytes", &[]).unwrap();
        assert!(row.int("t").is_err() && row.text("n").is_err() && row.int("empty").is_err());
        assert!(matches!(row.unless_null("empty", Row::int), Ok(None)));
        assert!(matches!(row.unless_null("n", Row::int), Ok(Some(1))));
        assert_eq!(row.json(), serde_json::json!({ "n": 1, "t": "x", "r": 0.5, "empty": null }));
        assert!(row.int("elsewhere").is_err());
    }
}
