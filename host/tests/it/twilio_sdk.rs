//! Twilio's own Python library against the real binary: what it signs is taken, anything else is not, and it sends texts as we do.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    routing::post,
};
use rstest::rstest;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;
use wtaf_host::{
    adapter::{
        sms::{Sms, Text, Twilio},
        store::TextStatus,
    },
    config,
    job::Millis,
};

use crate::kit::process::{Engine, ask_python};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "12345";
const OURS: &str = "+15005550006";
const THEIRS: &str = "+15558675310";

type Pairs = Vec<(String, String)>;

fn pairs(form: &[(&str, &str)]) -> Pairs {
    form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What the library puts into `X-Twilio-Signature` for each form posted to a URL.
fn all_signed(calls: &[(&str, &str, &Pairs)]) -> Vec<String> {
    let calls = calls.iter().map(|(token, url, form)| json!({ "token": token, "url": url, "form": form })).collect();
    serde_json::from_value(ask_python("sign.py", &[], &calls)).expect("signatures are texts")
}

fn signed(token: &str, url: &str, form: &Pairs) -> String {
    all_signed(&[(token, url, form)]).remove(0)
}

fn text(sid: &str, words: &str) -> Pairs {
    let mut form = pairs(&[
        ("ToCountry", "US"),
        ("ToState", ""),
        ("SmsMessageSid", sid),
        ("NumMedia", "0"),
        ("FromCity", ""),
        ("SmsSid", sid),
        ("OptionNobodyKnowsYet", "a+b c&d=é"),
        ("SmsStatus", "received"),
        ("To", OURS),
        ("NumSegments", "1"),
        ("MessageSid", sid),
        ("AccountSid", ACCOUNT),
        ("From", THEIRS),
        ("ApiVersion", "2010-04-01"),
    ]);
    form.push(("Body".into(), words.into()));
    form
}

/// Twilio's messages, as far as an engine needs them: takes every text under a sid of its own, lists none, and keeps what it was asked.
struct Carrier {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    _server: AbortOnDropHandle<()>,
}

impl Carrier {
    async fn start() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
        let router = Router::new().route(&path, post(take).get(list)).with_state(asked.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, _server: AbortOnDropHandle::new(server) }
    }

    fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

type Asked = State<Arc<Mutex<Vec<Value>>>>;

async fn take(
    State(asked): Asked,
    uri: Uri,
    headers: HeaderMap,
    Form(mut form): Form<Pairs>,
) -> (StatusCode, Json<Value>) {
    form.sort();
    let mut asked = asked.lock().unwrap();
    asked.push(json!({ "post": uri.path(), "account": headers["authorization"].to_str().unwrap(), "form": form }));
    let message = json!({ "sid": format!("SM{:032x}", asked.len()), "status": "queued", "num_segments": "1" });
    (StatusCode::CREATED, Json(message))
}

async fn list(State(asked): Asked, uri: Uri, headers: HeaderMap, Query(query): Query<Pairs>) -> Json<Value> {
    let account = headers["authorization"].to_str().unwrap();
    asked.lock().unwrap().push(json!({ "get": uri.path(), "account": account, "query": query }));
    Json(json!({ "messages": [], "next_page_uri": null }))
}

/// The real binary with a Twilio account at the fake carrier, called from outside by this URL.
async fn engine(carrier: &Carrier, public_url: &str, tokens: &str) -> Engine {
    Engine::start(&[
        ("sms.provider", "twilio"),
        ("sms.account_sid", ACCOUNT),
        ("sms.auth_token", tokens),
        ("sms.from", OURS),
        ("sms.base_url", &carrier.url),
        ("server.public_url", public_url),
    ])
    .await
}

#[rstest]
#[case::a_domain("https://texts.example", "https://texts.example")]
#[case::behind_a_proxy_that_takes_a_prefix_off("https://texts.example/prefix", "https://texts.example/prefix")]
#[case::a_slash_at_the_end("https://texts.example/prefix/", "https://texts.example/prefix")]
#[case::another_port("http://texts.example:8080", "http://texts.example:8080")]
#[tokio::test]
async fn what_twilios_library_signs_is_taken_and_answered_with_no_words(
    #[case] public_url: &str,
    #[case] called: &str,
) {
    let carrier = Carrier::start().await;
    let engine = engine(&carrier, public_url, TOKEN).await;
    let words = [
        "wtaf a caf\u{e9} menu \u{1f40d} & 1+1=2 100% \"q\" <b>\r\nsecond  line ",
        "+ +",
        "%2B%20",
        "commands",
        "\u{201c}\u{fe0f}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    ];
    let forms: Vec<_> = words.iter().enumerate().map(|(at, words)| text(&format!("SM{at:032}"), words)).collect();
    let url = format!("{called}/sms/webhook");
    let calls: Vec<_> = forms.iter().map(|form| (TOKEN, url.as_str(), form)).collect();
    for ((form, signature), words) in forms.iter().zip(all_signed(&calls)).zip(words) {
        let response = engine.post("/sms/webhook", form, Some(&signature)).await;

        assert_eq!(response.status(), 200, "{words:?}");
        assert_eq!(response.headers()["content-type"], "text/xml");
        assert_eq!(response.text().await.unwrap(), r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#);
    }
}

#[tokio::test]
async fn a_name_that_repeats_is_signed_once_for_each_value() {
    let carrier = Carrier::start().await;
    let engine = engine(&carrier, "https://texts.example", TOKEN).await;
    let mut form = text("SM1", "commands");
    form.extend(pairs(&[("Tag", "zebra"), ("Tag", "apple"), ("Tag", "zebra"), ("tag", "")]));
    let signature = signed(TOKEN, "https://texts.example/sms/webhook?a=%27x&b=", &form);

    let response = engine.post("/sms/webhook?a=%27x&b=", &form, Some(&signature)).await;

    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn twilio_may_sign_with_the_default_port_in_the_address() {
    let carrier = Carrier::start().await;
    let engine = engine(&carrier, "https://texts.example", TOKEN).await;
    let form = text("SM1", "commands");
    let signature = signed(TOKEN, "https://texts.example:443/sms/webhook", &form);

    let response = engine.post("/sms/webhook", &form, Some(&signature)).await;

    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_text_unsigned_wrongly_signed_or_altered_is_refused_and_leaves_no_trace() {
    let carrier = Carrier::start().await;
    let engine = engine(&carrier, "https://texts.example/prefix", TOKEN).await;
    let (url, form) = ("https://texts.example/prefix/sms/webhook", text("SM1", "commands"));
    let signatures = all_signed(&[
        (TOKEN, url, &form),
        ("54321", url, &form),
        (TOKEN, "https://texts.example/sms/webhook", &form),
        (TOKEN, "http://texts.example/prefix/sms/webhook", &form),
        (TOKEN, "https://texts.example/prefix/sms/status", &form),
    ]);
    let [good, others, short, open, callbacks] = signatures.try_into().expect("a signature for each");
    let mut altered = form.clone();
    altered.last_mut().unwrap().1.push('!');
    let mut longer = form.clone();
    longer.push(("Extra".into(), String::new()));
    let refused = [
        ("no signature", None, form.clone()),
        ("an empty signature", Some(String::new()), form.clone()),
        ("another token's", Some(others), form.clone()),
        ("another address's", Some(short), form.clone()),
        ("over http", Some(open), form.clone()),
        ("the status callback's", Some(callbacks), form.clone()),
        ("a changed word", Some(good.clone()), altered),
        ("one parameter less", Some(good.clone()), form[1..].to_vec()),
        ("one parameter more", Some(good), longer),
    ];
    for (what, signature, form) in refused {
        for path in ["/sms/webhook", "/sms/status"] {
            let response = engine.post(path, &form, signature.as_deref()).await;
            let taken_for_status = what == "the status callback's" && path == "/sms/status";
            assert_eq!(response.status() == 403, !taken_for_status, "{what} at {path}: {}", response.status());
        }
    }
    let number = THEIRS.parse().unwrap();
    assert_eq!(engine.store().await.texts_to(&number, 1).await.unwrap(), []);
    assert_eq!(carrier.asked(), Vec::<Value>::new());
}

#[tokio::test]
async fn both_tokens_are_good_while_they_are_changed() {
    let carrier = Carrier::start().await;
    let engine = engine(&carrier, "https://texts.example", r#"["new-token", "old-token"]"#).await;
    let statuses = async |token: &str| {
        let form = text(&format!("SM-{token}"), "commands");
        let signature = signed(token, "https://texts.example/sms/webhook", &form);
        engine.post("/sms/webhook", &form, Some(&signature)).await.status().as_u16()
    };

    assert_eq!((statuses("new-token").await, statuses("old-token").await, statuses("older").await), (200, 200, 403));
}

#[tokio::test]
async fn a_signed_status_callback_moves_a_text_to_delivered_and_none_moves_it_back() {
    let carrier = Carrier::start().await;
    let engine = engine(&carrier, "https://texts.example/prefix", TOKEN).await;
    let form = text("SM1", "commands");
    let signature = signed(TOKEN, "https://texts.example/prefix/sms/webhook", &form);
    assert_eq!(engine.post("/sms/webhook", &form, Some(&signature)).await.status(), 200);
    let sent = engine.text_to(THEIRS, |text| text.status == TextStatus::Sent).await;
    let sid = sent.sid.expect("a text that was sent has its sid");

    for status in ["delivered", "sent", "queued"] {
        let callback = pairs(&[
            ("ApiVersion", "2010-04-01"),
            ("MessageStatus", status),
            ("SmsSid", &sid),
            ("SmsStatus", status),
            ("To", THEIRS),
            ("From", OURS),
            ("MessageSid", &sid),
            ("AccountSid", ACCOUNT),
        ]);
        let signature = signed(TOKEN, "https://texts.example/prefix/sms/status", &callback);
        let response = engine.post("/sms/status", &callback, Some(&signature)).await;
        assert!(response.status().is_success(), "{status}: {}", response.status());
        let text = engine.text_to(THEIRS, |text| text.sid.as_ref() == Some(&sid)).await;
        assert_eq!(text.status, TextStatus::Delivered, "after {status}");
    }
    let asked = carrier.asked();
    let sent = asked[0]["form"].as_array().unwrap().iter().find(|field| field[0] == "StatusCallback");
    let callback = sent.and_then(|field| field[1].as_str()).expect("a callback is asked for");
    assert!(callback.starts_with("https://texts.example/prefix/sms/status?text="), "{asked:?}");
}

#[tokio::test]
async fn we_ask_twilio_for_what_its_own_library_asks_for() {
    let carrier = Carrier::start().await;
    let words = "Your page is live: https://texts.example/p?a=1&b=2 + 100% \u{1f40d}";
    let callback = "https://texts.example/sms/status";
    // Which text it is about stands in the callback's address.
    let with_id = format!("{callback}?text=1");
    let arguments = [carrier.url.as_str(), ACCOUNT, TOKEN, OURS, THEIRS, words, &with_id].map(str::to_owned);
    let library = tokio::task::spawn_blocking(move || {
        ask_python("twilio_client.py", &arguments.each_ref().map(String::as_str), &Value::Null)
    });
    assert_eq!(library.await.unwrap()["status"], "queued");
    let theirs = carrier.asked();

    let account = config::Twilio {
        account_sid: ACCOUNT.into(),
        auth_tokens: vec![TOKEN.into()],
        base_url: carrier.url.parse().unwrap(),
    };
    let twilio = Twilio::new(&account, OURS, None, Some(callback.parse().unwrap())).unwrap();
    let to = THEIRS.parse().unwrap();
    twilio.send(&Text { id: "1".into(), to, body: words.into() }).await.unwrap();
    twilio.find_taken(&THEIRS.parse().unwrap(), words, Millis::now()).await.unwrap();

    assert_eq!(carrier.asked(), theirs);
}
