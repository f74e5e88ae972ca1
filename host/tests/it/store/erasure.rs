use wtaf_host::{
    adapter::store::{
        CodeHash, CodeTried, CodeTry, Cost, Held, Lookup, NewCode, PageKey, Person, PersonId, Publication, SessionKey,
        Standing, Store, Turn, Whom, Whose,
    },
    job::{Asker, GuestKey, JobId},
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
    what_someone_made_as_a_guest_of_their_browser_is_erased_with_them,
    what_was_made_on_a_browser_of_several_people_is_nobodys_to_erase,
    a_guest_who_is_erased_takes_nobodys_session_along,
    jobs_of_someone_who_was_erased_are_unknown_and_those_of_others_are_not,
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

/// Signs someone in on the browser that holds a guest's token.
async fn signed_in(store: &dyn Store, who: &Person, browser: &str) -> SessionKey {
    let phone = who.asker.phone().unwrap().clone();
    let (key, hash) = (SessionKey::of_token(browser), CodeHash::of(browser, &phone, "123456"));
    let job = job_id();
    let code = NewCode {
        browser: key.clone(),
        hash: hash.clone(),
        number_key: format!("code {}", phone.e164()),
        for_number: vec![],
        for_all: vec![],
        text: Some(text(job, "code", &who.asker, "123456")),
        job,
        now: NOW,
    };
    store.keep_code(code).await.unwrap();
    let session = SessionKey::of_token(&format!("{browser} of {}", who.slug));
    let guest = Some(GuestKey::of_token(browser));
    let attempt = CodeTry { browser: key, hash, phone, session: session.clone(), guest, now: NOW };
    assert!(matches!(store.try_code(attempt).await.unwrap(), CodeTried::In(_)));
    session
}

/// Someone in a browser, with a page; gives the page's owner.
async fn guest_with_page(store: &dyn Store, browser: &str, slug: &str) -> Person {
    let asker = guest(browser);
    let someone = store.join(&asker, &words(&[slug]), &[], "coder", NOW).await.unwrap().person;
    published(store, &someone, "red", "<p>as a guest</p>", NOW).await;
    store.record_job(&job(&asker), Some(someone.id)).await.unwrap();
    someone
}

async fn what_someone_made_as_a_guest_of_their_browser_is_erased_with_them(place: &Place) {
    let store = &*place.store;
    let (ann, other) = (person(store, "ann").await, guest_with_page(store, "another browser", "owl").await);
    let before = guest_with_page(store, "her browser", "fox").await;
    let session = signed_in(store, &ann, "her browser").await;

    let held = format!("{:?}", store.held(&whom(&ann)).await.unwrap());
    assert!(held.contains("as a guest"), "it is given out too");
    assert!(store.traces(&whom(&ann)).await.unwrap().askers.contains(&before.asker));
    store.erase(&whom(&ann)).await.unwrap();

    assert_eq!(store.home("fox").await.unwrap(), Lookup::Missing);
    assert!(store.held(&whom(&before)).await.unwrap().is_empty());
    assert_eq!(store.session(&session, NOW).await.unwrap(), None);
    assert!(matches!(store.home("owl").await.unwrap(), Lookup::Found(found) if found.id == other.id));
}

async fn what_was_made_on_a_browser_of_several_people_is_nobodys_to_erase(place: &Place) {
    let store = &*place.store;
    let (ann, bob) = (person(store, "ann").await, person(store, "bob").await);
    guest_with_page(store, "a library's browser", "fox").await;
    signed_in(store, &ann, "a library's browser").await;
    let of_bob = signed_in(store, &bob, "a library's browser").await;

    store.erase(&whom(&ann)).await.unwrap();

    assert!(matches!(store.home("fox").await.unwrap(), Lookup::Found(_)));
    assert_eq!(store.session(&of_bob, NOW).await.unwrap().map(|session| session.person.id), Some(bob.id));
}

async fn a_guest_who_is_erased_takes_nobodys_session_along(place: &Place) {
    let store = &*place.store;
    let ann = person(store, "ann").await;
    let fox = guest_with_page(store, "her browser", "fox").await;
    let session = signed_in(store, &ann, "her browser").await;

    store.erase(&whom(&fox)).await.unwrap();

    assert_eq!(store.home("fox").await.unwrap(), Lookup::Missing);
    let kept = store.session(&session, NOW).await.unwrap().expect("she is signed in all the same");
    assert_eq!((kept.person.id, kept.guest), (ann.id, None));
}

async fn jobs_of_someone_who_was_erased_are_unknown_and_those_of_others_are_not(place: &Place) {
    let store = &*place.store;
    let (ann, bob) = (person(store, "ann").await, person(store, "bob").await);
    let (anns, bobs, nobodys) = (job(&ann.asker), job(&bob.asker), job_id());
    for (job, person) in [(&anns, &ann), (&bobs, &bob)] {
        store.record_job(job, Some(person.id)).await.unwrap();
    }
    let asked = [anns.id, bobs.id, nobodys];

    let before = store.unknown(&asked).await.unwrap();
    store.erase(&whom(&ann)).await.unwrap();
    let mut after = store.unknown(&asked).await.unwrap();

    after.sort_unstable();
    assert_eq!((before, after), (vec![nobodys], vec![anns.id, nobodys]));
    assert!(store.unknown(&[]).await.unwrap().is_empty());
}
