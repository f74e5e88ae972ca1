//! Who may read and write what: those who browse through Supabase's API, the service role, a role that is neither.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};
use wtaf_host::adapter::store::{self, Paged};

use super::{NOW, job_id, person, postgres_url, published, words};
use crate::kit::postgres;

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
    // What a service before may have left.
    conn.execute("create policy lax on wtaf_content for all using (true)").await.unwrap();
    for role in ["anon", "authenticated"] {
        conn.execute(AssertSqlSafe(format!("set role {role}"))).await.unwrap();
        let rows = sqlx::query("select app_slug, html_content from wtaf_content").fetch_all(&mut conn).await.unwrap();
        let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(seen, ["listed"], "{role}");
        for forbidden in [
            "select sender_phone from wtaf_content",
            "select original_prompt from wtaf_content",
            "select * from wtaf_content",
            "update wtaf_content set hidden = false",
            "insert into wtaf_content (user_slug, app_slug) values ('fox', 'forged')",
            "insert into wtaf_submissions (page_id, submission_data) values (1, '{}')",
        ] {
            conn.execute(forbidden).await.unwrap_err();
        }
        conn.execute("reset role").await.unwrap();
        assert_eq!(open_to(&mut conn, role).await, ["wtaf_content select"], "{role}");
    }
}

/// What a role may do with any column of any table, or with any sequence or function.
async fn open_to(conn: &mut PgConnection, role: &str) -> Vec<String> {
    let sql = "select c.relname || ' ' || p from pg_class c, unnest(array['select', 'insert', 'update', 'references']) p
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_any_column_privilege($1, c.oid, p)
        union all select c.relname || ' ' || p from pg_class c, unnest(array['delete', 'truncate', 'trigger']) p
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege($1, c.oid, p)
        union all select c.relname || ' ' || p from pg_class c, unnest(array['select', 'usage', 'update']) p
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'S' and has_sequence_privilege($1, c.oid, p)
        union all select p.proname || ' execute' from pg_proc p
        where p.pronamespace = 'public'::regnamespace and has_function_privilege($1, p.oid, 'execute')";
    sqlx::query_scalar(sql).bind(role).fetch_all(conn).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_under_row_level_security_and_no_function_runs_with_anothers_rights() {
    let direct = postgres::database().await;
    store::migrate(&postgres_url(&direct)).await.unwrap();
    let mut conn = postgres::connect(&direct).await;
    let open = "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity
        union all select p.proname::text from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef";
    let open: Vec<String> = sqlx::query_scalar(open).fetch_all(&mut conn).await.unwrap();
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_role_runs_the_engine_on_tables_that_another_made() {
    let direct = postgres::database().await;
    store::migrate(&postgres_url(&direct)).await.unwrap();
    let mut service = direct.clone();
    service.set_query(Some("options=-c%20role%3Dservice_role"));

    let store = store::open(&postgres_url(&service)).await.unwrap();

    let fox = person(&*store, "fox").await;
    published(&*store, &fox, "page", "<p>page</p>", NOW).await;
    assert_eq!(store.person_by_slug("fox").await.unwrap().unwrap().id, fox.id);
}
