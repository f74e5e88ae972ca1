//! `POST /console/plugins/{name}`: a component for a plugin, and how it is to be tried. The answer is its rehearsal's report.

use askama::Template;
use axum::{
    extract::{self, Path, Query, Request},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;

use super::{diff, door, page, plugins, words};
use crate::{
    engine::{
        Mode,
        swap::{Offer, Refused, Taken},
    },
    plugin::rehearsal::Rehearsal,
    web::{Problem, Site, ask, plugins::install_body, problem},
};

/// How it is tried.
#[derive(Deserialize)]
pub(crate) struct How {
    /// `pipeline`, `everyone`, `shadow` or `share`.
    #[serde(default)]
    by: String,
    /// People in a hundred.
    share: Option<String>,
}

impl How {
    fn offer(&self) -> Result<Offer, Problem> {
        Ok(match self.by.as_str() {
            "" | "pipeline" => Offer::Asked,
            "everyone" => Offer::AtOnce,
            "shadow" => Offer::As(Mode::Shadow),
            "share" => Offer::As(Mode::Canary(plugins::share(self.share.as_deref())?)),
            _ => {
                return Err(
                    ask::unprocessable("form-incomplete", "This form was not sent whole.").todo("Send it again.")
                );
            }
        })
    }
}

#[derive(Template)]
#[template(path = "console/rehearsal.html")]
struct Report {
    name: String,
    taken: bool,
    /// What became of it.
    what: String,
    why: Option<String>,
    words: String,
    failures: Vec<(String, String)>,
    differences: Vec<(String, Vec<diff::Line>)>,
    costs: Vec<(String, String, String)>,
}

/// A component is offered.
pub(crate) async fn offer(
    extract::State(site): extract::State<Site>,
    Path(name): Path<String>,
    Query(how): Query<How>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    door::act(&site, &parts.uri, &parts.headers)?;
    let swaps = super::swaps(&site)?;
    let offered = install_body(swaps, &name, how.offer()?, &parts.headers, body).await?;
    let report = match &offered {
        Ok(taken) => held(taken),
        Err(Refused::Rehearsal(rehearsal)) => {
            report(&name, rehearsal, "It was not taken. The version in force serves on.".into(), None)
        }
        Err(why) => report(
            &name,
            &Rehearsal::default(),
            "It was not taken. The version in force serves on.".into(),
            Some(words::masked(&why.to_string())),
        ),
    };
    let mut response = page(&site, &report)?;
    if offered.is_err() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        response.extensions_mut().insert(problem::Told);
    }
    Ok(response)
}

fn held(taken: &Taken) -> Report {
    let what = match taken.mode {
        None => "This very version is in force or on trial already: nothing changed.".to_owned(),
        Some(Mode::Whole) => format!("{} is in force, from the next job on.", taken.version),
        Some(mode) => format!("{} is on trial. {}.", taken.version, capital(&mode.words())),
    };
    Report { taken: true, ..report(&taken.plugin, &taken.rehearsal, what, None) }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn report(name: &str, rehearsal: &Rehearsal, what: String, why: Option<String>) -> Report {
    Report {
        name: name.to_owned(),
        taken: false,
        what,
        words: if why.is_some() { String::new() } else { capital(&rehearsal.words()) },
        why,
        failures: rehearsal.failures.iter().map(|one| (one.what.clone(), words::masked(&one.why))).collect(),
        differences: rehearsal
            .differences
            .iter()
            .map(|one| (one.what.clone(), diff::lines(&one.before, &one.after)))
            .collect(),
        costs: rehearsal
            .costs
            .iter()
            .map(|cost| {
                let fuel = cost.fuel.map_or_else(|| "not counted".to_owned(), words::thousands);
                (cost.example.clone(), fuel, super::disk::size(cost.memory as u64))
            })
            .collect(),
    }
}
