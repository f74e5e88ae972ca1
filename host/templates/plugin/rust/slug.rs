//! Names for pages: the title's own words, then the same with something behind them.
//!
//! `propose` is called once a page. The host takes the first of the names that is free, so the best comes first.

use wtaf_plugin_sdk::{Context, Order, Seeded, StageError, slug::Slug};

/// Words that say nothing in a name.
const SMALL: [&str; 12] = [
    "a", "an", "and", "for", "in", "my", "of", "on", "that", "the", "to", "with",
];

struct TitleWords;

impl Slug for TitleWords {
    fn propose(
        ctx: Context,
        order: Order,
        title: Option<String>,
        taken: Vec<String>,
    ) -> Result<Vec<String>, StageError> {
        let base = [
            title.as_deref().unwrap_or_default(),
            &order.text,
            &order.kind,
            "page",
        ]
        .into_iter()
        .map(name_of)
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "page".into());
        let mut names = vec![base.clone(), format!("{base}-{}", kind(&order))];
        names.extend((2..=9).map(|number| format!("{base}-{number}")));
        // A plugin has no dice: chance comes from the seed, so that a job that is run again gives the same names.
        let mut chance = Seeded::new(ctx.seed);
        names.extend((0..20).map(|_| format!("{base}-{}", 1000 + chance.below(9000))));
        names.retain(|name| !taken.contains(name));
        Ok(names)
    }
}

/// Up to four telling words, joined by dashes. A name is made of `a-z`, `0-9` and single dashes, and has at most 64 letters.
fn name_of(text: &str) -> String {
    let text = text.to_lowercase();
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let plain = words.map(|word| {
        word.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
    });
    let telling = plain
        .filter(|word| !word.is_empty() && word.len() <= 12 && !SMALL.contains(&word.as_str()));
    telling.take(4).collect::<Vec<_>>().join("-")
}

/// What sort of page it is, in one plain word.
fn kind(order: &Order) -> String {
    Some(name_of(&order.kind))
        .filter(|kind| !kind.is_empty())
        .unwrap_or_else(|| "page".into())
}

wtaf_plugin_sdk::export_slug!(TitleWords);

#[cfg(test)]
mod tests {
    use super::*;

    fn names(title: &str, taken: &[&str]) -> Vec<String> {
        let ctx = Context {
            job: "1".into(),
            attempt: 1,
            now: 0,
            seed: 7,
            config: "{}".into(),
            extra: vec![],
        };
        let order = Order {
            kind: "game".into(),
            text: String::new(),
            coach: None,
            page: None,
            why: String::new(),
            extra: vec![],
        };
        TitleWords::propose(
            ctx,
            order,
            Some(title.into()),
            taken.iter().map(|&name| name.into()).collect(),
        )
        .unwrap()
    }

    #[test]
    fn the_title_names_the_page() {
        assert_eq!(
            names("The Snake of the Nile!", &[])[..2],
            ["snake-nile", "snake-nile-game"]
        );
    }

    #[test]
    fn what_is_taken_is_left_out() {
        assert_eq!(names("Snake", &["snake", "snake-game"])[0], "snake-2");
    }

    #[test]
    fn a_title_without_a_plain_letter_leaves_the_kind() {
        assert_eq!(names("…!", &[])[0], "game");
    }
}
