//! What our own pages look like: the stylesheets and scripts, and the frame that drafts are drawn in, embedded, named by their digest and kept by browsers for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use super::{Problem, problem};
use crate::config::Server;

struct Asset {
    name: String,
    kind: &'static str,
    body: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, body: &'static str) -> Self {
        let digest = hex::encode(&Sha256::digest(body)[..5]);
        Self { name: format!("{stem}.{digest}.{extension}"), kind, body }
    }
}

const STYLE: usize = 0;
const CHAT: usize = 1;
const PHONE: usize = 2;
const ICON: usize = 3;
const DRAFT: usize = 4;
const CONSOLE_STYLE: usize = 5;
const CONSOLE: usize = 6;

/// What the chat's script is made of; each part uses those before it.
const CHAT_SCRIPT: &str =
    concat!(include_str!("look/common.js"), include_str!("look/page.js"), include_str!("look/chat.js"));
const PHONE_SCRIPT: &str = concat!(include_str!("look/common.js"), include_str!("look/phone.js"));

static ASSETS: LazyLock<[Asset; 7]> = LazyLock::new(|| {
    [
        Asset::new("style", "css", "text/css; charset=utf-8", include_str!("look/style.css")),
        Asset::new("chat", "js", "text/javascript; charset=utf-8", CHAT_SCRIPT),
        Asset::new("phone", "js", "text/javascript; charset=utf-8", PHONE_SCRIPT),
        Asset::new("icon", "svg", "image/svg+xml", include_str!("look/icon.svg")),
        Asset::new("draft", "html", "text/html; charset=utf-8", include_str!("look/draft.html")),
        Asset::new("console", "css", "text/css; charset=utf-8", include_str!("look/console.css")),
        Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("look/console.js")),
    ]
});

fn url(index: usize) -> String {
    format!("/look/{}", ASSETS[index].name)
}

/// Where the stylesheet is.
pub(super) fn style_url() -> String {
    url(STYLE)
}

/// Where the chat's script is.
pub(super) fn chat_url() -> String {
    url(CHAT)
}

/// Where the phone's script is.
pub(super) fn phone_url() -> String {
    url(PHONE)
}

/// Where the icon is.
pub(super) fn icon_url() -> String {
    url(ICON)
}

/// Where the frame is that draws a page while it is written.
pub(super) fn draft_url() -> String {
    url(DRAFT)
}

/// Where the console's own stylesheet is.
pub(super) fn console_style_url() -> String {
    url(CONSOLE_STYLE)
}

/// Where the console's script is.
pub(super) fn console_url() -> String {
    url(CONSOLE)
}

/// The policy of that frame: no origin, one script (ours, by its digest), and of what is drawn only what cannot act.
static DRAFT_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let body = ASSETS[DRAFT].body;
    let script = body.split_once("<script>").and_then(|(_, rest)| rest.split_once("</script>")).map_or("", |(s, _)| s);
    let digest = STANDARD.encode(Sha256::digest(script));
    let policy = format!(
        "sandbox allow-scripts; default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline' https:; \
         img-src https: data:; font-src https: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("sandbox; default-src 'none'"))
});

pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| problem::not_found("There is no such file; a newer version of it has another name."))?;
    Ok(serve(asset, "public, max-age=31536000, immutable"))
}

pub(super) async fn icon() -> Response {
    serve(&ASSETS[ICON], "public, max-age=86400")
}

pub(super) async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /api/\nDisallow: /chat\nDisallow: /phone\nDisallow: /sign-in\nDisallow: /console\n"
}

fn serve(asset: &Asset, keep: &'static str) -> Response {
    let mut response = asset.body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if asset.name == ASSETS[DRAFT].name {
        headers.insert(header::CONTENT_SECURITY_POLICY, DRAFT_POLICY.clone());
    }
    response
}

/// The policy of our own pages: our own files, no script in the markup, generated pages in frames; framed by nobody.
pub(super) fn own_page(headers: &mut HeaderMap, server: Option<&Server>) {
    let frames =
        server.and_then(|s| s.pages_url.as_ref()).map(|url| format!(" {}", url.origin().ascii_serialization()));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         frame-src 'self'{}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        frames.unwrap_or_default()
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    // As generated pages have it: browsers decide this once for all that an origin serves.
    headers.insert("origin-agent-cluster", HeaderValue::from_static("?1"));
}

/// One of our own pages, from its template.
pub(super) fn page<T: askama::Template>(template: &T, server: &Server) -> Result<Response, Problem> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page of ours could not be drawn");
        problem::internal()
    })?;
    let mut response = Html(html).into_response();
    own_page(response.headers_mut(), Some(server));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_is_small_enough_to_read() {
        assert!(ASSETS[STYLE].body.len() < 15 * 1024, "{} bytes", ASSETS[STYLE].body.len());
    }

    #[test]
    fn a_draft_is_drawn_by_our_script_and_nothing_else() {
        let policy = DRAFT_POLICY.to_str().unwrap();
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
        assert!(scripts.trim().starts_with("script-src 'sha256-") && scripts.matches('\'').count() == 2, "{scripts}");
        assert!(policy.starts_with("sandbox allow-scripts;") && !policy.contains("same-origin"), "{policy}");
        assert_eq!(ASSETS[DRAFT].body.matches("<script").count(), 1);
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in ASSETS.iter() {
            let body = asset.body.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !body.contains("http://") && !body.contains("https://") && !body.contains("@import"),
                "{}",
                asset.name
            );
        }
    }
}
