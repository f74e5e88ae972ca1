//! Pages that are answered from memory: the same to the letter, and not once more than they are so.

use std::time::{Duration, Instant};

use http::StatusCode;
use sqlx::{ConnectOptions as _, Executor as _, sqlite::SqliteConnectOptions};

use super::{Answer, Trial};
use crate::{
    adapter::store::{self, Did, Paged, Person, Whom},
    config::StoreUrl,
    job::{Asker, JobId, Millis},
};

const PAGE: &str = "<!doctype html><html><head><title>Red fox</title></head><body>the page itself</body></html>";
const AT: &str = "/brave-otter/red-fox";

/// A trial with one page, which is in memory.
async fn kept(overrides: &[&str], headers: &[(&str, &str)]) -> (Trial, Person, JobId) {
    let trial = Trial::new(overrides).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    let (job, _) = trial.publish(&otter, "red-fox", "Red fox", PAGE).await;
    from_memory(&trial, headers).await;
    (trial, otter, job)
}

/// Asks until it is answered from memory, which it is soon after it was asked for twice.
async fn from_memory(trial: &Trial, headers: &[(&str, &str)]) -> Answer {
    let until = Instant::now() + Duration::from_mins(1);
    while Instant::now() < until {
        let answer = trial.call("GET", AT, headers, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        if answer.is_shelved {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it was never answered from memory");
}

async fn edit(trial: &Trial, otter: &Person, html: &str) {
    let job = trial.ids.next(Millis::now());
    let publication = super::Publication {
        job,
        person: otter.id,
        slug: "red-fox".into(),
        draft: super::Draft {
            html: html.into(),
            owner_html: None,
            title: "Red fox".into(),
            description: String::new(),
        },
        kind: "game".into(),
        coach: None,
        prompt: "other words".into(),
        remix_of: None,
        og_image_url: None,
        now: Millis::now(),
        texts: vec![],
    };
    trial.store.publish(publication).await.unwrap();
}

#[tokio::test]
async fn a_page_from_memory_is_the_page_to_the_letter() {
    for headers in [&[][..], &[("accept-encoding", "gzip, br")]] {
        let trial = Trial::new(&[]).await;
        let otter = trial.person("+15550001001", "brave-otter").await;
        trial.publish(&otter, "red-fox", "Red fox", &PAGE.replace("itself", &"itself ".repeat(300))).await;
        let made = trial.call("GET", AT, headers, "").await;
        assert!(!made.is_shelved, "it was not asked for before");

        let kept = from_memory(&trial, headers).await;

        let without_length = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("content-length");
            let mut all: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.as_bytes().cmp(b.1.as_bytes())));
            all
        };
        assert_eq!(without_length(&kept), without_length(&made));
        if headers.is_empty() {
            assert_eq!(kept.text, made.text);
        } else {
            assert_eq!(kept.header("content-encoding"), "gzip");
        }
    }
}

#[tokio::test]
async fn a_browser_that_has_the_page_is_told_so_from_memory() {
    let (trial, ..) = kept(&[], &[]).await;
    let tag = trial.get(AT).await.header("etag").to_owned();
    let again = trial.call("GET", AT, &[("if-none-match", &tag)], "").await;
    assert!(again.is_shelved);
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (StatusCode::NOT_MODIFIED, "", tag.as_str()));
    assert!(again.header("content-security-policy").starts_with("sandbox"));
    let other = trial.call("GET", AT, &[("if-none-match", "W/\"other\"")], "").await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_published_and_taken_back_shows_at_once() {
    let (trial, otter, job) = kept(&[], &[]).await;
    for n in 0..3 {
        let words = format!("edited {n} times");
        edit(&trial, &otter, &PAGE.replace("the page itself", &words)).await;
        let page = trial.get(AT).await;
        assert!(page.text.contains(&words) && !page.is_shelved, "{}", page.text);
        assert!(from_memory(&trial, &[]).await.text.contains(&words));
    }
    trial.store.do_to_page(job, 1, otter.id, "red-fox", Paged::Undo, Millis::now()).await.unwrap();
    assert!(trial.get(AT).await.text.contains("edited 1 times"));
}

#[tokio::test]
async fn a_page_that_is_hidden_says_so_at_once_and_one_that_is_taken_down_is_gone() {
    let (trial, otter, job) = kept(&[], &[]).await;
    trial.store.do_to_page(job, 1, otter.id, "red-fox", Paged::Hide, Millis::now()).await.unwrap();
    assert_eq!(trial.get(AT).await.header("x-robots-tag"), "noindex");
    assert_eq!(from_memory(&trial, &[]).await.header("x-robots-tag"), "noindex");
    trial.store.do_to_page(job, 2, otter.id, "red-fox", Paged::Unhide, Millis::now()).await.unwrap();
    assert_eq!(trial.get(AT).await.header("x-robots-tag"), "");

    from_memory(&trial, &[]).await;
    trial.store.do_to_page(job, 3, otter.id, "red-fox", Paged::Forget, Millis::now()).await.unwrap();
    assert_eq!(trial.get(AT).await.code(), "no-such-page");
}

#[tokio::test]
async fn a_renamed_persons_page_leads_to_where_it_is() {
    let (trial, otter, job) = kept(&[], &[]).await;
    let did = trial.store.rename(job, 9, otter.id, "bold-otter", &[]).await.unwrap();
    assert!(matches!(did, Did::Done(_)));
    let page = trial.get(AT).await;
    assert_eq!((page.status, page.header("location")), (StatusCode::PERMANENT_REDIRECT, "/bold-otter/red-fox"));
}

#[tokio::test]
async fn a_person_who_is_erased_leaves_no_page_in_memory() {
    let (trial, otter, _) = kept(&[], &[]).await;
    let asker = Asker::Phone("+15550001001".parse().unwrap());
    trial.store.erase(&Whom { asker, person: Some(otter.id), jobs: vec![] }).await.unwrap();
    assert_eq!(trial.get(AT).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_another_process_or_a_hand_writes_shows_at_once() {
    let (trial, otter, job) = kept(&[], &[]).await;
    let StoreUrl::Sqlite(file) = &trial.state.engine.pipeline().store.url else { panic!("not in a file") };
    let mut hand = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let by_hand = "update wtaf_content set html_content = '<p>by hand</p>' where app_slug = 'red-fox'";
    hand.execute(by_hand).await.unwrap();
    assert!(trial.get(AT).await.text.contains("by hand"));

    from_memory(&trial, &[]).await;
    let other = store::open(&trial.state.engine.pipeline().store.url).await.unwrap();
    other.do_to_page(job, 1, otter.id, "red-fox", Paged::Forget, Millis::now()).await.unwrap();
    assert_eq!(trial.get(AT).await.code(), "no-such-page");
}

#[tokio::test]
async fn what_is_written_elsewhere_takes_no_page_out_of_memory() {
    let (trial, otter, _) = kept(&[], &[]).await;
    for n in 0..5 {
        trial.publish(&otter, &format!("blue-fox-{n}"), "Blue fox", PAGE).await;
        assert!(trial.get(AT).await.is_shelved, "its mark is the same");
    }
}

#[tokio::test]
async fn where_pages_have_an_origin_of_their_own_memory_answers_there_alone() {
    let there = [("host", "pages.localhost:3030")];
    let (trial, ..) = kept(&["server.pages_url=http://pages.localhost:3030"], &there).await;
    let away = trial.get(AT).await;
    assert_eq!(away.header("location"), "http://pages.localhost:3030/brave-otter/red-fox");
    assert!(trial.call("GET", AT, &there, "").await.is_shelved);
}

#[tokio::test]
async fn what_is_asked_in_an_unusual_way_is_made_as_ever() {
    let (trial, ..) = kept(&[], &[]).await;
    for (path, headers) in [
        ("/brave-otter/red-fox?v=1", &[][..]),
        ("/Brave-Otter/red-fox", &[]),
        (AT, &[("origin", "https://elsewhere.example")]),
        (AT, &[("accept-encoding", "gzip;q=0")]),
    ] {
        let page = trial.call("GET", path, headers, "").await;
        assert!(page.status == StatusCode::OK && !page.is_shelved, "{path} {headers:?}");
        assert!(page.text.contains("the page itself"), "{path} {headers:?}");
    }
}
