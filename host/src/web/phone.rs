//! `/phone`: a phone in the browser that texts the engine. Only with the console provider, and only from this machine.

use askama::Template;
use axum::{
    extract,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{Problem, Site, ask, form, jobs, look, page};
use crate::{
    adapter::{
        sms::segments::{self, Encoding},
        store::{JobFilter, Lookup, OutboxText, PageKey, Person, Standing},
    },
    job::{Asker, Job, Phone},
};

/// Texts shown, each way.
const TEXTS: u32 = 40;

#[derive(Template)]
#[template(path = "phone.html")]
struct Screen<'a> {
    title: &'a str,
    number: &'a str,
    plan: String,
    /// What GSM-7 knows: the script tells the price of words while they are written.
    basic: &'static str,
    extended: &'static str,
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    admit(&site, &uri, &headers)?;
    let config = site.config();
    let screen = Screen {
        title: "Phone",
        number: config.sms.from.as_deref().unwrap_or("+15550009999"),
        plan: config.stages.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" "),
        basic: segments::BASIC,
        extended: segments::EXTENDED,
    };
    look::page(&screen, &config.server)
}

/// What a phone shows, and the story of its last job.
pub(super) async fn texts(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    admit(&site, &uri, &headers)?;
    let phone = number(&uri)?;
    let filter = JobFilter { asker: Some(Asker::Phone(phone.clone())), ..JobFilter::default() };
    let asked = site.store().jobs(&filter, TEXTS).await?;
    let told = site.store().texts_to(&phone, TEXTS).await?;
    let story = match asked.first() {
        // The queue knows the newest job better than the index.
        Some(job) => {
            let job = site.engine().job(job.id).await?.unwrap_or_else(|| job.clone());
            Some(jobs::json(&site, &job, true).await)
        }
        None => None,
    };
    let mut bubbles: Vec<(u64, Value)> = asked.iter().map(inbound).collect();
    for text in &told {
        bubbles.push(outbound(&site, text).await);
    }
    bubbles.sort_by_key(|(at, _)| *at);
    let bubbles: Vec<Value> = bubbles.into_iter().map(|(_, bubble)| bubble).collect();
    let person = site.store().person(&Asker::Phone(phone.clone())).await?;
    let seen = json!({
        "number": phone.e164(), "person": person.as_ref().map(known), "bubbles": bubbles, "job": story,
    });
    let mut response = axum::Json(seen).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Whose phone it is, as the engine knows them.
fn known(person: &Person) -> Value {
    let standing = match person.standing {
        Standing::Active => "active",
        Standing::Left => "left",
    };
    json!({ "slug": person.slug, "role": person.role, "standing": standing })
}

fn inbound(job: &Job) -> (u64, Value) {
    let size = segments::measure(&job.request.text);
    let bubble = json!({
        "id": job.id,
        "job": job.id,
        "way": "in",
        "text": job.request.text,
        "at": job.created_at,
        "status": job.status,
        "segments": size.segments,
        "units": size.units,
        "encoding": encoding(size.encoding),
    });
    (job.created_at.0, bubble)
}

fn encoding(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Gsm7 => "GSM-7",
        Encoding::Ucs2 => "UCS-2",
    }
}

async fn outbound(site: &Site, text: &OutboxText) -> (u64, Value) {
    let size = segments::measure(&text.text.body);
    let bubble = json!({
        "id": text.id,
        "job": text.text.job,
        "way": "out",
        "text": text.text.body,
        "at": text.created,
        "status": text.status.as_str(),
        "segments": text.segments.unwrap_or(size.segments),
        "units": size.units,
        "encoding": encoding(size.encoding),
        "error": text.error,
        "card": card(site, &text.text.body).await,
    });
    (text.created.0, bubble)
}

/// The page a text ends with, when it is one of ours.
async fn card(site: &Site, body: &str) -> Value {
    let server = &site.config().server;
    let base = server.page_url("/");
    let Some(path) = body.split_whitespace().last().and_then(|link| link.strip_prefix(base.as_str())) else {
        return Value::Null;
    };
    let Some((user, app)) = path.split_once('/').filter(|(u, a)| page::slug(u).is_some() && page::slug(a).is_some())
    else {
        return Value::Null;
    };
    let key = PageKey { user: user.to_owned(), app: app.to_owned() };
    match site.store().page(&key, None).await {
        Ok(Lookup::Found(found)) => json!({
            "url": page::link(server, user, app),
            "title": found.draft.title,
            "description": found.draft.description,
            "image": format!("/{user}/{app}/card.png?v={}", found.version),
        }),
        _ => Value::Null,
    }
}

fn number(uri: &Uri) -> Result<Phone, Problem> {
    let query = form::query(uri);
    // A plus sign in a query arrives as a space.
    let digits = form::first(&query, "number").unwrap_or_default().trim().trim_start_matches('+').to_owned();
    format!("+{digits}")
        .parse()
        .map_err(|error| ask::unprocessable("number-malformed", "That is no phone number.").detail(format!("{error}.")))
}

fn admit(site: &Site, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if !site.console() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no-phone", "There is no phone here.")
            .detail("Texts go through a carrier (sms.provider), so a real phone is the way.")
            .todo("Set sms.provider to console to try it in the browser."));
    }
    site.local(uri, headers).map_err(|why| {
        Problem::new(StatusCode::FORBIDDEN, "not-local", "The phone is for this machine only.")
            .detail(format!("This request does not count as local: {why}."))
            .todo("Open it as localhost, with server.listen and server.public_url on loopback.")
    })
}
