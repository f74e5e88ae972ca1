//! The words of a title or an idea that are worth a place in an address.
//!
//! Lower-case ASCII, in their order, each once: no stop words, nothing rude, no numbers that could be a phone's, and the weak words (`simple`,
//! `app`) only where there are no better ones.

use crate::{latin, rude::Manners, words};

/// The longest word taken; longer ones are no words a person would type.
const LONGEST: usize = 16;
/// How much of a text is read: an idea may be long.
const READ: usize = 400;

/// The telling words of `text`.
pub fn telling(text: &str, manners: &Manners) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in split(head(text)) {
        let fits = (2..=LONGEST).contains(&word.len()) && !too_many_digits(&word);
        if fits && !words::is_stop(&word) && !manners.offended_by_word(&word) && !all.contains(&word) {
            all.push(word);
        }
    }
    let strong: Vec<String> = all.iter().filter(|word| !words::is_weak(word)).cloned().collect();
    if strong.len() >= 2 { strong } else { all }
}

/// The part of a title before ` - `, ` | ` or `: `, where that part says enough.
fn head(text: &str) -> &str {
    let cut = [" - ", " – ", " — ", " | ", " · ", ": "].iter().filter_map(|mark| text.find(mark)).min();
    cut.map(|at| &text[..at]).filter(|head| head.split_whitespace().count() >= 2).unwrap_or(text)
}

fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().take(READ).peekable();
    while let Some(c) = chars.next() {
        match c {
            _ if c.is_ascii_alphanumeric() => word.push(c.to_ascii_lowercase()),
            '\'' | '’' => {
                // A possessive s goes with its mark; in `don't` only the mark goes.
                let possessive = matches!(chars.peek(), Some('s' | 'S'));
                if possessive {
                    let mut ahead = chars.clone();
                    ahead.next();
                    if ahead.peek().is_none_or(|c| !c.is_alphanumeric()) {
                        chars.next();
                    }
                }
            }
            // Combining marks follow the letter they belong to.
            '\u{300}'..='\u{36f}' => {}
            _ if latin::plain(c).is_empty() => words.push(std::mem::take(&mut word)),
            _ => word.push_str(latin::plain(c)),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
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
            assert_eq!(telling(text, &Manners::new()).join(" "), want, "{text}");
        }
    }
}
