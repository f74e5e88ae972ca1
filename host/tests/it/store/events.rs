use std::time::{Duration, Instant};

use serde_json::json;

use super::{NOW, Place, at, job_id, on_every_store};

on_every_store!(
    events_are_numbered_from_one_for_each_job,
    a_client_that_reconnects_misses_nothing,
    an_event_of_this_process_wakes_at_once,
    an_event_of_another_process_is_seen_soon,
    a_job_keeps_all_of_its_events_or_none,
);

async fn events_are_numbered_from_one_for_each_job(place: &Place) {
    let (one, two) = (job_id(), job_id());
    assert_eq!(place.store.add_event(one, "stage", json!({"n": 1}), NOW).await.unwrap(), 1);
    assert_eq!(place.store.add_event(two, "stage", json!({"n": 2}), NOW).await.unwrap(), 1);
    assert_eq!(place.store.add_event(one, "done", json!({"n": 3}), at(1)).await.unwrap(), 2);
    let events = place.store.events_after(one, 0, 9).await.unwrap();
    let told: Vec<_> = events.iter().map(|e| (e.seq, e.name.as_str(), e.data["n"].as_i64(), e.at)).collect();
    assert_eq!(told, [(1, "stage", Some(1), NOW), (2, "done", Some(3), at(1))]);
}

async fn a_client_that_reconnects_misses_nothing(place: &Place) {
    let job = job_id();
    for _ in 0..5 {
        place.store.add_event(job, "text", json!(null), NOW).await.unwrap();
    }
    let seqs = |events: Vec<wtaf_host::adapter::store::Event>| events.into_iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(seqs(place.store.events_after(job, 2, 2).await.unwrap()), [3, 4]);
    assert_eq!(seqs(place.again().await.events_after(job, 4, 9).await.unwrap()), [5]);
    assert!(place.store.events_after(job, 5, 9).await.unwrap().is_empty());
}

async fn an_event_of_this_process_wakes_at_once(place: &Place) {
    let job = job_id();
    let store = place.store.clone();
    let waiting = tokio::spawn(async move {
        let mut looks = 0;
        loop {
            looks += 1;
            let events = store.next_events(job, 0, 9).await.unwrap();
            if !events.is_empty() {
                return (events, looks, Instant::now());
            }
        }
    });
    tokio::task::yield_now().await;
    place.store.add_event(job, "done", json!({}), NOW).await.unwrap();
    let added = Instant::now();
    let (events, looks, seen) = waiting.await.unwrap();
    assert_eq!((events.len(), looks), (1, 1));
    assert!(seen.saturating_duration_since(added) < Duration::from_millis(900));
}

async fn an_event_of_another_process_is_seen_soon(place: &Place) {
    let (job, other) = (job_id(), place.again().await);
    let store = place.store.clone();
    let waiting = tokio::spawn(async move {
        store.event_near(job).await;
    });
    other.add_event(job, "done", json!({}), NOW).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!(place.store.events_after(job, 0, 9).await.unwrap().len(), 1);
}

async fn a_job_keeps_all_of_its_events_or_none(place: &Place) {
    let (old, young) = (job_id(), job_id());
    for (job, moment) in [(old, NOW), (old, at(1)), (young, NOW), (young, at(10))] {
        place.store.add_event(job, "stage", json!({}), moment).await.unwrap();
    }
    assert_eq!(place.store.prune_events(at(5)).await.unwrap(), 2);
    assert!(place.store.events_after(old, 0, 9).await.unwrap().is_empty());
    assert_eq!(place.store.events_after(young, 0, 9).await.unwrap().len(), 2);
}
