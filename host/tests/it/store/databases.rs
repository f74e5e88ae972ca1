//! What is of one database only: files, migrations, old tables, a server that goes away.

use std::{
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use sqlx::{Connection, Executor, Row};
use wtaf_host::{
    adapter::store::{self, Collection, Did, Kept, Lookup, NewRecord, PageKey, Paged, RecordFilter, Room, StoreError},
    config::StoreUrl,
};

use super::{NOW, Place, at, job_id, person, publication, published, texter, words};
use crate::kit::{line::Line, pgbouncer, postgres, server};

/// What the folders hold, in order: `20261123060000_store`…
fn migrations() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<_> = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn postgres_url(url: &url::Url) -> StoreUrl {
    StoreUrl::Postgres(url.as_str().to_owned().into())
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

/// Tables as an older service may have left them: ids of another type, columns missing, duplicates, nothing unique.
const OLD_TABLES: &str = "
    create table sms_subscribers (id uuid primary key default gen_random_uuid(), phone_number text not null, slug text,
        is_admin boolean, unsubscribed boolean, index_file text, created_at timestamptz default now());
    insert into sms_subscribers (phone_number, slug, is_admin, index_file, created_at) values
        ('+15550000001', 'old-fox', true, 'page.html', '2024-01-01T00:00:00Z'), ('+15550000002', null, null, null, null),
        ('not a number', 'odd', null, null, '2024-01-02T00:00:00Z'), ('+15550000004', 'odd', null, null, '2024-01-03T00:00:00Z');
    create table wtaf_content (id uuid primary key default gen_random_uuid(), user_slug varchar(80), app_slug varchar(80), coach text not null,
        sender_phone text, original_prompt text, html_content text not null, status varchar(20), created_at timestamptz default now());
    insert into wtaf_content (user_slug, app_slug, coach, html_content, status, created_at) values
        ('old-fox', 'page', 'alex', 'older', 'published', '2024-01-01T00:00:00Z'),
        ('old-fox', 'page', 'alex', 'newer', 'published', '2024-01-02T00:00:00Z'),
        (null, null, 'alex', 'lost', null, null);
    create table wtaf_submissions (id uuid primary key default gen_random_uuid(), content_id uuid references wtaf_content (id),
        app_id uuid not null, submission_data jsonb);
    insert into wtaf_submissions (content_id, app_id, submission_data)
        select id, id, '{\"name\": \"Ann\"}' from wtaf_content where html_content = 'newer';";

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_the_service_before_are_taken_over() {
    let direct = postgres::database().await;
    postgres::connect(&direct).await.execute(OLD_TABLES).await.unwrap();
    let store = store::open(&postgres_url(&direct)).await.unwrap();

    let fox = store.person(&texter(1)).await.unwrap().unwrap();
    assert_eq!((fox.slug.as_str(), fox.role.as_str(), fox.home.as_deref()), ("old-fox", "admin", Some("page")));
    assert_eq!(fox.joined.to_string(), "2024-01-01T00:00:00.000Z");
    assert_eq!(store.person(&texter(2)).await.unwrap(), None, "without a slug there is no account yet");
    assert_eq!(store.join(&texter(2), &words(&["new"]), &[], "coder", NOW).await.unwrap().person.slug, "new");
    assert!(store.person_by_slug("odd").await.unwrap().unwrap().phone().is_none());
    assert!(store.person(&texter(4)).await.unwrap().unwrap().slug.starts_with("odd-"));

    let key = PageKey { user: "old-fox".into(), app: "page".into() };
    let Lookup::Found(page) = store.page(&key, None).await.unwrap() else { panic!("gone") };
    assert_eq!((page.version, page.draft.html.as_str(), page.draft.title.as_str()), (1, "newer", "page"));
    assert_eq!(store.versions(&key).await.unwrap().len(), 1);
    assert_eq!(store.shelf(0, 9).await.unwrap().len(), 2);
    let collected = store.records_of(page.id, &RecordFilter::default(), 9).await.unwrap();
    assert_eq!(collected.iter().map(|one| one.data.get()).collect::<Vec<_>>(), ["{\"name\": \"Ann\"}"]);
    let another = NewRecord {
        page: page.id,
        collection: Collection::main(),
        data: collected[0].data.clone(),
        by: None,
        once: None,
    };
    let room = Room { records: 9, bytes: 999, collections: 9 };
    assert_eq!(store.add_record(another, room, NOW).await.unwrap(), Kept::As(2));
    assert_eq!(store.publish(publication(job_id(), &fox, "page", "edited", at(1))).await.unwrap(), 2);
    let undone = store.do_to_page(job_id(), 0, fox.id, "page", Paged::Undo, at(2)).await.unwrap();
    assert_eq!(undone, Did::Done(Some("page".into())));
    let Lookup::Found(page) = store.page(&key, None).await.unwrap() else { panic!("gone") };
    assert_eq!((page.version, page.draft.html.as_str()), (3, "newer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_browse_see_public_columns_of_listed_pages_only() {
    let direct = postgres::database().await;
    let store = store::open(&postgres_url(&direct)).await.unwrap();
    let fox = person(&*store, "fox").await;
    for slug in ["listed", "hidden", "forgotten"] {
        published(&*store, &fox, slug, slug, NOW).await;
    }
    store.do_to_page(job_id(), 0, fox.id, "hidden", Paged::Hide, NOW).await.unwrap();
    store.do_to_page(job_id(), 0, fox.id, "forgotten", Paged::Forget, NOW).await.unwrap();
    store.reserve(job_id(), fox.id, &words(&["reserved"]), NOW).await.unwrap();

    let mut conn = postgres::connect(&direct).await;
    conn.execute("set role anon").await.unwrap();
    let rows = sqlx::query("select app_slug, html_content from wtaf_content").fetch_all(&mut conn).await.unwrap();
    let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(seen, ["listed"]);
    for forbidden in [
        "select sender_phone from wtaf_content",
        "select original_prompt from wtaf_content",
        "select * from wtaf_content",
        "select phone_number from sms_subscribers",
        "select html from wtaf_versions",
        "select body from wtaf_outbox",
        "select version from _sqlx_migrations",
        "select secret from wtaf_keys",
        "select passcode_hash from wtaf_friends",
        "insert into wtaf_content (user_slug, app_slug) values ('fox', 'forged')",
        "insert into wtaf_submissions (page_id, submission_data) values (1, '{}')",
    ] {
        conn.execute(forbidden).await.unwrap_err();
    }
    conn.execute("reset role").await.unwrap();
    let open = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                where n.nspname = 'public' and c.relkind = 'r' and not c.relrowsecurity";
    let open: i64 = sqlx::query_scalar(open).fetch_one(&mut conn).await.unwrap();
    assert_eq!(open, 0, "every table is under row-level security");
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
