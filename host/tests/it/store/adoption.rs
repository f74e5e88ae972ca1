//! Tables of the service before, taken over: not a row and not a column is lost, and what is tried out beforehand leaves nothing.

use sqlx::{AssertSqlSafe, Executor, PgConnection};
use wtaf_host::adapter::store::{
    self, Collection, Did, Kept, Lookup, NewRecord, PageKey, Paged, RecordFilter, Room, Standing, Tried, Whom,
};

use super::{NOW, at, job_id, postgres_url, publication, texter, words};
use crate::kit::{pgbouncer, postgres};

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

/// The same some thousand times, with whatever else people put into such tables: other columns, defaults, views' worth of types, nothing unique.
const MANY: &str = "
    create type mood as enum ('fine', 'bad');
    create table sms_subscribers (id bigserial primary key, phone_number varchar(20) not null, slug varchar(80), unsubscribed boolean,
        consent_given boolean default true, favourite_colour text not null default 'teal', mood mood default 'fine', tags text[],
        extra jsonb, last_seen timestamp, created_at timestamp default '2023-05-05');
    insert into sms_subscribers (phone_number, slug, unsubscribed, tags, extra, created_at)
        select '+1555' || lpad((case when n % 500 = 0 then n - 1 else n end)::text, 7, '0'),
            case when n % 7 = 0 then null when n % 100 = 0 then 'twin' else 'old-' || n end,
            n % 1000 = 0, array['a', n::text], jsonb_build_object('n', n), timestamp '2023-01-01' + n * interval '1 minute'
        from generate_series(1, 3000) n;
    create table wtaf_content (id uuid primary key default gen_random_uuid(), wtaf_slug text, user_slug text, app_slug text, coach text not null,
        sender_phone text, original_prompt text, html_content text not null, status varchar(20) default 'published', likes int not null default 0,
        submission_email text, is_featured boolean, mood mood, created_at timestamptz, updated_at timestamp);
    insert into wtaf_content (user_slug, app_slug, coach, sender_phone, original_prompt, html_content, status, likes, created_at)
        select case when n % 11 = 0 then null else 'old-' || (n % 200) end, case when n % 13 = 0 then null else 'app-' || (n % 40) end,
            case when n % 3 = 0 then 'alex' else '' end, '+1555' || lpad(n::text, 7, '0'), 'make ' || n, '<h1>' || n || '</h1>',
            case when n % 17 = 0 then null when n % 19 = 0 then 'draft' else 'published' end, n,
            case when n % 23 = 0 then null else timestamptz '2023-06-01' + n * interval '1 second' end
        from generate_series(1, 4000) n;
    create table wtaf_submissions (id serial primary key, app_id uuid, content_id uuid, submission_data jsonb, ip inet, created_at timestamptz);
    insert into wtaf_submissions (content_id, app_id, submission_data, ip, created_at)
        select case when row_number() over () % 5 = 0 then gen_random_uuid() else id end, id,
            case when likes % 29 = 0 then null else jsonb_build_object('from', likes, 'text', 'a \"quoted\" word') end, '10.0.0.1', now()
        from wtaf_content where likes <= 2500;
    alter table wtaf_content enable row level security;
    create policy everyone on wtaf_content for select using (true);";

/// Everything that the tables hold and no migration may touch, as one digest a table. Numbers and slugs that two had are left out.
async fn untouched(conn: &mut PgConnection) -> Vec<String> {
    let mut digests = Vec::new();
    for columns in [
        "id, consent_given, favourite_colour, mood, tags, extra, last_seen, created_at from sms_subscribers",
        "id, wtaf_slug, user_slug, coach, sender_phone, original_prompt, html_content, status, likes, submission_email, is_featured, mood, created_at \
         from wtaf_content",
        "id, app_id, content_id, coalesce(submission_data::jsonb, '{}'), ip, created_at from wtaf_submissions",
    ] {
        let sql =
            format!("select count(*)::text || md5(string_agg(t::text, ',' order by t.id)) from (select {columns}) t");
        digests.push(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *conn).await.unwrap());
    }
    digests
}

async fn columns(conn: &mut PgConnection) -> Vec<String> {
    let sql = "select table_name || '.' || column_name || ' ' || data_type from information_schema.columns where table_schema = 'public' order by 1";
    sqlx::query_scalar(sql).fetch_all(conn).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_old_rows_with_twins_and_gaps_are_tried_then_taken_over_and_none_is_lost() {
    let direct = postgres::database().await;
    let mut conn = postgres::connect(&direct).await;
    conn.execute(MANY).await.unwrap();
    let (before, shape) = (untouched(&mut conn).await, columns(&mut conn).await);

    let rehearsal = store::rehearse(&postgres_url(&direct)).await.unwrap();

    let Tried::Applies { found, .. } = &rehearsal.tried else { panic!("{:?}", rehearsal.tried) };
    let rows: Vec<_> = found.iter().map(|table| (table.table, table.rows)).collect();
    assert_eq!(
        rows,
        [("sms_subscribers", (3000, 3000)), ("wtaf_content", (4000, 4000)), ("wtaf_submissions", (2500, 2500))]
    );
    assert!(found.iter().all(|table| table.loses.is_empty() && table.gains > 0), "{found:?}");
    assert_eq!(found[0].doubles, [("phone_number".to_owned(), 6), ("slug".to_owned(), 25)]);
    assert_eq!(columns(&mut conn).await, shape, "what was tried is undone");
    assert_eq!(untouched(&mut conn).await, before);

    let store = store::open(&postgres_url(&direct)).await.unwrap();

    assert_eq!(untouched(&mut conn).await, before, "not a row and not a value is lost");
    let after = columns(&mut conn).await;
    let kept = |column: &&String| after.contains(column) || column.as_str() == "wtaf_submissions.submission_data jsonb";
    assert!(shape.iter().all(|column| kept(&column)), "every column stays, and its type");
    let slugs: i64 =
        sqlx::query_scalar("select count(distinct slug) from sms_subscribers").fetch_one(&mut conn).await.unwrap();
    assert_eq!(slugs, 3000 - 3000 / 7, "every slug is one person's");
    assert_eq!(
        store.person(&texter(999)).await.unwrap().unwrap().standing,
        Standing::Left,
        "one of the number's two had left"
    );
    assert!(store::migrate(&postgres_url(&direct)).await.unwrap().is_empty());
    let again = store::rehearse(&postgres_url(&direct)).await.unwrap();
    assert!(matches!(again.tried, Tried::UpToDate) && again.missing.is_empty(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_of_the_service_before_is_given_their_data_and_erased_like_anyone() {
    let direct = postgres::database().await;
    postgres::connect(&direct).await.execute(MANY).await.unwrap();
    let store = store::open(&postgres_url(&direct)).await.unwrap();
    let someone = store.person(&texter(41)).await.unwrap().unwrap();

    let whom = Whom { asker: someone.asker.clone(), person: Some(someone.id), jobs: vec![] };
    let held = store.held(&whom).await.unwrap();
    let erased = store.erase(&whom).await.unwrap();

    assert!(held.iter().any(|held| held.rows.iter().any(|row| row.to_string().contains("+15550000041"))), "{held:?}");
    assert!(!erased.is_empty());
    assert_eq!(store.person_by_slug("old-41").await.unwrap(), None);
    let mut conn = postgres::connect(&direct).await;
    let traces = "select (select count(*) from sms_subscribers where phone_number = '+15550000041') + \
                  (select count(*) from wtaf_content where user_slug = 'old-41')";
    let traces: i64 = sqlx::query_scalar(traces).fetch_one(&mut conn).await.unwrap();
    assert_eq!(traces, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_tried_through_a_pooler_too_and_one_that_is_away_is_told() {
    let direct = postgres::database().await;
    let pooled = postgres_url(&pgbouncer::before(&direct).await);

    let fresh = store::rehearse(&pooled).await.unwrap();
    let mut away = direct.clone();
    away.set_port(Some(crate::kit::server::free_port())).unwrap();
    let away = store::rehearse(&postgres_url(&away)).await.unwrap();

    assert!(matches!(&fresh.tried, Tried::Applies { found, .. } if found.is_empty()), "{:?}", fresh.tried);
    assert!(matches!(away.tried, Tried::Away(_)));
    assert_eq!(away.missing, fresh.missing, "without a database: all there are");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_others_use_are_left_to_them() {
    let direct = postgres::database().await;
    let mut busy = postgres::connect(&direct).await;
    busy.execute(OLD_TABLES).await.unwrap();
    busy.execute("begin; lock table wtaf_content in access exclusive mode").await.unwrap();

    let rehearsal = store::rehearse(&postgres_url(&direct)).await.unwrap();

    assert!(matches!(&rehearsal.tried, Tried::Fails(why) if why.contains("others use")), "{:?}", rehearsal.tried);
}
