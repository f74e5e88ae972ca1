//! The word lists of `words/`, one word a line, split by the compiler: a call reads no more of them than the words it draws.

use wtaf_plugin_sdk::words::in_order;

/// The words of a file.
macro_rules! words {
    ($name:literal) => {{
        const WORDS: &[&str] = wtaf_plugin_sdk::words!(include_str!(concat!("../words/", $name, ".txt")));
        assert!(in_order(WORDS), concat!("words/", $name, ".txt: each word once, in alphabetical order"));
        WORDS
    }};
}

/// `amber`, `moss`, `starlit`.
pub const COLOURS: &[&str] = words!("colours");
/// `otter`, `wren`.
pub const ANIMALS: &[&str] = words!("animals");
/// `dancing`, `humming`.
pub const ACTIONS: &[&str] = words!("actions");

/// Words that carry no meaning by themselves (`the`, `make`).
const STOP: &[&str] = words!("stop");
/// Words that say little when there are better ones (`simple`, `app`).
const WEAK: &[&str] = words!("weak");

/// Whether a word carries no meaning by itself.
pub fn is_stop(word: &str) -> bool {
    STOP.binary_search(&word).is_ok()
}

/// Whether a word says little when there are better ones.
pub fn is_weak(word: &str) -> bool {
    WEAK.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_lists_are_long_and_hold_plain_words_each_once() {
        let mut seen = HashSet::new();
        for list in [COLOURS, ANIMALS, ACTIONS] {
            assert!(list.len() >= 300, "{}", list.len());
            for word in list {
                assert!(word.len() <= 14 && word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
                assert!(seen.insert(*word), "{word} is listed twice");
            }
        }
    }

    #[test]
    fn stop_words_and_weak_ones_are_known() {
        assert!(is_stop("the") && is_stop("yours") && is_stop("a") && !is_stop("otter"));
        assert!(is_weak("ai") && is_weak("website") && !is_weak("dough"));
    }
}
