//! A guest's words as they may be shown: short, and without what speaks to a terminal instead of to its reader.

use std::{borrow::Cow, fmt::Write};

/// Several lines of at most so many bytes.
pub(super) fn text(words: &str, most: usize) -> Cow<'_, str> {
    shown(words, most, |sign| sign == '\n' || !unseen(sign))
}

/// One line of at most so many bytes.
pub(super) fn line(words: &str, most: usize) -> Cow<'_, str> {
    shown(words, most, |sign| !unseen(sign))
}

/// Names in a row, the first few of them.
pub(super) fn list(names: &[String]) -> String {
    const FEW: usize = 12;
    let mut words = names.iter().take(FEW).map(|name| line(name, 120)).collect::<Vec<_>>().join(", ");
    if names.len() > FEW {
        // Writing to a string cannot fail.
        let _ = write!(words, " and {} more", names.len() - FEW);
    }
    words
}

/// Cut off at so many bytes, between two characters.
pub(super) fn clip(words: &str, most: usize) -> &str {
    &words[..words.floor_char_boundary(most)]
}

fn shown(words: &str, most: usize, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let short = clip(words, most);
    let cut = short.len() < words.len();
    if !cut && short.chars().all(&stays) {
        return Cow::Borrowed(short);
    }
    let mut words: String = short.chars().map(|sign| if stays(sign) { sign } else { '\u{fffd}' }).collect();
    if cut {
        words.push('…');
    }
    Cow::Owned(words)
}

/// Control characters, and those that turn the direction of what follows.
fn unseen(sign: char) -> bool {
    sign.is_control() || matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_short_and_say_nothing_to_a_terminal() {
        assert_eq!(text("two\nlines", 100), "two\nlines");
        assert_eq!(line("two\nlines", 100), "two\u{fffd}lines");
        assert_eq!(line("\u{1b}[2Jgone \u{202e}backwards", 100), "\u{fffd}[2Jgone \u{fffd}backwards");
        assert_eq!(line("an otter", 4), "an o…");
        assert_eq!(line("ééé", 3), "é…");
    }

    #[test]
    fn of_many_names_a_few_are_told() {
        let names: Vec<_> = (1..=14).map(|n| n.to_string()).collect();
        assert!(list(&names).ends_with("11, 12 and 2 more"));
        assert_eq!(list(&names[..2]), "1, 2");
    }
}
