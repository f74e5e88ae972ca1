use wtaf_host::{
    adapter::store::{Lookup, PageKey, Paged, Person, Portrait, Publication, Store, Views, day},
    job::Millis,
};

use super::{NOW, Place, at, job_id, on_every_store, person, publication, published, words};

on_every_store!(
    what_is_looked_at_marked_and_remixed_is_liked_and_less_so_with_time,
    views_add_up_by_day_and_those_of_a_page_that_is_gone_are_dropped,
    marks_and_remixes_of_ones_own_pages_make_nothing_liked,
    what_is_hidden_or_gone_is_in_no_list,
    a_remix_of_a_remix_tells_of_its_parent_until_that_one_is_hidden,
    a_portrait_has_the_versions_with_the_words_that_made_them,
    the_shelf_is_leafed_through_without_gaps,
);

const DAY: u64 = 24 * 3600;

fn key(user: &str, app: &str) -> PageKey {
    PageKey { user: user.into(), app: app.into() }
}

fn seen(user: &str, app: &str, count: u32, now: Millis) -> Vec<Views> {
    vec![Views { key: key(user, app), day: day(now), count }]
}

async fn liked(store: &dyn Store, now: Millis) -> Vec<String> {
    store.trending(9, now).await.unwrap().into_iter().map(|page| page.key.app).collect()
}

async fn portrait(store: &dyn Store, user: &str, app: &str) -> Portrait {
    match store.portrait(&key(user, app)).await.unwrap() {
        Lookup::Found(portrait) => portrait,
        other => panic!("{other:?}"),
    }
}

async fn remixed(store: &dyn Store, from: PageKey, by: &Person, slug: &str, now: Millis) {
    let job = job_id();
    store.reserve(job, by.id, &words(&[slug]), now).await.unwrap();
    store.publish(Publication { remix_of: Some(from), ..publication(job, by, slug, slug, now) }).await.unwrap();
}

async fn what_is_looked_at_marked_and_remixed_is_liked_and_less_so_with_time(place: &Place) {
    let store = &*place.store;
    let (fox, cat) = (person(store, "fox").await, person(store, "cat").await);
    for slug in ["a", "b", "c"] {
        published(store, &fox, slug, slug, NOW).await;
    }
    // A mark is set when it is set: all that happens here happens now.
    let now = Millis::now();
    assert!(liked(store, now).await.is_empty());

    store.add_views(&seen("fox", "a", 10, now)).await.unwrap();
    store.add_views(&seen("fox", "b", 9, now)).await.unwrap();
    assert_eq!(liked(store, now).await, ["a", "b"]);
    store.fave(job_id(), 0, cat.id, "fox", "b").await.unwrap();
    assert_eq!(liked(store, Millis::now()).await, ["b", "a"], "a mark is eight views");
    remixed(store, key("fox", "c"), &cat, "mine", now).await;
    store.add_views(&seen("fox", "c", 6, now)).await.unwrap();
    assert_eq!(liked(store, Millis::now()).await, ["c", "b", "a"], "a remix is twelve");

    // An hour more than four days: what was marked a moment after `now` is four days old too.
    let later = Millis(now.0 + (4 * DAY + 3_600) * 1_000);
    store.add_views(&seen("fox", "a", 5, later)).await.unwrap();
    assert_eq!(liked(store, later).await, ["a", "c", "b"], "what is four days old counts a quarter");
    assert!(liked(store, Millis(now.0 + 40 * DAY * 1_000)).await.is_empty());
}

async fn views_add_up_by_day_and_those_of_a_page_that_is_gone_are_dropped(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    published(store, &fox, "page", "one", NOW).await;
    let mut views = seen("fox", "page", 2, NOW);
    views.extend(seen("fox", "page", 3, NOW));
    views.extend(seen("fox", "page", 4, at(DAY)));
    views.extend(seen("fox", "nothing", 5, NOW));
    views.extend(seen("nobody", "page", 5, NOW));
    store.add_views(&views).await.unwrap();
    assert_eq!(portrait(store, "fox", "page").await.views, 9);
}

async fn marks_and_remixes_of_ones_own_pages_make_nothing_liked(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    published(store, &fox, "page", "one", NOW).await;
    store.fave(job_id(), 0, fox.id, "fox", "page").await.unwrap();
    remixed(store, key("fox", "page"), &fox, "again", Millis::now()).await;
    assert!(liked(store, Millis::now()).await.is_empty());
    let page = portrait(store, "fox", "page").await;
    assert_eq!((page.faves, page.remixes), (1, 1), "they are counted all the same");
}

async fn what_is_hidden_or_gone_is_in_no_list(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    for slug in ["hidden", "gone", "here"] {
        published(store, &fox, slug, slug, NOW).await;
        store.add_views(&seen("fox", slug, 3, NOW)).await.unwrap();
    }
    store.do_to_page(job_id(), 0, fox.id, "hidden", Paged::Hide, NOW).await.unwrap();
    store.do_to_page(job_id(), 0, fox.id, "gone", Paged::Forget, NOW).await.unwrap();

    assert_eq!(liked(store, NOW).await, ["here"]);
    let shelf = store.shelf(0, 9).await.unwrap();
    assert_eq!(shelf.iter().map(|page| page.key.app.as_str()).collect::<Vec<_>>(), ["here"]);
    assert!(portrait(store, "fox", "hidden").await.summary.hidden);
    assert_eq!(store.portrait(&key("fox", "gone")).await.unwrap(), Lookup::Missing);
}

async fn a_remix_of_a_remix_tells_of_its_parent_until_that_one_is_hidden(place: &Place) {
    let store = &*place.store;
    let (fox, cat) = (person(store, "fox").await, person(store, "cat").await);
    published(store, &fox, "first", "first", NOW).await;
    remixed(store, key("fox", "first"), &cat, "second", at(1)).await;
    remixed(store, key("cat", "second"), &fox, "third", at(2)).await;

    let third = portrait(store, "fox", "third").await.summary.origin.unwrap();
    assert_eq!((third.key, third.title.as_str()), (key("cat", "second"), "Title of second"));
    assert_eq!(portrait(store, "fox", "first").await.remixes, 1);
    let origins = |pages: Vec<wtaf_host::adapter::store::SharedPage>| {
        pages.into_iter().map(|page| page.origin.map(|origin| origin.key.app)).collect::<Vec<_>>()
    };
    let all = origins(store.shelf(0, 9).await.unwrap());
    assert_eq!(all, [Some("second".into()), Some("first".into()), None]);

    store.do_to_page(job_id(), 0, cat.id, "second", Paged::Hide, at(3)).await.unwrap();
    assert_eq!(portrait(store, "fox", "third").await.summary.origin, None);
    assert_eq!(store.pages_of(fox.id, 9).await.unwrap()[0].origin, None);
    assert_eq!(portrait(store, "fox", "first").await.remixes, 0);
    store.do_to_page(job_id(), 0, fox.id, "first", Paged::Forget, at(4)).await.unwrap();
    assert_eq!(portrait(store, "cat", "second").await.summary.origin, None);
}

async fn a_portrait_has_the_versions_with_the_words_that_made_them(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    published(store, &fox, "page", "one", NOW).await;
    store.publish(publication(job_id(), &fox, "page", "two", at(1))).await.unwrap();
    store.do_to_page(job_id(), 0, fox.id, "page", Paged::Undo, at(2)).await.unwrap();
    store.publish(publication(job_id(), &fox, "page", "four", at(3))).await.unwrap();

    let page = portrait(store, "fox", "page").await;
    let strip: Vec<_> =
        page.editions.iter().map(|one| (one.version, one.at, one.asked.as_deref(), one.restores)).collect();
    let told = [
        (4, at(3), Some("make four"), None),
        (3, at(2), None, Some(1)),
        (2, at(1), Some("make two"), None),
        (1, NOW, Some("make one"), None),
    ];
    assert_eq!(strip, told);
    assert_eq!((page.summary.version, page.summary.title.as_str()), (4, "Title of four"));

    store.rename(job_id(), 0, fox.id, "wolf", &[]).await.unwrap();
    assert_eq!(store.portrait(&key("fox", "page")).await.unwrap(), Lookup::Moved(key("wolf", "page")));
}

async fn the_shelf_is_leafed_through_without_gaps(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    for n in 0..5 {
        published(store, &fox, &format!("page-{n}"), "page", at(n)).await;
    }
    let mut leafed = Vec::new();
    for skip in [0, 2, 4, 6] {
        leafed.extend(store.shelf(skip, 2).await.unwrap().into_iter().map(|page| page.key.app));
    }
    assert_eq!(leafed, ["page-4", "page-3", "page-2", "page-1", "page-0"]);
}
