use wtaf_host::adapter::store::{Allowance, Lookup, Standing};

use super::{NOW, Place, at, guest, job_id, on_every_store, person, published, texter, words};

on_every_store!(
    a_new_texter_gets_the_first_free_slug,
    reserved_and_taken_slugs_are_passed_over,
    when_no_slug_is_free_a_number_is_added,
    someone_known_is_given_back_as_they_are,
    guests_are_different_people,
    leaving_and_coming_back_are_told_apart_from_no_change,
    an_unknown_number_that_leaves_is_remembered_as_left,
    someone_who_left_before_joining_gets_an_account_when_they_come_back,
    saying_yes_confirms,
    people_survive_a_restart,
    the_roll_has_the_newest_first_with_what_each_has_used,
);

async fn a_new_texter_gets_the_first_free_slug(place: &Place) {
    let joined = place.store.join(&texter(1), &words(&["brave-otter", "calm-fox"]), &[], "coder", NOW).await.unwrap();
    assert!(joined.fresh);
    assert_eq!(joined.person.slug, "brave-otter");
    assert_eq!(joined.person.asker, texter(1));
    assert_eq!(joined.person.role, "coder");
    assert_eq!(joined.person.standing, Standing::Active);
    assert_eq!(joined.person.joined, NOW);
    assert!(!joined.person.confirmed && joined.person.home.is_none());
    assert_eq!(place.store.person(&texter(1)).await.unwrap(), Some(joined.person.clone()));
    assert_eq!(place.store.person_by_slug("brave-otter").await.unwrap(), Some(joined.person));
    assert_eq!(place.store.person(&texter(2)).await.unwrap(), None);
    assert_eq!(place.store.person_by_slug("").await.unwrap(), None);
}

async fn reserved_and_taken_slugs_are_passed_over(place: &Place) {
    person(&*place.store, "taken").await;
    let joined =
        place.store.join(&texter(2), &words(&["admin", "taken", "free"]), &["api", "admin"], "coder", NOW).await;
    assert_eq!(joined.unwrap().person.slug, "free");
}

async fn when_no_slug_is_free_a_number_is_added(place: &Place) {
    for expected in ["fox", "fox-2", "fox-4"] {
        let joined = place.store.join(&guest(expected), &words(&["fox"]), &["fox-3"], "coder", NOW).await.unwrap();
        assert_eq!(joined.person.slug, expected);
    }
}

async fn someone_known_is_given_back_as_they_are(place: &Place) {
    let first = place.store.join(&texter(1), &words(&["one"]), &[], "coder", NOW).await.unwrap();
    let second = place.store.join(&texter(1), &words(&["two"]), &[], "admin", at(9)).await.unwrap();
    assert!(!second.fresh);
    assert_eq!(second.person, first.person);
}

async fn guests_are_different_people(place: &Place) {
    let one = place.store.join(&guest("a"), &words(&["fox"]), &[], "coder", NOW).await.unwrap().person;
    let two = place.store.join(&guest("b"), &words(&["fox"]), &[], "coder", NOW).await.unwrap().person;
    assert_ne!((one.id, &one.slug), (two.id, &two.slug));
    assert_eq!(place.store.person(&guest("a")).await.unwrap().unwrap().asker, guest("a"));
}

async fn leaving_and_coming_back_are_told_apart_from_no_change(place: &Place) {
    let asker = person(&*place.store, "fox").await.asker;
    assert!(!place.store.set_standing(&asker, Standing::Active, NOW).await.unwrap());
    assert!(place.store.set_standing(&asker, Standing::Left, NOW).await.unwrap());
    assert!(!place.store.set_standing(&asker, Standing::Left, NOW).await.unwrap());
    assert_eq!(place.store.person(&asker).await.unwrap().unwrap().standing, Standing::Left);
    assert!(place.store.set_standing(&asker, Standing::Active, NOW).await.unwrap());
    assert_eq!(place.store.person(&asker).await.unwrap().unwrap().standing, Standing::Active);
}

async fn an_unknown_number_that_leaves_is_remembered_as_left(place: &Place) {
    assert!(!place.store.set_standing(&texter(7), Standing::Active, NOW).await.unwrap());
    assert_eq!(place.store.person(&texter(7)).await.unwrap(), None);
    assert!(place.store.set_standing(&texter(7), Standing::Left, NOW).await.unwrap());
    assert_eq!(place.store.person(&texter(7)).await.unwrap().unwrap().standing, Standing::Left);
}

async fn someone_who_left_before_joining_gets_an_account_when_they_come_back(place: &Place) {
    place.store.set_standing(&texter(7), Standing::Left, NOW).await.unwrap();
    assert!(place.store.set_standing(&texter(7), Standing::Active, NOW).await.unwrap());
    assert_eq!(place.store.person(&texter(7)).await.unwrap(), None);
    let joined = place.store.join(&texter(7), &words(&["fox"]), &[], "coder", at(1)).await.unwrap();
    assert!(joined.fresh);
    assert_eq!((joined.person.slug.as_str(), joined.person.role.as_str()), ("fox", "coder"));
    assert_eq!(joined.person.standing, Standing::Active);
}

async fn saying_yes_confirms(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    place.store.confirm(fox.id).await.unwrap();
    assert!(place.store.person(&fox.asker).await.unwrap().unwrap().confirmed);
}

async fn people_survive_a_restart(place: &Place) {
    let fox = person(&*place.store, "fox").await;
    let again = place.again().await;
    assert_eq!(again.home("fox").await.unwrap(), Lookup::Found(fox));
    again.ping().await.unwrap();
}

async fn the_roll_has_the_newest_first_with_what_each_has_used(place: &Place) {
    let (fox, otter) = (person(&*place.store, "fox").await, person(&*place.store, "otter").await);
    published(&*place.store, &fox, "red", "<p>", NOW).await;
    let allowance = Allowance { per: "month", span: std::time::Duration::from_hours(720), most: 9 };
    for seconds in [0, 3_700, 90_000, 90_010] {
        let key = format!("person:{}", fox.id.0);
        place.store.spend(&key, job_id(), std::slice::from_ref(&allowance), at(seconds)).await.unwrap();
    }

    let roll = place.store.roll(None, 9, at(90_020)).await.unwrap();
    let older = place.store.roll(Some(otter.id), 9, at(90_020)).await.unwrap();

    assert_eq!(roll.iter().map(|one| one.person.slug.as_str()).collect::<Vec<_>>(), ["otter", "fox"]);
    assert_eq!((roll[0].pages, roll[0].month), (0, 0));
    assert_eq!((roll[1].pages, roll[1].hour, roll[1].day, roll[1].month), (1, 2, 3, 4));
    assert_eq!(older, roll[1..]);
    assert_eq!(place.store.listed(fox.id, at(90_020)).await.unwrap(), Some(roll[1].clone()));
}
