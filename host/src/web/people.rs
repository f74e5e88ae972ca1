//! The operator's API of people's data: erasing somebody while the engine runs, which has what it remembers of them in memory too.

use axum::{
    extract::{self, Request},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;

use super::{Problem, Site, form, operator};
use crate::{
    adapter::queue::QueueError,
    engine::people::{PeopleError, Places},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// A number, or the first part of the addresses of their pages.
    who: String,
}

pub(super) async fn erase(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    operator::check(&site, &parts.uri, &parts.headers)?;
    if !form::is(&parts.headers, "application/json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "Who is meant must come as JSON.")
            .todo("Send Content-Type: application/json and {\"who\": \"…\"}."));
    }
    let body: Body = serde_json::from_slice(&form::read(body).await?).map_err(|_| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-body", "The body is not the JSON that is asked for.")
            .todo("Send {\"who\": \"…\"}: a number, or the first part of their pages' addresses.")
    })?;
    let engine = site.engine();
    let swaps = engine.swaps().ok_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-worker", "This process serves the web and works on no jobs.")
            .todo("Ask the one that does.")
    })?;
    let places = Places {
        pipeline: &swaps.generations().current().pipeline,
        store: site.store(),
        queue: engine.queue().as_ref(),
        recordings: swaps.recordings(),
    };
    let known = places.find(body.who.trim()).await.map_err(problem)?;
    let report = places.erase(&known).await.map_err(problem)?;
    tracing::info!(jobs = known.traces.jobs.len(), "a person's data was erased");
    Ok(axum::Json(report).into_response())
}

fn problem(error: PeopleError) -> Problem {
    match error {
        PeopleError::Nobody(_) => Problem::new(StatusCode::NOT_FOUND, "no-such-person", "Nobody is known by that."),
        PeopleError::Queue(QueueError::UnderWay(jobs)) => {
            Problem::new(StatusCode::CONFLICT, "under-way", "Requests of theirs are under way.")
                .detail(format!("{jobs} requests of theirs are under way, so nothing was erased."))
                .todo("Ask again when they have ended.")
                .retry_after(30)
        }
        PeopleError::Store(error) => error.into(),
        PeopleError::Queue(error) => error.into(),
        PeopleError::Disk { .. } => {
            tracing::error!(%error, "a person's data could not be erased whole");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-erased", "Not everything could be removed.")
                .todo("See the log, mend what it says, and ask again: what is gone stays gone.")
                .retry_after(5)
        }
    }
}
