//! Who is let into the console: whoever operates the engine by the rule of [`super::super::operator`], or holds the cookie that the token was given for.
//!
//! The cookie is signed with a key made of the token, so it ends when the token changes; it is good for a few hours, for the console alone, and for requests
//! that come from it. The token itself is in no cookie and no address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use askama::Template;
use axum::{
    extract::{self, Request},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::super::{Problem, Site, address, ask, form, look, operator, problem, session};
use crate::{config::Server, job::Millis};

/// Where the console is; the cookie goes nowhere else.
pub(super) const PATH: &str = "/console";
const COOKIE: &str = "wtaf_console";
/// Where the engine has https: no unencrypted answer can set a cookie of this name.
const SECURE_COOKIE: &str = "__Secure-wtaf_console";
/// A night's work; then the token is asked for again.
const GOOD_FOR: Duration = Duration::from_hours(8);
/// Wrong tokens from one address, and from all together, in this span.
const SPAN: Duration = Duration::from_mins(5);
const MOST: u32 = 8;
const MOST_IN_ALL: u32 = 200;
/// Addresses remembered.
const ADDRESSES: usize = 4_096;

/// How someone came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// By the operator's rule: from this machine, or with the token as a bearer.
    Plainly,
    /// With the cookie: there is something to sign out of.
    SignedIn,
}

/// What somebody gets who is not let in.
pub(crate) enum Shut {
    /// The form that takes the token.
    SignIn(Box<Response>),
    /// A refusal.
    No(Problem),
}

impl<E: Into<Problem>> From<E> for Shut {
    fn from(error: E) -> Self {
        Self::No(error.into())
    }
}

impl IntoResponse for Shut {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(response) => *response,
            Self::No(problem) => problem.into_response(),
        }
    }
}

/// Lets an operator in.
pub(super) fn admit(site: &Site, uri: &Uri, headers: &HeaderMap) -> Result<Came, Problem> {
    match operator::check(site, uri, headers) {
        Ok(()) => Ok(Came::Plainly),
        Err(no) if no.status() == StatusCode::UNAUTHORIZED && holds_cookie(site, headers) => Ok(Came::SignedIn),
        Err(no) => Err(no),
    }
}

/// The same for a page that a person opens: who may sign in is shown where.
pub(super) fn open(site: &Site, uri: &Uri, headers: &HeaderMap) -> Result<Came, Shut> {
    let browses = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    admit(site, uri, headers).map_err(|no| {
        if no.status() == StatusCode::UNAUTHORIZED && browses {
            let to = uri.path_and_query().map_or(PATH, http::uri::PathAndQuery::as_str);
            return sign_in_page(site, to, None, StatusCode::UNAUTHORIZED)
                .map_or_else(Shut::No, |response| Shut::SignIn(Box::new(response)));
        }
        Shut::No(no)
    })
}

/// The same for what changes something: it must come from a page of ours.
pub(super) fn act(site: &Site, uri: &Uri, headers: &HeaderMap) -> Result<Came, Problem> {
    ask::check_form_origin(site, uri, headers)?;
    admit(site, uri, headers)
}

#[derive(Template)]
#[template(path = "console/sign-in.html")]
struct SignIn<'a> {
    title: &'a str,
    to: &'a str,
    note: Option<String>,
}

fn sign_in_page(site: &Site, to: &str, note: Option<String>, status: StatusCode) -> Result<Response, Problem> {
    let to = if is_ours(to) { to } else { PATH };
    let mut response = look::page(&SignIn { title: "Console", to, note }, &site.config().server)?;
    *response.status_mut() = status;
    response.extensions_mut().insert(problem::Told);
    private(&mut response);
    Ok(response)
}

/// `POST /console`: the token is given, once; or the cookie given back.
pub(crate) async fn enter(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    ask::check_form_origin(&site, &parts.uri, &parts.headers)?;
    let from = address::bucket(address::client(address::peer(&parts.extensions), &parts.headers, &site.trusted));
    let pairs = form::pairs(&parts.headers, body).await?;
    let server = &site.config().server;
    if form::first(&pairs, "do") == Some("out") {
        let mut response = Redirect::to(PATH).into_response();
        set_cookie(&mut response, server, "", Duration::ZERO);
        return Ok(response);
    }
    let to = form::first(&pairs, "to").filter(|to| is_ours(to)).unwrap_or(PATH);
    let given = form::first(&pairs, "token").unwrap_or_default().trim();
    let Some(token) = token(server) else {
        // There is nothing to sign in with; who may enter does.
        operator::check(&site, &parts.uri, &parts.headers)?;
        return Ok(Redirect::to(to).into_response());
    };
    // Digests are of one length, so that the time taken says nothing about the token.
    let right = bool::from(Sha256::digest(given)[..].ct_eq(&Sha256::digest(token)[..]));
    if let Err(held) = site.operators.tries.admit(from)
        && !(right && held.lets_in(token))
    {
        let note = format!("That was tried too often. Try again in {}.", super::words::age(held.wait));
        return sign_in_page(&site, to, Some(note), StatusCode::TOO_MANY_REQUESTS);
    }
    if !right {
        tracing::warn!("a wrong token was given to the console");
        let note =
            "That is not the token. It is server.admin_token of pipeline.toml, often WTAF_ADMIN_TOKEN.".to_owned();
        return sign_in_page(&site, to, Some(note), StatusCode::FORBIDDEN);
    }
    site.operators.tries.forgive(from);
    tracing::info!("an operator signed in to the console");
    let mut response = Redirect::to(to).into_response();
    set_cookie(&mut response, server, &pass(token, Millis::now().after(GOOD_FOR)), GOOD_FOR);
    Ok(response)
}

/// Nothing of the console is kept, or embedded, by anybody.
pub(super) fn private(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
}

fn is_ours(to: &str) -> bool {
    let rest = to.strip_prefix(PATH);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) && !to.contains(['\\', '\r', '\n'])
}

fn token(server: &Server) -> Option<&str> {
    server.admin_token.as_ref().map(ExposeSecret::expose_secret).filter(|token| !token.is_empty())
}

fn is_secure(server: &Server) -> bool {
    server.public_url.scheme() == "https"
}

fn set_cookie(response: &mut Response, server: &Server, value: &str, age: Duration) {
    let (name, secure) = if is_secure(server) { (SECURE_COOKIE, "; Secure") } else { (COOKIE, "") };
    let cookie = format!("{name}={value}; Path={PATH}; Max-Age={}; HttpOnly; SameSite=Strict{secure}", age.as_secs());
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    private(response);
}

fn holds_cookie(site: &Site, headers: &HeaderMap) -> bool {
    let server = &site.config().server;
    let name = if is_secure(server) { SECURE_COOKIE } else { COOKIE };
    let (Some(token), Some(held)) = (token(server), session::in_cookie(headers, name)) else { return false };
    is_good(token, held.as_str(), Millis::now())
}

/// What the cookie holds: until when it is good, some chance, and a signature over both that only the token's holder could make.
fn pass(token: &str, until: Millis) -> String {
    let chance = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>());
    let claim = format!("{}.{chance}", until.0);
    format!("{claim}.{}", signature(token, &claim))
}

fn is_good(token: &str, pass: &str, now: Millis) -> bool {
    let Some((claim, given)) = pass.rsplit_once('.') else { return false };
    let Some(until) = claim.split('.').next().and_then(|until| until.parse().ok()).map(Millis) else { return false };
    let own = bool::from(signature(token, claim).as_bytes().ct_eq(given.as_bytes()));
    // One that is good for longer than we give was made under another clock.
    own && now < until && until <= now.after(GOOD_FOR)
}

fn signature(token: &str, claim: &str) -> String {
    // A block of the hash: the key and zeros, as HMAC would fill it up.
    let mut key = [0; 64];
    key[..32].copy_from_slice(&Sha256::digest(token));
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(b"wtaf console\0");
    mac.update(claim.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// Tries to sign in, by address: in memory, so that the console opens also while the database is away.
#[derive(Default)]
pub(super) struct Tries(Mutex<HashMap<Option<IpAddr>, Tried>>);

/// How often, and since when.
type Tried = (u32, Option<Instant>);

/// Who tries is held up.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    wait: Duration,
    /// By tries of their own address, not by those of others.
    by_own: bool,
}

impl Held {
    /// Whether the right token is let in all the same. Strangers never keep its owner out; who shares their address (a proxy that is not trusted) waits only
    /// where the token is so short that it might have been guessed.
    fn lets_in(&self, token: &str) -> bool {
        !self.by_own || operator::is_beyond_guessing(token)
    }
}

impl Tries {
    /// Counts one more, or tells how long to wait.
    fn admit(&self, from: IpAddr) -> Result<(), Held> {
        self.admit_at(from, Instant::now())
    }

    fn admit_at(&self, from: IpAddr, now: Instant) -> Result<(), Held> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|_, (_, began)| began.is_some_and(|began| now.saturating_duration_since(began) < SPAN));
        if tries.len() >= ADDRESSES && !tries.contains_key(&Some(from)) {
            return Err(Held { wait: SPAN, by_own: false });
        }
        for (who, most) in [(Some(from), MOST), (None, MOST_IN_ALL)] {
            if let Some((tried, Some(began))) = tries.get(&who)
                && *tried >= most
            {
                let wait = SPAN.saturating_sub(now.saturating_duration_since(*began));
                return Err(Held { wait, by_own: who.is_some() });
            }
        }
        for who in [Some(from), None] {
            let (tried, began) = tries.entry(who).or_default();
            *tried += 1;
            began.get_or_insert(now);
        }
        Ok(())
    }

    /// The right token was given.
    fn forgive(&self, from: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&Some(from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_413_000_000);

    #[test]
    fn a_pass_is_good_for_a_while_and_for_its_token_alone() {
        let held = pass("token-one", NOW.after(GOOD_FOR));
        assert!(is_good("token-one", &held, NOW));
        assert!(!is_good("token-two", &held, NOW), "the token was changed");
        assert!(!is_good("token-one", &held, NOW.after(GOOD_FOR)), "its time is over");
        assert_ne!(held, pass("token-one", NOW.after(GOOD_FOR)));
    }

    #[test]
    fn a_pass_cannot_be_stretched_or_made_up() {
        let held = pass("token-one", NOW);
        let (claim, signature) = held.rsplit_once('.').unwrap();
        let later = claim.replacen(&NOW.0.to_string(), &NOW.after(GOOD_FOR).0.to_string(), 1);
        for made_up in [format!("{later}.{signature}"), String::new(), ".".into(), "x.y.z".into(), signature.to_owned()]
        {
            assert!(!is_good("token-one", &made_up, NOW.before(Duration::from_secs(1))), "{made_up}");
        }
        let forever = pass("token-one", NOW.after(GOOD_FOR * 9));
        assert!(!is_good("token-one", &forever, NOW));
    }

    #[test]
    fn wrong_tokens_are_few_from_one_address_and_bounded_from_all() {
        let (tries, now) = (Tries::default(), Instant::now());
        let from = |n: u8| IpAddr::from([10, 0, 0, n]);
        for _ in 0..MOST {
            tries.admit_at(from(1), now).unwrap();
        }
        assert_eq!(tries.admit_at(from(1), now), Err(Held { wait: SPAN, by_own: true }));
        assert!(tries.admit_at(from(2), now).is_ok());
        assert!(tries.admit_at(from(1), now + SPAN).is_ok());
        let (tries, mut admitted) = (Tries::default(), 0);
        for n in 0..=250 {
            admitted += u32::from(tries.admit_at(from(n), now).is_ok());
        }
        assert_eq!(admitted, MOST_IN_ALL);
        assert_eq!(tries.admit_at(from(251), now), Err(Held { wait: SPAN, by_own: false }));
    }

    #[test]
    fn whoever_has_the_token_is_kept_out_by_their_own_tries_alone_and_only_of_a_short_one() {
        let held = |by_own| Held { wait: SPAN, by_own };
        let long = "6f1c2a9be04d7758aa31fe90";
        assert!(held(false).lets_in("short") && held(false).lets_in(long) && held(true).lets_in(long));
        for short in ["short", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "6f1c2a9be04d7758aa31fe9"] {
            assert!(!held(true).lets_in(short), "{short}");
        }
    }

    #[test]
    fn after_signing_in_one_stays_in_the_console() {
        for to in ["/console", "/console/jobs?status=failed", "/console?stage=ai"] {
            assert!(is_ours(to), "{to}");
        }
        for to in ["", "/", "//evil.example", "https://evil.example", "/consoles", "/console\\x", "/chat"] {
            assert!(!is_ours(to), "{to}");
        }
    }
}
