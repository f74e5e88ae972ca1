//! `GET /`: a sentence, a box to type in, the number to text, what people like lately and what is new.

use askama::Template;
use axum::{extract, response::Response};
use http::{HeaderMap, Uri};

use super::{Problem, Site, gallery, home::Card, look};
use crate::adapter::store::{self, SharedPage};

/// Cards of what is new.
const NEWEST: usize = 9;
/// Cards of what is liked.
const LIKED: usize = 3;

#[derive(Template)]
#[template(path = "front.html")]
struct Front<'a> {
    title: &'a str,
    number: Option<&'a str>,
    phone: bool,
    /// Who is signed in, by their slug.
    me: Option<&'a str>,
    liked: Vec<Card>,
    cards: Vec<Card>,
    /// There is more in the gallery.
    more: bool,
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
    let lists = lists(&site).await;
    let dark = lists.is_err();
    let (liked, newest) = lists.unwrap_or_default();
    let more = newest.len() > NEWEST;
    let cards = |pages: Vec<SharedPage>, most| {
        pages.into_iter().take(most).map(|shared| gallery::card(server, shared, true)).collect()
    };
    let (liked, cards) = (cards(liked, LIKED), cards(newest, NEWEST));
    let console = site.console();
    let who = site.who_if_known(&headers).await;
    let front = Front {
        title: "Text an idea, get a page",
        number: site.config().sms.from.as_deref().filter(|_| !console),
        phone: console && site.local(&uri, &headers).is_ok(),
        me: who.person.as_ref().map(|person| person.slug.as_str()),
        liked,
        cards,
        more,
        dark,
    };
    look::page(&front, server)
}

/// What is liked, and what is new besides: a page is shown once.
async fn lists(site: &Site) -> store::Result<(Vec<SharedPage>, Vec<SharedPage>)> {
    let liked: Vec<_> = site.liked.get(site).await?.iter().take(LIKED).cloned().collect();
    let wanted = u32::try_from(NEWEST + LIKED).unwrap_or(u32::MAX).saturating_add(1);
    let mut newest = site.store().shelf(0, wanted).await?;
    newest.retain(|page| liked.iter().all(|other| other.key != page.key));
    Ok((liked, newest))
}
