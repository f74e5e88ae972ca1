//! Sessions, codes, and a guest's pages that move.

use std::time::Duration;

use wtaf_host::{
    adapter::store::{
        Allowance, CODE_LASTS, CODE_TRIES, CodeHash, CodeKept, CodeTried, CodeTry, Lookup, Moved, NewCode, Page,
        PageKey, Paged, SESSION_LASTS, SessionKey, Standing, Store,
    },
    job::{Asker, GuestKey, Millis, Phone},
};

use super::{NOW, Place, at, guest, job_id, on_every_store, person, publication, published, text, words};

on_every_store!(
    a_code_signs_in_once_and_only_the_browser_that_asked,
    a_code_ends_after_its_tries_and_its_time,
    a_number_and_all_numbers_are_texted_so_often_and_no_more,
    who_left_is_told_and_not_signed_in,
    a_session_slides_and_ends,
    a_guests_pages_move_and_every_old_link_leads_to_them,
    what_a_guest_has_under_way_ends_as_the_persons,
    many_publishes_and_one_move_lose_no_page,
);

fn number(asker: &Asker) -> Phone {
    asker.phone().unwrap().clone()
}

fn new_code(browser: &str, asker: &Asker, code: &str, now: Millis) -> NewCode {
    let job = job_id();
    NewCode {
        browser: SessionKey::of_token(browser),
        hash: CodeHash::of(browser, &number(asker), code),
        number_key: format!("code {}", number(asker).e164()),
        for_number: vec![Allowance { per: "hour", span: Duration::from_hours(1), most: 3 }],
        for_all: vec![],
        text: Some(text(job, "code", asker, code)),
        job,
        now,
    }
}

fn code_try(browser: &str, asker: &Asker, code: &str, now: Millis) -> CodeTry {
    CodeTry {
        browser: SessionKey::of_token(browser),
        hash: CodeHash::of(browser, &number(asker), code),
        phone: number(asker),
        session: SessionKey::of_token(&format!("session of {browser} {}", now.0)),
        guest: Some(GuestKey::of_token(browser)),
        now,
    }
}

async fn a_code_signs_in_once_and_only_the_browser_that_asked(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    assert_eq!(store.keep_code(new_code("hers", &fox.asker, "123456", NOW)).await.unwrap(), CodeKept::Texted);
    assert_eq!(store.texts_to(&number(&fox.asker), 9).await.unwrap().len(), 1);

    let stolen = store.try_code(code_try("his", &fox.asker, "123456", at(1))).await.unwrap();
    assert_eq!(stolen, CodeTried::Expired);
    let CodeTried::In(who) = store.try_code(code_try("hers", &fox.asker, "123456", at(2))).await.unwrap() else {
        panic!("not signed in")
    };
    assert_eq!(who.id, fox.id);
    let key = code_try("hers", &fox.asker, "123456", at(2)).session;
    let session = store.session(&key, at(3)).await.unwrap().unwrap();
    assert_eq!((session.person.slug.as_str(), session.guest), ("fox", Some(GuestKey::of_token("hers"))));
    assert_eq!(store.try_code(code_try("hers", &fox.asker, "123456", at(4))).await.unwrap(), CodeTried::Expired);

    assert!(store.end_session(&key).await.unwrap());
    assert_eq!(store.session(&key, at(5)).await.unwrap(), None);
}

async fn a_code_ends_after_its_tries_and_its_time(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    store.keep_code(new_code("b", &fox.asker, "123456", NOW)).await.unwrap();
    for left in (0..CODE_TRIES).rev() {
        let tried = store.try_code(code_try("b", &fox.asker, "000000", at(1))).await.unwrap();
        assert_eq!(tried, CodeTried::Wrong(left));
    }
    assert_eq!(store.try_code(code_try("b", &fox.asker, "123456", at(1))).await.unwrap(), CodeTried::TooMany);

    store.keep_code(new_code("b", &fox.asker, "654321", NOW)).await.unwrap();
    let late = NOW.after(CODE_LASTS);
    assert_eq!(store.try_code(code_try("b", &fox.asker, "654321", late)).await.unwrap(), CodeTried::Expired);
    assert_eq!(store.prune_sessions(late).await.unwrap(), 1);
}

async fn a_number_and_all_numbers_are_texted_so_often_and_no_more(place: &Place) {
    let store = &*place.store;
    let (fox, cat) = (person(store, "fox").await, person(store, "cat").await);
    for n in 0..5 {
        let kept = store.keep_code(new_code(&format!("b{n}"), &fox.asker, "123456", at(n))).await.unwrap();
        assert_eq!(kept, if n < 3 { CodeKept::Texted } else { CodeKept::NumberOver });
    }
    assert_eq!(store.texts_to(&number(&fox.asker), 9).await.unwrap().len(), 3);

    let few = vec![Allowance { per: "hour", span: Duration::from_hours(1), most: 0 }];
    let code = NewCode { for_all: few, ..new_code("b9", &cat.asker, "123456", NOW) };
    assert_eq!(store.keep_code(code).await.unwrap(), CodeKept::AllOver);
    assert!(store.texts_to(&number(&cat.asker), 9).await.unwrap().is_empty());

    let nobody = NewCode { text: None, ..new_code("b10", &super::texter(77), "123456", NOW) };
    assert_eq!(store.keep_code(nobody).await.unwrap(), CodeKept::Nobody);
    let lucky = store.try_code(code_try("b10", &super::texter(77), "123456", NOW)).await.unwrap();
    assert_eq!(lucky, CodeTried::Wrong(CODE_TRIES - 1), "a number that is nobody's looks like a wrong code");
}

async fn who_left_is_told_and_not_signed_in(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    store.keep_code(new_code("b", &fox.asker, "123456", NOW)).await.unwrap();
    store.set_standing(&fox.asker, Standing::Left, NOW).await.unwrap();
    let attempt = code_try("b", &fox.asker, "123456", at(1));
    assert_eq!(store.try_code(attempt.clone()).await.unwrap(), CodeTried::Left);
    assert_eq!(store.session(&attempt.session, at(2)).await.unwrap(), None);
}

async fn a_session_slides_and_ends(place: &Place) {
    let store = &*place.store;
    let fox = person(store, "fox").await;
    let mut keys = Vec::new();
    for browser in ["a", "b"] {
        store.keep_code(new_code(browser, &fox.asker, "123456", NOW)).await.unwrap();
        let attempt = code_try(browser, &fox.asker, "123456", NOW);
        keys.push(attempt.session.clone());
        store.try_code(attempt).await.unwrap();
    }
    let nearly = Millis(NOW.0 + u64::try_from(SESSION_LASTS.as_millis()).unwrap() - 1);
    assert!(store.session(&keys[0], nearly).await.unwrap().is_some());
    let later = nearly.after(Duration::from_hours(24 * 89));
    assert!(store.session(&keys[0], later).await.unwrap().is_some(), "it was used meanwhile");
    assert!(store.session(&keys[1], later).await.unwrap().is_none(), "it was not");
    assert_eq!(store.prune_sessions(later).await.unwrap(), 1);
    assert_eq!(store.end_sessions_of(fox.id).await.unwrap(), 1);
    assert!(store.session(&keys[0], later).await.unwrap().is_none());
}

async fn found(store: &dyn Store, user: &str, app: &str) -> Option<Page> {
    match store.page(&PageKey { user: user.into(), app: app.into() }, None).await.unwrap() {
        Lookup::Found(page) => Some(page),
        _ => None,
    }
}

async fn moved_to(store: &dyn Store, user: &str, app: &str) -> Option<String> {
    match store.page(&PageKey { user: user.into(), app: app.into() }, None).await.unwrap() {
        Lookup::Moved(to) => Some(format!("{}/{}", to.user, to.app)),
        _ => None,
    }
}

async fn joined(store: &dyn Store, token: &str, slug: &str) -> wtaf_host::adapter::store::Person {
    store.join(&guest(token), &words(&[slug]), &[], "coder", NOW).await.unwrap().person
}

async fn a_guests_pages_move_and_every_old_link_leads_to_them(place: &Place) {
    let store = &*place.store;
    let (fox, owl) = (person(store, "fox").await, joined(store, "t", "owl").await);
    published(store, &fox, "quiz", "fox's quiz", at(1)).await;
    published(store, &owl, "quiz", "owl's quiz", at(2)).await;
    published(store, &owl, "snake", "snake", at(3)).await;
    store.publish(publication(job_id(), &owl, "snake", "snake again", at(4))).await.unwrap();
    store.do_to_page(job_id(), 0, owl.id, "snake", Paged::Hide, at(5)).await.unwrap();
    store.fave(job_id(), 0, owl.id, "fox", "quiz").await.unwrap();
    store.rename(job_id(), 0, owl.id, "barn-owl", &[]).await.unwrap();

    let moved = store.move_pages(&GuestKey::of_token("t"), fox.id, at(6)).await.unwrap();

    assert_eq!(moved, Moved { pages: 2, renamed: vec![("quiz".into(), "quiz-2".into())] });
    assert_eq!(found(store, "fox", "quiz").await.unwrap().draft.html, "fox's quiz");
    assert_eq!(found(store, "fox", "quiz-2").await.unwrap().draft.html, "owl's quiz");
    let snake = found(store, "fox", "snake").await.unwrap();
    assert_eq!((snake.version, snake.hidden), (2, true));
    assert_eq!(store.versions(&snake.key).await.unwrap().len(), 2);
    assert_eq!(moved_to(store, "barn-owl", "quiz").await.as_deref(), Some("fox/quiz-2"));
    assert_eq!(moved_to(store, "barn-owl", "snake").await.as_deref(), Some("fox/snake"));
    assert_eq!(moved_to(store, "owl", "quiz").await.as_deref(), Some("fox/quiz-2"), "the name before the name");
    assert!(matches!(store.home("barn-owl").await.unwrap(), Lookup::Moved(to) if to.user == "fox"));
    assert_eq!(store.pages_of(fox.id, 9).await.unwrap().len(), 3);

    // Old links follow later names too, and the guest's name is nobody's to take.
    store.rename(job_id(), 0, fox.id, "red-fox", &[]).await.unwrap();
    assert_eq!(moved_to(store, "barn-owl", "quiz").await.as_deref(), Some("red-fox/quiz-2"));
    let other = joined(store, "u", "barn-owl").await;
    assert_ne!(other.slug, "barn-owl");
    assert_eq!(store.person(&guest("t")).await.unwrap(), None, "the browser begins anew as a guest");
    assert_eq!(store.move_pages(&GuestKey::of_token("t"), fox.id, at(9)).await.unwrap(), Moved::default());
}

async fn what_a_guest_has_under_way_ends_as_the_persons(place: &Place) {
    let store = &*place.store;
    let (fox, owl) = (person(store, "fox").await, joined(store, "t", "owl").await);
    published(store, &fox, "quiz", "fox's quiz", at(1)).await;
    published(store, &owl, "snake", "snake", at(2)).await;
    let (reserved, later) = (job_id(), job_id());
    store.reserve(reserved, owl.id, &words(&["quiz"]), at(3)).await.unwrap();

    store.move_pages(&GuestKey::of_token("t"), fox.id, at(4)).await.unwrap();

    store.publish(publication(reserved, &owl, "quiz", "owl's quiz", at(5))).await.unwrap();
    store.publish(publication(job_id(), &owl, "snake", "longer snake", at(6))).await.unwrap();
    assert_eq!(store.reserve(later, owl.id, &words(&["quiz", "chess"]), at(7)).await.unwrap(), "chess");
    store.publish(publication(later, &owl, "chess", "chess", at(8))).await.unwrap();
    assert_eq!(found(store, "fox", "quiz").await.unwrap().draft.html, "fox's quiz");
    assert_eq!(found(store, "fox", "quiz-2").await.unwrap().draft.html, "owl's quiz");
    assert_eq!(found(store, "fox", "snake").await.unwrap().draft.html, "longer snake");
    assert_eq!(moved_to(store, "owl", "quiz").await.as_deref(), Some("fox/quiz-2"), "the link that was texted");
    assert_eq!(moved_to(store, "owl", "chess").await.as_deref(), Some("fox/chess"));
    let was = store.moved_guest(&GuestKey::of_token("t")).await.unwrap().unwrap();
    assert_eq!((was.id, was.slug.as_str()), (owl.id, "owl"));
}

async fn many_publishes_and_one_move_lose_no_page(place: &Place) {
    let store = &place.store;
    let (fox, owl) = (person(&**store, "fox").await, joined(&**store, "t", "owl").await);
    let making: Vec<_> = (0..12)
        .map(|n| {
            let (store, owl) = (store.clone(), owl.clone());
            tokio::spawn(async move {
                let job = job_id();
                let slug = store.reserve(job, owl.id, &words(&["game"]), NOW).await.unwrap();
                store.publish(publication(job, &owl, &slug, &format!("game {n}"), NOW)).await.unwrap();
                slug
            })
        })
        .collect();
    store.move_pages(&GuestKey::of_token("t"), fox.id, NOW).await.unwrap();
    for one in making {
        let slug = one.await.unwrap();
        assert!(moved_to(&**store, "owl", &slug).await.is_some(), "/owl/{slug} leads nowhere");
    }
    assert_eq!(store.pages_of(fox.id, 99).await.unwrap().len(), 12);
}
