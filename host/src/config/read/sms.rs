//! `[sms]`: who carries the texts, and what they need for it.

use crate::config::{
    fault::{Code, Found},
    keys::{Carrier, sms},
    model::{Sms, SmsProvider, Twilio},
    walk::{Key, Kind, View, Walk},
};

/// The carrier, its account complete.
pub fn read(walk: &mut Walk<'_>, view: &View) -> Option<Sms> {
    let provider = view.get(walk, &sms::PROVIDER);
    let sid = view.get(walk, &sms::ACCOUNT_SID);
    let tokens = view.get(walk, &sms::AUTH_TOKEN);
    let from = view.get(walk, &sms::FROM);
    let base_url = view.get(walk, &sms::BASE_URL_);
    let acknowledge = view.get(walk, &sms::ACKNOWLEDGE);
    let per_second = view.get(walk, &sms::PER_SECOND);
    if base_url.as_ref().is_some_and(|url| url.path() != "/") {
        let fault =
            Found::new(Code::BadValue, view.at_of(&sms::BASE_URL_), "`sms.base_url` has a path, which is added to it");
        walk.push(fault.help("write the host alone: https://api.twilio.com"));
    }
    let provider = match provider? {
        Carrier::Console => SmsProvider::Console,
        Carrier::Twilio => {
            let missing = [
                missing(walk, view, &sms::ACCOUNT_SID, "TWILIO_ACCOUNT_SID"),
                missing(walk, view, &sms::AUTH_TOKEN, "TWILIO_AUTH_TOKEN") || told_empty(walk, view, tokens.as_deref()),
                missing(walk, view, &sms::FROM, "TWILIO_FROM"),
            ];
            if missing.contains(&true) {
                return None;
            }
            SmsProvider::Twilio(Twilio { account_sid: sid?, auth_tokens: tokens?, base_url: base_url? })
        }
    };
    Some(Sms { provider, from, acknowledge: acknowledge?, per_second })
}

fn missing<K: Kind>(walk: &mut Walk<'_>, view: &View, key: &'static Key<K>, variable: &str) -> bool {
    if view.has(walk, key) {
        return false;
    }
    let path = view.path_of(key.name);
    let fault = match view.node(key) {
        Some(node) => Found::new(Code::Missing, node.at, format!("Twilio needs `{path}`, and it comes out empty")),
        None => Found::new(Code::Missing, view.at(), format!("Twilio needs `{path}`")),
    };
    let help = format!(
        "set {variable} (in the environment, or in the .env beside the file) and write {} = \"${{{variable}:-}}\"",
        key.name
    );
    walk.push(match view.entry_at(&sms::PROVIDER) {
        Some(at) => fault.also(at, "asked for here").help(help),
        None => fault.help(help),
    });
    true
}

/// A list of tokens that all came out empty.
fn told_empty(walk: &mut Walk<'_>, view: &View, tokens: Option<&[secrecy::SecretString]>) -> bool {
    let empty = tokens.is_some_and(<[_]>::is_empty);
    if empty {
        let message = "Twilio needs `sms.auth_token`, and every one in the list comes out empty";
        walk.push(Found::new(Code::Missing, view.at_of(&sms::AUTH_TOKEN), message).help("set TWILIO_AUTH_TOKEN"));
    }
    empty
}
