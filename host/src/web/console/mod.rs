//! `/console`: the engine as whoever runs it sees it, and what they can do about it.
//!
//! Every page is drawn by the server and reads without a script; one small script of ours asks for the page again every few seconds and puts what changed in
//! its place. What people wrote is shown in a job's story alone; numbers are masked and secrets hidden everywhere.

mod causes;
mod chart;
mod configuration;
mod diff;
mod disk;
mod door;
mod jobs;
mod needs;
mod overview;
mod people;
mod pipeline;
mod plugins;
mod providers;
mod queue;
mod story;
mod upload;
mod words;

pub(super) use self::{
    configuration::{reload, show as configuration},
    door::enter,
    jobs::show as jobs,
    overview::show as overview,
    people::{find as find_person, show as people},
    plugins::{act as act_on_plugin, show as plugins},
    providers::show as providers,
    queue::{act as act_on_queue, show as queue},
    story::{act as act_on_job, show as story},
    upload::offer as offer_plugin,
};

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use tokio::sync::Semaphore;

use self::{
    door::{Came, Shut},
    needs::{Need, Well},
};
use super::{Problem, Site, form, look, problem::Offer};
use crate::{adapter::store, engine::swap::Swaps, job::Millis};

/// For the store to answer a question of the console: it is opened most when something is away.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the console keeps between requests.
pub(super) struct Desk {
    tries: door::Tries,
    /// One replay at a time: each takes the processor from the jobs.
    replaying: Semaphore,
}

impl Default for Desk {
    fn default() -> Self {
        Self { tries: door::Tries::default(), replaying: Semaphore::new(1) }
    }
}

/// The pages, as the menu has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Here {
    Overview,
    Jobs,
    Plugins,
    Providers,
    People,
    Queue,
    Configuration,
}

impl Here {
    const ALL: [Self; 7] =
        [Self::Overview, Self::Jobs, Self::Queue, Self::Plugins, Self::Providers, Self::People, Self::Configuration];

    /// In the menu.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Jobs => "Jobs",
            Self::Plugins => "Plugins",
            Self::Providers => "Providers",
            Self::People => "People",
            Self::Queue => "Queue",
            Self::Configuration => "Configuration",
        }
    }

    /// Its address.
    pub fn path(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Jobs => "/console/jobs",
            Self::Plugins => "/console/plugins",
            Self::Providers => "/console/providers",
            Self::People => "/console/people",
            Self::Queue => "/console/queue",
            Self::Configuration => "/console/configuration",
        }
    }
}

/// What is around every page.
pub(super) struct Frame {
    /// Which page it is.
    here: Here,
    /// Whether there is something to sign out of.
    signed_in: bool,
    /// In one word, and why.
    well: Well,
    /// What wants a hand.
    needs: Vec<Need>,
    /// What was just done, in words.
    said: Option<String>,
    /// When it was drawn.
    at: Millis,
    /// Whether this process works on jobs: what is in its memory is shown only then.
    works: bool,
}

/// Lets an operator in, and looks how the engine is.
async fn frame(site: &Site, here: Here, uri: &Uri, headers: &HeaderMap) -> Result<Frame, Shut> {
    let came = door::open(site, uri, headers)?;
    Ok(drawn(site, here, uri, came).await)
}

async fn drawn(site: &Site, here: Here, uri: &Uri, came: Came) -> Frame {
    let needs = needs::look(site).await;
    Frame {
        here,
        signed_in: came == Came::SignedIn,
        well: Well::of(&needs),
        needs,
        said: said(uri),
        at: Millis::now(),
        works: site.engine().swaps().is_some(),
    }
}

/// What was done, by a word in the address: nobody can put words of their own there.
fn said(uri: &Uri) -> Option<String> {
    let query = form::query(uri);
    let many = form::first(&query, "n").and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    Some(match form::first(&query, "done")? {
        "retried" if many == 1 => "The job waits again. What it had made is not made again.".to_owned(),
        "retried" => format!("{} wait again. What they had made is not made again.", words::count(many, "job")),
        "rolled-back" => "The version before is in force again, from the next job on.".to_owned(),
        "promoted" => "The version is in force for everyone, from the next job on.".to_owned(),
        "shared" => "Its share is changed. Its counts begin anew.".to_owned(),
        "reloaded" => "pipeline.toml is read again and in force.".to_owned(),
        "unchanged" => "pipeline.toml has not changed. What was in force stays.".to_owned(),
        _ => return None,
    })
}

/// A page of the console.
fn page<T: askama::Template>(site: &Site, template: &T) -> Result<Response, Problem> {
    let mut response = look::page(template, &site.config().server)?;
    door::private(&mut response);
    Ok(response)
}

/// The half that swaps plugins; its problem says where it is.
fn swaps(site: &Site) -> Result<&Arc<Swaps>, Problem> {
    site.engine().swaps().ok_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-worker", "This process serves the web and works on no jobs.")
            .todo("Do it where the worker runs: wtaf-host plugin rollback, wtaf-host plugin install.")
    })
}

/// The store's answer, or in words why there is none.
async fn stored<T>(asked: impl Future<Output = store::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|error| words::line(&error.to_string())),
        Err(_) => Err("the database does not answer".to_owned()),
    }
}

/// A refusal leads back to where it came from.
fn back_to(here: Here) -> impl Fn(Problem) -> Problem {
    move |problem| {
        problem
            .offers(vec![Offer { title: format!("Back to {}", here.name().to_lowercase()), url: here.path().into() }])
    }
}
