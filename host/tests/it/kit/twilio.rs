//! A stand-in for Twilio's Messages API over real HTTP. It remembers what it was sent, answers as the documentation says, and fails on demand.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use wtaf_host::{adapter::sms::signature, config, job::Millis};

pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const TOKEN: &str = "12345";
pub const FROM: &str = "+15005550006";

/// How the next send goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status and code, nothing processed.
    Refuse(u16, u32),
    /// 429 with `Retry-After`.
    TooMany(u64),
    /// Taken, and then 500.
    ErrorAfterTaking,
    /// Taken, and then no answer for that long.
    HangAfterTaking(Duration),
    /// 200 with what is no JSON.
    Gibberish,
}

/// A text it took.
#[derive(Debug, Clone)]
pub struct Sent {
    pub sid: String,
    /// The form's fields.
    pub form: HashMap<String, String>,
    pub at: Millis,
}

impl Sent {
    pub fn body(&self) -> &str {
        &self.form["Body"]
    }
}

#[derive(Default)]
struct Inner {
    sent: Vec<Sent>,
    faults: VecDeque<Fault>,
    page_size: Option<usize>,
    trial: bool,
    pause: Duration,
    /// Where our number posts what comes in.
    webhook: String,
}

/// The stand-in, until this is dropped.
pub struct FakeTwilio {
    pub base_url: Url,
    inner: Arc<Mutex<Inner>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for FakeTwilio {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeTwilio {
    pub async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let app = Router::new()
            .route("/2010-04-01/Accounts/{account}/Messages.json", post(create).get(list))
            .route("/2010-04-01/Accounts/{account}/Messages/{sid}", get(one))
            .route("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", get(numbers))
            .route("/2010-04-01/Accounts/{account}", get(account))
            .with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base_url, inner, server }
    }

    /// What pipeline.toml would say to use it.
    pub fn config(&self) -> config::Sms {
        config::Sms {
            provider: config::SmsProvider::Twilio(config::Twilio {
                account_sid: ACCOUNT.to_owned(),
                auth_tokens: vec![SecretString::from(TOKEN)],
                base_url: self.base_url.clone(),
            }),
            from: Some(FROM.to_owned()),
            acknowledge: true,
            per_second: None,
        }
    }

    /// The next send goes wrong like this; several are queued up.
    pub fn fail_next(&self, fault: Fault) {
        self.inner.lock().unwrap().faults.push_back(fault);
    }

    /// Lists come in pages of this size.
    pub fn set_page_size(&self, size: usize) {
        self.inner.lock().unwrap().page_size = Some(size);
    }

    /// A trial account puts words before every text.
    pub fn make_trial(&self) {
        self.inner.lock().unwrap().trial = true;
    }

    /// Our number posts what comes in there.
    pub fn post_to(&self, webhook: &str) {
        webhook.clone_into(&mut self.inner.lock().unwrap().webhook);
    }

    /// Every answer comes this long after the text was taken.
    pub fn set_pause(&self, pause: Duration) {
        self.inner.lock().unwrap().pause = pause;
    }

    /// What was taken, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.inner.lock().unwrap().sent.clone()
    }

    /// Posts a signed status callback for a text to the address it was sent with. Gives the answer's status.
    pub async fn report(&self, sent: &Sent, status: &str, error_code: Option<&str>) -> u16 {
        let address = sent.form.get("StatusCallback").expect("the text was sent with a StatusCallback");
        let mut form = vec![
            ("AccountSid".to_owned(), ACCOUNT.to_owned()),
            ("From".to_owned(), sent.form.get("From").cloned().unwrap_or_default()),
            ("To".to_owned(), sent.form["To"].clone()),
            ("MessageSid".to_owned(), sent.sid.clone()),
            ("MessageStatus".to_owned(), status.to_owned()),
            ("SmsSid".to_owned(), sent.sid.clone()),
            ("SmsStatus".to_owned(), status.to_owned()),
        ];
        form.extend(error_code.map(|code| ("ErrorCode".to_owned(), code.to_owned())));
        post_signed(address, address, &form).await
    }
}

/// Posts a form to `address`, signed as if Twilio had been told to call `public_address`. Gives the answer's status.
pub async fn post_signed(address: &str, public_address: &str, form: &[(String, String)]) -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let signature = signature::sign(public_address, form, &SecretString::from(TOKEN));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.post(address).header("X-Twilio-Signature", signature).form(form).send().await.unwrap();
    response.status().as_u16()
}

async fn create(
    State(inner): State<Arc<Mutex<Inner>>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let fault = { inner.lock().unwrap().faults.pop_front() };
    if !authorized(&account, &headers) {
        return refusal(401, 20003, "Authenticate");
    }
    for (field, code) in [("To", 21604), ("Body", 21602)] {
        if form.get(field).is_none_or(String::is_empty) {
            return refusal(400, code, &format!("A '{field}' is required."));
        }
    }
    if !form.contains_key("From") && !form.contains_key("MessagingServiceSid") {
        return refusal(400, 21603, "A 'From' phone number is required.");
    }
    if form["Body"].encode_utf16().count() > 1600 {
        return refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.");
    }
    match fault {
        Some(Fault::Refuse(status, code)) => return refusal(status, code, "as the test wished"),
        Some(Fault::TooMany(after)) => {
            let mut response = refusal(429, 20429, "Too Many Requests");
            response.headers_mut().insert(header::RETRY_AFTER, after.into());
            return response;
        }
        Some(Fault::Gibberish) => return (StatusCode::OK, "<html>hello</html>").into_response(),
        Some(Fault::ErrorAfterTaking | Fault::HangAfterTaking(_)) | None => {}
    }
    let message = {
        let mut inner = inner.lock().unwrap();
        let sid = format!("SM{:032}", inner.sent.len() + 1);
        inner.sent.push(Sent { sid, form, at: Millis::now() });
        let trial = inner.trial;
        inner.sent.last().map(|sent| resource(sent, trial)).unwrap()
    };
    let pause = { inner.lock().unwrap().pause };
    tokio::time::sleep(pause).await;
    match fault {
        Some(Fault::ErrorAfterTaking) => return refusal(500, 20500, "An internal server error has occurred"),
        Some(Fault::HangAfterTaking(long)) => tokio::time::sleep(long).await,
        _ => {}
    }
    (StatusCode::CREATED, Json(message)).into_response()
}

async fn list(
    State(inner): State<Arc<Mutex<Inner>>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let inner = inner.lock().unwrap();
    if !authorized(&account, &headers) {
        return refusal(401, 20003, "Authenticate");
    }
    let number = |name: &str, or: usize| query.get(name).and_then(|n| n.parse().ok()).unwrap_or(or);
    let (page, asked) = (number("Page", 0), number("PageSize", 50));
    let size = inner.page_size.unwrap_or(asked).min(asked);
    let to = query.get("To");
    let matching: Vec<&Sent> =
        inner.sent.iter().rev().filter(|sent| to.is_none_or(|to| sent.form["To"] == *to)).collect();
    let messages: Vec<Value> =
        matching.iter().skip(page * size).take(size).map(|sent| resource(sent, inner.trial)).collect();
    let more = matching.len() > (page + 1) * size;
    let next = more.then(|| {
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        next.extend_pairs(to.map(|to| ("To", to))).append_pair("PageSize", &asked.to_string());
        format!("/2010-04-01/Accounts/{account}/Messages.json?{}&Page={}", next.finish(), page + 1)
    });
    Json(json!({ "messages": messages, "page": page, "page_size": size, "next_page_uri": next })).into_response()
}

async fn one(
    State(inner): State<Arc<Mutex<Inner>>>,
    Path((account, sid)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let inner = inner.lock().unwrap();
    if !authorized(&account, &headers) {
        return refusal(401, 20003, "Authenticate");
    }
    match inner.sent.iter().find(|sent| Some(sent.sid.as_str()) == sid.strip_suffix(".json")) {
        Some(sent) => Json(resource(sent, inner.trial)).into_response(),
        None => refusal(404, 20404, "The requested resource was not found"),
    }
}

async fn account(State(inner): State<Arc<Mutex<Inner>>>, Path(account): Path<String>, headers: HeaderMap) -> Response {
    let account = account.strip_suffix(".json").unwrap_or_default();
    if !authorized(account, &headers) {
        return refusal(401, 20003, "Authenticate");
    }
    let kind = if inner.lock().unwrap().trial { "Trial" } else { "Full" };
    Json(json!({ "sid": account, "friendly_name": "tests", "status": "active", "type": kind })).into_response()
}

async fn numbers(
    State(inner): State<Arc<Mutex<Inner>>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if !authorized(&account, &headers) {
        return refusal(401, 20003, "Authenticate");
    }
    let ours = query.get("PhoneNumber").is_some_and(|number| number == FROM);
    let number = json!({ "phone_number": FROM, "sms_url": inner.lock().unwrap().webhook, "sms_method": "POST" });
    let found: Vec<Value> = ours.then_some(number).into_iter().collect();
    Json(json!({ "incoming_phone_numbers": found, "page": 0, "page_size": 50 })).into_response()
}

fn authorized(account: &str, headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    account == ACCOUNT && headers.get(header::AUTHORIZATION).is_some_and(|given| given == expected.as_str())
}

fn refusal(status: u16, code: u32, message: &str) -> Response {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({ "code": code, "message": message, "more_info": more, "status": status });
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn resource(sent: &Sent, trial: bool) -> Value {
    let created = jiff::Timestamp::from_millisecond(sent.at.as_i64()).unwrap();
    let body =
        if trial { format!("Sent from your Twilio trial account - {}", sent.body()) } else { sent.body().to_owned() };
    json!({
        "sid": sent.sid,
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "to": sent.form["To"],
        "from": sent.form.get("From"),
        "messaging_service_sid": sent.form.get("MessagingServiceSid"),
        "body": body,
        "status": if sent.form.contains_key("From") { "queued" } else { "accepted" },
        "num_segments": if sent.form.contains_key("From") { "1" } else { "0" },
        "num_media": "0",
        "direction": "outbound-api",
        "date_created": jiff::fmt::rfc2822::to_string(&created.to_zoned(jiff::tz::TimeZone::UTC)).unwrap(),
        "date_sent": null,
        "error_code": null,
        "error_message": null,
        "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}.json", sent.sid),
    })
}
