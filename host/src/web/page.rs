//! `GET /{user}/{app}`: the page itself, untrusted, in a sandbox that the headers draw around it.

use std::borrow::Cow;

use axum::{
    body::Body,
    extract::{self, Path},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts};
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Problem, Site, card,
    dress::{self, About, Storage},
    form,
    problem::{self, Offer},
    records,
    shelf::Made,
    views::Visitor,
};
use crate::{
    adapter::store::{Lookup, Page, PageKey, Watermark},
    config::{Pipeline, Server},
    engine::own_words,
    job::reserved,
};

/// Goes into the ETag, so that a new way of dressing pages is a new answer.
const DRESS: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    include_str!("dress.rs"),
    include_str!("look/shim.js"),
    include_str!("look/wtaf.js")
);

/// Others of a person's pages, offered where one is missing.
const OFFERS: u32 = 6;

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    parts: Parts,
) -> Result<Response, Problem> {
    let key = key(&user, &app)?;
    let version = version(&parts.uri)?;
    // Where a plain form that arrived leads back to.
    let saved = form::first(&form::query(&parts.uri), "saved").is_some();
    // Before the page is read: what is written from here on shows.
    let seen = site.store().watermark();
    match site.store().page(&key, version).await? {
        Lookup::Found(page) => serve(&site, &page, &parts, saved, seen).await,
        Lookup::Moved(to) => Ok(moved(&format!("/{}/{}", to.user, to.app), &parts.uri)),
        Lookup::Missing => Err(missing(&site, &key, version).await),
    }
}

/// A page's address as it was asked for.
pub(super) fn key(user: &str, app: &str) -> Result<PageKey, Problem> {
    match (slug(user).filter(|user| !reserved::is_reserved(user)), slug(app)) {
        (Some(user), Some(app)) => Ok(PageKey { user, app }),
        _ => Err(problem::not_found("There is nothing at this address.")),
    }
}

/// A page as a response; 304 where the client has it. Looking at an old version is no view of the page.
pub(super) async fn serve(
    site: &Site,
    page: &Page,
    parts: &Parts,
    saved: bool,
    seen: Option<Watermark>,
) -> Result<Response, Problem> {
    let config = site.config();
    if page.version == page.newest {
        site.views.count(&page.key, &Visitor::of_parts(parts), &site.trusted);
    }
    let url = config.server.page_url(&format!("/{}/{}", page.key.user, page.key.app));
    let storage = Storage { url: &records::url(site, &page.key), token: &records::token_for(site, page.id).await? };
    let image = card::url(&config.server, &page.key, page.version);
    let tag = tag(page, &url, storage.token, saved);
    let mut response = if card::has(&parts.headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let description = description(page);
        let about =
            About { title: &page.draft.title, description: &description, url: &url, image: &image, storage, saved };
        let html = Bytes::from(dress::dress(&page.draft.html, &about));
        let mut whole = Body::from(html.clone()).into_response();
        if page.version == page.newest && !saved {
            whole.extensions_mut().insert(Made::of(page, seen, &tag, html));
        }
        whole
    };
    let out = response.headers_mut();
    guard(out, config, page);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The page's own words about itself; where it has none, what it is and by whom.
fn description(page: &Page) -> Cow<'_, str> {
    if !page.draft.description.trim().is_empty() {
        return Cow::Borrowed(&page.draft.description);
    }
    let own = own_words::of(&page.draft.html).description();
    Cow::Owned(if own.is_empty() { byline(&page.kind, &page.key.user) } else { own })
}

/// `A game by brave-otter`.
pub(super) fn byline(kind: &str, user: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "An" } else { "A" };
    format!("{article} {kind} by {user}")
}

/// Weak: the same page leaves here with and without compression.
fn tag(page: &Page, url: &str, token: &str, saved: bool) -> String {
    let mut digest = Sha256::new();
    for part in [
        DRESS,
        url,
        token,
        if saved { "saved" } else { "" },
        &page.version.to_string(),
        &page.newest.to_string(),
        &page.updated.0.to_string(),
        &page.draft.html,
    ] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    format!("W/\"{}\"", hex::encode(&digest.finalize()[..12]))
}

/// The headers of a page that nobody vouches for.
fn guard(headers: &mut HeaderMap, config: &Pipeline, page: &Page) {
    if let Ok(policy) = HeaderValue::from_str(&policy(config, &page.key)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        // No Cross-Origin-Opener-Policy: browsers refuse to open a sandboxed document that has one.
        ("cross-origin-resource-policy", "same-origin"),
        ("origin-agent-cluster", "?1"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
        ("cache-control", "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Of several versions only the newest one is to be found.
    if page.hidden || page.version != page.newest {
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    }
}

/// No origin of its own, scripts and styles of its own and of the usual libraries, pictures from anywhere, and no connection but to its own records.
fn policy(config: &Pipeline, key: &PageKey) -> String {
    let server = &config.server;
    let records = server.url(&format!("/api/apps/{}/{}/", key.user, key.app));
    let itself = server.page_url(&format!("/{}/{}", key.user, key.app));
    let mut framers = vec!["'self'".to_owned(), server.public_url.origin().ascii_serialization()];
    framers.extend(
        config.web.allowed_origins.iter().filter_map(|o| Some(Url::parse(o).ok()?.origin().ascii_serialization())),
    );
    framers.retain(|origin| origin != "null");
    format!(
        "sandbox allow-scripts allow-forms allow-popups allow-modals allow-pointer-lock allow-downloads; \
         default-src 'none'; \
         script-src 'unsafe-inline' 'unsafe-eval' https://cdnjs.cloudflare.com https://cdn.jsdelivr.net https://unpkg.com; \
         style-src 'unsafe-inline' https:; img-src https: data: blob:; font-src https: data:; media-src https: data: blob:; \
         worker-src blob:; connect-src {records}; form-action {records} {itself}; base-uri 'none'; \
         frame-ancestors {}",
        framers.join(" ")
    )
}

/// Where our own pages find a page: beside them, unless pages have an origin of their own.
pub(super) fn link(server: &Server, user: &str, app: &str) -> String {
    let path = format!("/{user}/{app}");
    if server.pages_url.is_some() { server.page_url(&path) } else { path }
}

/// A person's or a page's slug as it may stand in a URL; people type capitals.
pub(super) fn slug(text: &str) -> Option<String> {
    let fits =
        (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    fits.then(|| text.to_ascii_lowercase())
}

/// Whether an authority (`host:port`) is a URL's.
pub(super) fn names(url: &Url, authority: &str) -> bool {
    Url::parse(&format!("{}://{authority}/", url.scheme())).is_ok_and(|asked| asked.origin() == url.origin())
}

/// For ever, as the old links are.
pub(super) fn moved(path: &str, uri: &Uri) -> Response {
    let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
    Redirect::permanent(&format!("{path}{query}")).into_response()
}

pub(super) fn version(uri: &Uri) -> Result<Option<u32>, Problem> {
    match form::first(&form::query(uri), "v") {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            problem::not_found("There is no such version.")
                .todo("Versions are numbers from 1; leave ?v= out for the newest.")
        }),
    }
}

pub(super) async fn missing(site: &Site, key: &PageKey, version: Option<u32>) -> Problem {
    let problem = match version {
        Some(version) => Problem::new(
            StatusCode::NOT_FOUND,
            "no-such-version",
            format!("There is no version {version} of this page."),
        ),
        None => {
            Problem::new(StatusCode::NOT_FOUND, "no-such-page", format!("There is no page /{}/{}.", key.user, key.app))
        }
    };
    // Offers are a courtesy: where the store cannot give them, the answer stands without.
    let Ok(Lookup::Found(person)) = site.store().home(&key.user).await else {
        return problem.todo("Check the address: a letter may be missing.");
    };
    let pages = site.store().pages_of(person.id, OFFERS * 4).await.unwrap_or_default();
    let server = &site.config().server;
    let offers: Vec<Offer> = pages
        .into_iter()
        .filter(|page| !page.hidden)
        .take(OFFERS as usize)
        .map(|page| Offer { url: link(server, &person.slug, &page.slug), title: page.title })
        .collect();
    let todo =
        if offers.is_empty() { "Check the address: a letter may be missing." } else { "These are by the same person." };
    problem.todo(todo).offers(offers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_words_and_case_does_not_matter() {
        assert_eq!(slug("Brave-Otter").as_deref(), Some("brave-otter"));
        for text in ["", "a b", "a/b", "..", "caf\u{e9}", "a%00", &"a".repeat(101)] {
            assert_eq!(slug(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_the_urls_only_with_its_port() {
        let url: Url = "https://pages.example".parse().unwrap();
        assert!(names(&url, "pages.example") && names(&url, "PAGES.example:443"));
        assert!(!names(&url, "pages.example:8443") && !names(&url, "example"));
    }
}
