//! One connection, of either kind, that speaks one SQL. The only place where a query knows which database it is on.
//!
//! Placeholders are `$1`, `$2`… on both. Numbers are 64-bit, moments are milliseconds, JSON is text.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{
    Column as _, Decode, PgConnection, Postgres, Row as _, Type, TypeInfo as _, ValueRef as _, postgres::PgRow,
};

use super::{
    super::{PageId, PersonId},
    ear::{self, Node},
    fault::{Fault, Outcome},
    lite,
};
use crate::job::{JobId, Millis, Phone};

/// How long PostgreSQL may take for one answer. It is for each, not for a transaction: one that is slow gets there, one that is silent does not.
const PATIENCE: Duration = Duration::from_secs(10);

/// What PostgreSQL answers, unless it does not.
pub(super) async fn answered<T>(asked: impl Future<Output = sqlx::Result<T>>) -> Outcome<T> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Fault::Unavailable("PostgreSQL does not answer".into())),
    }
}

/// A connection, mostly within a transaction.
pub(super) enum Db<'c> {
    /// SQLite; a transaction is alone with the database. What is asked here is answered at once, on the thread that asks: nothing of it waits.
    Sqlite(&'c mut rusqlite::Connection),
    /// PostgreSQL; others are at work at the same time.
    Postgres {
        /// The connection.
        conn: &'c mut PgConnection,
        /// Whether prepared statements may outlive a transaction. Behind a transaction pooler they may not.
        persistent: bool,
        /// Which store speaks, for those who listen.
        node: Node,
    },
}

/// What two transactions must not do at once. Each takes its locks in the order of this list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'a> {
    /// Give or take slugs of people.
    Names,
    /// Change a person's pages.
    Person(PersonId),
    /// Change what a page has collected.
    Page(PageId),
    /// Number a job's events.
    Job(JobId),
    /// Count against a key.
    Key(&'a str),
    /// Take texts from the outbox.
    Outbox,
}

impl Scope<'_> {
    /// A digest of its name: a job's or a page's id cannot be told from it.
    pub(super) fn number(self) -> i64 {
        let name = match self {
            Self::Names => "names".to_owned(),
            Self::Person(id) => format!("person {}", id.0),
            Self::Page(id) => format!("page {}", id.0),
            Self::Job(job) => format!("job {job}"),
            Self::Key(key) => format!("key {key}"),
            Self::Outbox => "outbox".to_owned(),
        };
        let digest = Sha256::digest(format!("wtaf {name}"));
        digest.iter().take(8).fold(0, |number: i64, byte| number << 8 | i64::from(*byte))
    }
}

/// A value for a placeholder.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    /// A number, a moment, a row.
    Int(Option<i64>),
    /// Words.
    Text(Option<String>),
    /// Yes or no.
    Flag(bool),
    /// Money.
    Real(f64),
}

macro_rules! query {
    ($sql:expr, $args:expr) => {
        $args.iter().fold(sqlx::query($sql), |query, arg| match arg {
            Arg::Int(number) => query.bind(*number),
            Arg::Text(text) => query.bind(text.as_deref()),
            Arg::Flag(flag) => query.bind(*flag),
            Arg::Real(number) => query.bind(*number),
        })
    };
}

/// PostgreSQL has no NUL in text: the replacement character stands for it.
fn without_nul(args: &[Arg]) -> std::borrow::Cow<'_, [Arg]> {
    if args.iter().any(|arg| matches!(arg, Arg::Text(Some(text)) if text.contains('\0'))) {
        let mend = |arg: &Arg| match arg {
            Arg::Text(Some(text)) => Arg::Text(Some(text.replace('\0', "\u{FFFD}"))),
            other => other.clone(),
        };
        std::borrow::Cow::Owned(args.iter().map(mend).collect())
    } else {
        std::borrow::Cow::Borrowed(args)
    }
}

impl Db<'_> {
    /// Does something; gives how many rows it was done to.
    pub(super) async fn run(&mut self, sql: &'static str, args: &[Arg]) -> Outcome<u64> {
        Ok(match self {
            Self::Sqlite(conn) => lite::run(conn, sql, args)?,
            Self::Postgres { conn, persistent, .. } => {
                let args = without_nul(args);
                let asked = query!(sql, args).persistent(*persistent);
                answered(asked.execute(&mut **conn)).await?.rows_affected()
            }
        })
    }

    /// All rows.
    pub(super) async fn all(&mut self, sql: &'static str, args: &[Arg]) -> Outcome<Vec<Row>> {
        Ok(match self {
            Self::Sqlite(conn) => lite::all(conn, sql, args)?.into_iter().map(Row::Sqlite).collect(),
            Self::Postgres { conn, persistent, .. } => {
                let args = without_nul(args);
                let asked = query!(sql, args).persistent(*persistent);
                let rows = answered(asked.fetch_all(&mut **conn)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row, if there is one.
    pub(super) async fn one(&mut self, sql: &'static str, args: &[Arg]) -> Outcome<Option<Row>> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// Of two ways to say the same, the one this database understands.
    pub(super) fn of(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres { .. } => postgres,
        }
    }

    /// Every column of every table there is.
    pub(super) async fn columns(&mut self) -> Outcome<Vec<(String, String)>> {
        let sql = match self {
            Self::Sqlite(_) => {
                "select m.name as its_table, c.name as its_column from sqlite_master m, pragma_table_xinfo(m.name) c where m.type = 'table'"
            }
            Self::Postgres { .. } => {
                "select table_name::text as its_table, column_name::text as its_column from information_schema.columns \
                 where table_schema = current_schema()"
            }
        };
        let rows = self.all(sql, &[]).await?;
        rows.iter().map(|row| Ok((row.text("its_table")?, row.text("its_column")?))).collect()
    }

    /// Waits until no other transaction holds this scope, and holds it until the end of this one.
    ///
    /// These locks end with the transaction, so they hold through a transaction pooler as well. On SQLite a writing transaction is alone already.
    pub(super) async fn lock(&mut self, scope: Scope<'_>) -> Outcome<()> {
        if let Self::Postgres { .. } = self {
            self.run("select pg_advisory_xact_lock($1)", &[Arg::Int(Some(scope.number()))]).await?;
        }
        Ok(())
    }

    /// The same, and tells other processes once this is committed that something changed there. It costs no exchange of its own, and works through a
    /// transaction pooler, for it is the server that tells.
    pub(super) async fn lock_and_tell(&mut self, scope: Scope<'_>) -> Outcome<()> {
        if let Self::Postgres { node, .. } = self {
            let words = ear::words(*node, scope.number());
            let args = args![scope.number(), ear::CHANNEL, words];
            self.run("select pg_advisory_xact_lock($1), pg_notify($2, $3)", args).await?;
        }
        Ok(())
    }
}

/// A row of a result.
pub(super) enum Row {
    /// From SQLite.
    Sqlite(lite::Row),
    /// From PostgreSQL.
    Postgres(PgRow),
}

fn of_server<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r PgRow, column: &str) -> Outcome<T> {
    Ok(row.try_get(column)?)
}

impl Row {
    /// All of it, for people to read. A moment that the database keeps in a type of its own is left out: ours are numbers beside it.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Sqlite(row) => row.json(),
            Self::Postgres(row) => {
                Value::Object(row.columns().iter().filter_map(|column| named(row, column)).collect())
            }
        }
    }

    /// A number.
    pub(super) fn int(&self, column: &str) -> Outcome<i64> {
        match self {
            Self::Sqlite(row) => row.int(column),
            Self::Postgres(row) => of_server(row, column),
        }
    }

    /// A number that is never negative.
    pub(super) fn count<N: TryFrom<i64>>(&self, column: &str) -> Outcome<N> {
        N::try_from(self.int(column)?).map_err(|_| Fault::damaged("number"))
    }

    /// A number, where there is one.
    pub(super) fn maybe_int(&self, column: &str) -> Outcome<Option<i64>> {
        match self {
            Self::Sqlite(row) => row.unless_null(column, lite::Row::int),
            Self::Postgres(row) => of_server(row, column),
        }
    }

    /// Words.
    pub(super) fn text(&self, column: &str) -> Outcome<String> {
        match self {
            Self::Sqlite(row) => row.text(column),
            Self::Postgres(row) => of_server(row, column),
        }
    }

    /// Words, where there are any.
    pub(super) fn maybe_text(&self, column: &str) -> Outcome<Option<String>> {
        match self {
            Self::Sqlite(row) => row.unless_null(column, lite::Row::text),
            Self::Postgres(row) => of_server(row, column),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self, column: &str) -> Outcome<bool> {
        match self {
            Self::Sqlite(row) => Ok(row.int(column)? != 0),
            Self::Postgres(row) => of_server(row, column),
        }
    }

    /// Money.
    pub(super) fn real(&self, column: &str) -> Outcome<f64> {
        match self {
            Self::Sqlite(row) => row.real(column),
            Self::Postgres(row) => of_server(row, column),
        }
    }

    /// A moment.
    pub(super) fn moment(&self, column: &str) -> Outcome<Millis> {
        self.int(column).map(Millis::from_i64)
    }

    /// A job.
    pub(super) fn job(&self, column: &str) -> Outcome<JobId> {
        self.text(column)?.parse().map_err(|_| Fault::damaged("job's id"))
    }

    /// A number in E.164.
    pub(super) fn phone(&self, column: &str) -> Outcome<Phone> {
        self.text(column)?.parse().map_err(|_| Fault::damaged("phone number"))
    }
}

/// A column's name and value, as JSON; none where it is of a type that none of ours is.
fn named(row: &PgRow, column: &sqlx::postgres::PgColumn) -> Option<(String, Value)> {
    let at = column.ordinal();
    let raw = row.try_get_raw(at).ok()?;
    if raw.is_null() {
        return Some((column.name().to_owned(), Value::Null));
    }
    let kind = raw.type_info().name().to_ascii_uppercase();
    let value = match kind.as_str() {
        "BOOL" => row.try_get::<bool, _>(at).ok().map(Value::from),
        "INT8" => row.try_get::<i64, _>(at).ok().map(Value::from),
        "INT4" => row.try_get::<i32, _>(at).ok().map(Value::from),
        "FLOAT8" => row.try_get::<f64, _>(at).ok().map(Value::from),
        "JSON" | "JSONB" => row.try_get::<Value, _>(at).ok(),
        _ => row.try_get::<String, _>(at).ok().map(Value::from),
    };
    Some((column.name().to_owned(), value?))
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Arg {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<&Option<String>> for Arg {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&Phone> for Arg {
    fn from(phone: &Phone) -> Self {
        phone.e164().into()
    }
}

impl From<JobId> for Arg {
    fn from(job: JobId) -> Self {
        job.to_string().into()
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u32> for Arg {
    fn from(number: u32) -> Self {
        i64::from(number).into()
    }
}

impl From<Option<i64>> for Arg {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<Millis> for Arg {
    fn from(moment: Millis) -> Self {
        moment.as_i64().into()
    }
}

impl From<PersonId> for Arg {
    fn from(person: PersonId) -> Self {
        person.0.into()
    }
}

impl From<PageId> for Arg {
    fn from(page: PageId) -> Self {
        page.0.into()
    }
}

impl From<bool> for Arg {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<f64> for Arg {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

/// The values of a query's placeholders, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::adapter::store::sql::db::Arg::from($value)),*] };
}
pub(super) use args;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_do_not_share_a_lock() {
        let job = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let scopes = [
            Scope::Names,
            Scope::Person(PersonId(1)),
            Scope::Page(PageId(1)),
            Scope::Job(job),
            Scope::Key("1"),
            Scope::Outbox,
        ];
        let numbers: std::collections::HashSet<_> = scopes.iter().map(|scope| scope.number()).collect();
        assert_eq!(numbers.len(), scopes.len());
    }
}
