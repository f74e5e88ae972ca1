//! Whose browser it is: a token of fresh chance, in a cookie that scripts cannot read, or carried by a client of the API.
//!
//! The token is kept nowhere here; the store knows its digest ([`GuestKey`], [`crate::adapter::store::SessionKey`]). It never stands in a URL. What it stands
//! for is told by [`super::who`].

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::{config::Server, job::GuestKey};

const COOKIE: &str = "wtaf_session";
/// Where the engine has https: no other host and no unencrypted answer can set a cookie of this name.
const HOST_COOKIE: &str = "__Host-wtaf_session";
/// How the token of someone who signed in begins.
const SIGNED_IN: &str = "s.";
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

    /// A fresh one for someone who signs in, 256 bits. One sees by its form that it must be looked up.
    pub fn fresh_session() -> Self {
        Self(format!("{SIGNED_IN}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())))
    }

    /// Whether it has the form of a session's.
    pub fn may_be_signed_in(&self) -> bool {
        self.0.starts_with(SIGNED_IN)
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

    /// The guest who holds it.
    pub fn guest(&self) -> GuestKey {
        GuestKey::of_token(&self.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header that gives it to a browser.
    pub fn cookie(&self, server: &Server) -> Option<HeaderValue> {
        HeaderValue::from_str(&set(server, &self.0, AGE)).ok()
    }
}

/// The header that takes it from a browser.
pub(super) fn no_cookie(server: &Server) -> Option<HeaderValue> {
    HeaderValue::from_str(&set(server, "", 0)).ok()
}

fn set(server: &Server, value: &str, age: u32) -> String {
    let secure = if is_secure(server) { "; Secure" } else { "" };
    format!("{}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}", name(server))
}

fn is_secure(server: &Server) -> bool {
    server.public_url.scheme() == "https"
}

fn name(server: &Server) -> &'static str {
    if is_secure(server) { HOST_COOKIE } else { COOKIE }
}

/// The token in the cookie, if there is one.
pub(super) fn cookie(headers: &HeaderMap, server: &Server) -> Option<Token> {
    in_cookie(headers, name(server))
}

/// The token in the cookie of this name.
pub(super) fn in_cookie(headers: &HeaderMap, ours: &str) -> Option<Token> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| if name == ours { Token::parse(value) } else { None })
}

/// What follows `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
}

/// Who reads: the session in the header, else the one in the cookie.
pub(super) fn reader(headers: &HeaderMap, server: &Server) -> Option<Token> {
    bearer(headers).and_then(Token::parse).or_else(|| cookie(headers, server))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(public_url: &str) -> Server {
        Server {
            metrics_listen: None,
            listen: "127.0.0.1:3030".parse().unwrap(),
            public_url: public_url.parse().unwrap(),
            admin_token: None,
            bridge_token: None,
            pages_url: None,
            trusted_proxies: vec![],
            shutdown_timeout: std::time::Duration::ZERO,
        }
    }

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
        let (token, here) = (Token::fresh(), server("http://localhost:3030"));
        let found = cookie(&headers("cookie", &format!("a=b; wtaf_session={}; c=d", token.as_str())), &here);
        assert!(found == Some(token));
        assert!(cookie(&headers("cookie", "wtaf_sessions=aaaaaaaaaaaaaaaaaaaaaaaaa"), &here).is_none());
    }

    #[test]
    fn with_https_only_a_cookie_that_no_one_else_can_set_counts() {
        let (token, there) = (Token::fresh(), server("https://wtaf.example"));
        let set = token.cookie(&there).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-wtaf_session=") && set.contains("; Path=/;") && set.ends_with("; Secure"));
        let tossed = format!("wtaf_session={}", token.as_str());
        assert!(cookie(&headers("cookie", &tossed), &there).is_none());
        assert!(cookie(&headers("cookie", &format!("__Host-{tossed}")), &there) == Some(token));
    }

    #[test]
    fn a_session_is_told_from_a_guest_by_its_form() {
        assert!(Token::fresh_session().may_be_signed_in() && !Token::fresh().may_be_signed_in());
        assert!(Token::parse(Token::fresh_session().as_str()).is_some());
    }

    #[test]
    fn only_a_bearer_is_a_bearer() {
        assert_eq!(bearer(&headers("authorization", "bearer xyz")), Some("xyz"));
        assert_eq!(bearer(&headers("authorization", "Basic xyz")), None);
        assert_eq!(bearer(&headers("authorization", "Bearer")), None);
    }
}
