//! What `migrate` would do, tried out for real on the database's own rows and rolled back: both databases do and undo DDL in a transaction.
//!
//! Nothing stays. While it is tried the tables are locked as they would be for good, so it waits for no lock for long: a service that still runs on them
//! comes first.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions,
};

use super::{
    fault::{Fault, Outcome},
    migrations::{self, Missing},
    postgres::Address,
};
use crate::config::StoreUrl;

/// Tables that the service before had, and where two of its rows may want the same.
const ADOPTED: [(&str, &[&str]); 3] = [
    ("sms_subscribers", &["phone_number", "slug"]),
    ("wtaf_content", &["user_slug", "app_slug"]),
    ("wtaf_submissions", &[]),
];
/// For a lock on a table that others use.
const LOCK: &str = "set local lock_timeout = '3s'; set local statement_timeout = '5min'";
/// For all of it.
const PATIENCE: Duration = Duration::from_mins(10);

/// What is missing, and what came of trying it.
#[derive(Debug)]
pub struct Rehearsal {
    /// In the order they are applied; all there are where the database could not be asked.
    pub missing: Vec<Migration>,
    /// What came of it.
    pub tried: Tried,
}

/// A migration, as it is in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// `20261123060000_store`
    pub name: String,
    /// Its text.
    pub sql: &'static str,
}

/// What came of trying the missing migrations.
#[derive(Debug)]
pub enum Tried {
    /// There is nothing to do.
    UpToDate,
    /// There is no database yet; it is made at the first start.
    NoDatabase,
    /// It cannot be asked, in words.
    Away(String),
    /// They apply.
    Applies {
        /// What was found in tables that were there before.
        found: Vec<Found>,
        /// How long they took, and so how long others have to wait.
        took: Duration,
    },
    /// One does not apply; in words, and what to do.
    Fails(String),
}

/// What was found in a table, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub table: &'static str,
    /// Rows before and after.
    pub rows: (i64, i64),
    /// Columns it gains.
    pub gains: usize,
    /// Columns that would be gone; there are none but one that is renamed.
    pub loses: Vec<String>,
    /// Rows that want what another has, and by which columns.
    pub doubles: Vec<(String, i64)>,
}

/// Tries what is missing.
pub(super) async fn rehearse(url: &StoreUrl) -> Outcome<Rehearsal> {
    let all = || migrations::missing(url, &[]);
    let tried = match tokio::time::timeout(PATIENCE, ask(url)).await {
        Ok(tried) => tried,
        Err(_) => Err(Fault::Unavailable("the database does not answer".into())),
    };
    match tried {
        Ok((missing, tried)) => Ok(Rehearsal { missing: told(&missing), tried }),
        Err(fault @ (Fault::Refused(_) | Fault::Fenced(_))) => Err(fault),
        Err(Fault::Again(what) | Fault::Lost(what) | Fault::Unavailable(what) | Fault::Untrusted(what)) => {
            Ok(Rehearsal { missing: told(&all()), tried: Tried::Away(what) })
        }
    }
}

fn told(missing: &[Missing]) -> Vec<Migration> {
    missing.iter().map(|one| Migration { name: migrations::name(one), sql: one.sql.as_str() }).collect()
}

async fn ask(url: &StoreUrl) -> Outcome<(Vec<Missing>, Tried)> {
    match url {
        StoreUrl::Sqlite(path) if !path.exists() => Ok((migrations::missing(url, &[]), Tried::NoDatabase)),
        StoreUrl::Sqlite(path) => {
            let mut conn = SqliteConnectOptions::new().filename(path).disable_statement_logging().connect().await?;
            let missing = migrations::missing(url, &migrations::applied_to_file(&mut conn).await?);
            let tried = if missing.is_empty() { Tried::UpToDate } else { on_file(&mut conn, path, &missing).await? };
            let _ = conn.close().await;
            Ok((missing, tried))
        }
        StoreUrl::Postgres(secret) => {
            let mut conn = Address::read(secret)?.connect().await?;
            let missing = migrations::missing(url, &migrations::applied(&mut conn).await?);
            let tried = match missing.as_slice() {
                [] => Tried::UpToDate,
                missing => on_server(&mut conn, missing).await.or_else(busy)?,
            };
            let _ = conn.close().await;
            Ok((missing, tried))
        }
    }
}

async fn on_file(conn: &mut SqliteConnection, path: &Path, missing: &[Missing]) -> Outcome<Tried> {
    let began = Instant::now();
    let mut transaction = conn.begin_with("begin immediate").await?;
    for one in missing {
        if let Err(error) = transaction.execute(AssertSqlSafe(one.sql.as_str())).await {
            transaction.rollback().await?;
            let words = Fault::from(error).words();
            return Ok(Tried::Fails(format!("{} in {}: {words}", migrations::name(one), path.display())));
        }
    }
    transaction.rollback().await?;
    Ok(Tried::Applies { found: Vec::new(), took: began.elapsed() })
}

async fn on_server(conn: &mut PgConnection, missing: &[Missing]) -> Outcome<Tried> {
    let mut transaction = conn.begin().await?;
    transaction.execute(LOCK).await?;
    let mut before = Vec::new();
    for (table, unique) in ADOPTED {
        if there(&mut transaction, table).await? {
            let look = Look::at(&mut transaction, table).await?;
            let doubles = look.doubles(&mut transaction, table, unique).await?;
            before.push((table, look, doubles));
        }
    }
    let began = Instant::now();
    for one in missing {
        // As one exchange without values, so that it does not matter what is in between.
        if let Err(error) = transaction.execute(AssertSqlSafe(one.sql.as_str())).await {
            let _ = transaction.rollback().await;
            return Ok(Tried::Fails(failed(one, error)));
        }
    }
    let took = began.elapsed();
    let mut found = Vec::new();
    for (table, look, doubles) in before {
        let after = Look::at(&mut transaction, table).await?;
        found.push(Found {
            table,
            rows: (look.rows, after.rows),
            gains: after.columns.iter().filter(|column| !look.columns.contains(column)).count(),
            loses: look.columns.into_iter().filter(|column| !after.columns.contains(column)).collect(),
            doubles,
        });
    }
    transaction.rollback().await?;
    Ok(Tried::Applies { found, took })
}

fn failed(migration: Missing, error: sqlx::Error) -> String {
    match busy(error.into()) {
        Ok(Tried::Fails(why)) => why,
        Ok(_) => String::new(),
        Err(fault) => format!("{}: {}", migrations::name(migration), fault.words()),
    }
}

/// Those who use the tables come first.
fn busy(fault: Fault) -> Outcome<Tried> {
    match fault {
        Fault::Unavailable(what) if what.contains("55P03") => Ok(Tried::Fails(
            "others use a table that must be locked for it; nothing was changed. Try again when less goes on, or stop what runs on this database"
                .to_owned(),
        )),
        other => Err(other),
    }
}

/// A table as it is at a moment.
struct Look {
    rows: i64,
    columns: Vec<String>,
}

impl Look {
    async fn at(conn: &mut PgConnection, table: &'static str) -> Outcome<Self> {
        let rows = number(conn, format!("select count(*) from {table}")).await?;
        let sql = "select column_name::text from information_schema.columns \
                   where table_schema = current_schema() and table_name = $1 order by ordinal_position";
        let columns = sqlx::query_scalar(sql).bind(table).persistent(false).fetch_all(conn).await?;
        Ok(Self { rows, columns })
    }

    /// Rows beyond the first of each that have the same there.
    async fn doubles(
        &self,
        conn: &mut PgConnection,
        table: &'static str,
        unique: &[&str],
    ) -> Outcome<Vec<(String, i64)>> {
        // A page's address is made of two columns, a person's number and slug are each their own.
        let keys: Vec<String> = match table {
            "wtaf_content" => vec![unique.join(", ")],
            _ => unique.iter().map(|&column| column.to_owned()).collect(),
        };
        let mut doubles = Vec::new();
        for key in keys {
            if key.split(", ").any(|column| self.columns.iter().all(|there| there != column)) {
                continue;
            }
            let given = key.split(", ").map(|column| format!("{column} is not null")).collect::<Vec<_>>().join(" and ");
            let sql = format!(
                "select coalesce(sum(n - 1), 0)::bigint from (select count(*) as n from {table} where {given} group by {key}) d"
            );
            let n = number(conn, sql).await?;
            if n > 0 {
                doubles.push((key, n));
            }
        }
        Ok(doubles)
    }
}

/// A number that a query of our own making gives.
async fn number(conn: &mut PgConnection, sql: String) -> Outcome<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_one(conn).await?)
}

async fn there(conn: &mut PgConnection, table: &str) -> Outcome<bool> {
    let sql = "select to_regclass($1) is not null";
    Ok(sqlx::query_scalar(sql).bind(table).persistent(false).fetch_one(conn).await?)
}
