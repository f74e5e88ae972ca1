//! Fences: of two workers that write for one job, the one that took it up last counts.

use wtaf_host::adapter::store::{Fence, StoreError, Whom};

use super::{NOW, Place, at, job, job_id, on_every_store, person, publication, text, texter, words};

on_every_store! {
    whoever_took_a_job_up_last_may_write_for_it_and_nobody_before,
    a_fence_is_for_its_own_job_alone,
    who_writes_elsewhere_can_ask_whether_the_job_is_still_theirs,
    a_worker_from_before_is_refused_also_when_its_person_has_been_erased,
    fences_nobody_has_touched_for_long_are_removed,
}

async fn whoever_took_a_job_up_last_may_write_for_it_and_nobody_before(place: &Place) {
    let (ann, job) = (person(&*place.store, "ann").await, job_id());
    let first = place.store.behind(Fence { job, number: 7 }).await.unwrap();
    let slug = first.reserve(job, ann.id, &words(&["otters"]), NOW).await.unwrap();
    // Another process.
    let other = place.again().await;
    let second = other.behind(Fence { job, number: 9 }).await.unwrap();

    let late = first.publish(publication(job, &ann, &slug, "<p>late", NOW)).await;
    assert!(matches!(late, Err(StoreError::Fenced(of)) if of == job), "{late:?}");
    assert!(first.write_text(text(job, "page-live", &ann.asker, "late"), NOW).await.is_err());
    assert!(matches!(place.store.behind(Fence { job, number: 8 }).await, Err(StoreError::Fenced(_))));

    assert_eq!(second.publish(publication(job, &ann, &slug, "<p>in time", NOW)).await.unwrap(), 1);
    assert_eq!(place.store.texts_of(job).await.unwrap(), []);
    let page = place.store.pages_of(ann.id, 5).await.unwrap();
    assert_eq!((page.len(), page[0].version), (1, 1));
}

async fn a_fence_is_for_its_own_job_alone(place: &Place) {
    let (one, two) = (job_id(), job_id());
    let ann = texter(7_000_001);
    let behind_one = place.store.behind(Fence { job: one, number: 1 }).await.unwrap();
    place.store.behind(Fence { job: two, number: 100 }).await.unwrap();
    assert!(behind_one.write_text(text(one, "reply", &ann, "hello"), NOW).await.unwrap());
    // What stands behind no fence is written as ever.
    assert!(place.store.write_text(text(two, "reply", &ann, "hello"), NOW).await.unwrap());
}

async fn who_writes_elsewhere_can_ask_whether_the_job_is_still_theirs(place: &Place) {
    let job = job_id();
    let first = place.store.behind(Fence { job, number: 7 }).await.unwrap();
    first.still_ours().await.unwrap();
    let second = place.store.behind(Fence { job, number: 9 }).await.unwrap();

    assert!(matches!(first.still_ours().await, Err(StoreError::Fenced(of)) if of == job));
    second.still_ours().await.unwrap();
    place.store.still_ours().await.unwrap();
}

async fn a_worker_from_before_is_refused_also_when_its_person_has_been_erased(place: &Place) {
    let ann = person(&*place.store, "ann").await;
    let asked = job(&ann.asker);
    let stale = place.store.behind(Fence { job: asked.id, number: 7 }).await.unwrap();
    stale.record_job(&asked, Some(ann.id)).await.unwrap();
    let (asker, id) = (ann.asker.clone(), asked.id);

    place.store.erase(&Whom { asker, person: Some(ann.id), jobs: vec![id] }).await.unwrap();

    let words = stale.write_text(text(id, "reply", &ann.asker, "what they said"), NOW).await;
    assert!(matches!(words, Err(StoreError::Fenced(of)) if of == id), "{words:?}");
    assert!(matches!(stale.record_job(&asked, None).await, Err(StoreError::Fenced(_))));
    assert!(matches!(place.store.behind(Fence { job: id, number: 8 }).await, Err(StoreError::Fenced(_))));
    assert_eq!(place.store.texts_of(id).await.unwrap(), []);
    let later = wtaf_host::job::Millis::now().after(std::time::Duration::from_mins(1));
    assert_eq!(place.store.prune_fences(later).await.unwrap(), 1, "it is gone with the others in time");
}

async fn fences_nobody_has_touched_for_long_are_removed(place: &Place) {
    place.store.behind(Fence { job: job_id(), number: 1 }).await.unwrap();
    assert_eq!(place.store.prune_fences(at(0)).await.unwrap(), 0);
    assert_eq!(
        place.store.prune_fences(wtaf_host::job::Millis::now().after(std::time::Duration::from_mins(1))).await.unwrap(),
        1
    );
}
