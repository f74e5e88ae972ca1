//! The carrier's signature over what it posts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use crate::web::form::Pairs;

pub(super) fn fits(url: &str, pairs: &Pairs, signature: &str, tokens: &[SecretString]) -> bool {
    let Ok(given) = STANDARD.decode(signature) else { return false };
    let mut sorted = pairs.clone();
    sorted.sort();
    sorted.dedup();
    tokens.iter().any(|token| {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.expose_secret().as_bytes()) else { return false };
        mac.update(url.as_bytes());
        for (name, value) in &sorted {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        mac.verify_slice(&given).is_ok()
    })
}
