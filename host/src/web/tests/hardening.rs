//! What strangers try: keys and ids of others, headers and paths of their own making, bodies that are bombs. Rows of docs/security.md.

use http::StatusCode;
use serde_json::{Value, json};

use super::Trial;
use crate::job::Asker;

const UUID: &str = "2f1b7f0e-6d0b-4d3a-9a37-8f6d0c1f9a11";
const BRIDGE: (&str, &str) = ("authorization", "Bearer a-bridge-token-that-is-long");

#[tokio::test]
async fn a_second_try_with_the_same_key_and_no_session_is_the_same_job_of_the_same_guest() {
    let trial = Trial::new(&[]).await;
    let message = json!({ "message": "a quiz" });

    let first = trial.ask(&message, &[("idempotency-key", UUID)]).await.json();
    let again = trial.ask(&message, &[("idempotency-key", UUID)]).await.json();
    let other = trial.ask(&message, &[("idempotency-key", "0d6b3f5c-94a1-4f1e-8f2e-6d2b1c0a9e77")]).await.json();

    assert_eq!((&first["id"], &first["session"]), (&again["id"], &again["session"]));
    assert!(first["id"] != other["id"] && first["session"] != other["session"]);
    let job = trial.job(first["id"].as_str().unwrap()).await;
    let Asker::Guest(guest) = &job.request.asker else { panic!("a guest") };
    assert!(!guest.as_str().contains(UUID) && !first["session"].as_str().unwrap().contains(UUID));
}

#[tokio::test]
async fn a_key_that_could_be_guessed_is_no_key_without_a_session() {
    let trial = Trial::new(&[]).await;
    let answer = trial.ask(&json!({ "message": "a quiz" }), &[("idempotency-key", "1")]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key"));
}

#[tokio::test]
async fn a_list_of_pages_names_jobs_to_the_bridge_and_the_operator_alone() {
    let trial = Trial::new(&["server.admin_token=an-operators-token"]).await;
    let ann = trial.person("+15550001111", "ann").await;
    let (job, _) = trial.publish(&ann, "quiz", "A quiz", "<p>x</p>").await;
    let job_told = async |headers: &[(&str, &str)]| {
        trial.call("GET", "/api/pages?user=ann", headers, "").await.json()["pages"][0]["job"].clone()
    };

    assert_eq!(job_told(&[]).await, Value::Null);
    assert_eq!(job_told(&[("authorization", "Bearer another")]).await, Value::Null);
    assert_eq!(job_told(&[BRIDGE]).await, json!(job));
    assert_eq!(job_told(&[("authorization", "Bearer an-operators-token")]).await, json!(job));
}

#[tokio::test]
async fn nothing_of_the_operators_is_done_without_the_token_or_from_another_place() {
    let with_token = Trial::new(&["server.admin_token=an-operators-token"]).await;
    let without = Trial::new(&[]).await;
    let json_body = ("content-type", "application/json");
    for (method, path) in [
        ("GET", "/api/plugins"),
        ("GET", "/metrics"),
        ("POST", "/api/plugins/slug"),
        ("POST", "/api/plugins/slug/rollback"),
        ("POST", "/api/plugins/slug/promote"),
        ("POST", "/api/reload"),
        ("POST", "/api/people/erase"),
    ] {
        let body = r#"{"who":"+15550001111"}"#;
        for headers in [vec![json_body], vec![json_body, ("authorization", "Bearer wrong")]] {
            let answer = with_token.call(method, path, &headers, body).await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "operators-only"), "{path}");
        }
        for stranger in [
            ("host", "evil.example"),
            ("x-forwarded-for", "127.0.0.1"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = without.call(method, path, &[json_body, stranger], body).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (StatusCode::FORBIDDEN, "not-local"),
                "{path} {stranger:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_engine_that_others_can_reach_has_no_operator_without_a_token() {
    for set in ["server.listen=0.0.0.0:3030", "server.public_url=https://wtaf.example"] {
        let trial = Trial::new(&[set]).await;
        for path in ["/api/plugins", "/phone", "/phone/texts?number=15550001111"] {
            let answer = trial.get(path).await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "not-local"), "{set} {path}");
        }
        let text = trial.text("From=%2B15550001111&Body=wtaf+a+page", &[]).await;
        assert_eq!(text.status, StatusCode::FORBIDDEN, "{set}");
    }
}

#[tokio::test]
async fn every_post_of_ours_asks_where_it_comes_from() {
    let trial = Trial::new(&[]).await;
    let evil = ("origin", "https://evil.example");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (path, _) in super::super::routes::described().into_iter().filter(|(_, methods)| methods.contains(&"post")) {
        let path = path.replace("{name}", "slug").replace("{user}", "ann").replace("{app}", "quiz");
        let answer = trial.call("POST", &path, &[form, evil], "From=%2B15550001111&Body=x&message=x&who=ann").await;
        assert!(answer.status.is_client_error(), "{path}: {} {}", answer.status, answer.text);
    }
    assert_eq!(trial.queue.depth().await.unwrap().waiting, 0, "and none of them left anything");
}

#[tokio::test]
async fn a_path_leads_nowhere_but_to_what_is_served() {
    let trial = Trial::new(&[]).await;
    for path in [
        "/look/..%2f..%2fpipeline.toml",
        "/look/%2e%2e%2fmod.rs",
        "/look/..",
        "/look/style.css%00.js",
        "/..%2f..%2fetc/passwd",
        "/ann/..%2fwtaf.db",
        "/ann/%2e%2e",
        "/api/jobs/..%2f..%2fwtaf.db",
        "/api/jobs/01K9ZB7Q4M8S7V3T2N1P0R6X5Y%2f..",
        "//evil.example/",
        "/%5cevil.example/",
    ] {
        let answer = trial.get(path).await;
        let away = answer.header("location");
        assert!(answer.status.is_client_error() || answer.status.is_redirection(), "{path}: {}", answer.status);
        assert!(
            away.is_empty() || (away.starts_with('/') && !away.starts_with("//") && !away.contains('\\')),
            "{path} → {away}"
        );
    }
}

#[tokio::test]
async fn a_name_with_line_breaks_breaks_no_header_and_no_markup() {
    let trial = Trial::new(&[]).await;
    let ann = trial.person("+15550001111", "ann").await;
    let title = "x\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>\"'";
    trial.publish(&ann, "quiz", title, "<!DOCTYPE html><html><head></head><body>x</body></html>").await;

    for path in ["/ann/quiz", "/ann", "/", "/api/pages?user=ann", "/ann/quiz%0d%0aSet-Cookie:%20a=b"] {
        let answer = trial.get(path).await;
        assert_eq!(answer.header("set-cookie"), "", "{path}");
        let is_markup = answer.header("content-type").starts_with("text/html");
        assert!(!is_markup || !answer.text.contains("<script>alert(1)"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_packed_body_is_not_unpacked() {
    let trial = Trial::new(&[]).await;
    // A gzip stream's first bytes, as text may hold them; whoever unpacked it would fail or find more.
    let packed = "\u{1f}\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}";
    let gzip = ("content-encoding", "gzip");
    let json = trial.call("POST", "/api/chat", &[("content-type", "application/json"), gzip], packed).await;
    assert_eq!(json.code(), "bad-json");
    let form = trial.text(packed, &[gzip]).await;
    assert_eq!(form.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn json_as_deep_as_a_body_may_be_is_refused() {
    let trial = Trial::new(&[]).await;
    let json = [("content-type", "application/json")];
    for deep in ["[".repeat(60_000), format!("{{\"message\":{}", "{\"a\":".repeat(12_000))] {
        let answer = trial.call("POST", "/api/chat", &json, &deep).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
    }
}

#[tokio::test]
async fn strangers_read_of_a_broken_part_that_it_is_broken_and_no_more() {
    let away = "store.url=postgres://someone:hush@127.0.0.1:1/nowhere";
    let trial = Trial::new(&["server.admin_token=an-operators-token", away]).await;

    let stranger = trial.get("/readyz").await;
    let operator = trial.call("GET", "/readyz", &[("authorization", "Bearer an-operators-token")], "").await;

    assert_eq!(stranger.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stranger.json()["parts"], json!({ "store": "not well", "queue": "ok", "disk": "ok" }));
    let words = operator.json()["parts"]["store"].as_str().unwrap().to_owned();
    assert!(words != "not well" && !words.contains("hush"), "{words}");
}
