//! `/console/queue`: how much waits and since when, and the jobs that failed for good, grouped by cause, each to be tried again.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{self, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Uri};

use super::{
    Frame, Here, Shut,
    causes::{self, Cause},
    disk::Room,
    door, frame, page, stored, story, words,
};
use crate::{
    adapter::queue::State,
    config::QueueBackend,
    job::{Job, JobId},
    web::{Problem, Site, ask, form},
};

/// Failed jobs that are looked at, and brought back at once.
const MOST: usize = 500;
/// Failed jobs that are listed.
const LISTED: usize = 50;

#[derive(Template)]
#[template(path = "console/queue.html")]
struct View {
    title: &'static str,
    frame: Frame,
    depth: Result<Depth, String>,
    backend: &'static str,
    room: Option<String>,
    texts: Result<u64, String>,
    causes: Vec<Cause>,
    dead: Result<Vec<Dead>, String>,
    /// How many were looked at for causes, where there may be more.
    sampled: Option<usize>,
    more: String,
    is_more: bool,
}

struct Depth {
    waiting: u64,
    working: u64,
    failed: u64,
    oldest: Option<String>,
    most: String,
    in_hand: String,
}

struct Dead {
    id: String,
    when: String,
    source: &'static str,
    who: String,
    attempts: u32,
    what: String,
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::Queue, &uri, &headers).await?;
    let config = site.config();
    let depth = site.engine().depth().await.map_err(|error| words::line(&error.to_string()));
    let failed = site.engine().queue().list(State::Failed, MOST).await.map_err(|error| words::line(&error.to_string()));
    let counted = depth.as_ref().map_or(0, |depth| depth.failed);
    let there = failed.as_deref().map_or(0, |failed| failed.len().max(counted));
    let view = View {
        title: "Queue",
        depth: depth.map(|depth| Depth {
            waiting: depth.waiting as u64,
            working: depth.working as u64,
            failed: depth.failed as u64,
            oldest: (depth.waiting > 0).then(|| words::age(Duration::from_millis(depth.oldest_ms))),
            most: words::thousands(config.queue.max_waiting as u64),
            in_hand: words::thousands(config.queue.in_hand as u64),
        }),
        backend: match config.queue.backend {
            QueueBackend::Files => "files under data.dir",
            QueueBackend::Nats(_) => "NATS JetStream",
        },
        room: Room::at(&config.data_dir).map(Room::words),
        texts: stored(site.store().texts_waiting()).await,
        causes: failed.as_deref().map(causes::grouped).unwrap_or_default(),
        sampled: failed.as_deref().is_ok_and(|failed| failed.len() == MOST).then_some(MOST),
        more: words::thousands(there.saturating_sub(LISTED) as u64),
        is_more: there > LISTED,
        dead: failed.map(|failed| failed.iter().take(LISTED).map(dead).collect()),
        frame,
    };
    Ok(page(&site, &view)?)
}

fn dead(job: &Job) -> Dead {
    let cause = causes::cause(job);
    Dead {
        id: job.id.to_string(),
        when: words::ago(job.finished_at.unwrap_or(job.created_at)),
        source: job.request.source.as_str(),
        who: job.request.asker.to_string(),
        attempts: job.attempts,
        what: cause.map_or_else(|| "It ended without a reason on record.".into(), |cause| words::cell(&cause.what)),
    }
}

/// Brings jobs back: one, those of one cause, or all.
pub(crate) async fn act(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    door::act(&site, &parts.uri, &parts.headers)?;
    let pairs = form::pairs(&parts.headers, body).await?;
    let value = |name| form::first(&pairs, name).unwrap_or_default();
    let back = match value("do") {
        "retry" => {
            let id: JobId = value("job").parse().map_err(|_| incomplete())?;
            story::retry(&site, id).await?;
            1
        }
        "retry-all" => {
            let (code, what) = (value("code"), value("what"));
            let wanted = |job: &&Job| {
                code.is_empty()
                    || causes::cause(job)
                        .is_some_and(|cause| (cause.code.as_str(), cause.what.as_str()) == (code, what))
            };
            let failed = site.engine().queue().list(State::Failed, MOST).await?;
            let mut back = 0;
            // Oldest first, as they came. One that somebody else has just brought back is none of ours.
            for job in failed.iter().rev().filter(wanted) {
                back += u64::from(story::retry(&site, job.id).await.is_ok());
            }
            back
        }
        _ => return Err(incomplete()),
    };
    Ok(Redirect::to(&format!("{}?done=retried&n={back}", Here::Queue.path())).into_response())
}

fn incomplete() -> Problem {
    ask::unprocessable("form-incomplete", "This form was not sent whole.").todo("Send it again.")
}
