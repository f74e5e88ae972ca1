//! `GET …/records/events?in=collection`: tells that records changed, as it happens. What changed is asked for as ever: so a watcher costs little, and what may be
//! read is decided in one place.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{self, Path, Request},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};
use http::HeaderValue;
use serde_json::json;

use super::{
    super::{Problem, Site, form},
    Visit, Wish, collection, keep,
    pace::Rush,
    refuse,
    seats::Seat,
};
use crate::adapter::store::{Collection, Count, PageId, StoreError};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// A watcher that is still there after this connects again.
const LONGEST: Duration = Duration::from_hours(1);

pub(in crate::web) async fn stream(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let visit = Visit::of(&site, (&user, &app), &parts, None).await?;
    visit.pace(&site, Rush::Read)?;
    let collection = collection(form::first(&form::query(&parts.uri), "in"))?;
    visit.may(Wish::Read, &collection)?;
    let seat = site.desk.seats.take(visit.page.id, visit.from);
    let seat = seat.ok_or_else(|| refuse::too_many(Duration::from_secs(30)))?;
    let watch = Watch { site, page: visit.page.id, collection, seen: None, _seat: seat };
    let events = Sse::new(watch.stream()).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let mut response = keep::fresh(events.into_response());
    // nginx and its like would hold the stream back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Watch {
    site: Site,
    page: PageId,
    collection: Collection,
    seen: Option<Count>,
    _seat: Seat,
}

impl Watch {
    /// The present number at once, then each newer one; ends when the store is away, at shutdown, and after a while, for the client to come back.
    fn stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        let over = self.site.shutdown.clone().cancelled_owned();
        stream::unfold(self, |mut watch| async move {
            match watch.next().await {
                Ok(changes) => {
                    let event = sse::Event::default().event("changed").data(json!({ "changes": changes }).to_string());
                    Some((Ok(event), watch))
                }
                Err(error) => {
                    tracing::warn!(%error, "a stream of records broke off");
                    None
                }
            }
        })
        .take_until(over)
        .take_until(tokio::time::sleep(LONGEST))
    }

    async fn next(&mut self) -> Result<Count, StoreError> {
        let store = self.site.store();
        let newest = match self.seen {
            None => store.changes(self.page, &self.collection).await?,
            Some(seen) => loop {
                let newest = store.next_change(self.page, &self.collection, seen).await?;
                if newest != seen {
                    break newest;
                }
            },
        };
        self.seen = Some(newest);
        Ok(newest)
    }
}
