//! The one table of what a provider's error means, in words with what to do.
//!
//! Decisive codes first (a 429 may mean "no credit"), then the HTTP status, then the error's type. Nothing is sent and nothing waited for here.

use std::time::Duration;

use http::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;

use super::{AiCall, AiError, Bar, Trouble, provider::Named, quote::quote};

/// Codes that mean the same whatever the status.
const CODES: [(&str, Bar); 11] = [
    ("insufficient_quota", Bar::Credit),
    ("credit_balance_exhausted", Bar::Credit),
    ("enforced_spend_limit_reached", Bar::Credit),
    ("billing_hard_limit_reached", Bar::Credit),
    ("billing_not_active", Bar::Credit),
    ("billing_error", Bar::Credit),
    ("invalid_api_key", Bar::Key),
    ("model_not_found", Bar::Address),
    ("context_length_exceeded", Bar::Call),
    ("content_policy_violation", Bar::Call),
    ("content_filter", Bar::Call),
];

/// An error's type, as the status it would have come with before the stream began.
const TYPES: [(&str, u16); 14] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("slow_down", 429),
    ("api_error", 500),
    ("server_error", 500),
    ("server_is_overloaded", 503),
    ("service_unavailable", 503),
    ("timeout_error", 504),
    ("overloaded_error", 529),
];

/// Who judges an error: the provider, what its key is called, and what must not be quoted.
pub(super) struct Judge<'a> {
    /// Whose error it is.
    pub named: &'a Named,
    /// As the provider names it.
    pub model: &'a str,
    /// What a person would check when the key is refused.
    pub key_hint: &'a str,
    /// The key, to be kept out of the words.
    pub key: Option<&'a SecretString>,
    /// The call, to be kept out of the words.
    pub call: &'a AiCall,
}

impl Judge<'_> {
    /// A status that is no success.
    pub fn status(&self, status: u16, headers: &HeaderMap, body: &str, now: jiff::Timestamp) -> AiError {
        let said = Said::parse(body);
        let mut error = match said.code_bar() {
            Some(bar) => self.barred(bar, Some(status), &said),
            None => self.by_status(status, &said),
        };
        if let AiError::Retry { after, .. } = &mut error {
            *after = retry_after(headers, now);
        }
        error
    }

    /// An error that came after a 200.
    pub fn late(&self, error: &Value) -> AiError {
        let said = Said::of(error);
        match (said.code_bar(), said.status()) {
            (Some(bar), status) => self.barred(bar, status, &said),
            (None, Some(status)) => self.by_status(status, &said),
            (None, None) => self.passing(Trouble::Down, "it failed in the middle of its answer", &said),
        }
    }

    fn by_status(&self, status: u16, said: &Said) -> AiError {
        match status {
            408 | 504 => self.passing(Trouble::Down, &format!("{status} it took too long on its side"), said),
            409 => self.passing(Trouble::Down, "409 it was in conflict with itself", said),
            429 => self.passing(Trouble::Crowded, "429 too many calls at once", said),
            503 | 529 => self.passing(Trouble::Down, &format!("{status} it is overloaded"), said),
            400 if said.credit() => self.barred(Bar::Credit, Some(400), said),
            401 | 403 => self.barred(Bar::Key, Some(status), said),
            402 => self.barred(Bar::Credit, Some(402), said),
            404 | 405 | 300..400 => self.barred(Bar::Address, Some(status), said),
            501 | 505 => self.barred(Bar::Call, Some(status), said),
            500.. => self.passing(Trouble::Down, &format!("{status} it failed"), said),
            _ => self.barred(Bar::Call, Some(status), said),
        }
    }

    fn barred(&self, bar: Bar, status: Option<u16>, said: &Said) -> AiError {
        let hint = self.key_hint;
        let why = match (bar, status) {
            (Bar::Key, Some(403)) => format!("the key may not use {}: check what {hint} is allowed", self.model),
            (Bar::Key, _) if self.key.is_none() => format!("it wants a key: set {hint}"),
            (Bar::Key, _) => format!("the key was refused: check {hint}"),
            (Bar::Credit, _) => "the account has no credit or is over its limit: top it up at the provider".into(),
            (Bar::Address, Some(300..400)) => "it redirects elsewhere: check base_url".into(),
            (Bar::Address, _) => format!("it knows no model {:?} there: check model and base_url", self.model),
            (_, Some(413)) => "the call is too large for it".into(),
            _ => "it does not take this call".into(),
        };
        let why = status.map_or_else(|| why.clone(), |status| format!("{status} {why}"));
        self.named.next(bar, self.with_quote(&why, said))
    }

    fn passing(&self, trouble: Trouble, why: &str, said: &Said) -> AiError {
        self.named.retry(trouble, self.with_quote(why, said))
    }

    fn with_quote(&self, why: &str, said: &Said) -> String {
        match quote(&said.message, self.key, self.call) {
            Some(quote) => format!("{why} (it says: {quote})"),
            None => why.to_owned(),
        }
    }
}

/// What an error body says, whoever's dialect it is in.
#[derive(Debug, Default)]
struct Said {
    /// Types and codes, the most telling anywhere in the list.
    codes: Vec<String>,
    message: String,
}

impl Said {
    fn parse(body: &str) -> Self {
        serde_json::from_str::<Value>(body).map(|value| Self::of(&value)).unwrap_or_default()
    }

    /// From a whole body or from its `error`; some servers say it in a string, some beside it.
    fn of(value: &Value) -> Self {
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let codes = [error.get("type"), error.get("code"), error.pointer("/details/error_code")];
        let message = [Some(error), error.get("message"), error.get("detail"), value.get("message")];
        Self {
            codes: codes.into_iter().flatten().filter_map(word).collect(),
            message: message.into_iter().flatten().find_map(Value::as_str).unwrap_or_default().to_owned(),
        }
    }

    fn code_bar(&self) -> Option<Bar> {
        CODES.iter().find(|(code, _)| self.codes.iter().any(|said| said == code)).map(|(_, bar)| *bar)
    }

    fn status(&self) -> Option<u16> {
        let typed =
            TYPES.iter().find(|(name, _)| self.codes.iter().any(|said| said == name)).map(|(_, status)| *status);
        typed.or_else(|| self.codes.iter().find_map(|code| code.parse().ok()).filter(|code| (300..600).contains(code)))
    }

    /// Anthropic says so in a 400.
    fn credit(&self) -> bool {
        self.message.contains("credit balance is too low")
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a refused call was refused for its temperature alone: newer models take none.
pub(super) fn wants_no_temperature(status: u16, body: &str) -> bool {
    let names_it = || {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let error = value.get("error").unwrap_or(&value);
        let param = error.get("param").and_then(Value::as_str) == Some("temperature");
        param || error.get("message").and_then(Value::as_str).is_some_and(|said| said.contains("temperature"))
    };
    status == 400 && names_it()
}

/// How long a provider asks to be left alone: `retry-after-ms`, or `Retry-After` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).map(str::trim);
    let number = |name| text(name).and_then(|text| text.parse::<f64>().ok());
    if let Some(ms) = number("retry-after-ms") {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    if let Some(seconds) = number("retry-after") {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let then = jiff::fmt::rfc2822::parse(text("retry-after")?).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::adapter::ai::sample;

    fn judged(status: u16, body: &str) -> AiError {
        let call = call();
        judge(&call, &Named("acme".into())).status(status, &HeaderMap::new(), body, jiff::Timestamp::UNIX_EPOCH)
    }

    fn call() -> AiCall {
        sample::call("a page about my secret recipe")
    }

    fn judge<'a>(call: &'a AiCall, named: &'a Named) -> Judge<'a> {
        Judge { named, model: "m-1", key_hint: "ACME_API_KEY", key: None, call }
    }

    #[rstest]
    #[case::timeout(408, "", "down")]
    #[case::conflict(409, "", "down")]
    #[case::rate(429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#, "crowded")]
    #[case::error_500(500, "<html>", "down")]
    #[case::error_502(502, "", "down")]
    #[case::error_503(503, r#"{"error":{"code":"server_is_overloaded"}}"#, "down")]
    #[case::error_504(504, "", "down")]
    #[case::overloaded(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, "down")]
    #[case::quota(429, r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#, "credit")]
    #[case::balance(429, r#"{"error":{"code":"credit_balance_exhausted"}}"#, "credit")]
    #[case::spend(
        429,
        r#"{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        "credit"
    )]
    #[case::low(
        400,
        r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to…"}}"#,
        "credit"
    )]
    #[case::bad(400, r#"{"error":{"type":"invalid_request_error","message":"max_tokens"}}"#, "call")]
    #[case::key(401, r#"{"error":{"type":"authentication_error","message":"invalid x-api-key"}}"#, "key")]
    #[case::billing(402, "", "credit")]
    #[case::permission(403, "", "key")]
    #[case::model(404, r#"{"error":"model 'x' not found"}"#, "address")]
    #[case::large(413, "", "call")]
    #[case::elsewhere(302, "", "address")]
    #[case::unprocessable(422, r#"{"detail":[]}"#, "call")]
    fn each_status_has_its_meaning(#[case] status: u16, #[case] body: &str, #[case] outcome: &str) {
        assert_eq!(judged(status, body).outcome(), outcome);
    }

    #[rstest]
    #[case(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, "down")]
    #[case(r#"{"error":{"type":"rate_limit_error"}}"#, "crowded")]
    #[case(r#"{"error":{"code":502,"message":"upstream"}}"#, "down")]
    #[case(r#"{"error":{"code":"insufficient_quota"}}"#, "credit")]
    #[case(r#"{"error":"out of memory"}"#, "down")]
    #[case(r#"{"error":{"type":"authentication_error"}}"#, "key")]
    fn an_error_after_a_200_means_what_its_status_would(#[case] error: &str, #[case] outcome: &str) {
        let call = call();
        let error = judge(&call, &Named("acme".into())).late(&serde_json::from_str(error).unwrap());
        assert_eq!(error.outcome(), outcome);
    }

    #[test]
    fn the_words_say_what_to_do() {
        let key = SecretString::from("hunter2");
        let (call, named) = (call(), Named("acme".into()));
        let judge = Judge { key: Some(&key), ..judge(&call, &named) };
        let body = r#"{"error":{"message":"bad key hunter2"}}"#;
        let error = judge.status(401, &HeaderMap::new(), body, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(error.to_string(), "acme: 401 the key was refused: check ACME_API_KEY (it says: bad key …)");
        let error = judge.status(404, &HeaderMap::new(), "", jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(error.to_string(), "acme: 404 it knows no model \"m-1\" there: check model and base_url");
    }

    #[rstest]
    #[case("retry-after", "7", Some(7_000))]
    #[case("retry-after", "0.25", Some(250))]
    #[case("retry-after-ms", "40", Some(40))]
    #[case("retry-after", "Thu, 01 Jan 1970 00:00:09 GMT", Some(9_000))]
    #[case("retry-after", "Wed, 31 Dec 1969 23:59:59 GMT", Some(0))]
    #[case("retry-after", "-3", None)]
    #[case("retry-after", "soon", None)]
    #[case("retry-after", "1e300", None)]
    fn retry_after_is_read_in_each_of_its_forms(
        #[case] name: &'static str,
        #[case] value: &str,
        #[case] ms: Option<u64>,
    ) {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
        assert_eq!(retry_after(&headers, jiff::Timestamp::UNIX_EPOCH), ms.map(Duration::from_millis));
    }
}
