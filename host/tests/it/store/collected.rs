use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use wtaf_host::adapter::store::{
    Befriended, Collection, Kept, NewRecord, PageId, PageKey, RecordFilter, Room, Store, Tally,
};

use super::{NOW, Place, at, job_id, on_every_store, person, publication, published};

on_every_store!(
    a_record_is_given_back_as_it_came,
    records_come_newest_first_and_in_pages,
    a_page_has_its_own_records_only,
    records_follow_a_page_through_versions_and_renames,
    a_page_that_is_full_takes_no_more_however_many_try_at_once,
    a_page_holds_so_many_bytes_and_kinds,
    a_record_is_changed_and_removed,
    erasing_leaves_nothing_and_makes_room,
    a_change_is_heard_at_once_here_and_soon_elsewhere,
    a_change_to_another_kind_is_none,
    five_friends_share_a_page_and_no_more_however_many_try_at_once,
    a_friends_name_is_theirs_whatever_its_capitals,
    a_secret_is_made_once_whoever_asks_first,
    a_record_that_is_sent_again_is_the_same_record,
);

const ROOM: Room = Room { records: 100, bytes: 100_000, collections: 5 };

fn kind(name: &str) -> Collection {
    name.parse().unwrap()
}

fn data(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn record(page: PageId, collection: &str, json: &str) -> NewRecord {
    NewRecord { page, collection: kind(collection), data: data(json), by: None, once: None }
}

async fn live(store: &dyn Store, user: &str, app: &str) -> PageId {
    let owner = person(store, user).await;
    published(store, &owner, app, app, NOW).await;
    placed(store, user, app).await
}

async fn placed(store: &dyn Store, user: &str, app: &str) -> PageId {
    store.place(&PageKey { user: user.into(), app: app.into() }).await.unwrap().expect("the page is live").id
}

async fn add(store: &dyn Store, page: PageId, collection: &str, json: &str) -> u64 {
    let Kept::As(number) = store.add_record(record(page, collection, json), ROOM, NOW).await.unwrap() else {
        panic!("there is room")
    };
    number
}

async fn all(store: &dyn Store, page: PageId) -> Vec<String> {
    let records = store.records_of(page, &RecordFilter::default(), 99).await.unwrap();
    records.into_iter().map(|record| record.data.get().to_owned()).collect()
}

async fn a_record_is_given_back_as_it_came(place: &Place) {
    let page = live(&*place.store, "fox", "page").await;
    let sent = "{\"z\":1,\"name\":\"\u{e9} \u{1f40d} '; drop\",\"a\":[1.50,null,{\"b\":\"\\u0000\"}]}";
    let new = NewRecord { by: Some("Ann".into()), ..record(page, "guestbook", sent) };
    let Kept::As(number) = place.store.add_record(new, ROOM, at(1)).await.unwrap() else { panic!("there is room") };
    let kept = place.store.record(page, number).await.unwrap().unwrap();
    assert_eq!((kept.data.get(), kept.number, kept.by.as_deref()), (sent, number, Some("Ann")));
    assert_eq!((kept.collection.as_str(), kept.at, kept.updated), ("guestbook", at(1), at(1)));
    assert!(place.store.record(page, number + 1).await.unwrap().is_none());
}

async fn records_come_newest_first_and_in_pages(place: &Place) {
    let store = &*place.store;
    let page = live(store, "fox", "page").await;
    for n in 0..3 {
        add(store, page, "guestbook", &format!("{n}")).await;
        add(store, page, "scores", &format!("{}", n * 10)).await;
    }
    let mut filter = RecordFilter { collection: Some(kind("guestbook")), before: None };
    let first = store.records_of(page, &filter, 2).await.unwrap();
    assert_eq!(first.iter().map(|one| one.data.get()).collect::<Vec<_>>(), ["2", "1"]);
    filter.before = Some(first[1].number);
    let rest = store.records_of(page, &filter, 2).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.data.get()).collect::<Vec<_>>(), ["0"]);
    assert_eq!(all(store, page).await, ["20", "2", "10", "1", "0", "0"]);
    let tallies: Vec<_> = store.tally(page).await.unwrap().into_iter().map(|t| (t.collection, t.records)).collect();
    assert_eq!(tallies, [(kind("guestbook"), 3), (kind("scores"), 3)]);
}

async fn a_page_has_its_own_records_only(place: &Place) {
    let store = &*place.store;
    let (one, two) = (live(store, "fox", "page").await, live(store, "cat", "page").await);
    let number = add(store, one, "main", "\"fox's\"").await;
    add(store, two, "main", "\"cat's\"").await;
    assert_eq!((all(store, one).await, all(store, two).await), (vec!["\"fox's\"".into()], vec!["\"cat's\"".into()]));
    assert!(store.remove_record(two, number).await.unwrap(), "numbers are of a page");
    assert_eq!(all(store, one).await.len(), 1);
    assert!(!store.remove_record(two, number).await.unwrap());
    assert!(store.add_record(record(PageId(987_654), "main", "1"), ROOM, NOW).await.is_err(), "no such page");
}

async fn records_follow_a_page_through_versions_and_renames(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    published(store, &fox, "page", "one", NOW).await;
    let page = placed(store, "fox", "page").await;
    add(store, page, "main", "1").await;
    store.publish(publication(job_id(), &fox, "page", "two", at(5))).await.unwrap();
    store.rename(job_id(), 0, fox.id, "wolf", &[]).await.unwrap();
    for user in ["fox", "wolf"] {
        let there = store.place(&PageKey { user: user.into(), app: "page".into() }).await.unwrap().unwrap();
        assert_eq!((there.id, there.version, there.key.user.as_str()), (page, 2, "wolf"));
    }
    assert_eq!(all(store, page).await, ["1"]);
    for (user, app) in [("fox", "none"), ("nobody", "page")] {
        assert_eq!(store.place(&PageKey { user: user.into(), app: app.into() }).await.unwrap(), None);
    }
}

async fn a_page_that_is_full_takes_no_more_however_many_try_at_once(place: &Place) {
    let page = live(&*place.store, "fox", "page").await;
    let stores = [place.store.clone(), place.again().await];
    let tries = (0..12).map(|n| {
        let store = stores[n % 2].clone();
        async move { store.add_record(record(page, "main", "{}"), Room { records: 7, ..ROOM }, NOW).await.unwrap() }
    });
    let kept = futures_util::future::join_all(tries).await;
    let mut numbers: Vec<_> = kept.iter().filter(|kept| **kept != Kept::Full).collect();
    numbers.sort_by_key(|kept| format!("{kept:?}"));
    numbers.dedup();
    assert_eq!((numbers.len(), all(&*place.store, page).await.len()), (7, 7));
}

async fn a_page_holds_so_many_bytes_and_kinds(place: &Place) {
    let store = &*place.store;
    let page = live(store, "fox", "page").await;
    let small = Room { bytes: 20, collections: 2, ..ROOM };
    let mut kept = Vec::new();
    for (collection, json) in [("a", "\"0123456789\""), ("a", "\"0123456789\""), ("b", "1"), ("c", "1"), ("b", "2")] {
        kept.push(store.add_record(record(page, collection, json), small, NOW).await.unwrap());
    }
    assert_eq!(kept, [Kept::As(1), Kept::Full, Kept::As(2), Kept::Full, Kept::As(3)]);
    let longer = |json: &str| store.change_record(page, 2, data(json), small, NOW);
    assert_eq!(longer("\"0123456789\"").await.unwrap(), Some(Kept::Full));
    assert_eq!(longer("\"0123\"").await.unwrap(), Some(Kept::As(2)));
}

async fn a_record_is_changed_and_removed(place: &Place) {
    let store = &*place.store;
    let page = live(store, "fox", "page").await;
    let number = add(store, page, "list", "{\"done\":false}").await;
    let changed = store.change_record(page, number, data("{\"done\":true}"), ROOM, at(9)).await.unwrap();
    assert_eq!(changed, Some(Kept::As(number)));
    let kept = store.record(page, number).await.unwrap().unwrap();
    assert_eq!((kept.data.get(), kept.at, kept.updated), ("{\"done\":true}", NOW, at(9)));
    assert!(store.remove_record(page, number).await.unwrap());
    assert_eq!(store.change_record(page, number, data("{}"), ROOM, at(9)).await.unwrap(), None);
    assert!(add(store, page, "list", "{}").await > number, "a number is used once");
}

async fn erasing_leaves_nothing_and_makes_room(place: &Place) {
    let store = &*place.store;
    let (page, other) = (live(store, "fox", "page").await, live(store, "cat", "page").await);
    add(store, other, "a", "1").await;
    for collection in ["a", "a", "b"] {
        add(store, page, collection, "1").await;
    }
    assert_eq!(store.erase_records(page, Some(&kind("a"))).await.unwrap(), 2);
    let left = store.tally(page).await.unwrap();
    assert!(
        matches!(left.as_slice(), [Tally { collection, records: 1, .. }] if collection.as_str() == "b"),
        "{left:?}"
    );
    assert_eq!(store.erase_records(page, None).await.unwrap(), 1);
    assert!(store.tally(page).await.unwrap().is_empty() && all(store, page).await.is_empty());
    assert_eq!(
        store.add_record(record(page, "a", "1"), Room { records: 1, bytes: 1, ..ROOM }, NOW).await.unwrap(),
        Kept::As(6)
    );
    assert_eq!(all(store, other).await.len(), 1);
}

async fn a_change_is_heard_at_once_here_and_soon_elsewhere(place: &Place) {
    let page = live(&*place.store, "fox", "page").await;
    let stores = [place.store.clone(), place.again().await];
    let waiting: Vec<_> = stores
        .into_iter()
        .map(|store| {
            tokio::spawn(async move {
                let mut looks = 0;
                loop {
                    looks += 1;
                    if store.next_change(page, &kind("main"), 0).await.unwrap() == 1 {
                        return (looks, Instant::now());
                    }
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    add(&*place.store, page, "main", "1").await;
    let added = Instant::now();
    for (n, one) in waiting.into_iter().enumerate() {
        let (looks, heard) = tokio::time::timeout(Duration::from_secs(9), one).await.unwrap().unwrap();
        let late = heard.saturating_duration_since(added);
        assert!(n == 1 || (looks == 1 && late < Duration::from_millis(900)), "{looks} looks, {late:?}");
    }
}

async fn a_change_to_another_kind_is_none(place: &Place) {
    let store = &*place.store;
    let page = live(store, "fox", "page").await;
    let number = add(store, page, "a", "1").await;
    let seen = store.changes(page, &kind("a")).await.unwrap();
    add(store, page, "b", "1").await;
    assert_eq!(store.changes(page, &kind("a")).await.unwrap(), seen);
    store.change_record(page, number, data("2"), ROOM, NOW).await.unwrap();
    let changed = store.next_change(page, &kind("a"), seen).await.unwrap();
    store.remove_record(page, number).await.unwrap();
    let removed = store.next_change(page, &kind("a"), changed).await.unwrap();
    add(store, page, "a", "1").await;
    store.erase_records(page, None).await.unwrap();
    let erased = store.next_change(page, &kind("a"), removed).await.unwrap();
    assert!(seen < changed && changed < removed && removed < erased, "{seen} {changed} {removed} {erased}");
    assert_eq!(store.changes(page, &kind("never")).await.unwrap(), 0);
}

async fn five_friends_share_a_page_and_no_more_however_many_try_at_once(place: &Place) {
    let page = live(&*place.store, "fox", "page").await;
    let stores = [place.store.clone(), place.again().await];
    let tries = (0..9).map(|n| {
        let store = stores[n % 2].clone();
        async move { store.befriend(page, &format!("Friend {n}"), "hash", 5, NOW).await.unwrap() }
    });
    let joined = futures_util::future::join_all(tries).await;
    assert_eq!(joined.iter().filter(|one| matches!(one, Befriended::New(_))).count(), 5);
    assert_eq!(joined.iter().filter(|one| **one == Befriended::Full).count(), 4);
    let friends = place.store.friends(page).await.unwrap();
    assert_eq!(friends.len(), 5);
    assert!(place.store.unfriend(page, &friends[0].name).await.unwrap());
    assert!(matches!(place.store.befriend(page, "Sixth", "hash", 5, NOW).await.unwrap(), Befriended::New(_)));
    let other = live(&*place.store, "cat", "page").await;
    assert!(place.store.friends(other).await.unwrap().is_empty());
}

async fn a_friends_name_is_theirs_whatever_its_capitals(place: &Place) {
    let store = &*place.store;
    let page = live(store, "fox", "page").await;
    store.befriend(page, "\u{c9}lise", "first", 5, NOW).await.unwrap();
    let Befriended::There(there) = store.befriend(page, "\u{e9}LISE", "second", 5, at(1)).await.unwrap() else {
        panic!("the name is taken")
    };
    assert_eq!((there.name.as_str(), there.hash.as_str(), there.joined), ("\u{c9}lise", "first", NOW));
    assert_eq!(store.friend(page, "\u{e9}lise").await.unwrap(), Some(there));
    assert_eq!(store.friend(page, "elise").await.unwrap(), None);
}

async fn a_secret_is_made_once_whoever_asks_first(place: &Place) {
    let stores = [place.store.clone(), place.again().await];
    let asked = (0..6).map(|n| {
        let store = stores[n % 2].clone();
        async move { store.key("pages").await.unwrap() }
    });
    let mut keys = futures_util::future::join_all(asked).await;
    let first = keys.remove(0);
    assert!(keys.iter().all(|key| *key == first));
    assert!(place.store.key("other").await.unwrap() != first && first.bytes() != &[0; 32]);
    assert_eq!(format!("{first:?}"), "Key(…)");
}

async fn a_record_that_is_sent_again_is_the_same_record(place: &Place) {
    let store = &*place.store;
    let (page, other) = (live(store, "fox", "page").await, live(store, "owl", "page").await);
    let sent = |page, into: &str| NewRecord { once: Some("0.123".into()), ..record(page, into, "{\"a\":1}") };

    let tries = (0..8).map(|_| store.add_record(sent(page, "main"), ROOM, at(1)));
    let kept = futures_util::future::join_all(tries).await;
    let again = store.add_record(sent(page, "main"), ROOM, at(9)).await.unwrap();
    store.add_record(sent(page, "list"), ROOM, NOW).await.unwrap();
    store.add_record(sent(other, "main"), ROOM, NOW).await.unwrap();

    let new = kept.iter().filter(|kept| matches!(kept, Ok(Kept::As(1)))).count();
    assert_eq!((new, again), (1, Kept::Before(1, at(1))), "{kept:?}");
    assert_eq!((all(store, page).await.len(), all(store, other).await.len()), (2, 1));
    assert!(store.remove_record(page, 1).await.unwrap());
    assert!(matches!(store.add_record(sent(page, "main"), ROOM, NOW).await.unwrap(), Kept::As(_)));
}
