//! Character references, `&amp;` and `&#8230;`, as section 13.2.5.72 and following of the WHATWG's standard has them:
//! <https://html.spec.whatwg.org/multipage/parsing.html#character-reference-state>.
//!
//! All 2,231 names that browsers know (`words/references.txt`: a name, and what it stands for in hexadecimal), since titles are read in texts: data costs a
//! guest nothing until it is looked at.

use std::{borrow::Cow, cmp::Ordering};

/// A line for each name, in the order of their bytes. Old names go without a semicolon, too.
const NAMES: &str = include_str!("../words/references.txt");
/// The longest name.
const LONGEST: usize = 32;
/// The longest name that goes without a semicolon.
const LONGEST_BARE: usize = 6;

/// Where a reference stands: in an attribute, names without a semicolon are less readily taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Text,
    Attribute,
}

/// What a reference stands for: some names stand for two characters.
type Stands = [Option<char>; 2];

/// The text with its references replaced by what they stand for.
pub fn decoded(text: &str, place: Place) -> Cow<'_, str> {
    let Some((before, rest)) = text.split_once('&') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(before);
    for part in rest.split('&') {
        let found = match part.strip_prefix('#') {
            Some(number) => numbered(number).map(|(c, length)| ([Some(c), None], length + 1)),
            None => named(part, place),
        };
        match found {
            Some((stands, length)) => {
                out.extend(stands.into_iter().flatten());
                out.push_str(&part[length..]);
            }
            None => out.extend(["&", part]),
        }
    }
    Cow::Owned(out)
}

/// What the number behind `&#` stands for, and how long it is.
fn numbered(text: &str) -> Option<(char, usize)> {
    let (radix, sign) = if text.starts_with(['x', 'X']) { (16, 1) } else { (10, 0) };
    let digits = &text[sign..];
    let length = digits.bytes().take_while(|&digit| char::from(digit).is_digit(radix)).count();
    let value = digits[..length].bytes().filter_map(|digit| char::from(digit).to_digit(radix));
    let code = value.fold(0_u32, |code, digit| code.saturating_mul(radix).saturating_add(digit));
    let end = sign + length;
    (length > 0).then(|| (numbered_character(code), end + usize::from(text[end..].starts_with(';'))))
}

/// Numbers from before Unicode mean Windows' characters; those of none are shown as such.
fn numbered_character(code: u32) -> char {
    const WINDOWS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match code {
        0 => '\u{fffd}',
        0x80..=0x9f => WINDOWS[code as usize - 0x80],
        _ => char::from_u32(code).unwrap_or('\u{fffd}'),
    }
}

/// What the longest name at the start of `text` stands for, and how long it is.
fn named(text: &str, place: Place) -> Option<(Stands, usize)> {
    let letters = text.bytes().take(LONGEST).take_while(u8::is_ascii_alphanumeric).count();
    if text[letters..].starts_with(';')
        && let Some(stands) = listed(&text[..=letters])
    {
        return Some((stands, letters + 1));
    }
    let (stands, length) =
        (2..=letters.min(LONGEST_BARE)).rev().find_map(|length| Some((listed(&text[..length])?, length)))?;
    let goes_on = text[length..].starts_with(|next: char| next == '=' || next.is_ascii_alphanumeric());
    (place == Place::Text || !goes_on).then_some((stands, length))
}

/// What stands in the list for a name, by halving the list.
fn listed(name: &str) -> Option<Stands> {
    let (mut from, mut to) = (0, NAMES.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = NAMES[from..middle].rfind('\n').map_or(from, |at| from + at + 1);
        let end = NAMES[start..to].find('\n').map_or(to, |at| start + at);
        let (listed, codes) = NAMES[start..end].split_once(' ')?;
        match name.cmp(listed) {
            Ordering::Less => to = start,
            Ordering::Greater => from = end + 1,
            Ordering::Equal => {
                let mut codes =
                    codes.split(' ').map(|code| u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
                return Some([codes.next().flatten(), codes.next().flatten()]);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_decoded_and_what_only_looks_like_one_is_not() {
        for (text, says) in [
            ("Tom &amp; Jerry", "Tom & Jerry"),
            ("caf&eacute;, caf&eacute", "café, café"),
            ("&#8230;&#x1F600;&#X41;", "…😀A"),
            ("&#146;&#0;&#xd800;&#99999999999;", "’\u{fffd}\u{fffd}\u{fffd}"),
            ("&notit; &notin; &not", "¬it; ∉ ¬"),
            ("&NotEqualTilde;", "≂\u{338}"),
            ("&CounterClockwiseContourIntegral;", "∳"),
            ("& &; &# &#x; &nosuch; &&amp", "& &; &# &#x; &nosuch; &&"),
            ("&", "&"),
            ("&é;", "&é;"),
        ] {
            assert_eq!(decoded(text, Place::Text), says, "{text}");
        }
        assert_eq!(decoded("?a=1&copy=2&copy;&copy", Place::Attribute), "?a=1&copy=2©©");
    }

    #[test]
    fn every_name_in_the_list_is_found() {
        assert_eq!(NAMES.lines().count(), 2_231);
        for line in NAMES.lines() {
            let name = line.split(' ').next().unwrap();
            assert!(listed(name).is_some_and(|stands| stands[0].is_some()), "{name}");
            assert!(name.len() <= LONGEST && (name.ends_with(';') || name.len() <= LONGEST_BARE), "{name}");
        }
    }
}
