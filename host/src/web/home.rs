//! `GET /{user}`: the page someone chose to be known by, or the list of theirs.

use askama::Template;
use axum::{
    extract::{self, Path},
    response::Response,
};
use http::{HeaderMap, StatusCode, Uri};

use super::{Problem, Site, look, page, problem};
use crate::{
    adapter::store::{Lookup, PageKey, PageSummary, Person},
    job::reserved,
};

const MOST: u32 = 200;
/// Pages shown alive; the rest are words, so that a long list stays light.
const ALIVE: usize = 12;

/// A page in a list of ours.
pub(super) struct Card {
    pub title: String,
    pub url: String,
    pub small: String,
    pub alive: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    title: &'a str,
    user: &'a str,
    cards: Vec<Card>,
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    Path(user): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(user) = page::slug(&user).filter(|u| !reserved::is_reserved(u)) else {
        return Err(problem::not_found("There is nothing at this address."));
    };
    match site.store().home(&user).await? {
        Lookup::Found(person) => of(&site, &person, &headers).await,
        Lookup::Moved(to) => Ok(page::moved(&format!("/{}", to.user), &uri)),
        Lookup::Missing => Err(Problem::new(StatusCode::NOT_FOUND, "nobody", format!("Nobody here is called {user}."))
            .todo("Check the address, or be the first: text an idea and get a name.")),
    }
}

async fn of(site: &Site, person: &Person, headers: &HeaderMap) -> Result<Response, Problem> {
    if let Some(chosen) = &person.home {
        let key = PageKey { user: person.slug.clone(), app: chosen.clone() };
        if let Lookup::Found(page) = site.store().page(&key, None).await? {
            let server = &site.config().server;
            let apart = server.pages_url.as_ref().is_some_and(|pages| pages.origin() != server.public_url.origin());
            // Where pages have an origin of their own, none is served on ours.
            return Ok(if apart {
                axum::response::IntoResponse::into_response(axum::response::Redirect::temporary(
                    &server.page_url(&format!("/{}/{}", key.user, key.app)),
                ))
            } else {
                page::serve(site, &page, headers, false).await?
            });
        }
    }
    list(site, person, site.store().pages_of(person.id, MOST).await?)
}

fn list(site: &Site, person: &Person, pages: Vec<PageSummary>) -> Result<Response, Problem> {
    let server = &site.config().server;
    let cards = pages
        .into_iter()
        .filter(|page| !page.hidden)
        .enumerate()
        .map(|(n, page)| Card {
            url: page::link(server, &person.slug, &page.slug),
            title: page.title,
            small: format!("{}, {}", page.kind, day(page.updated)),
            alive: n < ALIVE,
        })
        .collect();
    look::page(&Home { title: &person.slug, user: &person.slug, cards }, server)
}

/// `23 Nov 2026`.
pub(super) fn day(at: crate::job::Millis) -> String {
    jiff::Timestamp::from_millisecond(at.as_i64())
        .map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %Y").to_string())
        .unwrap_or_default()
}
