//! A title out of a request: what is left when the asking is taken away.
//!
//! `can you build me a purple tip calculator app please` is a Tip Calculator. A name that was given (`called …`, or in
//! quotes) wins. Bounded; never markup (the template escapes it).

use super::colour;
use super::words::bounded;

const LONGEST: usize = 44;
const MOST_WORDS: usize = 8;

/// Words before the thing itself.
#[rustfmt::skip]
const LEAD: &[&str] = &[
    "wtaf", "please", "pls", "hey", "hi", "hello", "can", "could", "would", "will", "you", "i", "id", "im", "we",
    "want", "need", "like", "love", "to", "make", "build", "create", "write", "give", "design", "code", "generate",
    "show", "do", "get", "let", "lets", "have", "see", "try", "me", "us", "a", "an", "the", "my", "our", "some",
    "this", "simple", "little", "small", "tiny", "nice", "cool", "beautiful", "pretty", "cute", "fun", "quick",
    "basic", "modern", "good", "great", "really", "very", "new", "one", "interactive", "animated", "responsive",
    "mobile", "online", "digital", "colorful", "colourful", "dark", "light", "s",
];
/// Things that say only that it is a page.
#[rustfmt::skip]
const THING: &[&str] = &[
    "app", "application", "page", "webpage", "website", "site", "homepage", "web", "landing", "program", "tool",
    "thing", "something", "html",
];
/// After a [`THING`]: the idea follows.
#[rustfmt::skip]
const OF: &[&str] = &[
    "that", "which", "where", "for", "about", "to", "of", "with", "showing", "called",
];
/// Where the title ends and the wishes begin.
#[rustfmt::skip]
const WISHES: &[&str] = &[
    "that", "which", "where", "with", "using", "including", "so", "because", "like", "featuring", "but", "please",
    "pls", "thanks", "when", "whose", "who", "plus", "called", "named", "titled", "starting", "from", "saying",
];
/// Lower-case inside a title.
#[rustfmt::skip]
const SMALL: &[&str] = &[
    "a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to", "vs", "with", "about", "between",
];
/// Written in capitals.
#[rustfmt::skip]
const ACRONYMS: &[&str] = &[
    "bpm", "dj", "diy", "ai", "usa", "uk", "eu", "faq", "tv", "wpm", "cv", "nyc", "bbq", "d20", "rsvp",
];
/// Titles that say nothing.
#[rustfmt::skip]
const EMPTY: &[&str] = &[
    "game", "games", "fun", "stuff", "it", "that", "anything", "whatever", "meme", "quiz", "poll", "card", "song",
    "music", "list", "new",
];

/// The title of a request, or none when it names nothing.
pub(super) fn of_request(text: &str) -> Option<String> {
    given_name(text).or_else(|| from_idea(text))
}

/// `called X`, `named X`, `titled X`.
pub(super) fn given_name(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let after = [" called ", " named ", " titled ", " title: ", " entitled "]
        .iter()
        .filter_map(|mark| Some(lower.find(mark)? + mark.len()))
        .min()?;
    let name = text.get(after..)?.trim_start();
    let name = quoted(name).unwrap_or_else(|| until_wishes(name));
    finished(name.trim_start_matches(['"', '“']))
}

/// What stands in quotes at the start.
pub(super) fn quoted(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    let close: &[char] = match chars.next()? {
        '"' | '“' | '”' | '„' => &['"', '”', '“'],
        '‘' => &['’'],
        '\'' => &['\''],
        '«' => &['»'],
        _ => return None,
    };
    let inside = chars.as_str();
    inside.find(close).map(|end| inside[..end].trim()).filter(|name| !name.is_empty())
}

fn until_wishes(name: &str) -> &str {
    let sentence = name.split(['.', '!', '?', '\n', ';', ',', ':']).next().unwrap_or_default();
    let end = [" with ", " that ", " which ", " where ", " for ", " and make ", " please", " in "]
        .iter()
        .filter_map(|stop| sentence.to_ascii_lowercase().find(stop))
        .min();
    sentence.get(..end.unwrap_or(sentence.len())).unwrap_or(sentence)
}

fn from_idea(text: &str) -> Option<String> {
    let sentence = sentences(text).find(|part| part.split_whitespace().count() > 1).unwrap_or(text);
    let sentence = match sentence.split_once(", ") {
        Some((start, _)) if sentence.split_whitespace().count() > MOST_WORDS => start,
        _ => sentence,
    };
    let tokens: Vec<&str> = sentence.split_whitespace().collect();
    let tokens = without_lead(&tokens);
    let mut kept = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let word = plain(token);
        if i > 0 && WISHES.contains(&word.as_str()) {
            break;
        }
        // A colour before another word is a wish about looks, not a part of the name.
        let describes = i + 1 < tokens.len() && (colour::is_colour(&word) || word == "dark");
        if !describes {
            kept.push(*token);
        }
        // A comma ends the title, unless a list has begun ("France, Spain and Italy").
        if token.ends_with(',') && !kept.iter().any(|t| matches!(plain(t).as_str(), "about" | "for" | "between")) {
            break;
        }
    }
    while kept.last().is_some_and(|last| {
        let word = plain(last);
        THING.contains(&word.as_str()) || SMALL.contains(&word.as_str()) || matches!(word.as_str(), "me" | "us")
    }) {
        kept.pop();
    }
    let words = kept.len();
    let title = finished(&kept.join(" "))?;
    let says_something = words <= MOST_WORDS && !EMPTY.contains(&title.to_lowercase().as_str());
    says_something.then_some(title)
}

/// Split where a sentence ends: at a mark before a space, so that `26.2` stays whole.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['!', '?', '\n', ';']).flat_map(|part| part.split(". ")).flat_map(|part| part.split(": "))
}

/// Drops the asking: leading words that name nothing, and `an app that`.
fn without_lead<'a, 'b>(tokens: &'a [&'b str]) -> &'a [&'b str] {
    let mut rest = tokens;
    loop {
        let Some(first) = rest.first().map(|t| plain(t)) else { return rest };
        let second = rest.get(1).map(|t| plain(t)).unwrap_or_default();
        let looks = colour::is_colour(&first) && rest.len() > 1;
        let skip = if LEAD.contains(&first.as_str()) || first.is_empty() || looks {
            1
        } else if THING.contains(&first.as_str()) && OF.contains(&second.as_str()) {
            2
        } else if THING.contains(&first.as_str()) && THING.contains(&second.as_str()) {
            1
        } else {
            return rest;
        };
        rest = &rest[skip..];
    }
}

fn plain(token: &str) -> String {
    token.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// Cased and bounded; none when nothing readable is left.
pub(super) fn finished(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '%' | ')' | '!' | '?' | '+' | '#'));
    let cased: Vec<String> = text.split_whitespace().enumerate().map(|(i, word)| title_case(word, i == 0)).collect();
    let title = bounded(&cased.join(" "), LONGEST);
    (title.chars().filter(|c| c.is_alphanumeric()).count() > 1).then_some(title)
}

fn title_case(word: &str, first: bool) -> String {
    if ACRONYMS.contains(&word) {
        return word.to_uppercase();
    }
    if !first && SMALL.contains(&word) || word.chars().skip(1).any(char::is_uppercase) {
        return word.to_owned();
    }
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asking_is_taken_away() {
        for (asked, title) in [
            ("can you build me a purple tip calculator app please", "Tip Calculator"),
            ("wtaf a snake game", "Snake Game"),
            ("25 minute timer", "25 Minute Timer"),
            ("an app that tracks my water", "Tracks My Water"),
            ("make a website for my bakery", "Bakery"),
            ("a pink landing page for Crumb", "Crumb"),
            ("quiz about France, Spain and Italy", "Quiz about France, Spain and Italy"),
            ("todo list with milk, eggs, bread", "Todo List"),
            ("landing page for a bakery called Crumb & Co", "Crumb & Co"),
            ("a game named \"Night Owl\" with stars", "Night Owl"),
            ("Split the bill between 4 friends", "Split the Bill between 4 Friends"),
        ] {
            assert_eq!(of_request(asked).as_deref(), Some(title), "{asked}");
        }
    }

    #[test]
    fn a_request_that_names_nothing_has_no_title() {
        for asked in ["", "make me a game", "build an app", "!!!", "please make me a website", "quiz"] {
            assert_eq!(of_request(asked), None, "{asked}");
        }
    }

    #[test]
    fn a_title_is_bounded() {
        let long = format!("a page called {}", "very ".repeat(200));

        assert!(of_request(&long).is_some_and(|title| title.chars().count() <= LONGEST));
    }
}
