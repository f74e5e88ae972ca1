//! What strangers can put into the engine's parsers, a function a parser: given any bytes, it must not panic, nor take long, and what it lets through must hold
//! what the rest of the engine relies on.
//!
//! `fuzz/` throws bytes at these under libFuzzer; the tests below throw a corpus and changed copies of it, on stable, with a small budget
//! (`WTAF_FUZZ_SECONDS` for a longer run).

use std::{collections::BTreeMap, path::Path};

use http::HeaderMap;

use crate::{
    adapter::{
        queue,
        sms::{self, Inbound, StatusReport, signature},
    },
    config::{self, Places, PluginSource, Role, RoleOf, Sources},
    job::Job,
    plugin,
};

fn form(data: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(data).into_owned().collect()
}

/// A text as a carrier posts it.
pub fn webhook(data: &[u8]) {
    let (token, body) = data.split_at(data.len().min(8));
    let token = std::str::from_utf8(token).ok();
    let Ok(text) = Inbound::of_form(&form(body), token) else { return };
    assert!(text.media.len() <= 10, "a carrier sends ten at most");
    let request = text.into_request();
    let _ = sms::carrier_word(&request.text);
    // As the queue keeps it: what was let in can be read again, the same.
    let json = serde_json::to_vec(&request).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<crate::job::Request>(&json).ok(), Some(request));
    let cut = sms::segments::shorten(&sms::segments::smart(&String::from_utf8_lossy(body)), sms::segments::MAX_UNITS);
    assert!(
        sms::segments::measure(&cut).segments <= 24,
        "a carrier takes 1,600 characters, and of the widest 67 fit into a segment"
    );
}

/// What a carrier says became of a text.
pub fn status(data: &[u8]) {
    if let Some(report) = StatusReport::of_form(&form(data)) {
        assert!(!report.sid.is_empty());
        let _ = report.error_code.as_deref().map(sms::codes::words);
    }
}

/// A signature, over a form and an address of anybody's making.
pub fn signature(data: &[u8]) {
    let (given, rest) = data.split_at(data.len().min(28));
    let (path, body) = rest.split_at(rest.len().min(32));
    let Ok(public) = "https://host.example/wtaf".parse() else { return };
    let path = format!("/{}", String::from_utf8_lossy(path));
    let given = String::from_utf8_lossy(given);
    let tokens = [secrecy::SecretString::from("12345")];
    assert!(!signature::check(&public, &path, &form(body), &given, &tokens), "nobody guesses a signature");
    let _ = signature::check_json(&public, &path, body, &given, &tokens);
}

struct Anything;

impl RoleOf for Anything {
    fn role_of(&self, source: &PluginSource, _: Places<'_>) -> Result<Role, String> {
        let PluginSource::Named(name) = source else { return Err("not named".into()) };
        Role::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| "not known".into())
    }
}

/// pipeline.toml: taken, or faults that can be drawn.
pub fn pipeline(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let env = |name: &str| (name == "SECRET").then(|| "s3cret-of-the-environment".to_owned());
    let path = Path::new("/nowhere/pipeline.toml");
    let sources = Sources { path, text, env: &env, dotenv: BTreeMap::new(), overrides: &[] };
    if let Err(faults) = config::parse(sources, &Anything) {
        let shown = faults.render(false);
        assert!(!shown.contains("s3cret-of-the-environment"), "a secret is shown: {shown}");
    }
}

/// A file of the queue.
pub fn job_file(data: &[u8]) {
    queue::peek(data);
    if let Ok(job) = serde_json::from_slice::<Job>(data) {
        let again = serde_json::to_vec(&job).unwrap_or_default();
        assert!(serde_json::from_slice::<Job>(&again).is_ok(), "a job that was read can be written and read");
        let _ = crate::engine::job_view(&job, None, crate::engine::Eyes::Anyone);
    }
}

/// A dropped file.
pub fn drop_in(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(request) = queue::dropped(text) {
        assert!(!request.text.trim().is_empty(), "words there are");
        let named = [&request.coach, &request.user_slug].into_iter().flatten();
        named.for_each(|name| assert!(!name.contains(['/', '.', '\n', '\r', ' ']), "{name:?} is no plain name"));
    }
}

/// A component, read and not compiled: what it is, and who signed it.
pub fn component(data: &[u8]) {
    let _ = plugin::about(data);
    let _ = plugin::signature::claimed_name(data);
}

/// The manifest of a plugin in a registry.
pub fn manifest(data: &[u8]) {
    if let Ok(found) = plugin::oci::read_manifest(data) {
        let digest = found.digest();
        assert!(
            digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{digest:?} is part of a path"
        );
    }
}

/// Headers of a request: who asks, from where, whether from this machine.
pub fn headers(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for (line, name) in data.split(|byte| *byte == b'\n').zip(
        ["cookie", "authorization", "host", "origin", "x-forwarded-for", "last-event-id", "cookie"].into_iter().cycle(),
    ) {
        if let Ok(value) = http::HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    crate::web::read_headers(&headers);
}

/// The body of a record, as JSON or as a form by its first byte.
pub fn records(data: &[u8]) {
    let Some((which, body)) = data.split_first() else { return };
    crate::web::read_record(body, which % 2 == 1);
}

#[cfg(test)]
mod tests;
