//! `/chat`: ask on the left, watch the stages, get the page on the right. The script makes it live; without it the form and a reload do.

use askama::Template;
use axum::{
    extract::{self, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, Uri, header};

use super::{
    Problem, Site, address,
    ask::{self, Asked},
    form, look, page, session,
    who::Who,
};
use crate::{
    adapter::store::JobFilter,
    config::{FilterOn, Pipeline},
    job::{Job, JobId, StageRecord, Status},
};

/// Asks of this session that are shown again.
const TURNS: u32 = 12;

/// One ask and what became of it.
struct Turn {
    id: JobId,
    said: Option<Said>,
    status: Status,
    steps: Vec<Step>,
    reply: Option<String>,
    page: Option<(String, String)>,
    why: Option<&'static str>,
}

/// What the person wrote, and how the talk shows it.
struct Said {
    /// As it was asked, to ask it again.
    text: String,
    /// What a command is about: "Change of snake-game".
    about: Option<String>,
    words: String,
}

/// The page in the frame, and what the buttons under it need to know.
struct Shown {
    url: String,
    title: String,
    user: String,
    app: String,
    own: bool,
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
#[expect(clippy::struct_excessive_bools, reason = "what a template draws or leaves out")]
struct Chat<'a> {
    title: &'a str,
    idea: &'a str,
    turns: Vec<Turn>,
    plan: String,
    apart: bool,
    guests: bool,
    phone: bool,
    /// Who is signed in, by their slug.
    me: Option<&'a str>,
    /// What an AI writes may be seen before the page is live: no filter follows.
    previews: bool,
    longest: usize,
    shown: Option<Shown>,
}

impl Chat<'_> {
    /// Something is under way, so a browser without scripts looks again by itself.
    fn waiting(&self) -> bool {
        self.turns.iter().any(|turn| !turn.status.is_final())
    }

    /// The page shown is of whoever looks: it can be edited.
    fn own(&self) -> bool {
        self.shown.as_ref().is_some_and(|page| page.own)
    }
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = form::query(&uri);
    // An idea is asked at once where our own front page sends it; a draft only ever waits to be finished.
    let idea = form::first(&query, "idea").or_else(|| form::first(&query, "draft")).unwrap_or_default();
    let idea: String = idea.chars().take(ask::LONGEST).collect();
    let who = site.who_if_known(&headers).await;
    let jobs = jobs(&site, &who, form::first(&query, "job").and_then(|id| id.parse().ok())).await;
    let config = site.config();
    let shown = jobs.iter().rev().find_map(|(job, own)| shown(config, job, *own));
    let turns = jobs.iter().map(|(job, own)| turn(config, job, *own)).collect();
    let chat = Chat {
        title: "Chat",
        idea: &idea,
        plan: config.stages.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" "),
        apart: config.server.pages_url.is_some(),
        guests: config.web.guests || who.person.is_some(),
        phone: site.console() && site.local(&uri, &headers).is_ok(),
        me: who.person.as_ref().map(|person| person.slug.as_str()),
        previews: previews(config),
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

/// What they asked, by text too, oldest first; and the job named in the address, which may be too fresh for the list, or somebody else's. Each with whether
/// it is theirs.
async fn jobs(site: &Site, who: &Who, named: Option<JobId>) -> Vec<(Job, bool)> {
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
    jobs.into_iter()
        .map(|job| {
            let own = who.asked(&job);
            (job, own)
        })
        .collect()
}

fn previews(config: &Pipeline) -> bool {
    !config.stages.iter().any(|stage| stage.on.iter().any(|on| matches!(on, FilterOn::Page | FilterOn::Reply)))
}

fn shown(config: &Pipeline, job: &Job, own: bool) -> Option<Shown> {
    let live = job.progress.published.as_ref().filter(|_| job.status == Status::Done)?;
    Some(Shown {
        url: page::link(&config.server, &live.user, &live.app),
        title: live.title.clone(),
        user: live.user.clone(),
        app: live.app.clone(),
        own,
    })
}

fn turn(config: &Pipeline, job: &Job, owner: bool) -> Turn {
    let live = job.progress.published.as_ref().filter(|_| job.status == Status::Done);
    let over = job.status.is_final();
    Turn {
        id: job.id,
        said: owner.then(|| said(&job.request.text)),
        status: job.status,
        steps: config.stages.iter().map(|stage| step(&stage.name, &job.stages, over)).collect(),
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

/// The commands that the buttons under a page send, in human words. The script says the same (`look/chat.js`).
fn said(text: &str) -> Said {
    let mut words = text.trim().splitn(3, char::is_whitespace);
    let (verb, page) = (words.next().unwrap_or_default(), words.next().filter(|page| !page.is_empty()));
    let rest = words.next().map(str::trim).unwrap_or_default();
    let (about, words) = match (verb, page) {
        ("EDIT", Some(page)) if !rest.is_empty() => (Some(format!("Change of {page}")), rest),
        ("REMIX", Some(page)) => (Some(format!("Remix of {page}")), if rest.is_empty() { "As it is" } else { rest }),
        ("UNDO", Some(page)) if rest.is_empty() => (Some(page.to_owned()), "Take the last change back"),
        _ => (None, text),
    };
    Said { text: text.to_owned(), about, words: words.to_owned() }
}

fn step(name: &str, records: &[StageRecord], over: bool) -> Step {
    match records.iter().rev().find(|record| record.name == name) {
        None => Step { name: name.to_owned(), state: if over { "skip" } else { "wait" }, took: String::new() },
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
    ask::check_form_origin(&site, &parts.uri, &parts.headers)?;
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
    fn commands_of_the_buttons_are_shown_in_human_words() {
        let shown = |text: &str| {
            let said = said(text);
            (said.about.unwrap_or_default(), said.words)
        };
        let both = |about: &str, words: &str| (about.to_owned(), words.to_owned());
        assert_eq!(shown("EDIT red-fox make it blue\nand big"), both("Change of red-fox", "make it blue\nand big"));
        assert_eq!(shown("REMIX otter/red-fox"), both("Remix of otter/red-fox", "As it is"));
        assert_eq!(shown("UNDO red-fox"), both("red-fox", "Take the last change back"));
        // Words that only look like a command, and commands that would be answered with how to use them.
        for text in ["Edit videos like a pro", "EDIT red-fox", "UNDO", "UNDO the damage done", "a snake game"] {
            assert_eq!(shown(text), both("", text));
        }
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(took(0.42), "0.4 ms");
        assert_eq!(took(431.6), "432 ms");
        assert_eq!(took(1_840.0), "1.8 s");
    }
}
