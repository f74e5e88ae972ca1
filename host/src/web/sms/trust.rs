//! Who may post a text: the carrier, by its signature; a bridge, by its token; with the console provider, this machine.

use http::{HeaderMap, StatusCode, Uri};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    adapter::sms::signature,
    config::SmsProvider,
    web::{Problem, Site, form::Pairs, session},
};

/// Whom a post came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// The carrier.
    Carrier,
    /// A web app that posts for its own people.
    Bridge,
    /// `/phone`, or a shell on this machine.
    Local,
}

/// Whom a post came from, or the 403 that says what is missing.
pub(super) fn check(site: &Site, uri: &Uri, headers: &HeaderMap, pairs: &Pairs) -> Result<Via, Problem> {
    if let Some(token) = session::bearer(headers) {
        return if is_bridge(site, token) {
            Ok(Via::Bridge)
        } else {
            Err(forbidden("bad-token", "The bridge's token does not fit.")
                .todo("Send server.bridge_token as the bearer."))
        };
    }
    match &site.config().sms.provider {
        SmsProvider::Twilio(_) => signed(site, uri, headers, pairs).map(|()| Via::Carrier),
        SmsProvider::Console => match site.local(uri, headers) {
            Ok(()) => Ok(Via::Local),
            Err(why) => Err(forbidden("unsigned", "A text without a signature is taken only from this machine.")
                .detail(format!("This one is not: {why}."))
                .todo("Set up a carrier under [sms], or send server.bridge_token as a bearer.")),
        },
    }
}

/// The carrier's signature fits, or the 403 that says why not.
pub(super) fn signed(site: &Site, uri: &Uri, headers: &HeaderMap, pairs: &Pairs) -> Result<(), Problem> {
    let SmsProvider::Twilio(twilio) = &site.config().sms.provider else {
        return Err(forbidden("unsigned", "There is no carrier whose signature could be checked.")
            .todo("Set sms.provider to twilio."));
    };
    let Some(given) = headers.get("x-twilio-signature").and_then(|v| v.to_str().ok()) else {
        return Err(forbidden("unsigned", "The request carries no signature.").detail("X-Twilio-Signature is missing."));
    };
    // Over the address the carrier was given, never the one in Host.
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if signature::check(&site.config().server.public_url, path, pairs, given, &twilio.auth_tokens) {
        Ok(())
    } else {
        Err(forbidden("bad-signature", "The signature does not fit.")
            .detail("It is checked over server.public_url with this path, with each of sms.auth_token.")
            .todo("See that server.public_url is the address the carrier calls, to the letter."))
    }
}

/// Whether a request carries the bridge's token.
pub(in crate::web) fn bears_bridge_token(site: &Site, headers: &HeaderMap) -> bool {
    session::bearer(headers).is_some_and(|token| is_bridge(site, token))
}

fn is_bridge(site: &Site, token: &str) -> bool {
    let Some(ours) = site.config().server.bridge_token.as_ref().filter(|t| !t.expose_secret().is_empty()) else {
        return false;
    };
    // Digests are of one length, so that the time taken says nothing about the token.
    let (a, b) = (Sha256::digest(token), Sha256::digest(ours.expose_secret()));
    bool::from(a[..].ct_eq(&b[..]))
}

fn forbidden(code: &'static str, title: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, title)
}
