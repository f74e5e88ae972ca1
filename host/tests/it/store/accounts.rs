use wtaf_host::{
    adapter::store::{Did, Lookup, PageKey, Paged, Store},
    job::Millis,
};

use super::{NOW, Place, at, job_id, on_every_store, person, publication, published, texter, words};

on_every_store!(
    a_renamed_person_is_found_under_both_slugs,
    a_chain_of_renames_leads_straight_to_the_last_slug,
    an_old_slug_can_be_taken_back,
    a_slug_that_is_or_was_someone_elses_is_taken,
    the_same_step_of_a_job_is_done_once,
    a_page_can_be_made_the_home_page,
    a_forgotten_page_is_nowhere,
    a_hidden_page_is_live_but_in_no_list,
    undo_brings_the_version_before_back_as_a_new_one,
    undoing_twice_goes_back_two,
    there_is_nothing_to_undo_in_a_first_version,
    an_action_on_a_page_that_is_not_there_says_so,
    a_second_fave_takes_the_mark_off,
    a_pages_mark_is_another_after_whatever_is_done_to_it,
);

fn key(user: &str, app: &str) -> PageKey {
    PageKey { user: user.into(), app: app.into() }
}

async fn html(store: &dyn Store, user: &str, app: &str) -> String {
    match store.page(&key(user, app), None).await.unwrap() {
        Lookup::Found(page) => page.draft.html,
        other => panic!("{other:?}"),
    }
}

async fn a_pages_mark_is_another_after_whatever_is_done_to_it(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "<p>hi", NOW).await;
    let mark = async || place.store.mark(&key("fox", "page")).await.unwrap();
    let mut before = mark().await;
    assert!(
        matches!(place.store.page(&key("fox", "page"), None).await.unwrap(), Lookup::Found(page) if Some(page.mark) == before)
    );

    let seen = place.store.watermark();
    assert_eq!(mark().await, before);
    assert_eq!(place.store.watermark(), seen, "nothing was written");
    published(&*place.store, &fox, "other", "<p>another page", NOW).await;
    assert_eq!(mark().await, before, "another page");
    assert!(seen.is_none() || place.store.watermark() != seen);

    for action in [Paged::Hide, Paged::Unhide, Paged::Forget] {
        place.store.do_to_page(job_id(), 0, fox.id, "page", action, NOW).await.unwrap();
        let now = mark().await;
        assert_ne!(now, before, "{action:?}");
        before = now;
    }
    assert_eq!(before, None, "what was taken down has none");
}

async fn a_renamed_person_is_found_under_both_slugs(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "<p>hi", NOW).await;
    let did = place.store.rename(job_id(), 0, fox.id, "wolf", &["admin"]).await.unwrap();
    assert_eq!(did, Did::Done(Some("wolf".into())));
    assert_eq!(place.store.person(&fox.asker).await.unwrap().unwrap().slug, "wolf");
    assert_eq!(place.store.home("fox").await.unwrap(), Lookup::Moved(key("wolf", "")));
    assert_eq!(place.store.page(&key("fox", "page"), None).await.unwrap(), Lookup::Moved(key("wolf", "page")));
    assert_eq!(place.store.page(&key("fox", "other"), None).await.unwrap(), Lookup::Missing);
    assert_eq!(html(&*place.store, "wolf", "page").await, "<p>hi");
    assert_eq!(place.store.versions(&key("fox", "page")).await.unwrap(), [(1, NOW)]);
    assert_eq!(place.store.published_since("fox", Millis(0), 9).await.unwrap().len(), 1);
    assert_eq!(place.store.rename(job_id(), 0, fox.id, "wolf", &[]).await.unwrap(), Did::Already);
}

async fn a_chain_of_renames_leads_straight_to_the_last_slug(place: &Place) {
    let fox = person(&*place.store, "one").await;
    for slug in ["two", "three", "four"] {
        place.store.rename(job_id(), 0, fox.id, slug, &[]).await.unwrap();
    }
    for old in ["one", "two", "three"] {
        assert_eq!(place.store.home(old).await.unwrap(), Lookup::Moved(key("four", "")), "{old}");
    }
}

async fn an_old_slug_can_be_taken_back(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    place.store.rename(job_id(), 0, fox.id, "wolf", &[]).await.unwrap();
    let did = place.store.rename(job_id(), 0, fox.id, "fox", &[]).await.unwrap();
    assert_eq!(did, Did::Done(Some("fox".into())));
    assert_eq!(place.store.home("wolf").await.unwrap(), Lookup::Moved(key("fox", "")));
    assert!(matches!(place.store.home("fox").await.unwrap(), Lookup::Found(found) if found.id == fox.id));
}

async fn a_slug_that_is_or_was_someone_elses_is_taken(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let cat = person(&*place.store, "cat").await;
    place.store.rename(job_id(), 0, fox.id, "wolf", &[]).await.unwrap();
    for slug in ["fox", "wolf", "admin", ""] {
        let did = place.store.rename(job_id(), 0, cat.id, slug, &["admin"]).await.unwrap();
        assert_eq!(did, Did::Taken(slug.into()));
    }
    let newcomer = place.store.join(&texter(3), &words(&["fox", "wolf", "new"]), &[], "coder", NOW).await.unwrap();
    assert_eq!(newcomer.person.slug, "new");
}

async fn the_same_step_of_a_job_is_done_once(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    let second = publication(job_id(), &fox, "page", "two", at(1));
    place.store.publish(second).await.unwrap();
    let job = job_id();
    for _ in 0..3 {
        let undone = place.store.do_to_page(job, 0, fox.id, "page", Paged::Undo, at(2)).await.unwrap();
        assert_eq!(undone, Did::Done(Some("page".into())));
        let renamed = place.store.rename(job, 1, fox.id, "wolf", &[]).await.unwrap();
        assert_eq!(renamed, Did::Done(Some("wolf".into())));
    }
    assert_eq!(place.store.versions(&key("wolf", "page")).await.unwrap().len(), 3);
}

async fn a_page_can_be_made_the_home_page(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    let set = |job| place.store.do_to_page(job, 0, fox.id, "page", Paged::SetHome, NOW);
    assert_eq!(set(job_id()).await.unwrap(), Did::Done(Some("page".into())));
    assert_eq!(set(job_id()).await.unwrap(), Did::Already);
    assert_eq!(place.store.person(&fox.asker).await.unwrap().unwrap().home.as_deref(), Some("page"));
    place.store.do_to_page(job_id(), 0, fox.id, "page", Paged::Forget, NOW).await.unwrap();
    assert_eq!(place.store.person(&fox.asker).await.unwrap().unwrap().home, None);
}

async fn a_forgotten_page_is_nowhere(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    let forget = || place.store.do_to_page(job_id(), 0, fox.id, "page", Paged::Forget, at(1));
    assert_eq!(forget().await.unwrap(), Did::Done(Some("page".into())));
    assert_eq!(forget().await.unwrap(), Did::NoSuchPage("page".into()));
    assert_eq!(place.store.page(&key("fox", "page"), None).await.unwrap(), Lookup::Missing);
    assert!(place.store.pages_of(fox.id, 9).await.unwrap().is_empty());
    assert!(place.store.shelf(0, 9).await.unwrap().is_empty());
    assert!(place.store.versions(&key("fox", "page")).await.unwrap().is_empty());
    assert_eq!(place.store.slugs_of(fox.id).await.unwrap(), ["page"]);
    let edit = publication(job_id(), &fox, "page", "two", at(2));
    assert!(!place.store.publish(edit).await.unwrap_err().is_transient());
}

async fn a_hidden_page_is_live_but_in_no_list(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    let hide = |action| place.store.do_to_page(job_id(), 0, fox.id, "page", action, at(1));
    assert_eq!(hide(Paged::Unhide).await.unwrap(), Did::Already);
    assert_eq!(hide(Paged::Hide).await.unwrap(), Did::Done(Some("page".into())));
    assert_eq!(hide(Paged::Hide).await.unwrap(), Did::Already);
    assert!(place.store.shelf(0, 9).await.unwrap().is_empty());
    assert_eq!(html(&*place.store, "fox", "page").await, "one");
    assert!(place.store.pages_of(fox.id, 9).await.unwrap()[0].hidden);
    assert_eq!(hide(Paged::Unhide).await.unwrap(), Did::Done(Some("page".into())));
    assert_eq!(place.store.shelf(0, 9).await.unwrap().len(), 1);
}

async fn undo_brings_the_version_before_back_as_a_new_one(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    place.store.publish(publication(job_id(), &fox, "page", "two", at(1))).await.unwrap();
    let did = place.store.do_to_page(job_id(), 0, fox.id, "page", Paged::Undo, at(2)).await.unwrap();
    assert_eq!(did, Did::Done(Some("page".into())));
    let Lookup::Found(page) = place.store.page(&key("fox", "page"), None).await.unwrap() else { panic!("gone") };
    assert_eq!((page.version, page.draft.html.as_str(), page.updated), (3, "one", at(2)));
    assert_eq!(page.draft.title, "Title of one");
    let Lookup::Found(kept) = place.store.page(&key("fox", "page"), Some(2)).await.unwrap() else { panic!("gone") };
    assert_eq!(kept.draft.html, "two");
}

async fn undoing_twice_goes_back_two(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    for next in ["two", "three"] {
        place.store.publish(publication(job_id(), &fox, "page", next, at(1))).await.unwrap();
    }
    for expected in ["two", "one"] {
        place.store.do_to_page(job_id(), 0, fox.id, "page", Paged::Undo, at(2)).await.unwrap();
        assert_eq!(html(&*place.store, "fox", "page").await, expected);
    }
    let did = place.store.do_to_page(job_id(), 0, fox.id, "page", Paged::Undo, at(3)).await.unwrap();
    assert_eq!(did, Did::Already);
}

async fn there_is_nothing_to_undo_in_a_first_version(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    let did = place.store.do_to_page(job_id(), 0, fox.id, "page", Paged::Undo, at(1)).await.unwrap();
    assert_eq!(did, Did::Already);
    assert_eq!(html(&*place.store, "fox", "page").await, "one");
}

async fn an_action_on_a_page_that_is_not_there_says_so(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let cat = person(&*place.store, "cat").await;
    published(&*place.store, &cat, "theirs", "one", NOW).await;
    place.store.reserve(job_id(), fox.id, &words(&["reserved"]), NOW).await.unwrap();
    for page in ["theirs", "reserved", "nothing"] {
        for action in [Paged::SetHome, Paged::Forget, Paged::Undo, Paged::Hide, Paged::Unhide] {
            let did = place.store.do_to_page(job_id(), 0, fox.id, page, action, NOW).await.unwrap();
            assert_eq!(did, Did::NoSuchPage(page.into()), "{action:?}");
        }
    }
}

async fn a_second_fave_takes_the_mark_off(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let cat = person(&*place.store, "cat").await;
    published(&*place.store, &cat, "page", "one", NOW).await;
    let fave = |page| place.store.fave(job_id(), 0, fox.id, "cat", page);
    assert_eq!(fave("page").await.unwrap(), Did::Done(Some("page".into())));
    assert_eq!(fave("page").await.unwrap(), Did::Done(None));
    assert_eq!(fave("page").await.unwrap(), Did::Done(Some("page".into())));
    assert_eq!(fave("nothing").await.unwrap(), Did::NoSuchPage("nothing".into()));
}
