//! Slips of the thumb: which misspelt words are taken for the one that was meant, and which are left alone.
//!
//! Only what can hardly be anything else counts. A real English word one letter away (`waft`, `wtf`) is a command only
//! where what follows asks for something to be built.

/// Verbs that begin an idea.
const BUILD: &[&str] = &["make", "build", "create", "design", "draw", "code", "generate"];
/// What stands between such a verb and the thing.
const ARTICLES: &[&str] = &["a", "an", "the", "me", "us", "my", "our", "some", "something"];

/// How sure it is that a first word was meant as `wtaf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// That is how it is written.
    Exactly,
    /// A slip that is no word of its own.
    Surely,
    /// A word of its own: only the words after it can tell.
    Perhaps,
    /// Another word.
    Not,
}

/// Whether `word` was meant as `wtaf`.
pub fn wtaf(word: &str) -> Meant {
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "wtaf" => Meant::Exactly,
        "waft" | "wtf" => Meant::Perhaps,
        // "WTAAAFFF": a thumb that rests on a key.
        _ if squeezed(&word) == "wtaf" => Meant::Surely,
        _ if word.is_ascii() && word.len() >= 4 && one_slip_apart(&word, "wtaf") => Meant::Surely,
        _ => Meant::Not,
    }
}

/// What follows a `wtaf` that is spelled out (`w t a f`, `W.T.A.F.`), or none where the text begins otherwise.
pub fn spelled_out(text: &str) -> Option<&str> {
    const BETWEEN: [char; 4] = [' ', '.', '-', '_'];
    let mut rest = text.trim_start();
    for (at, letter) in "wtaf".chars().enumerate() {
        let behind = if at == 0 { rest } else { rest.trim_start_matches(BETWEEN) };
        if at > 0 && behind.len() == rest.len() {
            return None;
        }
        rest = behind.strip_prefix([letter, letter.to_ascii_uppercase()])?;
    }
    (!rest.starts_with(|next: char| next.is_alphanumeric() || next == '\'' || next == '\u{2019}')).then_some(rest)
}

fn squeezed(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// Whether these words ask for something to be built: `make me a…`, `build a…`.
pub fn asks_to_build(words: &str) -> bool {
    let mut words = words.split_whitespace().map(str::to_ascii_lowercase);
    words.next().is_some_and(|verb| BUILD.contains(&verb.as_str()))
        && words.next().is_some_and(|next| ARTICLES.contains(&next.as_str()))
}

/// One letter added, missing, changed, or two neighbours swapped.
pub fn one_slip_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    let after = |letters: usize, of: &[char]| of.get(letters..).map(<[char]>::to_vec);
    let missing = after(1, other).is_some_and(|rest| rest == one);
    let added = after(1, one).is_some_and(|rest| rest == other);
    let changed = after(1, one).is_some() && after(1, one) == after(1, other);
    let swapped =
        one.len() >= 2 && other.len() >= 2 && one[0] == other[1] && one[1] == other[0] && one[2..] == other[2..];
    missing || added || changed || swapped
}

#[cfg(test)]
mod tests {
    use super::{Meant, asks_to_build, one_slip_apart, spelled_out, wtaf};

    #[test]
    fn slips_that_are_no_words_are_taken_for_wtaf() {
        for word in ["wtaff", "WTAAF", "wwtaf", "watf", "wtad", "qtaf", "Wtfa", "wtaffff", "WTTAAF"] {
            assert_eq!(wtaf(word), Meant::Surely, "{word}");
        }
    }

    #[test]
    fn words_of_their_own_are_not() {
        for word in ["what", "staff", "wait", "taf", "craft", "water", "wtafstaff", "wąf", ""] {
            assert_eq!(wtaf(word), Meant::Not, "{word}");
        }
        assert_eq!(wtaf("waft"), Meant::Perhaps);
        assert_eq!(wtaf("WTF"), Meant::Perhaps);
    }

    #[test]
    fn a_spelled_out_wtaf_is_read_and_other_letters_are_not() {
        for (text, rest) in [
            ("w t a f a snake game", Some(" a snake game")),
            ("W.T.A.F. a quiz", Some(". a quiz")),
            (" w-t-a-f", Some("")),
            ("W  t a F: x", Some(": x")),
            ("wtaf a quiz", None),
            ("w t a fine mess", None),
            ("w t a f's", None),
            ("w t", None),
            ("", None),
        ] {
            assert_eq!(spelled_out(text), rest, "{text}");
        }
    }

    #[test]
    fn a_build_verb_and_an_article_ask_for_something() {
        assert!(asks_to_build("make me a snake game"));
        assert!(asks_to_build("Build a shop"));
        assert!(!asks_to_build("make sense please"));
        assert!(!asks_to_build("is this"));
    }

    #[test]
    fn a_slip_is_one_letter_and_no_more() {
        assert!(one_slip_apart("index", "indx"));
        assert!(one_slip_apart("index", "idnex"));
        assert!(one_slip_apart("index", "indexs"));
        assert!(one_slip_apart("index", "undex"));
        assert!(!one_slip_apart("index", "index"));
        assert!(!one_slip_apart("index", "inxed"));
        assert!(!one_slip_apart("ab", "ba2"));
        assert!(one_slip_apart("ab", "ba"));
    }
}
