//! The API's description, health, and what every answer has in common.

use http::StatusCode;

use super::Trial;
use crate::{job::reserved, web::routes};

#[tokio::test]
async fn every_route_is_described_and_nothing_else_is() {
    let trial = Trial::new(&[]).await;
    let document = trial.get("/api/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    let mut described: Vec<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |m| (path.clone(), m.clone())))
        .collect();
    let mut served: Vec<(String, String)> = routes::described()
        .into_iter()
        .flat_map(|(path, methods)| methods.iter().map(move |m| (path.to_owned(), (*m).to_owned())))
        .collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "http://localhost:3030");
}

#[test]
fn the_first_word_of_every_route_is_reserved() {
    for (path, _) in routes::described() {
        let first = path.split('/').nth(1).unwrap();
        assert!(first.is_empty() || first.starts_with('{') || reserved::is_reserved(first), "{path}");
    }
}

#[tokio::test]
async fn health_readiness_and_measurements_answer() {
    let trial = Trial::new(&[]).await;
    assert_eq!(trial.get("/healthz").await.status, StatusCode::OK);
    let ready = trial.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["parts"]["store"]), (StatusCode::OK, &serde_json::json!("ok")));
    assert_eq!(trial.get("/metrics").await.status, StatusCode::OK);
    assert_eq!(trial.get("/robots.txt").await.status, StatusCode::OK);
}

#[tokio::test]
async fn our_own_pages_run_no_script_of_anybody_else() {
    let trial = Trial::new(&[]).await;
    for path in ["/", "/chat", "/phone", "/sign-in", "/console", "/console/jobs", "/console/configuration"] {
        let page = trial.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!page.text.contains(" onclick") && !page.text.contains(" style="), "{path}");
    }
}

#[tokio::test]
async fn looks_are_kept_for_ever_under_the_name_the_pages_use() {
    let trial = Trial::new(&[]).await;
    let front = trial.get("/").await.text;
    let at = front.find("/look/style.").unwrap();
    let url = &front[at..at + front[at..].find('"').unwrap()];
    let style = trial.get(url).await;
    assert_eq!((style.status, style.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
    assert_eq!(trial.get("/look/style.0000000000.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn even_an_address_that_is_no_text_is_refused_in_our_form() {
    let trial = Trial::new(&[]).await;
    for path in ["/%FF", "/%FF/x", "/api/jobs/%FF"] {
        let answer = trial.get(path).await;
        assert!(answer.status.is_client_error());
        assert_eq!(answer.code(), "bad-request", "{path}");
    }
}

#[tokio::test]
async fn every_answer_forbids_guessing_at_its_type() {
    let trial = Trial::new(&[]).await;
    for path in ["/", "/healthz", "/nobody", "/api/jobs/x", "/api/openapi.json", "/a/b/c"] {
        let answer = trial.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("content-security-policy").is_empty(), "{path}");
    }
}
