//! The words a person reads. The configured coach says them; where it cannot, the engine's own does; where that cannot, a fixed sentence does.

use std::sync::Arc;

use super::{consult, translate, walk::Walk};
use crate::plugin::{Limits, Question, coach, types};

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
pub(super) async fn words(walk: &Walk, occasion: &Occasion) -> Option<String> {
    let generation = Arc::clone(&walk.generation);
    let Some((ready, plugin)) = generation.coach() else { return Some(fixed(occasion)) };
    let before = walk.parts.generations.before_trials(&generation);
    let before = before.as_ref().and_then(|before| before.coach()).map(|(_, coach)| coach);
    let before = before.filter(|coach| coach.digest != plugin.digest);
    let mut failed = None;
    let speakers =
        [(Some(plugin), ready.limits), (before, ready.limits), (Some(&generation.spare_coach), Limits::default())];
    for (speaker, limits) in speakers {
        let Some(speaker) = speaker else { continue };
        let mut values: types::Extra = occasion.values.clone();
        values.push(("source".into(), walk.job.request.source.as_str().into()));
        let question = Question::Say {
            person: translate::person(walk.person.as_ref(), ""),
            occasion: coach::Occasion { name: occasion.name.into(), values },
        };
        match consult::say(walk, ready, speaker, limits, question).await {
            Ok(words) => {
                if let (Some(error), Some(before)) = (&failed, before)
                    && Arc::ptr_eq(speaker, before)
                    && !walk.tape.is_struck()
                {
                    walk.tape.struck();
                    walk.parts.generations.strike(&walk.tape.called(), Some(error));
                }
                return words;
            }
            Err(error) => {
                tracing::warn!(job = %walk.job.id, occasion = occasion.name, plugin = %error.plugin, digest = &error.digest[..12], fault = error.fault.word(), "the coach could not say it");
                failed.get_or_insert(error);
            }
        }
    }
    Some(fixed(occasion))
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
    use crate::plugin::{Answer, contract};

    #[test]
    fn the_last_resort_keeps_the_contract_too() {
        for occasion in [Occasion::new("page-live").with("url", "https://x.example/a/b"), Occasion::new("failed")] {
            let person =
                types::Person { slug: None, role: String::new(), standing: "active".into(), extra: Vec::new() };
            let values = occasion.values.clone();
            let question = Question::Say { person, occasion: coach::Occasion { name: occasion.name.into(), values } };
            assert_eq!(contract::check(&question, &Answer::Words(Some(fixed(&occasion)))), Ok(()));
        }
    }
}
