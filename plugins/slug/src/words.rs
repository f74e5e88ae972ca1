//! The word lists, one word a line in `words/`. Splitting them costs a few microseconds, once a call.

/// The lists that slugs are made of.
#[derive(Debug)]
pub struct Words {
    /// `amber`, `moss`, `starlit`.
    pub colours: Vec<&'static str>,
    /// `otter`, `wren`.
    pub animals: Vec<&'static str>,
    /// `dancing`, `humming`.
    pub actions: Vec<&'static str>,
}

impl Words {
    /// Reads the lists.
    pub fn new() -> Self {
        let list = |text: &'static str| text.lines().filter(|line| !line.is_empty()).collect();
        Self {
            colours: list(include_str!("../words/colours.txt")),
            animals: list(include_str!("../words/animals.txt")),
            actions: list(include_str!("../words/actions.txt")),
        }
    }
}

/// Whether a word carries no meaning by itself (`the`, `make`).
pub fn is_stop(word: &str) -> bool {
    contains(include_str!("../words/stop.txt"), word)
}

/// Whether a word says little when there are better ones (`simple`, `app`).
pub fn is_weak(word: &str) -> bool {
    contains(include_str!("../words/weak.txt"), word)
}

fn contains(list: &'static str, word: &str) -> bool {
    list.lines().any(|line| line == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_lists_are_long_and_hold_plain_words_each_once() {
        let words = Words::new();
        let mut seen = HashSet::new();
        for list in [&words.colours, &words.animals, &words.actions] {
            assert!(list.len() >= 300, "{}", list.len());
            for word in list {
                assert!(word.len() <= 14 && word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
                assert!(seen.insert(*word), "{word} is listed twice");
            }
        }
    }
}
