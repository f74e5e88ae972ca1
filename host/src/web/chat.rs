//! `/chat`: ask on the left, watch the stages, get the page on the right. The script makes it live; without it the form and a reload do.

use askama::Template;
use axum::{
    extract::{self, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::{
    Problem, Site, address,
    ask::{self, Asked},
    form, local, look, page, session,
    who::Who,
};
use crate::{
    adapter::store::JobFilter,
    job::{Job, JobId, StageRecord, Status},
};

/// Asks of this session that are shown again.
const TURNS: u32 = 12;

/// One ask and what became of it.
struct Turn {
    id: JobId,
    said: Option<String>,
    status: Status,
    steps: Vec<Step>,
    reply: Option<String>,
    page: Option<(String, String)>,
    why: Option<&'static str>,
}

/// A stage on the thin line.
pub(super) struct Step {
    pub name: String,
    /// `wait`, `done`, `skip`, `wrong`.
    pub state: &'static str,
    pub took: String,
}

#[derive(Template)]
#[template(path = "chat.html")]
struct Chat<'a> {
    title: &'a str,
    idea: &'a str,
    turns: Vec<Turn>,
    plan: String,
    apart: bool,
    guests: bool,
    phone: bool,
    longest: usize,
    shown: Option<(String, String)>,
}

impl Chat<'_> {
    /// Something is under way, so a browser without scripts looks again by itself.
    fn waiting(&self) -> bool {
        self.turns.iter().any(|turn| !turn.status.is_final())
    }
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = form::query(&uri);
    let idea: String = form::first(&query, "idea").unwrap_or_default().chars().take(ask::LONGEST).collect();
    let who = site.who_if_known(&headers).await;
    let turns = turns(&site, &who, form::first(&query, "job").and_then(|id| id.parse().ok())).await;
    let config = site.config();
    let shown = turns.iter().rev().find_map(|turn| turn.page.clone());
    let chat = Chat {
        title: "Chat",
        idea: &idea,
        plan: config.stages.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" "),
        apart: config.server.pages_url.is_some(),
        guests: config.web.guests || who.person.is_some(),
        phone: site.console() && site.local(&uri, &headers).is_ok(),
        longest: ask::LONGEST,
        shown,
        turns,
    };
    let mut response = look::page(&chat, &config.server)?;
    // The browser has its session before it first asks: what is sent twice is then seen to come from one person.
    let has_none = who.ended || session::cookie(&headers, &config.server).is_none();
    let fresh = has_none.then(session::Token::fresh);
    if let Some(cookie) = fresh.and_then(|token| token.cookie(&config.server)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What they asked, by text too, oldest first; and the job named in the address, which may be too fresh for the list, or somebody else's.
async fn turns(site: &Site, who: &Who, named: Option<JobId>) -> Vec<Turn> {
    let mut jobs = Vec::new();
    for asker in who.askers() {
        let filter = JobFilter { asker: Some(asker), ..JobFilter::default() };
        jobs.extend(site.store().jobs(&filter, TURNS).await.unwrap_or_default());
    }
    jobs.sort_by_key(|job| job.id);
    jobs.drain(..jobs.len().saturating_sub(TURNS as usize));
    if let Some(id) = named
        && jobs.iter().all(|job| job.id != id)
        && let Ok(Some(job)) = site.engine().job(id).await
    {
        jobs.push(job);
    }
    jobs.iter().map(|job| turn(site, job, who.asked(job))).collect()
}

fn turn(site: &Site, job: &Job, owner: bool) -> Turn {
    let config = site.config();
    let live = job.progress.published.as_ref().filter(|_| job.status == Status::Done);
    Turn {
        id: job.id,
        said: owner.then(|| job.request.text.clone()),
        status: job.status,
        steps: config.stages.iter().map(|stage| step(&stage.name, &job.stages)).collect(),
        reply: job.progress.reply.as_deref().filter(|_| owner).and_then(|reply| {
            // The link stands below, as a thing to press.
            let words = live.map_or_else(|| reply.to_owned(), |page| reply.replacen(&page.url, "", 1));
            Some(words.trim().to_owned()).filter(|words| !words.is_empty())
        }),
        page: live.map(|p| (page::link(&config.server, &p.user, &p.app), p.title.clone())),
        why: match job.status {
            Status::Failed => Some("This one did not work out. It is kept, and can be tried again."),
            Status::Refused => Some("This one was not made."),
            _ => None,
        },
    }
}

fn step(name: &str, records: &[StageRecord]) -> Step {
    match records.iter().rev().find(|record| record.name == name) {
        None => Step { name: name.to_owned(), state: "wait", took: String::new() },
        Some(record) => {
            let (state, took) = match record.outcome.as_str() {
                "ok" => ("done", took(record.ms)),
                "skipped" => ("skip", String::new()),
                _ => ("wrong", took(record.ms)),
            };
            Step { name: name.to_owned(), state, took }
        }
    }
}

fn took(ms: f64) -> String {
    if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 1_000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1e3)
    }
}

/// The form, for browsers without scripts: takes the message in and shows the chat with its job.
pub(super) async fn ask(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    // A form can be sent by any page, so here an Origin must be there, and be ours alone.
    let ours = match local::origin(&parts.headers) {
        local::Origin::Named(origin) => {
            local::is_ours(origin, &site.config().server.public_url, &parts.uri, &parts.headers)
        }
        _ => false,
    };
    if !ours {
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "This form was not sent from our own page.")
            .todo("Open the chat and ask there."));
    }
    let pairs = form::pairs(&parts.headers, body).await?;
    let from = address::client(address::peer(&parts.extensions), &parts.headers, &site.trusted);
    let asked = Asked {
        message: form::first(&pairs, "message").unwrap_or_default(),
        coach: form::first(&pairs, "coach"),
        key: None,
        who: site.who_holds(session::cookie(&parts.headers, &site.config().server)).await?,
    };
    let taken = ask::ask(&site, from, asked).await?;
    let mut response = Redirect::to(&format!("/chat?job={}", taken.accepted.id())).into_response();
    let cookie: Option<HeaderValue> = taken.token.cookie(&site.config().server).filter(|_| taken.fresh);
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(took(0.42), "0.4 ms");
        assert_eq!(took(431.6), "432 ms");
        assert_eq!(took(1_840.0), "1.8 s");
    }
}
