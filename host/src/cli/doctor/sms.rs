//! Texts: the carrier's credentials, the number, where it posts what comes in.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret;

use super::{Check, Notes, is_here};
use crate::{
    adapter::sms::{SmsError, Twilio},
    config::{self, Checked, SmsProvider},
};

const LIMIT: Duration = Duration::from_secs(30);
/// Milliseconds; Twilio's answers are dated to the second.
const OFF: i64 = 5_000;

pub(super) fn check(pipeline: &Arc<Checked>) -> Check {
    let pipeline = Arc::clone(pipeline);
    Check::new("sms", "carrier", LIMIT, async move {
        let mut notes = Notes::default();
        match &pipeline.sms.provider {
            SmsProvider::Console => console(&pipeline, &mut notes),
            SmsProvider::Twilio(account) => twilio(&pipeline, account, &mut notes).await,
        }
        notes
    })
}

fn console(pipeline: &Checked, notes: &mut Notes) {
    if is_here(&pipeline.server.public_url) {
        notes.ok("carrier", format!("console: {} is the phone", pipeline.server.url("/phone")));
    } else {
        let todo = "set sms.provider = \"twilio\" with TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM, or leave it where only the web is used";
        notes.warn("carrier", "console: no text leaves this machine", todo);
    }
}

async fn twilio(pipeline: &Checked, account: &config::Twilio, notes: &mut Notes) {
    secrets(account, notes);
    let webhook = pipeline.server.url("/sms/webhook");
    address(pipeline, &webhook, notes);
    let Some(from) = &pipeline.sms.from else {
        return notes.fail(
            "number",
            "none: no text can be sent",
            "set TWILIO_FROM to one of the account's numbers, +1555…, or a messaging service, MG…",
        );
    };
    let twilio = match Twilio::new(account, from, None, None) {
        Ok(twilio) => twilio,
        Err(error) => return notes.fail("account", error.to_string(), "see [sms] in pipeline.toml"),
    };
    match twilio.account().await {
        Ok(found) => {
            let what = format!("{} ({})", found.status, if found.kind.is_empty() { "Twilio" } else { &found.kind });
            if found.status != "active" {
                return notes.fail("account", what, "see the account in Twilio's console");
            }
            if found.kind == "Trial" {
                notes.warn(
                    "account",
                    what,
                    "a trial account texts verified numbers only: upgrade it before others text",
                );
            } else {
                notes.ok("account", what);
            }
            if let Some(ahead) = found.ahead.filter(|ahead| ahead.abs() > OFF) {
                let todo = "keep this machine's clock with NTP: timedatectl set-ntp true";
                notes.warn("clock", format!("Twilio's is {} s off ours", ahead / 1000), todo);
            }
        }
        Err(error) => return notes.fail("account", error.to_string(), why(&error)),
    }
    number(&twilio, from, &webhook, notes).await;
}

fn why(error: &SmsError) -> &'static str {
    match error {
        SmsError::Misconfigured { .. } => "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN as Twilio's console shows them",
        _ => "see whether api.twilio.com can be reached from here (firewall, proxy, sms.base_url)",
    }
}

/// Each of the tokens is one that Twilio may sign with.
fn secrets(account: &config::Twilio, notes: &mut Notes) {
    let odd = |token: &&secrecy::SecretString| {
        let token = token.expose_secret();
        token.len() != 32 || !token.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let real = account.base_url.host_str().is_some_and(|host| host.ends_with("twilio.com"));
    if real && account.auth_tokens.iter().any(|token| odd(&token)) {
        notes.warn(
            "signature",
            "an auth token is not 32 hex digits: what Twilio signs with it is refused",
            "copy sms.auth_token anew from Twilio's console",
        );
    } else {
        let n = account.auth_tokens.len();
        notes.ok(
            "signature",
            if n == 1 { "one auth token".to_owned() } else { format!("{n} auth tokens, while one replaces the other") },
        );
    }
}

/// Twilio has to be able to reach us, by the name that it signs.
fn address(pipeline: &Checked, webhook: &str, notes: &mut Notes) {
    let public = &pipeline.server.public_url;
    let fake = pipeline_is_local(pipeline);
    if is_here(public) && !fake {
        let todo = "set server.public_url to what the world calls this machine, such as https://wtaf.example (a tunnel will do)";
        notes.fail("webhook", format!("{webhook}: Twilio cannot reach this machine's own name"), todo);
    } else if public.scheme() != "https" && !fake {
        let todo = "put a reverse proxy with a certificate before it and set server.public_url to its https:// address";
        notes.fail(
            "webhook",
            format!("{webhook}: texts would come in the open, and signed for this very address"),
            todo,
        );
    } else {
        notes.ok("webhook", format!("in Twilio's console, under \"A message comes in\": {webhook}"));
    }
}

/// A stand-in for Twilio on this machine can reach us.
fn pipeline_is_local(pipeline: &Checked) -> bool {
    matches!(&pipeline.sms.provider, SmsProvider::Twilio(account) if is_here(&account.base_url))
}

/// Whether the number is ours, and posts to us.
async fn number(twilio: &Twilio, from: &str, webhook: &str, notes: &mut Notes) {
    if from.starts_with("MG") {
        return notes.ok("number", format!("messaging service {from}: its own settings say where texts are posted"));
    }
    match twilio.webhook().await {
        Ok(None) => notes.fail(
            "number",
            format!("{from} is not a number of this account"),
            "set TWILIO_FROM to one that is, in the form +15551234567",
        ),
        Ok(Some(there)) if there == webhook => notes.ok("number", format!("{from} posts what comes in to us")),
        Ok(Some(there)) => {
            let found = if there.is_empty() {
                format!("{from} posts what comes in nowhere")
            } else {
                format!("{from} posts what comes in to {there}")
            };
            notes.warn("number", found, format!("in Twilio's console, under \"A message comes in\": {webhook}"));
        }
        Err(error) => notes.warn("number", format!("{from}: {error}"), "see the number in Twilio's console"),
    }
}
