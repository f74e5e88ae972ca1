//! The tables: what makes them, whether they are there. SQLite and a direct PostgreSQL connection bring themselves up to date; through a transaction
//! pooler that cannot be done (the lock that keeps two migrations apart needs a session), so there it is only checked.

use std::{path::Path, sync::LazyLock};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, SqlSafeStr, SqliteConnection,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

use super::{
    fault::{Fault, Outcome},
    postgres::Address,
    sqlite,
};
use crate::config::StoreUrl;

/// Name by name, with the SQL for either database. Not sqlx's macro, which has all of sqlx, and SQLite itself, built twice.
macro_rules! pairs {
    ($($name:literal),+ $(,)?) => {
        [$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/", $name, ".sql")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/", $name, ".sql")),
        )),+]
    };
}

const PAIRS: [(&str, &str, &str); 11] = pairs![
    "20261123055900_adopt",
    "20261123060000_store",
    "20261123130000_records",
    "20261123130100_sessions",
    "20261123130200_views",
    "20261123140000_costs",
    "20261123150000_erased",
    "20261123160000_fences",
    "20261123160100_closed",
    "20261123160300_once",
    "20261123190400_revisions",
];

static SQLITE: LazyLock<Migrator> = LazyLock::new(|| migrator(PAIRS.map(|(name, sqlite, _)| (name, sqlite))));
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| migrator(PAIRS.map(|(name, _, postgres)| (name, postgres))));

/// As sqlx reads a folder of them: a version, what it is about, and a checksum of its bytes.
fn migrator(named: impl IntoIterator<Item = (&'static str, &'static str)>) -> Migrator {
    let migrations = named.into_iter().map(|(name, sql)| {
        let (version, about) = name.split_once('_').unwrap_or((name, ""));
        // A name without a number would not have passed the test below.
        let version = version.parse().unwrap_or_default();
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, about.replace('_', " ").into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// Where sqlx writes down what was applied.
const TABLE: &str = "_sqlx_migrations";

/// Applies what is missing; gives the names of what was applied.
pub(super) async fn migrate(url: &StoreUrl) -> Outcome<Vec<String>> {
    match url {
        StoreUrl::Sqlite(path) => migrate_sqlite(path).await,
        StoreUrl::Postgres(url) => {
            let address = Address::read(url)?;
            if address.pooled {
                return Err(Fault::Refused(format!("migrations cannot run through a transaction pooler. {DIRECTLY}")));
            }
            migrate_postgres(&mut address.connect().await?).await
        }
    }
}

/// One that is not applied.
pub(super) type Missing = &'static sqlx::migrate::Migration;

/// All of a database's migrations as SQL, for those who apply them themselves.
pub(super) fn sql(url: &StoreUrl) -> String {
    missing(url, &[])
        .into_iter()
        .map(|one| format!("-- {}\n{}\n", name(one), one.sql.as_str()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Those that are not among the applied, in order.
pub(super) fn missing(url: &StoreUrl, applied: &[i64]) -> Vec<Missing> {
    let migrator = match url {
        StoreUrl::Sqlite(_) => &SQLITE,
        StoreUrl::Postgres(_) => &POSTGRES,
    };
    migrator.iter().filter(|one| !applied.contains(&one.version)).collect()
}

const DIRECTLY: &str = "Run `wtaf-host migrate` with the direct or the session URL (port 5432), or `supabase db push`";

/// Fails unless everything is applied, by us or by `supabase db push`.
pub(super) async fn check(conn: &mut PgConnection) -> Outcome<()> {
    let applied = applied(conn).await?;
    let missing: Vec<_> = POSTGRES.iter().filter(|one| !applied.contains(&one.version)).map(name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fault::Refused(format!("the database lacks {}. {DIRECTLY}", missing.join(", "))))
}

/// What was applied, by us or by `supabase db push`.
pub(super) async fn applied(conn: &mut PgConnection) -> Outcome<Vec<i64>> {
    let mut transaction = conn.begin().await?;
    let mut applied: Vec<i64> = Vec::new();
    for (table, versions) in [
        (TABLE, "select version from _sqlx_migrations where success"),
        (
            "supabase_migrations.schema_migrations",
            "select version::bigint from supabase_migrations.schema_migrations where version ~ '^[0-9]{1,18}$'",
        ),
    ] {
        // A table in a schema that this role may not look into is as good as none.
        let there: bool = sqlx::query_scalar("select coalesce(has_table_privilege(to_regclass($1), 'select'), false)")
            .bind(table)
            .persistent(false)
            .fetch_one(&mut *transaction)
            .await?;
        if there {
            let versions = sqlx::query_scalar(versions).persistent(false).fetch_all(&mut *transaction).await?;
            applied.extend::<Vec<i64>>(versions);
        }
    }
    transaction.rollback().await?;
    Ok(applied)
}

/// The same of a file.
pub(super) async fn applied_to_file(conn: &mut SqliteConnection) -> Outcome<Vec<i64>> {
    let there = "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'";
    let there: i64 = sqlx::query_scalar(there).fetch_one(&mut *conn).await?;
    if there == 0 {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(conn).await?)
}

async fn migrate_sqlite(path: &Path) -> Outcome<Vec<String>> {
    let mut conn = sqlite::connect(path).await?;
    // One writing transaction around everything: two processes that start together do not both apply it.
    let mut transaction = conn.begin_with("begin immediate").await?;
    let applied = run::<SqliteConnection>(&SQLITE, &mut transaction).await?;
    transaction.commit().await?;
    conn.close().await?;
    Ok(applied)
}

async fn migrate_postgres(conn: &mut PgConnection) -> Outcome<Vec<String>> {
    run(&POSTGRES, conn).await
}

async fn run<C: Migrate + Send>(migrator: &'static Migrator, conn: &mut C) -> Outcome<Vec<String>> {
    conn.ensure_migrations_table(TABLE).await.map_err(failed)?;
    let before = conn.list_applied_migrations(TABLE).await.map_err(failed)?;
    migrator.run_direct(None, conn, false).await.map_err(failed)?;
    let fresh = migrator.iter().filter(|one| before.iter().all(|known| known.version != one.version));
    Ok(fresh.map(name).collect())
}

pub(super) fn name(migration: &sqlx::migrate::Migration) -> String {
    format!("{}_{}", migration.version, migration.description.replace(' ', "_"))
}

fn failed(error: MigrateError) -> Fault {
    match error {
        MigrateError::Execute(error) => error.into(),
        MigrateError::ExecuteMigration(error, version) => match Fault::from(error) {
            Fault::Refused(what) | Fault::Again(what) => Fault::Refused(format!("migration {version}: {what}")),
            other => other,
        },
        MigrateError::VersionMissing(version) => Fault::Refused(format!(
            "the database is newer than this wtaf-host: it has migration {version}. Run the version that made it, or a later one"
        )),
        MigrateError::VersionMismatch(version) => Fault::Refused(format!(
            "migration {version} was changed after it was applied. Run the wtaf-host it belongs to"
        )),
        other => Fault::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_built_in_is_what_sqlx_reads_from_the_folders() {
        for (folder, built_in) in [("migrations/sqlite", &SQLITE), ("migrations/postgres", &POSTGRES)] {
            let read = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).await.unwrap();
            let told = |migrator: &Migrator| {
                let told =
                    migrator.iter().map(|one| (one.version, one.description.clone(), one.checksum.clone(), one.no_tx));
                told.collect::<Vec<_>>()
            };
            assert_eq!(told(built_in), told(&read), "{folder}: is each of its files in the list above?");
        }
    }
}
