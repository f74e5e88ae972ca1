//! `GET /gallery`: every page that is for all to see, the newest first or what people like lately; and what of it the front page shows.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use askama::Template;
use axum::{extract, response::Response};
use http::Uri;

use super::{Problem, Site, form, home::Card, look, page};
use crate::{
    adapter::store::{self, SharedPage},
    config::Server,
    job::Millis,
};

/// Cards on one sheet.
const SHEET: u32 = 24;
/// Sheets that can be leafed through: what is further back is found by its address.
const SHEETS: u32 = 50;
/// What is liked lately is a short list.
const LIKED: u32 = 48;
/// How long the list of what is liked is good for.
const FRESH: Duration = Duration::from_secs(3);
/// Pages shown alive on a sheet; the rest are words.
const ALIVE: usize = 12;

/// What people like lately, summed up every few seconds at most.
#[derive(Default)]
pub(super) struct Liked(Mutex<Option<(Instant, Arc<[SharedPage]>)>>);

impl Liked {
    /// The list, most liked first.
    pub async fn get(&self, site: &Site) -> store::Result<Arc<[SharedPage]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, list)) = kept.filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(list);
        }
        let list: Arc<[SharedPage]> = site.store().trending(LIKED, Millis::now()).await?.into();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&list)));
        Ok(list)
    }
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct Gallery<'a> {
    title: &'a str,
    trending: bool,
    cards: Vec<Card>,
    sheet: u32,
    more: bool,
}

pub(super) async fn show(extract::State(site): extract::State<Site>, uri: Uri) -> Result<Response, Problem> {
    let asked = form::query(&uri);
    let trending = form::first(&asked, "by") == Some("trending");
    let sheet = form::first(&asked, "sheet").and_then(|n| n.parse().ok()).unwrap_or(1).clamp(1, SHEETS);
    let skip = (sheet - 1) * SHEET;
    let mut pages = if trending {
        site.liked.get(&site).await?.iter().skip(skip as usize).take(SHEET as usize + 1).cloned().collect()
    } else {
        site.store().shelf(skip, SHEET + 1).await?
    };
    let more = pages.len() > SHEET as usize && sheet < SHEETS;
    pages.truncate(SHEET as usize);
    let server = &site.config().server;
    let cards = pages.into_iter().enumerate().map(|(n, page)| card(server, page, n < ALIVE)).collect();
    let title = if trending { "Liked lately" } else { "Fresh from the bench" };
    look::page(&Gallery { title, trending, cards, sheet, more }, server)
}

/// A page of somebody's in a list of everyone's.
pub(super) fn card(server: &Server, shared: SharedPage, alive: bool) -> Card {
    let mut small = format!("{} by {}", shared.kind, shared.key.user);
    if let Some(origin) = &shared.origin {
        small.push_str(", remixed from ");
        small.push_str(&origin.title);
    }
    Card { url: page::link(server, &shared.key.user, &shared.key.app), title: shared.title, small, alive }
}
