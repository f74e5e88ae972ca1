//! Texts by Twilio's REST API. There is no idempotency key for sending: what may have been taken is looked for before it is sent again.

use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{Sms, SmsError, TEXT_ID, Taken, Text, codes, segments};
use crate::{
    config,
    job::{Millis, Phone},
};

const CONNECT: Duration = Duration::from_secs(5);
const IN_ALL: Duration = Duration::from_secs(20);
/// Twilio's answers are a few hundred bytes, a page of a list some tens of thousands.
const MAX_ANSWER: usize = 1024 * 1024;
/// Pages of a list that are read before giving up: a thousand texts to one number.
const MAX_PAGES: usize = 10;
/// Clocks differ, and ours may have been wrong when the text was written. The same words of an hour ago do no harm: whose they were is known by their id.
const SLACK: Duration = Duration::from_hours(24);
/// A trial account puts this before every text.
const TRIAL: &str = "Sent from your Twilio trial account - ";

/// Texts by Twilio.
#[derive(Debug)]
pub struct Twilio {
    client: Client,
    messages: Url,
    account_sid: String,
    auth_token: SecretString,
    from: String,
    status_callback: Option<Url>,
    pace: Option<Pace>,
}

#[derive(Deserialize)]
struct Message {
    sid: String,
    #[serde(default)]
    num_segments: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
}

/// An account as Twilio has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// `active`, `suspended`, `closed`.
    pub status: String,
    /// `Trial` or `Full`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// How far its clock is before ours, milliseconds, by the second: from its answer's date.
    #[serde(skip)]
    pub ahead: Option<i64>,
}

#[derive(Deserialize)]
struct Numbers {
    incoming_phone_numbers: Vec<Number>,
}

#[derive(Deserialize)]
struct Number {
    #[serde(default)]
    sms_url: String,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Message>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    code: Option<u32>,
    message: String,
}

impl Twilio {
    /// A client for an account. `from` is one of its numbers, or a messaging service (`MG…`).
    pub fn new(
        account: &config::Twilio,
        from: &str,
        per_second: Option<f64>,
        status_callback: Option<Url>,
    ) -> Result<Self, SmsError> {
        let wrong = |why: String| SmsError::Misconfigured { code: "config".to_owned(), why };
        let auth_token =
            account.auth_tokens.first().cloned().ok_or_else(|| wrong("sms.auth_token is not set".into()))?;
        let mut messages = account.base_url.clone();
        messages
            .path_segments_mut()
            .map_err(|()| wrong(format!("sms.base_url cannot be an address: {}", account.base_url)))?
            .pop_if_empty()
            .extend(["2010-04-01", "Accounts", &account.account_sid, "Messages.json"]);
        // Somebody may have chosen a provider already: theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(IN_ALL)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("wtaf-host/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|why| wrong(format!("the HTTP client cannot be made: {why}")))?;
        Ok(Self {
            client,
            messages,
            account_sid: account.account_sid.clone(),
            auth_token,
            from: from.to_owned(),
            // The real Twilio refuses a text whose callback it cannot reach.
            status_callback: status_callback.filter(|url| !is_here(url) || is_here(&account.base_url)),
            pace: per_second.and_then(Pace::new),
        })
    }

    async fn call(&self, request: RequestBuilder) -> Result<Response, SmsError> {
        let request = request.basic_auth(&self.account_sid, Some(self.auth_token.expose_secret()));
        let response = request.send().await.map_err(|why| unsent(&why))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, after) = (response.status(), retry_after(&response));
        let refusal: Refusal = match body(response).await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(_) => Refusal::default(),
        };
        let said = if refusal.message.is_empty() { reason(status) } else { refusal.message.as_str() };
        Err(codes::refusal(status.as_u16(), refusal.code, said, after))
    }

    /// Asks for the account: whether the credentials are good, and how it stands.
    pub async fn account(&self) -> Result<Account, SmsError> {
        let response = self.call(self.client.get(self.beside(&[]))).await?;
        let ahead = date(&response).map(|there| there - Millis::now().as_i64());
        let account: Account = read(response).await?;
        Ok(Account { ahead, ..account })
    }

    /// Where Twilio posts what is texted to our number; `None` where the number is not this account's.
    pub async fn webhook(&self) -> Result<Option<String>, SmsError> {
        let mut url = self.beside(&["IncomingPhoneNumbers.json"]);
        url.query_pairs_mut().append_pair("PhoneNumber", &self.from);
        let found: Numbers = read(self.call(self.client.get(url)).await?).await?;
        Ok(found.incoming_phone_numbers.into_iter().next().map(|number| number.sms_url))
    }

    /// An address of the account's.
    fn beside(&self, more: &[&str]) -> Url {
        let mut url = self.messages.clone();
        let account = format!("{}.json", self.account_sid);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop();
            match more {
                [] => drop(path.pop().push(&account)),
                more => drop(path.extend(more)),
            }
        }
        url
    }

    fn form<'a>(&'a self, text: &'a Text, body: &'a str) -> Vec<(&'static str, Cow<'a, str>)> {
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let mut form = vec![("To", text.to.e164().into()), (sender, self.from.as_str().into()), ("Body", body.into())];
        form.extend(self.status_callback.clone().map(|mut url| {
            url.query_pairs_mut().append_pair(TEXT_ID, &text.id);
            ("StatusCallback", String::from(url).into())
        }));
        form
    }
}

#[async_trait]
impl Sms for Twilio {
    async fn turn(&self, text: &Text) {
        if let Some(pace) = &self.pace {
            pace.wait(segments::measure(&segments::outgoing(&text.body)).segments).await;
        }
    }

    async fn send(&self, text: &Text) -> Result<Taken, SmsError> {
        let body = segments::outgoing(&text.body);
        let segments = segments::measure(&body).segments;
        let response = self.call(self.client.post(self.messages.clone()).form(&self.form(text, &body))).await?;
        let message: Message = read(response).await?;
        Ok(message.taken(segments))
    }

    /// Looks through the texts to that number, newest first. Not by Twilio's own date filter: what still waits to be sent has no date for it.
    async fn find_taken(&self, to: &Phone, body: &str, since: Millis) -> Result<Option<Taken>, SmsError> {
        let body = segments::outgoing(body);
        let segments = segments::measure(&body).segments;
        let since = since.before(SLACK);
        let mut page = self.messages.clone();
        page.query_pairs_mut().append_pair("To", to.e164()).append_pair("PageSize", "100");
        for _ in 0..MAX_PAGES {
            let found: Page = read(self.call(self.client.get(page.clone())).await?).await?;
            for message in found.messages {
                if message.created().is_some_and(|created| created < since) {
                    return Ok(None);
                }
                if message.says(&body) {
                    return Ok(Some(message.taken(segments)));
                }
            }
            match found.next_page_uri.and_then(|uri| self.messages.join(&uri).ok()) {
                // Our credentials go nowhere else.
                Some(next) if next.origin() == self.messages.origin() => page = next,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}

impl Message {
    fn taken(self, counted: u32) -> Taken {
        // A messaging service says 0 until it has chosen a sender.
        let said = self.num_segments.and_then(|said| said.parse().ok()).filter(|said| *said > 0);
        Taken { sid: self.sid, segments: said.unwrap_or(counted) }
    }

    fn says(&self, words: &str) -> bool {
        self.body.as_deref().is_some_and(|body| body == words || body.strip_prefix(TRIAL) == Some(words))
    }

    fn created(&self) -> Option<Millis> {
        let moment = jiff::fmt::rfc2822::parse(self.date_created.as_deref()?).ok()?;
        Some(Millis::from_i64(moment.timestamp().as_millisecond()))
    }
}

/// Whether an address is this machine's own.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// No answer. Nothing was sent when there was no connection; otherwise nobody knows.
fn unsent(why: &reqwest::Error) -> SmsError {
    let cause = cause(why);
    if why.is_connect() {
        return SmsError::Later { why: format!("Twilio cannot be reached: {cause}"), after: None };
    }
    if why.is_builder() {
        return SmsError::Misconfigured {
            code: "config".to_owned(),
            why: format!("the request cannot be made: {cause}"),
        };
    }
    SmsError::Unsure { why: format!("Twilio did not answer, and may have taken the text: {cause}") }
}

/// The innermost reason; the outer ones repeat the address.
fn cause(why: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = why;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

async fn read<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, SmsError> {
    let unsure = |why: &str| SmsError::Unsure { why: format!("Twilio answered with what cannot be read: {why}") };
    let bytes = body(response).await.map_err(|why| unsure(&why))?;
    serde_json::from_slice(&bytes).map_err(|why| unsure(&why.to_string()))
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| cause(&why))? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err("the answer is too long".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn date(response: &Response) -> Option<i64> {
    let said = response.headers().get("date")?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(said).ok()?.timestamp().as_millisecond())
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("no reason given")
}

/// Segments a second, evenly.
#[derive(Debug)]
struct Pace {
    one: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    fn new(per_second: f64) -> Option<Self> {
        let one = Duration::try_from_secs_f64(per_second.recip()).ok()?;
        Some(Self { one, next: Mutex::new(None) })
    }

    async fn wait(&self, segments: u32) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let at = next.map_or(now, |at| at.max(now));
            *next = at.checked_add(self.one.saturating_mul(segments.max(1)));
            at
        };
        tokio::time::sleep_until(at.into()).await;
    }
}
