//! The flow: whether each stage finds what it needs, on each of the four routes a job can take.
//!
//! A request is decided by the coach and then goes the way of a build, a chat, an edit or a reply. `when` says which ways a stage stands on;
//! where it is unset, a stage stands wherever there is work for it, and the check writes that down. It runs nothing.

mod order;
mod route;
mod words;

use super::{
    document::At,
    model::{AdapterStage, FilterOn, Role, Runs, Stage, When},
    walk::Walk,
};

/// The ways a job can go.
pub const ROUTES: [When; 4] = [When::Build, When::Edit, When::Chat, When::Reply];

/// A stage in its place, as far as it could be read.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Its name, else how `--set` would call it.
    pub called: String,
    /// Where it stands in the file.
    pub at: At,
    /// Where its `when` stands, else the stage.
    pub when_at: At,
    /// What it runs, where that is known.
    pub runs: Option<Runs>,
    /// Its `when`, where there is one.
    pub when: Option<Vec<When>>,
    /// What a filter looks at.
    pub on: Vec<FilterOn>,
    /// The material a prompt's call makes, where it is no page.
    pub make: Option<String>,
    /// All of it, where nothing is wrong with it.
    pub complete: Option<Stage>,
}

/// What a stage does in the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Coach,
    Filter,
    Prompt,
    Ai,
    Extract,
    Slug,
    Publish,
    Files,
    Notify,
    /// A fault hides it: it may be anything.
    Unknown,
}

impl Placed {
    fn work(&self) -> Work {
        match &self.runs {
            None => Work::Unknown,
            Some(Runs::Plugin { role, .. }) => match role {
                Role::Coach => Work::Coach,
                Role::Prompt => Work::Prompt,
                Role::Extract => Work::Extract,
                Role::Slug => Work::Slug,
                Role::Filter => Work::Filter,
            },
            Some(Runs::Adapter(adapter)) => match adapter {
                AdapterStage::Ai => Work::Ai,
                AdapterStage::Publish => Work::Publish,
                AdapterStage::Files => Work::Files,
                AdapterStage::Notify => Work::Notify,
            },
        }
    }
}

/// Notes what does not flow; the stages with their `when` written out where all does.
pub fn check(walk: &mut Walk<'_>, stages: Vec<Placed>) -> Option<Vec<Stage>> {
    let mut faults = order::check(&stages);
    let routes = route::Routes::of(&stages);
    faults.extend(words::faults(&stages, &routes));
    let clean = faults.is_empty();
    for fault in faults {
        walk.push(fault);
    }
    let stages: Option<Vec<Stage>> = stages
        .into_iter()
        .enumerate()
        .map(|(index, placed)| {
            let when = routes.stood_on(index);
            placed.complete.map(|stage| Stage { when, ..stage })
        })
        .collect();
    stages.filter(|_| clean)
}
