//! `GET /api/jobs/{id}/events`: a job's story as it happens, as server-sent events.
//!
//! Events are numbered rows in the store, so a client that comes back with `Last-Event-ID` misses nothing, on whatever node it lands. The stream ends
//! after `done` or `failed`, and at shutdown.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{self, Path},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::{Problem, Site, form, jobs};
use crate::{
    adapter::store::{Event, Seq, StoreError},
    engine::for_anyone,
    job::{Job, JobId, Status},
};

/// Rows read at once.
const BATCH: u32 = 100;
const HEARTBEAT: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(2);

pub(super) async fn stream(
    extract::State(site): extract::State<Site>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = jobs::find(&site, &id).await?;
    let resumed = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    let after: Option<Seq> =
        resumed.or_else(|| form::first(&form::query(&uri), "after").and_then(|after| after.parse().ok()));
    // An event source reconnects after every end; 204 is how it is told that the story is over.
    if job.status.is_final() && after.is_some() && is_over(&site, job.id, after.unwrap_or(0)).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // For as long as the stream lasts: a store that cannot say sends the client to ask again.
    let owner = site.who(&headers).await?.asked(&job);
    let walk = Walk { site, job: job.id, owner, at: after.unwrap_or(0), over: false };
    let hello = stream::once(async { Ok(sse::Event::default().retry(RETRY).comment("the story of a job")) });
    let events = hello.chain(walk.stream());
    let mut response =
        Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here")).into_response();
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx and its like would hold the stream back.
    out.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

async fn is_over(site: &Site, job: JobId, after: Seq) -> Result<bool, StoreError> {
    Ok(site.store().events_after(job, after, 1).await?.is_empty())
}

/// A reader's place in a job's story.
struct Walk {
    site: Site,
    job: JobId,
    owner: bool,
    at: Seq,
    over: bool,
}

impl Walk {
    fn stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        let shutdown = self.site.shutdown.clone();
        stream::unfold(self, |mut walk| async move {
            let events = walk.next().await?;
            Some((stream::iter(events.into_iter().map(Ok)), walk))
        })
        .flatten()
        .take_until(shutdown.cancelled_owned())
    }

    /// The next events, once there are any; nothing after the last.
    async fn next(&mut self) -> Option<Vec<sse::Event>> {
        while !self.over {
            match self.read().await {
                // Waits with an ear to the store's bell, so that nothing slips in between looking and waiting; what comes is read again above.
                Ok(events) if events.is_empty() && !self.over => {
                    if let Err(error) = self.site.store().next_events(self.job, self.at, 1).await {
                        tracing::warn!(job = %self.job, %error, "a stream of events broke off");
                        self.over = true;
                    }
                }
                Ok(events) => return Some(events),
                Err(error) => {
                    // The client comes back to where it was, perhaps to a node that can read.
                    tracing::warn!(job = %self.job, error = %error, "a stream of events broke off");
                    self.over = true;
                }
            }
        }
        None
    }

    async fn read(&mut self) -> Result<Vec<sse::Event>, crate::engine::LookupError> {
        // Asked before the rows: a job that is final now has written all its events.
        let ended = self.site.engine().job(self.job).await?.filter(|job| job.status.is_final());
        let rows = self.site.store().events_after(self.job, self.at, BATCH).await?;
        if rows.is_empty()
            && let Some(job) = ended
        {
            self.over = true;
            // Told already: the client came back while the job was on its way out of the queue.
            if self.told_the_end().await? {
                return Ok(Vec::new());
            }
            // Its last event was pruned, or the engine died between the two: the ending is told all the same.
            return Ok(vec![self.ending(&job).await]);
        }
        let last = rows.last().map(|row| row.seq);
        Ok(rows.into_iter().filter_map(|row| self.tell(row, last)).collect())
    }

    async fn told_the_end(&self) -> Result<bool, StoreError> {
        let last = self.site.store().events_after(self.job, self.at.saturating_sub(1), 1).await?;
        let ended = |row: &Event| row.seq == self.at && matches!(row.name.as_str(), "done" | "failed");
        Ok(self.at > 0 && last.first().is_some_and(ended))
    }

    fn tell(&mut self, row: Event, last: Option<Seq>) -> Option<sse::Event> {
        if self.over {
            return None;
        }
        self.at = row.seq;
        let ending = matches!(row.name.as_str(), "done" | "failed");
        // An ending with more behind it was taken back: someone brought the job back.
        if ending && Some(row.seq) != last {
            return None;
        }
        self.over = ending;
        let data = if self.owner { row.data } else { for_anyone(row.data) };
        Some(frame(&row.name, &data).id(row.seq.to_string()))
    }

    async fn ending(&self, job: &Job) -> sse::Event {
        let name = if job.status == Status::Done { "done" } else { "failed" };
        frame(name, &jobs::json(&self.site, job, self.owner).await)
    }
}

/// JSON on one line: nothing in it can break the framing.
fn frame(name: &str, data: &serde_json::Value) -> sse::Event {
    sse::Event::default().event(name.replace(['\n', '\r'], " ")).data(data.to_string())
}
