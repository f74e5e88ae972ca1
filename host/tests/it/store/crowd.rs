//! Many at once, through two handles, as two processes would.

use std::{collections::HashSet, future::Future, sync::Arc};

use serde_json::json;
use wtaf_host::adapter::store::{Allowance, Did, Spent, Store};

use super::{NOW, Place, at, job_id, on_every_store, person, publication, text, texter, words};

on_every_store!(
    fifty_jobs_that_want_one_slug_get_fifty_slugs,
    fifty_joins_of_one_number_make_one_person,
    fifty_people_who_want_one_slug_get_fifty_slugs,
    a_job_published_by_many_is_published_once,
    edits_at_once_are_versions_one_after_another,
    exactly_as_many_fit_as_the_allowance_has,
    numbers_of_events_have_no_gaps,
    every_text_is_taken_by_one_sender,
    a_slug_is_given_to_one_of_those_who_rename,
    many_readers_get_their_own_answers,
);

const MANY: u32 = 50;

/// Does something many times at once, on two handles in turn.
async fn at_once<T, F>(place: &Place, what: impl Fn(u32, Arc<dyn Store>) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let other = place.again().await;
    let handles = [&place.store, &other];
    let started: Vec<_> = (0..MANY).map(|n| tokio::spawn(what(n, handles[n as usize % 2].clone()))).collect();
    let mut done = Vec::new();
    for one in started {
        done.push(one.await.unwrap());
    }
    done
}

fn all_different(slugs: Vec<String>) -> bool {
    let count = slugs.len();
    slugs.into_iter().collect::<HashSet<_>>().len() == count
}

async fn fifty_jobs_that_want_one_slug_get_fifty_slugs(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let slugs = at_once(place, |_, store| async move {
        store.reserve(job_id(), fox.id, &words(&["a", "b", "c"]), NOW).await.unwrap()
    })
    .await;
    assert!(all_different(slugs));
}

async fn fifty_joins_of_one_number_make_one_person(place: &Place) {
    let joined = at_once(place, |n, store| async move {
        store.join(&texter(1), &[format!("slug-{n}")], &[], "coder", NOW).await.unwrap()
    })
    .await;
    assert_eq!(joined.iter().filter(|joined| joined.fresh).count(), 1);
    assert!(joined.iter().all(|one| one.person == joined[0].person));
}

async fn fifty_people_who_want_one_slug_get_fifty_slugs(place: &Place) {
    let joined =
        at_once(
            place,
            |n, store| async move { store.join(&texter(n), &words(&["fox"]), &[], "coder", NOW).await.unwrap() },
        )
        .await;
    assert!(joined.iter().all(|joined| joined.fresh));
    assert!(all_different(joined.into_iter().map(|joined| joined.person.slug).collect()));
}

async fn a_job_published_by_many_is_published_once(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let job = job_id();
    place.store.reserve(job, fox.id, &words(&["page"]), NOW).await.unwrap();
    let mut wish = publication(job, &fox, "page", "one", NOW);
    wish.texts = vec![text(job, "page-live", &fox.asker, "Live")];
    let versions = at_once(place, |_, store| {
        let wish = wish.clone();
        async move { store.publish(wish).await.unwrap() }
    })
    .await;
    assert!(versions.iter().all(|version| *version == 1));
    assert_eq!(place.store.texts_of(job).await.unwrap().len(), 1);
}

async fn edits_at_once_are_versions_one_after_another(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    super::published(&*place.store, &fox, "page", "one", NOW).await;
    let mut versions = at_once(place, |n, store| {
        let wish = publication(job_id(), &fox, "page", &n.to_string(), at(1));
        async move { store.publish(wish).await.unwrap() }
    })
    .await;
    versions.sort_unstable();
    assert!(versions.into_iter().eq(2..2 + MANY));
}

async fn exactly_as_many_fit_as_the_allowance_has(place: &Place) {
    let spent = at_once(place, |_, store| async move {
        let allowance = Allowance { per: "hour", span: std::time::Duration::from_hours(1), most: 7 };
        store.spend("k", job_id(), &[allowance], NOW).await.unwrap()
    })
    .await;
    assert_eq!(spent.iter().filter(|spent| **spent == Spent::Fits).count(), 7);
}

async fn numbers_of_events_have_no_gaps(place: &Place) {
    let job = job_id();
    let mut seqs =
        at_once(place, |_, store| async move { store.add_event(job, "stage", json!({}), NOW).await.unwrap() }).await;
    seqs.sort_unstable();
    assert!(seqs.into_iter().eq(1..=u64::from(MANY)));
}

async fn every_text_is_taken_by_one_sender(place: &Place) {
    for n in 0..MANY {
        // Two to each number, so that half must wait.
        place.store.write_text(text(job_id(), "reply", &texter(n / 2), "hi"), NOW).await.unwrap();
    }
    let taken = at_once(place, |_, store| async move { store.take_texts(NOW, 3).await.unwrap() }).await;
    let taken: Vec<_> = taken.into_iter().flatten().collect();
    assert_eq!(taken.len(), MANY as usize / 2);
    assert!(all_different(taken.into_iter().map(|text| text.text.to.e164().to_owned()).collect()));
}

async fn a_slug_is_given_to_one_of_those_who_rename(place: &Place) {
    let mut people = Vec::new();
    for n in 0..MANY {
        people.push(person(&*place.store, &format!("fox-{n}")).await.id);
    }
    let did = at_once(place, |n, store| {
        let id = people[n as usize];
        async move { store.rename(job_id(), 0, id, "wolf", &[]).await.unwrap() }
    })
    .await;
    assert_eq!(did.iter().filter(|did| **did == Did::Done(Some("wolf".into()))).count(), 1);
}

async fn many_readers_get_their_own_answers(place: &Place) {
    for n in 0..MANY {
        place.store.join(&texter(n), &[format!("fox-{n}")], &[], "coder", NOW).await.unwrap();
    }
    at_once(place, |n, store| async move {
        for _ in 0..20 {
            let slug = format!("fox-{n}");
            assert_eq!(store.person_by_slug(&slug).await.unwrap().unwrap().slug, slug);
            assert_eq!(store.person(&texter(n)).await.unwrap().unwrap().slug, slug);
        }
    })
    .await;
}
