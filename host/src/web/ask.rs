//! Asking from the web: who asks, whether they may, and the request handed over. The API and the plain form share it.

use http::{HeaderMap, StatusCode, Uri};

use super::{Problem, Site, address, local, session::Token, who::Who};
use crate::{
    adapter::queue::Accepted,
    job::{Asker, Millis, Request, Source},
};

/// Characters a message may have.
pub(super) const LONGEST: usize = 8_000;
const LONGEST_KEY: usize = 200;

/// What someone asks.
pub(super) struct Asked<'a> {
    pub message: &'a str,
    pub coach: Option<&'a str>,
    pub key: Option<&'a str>,
    pub who: Who,
}

/// What came of it.
pub(super) struct Taken {
    pub accepted: Accepted,
    pub token: Token,
    /// The token was made for this request.
    pub fresh: bool,
}

/// Hands a message to the engine; durable when this returns `Ok`.
pub(super) async fn ask(site: &Site, from: std::net::IpAddr, asked: Asked<'_>) -> Result<Taken, Problem> {
    let who = asked.who;
    if who.ended {
        return Err(signed_out());
    }
    if who.person.is_none() && !site.config().web.guests {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "guests-off",
            "Only people who are signed in may ask here.",
        )
        .todo("Sign in, or text the number."));
    }
    who.check_standing(site.number())?;
    let message = message(asked.message)?;
    let coach = asked.coach.map(str::trim).filter(|c| !c.is_empty());
    if coach.is_some_and(|c| c.chars().count() > 64) {
        return Err(unprocessable("coach-too-long", "A coach's name has at most 64 characters."));
    }
    let key = asked.key.map(idempotency_key).transpose()?;
    if who.person.is_none() {
        admit_guest(site, from).await?;
    }
    let fresh = who.token.is_none();
    let asker = who.asker();
    let token = match (who.token, key) {
        (Some(token), _) => token,
        // Whoever tries again with their key is the same guest, and gets the same session; so the key must be as hard to guess as one.
        (None, Some(key)) => Token::of_key(key).ok_or_else(|| {
            unprocessable(
                "idempotency-key",
                "Without a session an Idempotency-Key has at least 22 characters, of chance.",
            )
            .todo("Send a UUID as the key, or the session that an answer gave you.")
        })?,
        (None, None) => Token::fresh(),
    };
    let asker = asker.unwrap_or_else(|| Asker::Guest(token.guest()));
    let delivery = key.map(|key| match &asker {
        Asker::Guest(guest) => format!("web:{}:{key}", guest.as_str()),
        Asker::Phone(phone) => format!("web:{}:{key}", phone.e164()),
    });
    let accepted = site
        .engine()
        .accept(Request {
            source: Source::Web,
            asker,
            text: message.to_owned(),
            media: Vec::new(),
            delivery,
            opt_out: None,
            coach: coach.map(str::to_owned),
            user_slug: None,
        })
        .await?;
    Ok(Taken { accepted, token, fresh })
}

/// Someone without a session of their own is counted by where they ask from; for a person their own limits count.
async fn admit_guest(site: &Site, from: std::net::IpAddr) -> Result<(), Problem> {
    site.engine().admit_guest(address::bucket(from)).await.map_err(|limit| {
        let wait = limit.again.since(Millis::now()).as_secs() + 1;
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "guest-limit",
            "This address has asked as often as guests may in an hour.",
        )
        .kept("Pages made so far stay where they are.")
        .todo(format!("Sign in, or ask again in {}.", minutes(wait)))
        .retry_after(wait)
    })
}

/// A page made now would land under another name than they think.
fn signed_out() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "signed-out", "You are not signed in here any more.")
        .kept("Your pages are where they were.")
        .detail("Sign in again, or open the chat anew to ask as a guest.")
}

fn message(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(unprocessable("message-empty", "There is nothing in the message.").todo("Say what to make."));
    }
    let long = text.chars().count();
    if long > LONGEST {
        return Err(unprocessable("message-too-long", format!("The message has {long} characters."))
            .todo(format!("Say it in {LONGEST} or fewer.")));
    }
    Ok(text)
}

pub(super) fn idempotency_key(key: &str) -> Result<&str, Problem> {
    let fits = !key.is_empty() && key.len() <= LONGEST_KEY && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    fits.then_some(key).ok_or_else(|| {
        unprocessable(
            "idempotency-key",
            format!("An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters."),
        )
    })
}

/// Something in the request cannot be worked with.
pub(super) fn unprocessable(code: &'static str, title: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, title)
}

/// A page elsewhere may not ask in the name of whoever looks at it. A client without an Origin is no page.
pub(super) fn check_origin(site: &Site, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let public = &site.config().server.public_url;
    let allowed = &site.config().web.allowed_origins;
    match local::origin(headers) {
        local::Origin::Absent => Ok(()),
        local::Origin::Named(origin)
            if local::is_ours(origin, public, uri, headers)
                || allowed.iter().any(|a| a.trim_end_matches('/').eq_ignore_ascii_case(origin)) =>
        {
            Ok(())
        }
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "Another web page sent this.")
            .detail("Its origin is neither server.public_url nor one of web.allowed_origins.")
            .todo("Ask from our own page, or have the origin added to web.allowed_origins.")),
    }
}

/// A form can be sent by any page, so here an Origin must be there, and be ours alone.
pub(super) fn check_form_origin(site: &Site, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    match local::origin(headers) {
        local::Origin::Named(origin) if local::is_ours(origin, &site.config().server.public_url, uri, headers) => {
            Ok(())
        }
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "This form was not sent from our own page.")
            .todo("Open our own page and send it from there.")),
    }
}

/// A wait as people say it.
pub(super) fn minutes(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        more => format!("{more} minutes"),
    }
}
