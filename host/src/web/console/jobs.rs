//! `GET /console/jobs`: every job the engine remembers, the newest first, by status, source and the beginning of its id. What people asked is not here.

use askama::Template;
use axum::{extract, response::Response};
use http::{HeaderMap, Uri};

use super::{Frame, Here, Shut, causes, frame, page, stored, words};
use crate::{
    adapter::{queue::State, store::JobFilter},
    job::{Job, JobId, Source, Status},
    web::{Site, form},
};

/// Jobs on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "console/jobs.html")]
struct View {
    title: &'static str,
    frame: Frame,
    statuses: Vec<Choice>,
    sources: Vec<Choice>,
    id: String,
    rows: Result<Vec<Row>, String>,
    /// The address of the next page.
    older: Option<String>,
    newest: Option<String>,
    filtered: bool,
}

/// A filter's option.
struct Choice {
    value: &'static str,
    chosen: bool,
}

struct Row {
    id: String,
    when: String,
    at: String,
    status: &'static str,
    class: &'static str,
    source: &'static str,
    who: String,
    took: String,
    what: String,
}

/// What is looked for.
#[derive(Default)]
struct Asked {
    status: Option<Status>,
    source: Option<Source>,
    id: String,
    before: Option<JobId>,
}

const STATUSES: [Status; 5] = [Status::Queued, Status::Running, Status::Done, Status::Failed, Status::Refused];
const SOURCES: [Source; 3] = [Source::Sms, Source::Web, Source::File];

impl Asked {
    fn of(uri: &Uri) -> Self {
        let query = form::query(uri);
        let value = |name| form::first(&query, name).unwrap_or_default();
        let id: String = value("id").trim().chars().filter(char::is_ascii_alphanumeric).take(26).collect();
        Self {
            status: STATUSES.into_iter().find(|status| status.as_str() == value("status")),
            source: SOURCES.into_iter().find(|source| source.as_str() == value("source")),
            id: id.to_ascii_uppercase(),
            before: value("before").parse().ok(),
        }
    }

    fn link(&self, before: Option<&str>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let pairs = [
            ("status", self.status.map(Status::as_str)),
            ("source", self.source.map(Source::as_str)),
            ("id", Some(self.id.as_str()).filter(|id| !id.is_empty())),
            ("before", before),
        ];
        for (name, value) in pairs {
            query.extend_pairs(value.map(|value| (name, value)));
        }
        format!("{}?{}", Here::Jobs.path(), query.finish())
    }
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::Jobs, &uri, &headers).await?;
    let asked = Asked::of(&uri);
    let found = find(&site, &asked).await;
    let mut older = None;
    let rows = found.map(|mut jobs| {
        if jobs.len() > PAGE as usize {
            jobs.truncate(PAGE as usize);
            older = jobs.last().map(|job| asked.link(Some(&job.id.to_string())));
        }
        jobs.iter().map(row).collect()
    });
    let view = View {
        title: "Jobs",
        statuses: STATUSES.map(|one| Choice { value: one.as_str(), chosen: asked.status == Some(one) }).into(),
        sources: SOURCES.map(|one| Choice { value: one.as_str(), chosen: asked.source == Some(one) }).into(),
        filtered: asked.status.is_some() || asked.source.is_some() || !asked.id.is_empty(),
        newest: asked.before.map(|_| asked.link(None)),
        id: asked.id,
        rows,
        older,
        frame,
    };
    Ok(page(&site, &view)?)
}

/// The store lists jobs from the moment they are taken up; those that still wait are in the queue alone.
async fn find(site: &Site, asked: &Asked) -> Result<Vec<Job>, String> {
    let filter = JobFilter {
        status: asked.status,
        asker: None,
        before: asked.before,
        source: asked.source,
        id: Some(asked.id.clone()).filter(|id| !id.is_empty()),
    };
    let mut jobs = match asked.status {
        Some(Status::Queued) => Vec::new(),
        _ => stored(site.store().jobs(&filter, PAGE + 1)).await?,
    };
    if matches!(asked.status, None | Some(Status::Queued)) {
        let waiting = site.engine().queue().list(State::New, PAGE as usize + 1).await;
        let fits = |job: &Job| {
            asked.source.is_none_or(|source| job.request.source == source)
                && job.id.to_string().starts_with(&asked.id)
                && asked.before.is_none_or(|before| job.id < before)
        };
        let mut waiting = waiting.map_err(|error| words::line(&error.to_string()))?;
        // Of very many that wait only the newest are listed; one that is asked for by its whole id is found all the same.
        if let Ok(id) = asked.id.parse() {
            waiting.extend(site.engine().queue().find(id).await.ok().flatten());
        }
        jobs.extend(waiting.into_iter().filter(fits));
        jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
        jobs.dedup_by_key(|job| job.id);
    }
    Ok(jobs)
}

fn row(job: &Job) -> Row {
    let page = job.progress.published.as_ref().map(|page| format!("{}/{}", page.user, page.app));
    let cause = causes::cause(job).map(|cause| words::cell(&format!("{}: {}", cause.code, cause.what)));
    Row {
        id: job.id.to_string(),
        when: words::ago(job.created_at),
        at: job.created_at.to_string(),
        status: job.status.as_str(),
        class: class(job.status),
        source: job.request.source.as_str(),
        who: job.request.asker.to_string(),
        took: job.finished_at.map(|at| words::took(at.since(job.created_at))).unwrap_or_default(),
        what: cause.or(page).unwrap_or_default(),
    }
}

/// For the stylesheet.
pub(super) fn class(status: Status) -> &'static str {
    match status {
        Status::Done => "good",
        Status::Failed => "wrong",
        Status::Queued | Status::Running | Status::Refused => "wait",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_read_strictly_and_leads_to_the_next_page() {
        let asked = Asked::of(&Uri::from_static("/console/jobs?status=failed&source=sms&id=01kx%22%3E&before=x"));
        assert_eq!((asked.status, asked.source, asked.id.as_str()), (Some(Status::Failed), Some(Source::Sms), "01KX"));
        assert_eq!(asked.before, None);
        assert_eq!(asked.link(Some("Z")), "/console/jobs?status=failed&source=sms&id=01KX&before=Z");
        let nothing = Asked::of(&Uri::from_static("/console/jobs?status=%3Cscript%3E&source=+"));
        assert!(nothing.status.is_none() && nothing.source.is_none() && nothing.id.is_empty());
    }
}
