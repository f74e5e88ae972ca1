//! `/console/people`: who is known, masked; their role, standing, pages, and what they used of what they may. A number is looked for by a form, never by an
//! address.

use askama::Template;
use axum::{
    extract::{self, Request},
    response::Response,
};
use http::{HeaderMap, Uri};

use super::{Frame, Here, Shut, door, drawn, frame, page, stored, words};
use crate::{
    adapter::store::{Listed, Person, PersonId, Standing},
    config::Limits,
    job::{Asker, Millis},
    web::{Problem, Site, form, sign_in},
};

/// People on a page.
const PAGE: u32 = 25;

#[derive(Template)]
#[template(path = "console/people.html")]
struct View {
    title: &'static str,
    frame: Frame,
    rows: Result<Vec<Row>, String>,
    older: Option<i64>,
    paged: bool,
    /// Somebody was looked for.
    sought: bool,
    note: Option<&'static str>,
    limits: bool,
}

struct Row {
    slug: String,
    who: String,
    role: String,
    left: bool,
    confirmed: bool,
    joined: String,
    pages: u64,
    used: [Used; 3],
}

/// Of an allowance.
struct Used {
    orders: u64,
    most: u64,
    out: bool,
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::People, &uri, &headers).await?;
    let before = form::first(&form::query(&uri), "before").and_then(|before| before.parse().ok()).map(PersonId);
    let limits = limits(&site);
    let listed = stored(site.store().roll(before, PAGE + 1, Millis::now())).await;
    let mut older = None;
    let rows = listed.map(|mut listed| {
        if listed.len() > PAGE as usize {
            listed.truncate(PAGE as usize);
            older = listed.last().map(|last| last.person.id.0);
        }
        listed.iter().map(|one| row(one, &limits)).collect()
    });
    let view = View {
        title: "People",
        rows,
        older,
        paged: before.is_some(),
        sought: false,
        note: None,
        limits: limits.enabled,
        frame,
    };
    Ok(page(&site, &view)?)
}

/// Somebody by their number or slug. The number is in the form's body, and nowhere in the answer.
pub(crate) async fn find(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let came = door::act(&site, &parts.uri, &parts.headers)?;
    let pairs = form::pairs(&parts.headers, body).await?;
    let who = form::first(&pairs, "who").unwrap_or_default().trim().to_owned();
    let frame = drawn(&site, Here::People, &parts.uri, came).await;
    let limits = limits(&site);
    let found = match known(&site, &who).await {
        Ok(Some(person)) => stored(site.store().listed(person.id, Millis::now())).await,
        Ok(None) => Ok(None),
        Err(why) => Err(why),
    };
    let rows = found.map(|found| found.iter().map(|one| row(one, &limits)).collect::<Vec<_>>());
    let note = matches!(&rows, Ok(rows) if rows.is_empty())
        .then_some("Nobody is known by that. A number is written with its country code, such as +1 555 000 1111.");
    page(
        &site,
        &View { title: "People", rows, older: None, paged: false, sought: true, note, limits: limits.enabled, frame },
    )
}

async fn known(site: &Site, who: &str) -> Result<Option<Person>, String> {
    match sign_in::number(who) {
        Ok(phone) => stored(site.store().person(&Asker::Phone(phone))).await,
        Err(_) => stored(site.store().person_by_slug(&who.to_ascii_lowercase())).await,
    }
}

fn limits(site: &Site) -> Limits {
    site.engine()
        .swaps()
        .map_or_else(|| site.config().limits.clone(), |swaps| swaps.generations().current().pipeline.limits.clone())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a limit times a small factor, as where it is enforced"
)]
fn row(listed: &Listed, limits: &Limits) -> Row {
    let person = &listed.person;
    let factor = limits.factor.iter().find(|(role, _)| *role == person.role).map_or(1.0, |(_, factor)| *factor);
    let used = |used, most: u32| {
        let most = u64::from((f64::from(most) * factor) as u32);
        Used { orders: used, most, out: used >= most }
    };
    Row {
        slug: person.slug.clone(),
        who: person.asker.to_string(),
        role: person.role.clone(),
        left: person.standing == Standing::Left,
        confirmed: person.confirmed,
        joined: words::ago(person.joined),
        pages: listed.pages,
        used: [
            used(listed.hour, limits.per_hour),
            used(listed.day, limits.per_day),
            used(listed.month, limits.per_month),
        ],
    }
}
