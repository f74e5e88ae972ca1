//! Durations (`30s`) and sizes (`64MiB`) as people write them.

use std::time::Duration;

const TIMES: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];

const SIZES: [(&str, f64); 7] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1_024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

/// What is wrong with a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadQuantity {
    /// It does not begin with a number.
    NoNumber,
    /// A number alone.
    NoUnit,
    /// A unit nobody knows; the one that may be meant.
    Unit(Option<&'static str>),
}

impl BadQuantity {
    /// In words; `units` as [`time_units`] or [`size_units`] have them.
    pub fn why(self, units: &str) -> String {
        match self {
            Self::NoNumber => "does not begin with a number".to_owned(),
            Self::NoUnit => format!("has no unit ({units})"),
            Self::Unit(Some(meant)) => format!("has a unit nobody knows; did you mean {meant}?"),
            Self::Unit(None) => format!("has a unit nobody knows (there are {units})"),
        }
    }
}

/// Those there are.
pub fn time_units() -> String {
    TIMES.map(|(unit, _)| unit).join(", ")
}

/// Those there are.
pub fn size_units() -> String {
    SIZES.map(|(unit, _)| unit).join(", ")
}

/// A duration; one beyond counting is the longest there is.
pub fn duration(text: &str) -> Result<Duration, BadQuantity> {
    let seconds = quantity(text, &TIMES)?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Bytes.
pub fn size(text: &str) -> Result<u64, BadQuantity> {
    let bytes = quantity(text, &SIZES)?.round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float beyond u64 saturates")]
    Ok(bytes as u64)
}

fn quantity(text: &str, units: &[(&'static str, f64)]) -> Result<f64, BadQuantity> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = (text[..digits].replace('_', ""), text[digits..].trim());
    let number: f64 = number.parse().map_err(|_| BadQuantity::NoNumber)?;
    if unit.is_empty() {
        return Err(BadQuantity::NoUnit);
    }
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => Ok(number * factor),
        None => Err(BadQuantity::Unit(meant(unit, units))),
    }
}

fn meant(unit: &str, units: &[(&'static str, f64)]) -> Option<&'static str> {
    let unit = unit.to_lowercase();
    let known = |name: &str| units.iter().map(|(known, _)| *known).find(|known| *known == name);
    let same = units.iter().map(|(known, _)| *known).find(|known| known.to_lowercase() == unit);
    same.or_else(|| match unit.as_str() {
        "sec" | "secs" | "second" | "seconds" => known("s"),
        "min" | "mins" | "minute" | "minutes" => known("m"),
        "hr" | "hrs" | "hour" | "hours" => known("h"),
        "day" | "days" => known("d"),
        "msec" | "millis" | "milliseconds" => known("ms"),
        "k" | "ki" => known("KiB"),
        "m" | "mi" => known("MiB"),
        "g" | "gi" => known("GiB"),
        "byte" | "bytes" => known("B"),
        _ => None,
    })
}

/// A duration as the file would have it.
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let fits = TIMES.iter().rev().find(|(_, factor)| seconds >= *factor && (seconds / factor).fract() == 0.0);
    fits.map_or_else(|| format!("{}ms", duration.as_millis()), |(unit, factor)| format!("{}{unit}", seconds / factor))
}

/// A size as the file would have it.
pub fn show_size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes >> shift > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1500ms", 1500)]
    #[case("30s", 30_000)]
    #[case(" 1.5 s ", 1500)]
    #[case("5m", 300_000)]
    #[case("2h", 7_200_000)]
    #[case("1d", 86_400_000)]
    fn durations_are_read(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)));
    }

    #[rstest]
    #[case("64MiB", 64 << 20)]
    #[case("1.5KiB", 1536)]
    #[case("10MB", 10_000_000)]
    #[case("1_000B", 1000)]
    fn sizes_are_read(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(size(text), Ok(bytes));
    }

    #[rstest]
    #[case("30", BadQuantity::NoUnit)]
    #[case("30 sec", BadQuantity::Unit(Some("s")))]
    #[case("30 parsec", BadQuantity::Unit(None))]
    #[case("s", BadQuantity::NoNumber)]
    #[case("-3s", BadQuantity::NoNumber)]
    #[case("", BadQuantity::NoNumber)]
    fn a_bad_duration_is_told_apart(#[case] text: &str, #[case] fault: BadQuantity) {
        assert_eq!(duration(text), Err(fault));
    }

    #[test]
    fn a_unit_in_the_wrong_case_is_understood_as_meant() {
        assert_eq!(size("64mib"), Err(BadQuantity::Unit(Some("MiB"))));
        assert_eq!(size("64M"), Err(BadQuantity::Unit(Some("MiB"))));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_what_it_was(millis in 1u64..1_000_000_000, kib in 1u64..1_000_000) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(duration(&show_duration(time)), Ok(time));
            prop_assert_eq!(size(&show_size(kib << 10)), Ok(kib << 10));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = (duration(&text), size(&text));
        }
    }
}
