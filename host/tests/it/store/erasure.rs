use wtaf_host::{
    adapter::store::{Cost, Held, Lookup, PageKey, Person, PersonId, Publication, Standing, Store, Turn, Whom, Whose},
    job::{Asker, JobId},
};

use super::{NOW, Place, at, guest, job, job_id, on_every_store, person, publication, published, text, words};

on_every_store!(
    what_is_held_of_someone_is_found_by_table,
    erased_nothing_of_someone_is_left_and_nothing_of_others_is_gone,
    who_left_and_was_erased_is_known_by_their_number_alone_and_may_come_back,
    erasing_twice_finds_nothing_and_forgets_no_one_who_left,
    what_was_paid_stays_for_no_one,
    a_page_that_grew_from_an_erased_one_stays,
    a_guest_is_erased_as_well,
    someone_without_an_account_is_erased_by_their_number,
    people_are_listed_in_the_order_they_came,
);

fn whom(person: &Person) -> Whom {
    Whom { asker: person.asker.clone(), person: Some(person.id), jobs: vec![] }
}

/// Someone with something in every table; gives the job of their page.
async fn busy(store: &dyn Store, slug: &str) -> (Person, JobId) {
    let someone = person(store, slug).await;
    let made = published(store, &someone, "red-fox", "<p>v1</p>", NOW).await;
    store.publish(publication(job_id(), &someone, "red-fox", "<p>v2</p>", at(1))).await.unwrap();
    store.rename(job_id(), 0, someone.id, &format!("{slug}-two"), &[]).await.unwrap();
    let mut asked = job(&someone.asker);
    asked.request.text = format!("the secret of {slug}");
    store.record_job(&asked, Some(someone.id)).await.unwrap();
    store.add_event(asked.id, "done", serde_json::json!({ "reply": "hush" }), NOW).await.unwrap();
    store.write_text(text(asked.id, "page-live", &someone.asker, "here it is"), NOW).await.unwrap();
    store.write_text(text(job_id(), "welcome", &someone.asker, "hello"), NOW).await.unwrap();
    let turn = Turn { coach: None, text: "said in confidence".into(), at: NOW };
    store.add_turn(someone.id, asked.id, &turn).await.unwrap();
    store.spend(&format!("person:{}", someone.id.0), asked.id, &[], NOW).await.unwrap();
    let (job, person) = (asked.id, Some(someone.id));
    let cost = Cost { job, call: 0, person, provider: "claude".into(), dollars: 0.25 };
    store.add_cost(&cost, NOW).await.unwrap();
    store.fave(job_id(), 0, someone.id, &format!("{slug}-two"), "red-fox").await.unwrap();
    let known = store.person(&someone.asker).await.unwrap().unwrap();
    (known, made)
}

fn tables(held: &[Held]) -> Vec<&'static str> {
    held.iter().map(|held| held.table).collect()
}

async fn what_is_held_of_someone_is_found_by_table(place: &Place) {
    let (ann, _) = busy(&*place.store, "ann").await;
    busy(&*place.store, "bob").await;

    let held = place.store.held(&whom(&ann)).await.unwrap();

    let found = tables(&held);
    for table in [
        "sms_subscribers",
        "wtaf_content",
        "wtaf_costs",
        "wtaf_events",
        "wtaf_faves",
        "wtaf_jobs",
        "wtaf_outbox",
        "wtaf_redirects",
        "wtaf_spent",
        "wtaf_turns",
        "wtaf_versions",
    ] {
        assert!(found.contains(&table), "{table} is not in {found:?}");
    }
    let all: String = held.iter().flat_map(|held| &held.rows).map(ToString::to_string).collect();
    assert!(all.contains("the secret of ann") && all.contains("said in confidence") && all.contains("<p>v1</p>"));
    assert!(!all.contains("bob"), "{all}");
    let traces = place.store.traces(&whom(&ann)).await.unwrap();
    assert_eq!(traces.slugs, ["ann", "ann-two"]);
    assert_eq!(traces.askers, [ann.asker]);
    assert!(traces.jobs.len() >= 4);
}

async fn erased_nothing_of_someone_is_left_and_nothing_of_others_is_gone(place: &Place) {
    let (ann, made) = busy(&*place.store, "ann").await;
    let (bob, _) = busy(&*place.store, "bob").await;
    place.store.fave(job_id(), 0, bob.id, "ann-two", "red-fox").await.unwrap();
    let of_bob = place.store.held(&whom(&bob)).await.unwrap();
    let before = place.store.held(&whom(&ann)).await.unwrap();

    let gone = place.store.erase(&whom(&ann)).await.unwrap();

    assert!(gone.len() >= tables(&before).len(), "{gone:?}");
    assert!(place.store.held(&whom(&ann)).await.unwrap().is_empty());
    assert_eq!(place.store.person(&ann.asker).await.unwrap(), None);
    let key = PageKey { user: "ann-two".into(), app: "red-fox".into() };
    assert_eq!(place.store.page(&key, None).await.unwrap(), Lookup::Missing);
    assert!(place.store.events_after(made, 0, 9).await.unwrap().is_empty());
    let mut kept = place.store.held(&whom(&bob)).await.unwrap();
    for held in &mut kept {
        held.rows.retain(|row| held.table != "wtaf_faves" || !row.is_null());
    }
    for held in of_bob.iter().filter(|held| held.table != "wtaf_faves") {
        assert!(kept.contains(held), "{held:?}");
    }
    let fresh = place.store.join(&ann.asker, &words(&["new"]), &[], "coder", at(5)).await.unwrap();
    assert!(fresh.fresh && fresh.person.id != ann.id);
}

async fn who_left_and_was_erased_is_known_by_their_number_alone_and_may_come_back(place: &Place) {
    let (ann, _) = busy(&*place.store, "ann").await;
    place.store.set_standing(&ann.asker, Standing::Left, at(2)).await.unwrap();

    place.store.erase(&whom(&ann)).await.unwrap();

    let left = place.store.person(&ann.asker).await.unwrap().expect("that they left is known");
    assert_eq!((left.standing, left.slug.as_str(), &left.asker), (Standing::Left, "", &ann.asker));
    let held = place.store.held(&Whom { person: Some(left.id), ..whom(&ann) }).await.unwrap();
    let rows: String = held.iter().flat_map(|held| &held.rows).map(ToString::to_string).collect();
    let Asker::Phone(phone) = &ann.asker else { panic!("a texter") };
    assert!(!rows.contains(phone.e164()) && !rows.contains("ann"), "{rows}");
    assert!(place.store.people(PersonId(i64::MIN), 9).await.unwrap().is_empty(), "nobody to list");

    assert!(place.store.set_standing(&ann.asker, Standing::Active, at(3)).await.unwrap());
    assert_eq!(place.store.person(&ann.asker).await.unwrap(), None, "they have no account yet");
    let joined = place.store.join(&ann.asker, &words(&["again"]), &[], "coder", at(4)).await.unwrap();
    assert!(joined.fresh);
    assert_eq!((joined.person.slug.as_str(), joined.person.standing), ("again", Standing::Active));
}

async fn erasing_twice_finds_nothing_and_forgets_no_one_who_left(place: &Place) {
    let (ann, _) = busy(&*place.store, "ann").await;
    place.store.set_standing(&ann.asker, Standing::Left, at(2)).await.unwrap();
    place.store.erase(&whom(&ann)).await.unwrap();

    let again = place.store.person(&ann.asker).await.unwrap().unwrap();
    let gone = place.store.erase(&whom(&again)).await.unwrap();

    assert!(gone.is_empty(), "{gone:?}");
    assert_eq!(place.store.person(&ann.asker).await.unwrap().unwrap().standing, Standing::Left);
}

async fn what_was_paid_stays_for_no_one(place: &Place) {
    let (ann, _) = busy(&*place.store, "ann").await;
    let before = place.store.cost_since(&Whose::Everyone, NOW).await.unwrap();

    place.store.erase(&whom(&ann)).await.unwrap();

    assert!((place.store.cost_since(&Whose::Everyone, NOW).await.unwrap() - before).abs() < 1e-9 && before > 0.2);
}

async fn a_page_that_grew_from_an_erased_one_stays(place: &Place) {
    let (ann, _) = busy(&*place.store, "ann").await;
    let bob = person(&*place.store, "bob").await;
    let remix = job_id();
    place.store.reserve(remix, bob.id, &words(&["blue-hen"]), NOW).await.unwrap();
    let of = PageKey { user: "ann-two".into(), app: "red-fox".into() };
    let wish = Publication { remix_of: Some(of), ..publication(remix, &bob, "blue-hen", "<p>mine</p>", NOW) };
    place.store.publish(wish).await.unwrap();

    place.store.erase(&whom(&ann)).await.unwrap();

    let key = PageKey { user: "bob".into(), app: "blue-hen".into() };
    let Lookup::Found(page) = place.store.page(&key, None).await.unwrap() else { panic!("it stays") };
    assert_eq!((page.remix_of, page.draft.html.as_str()), (None, "<p>mine</p>"));
}

async fn a_guest_is_erased_as_well(place: &Place) {
    let asker = guest("a browser");
    let fox = place.store.join(&asker, &words(&["fox"]), &[], "coder", NOW).await.unwrap().person;
    published(&*place.store, &fox, "red", "<p>x</p>", NOW).await;
    place.store.record_job(&job(&asker), Some(fox.id)).await.unwrap();

    place.store.erase(&whom(&fox)).await.unwrap();

    assert!(place.store.held(&whom(&fox)).await.unwrap().is_empty());
    assert_eq!(place.store.home("fox").await.unwrap(), Lookup::Missing);
}

async fn someone_without_an_account_is_erased_by_their_number(place: &Place) {
    let asker = super::texter(77);
    let asked = job(&asker);
    place.store.record_job(&asked, None).await.unwrap();
    place.store.write_text(text(asked.id, "help", &asker, "how it works"), NOW).await.unwrap();
    let nobody = Whom { asker, person: None, jobs: vec![] };

    let gone = place.store.erase(&nobody).await.unwrap();

    assert_eq!(gone.iter().map(|gone| gone.table).collect::<Vec<_>>(), ["wtaf_outbox", "wtaf_jobs"]);
    assert!(place.store.held(&nobody).await.unwrap().is_empty());
}

async fn people_are_listed_in_the_order_they_came(place: &Place) {
    let (a, b) = (person(&*place.store, "a").await, person(&*place.store, "b").await);

    let first = place.store.people(PersonId(i64::MIN), 1).await.unwrap();
    let rest = place.store.people(first[0].id, 9).await.unwrap();

    assert_eq!((first, rest), (vec![a], vec![b]));
}
