//! Dates that people write, as a page can use them: relative to nothing, for the page has the clock.

use super::words::Words;
use serde_json::{Value, json};

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: &[&str] = &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/// Feasts with a fixed day; the longer name first.
const FEASTS: &[(&str, u32, u32, &str)] = &[
    ("christmas eve", 12, 24, "Christmas Eve"),
    ("new years eve", 12, 31, "New Year's Eve"),
    ("christmas", 12, 25, "Christmas"),
    ("xmas", 12, 25, "Christmas"),
    ("new year", 1, 1, "New Year"),
    ("halloween", 10, 31, "Halloween"),
    ("valentine", 2, 14, "Valentine's Day"),
    ("st patricks", 3, 17, "St Patrick's Day"),
    ("independence day", 7, 4, "Independence Day"),
];

/// `{"m", "d", "y"?, "name"?}`, `{"weekday"}` or `{"days"}`, each with `h` and `min` if a time is given; else null.
pub(super) fn date(text: &str) -> Value {
    let words = Words::of(text);
    let list: Vec<&str> = words.iter().collect();
    let mut found = iso(&list)
        .or_else(|| named(&list))
        .or_else(|| feast(&words))
        .or_else(|| weekday(&list))
        .or_else(|| days(&list));
    if let (Some(Value::Object(date)), Some((h, min))) = (&mut found, clock(text)) {
        date.insert("h".into(), h.into());
        date.insert("min".into(), min.into());
    }
    found.unwrap_or(Value::Null)
}

fn iso(words: &[&str]) -> Option<Value> {
    words.windows(3).find_map(|w| {
        let year = year(w[0])?;
        valid(w[1].parse().ok()?, w[2].parse().ok()?).map(|(m, d)| json!({"m": m, "d": d, "y": year}))
    })
}

/// `24 December`, `December 24th, 2027`, `the 24th of december`.
fn named(words: &[&str]) -> Option<Value> {
    words.iter().enumerate().find_map(|(i, word)| {
        let month = month(word)?;
        let back = |n: usize| i.checked_sub(n).and_then(|j| words.get(j)).copied().unwrap_or_default();
        let next = words.get(i + 1).copied().unwrap_or_default();
        let before = day(back(1)).or_else(|| if back(1) == "of" { day(back(2)) } else { None });
        let (d, after) = match before {
            Some(d) => (d, i + 1),
            None => (day(next)?, i + 2),
        };
        let (m, d) = valid(month, d)?;
        Some(match words.get(after).and_then(|w| year(w)) {
            Some(y) => json!({"m": m, "d": d, "y": y}),
            None => json!({"m": m, "d": d}),
        })
    })
}

fn feast(words: &Words) -> Option<Value> {
    FEASTS.iter().find(|(phrase, ..)| words.has(phrase)).map(|(_, m, d, name)| json!({"m": m, "d": d, "name": name}))
}

fn weekday(words: &[&str]) -> Option<Value> {
    words.iter().find_map(|word| DAYS.iter().position(|day| day == word)).map(|n| json!({"weekday": n}))
}

fn days(words: &[&str]) -> Option<Value> {
    words.windows(2).find_map(|w| {
        let n: u32 = w[0].parse().ok().filter(|n| *n > 0 && *n < 20_000)?;
        match w[1] {
            "day" | "days" => Some(json!({"days": n})),
            "week" | "weeks" => Some(json!({"days": n.saturating_mul(7)})),
            _ => None,
        }
    })
}

fn month(word: &str) -> Option<u32> {
    let whole = MONTHS.iter().position(|month| *month == word);
    let short = || {
        MONTHS
            .iter()
            .position(|month| word.len() == 3 && month.starts_with(word))
            .or_else(|| if word == "sept" { Some(8) } else { None })
    };
    whole.or_else(short).and_then(|i| u32::try_from(i + 1).ok())
}

fn day(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &word[digits.len()..];
    matches!(suffix, "" | "st" | "nd" | "rd" | "th")
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|d| (1..=31).contains(d))
}

fn year(word: &str) -> Option<u32> {
    word.parse().ok().filter(|y| (1900..=2400).contains(y))
}

fn valid(m: u32, d: u32) -> Option<(u32, u32)> {
    let most = match m {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=most).contains(&d).then_some((m, d))
}

/// `18:30`, `6pm`, `6:15 pm`.
fn clock(text: &str) -> Option<(u32, u32)> {
    let lower = text.to_lowercase().replace(" pm", "pm").replace(" am", "am");
    lower.split_whitespace().find_map(|token| {
        let token = token.trim_matches(|c: char| matches!(c, ',' | '.' | '!' | '?' | '(' | ')'));
        let (bare, add) = match (token.strip_suffix("pm"), token.strip_suffix("am")) {
            (Some(bare), _) => (bare, Some(12)),
            (_, Some(bare)) => (bare, Some(0)),
            _ => (token, None),
        };
        let (h, min) = match bare.split_once(':') {
            Some((h, min)) => (h.parse::<u32>().ok()?, min.parse::<u32>().ok()?),
            None => (bare.parse().ok().filter(|_| add.is_some())?, 0),
        };
        let h = match add {
            Some(add) => (1..=12).contains(&h).then_some(h % 12 + add)?,
            None => h,
        };
        (h < 24 && min < 60).then_some((h, min))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("countdown to 24 December", json!({"m": 12, "d": 24})),
            ("December 24th, 2027 at 6pm", json!({"m": 12, "d": 24, "y": 2027, "h": 18, "min": 0})),
            ("the 3rd of may", json!({"m": 5, "d": 3})),
            ("until 2031-02-14", json!({"y": 2031, "m": 2, "d": 14})),
            ("days till new year", json!({"m": 1, "d": 1, "name": "New Year"})),
            ("New Year's Eve 23:59", json!({"m": 12, "d": 31, "name": "New Year's Eve", "h": 23, "min": 59})),
            ("countdown to Friday", json!({"weekday": 5})),
            ("100 days", json!({"days": 100})),
            ("31 February", Value::Null),
            ("a snake game", Value::Null),
        ] {
            assert_eq!(date(text), wanted, "{text}");
        }
    }
}
