use wtaf_host::adapter::store::{Draft, Lookup, PageKey, Publication};

use super::{NOW, Place, at, job_id, on_every_store, person, publication, published, text, words};

on_every_store!(
    a_job_that_reserves_again_gets_the_same_slug,
    a_slug_is_used_once_by_a_person_but_by_any_number_of_people,
    when_every_candidate_is_used_a_number_is_added_to_the_first,
    a_reserved_page_is_not_there_until_it_is_published,
    publishing_needs_a_reservation,
    publishing_twice_for_one_job_is_publishing_once,
    the_texts_go_out_with_the_page_or_not_at_all,
    an_edit_is_a_new_version_at_the_same_address,
    a_page_is_read_back_as_it_was_published,
    a_remix_knows_where_it_came_from_even_after_a_rename,
    pages_are_listed_newest_first,
    a_polling_bridge_gets_what_is_new_with_its_job,
    odd_characters_survive,
);

fn key(user: &str, app: &str) -> PageKey {
    PageKey { user: user.into(), app: app.into() }
}

async fn a_job_that_reserves_again_gets_the_same_slug(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let job = job_id();
    let first = place.store.reserve(job, fox.id, &words(&["red-cat", "blue-dog"]), NOW).await.unwrap();
    let again = place.store.reserve(job, fox.id, &words(&["green-cow"]), at(1)).await.unwrap();
    assert_eq!((first.as_str(), again.as_str()), ("red-cat", "red-cat"));
    assert_eq!(place.store.slugs_of(fox.id).await.unwrap(), ["red-cat"]);
}

async fn a_slug_is_used_once_by_a_person_but_by_any_number_of_people(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let cat = person(&*place.store, "cat").await;
    let wish = words(&["page", "other"]);
    assert_eq!(place.store.reserve(job_id(), fox.id, &wish, NOW).await.unwrap(), "page");
    assert_eq!(place.store.reserve(job_id(), cat.id, &wish, NOW).await.unwrap(), "page");
    assert_eq!(place.store.reserve(job_id(), fox.id, &wish, NOW).await.unwrap(), "other");
}

async fn when_every_candidate_is_used_a_number_is_added_to_the_first(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    for expected in ["a", "b", "a-2", "a-3"] {
        assert_eq!(place.store.reserve(job_id(), fox.id, &words(&["a", "b"]), NOW).await.unwrap(), expected);
    }
    assert!(place.store.reserve(job_id(), fox.id, &[], NOW).await.is_err());
}

async fn a_reserved_page_is_not_there_until_it_is_published(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let job = job_id();
    place.store.reserve(job, fox.id, &words(&["page"]), NOW).await.unwrap();
    assert_eq!(place.store.page(&key("fox", "page"), None).await.unwrap(), Lookup::Missing);
    assert!(place.store.pages_of(fox.id, 9).await.unwrap().is_empty());
    place.store.publish(publication(job, &fox, "page", "one", at(5))).await.unwrap();
    let page = &place.store.pages_of(fox.id, 9).await.unwrap()[0];
    assert_eq!((page.created, page.updated), (at(5), at(5)));
}

async fn publishing_needs_a_reservation(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let unreserved = place.store.publish(publication(job_id(), &fox, "page", "one", NOW)).await;
    assert!(!unreserved.unwrap_err().is_transient());
    place.store.reserve(job_id(), fox.id, &words(&["page"]), NOW).await.unwrap();
    let anothers = place.store.publish(publication(job_id(), &fox, "page", "one", NOW)).await;
    assert!(anothers.unwrap_err().to_string().contains("reserved by another job"));
}

async fn publishing_twice_for_one_job_is_publishing_once(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let job = published(&*place.store, &fox, "page", "one", NOW).await;
    let mut again = publication(job, &fox, "page", "other", at(9));
    again.texts = vec![text(job, "page-live", &fox.asker, "again")];
    assert_eq!(place.store.publish(again).await.unwrap(), 1);
    let Lookup::Found(page) = place.store.page(&key("fox", "page"), None).await.unwrap() else { panic!("gone") };
    assert_eq!((page.draft.html.as_str(), page.version), ("one", 1));
    assert_eq!(place.store.texts_waiting().await.unwrap(), 0);
}

async fn the_texts_go_out_with_the_page_or_not_at_all(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let job = job_id();
    let mut wish = publication(job, &fox, "page", "one", NOW);
    wish.texts = vec![text(job, "page-live", &fox.asker, "It is live")];
    place.store.publish(wish.clone()).await.unwrap_err();
    assert!(place.store.texts_of(job).await.unwrap().is_empty());
    place.store.reserve(job, fox.id, &words(&["page"]), NOW).await.unwrap();
    place.store.publish(wish).await.unwrap();
    assert_eq!(place.store.texts_of(job).await.unwrap()[0].text.body, "It is live");
}

async fn an_edit_is_a_new_version_at_the_same_address(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    assert_eq!(place.store.publish(publication(job_id(), &fox, "page", "two", at(9))).await.unwrap(), 2);
    let Lookup::Found(page) = place.store.page(&key("fox", "page"), None).await.unwrap() else { panic!("gone") };
    assert_eq!((page.version, page.draft.html.as_str()), (2, "two"));
    let Lookup::Found(old) = place.store.page(&key("fox", "page"), Some(1)).await.unwrap() else { panic!("gone") };
    assert_eq!((old.version, old.draft.html.as_str(), old.updated), (1, "one", NOW));
    assert_eq!(place.store.page(&key("fox", "page"), Some(3)).await.unwrap(), Lookup::Missing);
    assert_eq!(place.store.versions(&key("fox", "page")).await.unwrap(), [(2, at(9)), (1, NOW)]);
    let listed = &place.store.pages_of(fox.id, 9).await.unwrap()[0];
    assert_eq!((listed.version, listed.created, listed.updated), (2, NOW, at(9)));
    assert_eq!((listed.prompt.as_str(), listed.title.as_str()), ("make one", "Title of two"));
}

async fn a_page_is_read_back_as_it_was_published(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let job = job_id();
    place.store.reserve(job, fox.id, &words(&["page"]), NOW).await.unwrap();
    let draft = Draft {
        html: "<!doctype html>\n<title>é 🐍</title>".into(),
        owner_html: Some("<p>answers".into()),
        title: "é 🐍".into(),
        description: "About".into(),
    };
    let wish = Publication { draft: draft.clone(), kind: "game".into(), ..publication(job, &fox, "page", "", NOW) };
    place.store.publish(wish).await.unwrap();
    for version in [None, Some(1)] {
        let Lookup::Found(page) = place.store.page(&key("fox", "page"), version).await.unwrap() else { panic!("gone") };
        assert_eq!((page.draft, page.kind.as_str(), page.coach.as_deref()), (draft.clone(), "game", Some("alex")));
        assert_eq!((page.key, page.version, page.hidden, page.updated), (key("fox", "page"), 1, false, NOW));
    }
}

async fn a_remix_knows_where_it_came_from_even_after_a_rename(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let cat = person(&*place.store, "cat").await;
    published(&*place.store, &fox, "page", "one", NOW).await;
    let job = job_id();
    place.store.reserve(job, cat.id, &words(&["mine"]), NOW).await.unwrap();
    let wish = Publication { remix_of: Some(key("fox", "page")), ..publication(job, &cat, "mine", "two", NOW) };
    place.store.publish(wish).await.unwrap();
    place.store.rename(job_id(), 0, fox.id, "wolf", &[]).await.unwrap();
    let Lookup::Found(page) = place.store.page(&key("cat", "mine"), None).await.unwrap() else { panic!("gone") };
    assert_eq!(page.remix_of, Some(key("wolf", "page")));
}

async fn pages_are_listed_newest_first(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    for (n, slug) in ["a", "b", "c"].into_iter().enumerate() {
        published(&*place.store, &fox, slug, slug, at(n as u64)).await;
    }
    place.store.publish(publication(job_id(), &fox, "a", "edited", at(9))).await.unwrap();
    let listed: Vec<_> = place.store.pages_of(fox.id, 2).await.unwrap().into_iter().map(|page| page.slug).collect();
    assert_eq!(listed, ["c", "b"], "an edit does not renumber a person's list");
    let shared: Vec<_> = place.store.shelf(0, 2).await.unwrap().into_iter().map(|page| page.key.app).collect();
    assert_eq!(shared, ["a", "c"]);
}

async fn a_polling_bridge_gets_what_is_new_with_its_job(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let cat = person(&*place.store, "cat").await;
    let first = published(&*place.store, &fox, "a", "one", at(1)).await;
    published(&*place.store, &cat, "b", "theirs", at(2)).await;
    let edit = job_id();
    place.store.publish(publication(edit, &fox, "a", "two", at(3))).await.unwrap();
    let all = place.store.published_since("fox", NOW, 9).await.unwrap();
    let seen: Vec<_> = all.iter().map(|(job, page)| (*job, page.slug.as_str(), page.version)).collect();
    assert_eq!(seen, [(first, "a", 1), (edit, "a", 2)]);
    assert_eq!(place.store.published_since("fox", at(1), 9).await.unwrap().len(), 1);
    assert!(place.store.published_since("nobody", NOW, 9).await.unwrap().is_empty());
}

async fn odd_characters_survive(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    published(&*place.store, &fox, "page", "'; drop table wtaf_content; -- $1 \\ \"", NOW).await;
    let nul = publication(job_id(), &fox, "page", "a\0b", at(1));
    place.store.publish(nul).await.unwrap();
    let Lookup::Found(page) = place.store.page(&key("fox", "page"), Some(2)).await.unwrap() else { panic!("gone") };
    assert!(["a\0b", "a\u{FFFD}b"].contains(&page.draft.html.as_str()), "{:?}", page.draft.html);
}
