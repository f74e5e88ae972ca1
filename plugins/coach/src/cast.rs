//! The coaches: data of the operator, or the built-in cast of `cast.json` (which the prompt plugin reads too).
//!
//! A coach is found by id, by name or by first name, in any case. Hidden ones answer when spoken to and are never listed.

use serde::Deserialize;
use wtaf_plugin_sdk::{Context, Named, StageError, json};

/// The built-in cast.
const BUILT_IN: &str = include_str!("../cast.json");

/// As much of a coach as deciding needs; the voice is the prompt plugin's business.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Coach {
    /// What orders carry.
    pub id: String,
    /// What people read; the id where unset.
    #[serde(default)]
    name: String,
    /// Who that is, in a few words.
    #[serde(default)]
    pub about: String,
    #[serde(default)]
    hidden: bool,
}

impl Coach {
    /// What people read.
    pub fn name(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }

    /// What this coach answers to, longest first.
    fn answers_to(&self) -> impl Iterator<Item = &str> {
        let first = self.name().split_whitespace().next().unwrap_or_default();
        let mut names = [self.id.as_str(), self.name(), first];
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.into_iter().filter(|name| !name.is_empty())
    }
}

/// All coaches, in the operator's order.
#[derive(Debug, Clone)]
pub struct Cast(Vec<Coach>);

impl Cast {
    /// The host's `coaches`, or the built-in cast where it offers none.
    ///
    /// # Errors
    /// `bad-input` where the host's list is no such list.
    pub fn read(ctx: &Context) -> Result<Self, StageError> {
        let bad = |error| StageError::BadInput(format!("coaches: {error}"));
        let offered = ctx.extra.named("coaches").filter(|text| !text.trim().is_empty()).unwrap_or("[]");
        let offered: Vec<Coach> = json::read(offered).map_err(bad)?;
        if offered.is_empty() { json::read(BUILT_IN).map(Self).map_err(bad) } else { Ok(Self(offered)) }
    }

    /// The coach of this name.
    pub fn find(&self, name: &str) -> Option<&Coach> {
        let name = name.trim().to_lowercase();
        self.0.iter().find(|coach| coach.answers_to().any(|known| known.to_lowercase() == name))
    }

    /// The coach that `words` begin with, as a whole word, and what follows the name.
    pub fn at_start_of<'c, 't>(&'c self, words: &'t str) -> Option<(&'c Coach, &'t str)> {
        let named = |known: &str| {
            let rest = strip_prefix_any_case(words, known)?;
            (!rest.starts_with(char::is_alphanumeric)).then_some(rest)
        };
        self.0
            .iter()
            .filter_map(|coach| Some((coach, coach.answers_to().find_map(named)?)))
            .min_by_key(|(_, rest)| rest.len())
    }

    /// Those that may be listed.
    pub fn listed(&self) -> impl Iterator<Item = &Coach> {
        self.0.iter().filter(|coach| !coach.hidden)
    }

    /// Who answers where nobody is named: the operator's choice, else the first that is listed.
    pub fn default_coach(&self, wanted: Option<&str>) -> Option<&Coach> {
        wanted.and_then(|name| self.find(name)).or_else(|| self.listed().next()).or(self.0.first())
    }
}

fn strip_prefix_any_case<'t>(words: &'t str, prefix: &str) -> Option<&'t str> {
    let mut rest = words.chars();
    for letter in prefix.chars() {
        if !rest.next()?.to_lowercase().eq(letter.to_lowercase()) {
            return None;
        }
    }
    Some(rest.as_str())
}

#[cfg(test)]
pub(crate) fn built_in() -> Cast {
    Cast(serde_json::from_str(BUILT_IN).expect("the built-in cast"))
}

#[cfg(test)]
mod tests {
    use super::{Cast, built_in};

    #[test]
    fn the_built_in_cast_is_whole_and_hides_only_leo() {
        let cast = built_in();
        let listed: Vec<_> = cast.listed().map(|coach| coach.id.as_str()).collect();
        assert_eq!(listed, ["alex", "donte", "rohan", "venus", "eljas", "kailey"]);
        assert_eq!(cast.find("LEO").map(super::Coach::name), Some("Leo"));
        assert!(cast.listed().all(|coach| !coach.about.is_empty()));
    }

    #[test]
    fn a_coach_is_found_at_the_start_as_a_whole_word_only() {
        let cast = built_in();
        assert_eq!(cast.at_start_of("Alex, hi").map(|(coach, rest)| (coach.id.as_str(), rest)), Some(("alex", ", hi")));
        assert!(cast.at_start_of("alexander").is_none());
        assert!(cast.at_start_of("").is_none());
    }

    #[test]
    fn the_longest_name_wins() {
        let cast: Cast = Cast(serde_json::from_str(r#"[{"id":"bob"},{"id":"dr-bob","name":"Bob Ross"}]"#).unwrap());
        assert_eq!(
            cast.at_start_of("bob ross rules").map(|(coach, rest)| (coach.id.as_str(), rest)),
            Some(("dr-bob", " rules"))
        );
        assert_eq!(
            cast.at_start_of("dr-bob- x").map(|(coach, rest)| (coach.id.as_str(), rest)),
            Some(("dr-bob", "- x"))
        );
    }
}
