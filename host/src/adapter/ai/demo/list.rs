//! Lists, names and numbers that a request brings along.
//!
//! Reads what people write: `with milk, eggs and bread`, `pizza or sushi`, bulleted lines, `for Anna and Ben`,
//! `25 minutes`, `18%`. Bounded in count and length; finds nothing rather than guess.

use super::words::bounded;

const MOST_ITEMS: usize = 24;
const LONGEST_ITEM: usize = 40;
const MOST_NAMES: usize = 12;

/// Words a list may follow.
#[rustfmt::skip]
const BEFORE_LIST: &[&str] = &[
    "with", "about", "between", "including", "like", "of", "choose", "pick", "decide", "from", "contains",
    "containing", "having", "for",
];

/// The items of a list, in order, or none.
pub(super) fn items(text: &str) -> Vec<String> {
    bulleted(text)
        .or_else(|| after_colon(text))
        .or_else(|| after_word(text))
        .or_else(|| either_or(text))
        .unwrap_or_default()
}

fn bulleted(text: &str) -> Option<Vec<String>> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let after = line.strip_prefix(['-', '*', '•']).or_else(|| {
            line.trim_start_matches(|c: char| c.is_ascii_digit())
                .strip_prefix(['.', ')'])
                .filter(|_| line.starts_with(|c: char| c.is_ascii_digit()))
        })?;
        item(after)
    });
    several(lines.collect())
}

fn after_colon(text: &str) -> Option<Vec<String>> {
    let (_, after) = text.split_once(": ").or_else(|| text.split_once(":\n"))?;
    several(split(after))
}

fn after_word(text: &str) -> Option<Vec<String>> {
    let lower = text.to_ascii_lowercase();
    let starts = BEFORE_LIST.iter().flat_map(|word| {
        let mark = format!(" {word} ");
        lower.match_indices(&mark).map(|(at, mark)| (at + mark.len(), *word)).collect::<Vec<_>>()
    });
    // The list begins at the last such word before its first separator; words after that are tried in order.
    let separator = [",", " and ", " or "].iter().filter_map(|mark| lower.find(mark)).min().unwrap_or(lower.len());
    let (mut before, mut after): (Vec<_>, Vec<_>) = starts.partition(|(at, _)| *at <= separator);
    before.sort_unstable_by(|one, other| other.cmp(one));
    after.sort_unstable();
    before.into_iter().chain(after).find_map(|(at, word)| {
        let rest = text.get(at..)?;
        // "for Anna and Ben" names people; with commas it is a list.
        if word == "for" && !rest.contains(',') {
            return None;
        }
        several(split(rest))
    })
}

/// `pizza or sushi`, with nothing before it that would say where the list begins.
fn either_or(text: &str) -> Option<Vec<String>> {
    let (left, right) = text.split_once(" or ").or_else(|| text.split_once(" vs "))?;
    let one = left.split_whitespace().next_back()?;
    let other =
        right.split(['.', '!', '?', ',', '\n']).next()?.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    several([item(one), item(&other)].into_iter().flatten().collect())
}

fn split(text: &str) -> Vec<String> {
    let end =
        text.find(['.', '!', '?']).filter(|at| text[at + 1..].starts_with(char::is_whitespace) || at + 1 == text.len());
    let text = &text[..end.unwrap_or(text.len())];
    text.split([',', ';', '\n'])
        .flat_map(|part| part.split(" or "))
        .flat_map(|part| part.split(" and "))
        .flat_map(|part| part.split(" vs "))
        .filter_map(item)
        .collect()
}

fn item(text: &str) -> Option<String> {
    let mut text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '“' | '”' | '.' | '?' | '!'));
    for article in ["and ", "or ", "a ", "an ", "the "] {
        text = text.strip_prefix(article).unwrap_or(text);
    }
    let few_words = text.split_whitespace().count() <= 6;
    let mut chars = text.chars();
    let first = chars.next()?;
    (few_words && text.chars().any(char::is_alphanumeric))
        .then(|| bounded(&first.to_uppercase().chain(chars).collect::<String>(), LONGEST_ITEM))
}

fn several(mut items: Vec<String>) -> Option<Vec<String>> {
    let mut seen = Vec::new();
    items.retain(|item| {
        let key = item.to_lowercase();
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    items.truncate(MOST_ITEMS);
    (items.len() > 1).then_some(items)
}

/// Capitalised words that are no names.
#[rustfmt::skip]
const NO_NAME: &[&str] = &[
    "i", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "christmas", "easter",
    "halloween", "valentine", "valentines", "new", "the", "a", "an", "my", "our", "your", "his", "her", "me", "us",
    "him", "them", "it", "this", "that", "two", "three", "four", "kids", "children", "everyone", "someone", "people",
    "friends", "work", "school", "home", "free", "mobile", "all", "learning", "instagram", "birthday", "party",
    "wedding", "dinner", "players", "beginners", "next", "tomorrow", "today",
];
/// People one has rather than names, as they are addressed.
#[rustfmt::skip]
const KIN: &[&str] = &[
    "mum", "mom", "mama", "dad", "papa", "grandma", "grandpa", "granny", "nana", "grandad", "mummy", "daddy",
];

/// The people a request names: `for Anna and Ben`, `happy birthday luca`, `for my mum`.
pub(super) fn names(text: &str) -> Vec<String> {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    (0..tokens.len())
        .filter(|i| starts_names(&tokens[..*i]))
        .map(|i| run_of_names(&tokens[i..]))
        .find(|names| !names.is_empty())
        .unwrap_or_default()
}

fn starts_names(before: &[&str]) -> bool {
    let word = |back: usize| {
        before.len().checked_sub(back).and_then(|i| before.get(i)).map(|t| t.to_lowercase()).unwrap_or_default()
    };
    matches!(word(1).as_str(), "for" | "between" | "to" | "with" | "dear" | "of")
        || word(1) == "birthday" && word(2) == "happy"
        || word(1) == "my" && matches!(word(2).as_str(), "for" | "to" | "of")
}

fn run_of_names(tokens: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    let mut joined = true;
    for token in tokens {
        if matches!(*token, "and" | "&" | "+" | "vs") {
            joined = true;
            continue;
        }
        let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.strip_suffix("'s").or_else(|| bare.strip_suffix("’s")).unwrap_or(bare);
        let Some(name) = name(bare).filter(|_| joined && names.len() < MOST_NAMES) else { break };
        names.push(name);
        joined = token.ends_with(',');
        if token.ends_with(['.', '!', '?', ':', ';', '"']) {
            break;
        }
    }
    names
}

fn name(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let kin = KIN.contains(&lower.as_str());
    let capital = word.chars().next().is_some_and(char::is_uppercase);
    let letters = word.chars().count() > 1 && word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'));
    let named = letters && (kin || capital && !NO_NAME.contains(&lower.as_str()));
    named.then(|| {
        let mut chars = word.chars();
        bounded(&chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<String>(), 24)
    })
}

/// A number with the word that follows it: `25 minutes` is (25, "minutes"), `18%` is (18, "%").
pub(super) fn numbers(text: &str) -> Vec<(f64, String)> {
    let spaced = text.to_lowercase().replace('-', " ").replace('%', " % ").replace("half an hour", "30 minutes");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let token =
            token.trim_matches(|c: char| matches!(c, ',' | '.' | '!' | '?' | '(' | ')' | '"' | '$' | '€' | '£'));
        let digits = token.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(token.len());
        let (number, glued) = token.split_at(digits);
        let number = number.parse().ok().or_else(|| if digits == 0 { spelled(token) } else { None });
        let Some(number) = number.filter(|n: &f64| *n < 1e9) else { continue };
        let unit = if digits > 0 && !glued.is_empty() { glued } else { tokens.get(i + 1).copied().unwrap_or_default() };
        let unit: String = unit.chars().filter(|c| c.is_alphanumeric() || matches!(c, '%' | '°')).take(16).collect();
        found.push((number, unit));
    }
    found.truncate(8);
    found
}

fn spelled(word: &str) -> Option<f64> {
    const ONES: &[&str] =
        &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    const MORE: &[(&str, f64)] = &[
        ("fifteen", 15.0),
        ("twenty", 20.0),
        ("thirty", 30.0),
        ("forty", 40.0),
        ("fifty", 50.0),
        ("sixty", 60.0),
        ("ninety", 90.0),
    ];
    // "one" is mostly no number ("make one for me").
    ONES.iter()
        .position(|one| *one == word && word != "one")
        .and_then(|n| u32::try_from(n).ok())
        .map(f64::from)
        .or_else(|| MORE.iter().find(|(name, _)| *name == word).map(|(_, n)| *n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_found_however_they_are_written() {
        for (text, wanted) in [
            ("todo list with milk, eggs, bread", vec!["Milk", "Eggs", "Bread"]),
            ("quiz about France, Spain and Italy", vec!["France", "Spain", "Italy"]),
            ("where to eat: pizza, sushi or tacos?", vec!["Pizza", "Sushi", "Tacos"]),
            ("poll pizza or sushi", vec!["Pizza", "Sushi"]),
            ("my list\n- call mum\n- buy a lamp", vec!["Call mum", "Buy a lamp"]),
            ("wheel for Anna, Ben and Cleo", vec!["Anna", "Ben", "Cleo"]),
            ("links for @luna with instagram, youtube and merch", vec!["Instagram", "Youtube", "Merch"]),
            ("a snake game", vec![]),
            ("birthday card for Anna and Ben", vec![]),
        ] {
            assert_eq!(items(text), wanted, "{text}");
        }
    }

    #[test]
    fn people_are_found_where_they_are_addressed() {
        for (text, wanted) in [
            ("birthday card for Anna and Ben", vec!["Anna", "Ben"]),
            ("card for my mum", vec!["Mum"]),
            ("Happy birthday Luca!", vec!["Luca"]),
            ("split the bill between Anna, Ben and Cleo", vec!["Anna", "Ben", "Cleo"]),
            ("invite for Ana's party", vec!["Ana"]),
            ("countdown to December", vec![]),
            ("a game for kids", vec![]),
        ] {
            assert_eq!(names(text), wanted, "{text}");
        }
    }

    #[test]
    fn numbers_bring_their_units() {
        assert_eq!(numbers("a 25-minute timer"), [(25.0, "minute".to_owned())]);
        assert_eq!(numbers("18% for four people"), [(18.0, "%".to_owned()), (4.0, "people".to_owned())]);
        assert_eq!(numbers("roll 2d6, 90s"), [(2.0, "d6".to_owned()), (90.0, "s".to_owned())]);
        assert_eq!(numbers("make one for me"), []);
    }

    #[test]
    fn hostile_lengths_stay_bounded() {
        let long = format!("list with {}", "x".repeat(50_000) + ", y, " + &"z, ".repeat(5_000));

        assert!(items(&long).len() <= MOST_ITEMS);
        assert!(items(&long).iter().all(|item| item.chars().count() <= LONGEST_ITEM));
    }
}
