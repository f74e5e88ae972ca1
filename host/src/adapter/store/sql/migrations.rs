//! The tables: what makes them, whether they are there. SQLite and a direct PostgreSQL connection bring themselves up to date; through a transaction
//! pooler that cannot be done (the lock that keeps two migrations apart needs a session), so there it is only checked.

use std::path::Path;

use sqlx::{
    Connection, PgConnection, SqliteConnection,
    migrate::{Migrate, MigrateError, Migrator},
};

use super::{
    fault::{Fault, Outcome},
    postgres::Address,
    sqlite,
};
use crate::config::StoreUrl;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

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

    #[test]
    fn both_databases_have_the_same_migrations() {
        let names = |migrator: &'static Migrator| migrator.iter().map(name).collect::<Vec<_>>();
        assert_eq!(names(&SQLITE), names(&POSTGRES));
    }

    #[test]
    fn every_file_of_the_folders_is_built_in() {
        // A new file alone does not make cargo build this again.
        for (folder, migrator) in [("migrations/sqlite", &SQLITE), ("migrations/postgres", &POSTGRES)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let files = std::fs::read_dir(&folder).unwrap().count();
            assert_eq!(files, migrator.iter().count(), "touch this file: {} has other files now", folder.display());
        }
    }
}
