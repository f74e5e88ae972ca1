//! What is of one database only: files, migrations, old tables, a server that goes away.

use std::{
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use sqlx::{Connection, Executor};
use wtaf_host::{
    adapter::store::{self, StoreError},
    config::StoreUrl,
};

use super::{NOW, Place, job_id, person, postgres_url, publication, words};
use crate::kit::{line::Line, pgbouncer, postgres, server};

/// What the folders hold, in order: `20261123060000_store`…
fn migrations() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<_> = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_file_and_its_folder_are_for_their_owner_alone() {
    let place = Place::sqlite().await;
    person(&*place.store, "fox").await;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.file().parent().unwrap()), 0o700);
    assert_eq!(mode(&place.file()), 0o600);
    assert_eq!(mode(&place.file().with_extension("db-wal")), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_open_a_new_file_at_once_make_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Sqlite(folder.path().join("wtaf.db"));
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { store::open(&url).await })
        })
        .collect();
    for one in opened {
        one.await.unwrap().unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = store::open(&StoreUrl::Sqlite(folder.path().join("file/wtaf.db"))).await.err().unwrap();
    assert!(error.to_string().contains("file/wtaf.db"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wtaf.db");
    std::fs::write(&path, "this is no database, whatever its name may say. ".repeat(100)).unwrap();
    let error = store::open(&StoreUrl::Sqlite(path)).await.err().unwrap();
    assert!(!error.is_transient(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_applied_once_and_named() {
    let folder = tempfile::tempdir().unwrap();
    for url in [StoreUrl::Sqlite(folder.path().join("wtaf.db")), postgres_url(&postgres::database().await)] {
        let applied = store::migrate(&url).await.unwrap();
        assert_eq!(applied, migrations());
        assert!(store::migrate(&url).await.unwrap().is_empty());
        assert!(store::migrations_sql(&url).contains("wtaf_outbox"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_pooler_missing_tables_are_told_with_what_to_do() {
    let direct = postgres::database().await;
    let pooled = postgres_url(&pgbouncer::before(&direct).await);
    for error in [store::open(&pooled).await.err().unwrap(), store::migrate(&pooled).await.err().unwrap()] {
        assert!(matches!(error, StoreError::Refused(_)));
        assert!(error.to_string().contains("wtaf-host migrate"), "{error}");
        assert!(error.to_string().contains("5432"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_supabase_applied_counts_as_applied() {
    let direct = postgres::database().await;
    let mut conn = postgres::connect(&direct).await;
    // As `supabase db push` does it: the files in order, and a row for each.
    let sql = store::migrations_sql(&postgres_url(&direct));
    conn.execute(sqlx::AssertSqlSafe(sql.clone())).await.unwrap();
    conn.execute(
        "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key)",
    )
    .await
    .unwrap();
    for name in migrations() {
        let version = name.split('_').next().unwrap().to_owned();
        let sql = "insert into supabase_migrations.schema_migrations values ($1)";
        sqlx::query(sql).bind(version).execute(&mut conn).await.unwrap();
    }
    store::open(&postgres_url(&pgbouncer::before(&direct).await)).await.unwrap().ping().await.unwrap();
    store::open(&postgres_url(&direct)).await.unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_database_is_told_soon_and_nothing_secret_with_it() {
    let port = server::free_port();
    let url = StoreUrl::Postgres(format!("postgres://me:hush@127.0.0.1:{port}/wtaf").into());
    let began = Instant::now();
    let store = store::open(&url).await.expect("requests are accepted without it");
    let error = store.ping().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(!error.to_string().contains("hush") && !error.to_string().contains("postgres://"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_cut_is_replaced_unnoticed() {
    let direct = postgres::database().await;
    let store = store::open(&postgres_url(&direct)).await.unwrap();
    person(&*store, "fox").await;
    let mut conn = postgres::connect(&direct).await;
    conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    )
    .await
    .unwrap();
    assert_eq!(store.person_by_slug("fox").await.unwrap().unwrap().slug, "fox");
    conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    )
    .await
    .unwrap();
    person(&*store, "cat").await;
    conn.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_was_not_known_as_one_is_named_in_the_error() {
    let direct = postgres::database().await;
    store::migrate(&postgres_url(&direct)).await.unwrap();
    let mut hidden = pgbouncer::before(&direct).await;
    hidden.set_query(None);
    let error = store::open(&postgres_url(&hidden)).await.err().unwrap();
    assert!(error.to_string().contains("pgbouncer=true"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_not_there_for_a_ping() {
    let direct = postgres::database().await;
    let store = store::open(&postgres_url(&direct)).await.unwrap();
    store.ping().await.unwrap();
    let mut admin = direct.clone();
    admin.set_path("postgres");
    let drop = format!("drop database {} with (force)", direct.path().trim_start_matches('/'));
    postgres::connect(&admin).await.execute(sqlx::AssertSqlSafe(drop)).await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(12), store.ping()).await.unwrap();
    assert!(asked.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_over_a_slow_line_takes_as_long_as_it_needs() {
    let database = postgres::database().await;
    let line = Line::to(database.port().expect("it has a port"), true).await;
    let mut url = database.clone();
    url.set_port(Some(line.port)).unwrap();
    let store = store::open(&postgres_url(&url)).await.unwrap();
    let fox = person(&*store, "fox").await;
    let job = job_id();
    store.reserve(job, fox.id, &words(&["slow"]), NOW).await.unwrap();

    line.slow(Duration::from_millis(400));
    let (began, wish) = (Instant::now(), publication(job, &fox, "slow", "Slow", NOW));
    let version = store.publish(wish).await;

    assert!(matches!(version, Ok(1)), "{version:?}");
    assert!(began.elapsed() > Duration::from_secs(10), "long enough to say something: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_column_that_is_not_there_yet_is_waited_for() {
    let place = Place::postgres().await;
    let ann = person(&*place.store, "ann").await;
    let StoreUrl::Postgres(url) = &place.url else { panic!("it is PostgreSQL") };
    let url = url::Url::parse(secrecy::ExposeSecret::expose_secret(url)).unwrap();
    let mut conn = postgres::connect(&url).await;
    let rename = async |conn: &mut sqlx::PgConnection, sql: &'static str| {
        sqlx::query(sql).execute(conn).await.unwrap();
    };

    rename(&mut conn, "alter table sms_subscribers rename column index_file to later").await;
    let while_it_is_migrated = place.store.person(&ann.asker).await.expect_err("it cannot be read");
    rename(&mut conn, "alter table sms_subscribers rename column later to index_file").await;

    assert!(while_it_is_migrated.is_transient(), "a job waits, and does not fail: {while_it_is_migrated}");
    assert_eq!(place.store.person(&ann.asker).await.unwrap(), Some(ann));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_stands_still_is_ended_by_the_server_directly_and_through_a_pooler() {
    let direct = postgres::database().await;
    let sql = "create table seen (setting text); \
               create function see() returns trigger language plpgsql as \
               $$ begin insert into seen values (current_setting('idle_in_transaction_session_timeout')); return new; end $$; \
               create trigger see after insert on sms_subscribers for each row execute function see()";
    store::migrate(&postgres_url(&direct)).await.unwrap();
    let mut conn = postgres::connect(&direct).await;
    conn.execute(sql).await.unwrap();

    person(&*store::open(&postgres_url(&direct)).await.unwrap(), "fox").await;
    let pooler = pgbouncer::before(&direct).await;
    person(&*store::open(&postgres_url(&pooler)).await.unwrap(), "cat").await;

    let seen: Vec<String> = sqlx::query_scalar("select setting from seen").fetch_all(&mut conn).await.unwrap();
    assert_eq!(seen, ["30s", "30s"]);
    let mut after = postgres::connect(&pooler).await;
    let left: String = sqlx::query_scalar("select current_setting('idle_in_transaction_session_timeout')")
        .persistent(false)
        .fetch_one(&mut after)
        .await
        .unwrap();
    assert_eq!(left, "0", "it ends with the transaction");
}
