//! Keeps slugs polite: no denied word as a word, none inside a word where it would be read there, none across a hyphen.
//!
//! Inside a longer word only unmistakable stems count (the starred ones), so that a class, a cocktail and Scunthorpe keep their names.

use wtaf_plugin_sdk::words::in_order;

/// The list as it is written.
const WRITTEN: &[&str] = wtaf_plugin_sdk::words!(include_str!("../words/denied.txt"));

/// The denied words.
const DENIED: [Denied; WRITTEN.len()] = denied();
const _: () = assert!(in_order(&plain()), "words/denied.txt: each word once, in alphabetical order");

/// Where the denied words begin that share their first two letters, by these, and behind the last the end of all. At most places of a slug there are none.
const FROM: [u8; PAIRS + 1] = by_pair();
const PAIRS: usize = 26 * 26;

#[derive(Debug, Clone, Copy)]
struct Denied {
    word: &'static [u8],
    /// Whether it counts inside a longer word.
    stem: bool,
}

/// Whether a slug, or one word of it, reads as rude.
pub fn offends(slug: &str) -> bool {
    let slug = slug.as_bytes();
    (0..slug.len()).any(|start| denied_from(slug, start).iter().any(|denied| is_read(slug, start, *denied)))
}

/// The denied words that may begin here.
fn denied_from(slug: &[u8], start: usize) -> &'static [Denied] {
    let hyphen = usize::from(slug.get(start + 1) == Some(&b'-'));
    match (slug.get(start), slug.get(start + 1 + hyphen)) {
        (Some(first @ b'a'..=b'z'), Some(second @ b'a'..=b'z')) => {
            let pair = pair(*first, *second);
            DENIED.get(usize::from(FROM[pair])..usize::from(FROM[pair + 1])).unwrap_or_default()
        }
        _ => &[],
    }
}

const fn pair(first: u8, second: u8) -> usize {
    (first - b'a') as usize * 26 + (second - b'a') as usize
}

/// Whether a denied word is read at this place, rather than only spelt there.
fn is_read(slug: &[u8], start: usize, denied: Denied) -> bool {
    match spelt(slug, start, denied.word) {
        None => false,
        Some(Spelt { across: true, .. }) => is_read_across(slug, denied.word),
        Some(Spelt { end, .. }) => denied.stem || is_word(slug, start, end),
    }
}

/// Where letters of a slug spell a word.
struct Spelt {
    end: usize,
    /// Whether a hyphen stands between them.
    across: bool,
}

/// Whether the letters from here on spell a word, hyphens or not.
fn spelt(slug: &[u8], start: usize, word: &[u8]) -> Option<Spelt> {
    let (mut at, mut across) = (start, false);
    for (read, letter) in word.iter().enumerate() {
        if read > 0 && slug.get(at) == Some(&b'-') {
            (at, across) = (at + 1, true);
        }
        if slug.get(at) != Some(letter) {
            return None;
        }
        at += 1;
    }
    Some(Spelt { end: at, across })
}

fn is_word(slug: &[u8], start: usize, end: usize) -> bool {
    (start == 0 || slug[start - 1] == b'-') && slug.get(end).is_none_or(|byte| *byte == b'-')
}

/// Whether a denied word begins in one word and ends in another (`tan-alpaca`). No letter is read twice: who has read the end of
/// `petit-italian` as a word does not begin another there.
fn is_read_across(slug: &[u8], word: &[u8]) -> bool {
    let mut at = 0;
    while at < slug.len() {
        match spelt(slug, at, word) {
            Some(Spelt { across: true, .. }) => return true,
            Some(Spelt { end, .. }) => at = end,
            None => at += 1,
        }
    }
    false
}

const fn denied() -> [Denied; WRITTEN.len()] {
    let mut denied = [Denied { word: b"", stem: false }; WRITTEN.len()];
    let mut at = 0;
    while at < WRITTEN.len() {
        denied[at] = match WRITTEN[at].as_bytes() {
            [word @ .., b'*'] => Denied { word, stem: true },
            word => Denied { word, stem: false },
        };
        assert!(denied[at].word.len() >= 2, "words/denied.txt: two letters make the shortest word");
        at += 1;
    }
    denied
}

/// The denied words without their stars.
const fn plain() -> [&'static str; WRITTEN.len()] {
    let mut plain = [""; WRITTEN.len()];
    let mut at = 0;
    while at < WRITTEN.len() {
        plain[at] = WRITTEN[at].split_at(DENIED[at].word.len()).0;
        at += 1;
    }
    plain
}

const fn by_pair() -> [u8; PAIRS + 1] {
    assert!(DENIED.len() < 256, "a longer list wants a wider index");
    let mut from = [0; PAIRS + 1];
    let mut at = 0;
    while at < DENIED.len() {
        let word = DENIED[at].word;
        assert!(word[0].is_ascii_lowercase() && word[1].is_ascii_lowercase(), "words/denied.txt: lower-case letters");
        from[pair(word[0], word[1]) + 1] += 1;
        at += 1;
    }
    // From how many there are to how many there are before.
    let mut pair = 1;
    while pair <= PAIRS {
        from[pair] += from[pair - 1];
        pair += 1;
    }
    from
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wtaf_plugin_sdk::Seeded;

    use super::*;
    use crate::words::{ACTIONS, ANIMALS, COLOURS};

    #[test]
    fn rude_words_are_seen_alone_inside_and_across_a_hyphen() {
        for slug in ["tit-mouse", "bullshitting-bingo", "tan-alpaca", "pass-hole", "gras-shopper", "rabbit-chuckling"] {
            assert!(offends(slug), "{slug}");
        }
        for slug in [
            "class-timer",
            "cocktail-recipes",
            "scunthorpe-bus",
            "grass-hopper",
            "assistant-title",
            "butter-shell",
            "petit-italian",
            "",
            "-",
            "4-a",
        ] {
            assert!(!offends(slug), "{slug}");
        }
    }

    #[test]
    fn no_word_of_the_lists_is_rude() {
        for word in COLOURS.iter().chain(ANIMALS).chain(ACTIONS) {
            assert!(!offends(word), "{word}");
        }
    }

    #[test]
    fn hardly_any_pair_is_rude_across_its_hyphen() {
        let mut chance = Seeded::new(1);
        let mut rude = |left: &[&'static str], right: &[&'static str]| {
            let mut draw = |list: &[&'static str]| chance.pick(list).copied().unwrap_or_default();
            (0..5000).filter(|_| offends(&[draw(left), draw(right)].join("-"))).count()
        };
        // Such pairs are skipped when a name is made; this shows that skipping them leaves nearly all.
        assert!(rude(COLOURS, ANIMALS) < 50);
        assert!(rude(ANIMALS, ACTIONS) < 50);
    }

    /// The rule said plainly, word by word.
    fn plainly(slug: &str) -> bool {
        let words: Vec<&str> = slug.split('-').collect();
        let joined = words.concat();
        let ends: Vec<usize> = words
            .iter()
            .scan(0, |at, word| {
                *at += word.len();
                Some(*at)
            })
            .collect();
        WRITTEN.iter().any(|written| {
            let denied = written.trim_end_matches('*');
            let inside = |word: &&str| *word == denied || (denied != *written && word.contains(denied));
            let crosses = |start: usize| ends.iter().any(|&end| start < end && end < start + denied.len());
            words.iter().any(inside) || joined.match_indices(denied).any(|(start, _)| crosses(start))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_quick_is_what_is_plain(
            parts in prop::collection::vec((0..WRITTEN.len(), 0_usize..12, "[a-z0-9]{0,2}", any::<bool>()), 1..5),
        ) {
            // Pieces of denied words, with and without hyphens between them.
            let pieces = parts.iter().map(|(at, from, more, hyphen)| {
                let word = WRITTEN[*at].trim_end_matches('*');
                format!("{}{more}{}", &word[from % word.len()..], if *hyphen { "-" } else { "" })
            });
            let slug = pieces.collect::<String>();
            let slug = slug.trim_matches('-').to_owned();
            prop_assert_eq!(offends(&slug), plainly(&slug), "{}", slug);
        }
    }
}
