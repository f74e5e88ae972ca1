//! Requests as whole words: what every other part of the demo provider matches against.
//!
//! Lower-cased, split at anything that is neither letter nor digit, so that `Tic-Tac-Toe` and `tic tac toe` are the
//! same three words. Does not stem: a plural is accepted where words are compared.

/// Characters of a text that are looked at: nobody's wish is longer, and the matching stays quick.
pub(super) const MOST_READ: usize = 4000;

/// The words of a text, lower-cased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let text: String = text.chars().take(MOST_READ).collect();
        let joined = text.replace(['\'', '’'], "");
        Self(joined.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect())
    }

    /// Where a phrase (words separated by single spaces) first stands; its last word may be in the plural.
    pub(super) fn find(&self, phrase: &str) -> Option<usize> {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        let (last, before) = wanted.split_last()?;
        self.0
            .windows(wanted.len())
            .position(|window| window.split_last().is_some_and(|(end, start)| start == before && same_noun(end, last)))
    }

    pub(super) fn has(&self, phrase: &str) -> bool {
        self.find(phrase).is_some()
    }

    pub(super) fn has_any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.has(phrase))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// FNV-1a over the words: a stable choice among equals, indifferent to case and punctuation.
    pub(super) fn hash(&self) -> u64 {
        self.0
            .iter()
            .flat_map(|word| word.bytes().chain([b' ']))
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

fn same_noun(word: &str, wanted: &str) -> bool {
    match word.strip_prefix(wanted) {
        Some("" | "s" | "es") => true,
        Some(_) => false,
        None => wanted.strip_suffix('y').is_some_and(|stem| word.strip_prefix(stem) == Some("ies")),
    }
}

/// Cuts to at most `most` characters, at a word's end where there is one.
pub(super) fn bounded(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let cut = &text[..end];
    cut.rfind(' ').filter(|at| *at > end / 2).map_or(cut, |at| &cut[..at]).trim_end_matches([',', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyphens_case_and_plurals_do_not_matter() {
        let words = Words::of("Two Tic-Tac-Toes, and a To-Do list of berries");

        assert!(words.has("tic tac toe"));
        assert!(words.has("to do"));
        assert!(words.has("berry"));
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        assert_eq!(bounded("a quick brown fox", 12), "a quick");
        assert_eq!(bounded("ééééé", 3), "ééé");
        assert_eq!(bounded("short", 12), "short");
    }
}
