//! The words of a title or an idea that are worth a place in an address.
//!
//! Lower-case ASCII, in their order, each once: no stop words, nothing rude, no numbers that could be a phone's, and the weak words (`simple`,
//! `app`) only where there are no better ones.

use crate::{
    latin,
    rude::offends,
    words::{is_stop, is_weak},
};

/// The longest word taken; longer ones are no words a person would type.
const LONGEST: usize = 16;
/// How much of a text is read: an idea may be long.
const READ: usize = 400;

/// The telling words of `text`.
pub fn telling(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    split(head(beginning(text)), |word| {
        let fits = (2..=LONGEST).contains(&word.len()) && !too_many_digits(word);
        if fits && !is_stop(word) && !offends(word) && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    });
    if words.iter().filter(|word| !is_weak(word)).count() >= 2 {
        words.retain(|word| !is_weak(word));
    }
    words
}

/// As much of a text as is read.
fn beginning(text: &str) -> &str {
    text.char_indices().nth(READ).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The part of a title before ` - `, ` | ` or `: `, where that part says enough.
fn head(text: &str) -> &str {
    const MARKS: [&str; 6] = [": ", " - ", " – ", " — ", " | ", " · "];
    let begins = |at: usize| text.get(at..).is_some_and(|rest| MARKS.iter().any(|mark| rest.starts_with(mark)));
    let cut = text.bytes().enumerate().find(|(at, byte)| matches!(byte, b' ' | b':') && begins(*at));
    let head = cut.and_then(|(at, _)| text.get(..at));
    head.filter(|head| head.split_whitespace().nth(1).is_some()).unwrap_or(text)
}

/// Gives the words of a text, plain and in lower case, to `take`.
fn split(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::with_capacity(LONGEST);
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            take(word);
        }
        word.clear();
    };
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter.is_ascii_alphanumeric() => word.push(letter.to_ascii_lowercase()),
            '\'' | '’' => {
                // A possessive s goes with its mark; in `don't` only the mark goes.
                let mut ahead = letters.clone();
                let s = matches!(ahead.next(), Some('s' | 'S'));
                if s && ahead.clone().next().is_none_or(|next| !next.is_alphanumeric()) {
                    letters = ahead;
                }
            }
            _ if letter.is_ascii() => end(&mut word),
            // Combining marks follow the letter they belong to.
            '\u{300}'..='\u{36f}' => {}
            _ => match latin::plain(letter) {
                "" => end(&mut word),
                plain => word.push_str(plain),
            },
        }
    }
    end(&mut word);
}

fn too_many_digits(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_digit).count() > 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_words_are_found() {
        for (text, want) in [
            ("Pizza dough timer", "pizza dough timer"),
            ("Make me a simple page about Zoë's crème brûlée!", "zoe creme brulee"),
            ("The App", "app"),
            ("Snake Game", "snake game"),
            ("Dough Timer — the best one, by Ann", "dough timer"),
            ("call +1 555 000 1234567", "call 555 000"),
            ("日本語", ""),
            ("tic-tac-toe", "tic tac toe"),
            ("Über Straße", "uber strasse"),
            ("cafe\u{301} don't", "cafe"),
            ("", ""),
        ] {
            assert_eq!(telling(text).join(" "), want, "{text}");
        }
    }
}
