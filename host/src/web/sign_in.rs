//! `/api/session`: a code by text, and a session for it. The page at `/sign-in` does the same through forms.
//!
//! Asking answers the same at once, whatever the number; trying is bound to the browser that asked. Nothing here says whether a number is known.

use std::net::IpAddr;

use axum::{
    extract::{self, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Problem, Site, address, api,
    ask::{self, minutes},
    form, session,
    session::Token,
    who::{self, Who},
};
use crate::{
    adapter::store::{CodeHash, CodeTried, CodeTry, Moved, Person, SessionKey},
    engine::CodeLimit,
    job::{Asker, GuestKey, Millis, Phone},
};

/// A guest's pages that are counted.
const PAGES: u32 = 1_000;

/// What everyone is told who asks for a code.
pub(super) const ON_ITS_WAY: &str =
    "If that number has texted us before, a code is on its way to it. It works for ten minutes, in this browser.";

#[derive(Deserialize)]
struct Wish {
    phone: String,
    #[serde(default)]
    session: Option<String>,
}

#[derive(Deserialize)]
struct Attempt {
    phone: String,
    code: String,
    #[serde(default)]
    move_pages: bool,
    #[serde(default)]
    session: Option<String>,
}

/// `POST /api/session`: a code, please.
pub(super) async fn ask(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, wish) = json_of::<Wish>(&site, request, "{\"phone\": \"+15550001111\"}").await?;
    let server = &site.config().server;
    let brought = api::brought(wish.session.as_deref(), &parts.headers, server)?;
    let phone = number(&wish.phone)?;
    let (token, fresh) = text_code(&site, from(&site, &parts), brought.token, phone).await?;
    // A client without cookies holds the token itself; it is what the code is bound to.
    let held = (fresh || !brought.by_cookie).then(|| token.as_str());
    let answer = json!({ "status": "accepted", "message": ON_ITS_WAY, "session": held });
    Ok(private((StatusCode::ACCEPTED, axum::Json(answer)).into_response(), cookie_of(&site, &token, fresh)))
}

/// `POST /api/session/verify`: the code, and a session for it.
pub(super) async fn verify(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let example = "{\"phone\": \"+15550001111\", \"code\": \"123456\"}";
    let (parts, attempt) = json_of::<Attempt>(&site, request, example).await?;
    let server = &site.config().server;
    let brought = api::brought(attempt.session.as_deref(), &parts.headers, server)?;
    let tried = Tried {
        token: brought.token,
        phone: number(&attempt.phone)?,
        code: &attempt.code,
        move_pages: attempt.move_pages,
    };
    let signed_in = try_code(&site, from(&site, &parts), tried).await?;
    let mut answer = about(&site, &signed_in.who).await?;
    answer["moved"] = json!(signed_in.moved.pages);
    // What a browser keeps out of reach of scripts is not handed to one.
    answer["session"] = json!(Some(signed_in.token.as_str()).filter(|_| !brought.by_cookie));
    let cookie = cookie_of(&site, &signed_in.token, brought.by_cookie);
    Ok(private(axum::Json(answer).into_response(), cookie))
}

/// `GET /api/session`: who am I.
pub(super) async fn show(extract::State(site): extract::State<Site>, headers: HeaderMap) -> Result<Response, Problem> {
    let who = site.who(&headers).await?;
    Ok(private(axum::Json(about(&site, &who).await?).into_response(), None))
}

/// `DELETE /api/session`: out.
pub(super) async fn end(
    extract::State(site): extract::State<Site>,
    uri: http::Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ask::check_origin(&site, &uri, &headers)?;
    sign_out(&site, session::reader(&headers, &site.config().server)).await?;
    Ok(private(StatusCode::NO_CONTENT.into_response(), session::no_cookie(&site.config().server)))
}

/// Ends a session, in the store, where it cannot be taken up again.
pub(super) async fn sign_out(site: &Site, token: Option<Token>) -> Result<(), Problem> {
    if let Some(token) = token.filter(Token::may_be_signed_in) {
        site.store().end_session(&SessionKey::of_token(token.as_str())).await?;
    }
    Ok(())
}

/// Has a code made and texted, apart from the answer, which must not show by its time whether there was anybody to text to. Gives the token that the code
/// is bound to, and whether it is fresh.
pub(super) async fn text_code(
    site: &Site,
    from: IpAddr,
    token: Option<Token>,
    phone: Phone,
) -> Result<(Token, bool), Problem> {
    site.engine().admit_code_ask(address::bucket(from)).await.map_err(over)?;
    let fresh = token.is_none();
    let token = token.unwrap_or_else(Token::fresh);
    let (engine, held) = (site.state.engine.clone(), token.clone());
    tokio::spawn(async move {
        match engine.text_code(held.as_str(), &phone).await {
            Ok(kept) => tracing::debug!(%phone, ?kept, "a code was asked for"),
            Err(error) => tracing::warn!(%error, "no code was texted"),
        }
    });
    Ok((token, fresh))
}

/// A try at signing in.
pub(super) struct Tried<'a> {
    pub token: Option<Token>,
    pub phone: Phone,
    pub code: &'a str,
    pub move_pages: bool,
}

/// Someone who has just signed in.
pub(super) struct SignedIn {
    pub token: Token,
    pub who: Who,
    pub moved: Moved,
}

/// Tries a code. The session's token is fresh, so that one planted in a browser before is worth nothing after.
pub(super) async fn try_code(site: &Site, from: IpAddr, tried: Tried<'_>) -> Result<SignedIn, Problem> {
    let code: String = tried.code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Err(
            ask::unprocessable("code-malformed", "A code has six digits.").todo("Type the six digits from the text.")
        );
    }
    site.engine().admit_code_try(address::bucket(from)).await.map_err(over)?;
    let Some(before) = tried.token else { return Err(expired()) };
    let guest = site.who_holds(Some(before.clone())).await?.guest;
    let token = Token::fresh_session();
    let attempt = CodeTry {
        browser: SessionKey::of_token(before.as_str()),
        hash: CodeHash::of(before.as_str(), &tried.phone, &code),
        phone: tried.phone,
        session: SessionKey::of_token(token.as_str()),
        guest: guest.clone(),
        now: Millis::now(),
    };
    let person = match site.store().try_code(attempt).await? {
        CodeTried::In(person) => *person,
        CodeTried::Wrong(left) => return Err(wrong(left)),
        CodeTried::TooMany => return Err(wrong(0)),
        CodeTried::Expired => return Err(expired()),
        CodeTried::Left => return Err(who::left(site.number())),
    };
    tracing::info!(user = %person.slug, "signed in");
    let moved = match &guest {
        Some(guest) if tried.move_pages => move_pages(site, guest, &person).await,
        _ => Moved::default(),
    };
    let who = Who { token: Some(token.clone()), guest, person: Some(person), ended: false };
    Ok(SignedIn { token, who, moved })
}

/// They are signed in whether or not this works; it is offered again as long as there are pages to move.
async fn move_pages(site: &Site, guest: &GuestKey, person: &Person) -> Moved {
    let moved = site.store().move_pages(guest, person.id, Millis::now()).await;
    moved.unwrap_or_else(|error| {
        tracing::warn!(%error, user = %person.slug, "a guest's pages did not move");
        Moved::default()
    })
}

/// Moves the pages of the guest this browser was, for someone who is signed in.
pub(super) async fn move_now(site: &Site, who: &Who) -> Moved {
    match (&who.guest, &who.person) {
        (Some(guest), Some(person)) => move_pages(site, guest, person).await,
        _ => Moved::default(),
    }
}

/// How many pages the browser made as a guest that are still the guest's.
pub(super) async fn guest_pages(site: &Site, who: &Who) -> Result<usize, Problem> {
    let Some(guest) = &who.guest else { return Ok(0) };
    let Some(guest) = site.store().person(&Asker::Guest(guest.clone())).await? else { return Ok(0) };
    Ok(site.store().pages_of(guest.id, PAGES).await?.len())
}

async fn about(site: &Site, who: &Who) -> Result<Value, Problem> {
    let person = who.person.as_ref();
    Ok(json!({
        "signed_in": person.is_some(),
        "user": person.map(|person| person.slug.as_str()),
        "number_hint": person.and_then(Person::phone).map(hint),
        "guest_pages": guest_pages(site, who).await?,
    }))
}

/// Enough to tell one's own numbers apart.
pub(super) fn hint(phone: &Phone) -> String {
    let number = phone.e164();
    format!("•••{}", &number[number.len() - 4..])
}

/// A number as people write it: spaces, dots, brackets, 00 for the plus sign.
pub(super) fn number(text: &str) -> Result<Phone, Problem> {
    let plain: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '(' | ')' | '/')).collect();
    let plain = plain.strip_prefix("00").map_or_else(|| plain.clone(), |rest| format!("+{rest}"));
    plain.parse().map_err(|_| {
        ask::unprocessable("phone-malformed", "That is no phone number with its country code.")
            .todo("Write it as +1 555 000 1111.")
    })
}

/// Where a request comes from.
pub(super) fn from(site: &Site, parts: &Parts) -> IpAddr {
    address::client(address::peer(&parts.extensions), &parts.headers, &site.trusted)
}

fn over(limit: CodeLimit) -> Problem {
    match limit {
        CodeLimit::Store(error) => error.into(),
        CodeLimit::Over { again } => {
            let wait = again.since(Millis::now()).as_secs() + 1;
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-codes", "That was tried too often from here.")
                .todo(format!("Try again in {}.", minutes(wait)))
                .retry_after(wait)
        }
    }
}

fn wrong(left: u32) -> Problem {
    if left == 0 {
        return Problem::new(StatusCode::FORBIDDEN, "too-many-tries", "That code was tried too often.")
            .todo("Ask for another one.");
    }
    let tries = if left == 1 { "One try is left.".to_owned() } else { format!("{left} tries are left.") };
    Problem::new(StatusCode::FORBIDDEN, "wrong-code", "That is not the code.")
        .detail(tries)
        .todo("Look at the text again, or ask for another code.")
        .with("tries_left", json!(left))
}

fn expired() -> Problem {
    Problem::new(StatusCode::GONE, "code-expired", "There is no code that works here now.")
        .detail("A code works once, for ten minutes, in the browser that asked for it.")
        .todo("Ask for another one.")
}

async fn json_of<T: DeserializeOwned>(site: &Site, request: Request, example: &str) -> Result<(Parts, T), Problem> {
    let (parts, body) = request.into_parts();
    ask::check_origin(site, &parts.uri, &parts.headers)?;
    // A form of another site can send anything but this type without asking us first.
    if !form::is(&parts.headers, "application/json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "This must come as JSON.")
            .todo(format!("Send Content-Type: application/json and {example}.")));
    }
    let bytes = form::read(body).await?;
    let read = serde_json::from_slice(&bytes).map_err(|_| {
        ask::unprocessable("bad-body", "The body is not the JSON that is asked for.").todo(format!("Send {example}."))
    })?;
    Ok((parts, read))
}

/// The cookie for a token, where a browser is to hold it.
pub(super) fn cookie_of(site: &Site, token: &Token, wanted: bool) -> Option<http::HeaderValue> {
    token.cookie(&site.config().server).filter(|_| wanted)
}

/// An answer that nobody keeps.
pub(super) fn private(mut response: Response, cookie: Option<http::HeaderValue>) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_as_people_write_it() {
        for text in ["+15550102001", " +1 (555) 010-2001 ", "001.555.010.2001"] {
            assert_eq!(number(text).unwrap().e164(), "+15550102001", "{text}");
        }
        for text in ["", "5550102001", "+1555", "+1555010200x", "ann@example.org"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_last_four_digits_are_shown() {
        assert_eq!(hint(&"+15550100042".parse().unwrap()), "•••0042");
    }
}
