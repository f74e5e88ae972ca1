//! Keeps slugs polite: no denied word as a word, none inside a word where it would be read there, none across a hyphen.
//!
//! Inside a longer word only unmistakable stems count (the starred ones), so that a class, a cocktail and Scunthorpe keep their names.

/// The denied words, read once a call.
#[derive(Debug)]
pub struct Manners(Vec<Denied>);

#[derive(Debug)]
struct Denied {
    word: &'static str,
    /// Whether it counts inside a longer word.
    stem: bool,
}

impl Manners {
    /// Reads the list.
    pub fn new() -> Self {
        let lines =
            include_str!("../words/denied.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            lines
                .map(|line| match line.strip_suffix('*') {
                    Some(word) => Denied { word, stem: true },
                    None => Denied { word: line, stem: false },
                })
                .collect(),
        )
    }

    /// Whether a slug reads as rude.
    pub fn offended_by(&self, slug: &str) -> bool {
        let words: Vec<&str> = slug.split('-').collect();
        words.iter().any(|word| self.offended_by_word(word)) || self.offended_across(&words)
    }

    /// Whether one word is rude.
    pub fn offended_by_word(&self, word: &str) -> bool {
        self.0.iter().any(|denied| word == denied.word || (denied.stem && word.contains(denied.word)))
    }

    /// Whether a denied word begins in one word and ends in another (`tan-alpaca`).
    fn offended_across(&self, words: &[&str]) -> bool {
        let joined = words.concat();
        let ends: Vec<usize> = words
            .iter()
            .scan(0, |at, word| {
                *at += word.len();
                Some(*at)
            })
            .collect();
        self.0.iter().any(|denied| {
            let crosses = |start: usize| ends.iter().any(|&end| start < end && end < start + denied.word.len());
            joined.match_indices(denied.word).any(|(start, _)| crosses(start))
        })
    }
}

#[cfg(test)]
mod tests {
    use wtaf_plugin_sdk::Seeded;

    use super::*;
    use crate::words::Words;

    #[test]
    fn rude_words_are_seen_alone_inside_and_across_a_hyphen() {
        let manners = Manners::new();
        for slug in ["tit-mouse", "bullshitting-bingo", "tan-alpaca", "pass-hole", "gras-shopper", "rabbit-chuckling"] {
            assert!(manners.offended_by(slug), "{slug}");
        }
        for slug in
            ["class-timer", "cocktail-recipes", "scunthorpe-bus", "grass-hopper", "assistant-title", "butter-shell"]
        {
            assert!(!manners.offended_by(slug), "{slug}");
        }
    }

    #[test]
    fn no_word_of_the_lists_is_rude() {
        let (manners, words) = (Manners::new(), Words::new());
        for word in words.colours.iter().chain(&words.animals).chain(&words.actions) {
            assert!(!manners.offended_by_word(word), "{word}");
        }
    }

    #[test]
    fn hardly_any_pair_is_rude_across_its_hyphen() {
        let (manners, words) = (Manners::new(), Words::new());
        let mut chance = Seeded::new(1);
        let mut rude = |left: &[&'static str], right: &[&'static str]| {
            let mut draw = |list: &[&'static str]| chance.pick(list).copied().unwrap_or_default();
            (0..5000).filter(|_| manners.offended_across(&[draw(left), draw(right)])).count()
        };
        // Such pairs are skipped when a name is made; this shows that skipping them leaves nearly all.
        assert!(rude(&words.colours, &words.animals) < 50);
        assert!(rude(&words.animals, &words.actions) < 50);
    }
}
