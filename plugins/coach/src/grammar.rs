//! The shape of a text: its first word, what follows, and a coach named between dashes.
//!
//! Nothing here knows what a command does or who may use it. No words are ever lost: what is not syntax comes back whole,
//! line breaks and inner hyphens included.

use crate::{
    cast::{Cast, Coach},
    typos,
};

/// A text split after its first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'t> {
    /// Letters and digits only; empty where the text begins with something else.
    pub word: &'t str,
    /// What follows, trimmed, without the `:` or `,` behind the word.
    pub rest: &'t str,
    /// Whether what follows begins as something apart: `index:`, `wtaf, a`, `help!`, but not `hide-and-seek` or `wtaf's`.
    pub apart: bool,
    /// Whether a `:` or `,` stands behind the word.
    pub marked: bool,
}

/// Signs that may follow a command word directly, and belong to neither side.
const MARKS: [char; 7] = [':', ',', ';', '.', '!', '?', '\u{2026}'];

/// The text without what comes along when a command is copied: quotation marks around all of it, one sign before it
/// (`/wtaf`, `#index`).
pub fn bare(text: &str) -> &str {
    const QUOTES: [(char, char); 5] =
        [('"', '"'), ('\'', '\''), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}'), ('«', '»')];
    let text = text.trim();
    let quoted = QUOTES.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    let text = quoted.unwrap_or(text).trim();
    let behind = text.strip_prefix(['/', '#', '!']);
    behind.filter(|rest| rest.starts_with(char::is_alphabetic)).unwrap_or(text)
}

/// Splits a text after its first word; a `wtaf` that is spelled out letter by letter is one word.
pub fn line(text: &str) -> Line<'_> {
    let text = text
        .trim_start_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}' || letter == '\u{200b}')
        .trim_end();
    if let Some(behind) = typos::spelled_out(text) {
        return split("wtaf", behind);
    }
    let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    let (word, behind) = text.split_at(end);
    split(word, behind)
}

fn split<'t>(word: &'t str, behind: &'t str) -> Line<'t> {
    let unmarked = behind.trim_start_matches(MARKS);
    let marks = &behind[..behind.len() - unmarked.len()];
    let marked = marks.contains([':', ',', ';']);
    // "wtaf.me" and "yes?no" are words of their own; "wtaf:idea" is not.
    let apart = unmarked.is_empty() || unmarked.starts_with(char::is_whitespace) || marked;
    Line { word, rest: unmarked.trim(), apart, marked }
}

/// The first of the words and what follows it, both trimmed.
pub fn first_and_rest(words: &str) -> (&str, &str) {
    let words = words.trim();
    words.split_once(char::is_whitespace).map_or((words, ""), |(first, rest)| (first, rest.trim()))
}

/// The only word there is.
pub fn only_word(words: &str) -> Option<&str> {
    let (first, rest) = first_and_rest(words);
    (!first.is_empty() && rest.is_empty()).then(|| first.trim_end_matches(MARKS))
}

/// Who an idea is addressed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'c, 't> {
    /// No coach is named.
    Nobody,
    /// `-alex-`.
    Coach(&'c Coach),
    /// `-zorg-`: written like a coach, and none.
    Stranger(&'t str),
}

/// Takes a leading `-coach-` or `- coach -` off an idea.
///
/// Only a name between two dashes directly at the start counts: later hyphens are the idea's own, and one dash alone
/// (`- a snake game`) is a dash.
pub fn address<'c, 't>(words: &'t str, cast: &'c Cast) -> (Address<'c, 't>, &'t str) {
    let words = words.trim();
    let plain = (Address::Nobody, words);
    let Some(behind) = after_dashes(words) else { return plain };
    if let Some((coach, rest)) = cast.at_start_of(behind)
        && let Some(idea) = after_dashes(rest)
    {
        return (Address::Coach(coach), idea);
    }
    // A long dash is what a phone writes for two hyphens; only a coach's own name makes it syntax.
    if !words.starts_with('-') {
        return plain;
    }
    if let Some((name, idea)) = stranger(behind) {
        return (Address::Stranger(name), idea);
    }
    (Address::Nobody, behind)
}

/// What follows one or more dashes, or none where there is none.
fn after_dashes(words: &str) -> Option<&str> {
    let behind = words.trim_start().trim_start_matches(['-', '\u{2013}', '\u{2014}']);
    (behind.len() < words.trim_start().len()).then(|| behind.trim_start())
}

/// One word of letters, then a dash that ends there: `zorg- idea`, `zorg - idea`, but not `to-do list`.
fn stranger(behind: &str) -> Option<(&str, &str)> {
    let end = behind.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(behind.len());
    let (name, rest) = behind.split_at(end);
    let idea = rest.trim_start().strip_prefix('-')?;
    let is_name = name.starts_with(char::is_alphabetic) && name.chars().count() <= 20;
    (is_name && (idea.is_empty() || idea.starts_with(char::is_whitespace))).then(|| (name, idea.trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Address, Cast, address, bare, first_and_rest, line, only_word};

    #[test]
    fn a_first_word_ends_where_something_else_begins() {
        let cases = [
            ("WTAF a snake game", "WTAF", "a snake game", true),
            ("  wtaf:idea", "wtaf", "idea", true),
            ("wtaf,\nidea\nmore", "wtaf", "idea\nmore", true),
            ("WTAF... idea", "WTAF", "idea", true),
            ("help!", "help", "", true),
            ("wtaf.me is down", "wtaf", "me is down", false),
            ("hide-and-seek game", "hide", "-and-seek game", false),
            ("wtaf's up", "wtaf", "'s up", false),
            ("", "", "", true),
            ("?!", "", "", true),
        ];
        for (text, word, rest, apart) in cases {
            let line = line(text);
            assert_eq!((line.word, line.rest, line.apart), (word, rest, apart), "{text}");
        }
    }

    #[test]
    fn what_is_copied_along_with_a_command_is_taken_off() {
        for (text, inner) in [
            ("\"wtaf a quiz\"", "wtaf a quiz"),
            ("\u{201c}wtaf a quiz\u{201d}", "wtaf a quiz"),
            ("/wtaf a quiz", "wtaf a quiz"),
            ("#index", "index"),
            ("'tis the season", "'tis the season"),
            ("#1 fan", "#1 fan"),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(bare(text), inner, "{text}");
        }
    }

    #[test]
    fn a_coach_is_named_between_two_leading_dashes_only() {
        let cast = Cast::built_in();
        let alex = Address::Coach(cast.find("alex").unwrap());
        let cases = [
            ("-alex- a page", alex, "a page"),
            ("- Alex - a page", alex, "a page"),
            ("-alex-a page", alex, "a page"),
            ("- alex -\na page\nwith - dashes", alex, "a page\nwith - dashes"),
            ("--alex-- a page", alex, "a page"),
            ("\u{2014}alex\u{2014} a page", alex, "a page"),
            ("-alex-", alex, ""),
            ("- a snake game", Address::Nobody, "a snake game"),
            ("tic-tac-toe game", Address::Nobody, "tic-tac-toe game"),
            ("build a to-do list - simple and clean", Address::Nobody, "build a to-do list - simple and clean"),
            ("- to-do list", Address::Nobody, "to-do list"),
            ("-tic-tac-toe game", Address::Nobody, "tic-tac-toe game"),
            ("- a game - for two", Address::Nobody, "a game - for two"),
            ("alex - a page", Address::Nobody, "alex - a page"),
            ("\u{2014} a page \u{2014} blue", Address::Nobody, "\u{2014} a page \u{2014} blue"),
            ("-zorg- a page", Address::Stranger("zorg"), "a page"),
            ("- zorg - a page", Address::Stranger("zorg"), "a page"),
            ("-zorg-", Address::Stranger("zorg"), ""),
            ("-", Address::Nobody, ""),
        ];
        for (words, who, idea) in cases {
            assert_eq!(address(words, &cast), (who, idea), "{words}");
        }
    }

    #[test]
    fn single_words_lose_their_full_stop() {
        assert_eq!(only_word(" 2. "), Some("2"));
        assert_eq!(only_word("two words"), None);
        assert_eq!(first_and_rest("2\nmake it blue\nplease"), ("2", "make it blue\nplease"));
    }

    proptest! {
        #[test]
        fn any_text_is_split_without_a_panic_and_without_loss(text in any::<String>()) {
            let split = line(&text);
            prop_assert!(text.contains(split.word) || split.word == "wtaf");
            prop_assert!(text.contains(split.rest));
            let cast = Cast::built_in();
            let (_, idea) = address(&text, &cast);
            prop_assert!(text.ends_with(idea) || text.trim().ends_with(idea));
        }
    }
}
