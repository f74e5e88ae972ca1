//! `GET /{user}/{app}/card.png`: the picture that a link to a page is shared with.
//!
//! Drawn here from the page's own title, with fonts of our own and, for scripts that those lack, the machine's; nothing is fetched. Each page has its own
//! colours and pattern. Drawing is bounded: a few at once, off the threads that serve, and what was drawn is kept up to a number of bytes.

mod colour;
mod draw;
mod fonts;
mod kept;
mod words;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    extract::{self, Path},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use self::{draw::Subject, kept::Kept};
use super::{Problem, Site, form, page, problem};
use crate::{
    adapter::store::{Lookup, Page, PageKey},
    config::Server,
};

pub(super) use self::words::xml;

/// Pixels, as every service that shows previews takes it.
pub(super) const WIDTH: u32 = 1200;
/// Pixels.
pub(super) const HEIGHT: u32 = 630;

/// Goes into the ETag, so that another design is another answer.
const DESIGN: &str =
    concat!(env!("CARGO_PKG_VERSION"), include_str!("draw.rs"), include_str!("colour.rs"), include_str!("words.rs"));

/// Cards drawn at once.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(15);
/// What was drawn and is kept, bytes: some hundred cards.
const KEPT: usize = 16 << 20;

/// The drawing board: what was drawn lately, and whose turn it is.
pub(super) struct Cards {
    kept: Arc<Mutex<Kept>>,
    turns: Arc<Semaphore>,
}

impl Default for Cards {
    fn default() -> Self {
        Self { kept: Arc::new(Mutex::new(Kept::new(KEPT))), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Cards {
    async fn get(&self, tag: &str, subject: Subject) -> Result<Bytes, Problem> {
        if let Some(png) = self.kept(tag) {
            return Ok(png);
        }
        let busy = || {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "cards-busy", "Too many cards are being drawn at once.")
                .todo("Try again in a moment.")
                .retry_after(5)
        };
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        // Someone who waited for the same card may have it by now.
        if let Some(png) = self.kept(tag) {
            return Ok(png);
        }
        // Whoever asked may hang up: the drawing goes on, keeps its turn, and is kept for the next who asks.
        let (kept, tag) = (Arc::clone(&self.kept), tag.to_owned());
        let drawn = tokio::task::spawn_blocking(move || {
            let png = draw::png(&subject).map(Bytes::from);
            if let Some(png) = &png {
                kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).put(&tag, png.clone());
            }
            drop(turn);
            png
        });
        drawn.await.ok().flatten().ok_or_else(|| {
            tracing::error!("a card could not be drawn");
            problem::internal()
        })
    }

    fn kept(&self, tag: &str) -> Option<Bytes> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(tag)
    }
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = page::key(&user, &app)?;
    let version = page::version(&uri)?;
    let page = match site.store().page(&key, version).await? {
        Lookup::Found(page) => page,
        Lookup::Moved(to) => return Ok(page::moved(&format!("/{}/{}/card.png", to.user, to.app), &uri)),
        Lookup::Missing => return Err(page::missing(&site, &key, version).await),
    };
    let subject = subject(&page);
    let tag = tag(&[DESIGN, &subject.title, &subject.kind, &subject.user, &subject.app]);
    let mut response = if has(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        site.cards.get(&tag, subject).await?.into_response()
    };
    let out = response.headers_mut();
    // A version's card never changes; the newest one's address leads to the next version's tomorrow.
    let keep = match form::first(&form::query(&uri), "v") {
        Some(_) => "public, max-age=31536000, immutable",
        None => "public, max-age=300",
    };
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/png"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if page.hidden {
        out.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    Ok(response)
}

fn subject(page: &Page) -> Subject {
    Subject {
        title: page.draft.title.clone(),
        kind: page.kind.clone(),
        user: page.key.user.clone(),
        app: page.key.app.clone(),
    }
}

/// Where a version's card is.
pub(super) fn url(server: &Server, key: &PageKey, version: u32) -> String {
    server.url(&format!("/{}/{}/card.png?v={version}", key.user, key.app))
}

/// The ETag of what is made of these.
pub(super) fn tag(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    format!("W/\"{}\"", hex::encode(&digest.finalize()[..12]))
}

/// Whether the client has what has this tag.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let tag = tag.trim_start_matches("W/");
    headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).is_some_and(|known| {
        known.split(',').any(|one| one.trim() == "*" || one.trim().trim_start_matches("W/") == tag)
    })
}
