//! Whose browser it is: a token of fresh chance, in a cookie that scripts cannot read, or carried by a client of the API.
//!
//! The token is kept nowhere here; the store knows its digest ([`GuestKey`]). It never stands in a URL.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::{
    config::Server,
    job::{Asker, GuestKey},
};

const COOKIE: &str = "wtaf_session";
/// A year: a guest's pages live under a slug that only this token leads to.
const AGE: u32 = 365 * 24 * 3600;

/// Fewer characters than this are not chance enough.
const SHORTEST: usize = 22;

/// A session token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(String);

impl Token {
    /// A fresh one, 192 bits.
    pub fn fresh() -> Self {
        Self(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>()))
    }

    /// The one of a client that holds no more than a key of its own: nobody else can make it, and a second try makes the same.
    pub fn of_key(key: &str) -> Option<Self> {
        let digest = Sha256::digest(format!("wtaf session of the key {key}"));
        (key.len() >= SHORTEST).then(|| Self(URL_SAFE_NO_PAD.encode(&digest[..24])))
    }

    /// One that a client holds; too short to be chance, or of other characters than ours and a UUID's, is none.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (SHORTEST..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        fits.then(|| Self(text.to_owned()))
    }

    pub fn asker(&self) -> Asker {
        Asker::Guest(GuestKey::of_token(&self.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header that gives it to a browser.
    pub fn cookie(&self, server: &Server) -> Option<HeaderValue> {
        let secure = if server.public_url.scheme() == "https" { "; Secure" } else { "" };
        let text = format!("{COOKIE}={}; Path=/; Max-Age={AGE}; HttpOnly; SameSite=Lax{secure}", self.0);
        HeaderValue::from_str(&text).ok()
    }
}

/// The token in the cookie, if there is one.
pub(super) fn cookie(headers: &HeaderMap) -> Option<Token> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| if name == COOKIE { Token::parse(value) } else { None })
}

/// What follows `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
}

/// Who reads: the session in the header, else the one in the cookie.
pub(super) fn reader(headers: &HeaderMap) -> Option<Token> {
    bearer(headers).and_then(Token::parse).or_else(|| cookie(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_fresh_token_is_long_and_never_the_same() {
        let (a, b) = (Token::fresh(), Token::fresh());
        assert!(a.as_str().len() >= 32 && a != b);
        assert!(Token::parse(a.as_str()).is_some());
    }

    #[test]
    fn a_short_or_odd_token_is_none() {
        for text in ["", "abc", "aaaaaaaaaaaaaaaaaaaaaaaaa;b", "aaaaaaaaaaaaaaaaaaaaaaa a", &"a".repeat(129)] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let token = Token::fresh();
        let found = cookie(&headers("cookie", &format!("a=b; wtaf_session={}; c=d", token.as_str())));
        assert!(found == Some(token));
        assert!(cookie(&headers("cookie", "wtaf_sessions=aaaaaaaaaaaaaaaaaaaaaaaaa")).is_none());
    }

    #[test]
    fn only_a_bearer_is_a_bearer() {
        assert_eq!(bearer(&headers("authorization", "bearer xyz")), Some("xyz"));
        assert_eq!(bearer(&headers("authorization", "Basic xyz")), None);
        assert_eq!(bearer(&headers("authorization", "Bearer")), None);
    }
}
