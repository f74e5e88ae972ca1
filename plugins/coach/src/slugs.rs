//! Names for people: a friendly adjective and an animal, drawn from the call's seed, and the words nobody may claim.
//!
//! It proposes; only the host knows which names are free.

use wtaf_plugin_sdk::{Seeded, words};

const ADJECTIVES: &[&str] = words!(include_str!("../words/adjectives.txt"));
const ANIMALS: &[&str] = words!(include_str!("../words/animals.txt"));

/// The engine's own places and the words a stranger could use to pass for it.
const RESERVED: &[&str] = words!(include_str!("../words/reserved.txt"));

/// Shortest and longest name a person may choose.
const SHORTEST: usize = 3;
const LONGEST: usize = 32;

/// How many are proposed as plain pairs, and how many more with a number, for when the pairs run out.
const PAIRS: usize = 8;
const NUMBERED: usize = 4;

/// Names for someone new, best first, all different.
pub fn candidates(seed: u64) -> Vec<String> {
    let mut chance = Seeded::new(seed);
    let mut names: Vec<String> = Vec::with_capacity(PAIRS + NUMBERED);
    for at in 0..PAIRS + NUMBERED {
        let adjective = chance.pick(ADJECTIVES).copied().unwrap_or("happy");
        let animal = chance.pick(ANIMALS).copied().unwrap_or("otter");
        let number = chance.below(9_000) + 1_000;
        let name = if at < PAIRS { format!("{adjective}-{animal}") } else { format!("{adjective}-{animal}-{number}") };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Why a name cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Other signs than letters, digits and single hyphens.
    Signs,
    /// Too short or too long.
    Length,
    /// One of ours.
    Reserved,
}

/// The name as it will be written, or why not.
///
/// # Errors
/// [`Unfit`], for the person to read.
pub fn wanted(name: &str) -> Result<String, Unfit> {
    let name = name.trim_matches(['/', '"', '\'', '@']).trim_end_matches('.').to_ascii_lowercase();
    let well_formed =
        name.split('-').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !well_formed {
        Err(Unfit::Signs)
    } else if !(SHORTEST..=LONGEST).contains(&name.len()) {
        Err(Unfit::Length)
    } else if is_reserved(&name) {
        Err(Unfit::Reserved)
    } else {
        Ok(name)
    }
}

/// Hyphens do not make a reserved word free: `a-p-i` reads as `api`.
fn is_reserved(name: &str) -> bool {
    let letters = |word: &'_ str| word.bytes().filter(|letter| *letter != b'-').collect::<Vec<_>>();
    let name = letters(name);
    RESERVED.iter().any(|word| word.bytes().filter(|letter| *letter != b'-').eq(name.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::{ADJECTIVES, ANIMALS, Unfit, candidates, wanted};

    #[test]
    fn the_lists_are_long_and_hold_every_word_once() {
        for list in [ADJECTIVES, ANIMALS] {
            let mut words = list.to_vec();
            let all = words.len();
            assert!(all >= 150, "{all}");
            assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), all);
        }
    }

    #[test]
    fn the_same_seed_proposes_the_same_names_and_all_of_them_can_be_had() {
        assert_eq!(candidates(7), candidates(7));
        assert_ne!(candidates(7), candidates(8));
        for seed in 0..2_000 {
            let names = candidates(seed);
            assert!(names.len() >= 8);
            for name in names {
                assert_eq!(wanted(&name), Ok(name.clone()), "{name}");
            }
        }
    }

    #[test]
    fn the_engines_own_words_cannot_be_claimed() {
        for word in ["api", "Admin", "CONSOLE", "chat", "phone", "sms", "public", "/chat/", "a-p-i", "wtaf"] {
            assert_eq!(wanted(word), Err(Unfit::Reserved), "{word}");
        }
    }

    #[test]
    fn a_name_is_letters_digits_and_single_hyphens() {
        assert_eq!(wanted("Swift-Otter"), Ok("swift-otter".into()));
        for word in ["a--b", "-ab", "ab-", "café", "a_b", "a/b/c", "a.b", "../xy", "o'neil"] {
            assert_eq!(wanted(word), Err(Unfit::Signs), "{word}");
        }
        assert_eq!(wanted("ab"), Err(Unfit::Length));
        assert_eq!(wanted(&"a".repeat(33)), Err(Unfit::Length));
    }
}
