//! The words a person reads. The configured coach says them; where it cannot, the engine's own does; where that cannot, a fixed sentence does.

use super::{Generation, translate};
use crate::{
    adapter::store::Person,
    config::Stage,
    job::Job,
    plugin::{Call, Limits, Plugin, coach, types},
};

/// Something to tell a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    name: &'static str,
    values: Vec<(String, String)>,
}

impl Occasion {
    /// By its name in `wit/coach.wit`.
    pub fn new(name: &'static str) -> Self {
        Self { name, values: Vec::new() }
    }

    /// With a named value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.push((name.to_owned(), value.into()));
        self
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn url(&self) -> Option<&str> {
        self.values.iter().find(|(name, _)| name == "url").map(|(_, value)| value.as_str())
    }
}

/// The words for an occasion, or none where the coach wants silence.
pub async fn words(generation: &Generation, job: &Job, person: Option<&Person>, occasion: &Occasion) -> Option<String> {
    let mut speakers: Vec<(&Stage, Limits, &Plugin)> = Vec::new();
    if let Some((ready, plugin)) = generation.coach() {
        speakers.push((&ready.stage, ready.limits, plugin));
        speakers.push((&ready.stage, Limits::default(), &generation.spare_coach));
    }
    for (stage, limits, plugin) in speakers {
        match said(generation, job, person, occasion, stage, limits, plugin).await {
            Ok(None) => return None,
            Ok(Some(words)) if fits(&words, occasion) => return Some(words),
            Ok(Some(_)) => {
                tracing::warn!(job = %job.id, plugin = %plugin.name, digest = %plugin.digest, occasion = occasion.name, "the words must hold one link, and end with it");
            }
            Err(error) => tracing::warn!(job = %job.id, occasion = occasion.name, %error, "the coach could not say it"),
        }
    }
    Some(fixed(occasion))
}

async fn said(
    generation: &Generation,
    job: &Job,
    person: Option<&Person>,
    occasion: &Occasion,
    stage: &Stage,
    limits: Limits,
    plugin: &Plugin,
) -> Result<Option<String>, crate::plugin::PluginError> {
    let call = Call { stage: &stage.name, limits, context: translate::context(&generation.pipeline, job, stage, &[]) };
    let mut values: types::Extra = occasion.values.clone();
    values.push(("source".into(), job.request.source.as_str().into()));
    let occasion = coach::Occasion { name: occasion.name.into(), values };
    plugin.say(call, &translate::person(person, ""), &occasion).await
}

/// A text that announces a page holds exactly one link, last, with nothing after it.
fn fits(words: &str, occasion: &Occasion) -> bool {
    let links = words.matches("://").count();
    match occasion.url() {
        Some(url) => words.ends_with(url) && links == 1,
        None => !words.trim().is_empty(),
    }
}

fn fixed(occasion: &Occasion) -> String {
    match (occasion.name, occasion.url()) {
        (_, Some(url)) => format!("Your page is live: {url}"),
        ("accepted", _) => "Got it. The link follows in a minute.".into(),
        ("limit", _) => "That is as many as fit for now. Try again later.".into(),
        _ => "Sorry, that did not work. Text it again in a while.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_announce_a_page_end_with_its_one_link() {
        let live = Occasion::new("page-live").with("url", "https://x.example/a/b");
        assert!(fits("It is live: https://x.example/a/b", &live));
        assert!(!fits("https://x.example/a/b is live", &live));
        assert!(!fits("See http://evil.example and https://x.example/a/b", &live));
        assert!(fits(&fixed(&live), &live));
    }
}
