//! Who may operate the engine over HTTP: whoever holds `server.admin_token`; where none is set, a request from this machine.

use std::collections::HashSet;

use http::{HeaderMap, StatusCode, Uri};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Problem, Site, session};

/// A token of so many signs, of so many kinds, is found by nobody who tries.
const LONG: usize = 24;
const KINDS: usize = 8;

/// Whether nobody finds a token by trying.
pub(crate) fn is_beyond_guessing(token: &str) -> bool {
    let kinds: HashSet<char> = token.chars().collect();
    token.chars().count() >= LONG && kinds.len() >= KINDS
}

/// Lets an operator pass, or says what is missing.
pub(super) fn check(site: &Site, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let token = site.config().server.admin_token.as_ref().filter(|token| !token.expose_secret().is_empty());
    let Some(token) = token else {
        return site.local(uri, headers).map_err(|why| {
            Problem::new(
                StatusCode::FORBIDDEN,
                "not-local",
                "Operating is for this machine only, while there is no token.",
            )
            .detail(format!("This request is not local: {why}."))
            .todo("Set server.admin_token, and send it as a bearer.")
        });
    };
    // Digests are of one length, so that the time taken says nothing about the token.
    let fits = session::bearer(headers)
        .is_some_and(|given| bool::from(Sha256::digest(given)[..].ct_eq(&Sha256::digest(token.expose_secret())[..])));
    if fits {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNAUTHORIZED, "operators-only", "This is for whoever runs the engine.")
        .todo("Send server.admin_token as a bearer."))
}
