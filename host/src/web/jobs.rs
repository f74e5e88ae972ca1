//! `GET /api/jobs/{id}`: what became of a request. The id is the only credential; what is private goes to the owner's session alone.

use axum::{
    extract::{self, Path},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Problem, Site};
use crate::{
    engine::{Eyes, job_view},
    job::{Job, JobId},
};

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = find(&site, &id).await?;
    let owner = site.who_if_known(&headers).await.asked(&job);
    let json = json(&site, &job, owner).await;
    let mut response = axum::Json(json).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The job with an id, or the problem that there is none.
pub(super) async fn find(site: &Site, id: &str) -> Result<Job, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, "no-such-job", "There is no job with this id.");
    let id: JobId = id.parse().map_err(|_| none().todo("A job's id has 26 letters and digits."))?;
    site.engine().job(id).await?.ok_or_else(|| none().job(id).todo("It may be long gone: ask again."))
}

/// The job as JSON, with its owner's slug where the store can tell it.
pub(super) async fn json(site: &Site, job: &Job, owner: bool) -> serde_json::Value {
    let user = if job.progress.published.is_some() {
        None
    } else {
        // The answer is complete without it: a store that is down must not hide the job.
        site.store().person(&job.request.asker).await.ok().flatten().map(|person| person.slug)
    };
    job_view(job, user.as_deref(), if owner { Eyes::Owner } else { Eyes::Anyone })
}
