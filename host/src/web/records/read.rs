//! Records read, newest first, where the page lets its visitors.

use axum::{
    extract::{self, Path, Request},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    super::{Problem, Site, form},
    Visit, Wish, collection, keep,
    pace::Rush,
};
use crate::{
    adapter::store::{Count, Record, RecordFilter},
    job::Millis,
};

/// Records in one answer, unless fewer are asked for.
const MOST: u32 = 200;
/// Bytes of their data in one answer; the first record is given whatever its size.
const BYTES: usize = 1024 * 1024;

#[derive(Serialize)]
struct Answer<'a> {
    records: Vec<Shown<'a>>,
    /// The number of the newest change: what `changed` in a later request compares with.
    changes: Count,
    /// There are older ones: ask again with `before` set to the last id.
    more: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    data: &'a RawValue,
}

/// `GET …/records?in=collection`.
pub(in crate::web) async fn list(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let visit = Visit::of(&site, (&user, &app), &parts, None).await?;
    visit.pace(&site, Rush::Read)?;
    let query = form::query(&parts.uri);
    let collection = collection(form::first(&query, "in"))?;
    visit.may(Wish::Read, &collection)?;
    // Counted before they are read: a change in between is seen again rather than missed.
    let changes = site.store().changes(visit.page.id, &collection).await?;
    if number(&query, "changed") == Some(changes) {
        return Ok(keep::fresh(StatusCode::NO_CONTENT.into_response()));
    }
    let most = number(&query, "limit").and_then(|limit| u32::try_from(limit).ok()).unwrap_or(MOST).clamp(1, MOST);
    let filter = RecordFilter { collection: Some(collection), before: number(&query, "before") };
    let records = site.store().records_of(visit.page.id, &filter, most + 1).await?;
    Ok(keep::fresh(axum::Json(answer(&records, changes, most as usize)).into_response()))
}

fn number(query: &form::Pairs, name: &str) -> Option<Count> {
    form::first(query, name).and_then(|text| text.trim().parse().ok())
}

fn answer(records: &[Record], changes: Count, most: usize) -> Answer<'_> {
    let mut bytes = 0;
    let fits = |record: &&Record| {
        bytes += record.data.get().len();
        bytes <= BYTES || bytes == record.data.get().len()
    };
    let shown: Vec<_> = records.iter().take(most).take_while(fits).map(show).collect();
    Answer { more: shown.len() < records.len(), records: shown, changes }
}

fn show(record: &Record) -> Shown<'_> {
    Shown {
        id: record.number.to_string(),
        at: record.at,
        updated: Some(record.updated).filter(|updated| *updated != record.at),
        by: record.by.as_deref(),
        data: &record.data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::store::Collection;

    fn record(number: Count, bytes: usize) -> Record {
        let data = RawValue::from_string(format!("\"{}\"", "a".repeat(bytes))).unwrap();
        let (at, updated) = (Millis(number), Millis(number));
        Record { number, collection: Collection::main(), data, by: None, at, updated }
    }

    #[test]
    fn an_answer_is_of_a_size_that_a_phone_can_take() {
        let big: Vec<_> = (0..100).rev().map(|n| record(n, 16_000)).collect();
        let told = answer(&big, 7, 200);
        assert!(told.more && told.records.len() == BYTES / 16_002, "{}", told.records.len());
        assert!(answer(&big, 7, 3).records.len() == 3);
        assert!(!answer(&big[..3], 7, 3).more);
        assert_eq!(answer(&[record(1, BYTES * 2)], 7, 9).records.len(), 1);
    }
}
