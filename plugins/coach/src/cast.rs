//! The coaches: data of the operator, or the built-in cast of `cast.json` (which the prompt plugin reads too).
//!
//! A coach is found by id, by name or by first name, in any case. Hidden ones answer when spoken to and are never listed.

use std::borrow::Cow;

use serde::Deserialize;
use wtaf_plugin_sdk::{
    Context, Named, StageError,
    json::{self, table},
    json_items,
};

/// As much of a coach as deciding needs; the voice is the prompt plugin's business.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Coach {
    /// What orders carry.
    pub id: Cow<'static, str>,
    /// What people read; the id where unset.
    #[serde(default)]
    name: Cow<'static, str>,
    /// Who that is, in a few words.
    #[serde(default)]
    pub about: Cow<'static, str>,
    #[serde(default)]
    hidden: bool,
}

/// The built-in cast: ids, names, who they are, and whether they are hidden.
const BUILT_IN: [(&str, &str, &str, bool); ITEMS.len()] = {
    let mut cast = [("", "", "", false); ITEMS.len()];
    let mut at = 0;
    while at < ITEMS.len() {
        let item = ITEMS[at];
        cast[at] = (
            table::text(item, "id"),
            table::text(item, "name"),
            table::text(item, "about"),
            table::is_true(item, "hidden"),
        );
        at += 1;
    }
    cast
};
const ITEMS: &[&str] = json_items!(include_str!("../cast.json"));

impl Coach {
    /// What people read.
    pub fn name(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }

    /// What this coach answers to, longest first.
    fn answers_to(&self) -> impl Iterator<Item = &str> {
        let first = self.name().split_whitespace().next().unwrap_or_default();
        let mut names = [self.id.as_ref(), self.name(), first];
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
        let Some(offered) = ctx.extra.named("coaches").filter(|text| !text.trim().is_empty()) else {
            return Ok(Self::built_in());
        };
        let offered: Vec<Coach> =
            json::read(offered).map_err(|error| StageError::BadInput(format!("coaches: {error}")))?;
        Ok(if offered.is_empty() { Self::built_in() } else { Self(offered) })
    }

    /// The built-in cast.
    pub fn built_in() -> Self {
        let coach = |(id, name, about, hidden): (&'static str, &'static str, &'static str, bool)| Coach {
            id: id.into(),
            name: name.into(),
            about: about.into(),
            hidden,
        };
        Self(BUILT_IN.into_iter().map(coach).collect())
    }

    /// The coach of this name.
    pub fn find(&self, name: &str) -> Option<&Coach> {
        let name = name.trim();
        self.0.iter().find(|coach| coach.answers_to().any(|known| in_one_case(known).eq(in_one_case(name))))
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

/// The letters of a name in lower case; at the end of a Greek one an s is written another way.
fn in_one_case(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ς' { 'σ' } else { letter })
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
mod tests {
    use super::{BUILT_IN, Cast, Coach};

    #[test]
    fn the_built_in_cast_is_whole_and_hides_only_leo() {
        let cast = Cast::built_in();
        let listed: Vec<_> = cast.listed().map(|coach| coach.id.as_ref()).collect();
        assert_eq!(listed, ["alex", "donte", "rohan", "venus", "eljas", "kailey"]);
        assert_eq!(cast.find("LEO").map(Coach::name), Some("Leo"));
        assert!(cast.listed().all(|coach| !coach.about.is_empty()));
    }

    #[test]
    fn what_the_compiler_reads_of_the_cast_is_what_is_there() {
        let read: Vec<Coach> = serde_json::from_str(include_str!("../cast.json")).expect("the built-in cast");
        assert_eq!(Cast::built_in().0, read);
        assert_eq!(BUILT_IN.len(), 7);
    }

    #[test]
    fn a_coach_is_found_in_any_case_of_any_script() {
        let cast = Cast(serde_json::from_str(r#"[{"id":"ΟΔΥΣΣΕΥΣ"},{"id":"zoë"},{"id":"k"}]"#).unwrap());
        let found = ["οδυσσευς", "ΖΟË", "ZOË", "\u{212a}"].map(|name| cast.find(name).map(|coach| coach.id.as_ref()));
        assert_eq!(found, [Some("ΟΔΥΣΣΕΥΣ"), None, Some("zoë"), Some("k")]);
    }

    #[test]
    fn a_coach_is_found_at_the_start_as_a_whole_word_only() {
        let cast = Cast::built_in();
        assert_eq!(cast.at_start_of("Alex, hi").map(|(coach, rest)| (coach.id.as_ref(), rest)), Some(("alex", ", hi")));
        assert!(cast.at_start_of("alexander").is_none());
        assert!(cast.at_start_of("").is_none());
    }

    #[test]
    fn the_longest_name_wins() {
        let cast: Cast = Cast(serde_json::from_str(r#"[{"id":"bob"},{"id":"dr-bob","name":"Bob Ross"}]"#).unwrap());
        assert_eq!(
            cast.at_start_of("bob ross rules").map(|(coach, rest)| (coach.id.as_ref(), rest)),
            Some(("dr-bob", " rules"))
        );
        assert_eq!(
            cast.at_start_of("dr-bob- x").map(|(coach, rest)| (coach.id.as_ref(), rest)),
            Some(("dr-bob", "- x"))
        );
    }
}
