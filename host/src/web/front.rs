//! `GET /`: a sentence, a box to type in, the number to text, and what others made lately.

use askama::Template;
use axum::{extract, response::Response};
use http::{HeaderMap, Uri};

use super::{Problem, Site, home::Card, look, page};

const NEWEST: u32 = 9;

#[derive(Template)]
#[template(path = "front.html")]
struct Front<'a> {
    title: &'a str,
    number: Option<&'a str>,
    phone: bool,
    cards: Vec<Card>,
    /// The gallery could not be read.
    dark: bool,
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let server = &site.config().server;
    // The box works without the gallery, so the page does too.
    let newest = site.store().newest(NEWEST).await;
    let dark = newest.is_err();
    let cards = newest
        .unwrap_or_default()
        .into_iter()
        .map(|shared| Card {
            url: page::link(server, &shared.key.user, &shared.key.app),
            title: shared.title,
            small: format!("by {}", shared.key.user),
            alive: true,
        })
        .collect();
    let console = site.console();
    let front = Front {
        title: "Text an idea, get a page",
        number: site.config().sms.from.as_deref().filter(|_| !console),
        phone: console && site.local(&uri, &headers).is_ok(),
        cards,
        dark,
    };
    look::page(&front, server)
}
