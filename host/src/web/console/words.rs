//! How the console says numbers, times and what others wrote.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::job::{Millis, mask};

/// How long something took: `0.4 ms`, `12 ms`, `1.2 s`, `2 min 3 s`.
pub(super) fn took(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    match seconds {
        s if s <= 0.0 => "0 ms".into(),
        s if s < 0.001 => format!("{:.2} ms", s * 1e3),
        s if s < 0.01 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 10.0 => format!("{s:.1} s"),
        _ => age(span),
    }
}

/// The same, in whole units: `8 s`, `4 min`, `2 h 5 min`, `3 days`.
pub(super) fn age(span: Duration) -> String {
    let seconds = span.as_secs();
    let two = |big: u64, unit: &str, small: u64, other: &str| {
        if small == 0 { format!("{big} {unit}") } else { format!("{big} {unit} {small} {other}") }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => two(seconds / 60, "min", seconds % 60, "s"),
        600..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => two(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long ago a moment was.
pub(super) fn ago(at: Millis) -> String {
    format!("{} ago", age(Millis::now().since(at)))
}

/// A moment, UTC: `23 Nov 16:03:12`.
pub(super) fn moment(at: Millis) -> String {
    Timestamp::from_millisecond(at.as_i64())
        .map(|t| t.to_zoned(TimeZone::UTC).strftime("%-d %b %H:%M:%S").to_string())
        .unwrap_or_default()
}

/// `1 job`, `2 jobs`.
pub(super) fn count(n: u64, one: &str) -> String {
    format!("{} {one}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// `12,345`.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// US dollars, with as many places as say something.
pub(super) fn dollars(amount: f64) -> String {
    if amount > 0.0 && amount < 0.1 { format!("${amount:.4}") } else { format!("${amount:.2}") }
}

/// The beginning of a digest.
pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// The first line of what somebody wrote, shortened, numbers of phones masked.
pub(super) fn line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let short: String = first.chars().take(200).collect();
    masked(&if short.len() < first.len() { format!("{short}…") } else { short })
}

/// The beginning of a line, for a table's cell; the whole stands where the cell leads.
pub(super) fn cell(text: &str) -> String {
    const MOST: usize = 90;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let short: String = text.chars().take(MOST).collect();
    format!("{}…", short.trim_end())
}

/// A text in which no number of a phone is whole: `+1555…` becomes `+15•••42`.
pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(plus) = rest.find('+') {
        let (before, number) = rest.split_at(plus + 1);
        out.push_str(before);
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = number.split_at(digits);
        if digits.len() < 7 {
            out.push_str(digits);
        } else {
            out.push_str(&digits[..2]);
            out.push_str("•••");
            out.push_str(&digits[digits.len() - 2..]);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What was written, and how much of it is left out because it is long.
pub(super) struct Excerpt {
    pub text: String,
    pub more: usize,
}

/// The beginning of what a person wrote or was told: numbers are masked however they are written.
pub(super) fn of_person(text: &str, most: usize) -> Excerpt {
    let shown = excerpt(text, most);
    Excerpt { text: mask::numbers(&shown.text), more: shown.more }
}

/// The beginning of a long text of a machine: pages and questions to plugins, in which rows of figures stay as they are.
pub(super) fn excerpt(text: &str, most: usize) -> Excerpt {
    let shown: String = text.chars().take(most).collect();
    let more = if shown.len() < text.len() { text.chars().count() - most } else { 0 };
    Excerpt { text: masked(&shown), more }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_units_that_fit() {
        let said = |ms: f64| took(Duration::from_secs_f64(ms / 1e3));
        assert_eq!(
            [0.05, 3.21, 12.3, 1_234.0, 12_345.0, 125_000.0].map(said),
            ["0.05 ms", "3.2 ms", "12 ms", "1.2 s", "12 s", "2 min 5 s"]
        );
        let aged = |s: u64| age(Duration::from_secs(s));
        assert_eq!([5, 60, 700, 7_500, 300_000].map(aged), ["5 s", "1 min", "11 min", "2 h 5 min", "3 days"]);
    }

    #[test]
    fn no_number_of_a_phone_is_whole_in_what_is_shown() {
        assert_eq!(
            masked("to +15550102001 (and +15550102002), 1 + 1, +1234"),
            "to +15•••01 (and +15•••02), 1 + 1, +1234"
        );
        assert_eq!(line("no +15550102001\nat x"), "no +15•••01");
    }

    #[test]
    fn figures_are_grouped_and_counted() {
        assert_eq!((count(1, "job"), count(12_345, "job")), ("1 job".into(), "12,345 jobs".into()));
        assert_eq!((dollars(0.0012), dollars(1.5), dollars(0.0)), ("$0.0012".into(), "$1.50".into(), "$0.00".into()));
    }

    #[test]
    fn a_long_text_says_how_much_is_left_out() {
        let shown = excerpt("äöü and more", 3);
        assert_eq!((shown.text.as_str(), shown.more), ("äöü", 9));
        assert_eq!(excerpt("short", 9).more, 0);
        assert_eq!((cell("short").as_str(), cell(&"ä".repeat(91)).chars().count()), ("short", 91));
    }
}
