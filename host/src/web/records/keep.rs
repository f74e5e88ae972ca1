//! Records left, changed and removed.

use axum::{
    extract::{self, Path, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    super::{Problem, Site, ask, form, problem::Offer, session},
    ROOM, Visit, Wish, body, collection,
    pace::Rush,
    refuse,
};
use crate::{
    adapter::store::{Kept, NewRecord, Record},
    job::Millis,
};

/// `POST …/records?in=collection`: leaves a record, once for each `Idempotency-Key`. A plain form is led back to its page.
pub(in crate::web) async fn add(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let back = site.config().server.page_url(&format!("/{user}/{app}"));
    let by_hand = is_plain_form(&parts.headers);
    let added = async {
        let sent = body::read(&parts.headers, body).await?;
        let visit = Visit::of(&site, (&user, &app), &parts, sent.token.as_deref()).await?;
        visit.pace(&site, Rush::Write)?;
        let query = form::query(&parts.uri);
        let collection = collection(sent.collection.as_deref().or(form::first(&query, "in")))?;
        visit.may(Wish::Add, &collection)?;
        let by = visit.friend.as_ref().map(|friend| friend.name.clone());
        let key =
            parts.headers.get("idempotency-key").map(|key| ask::idempotency_key(key.to_str().unwrap_or_default()));
        let once = key.transpose()?.map(str::to_owned);
        let record = NewRecord { page: visit.page.id, collection, data: sent.data, by, once };
        let now = Millis::now();
        match site.store().add_record(record, ROOM, now).await? {
            Kept::As(number) => Ok((visit, number, now)),
            Kept::Before(number, at) => Ok((visit, number, at)),
            Kept::Full => Err(refuse::page_full()),
        }
    };
    let (visit, number, at) = added.await.map_err(|problem: Problem| {
        let kept = "Your browser's back button leads to what you wrote.";
        if by_hand {
            problem.kept(kept).offers(vec![Offer { title: "Back to the page".into(), url: back }])
        } else {
            problem
        }
    })?;
    if by_hand {
        let key = &visit.page.key;
        let back = site.config().server.page_url(&format!("/{}/{}?saved=1", key.user, key.app));
        return Ok(Redirect::to(&back).into_response());
    }
    let answer = (StatusCode::CREATED, axum::Json(json!({ "id": number.to_string(), "at": at })));
    Ok(fresh(answer.into_response()))
}

/// `PUT …/records/{id}`: other data for a record that friends share.
pub(in crate::web) async fn change(
    extract::State(site): extract::State<Site>,
    Path((user, app, id)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let sent = body::read(&parts.headers, body).await?;
    let visit = Visit::of(&site, (&user, &app), &parts, sent.token.as_deref()).await?;
    visit.pace(&site, Rush::Write)?;
    let record = shared(&site, &visit, &id, &parts.uri).await?;
    let now = Millis::now();
    match site.store().change_record(visit.page.id, record.number, sent.data, ROOM, now).await? {
        Some(Kept::As(number) | Kept::Before(number, _)) => {
            Ok(fresh(axum::Json(json!({ "id": number.to_string(), "at": record.at, "updated": now })).into_response()))
        }
        Some(Kept::Full) => Err(refuse::page_full()),
        None => Err(refuse::no_record()),
    }
}

/// `DELETE …/records/{id}`: removes a record that friends share.
pub(in crate::web) async fn remove(
    extract::State(site): extract::State<Site>,
    Path((user, app, id)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let visit = Visit::of(&site, (&user, &app), &parts, None).await?;
    visit.pace(&site, Rush::Write)?;
    let record = shared(&site, &visit, &id, &parts.uri).await?;
    if !site.store().remove_record(visit.page.id, record.number).await? {
        return Err(refuse::no_record());
    }
    Ok(fresh(StatusCode::NO_CONTENT.into_response()))
}

/// A record that whoever asks may change; one that they may not even read is told as one that is not there would be.
async fn shared(site: &Site, visit: &Visit, id: &str, uri: &http::Uri) -> Result<Record, Problem> {
    let query = form::query(uri);
    let named = form::first(&query, "in").map(|name| collection(Some(name))).transpose()?;
    if let Some(named) = &named {
        visit.may(Wish::Change, named)?;
    }
    let number = id.parse().map_err(|_| refuse::no_record())?;
    let record = site.store().record(visit.page.id, number).await?.ok_or_else(refuse::no_record)?;
    if named.is_some_and(|named| named != record.collection) {
        return Err(refuse::no_record());
    }
    visit.may(Wish::Change, &record.collection)?;
    Ok(record)
}

/// A form that a browser sends by itself, whose answer a person will look at.
fn is_plain_form(headers: &HeaderMap) -> bool {
    let reads_html = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    reads_html && session::bearer(headers).is_none()
}

/// An answer that is kept nowhere.
pub(super) fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
