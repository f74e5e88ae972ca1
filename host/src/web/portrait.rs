//! `GET /api/pages/{user}/{app}`: all that is known of a page but its document: versions, lineage, how often it was looked at.

use axum::{
    extract::{self, Path},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Uri, header};
use serde_json::{Value, json};

use super::{Problem, Site, card, page};
use crate::{
    adapter::store::{Edition, Lookup, Origin, PageKey, Portrait},
    config::Server,
};

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = page::key(&user, &app)?;
    let portrait = match site.store().portrait(&key).await? {
        Lookup::Found(portrait) => portrait,
        Lookup::Moved(to) => return Ok(page::moved(&format!("/api/pages/{}/{}", to.user, to.app), &uri)),
        Lookup::Missing => return Err(page::missing(&site, &key, None).await),
    };
    let owner = is_owner(&site, &headers, &key).await?;
    let mut response = axum::Json(tell(&site.config().server, &portrait, owner)).into_response();
    let out = response.headers_mut();
    // What an owner reads here is not for the next one who asks.
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    out.insert(header::VARY, HeaderValue::from_static("cookie, authorization"));
    Ok(response)
}

/// Whether whoever asks is the one whose page it is.
async fn is_owner(site: &Site, headers: &HeaderMap, key: &PageKey) -> Result<bool, Problem> {
    for asker in site.who(headers).await?.askers() {
        if site.store().person(&asker).await?.is_some_and(|person| person.slug == key.user) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the owner finds what visitors left.
fn owner_url(server: &Server, key: &PageKey, owner: bool) -> Option<String> {
    owner.then(|| server.url(&format!("/{}/{}/owner", key.user, key.app)))
}

fn tell(server: &Server, portrait: &Portrait, owner: bool) -> Value {
    let Portrait { key, summary, .. } = portrait;
    json!({
        "url": at(server, key),
        "title": summary.title,
        "description": portrait.description,
        "kind": summary.kind,
        "user": key.user,
        "app": key.app,
        "version": summary.version,
        "created_at": summary.created,
        "updated_at": summary.updated,
        "versions": portrait.editions.iter().map(|one| edition(one, summary.version, owner)).collect::<Vec<_>>(),
        "remixed_from": summary.origin.as_ref().map(|one| origin(server, one)),
        "remixes": portrait.remixes,
        "faves": portrait.faves,
        "views": portrait.views,
        "hidden": summary.hidden,
        "card_url": card::url(server, key, summary.version),
        "qr_url": server.url(&format!("/{}/{}/qr.svg", key.user, key.app)),
        "owner_url": owner_url(server, key, owner),
    })
}

/// What a person asked with is theirs: nobody else reads it.
fn edition(one: &Edition, newest: u32, owner: bool) -> Value {
    json!({
        "version": one.version,
        "at": one.at,
        "asked": one.asked.as_ref().filter(|_| owner),
        "restores": one.restores,
        "current": one.version == newest,
    })
}

fn origin(server: &Server, one: &Origin) -> Value {
    json!({ "url": at(server, &one.key), "title": one.title, "user": one.key.user, "app": one.key.app })
}

fn at(server: &Server, key: &PageKey) -> String {
    server.page_url(&format!("/{}/{}", key.user, key.app))
}
