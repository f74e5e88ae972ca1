//! How a database is doing, for whoever looks after it: what it is, what we may do there, what is in between. It changes nothing.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use secrecy::SecretString;
use sqlx::{ConnectOptions, Connection, PgConnection, Row as _, postgres::PgSslMode, sqlite::SqliteConnectOptions};

use super::{
    ear,
    fault::{Fault, Outcome},
    migrations,
    postgres::{Address, Server},
};
use crate::{config::StoreUrl, job::Millis};

/// For a connection to do one thing, where another may have to wait for it.
const HELD: Duration = Duration::from_secs(2);

/// A database in a file.
#[derive(Debug, Clone)]
pub struct FileHealth {
    /// SQLite's version.
    pub version: String,
    /// Whether it is there yet: the first start makes it.
    pub there: bool,
    /// Its permissions, `0o600`.
    pub mode: u32,
    /// `wal`, as it should be.
    pub journal: String,
    /// Names of migrations that are not applied.
    pub missing: Vec<String>,
}

/// A database on a server.
#[derive(Debug, Clone)]
pub struct ServerHealth {
    /// Its version, `17.6`.
    pub version: String,
    /// The same as a number, `170006`.
    pub number: i64,
    /// As whom we are there.
    pub role: String,
    /// Whether row-level security does not hold for that role.
    pub bypasses: bool,
    /// Names of migrations that are not applied.
    pub missing: Vec<String>,
    /// Our tables without row-level security.
    pub open: Vec<String>,
    /// Our tables in which that role may not do all it has to, or sees nothing of.
    pub closed: Vec<String>,
    /// Whether the connection is encrypted; unknown where a pooler is in between.
    pub encrypted: Option<bool>,
    /// Whether the server's certificate is checked.
    pub verified: bool,
    /// What is between us and the server.
    pub between: Between,
    /// One question and its answer, the middle one of several.
    pub round_trip: Duration,
    /// How far its clock is before ours, milliseconds.
    pub ahead: i64,
}

/// What is between us and the server, by what it does; and what the URL said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// A server connection is ours for a transaction only.
    pub pooled: bool,
    /// Whether that is what it was taken for.
    pub known: bool,
}

/// Whether what other processes write is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notifications {
    /// One arrived.
    Arrive,
    /// LISTEN was taken, and nothing arrived.
    DoNot,
    /// It is not tried: the way leads through a transaction pooler.
    NotTried,
}

/// Looks at a file.
pub(super) async fn of_file(path: &Path) -> Outcome<FileHealth> {
    let url = StoreUrl::Sqlite(path.to_owned());
    let names = |applied: &[i64]| migrations::missing(&url, applied).into_iter().map(migrations::name).collect();
    let mut memory = SqliteConnectOptions::new().in_memory(true).connect().await?;
    let version = sqlx::query_scalar("select sqlite_version()").fetch_one(&mut memory).await?;
    let Ok(about) = path.metadata() else {
        return Ok(FileHealth { version, there: false, mode: 0o600, journal: "wal".into(), missing: names(&[]) });
    };
    let mut conn =
        SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging().connect().await?;
    let journal = sqlx::query_scalar("pragma journal_mode").fetch_one(&mut conn).await?;
    let missing = names(&migrations::applied_to_file(&mut conn).await?);
    let _ = conn.close().await;
    Ok(FileHealth { version, there: true, mode: about.permissions().mode() & 0o777, journal, missing })
}

/// Looks at a server.
pub(super) async fn of_server(url: &SecretString) -> Outcome<ServerHealth> {
    let address = Address::read(url)?;
    let mut conn = address.connect().await?;
    let applied = migrations::applied(&mut conn).await?;
    let all = migrations::missing(&StoreUrl::Postgres(url.clone()), &applied);
    let pooled = is_pooled(&address, &mut conn).await?;
    let (round_trip, ahead) = clock(&mut conn).await?;
    let who = sqlx::query(
        "select current_setting('server_version') as version, current_setting('server_version_num')::bigint as number, current_user::text as role, \
         (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as bypasses, \
         (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted",
    )
    .persistent(false)
    .fetch_one(&mut *conn.begin().await?)
    .await?;
    let open = tables(&mut conn, "not c.relrowsecurity").await?;
    let closed = tables(
        &mut conn,
        "not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update') \
         and has_table_privilege(c.oid, 'delete')) or row_security_active(c.oid)",
    )
    .await?;
    let mode = address.ssl_mode();
    Ok(ServerHealth {
        version: who.try_get("version")?,
        number: who.try_get("number")?,
        role: who.try_get("role")?,
        bypasses: who.try_get::<Option<bool>, _>("bypasses")?.unwrap_or(false),
        missing: all.into_iter().map(migrations::name).collect(),
        open,
        closed,
        encrypted: if pooled { None } else { who.try_get("encrypted")? },
        verified: matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull),
        between: Between { pooled, known: pooled == address.pooled },
        round_trip,
        ahead,
    })
}

/// Tries whether a notification sent by one way arrives by the other.
pub(super) async fn hears(url: &SecretString, listen_url: Option<&SecretString>) -> Outcome<Notifications> {
    let address = Address::read(url)?;
    let listen = match listen_url {
        Some(url) => Address::read(url)?,
        None if !address.may_listen => return Ok(Notifications::NotTried),
        None => address.clone(),
    };
    let heard = ear::arrives(&listen, &Server::open(address)).await?;
    Ok(if heard { Notifications::Arrive } else { Notifications::DoNot })
}

/// Our tables that are so.
async fn tables(conn: &mut PgConnection, so: &str) -> Outcome<Vec<String>> {
    let sql = format!(
        "select c.relname::text from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') \
         and (c.relname = 'sms_subscribers' or c.relname like 'wtaf\\_%') and ({so}) order by 1"
    );
    let mut transaction = conn.begin().await?;
    let found = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).persistent(false).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    Ok(found)
}

/// Which server process answers: two clients of a transaction pooler get one another's, two sessions never do.
async fn is_pooled(address: &Address, one: &mut PgConnection) -> Outcome<bool> {
    let mut other = address.connect().await?;
    let before = backend(one).await?;
    let mut holding = other.begin().await?;
    let held = number(&mut holding, "select pg_backend_pid()::bigint").await?;
    // While the other holds a server connection this one has to do with another, or to wait where there is no more.
    let after = tokio::time::timeout(HELD, backend(one)).await;
    let _ = holding.rollback().await;
    Ok(match after {
        Ok(after) => held == before || after? != before,
        Err(_) => return Err(Fault::Unavailable("the pooler has no second connection to the server for us".into())),
    })
}

async fn backend(conn: &mut PgConnection) -> Outcome<i64> {
    let mut transaction = conn.begin().await?;
    let pid = number(&mut transaction, "select pg_backend_pid()::bigint").await?;
    transaction.rollback().await?;
    Ok(pid)
}

async fn number(conn: &mut PgConnection, sql: &'static str) -> Outcome<i64> {
    Ok(sqlx::query_scalar(sql).persistent(false).fetch_one(conn).await?)
}

/// How long an answer takes, and what time it is there.
async fn clock(conn: &mut PgConnection) -> Outcome<(Duration, i64)> {
    let mut asked = Vec::new();
    let mut transaction = conn.begin().await?;
    for _ in 0..5 {
        let (began, before) = (Instant::now(), Millis::now());
        let there = number(&mut transaction, "select (extract(epoch from clock_timestamp()) * 1000)::bigint").await?;
        let took = began.elapsed();
        let half = i64::try_from(took.as_millis() / 2).unwrap_or(0);
        asked.push((took, there - before.as_i64() - half));
    }
    transaction.rollback().await?;
    asked.sort_unstable();
    Ok(asked[asked.len() / 2])
}
