//! What the engine does not do with what strangers send it: go where they point, and tell what it knows. Rows of docs/security.md.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, response::Redirect};
use reqwest::Method;
use secrecy::SecretString;
use tokio_util::task::AbortOnDropHandle;
use wtaf_host::{
    adapter::sms::{Sms, Text, Twilio},
    config,
};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, Host, link, until},
};

/// A server that counts who comes by, and sends everyone on when told where to.
struct Elsewhere {
    url: String,
    visits: Arc<AtomicUsize>,
    _server: AbortOnDropHandle<()>,
}

impl Elsewhere {
    async fn start(onward: Option<String>) -> Self {
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        let answer = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let onward = onward.clone();
            async move {
                match onward {
                    Some(url) => Ok(Redirect::temporary(&url)),
                    None => Err(StatusCode::NOT_FOUND),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let server = tokio::spawn(async move {
            axum::serve(listener, Router::new().fallback(answer)).await.expect("it serves");
        });
        Self { url, visits, _server: AbortOnDropHandle::new(server) }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_provider_that_sends_us_elsewhere_is_not_followed() {
    let secret_place = Elsewhere::start(None).await;
    let provider = Elsewhere::start(Some(format!("{}/latest/meta-data", secret_place.url))).await;
    let entry = format!(
        r#"{{ name = "moved", kind = "openai", model = "m", base_url = "{}/v1", api_key = "k", retries = 0 }}"#,
        provider.url
    );
    let host = Host::of().ai([entry]).set("queue.max_attempts=1").start().await;

    let job = host.ended(&host.text(ANN, "WTAF a page about narwhals").await).await;

    assert_eq!(job["status"], "failed");
    assert!(provider.visits() > 0 && secret_place.visits() == 0);
}

#[tokio::test]
async fn a_carrier_that_sends_us_elsewhere_is_not_followed_with_our_credentials() {
    let secret_place = Elsewhere::start(None).await;
    let carrier = Elsewhere::start(Some(secret_place.url.clone())).await;
    let account = config::Twilio {
        account_sid: "AC00000000000000000000000000000000".to_owned(),
        auth_tokens: vec![SecretString::from("12345")],
        base_url: carrier.url.parse().expect("an address"),
    };
    let sms = Twilio::new(&account, "+15005550006", None, None).expect("a client can be made");

    let text = Text { id: "x".to_owned(), to: ANN.parse().expect("a number"), body: "hello".to_owned() };
    let sent = sms.send(&text).await;

    assert!(sent.is_err(), "{sent:?}");
    assert_eq!((carrier.visits(), secret_place.visits()), (1, 0));
}

#[tokio::test]
async fn a_picture_in_a_text_is_not_fetched() {
    let secret_place = Elsewhere::start(None).await;
    let host = Host::start().await;
    let picture = format!("{}/latest/meta-data", secret_place.url);
    let form = [
        ("From", ANN),
        ("Body", "WTAF a page about narwhals"),
        ("MessageSid", "SM1"),
        ("NumMedia", "1"),
        ("MediaUrl0", &picture),
        ("MediaContentType0", "image/png"),
    ];

    let taken = host.request(Method::POST, "/sms/webhook").form(&form).send().await.expect("it answers");
    let id = taken.headers()["x-wtaf-job"].to_str().expect("an id is plain").to_owned();
    host.ended(&id).await;

    assert_eq!(secret_place.visits(), 0);
}

#[tokio::test]
async fn neither_secrets_nor_people_stand_in_logs_errors_or_measurements() {
    let (admin, bridge, key) = ("admin-token-zebra-1", "bridge-token-zebra-2", "ai-key-zebra-3");
    let ai = FakeAi::start().await;
    ai.always(Reply::status(401).saying(format!("no such key {key}, for a page about narwhals")));
    let entry = link("fake", &ai).replace(r#"api_key = "k""#, &format!(r#"api_key = "{key}""#));
    let host = Host::of()
        .ai([entry])
        .set(format!("server.admin_token={admin}"))
        .set(format!("server.bridge_token={bridge}"))
        .set("queue.max_attempts=1")
        .start()
        .await;

    let id = host.text(ANN, "WTAF a page about narwhals").await;
    host.ended(&id).await;
    until("it is logged", async || host.log("job ended")).await;
    let wrong = host.request(Method::POST, "/api/reload").bearer_auth("wrong").send().await.expect("it answers");
    let mut told = vec![wrong.text().await.expect("a problem is text")];
    for path in ["/readyz", "/healthz", "/api/openapi.json", &format!("/api/jobs/{id}"), "/chat", "/"] {
        told.push(host.get(path).await.text().await.expect("it is text"));
    }
    let measured = host.request(Method::GET, "/metrics").bearer_auth(admin).send().await.expect("it answers");
    let measured = measured.text().await.expect("it is text");
    assert!(measured.contains("wtaf_jobs_total"), "{measured}");
    told.push(measured);
    let checked = host.cli(&["check", "pipeline.toml", "--set", &format!("server.admin_token={admin}")]).await;
    told.extend([checked.out, checked.err]);
    told.extend(host.logs().iter().map(ToString::to_string));

    for secret in [admin, bridge, key, ANN, &ANN[1..], "narwhals"] {
        let spoken: Vec<_> = told.iter().filter(|text| text.contains(secret)).collect();
        assert!(spoken.is_empty(), "{secret} in {spoken:?}");
    }
}
