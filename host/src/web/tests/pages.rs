//! Generated pages, homes, the front page.

use http::StatusCode;

use super::Trial;
use crate::{
    adapter::store::{Did, Paged},
    job::Millis,
};

const PAGE: &str = "<!doctype html><html><head><title>Red fox</title></head><body>the page itself</body></html>";

#[tokio::test]
async fn a_page_is_itself_inside_a_sandbox() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red fox", PAGE).await;

    let page = trial.get("/brave-otter/red-fox").await;

    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("the page itself") && page.text.contains("og:title"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("sandbox allow-scripts") && !policy.contains("allow-same-origin"));
    assert!(policy.contains("default-src 'none'") && policy.contains("base-uri 'none'"));
    assert!(policy.contains("connect-src http://localhost:3030/api/apps/brave-otter/red-fox/;"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("set-cookie"), "");
    assert_eq!(trial.get("/Brave-Otter/RED-fox").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_the_browser_has_is_not_sent_again() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red fox", PAGE).await;
    let tag = trial.get("/brave-otter/red-fox").await.header("etag").to_owned();

    let again = trial.call("GET", "/brave-otter/red-fox", &[("if-none-match", &tag)], "").await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert!(again.header("content-security-policy").starts_with("sandbox"));
    let head = trial.call("HEAD", "/brave-otter/red-fox", &[], "").await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn a_long_page_travels_compressed() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red fox", &PAGE.replace("the page itself", &"again ".repeat(2_000))).await;
    let page = trial.call("GET", "/brave-otter/red-fox", &[("accept-encoding", "gzip")], "").await;
    assert_eq!(page.header("content-encoding"), "gzip");
    assert!(page.text.len() < 8_000, "{} bytes", page.text.len());
}

#[tokio::test]
async fn a_version_is_shown_when_asked_for_and_a_missing_one_says_so() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red fox", PAGE).await;
    assert_eq!(trial.get("/brave-otter/red-fox?v=1").await.status, StatusCode::OK);
    assert_eq!(trial.get("/brave-otter/red-fox?v=9").await.code(), "no-such-version");
    assert_eq!(trial.get("/brave-otter/red-fox?v=x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn old_links_of_a_renamed_person_lead_to_the_new_ones() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    let (job, _) = trial.publish(&otter, "red-fox", "Red fox", PAGE).await;
    let did = trial.store.rename(job, 9, otter.id, "bold-otter", &[]).await.unwrap();
    assert!(matches!(did, Did::Done(_)));

    let page = trial.get("/brave-otter/red-fox?v=1").await;
    assert_eq!((page.status, page.header("location")), (StatusCode::PERMANENT_REDIRECT, "/bold-otter/red-fox?v=1"));
    let home = trial.get("/brave-otter").await;
    assert_eq!((home.status, home.header("location")), (StatusCode::PERMANENT_REDIRECT, "/bold-otter"));
}

#[tokio::test]
async fn a_missing_page_offers_the_persons_other_pages() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red <fox>", PAGE).await;

    assert_eq!(trial.get("/brave-otter/blue-fox").await.code(), "no-such-page");
    let page = trial.call("GET", "/brave-otter/blue-fox", &[("accept", "text/html")], "").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("href=\"/brave-otter/red-fox\"") && !page.text.contains("<fox>"), "{}", page.text);
    assert_eq!(trial.get("/nobody-here/blue-fox").await.code(), "no-such-page");
    assert_eq!(trial.get("/nobody-here").await.code(), "nobody");
}

#[tokio::test]
async fn a_home_is_the_list_until_a_page_is_chosen() {
    let trial = Trial::new(&[]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red fox", PAGE).await;
    let (job, _) = trial.publish(&otter, "shy-fox", "Shy fox", PAGE).await;
    trial.store.do_to_page(job, 1, otter.id, "shy-fox", Paged::Hide, Millis::now()).await.unwrap();

    let list = trial.get("/brave-otter").await;
    assert!(list.text.contains("/brave-otter/red-fox") && !list.text.contains("shy-fox"), "{}", list.text);
    assert_eq!(trial.get("/brave-otter/shy-fox").await.header("x-robots-tag"), "noindex");

    trial.store.do_to_page(job, 2, otter.id, "red-fox", Paged::SetHome, Millis::now()).await.unwrap();
    let home = trial.get("/brave-otter").await;
    assert!(home.text.contains("the page itself") && home.header("content-security-policy").starts_with("sandbox"));
}

#[tokio::test]
async fn reserved_words_are_nobodys() {
    let trial = Trial::new(&[]).await;
    for path in ["/api", "/api/nothing", "/admin", "/console/nothing", "/docs/x", "/.well-known/x", "/a/b/c"] {
        assert_eq!(trial.get(path).await.code(), "not-found", "{path}");
    }
}

#[tokio::test]
async fn a_trailing_slash_is_forgiven_and_leads_nowhere_else() {
    let trial = Trial::new(&[]).await;
    assert_eq!(trial.get("/brave-otter/").await.header("location"), "/brave-otter");
    assert_eq!(trial.get("//evil.example/").await.header("location"), "/evil.example");
}

#[tokio::test]
async fn the_front_page_has_a_box_and_the_newest_pages_and_needs_no_script() {
    let trial = Trial::new(&[]).await;
    let empty = trial.get("/").await;
    assert!(empty.text.contains("action=\"/chat\"") && empty.text.contains("Nothing yet."));
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red fox", PAGE).await;

    let front = trial.get("/").await;
    assert!(front.text.contains("href=\"/brave-otter/red-fox\"") && front.text.contains("sandbox=\"allow-scripts\""));
    assert!(!front.text.contains("<script"));
}

#[tokio::test]
async fn pages_with_an_origin_of_their_own_are_served_there_and_nothing_else_is() {
    let trial = Trial::new(&["server.pages_url=http://pages.localhost:3030"]).await;
    let otter = trial.person("+15550001001", "brave-otter").await;
    trial.publish(&otter, "red-fox", "Red fox", PAGE).await;
    let there = [("host", "pages.localhost:3030")];

    // Its records are where the API is, and its forms lead back to where it is.
    let page = trial.call("GET", "/brave-otter/red-fox", &there, "").await;
    let policy = page.header("content-security-policy");
    let records = "http://localhost:3030/api/apps/brave-otter/red-fox/";
    assert!(policy.contains(&format!("connect-src {records};")), "{policy}");
    assert!(policy.contains(&format!("form-action {records} http://pages.localhost:3030/brave-otter/red-fox;")));
    assert!(page.text.contains("(\"http://localhost:3030/api/apps/brave-otter/red-fox\",\""));
    let away = trial.get("/brave-otter/red-fox").await;
    assert_eq!(away.header("location"), "http://pages.localhost:3030/brave-otter/red-fox");
    assert_eq!(trial.call("GET", "/brave-otter/red-fox", &there, "").await.status, StatusCode::OK);
    assert_eq!(trial.call("GET", "/chat", &there, "").await.status, StatusCode::NOT_FOUND);
    assert!(
        trial.get("/").await.header("content-security-policy").contains("frame-src 'self' http://pages.localhost:3030")
    );
}
