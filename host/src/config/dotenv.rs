//! The `.env` beside the file.
//!
//! Its lines hold secrets, so a line that cannot be read is told by its number and never shown.

use std::{collections::BTreeMap, io::ErrorKind, path::Path};

/// What a `.env` says, and the numbers of the lines it cannot be understood in.
pub fn read(path: &Path) -> Result<(BTreeMap<String, String>, Vec<usize>), std::io::Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((BTreeMap::new(), Vec::new())),
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> (BTreeMap<String, String>, Vec<usize>) {
    let text = text.trim_start_matches('\u{feff}');
    let mut values = BTreeMap::new();
    let mut bad = Vec::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        match item {
            Ok((name, value)) => {
                values.insert(name, value);
            }
            Err(dotenvy::Error::LineParse(line, _)) => bad.push(number_of(text, &line)),
            Err(_) => bad.push(1),
        }
    }
    (values, bad)
}

fn number_of(text: &str, line: &str) -> usize {
    let first = line.lines().next().unwrap_or_default();
    text.lines().position(|known| known == first).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_quotes_and_comments_are_understood() {
        let (values, bad) = parse("\u{feff}# mine\nA=1\nexport B='two words'\nC=\"x # y\"\nA=2\n");
        assert_eq!(bad, [] as [usize; 0]);
        assert_eq!(values["A"], "2", "the last line wins");
        assert_eq!((values["B"].as_str(), values["C"].as_str()), ("two words", "x # y"));
    }

    #[test]
    fn a_line_that_is_none_is_told_by_its_number() {
        let (values, bad) = parse("A=1\nwhat is this\nB=2\n");
        assert_eq!(bad, [2]);
        assert_eq!(values.len(), 2);
    }
}
