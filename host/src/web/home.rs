//! `GET /{user}`: the page someone chose to be known by, or the list of theirs.

use askama::Template;
use axum::{
    extract::{self, Path},
    response::Response,
};
use http::{StatusCode, request::Parts};

use super::{
    Problem, Site, look, page,
    problem::{self, Offer},
};
use crate::{
    adapter::store::{Lookup, PageKey, PageSummary, Person},
    job::reserved,
};

const MOST: u32 = 200;
/// Pages shown alive; the rest are words, so that a long list stays light.
const ALIVE: usize = 12;
/// Others' pages, offered where there is nobody.
const OFFERS: u32 = 6;

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
    parts: Parts,
) -> Result<Response, Problem> {
    let Some(user) = page::slug(&user).filter(|u| !reserved::is_reserved(u)) else {
        return Err(problem::not_found("There is nothing at this address."));
    };
    match site.store().home(&user).await? {
        Lookup::Found(person) => of(&site, &person, &parts).await,
        Lookup::Moved(to) => Ok(page::moved(&format!("/{}", to.user), &parts.uri)),
        Lookup::Missing => Err(nobody(&site, &user).await),
    }
}

/// There is no such person; there are others, with pages worth a look.
async fn nobody(site: &Site, user: &str) -> Problem {
    let server = &site.config().server;
    let mut shown = site.liked.get(site).await.map(|list| list.to_vec()).unwrap_or_default();
    if shown.is_empty() {
        // Offers are a courtesy: where the store cannot give them, the answer stands without.
        shown = site.store().shelf(0, OFFERS).await.unwrap_or_default();
    }
    let offers: Vec<_> = shown
        .into_iter()
        .take(OFFERS as usize)
        .map(|page| Offer {
            url: page::link(server, &page.key.user, &page.key.app),
            title: format!("{}, by {}", page.title, page.key.user),
        })
        .collect();
    let todo = if offers.is_empty() {
        "Check the address, or be the first: text an idea and get a name."
    } else {
        "Check the address, or look at what others made."
    };
    Problem::new(StatusCode::NOT_FOUND, "nobody", format!("Nobody here is called {user}.")).todo(todo).offers(offers)
}

async fn of(site: &Site, person: &Person, parts: &Parts) -> Result<Response, Problem> {
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
                page::serve(site, &page, parts, false, None).await?
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
            small: small(&page),
            title: page.title,
            alive: n < ALIVE,
        })
        .collect();
    look::page(&Home { title: &person.slug, user: &person.slug, cards }, server)
}

/// `game, 23 Nov 2026, version 3, remixed from Snake`.
fn small(page: &PageSummary) -> String {
    let mut small = format!("{}, {}", page.kind, day(page.updated));
    if page.version > 1 {
        small.push_str(", version ");
        small.push_str(&page.version.to_string());
    }
    if let Some(origin) = &page.origin {
        small.push_str(", remixed from ");
        small.push_str(&origin.title);
    }
    small
}

/// `23 Nov 2026`.
pub(super) fn day(at: crate::job::Millis) -> String {
    jiff::Timestamp::from_millisecond(at.as_i64())
        .map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %Y").to_string())
        .unwrap_or_default()
}
