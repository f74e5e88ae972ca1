//! `GET /api/pages`: what a bridge that polls asks; a job's own id is the better way.

use axum::{
    extract,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Uri, header};
use serde_json::json;

use super::{Problem, Site, ask, form, operator, sms};
use crate::job::Millis;

const MOST: u32 = 100;

pub(super) async fn since(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // A job's id lets one watch the job: it is for whoever could have asked for it, not for whoever knows a name.
    let shows_jobs = sms::is_bridge(&site, &headers) || operator::check(&site, &uri, &headers).is_ok();
    let asked = form::query(&uri);
    let user = form::first(&asked, "user")
        .map(|u| u.trim().to_ascii_lowercase())
        .filter(|u| !u.is_empty())
        .ok_or_else(|| ask::unprocessable("user-missing", "Whose pages?").todo("Add ?user= and the person's slug."))?;
    let since = form::first(&asked, "since").map_or(Ok(Millis(0)), moment)?;
    let rows = site.store().published_since(&user, since, MOST).await?;
    let server = &site.config().server;
    let pages: Vec<_> = rows
        .into_iter()
        .filter(|(_, page)| !page.hidden)
        .map(|(job, page)| {
            json!({
                "job": shows_jobs.then_some(job),
                "user": user,
                "app": page.slug,
                "url": server.page_url(&format!("/{user}/{}", page.slug)),
                "title": page.title,
                "type": page.kind,
                "version": page.version,
                "created_at": page.created,
                "updated_at": page.updated,
            })
        })
        .collect();
    let mut response = axum::Json(json!({ "user": user, "pages": pages })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// RFC 3339, or milliseconds since the epoch (what a browser's `Date.now()` gives).
fn moment(text: &str) -> Result<Millis, Problem> {
    let text = text.trim();
    if let Ok(ms) = text.parse::<u64>() {
        return Ok(Millis(ms));
    }
    // A plus sign in a query arrives as a space.
    let parsed: Result<jiff::Timestamp, _> = text.replace(' ', "+").parse();
    parsed.map(|t| Millis::from_i64(t.as_millisecond())).map_err(|_| {
        ask::unprocessable("since-malformed", "`since` is not a moment.")
            .todo("Send RFC 3339, such as 2026-01-31T12:00:00Z, or milliseconds since 1970.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_in_either_form() {
        assert_eq!(moment("1795413000123").unwrap(), Millis(1_795_413_000_123));
        assert_eq!(moment("2026-11-23T05:50:00.123Z").unwrap(), Millis(1_795_413_000_123));
        assert_eq!(moment("2026-11-23T06:50:00.123 01:00").unwrap(), Millis(1_795_413_000_123));
        assert!(moment("yesterday").is_err());
    }
}
