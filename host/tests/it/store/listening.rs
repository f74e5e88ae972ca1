//! What another process writes is seen at once where notifications arrive, and soon where they do not.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use sqlx::Executor;
use url::Url;
use wtaf_host::{
    adapter::store::{self, Collection, Event, Hearing, NewRecord, PageKey, Room, Seq, Store},
    job::JobId,
};

use super::{NOW, job_id, person, postgres_url, published};
use crate::kit::{pgbouncer, postgres, process::eventually};

/// Who hears looks no more within a test.
const NEVER: Duration = Duration::from_hours(9);
/// Who does not, looks.
const OFTEN: Duration = Duration::from_millis(50);
const ROOM: Room = Room { records: 9, bytes: 9_999, collections: 9 };

/// A store that looks so often while it hears nothing, and never once it does.
async fn ear(url: &Url, listen: Option<&Url>, deaf: Duration) -> Arc<dyn Store> {
    let listen_url = listen.map(|url| url.as_str().to_owned().into());
    store::open_with(&postgres_url(url), Hearing { listen_url, deaf, listening: NEVER }).await.unwrap()
}

/// The next events, however they come to be seen.
async fn next(store: &dyn Store, job: JobId, after: Seq) -> Vec<Event> {
    let looked = tokio::time::timeout(Duration::from_mins(1), async {
        loop {
            let events = store.next_events(job, after, 9).await.unwrap();
            if !events.is_empty() {
                return events;
            }
        }
    });
    looked.await.expect("an event is seen")
}

/// Waits until notifications are known to arrive: then it no longer comes back by itself to look.
async fn hears(store: &dyn Store) {
    let quiet = async || tokio::time::timeout(Duration::from_secs(2), store.event_near(job_id())).await.is_err();
    eventually(async || quiet().await.then_some(()), || "it still looks".into()).await;
}

async fn ears(direct: &Url) -> i64 {
    let mut conn = postgres::connect(direct).await;
    let sql = "select count(*) from pg_stat_activity where datname = current_database() and application_name like '%listening%'";
    sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
}

/// The other writes while the one waits, and is seen.
async fn seen_by(store: &Arc<dyn Store>, writer: &dyn Store) {
    let job = job_id();
    let waiting = tokio::spawn({
        let store = Arc::clone(store);
        async move { next(&*store, job, 0).await }
    });
    writer.add_event(job, "done", json!({}), NOW).await.unwrap();
    assert_eq!(waiting.await.unwrap()[0].name, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_a_record_of_another_process_are_seen_without_looking() {
    let direct = postgres::database().await;
    let (here, there) = (ear(&direct, None, OFTEN).await, ear(&direct, None, OFTEN).await);
    hears(&*here).await;

    seen_by(&here, &*there).await;

    let fox = person(&*there, "fox").await;
    published(&*there, &fox, "page", "<p>page</p>", NOW).await;
    let page = there.place(&PageKey { user: "fox".into(), app: "page".into() }).await.unwrap().unwrap().id;
    let waiting = tokio::spawn({
        let here = Arc::clone(&here);
        async move { here.next_change(page, &Collection::main(), 0).await.unwrap() }
    });
    let data = serde_json::value::RawValue::from_string("{}".into()).unwrap();
    there
        .add_record(NewRecord { page, collection: Collection::main(), data, by: None, once: None }, ROOM, NOW)
        .await
        .unwrap();
    let change = tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("a record is seen").unwrap();
    assert_eq!(change, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listening_connection_that_was_cut_comes_back_and_what_was_written_meanwhile_is_seen() {
    let direct = postgres::database().await;
    let (here, there) = (ear(&direct, None, OFTEN).await, ear(&direct, None, OFTEN).await);
    hears(&*here).await;

    for _ in 0..2 {
        let job = job_id();
        let waiting = tokio::spawn({
            let here = Arc::clone(&here);
            async move { next(&*here, job, 0).await }
        });
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
                   where datname = current_database() and application_name like '%listening%'";
        postgres::connect(&direct).await.execute(cut).await.unwrap();
        there.add_event(job, "done", json!({}), NOW).await.unwrap();
        waiting.await.unwrap();
        hears(&*here).await;
    }

    seen_by(&here, &*there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_transaction_pooler_others_are_seen_by_looking_and_with_a_listen_url_at_once() {
    let direct = postgres::database().await;
    store::migrate(&postgres_url(&direct)).await.unwrap();
    let pooled = pgbouncer::before(&direct).await;
    let there = ear(&pooled, None, OFTEN).await;

    let looks = ear(&pooled, None, OFTEN).await;
    seen_by(&looks, &*there).await;
    assert_eq!(ears(&direct).await, 0, "it was not even tried");
    let listens = ear(&pooled, Some(&direct), OFTEN).await;
    hears(&*listens).await;
    seen_by(&listens, &*there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listen_url_that_delivers_nothing_is_found_out_and_others_are_seen_by_looking() {
    let direct = postgres::database().await;
    let pooled = pgbouncer::before(&direct).await;
    let there = ear(&direct, None, OFTEN).await;
    // Looking stops as soon as it is believed that it hears: for an hour nothing would be seen.
    let here = ear(&direct, Some(&pooled), OFTEN).await;

    for _ in 0..40 {
        seen_by(&here, &*there).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_asks_listens_to_nothing_and_a_store_that_is_gone_listens_no_more() {
    let direct = postgres::database().await;
    let here = ear(&direct, None, OFTEN).await;
    person(&*here, "fox").await;
    here.add_event(job_id(), "done", json!({}), NOW).await.unwrap();
    assert_eq!(ears(&direct).await, 0);

    hears(&*here).await;
    drop(here);

    eventually(async || (ears(&direct).await == 0).then_some(()), || "someone still listens".into()).await;
}
