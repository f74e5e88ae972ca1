//! Names with a number, for when every proposed one is taken.

use super::fault::{Fault, Outcome};

/// Bytes a slug may have.
const LONGEST: usize = 64;

/// The first of `candidates` that `taken` does not know; when it knows all, the first with the lowest number that is free.
pub(super) fn pick(candidates: &[String], taken: impl Fn(&str) -> bool) -> Outcome<String> {
    if let Some(free) = candidates.iter().find(|slug| !slug.is_empty() && !taken(slug)) {
        return Ok(free.clone());
    }
    with_number(base(candidates)?, taken)
}

/// The name with the lowest number that is free.
pub(super) fn with_number(base: &str, taken: impl Fn(&str) -> bool) -> Outcome<String> {
    let numbered = (2..=u32::MAX).map(|n| numbered(base, n)).find(|slug| !taken(slug));
    numbered.ok_or_else(|| Fault::Refused("no name is free".into()))
}

/// What a number is added to.
pub(super) fn base(candidates: &[String]) -> Outcome<&str> {
    let first = candidates.iter().find(|slug| !slug.is_empty());
    first.map(String::as_str).ok_or_else(|| Fault::Refused("no name was proposed".into()))
}

/// `brave-otter`, 2 → `brave-otter-2`, the name shortened where it would be too long.
fn numbered(base: &str, n: u32) -> String {
    let tail = format!("-{n}");
    let mut end = base.len().min(LONGEST - tail.len());
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{tail}", base[..end].trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_name_is_taken_then_the_lowest_number() {
        let candidates = ["red-fox".to_owned(), "blue-cat".to_owned()];
        assert_eq!(pick(&candidates, |slug| slug == "red-fox").unwrap(), "blue-cat");
        assert_eq!(pick(&candidates, |slug| !slug.ends_with("-3")).unwrap(), "red-fox-3");
        assert!(pick(&[], |_| false).is_err());
    }

    #[test]
    fn a_numbered_name_is_never_too_long() {
        let long = "é".repeat(40);
        assert!(numbered(&long, 1_000_000).len() <= LONGEST);
        assert_eq!(numbered("a-", 2), "a-2");
    }
}
