//! Lists of phrases under titles, split by the compiler as those of [`words`](crate::words) are.

/// The phrases of a text with their titles, as a `&'static [(title, phrase)]`, in their order. A line is `title: one, two words, three`; blank ones and those that
/// begin with `#` say nothing.
///
/// ```
/// const KINDS: &[(&str, &str)] = wtaf_plugin_sdk::phrases!("# what is played\ngame: quiz, tic tac toe\npage: menu");
///
/// assert_eq!(KINDS, [("game", "quiz"), ("game", "tic tac toe"), ("page", "menu")]);
/// ```
///
/// Usually of a file: `phrases!(include_str!("../words/kinds.txt"))`. A line without a title is an error of the build.
#[macro_export]
macro_rules! phrases {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const PHRASES: [(&str, &str); $crate::phrases::read::<0>(TEXT).1] = $crate::phrases::read(TEXT).0;
        &PHRASES
    }};
}

/// What stands before and behind the first `mark`: `str::split_once`, for the compiler.
pub const fn split_once<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let mut at = 0;
    while at + mark.len() <= text.len() {
        if stands_at(text.as_bytes(), at, mark.as_bytes()) {
            let (before, rest) = text.split_at(at);
            return Some((before, rest.split_at(mark.len()).1));
        }
        at += 1;
    }
    None
}

const fn stands_at(text: &[u8], at: usize, mark: &[u8]) -> bool {
    let mut read = 0;
    while read < mark.len() {
        if text[at + read] != mark[read] {
            return false;
        }
        read += 1;
    }
    true
}

/// The first phrases of a text, as many as there is room for, and how many there are.
#[doc(hidden)]
pub const fn read<const N: usize>(text: &'static str) -> ([(&'static str, &'static str); N], usize) {
    let (mut phrases, mut count, mut rest) = ([("", ""); N], 0, Some(text));
    while let Some(text) = rest {
        let (line, behind) = first(text, "\n");
        rest = behind;
        let line = line.trim_ascii();
        if line.is_empty() || line.as_bytes()[0] == b'#' {
            continue;
        }
        let Some((title, listed)) = split_once(line, ": ") else { panic!("a line of phrases is `title: one, two`") };
        let mut listed = Some(listed);
        while let Some(text) = listed {
            let (phrase, behind) = first(text, ", ");
            listed = behind;
            if count < N {
                phrases[count] = (title, phrase);
            }
            count += 1;
        }
    }
    (phrases, count)
}

/// What stands before a mark, and what follows it; all of it, where there is none.
const fn first<'t>(text: &'t str, mark: &str) -> (&'t str, Option<&'t str>) {
    match split_once(text, mark) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::split_once;

    #[test]
    fn a_text_is_split_as_its_readers_expect() {
        const NONE: &[(&str, &str)] = crate::phrases!("\n# only: this\n");
        const MIXED: &[(&str, &str)] = crate::phrases!("a b: one two, é\r\n\n# x: y\nc: three, x: y");
        assert!(NONE.is_empty());
        assert_eq!(MIXED, [("a b", "one two"), ("a b", "é"), ("c", "three"), ("c", "x: y")]);
    }

    #[test]
    fn the_first_mark_splits() {
        for text in ["", "a", ", ", "a, b, c", "é, ü", "a,", ",, b"] {
            assert_eq!(split_once(text, ", "), text.split_once(", "), "{text}");
        }
    }
}
