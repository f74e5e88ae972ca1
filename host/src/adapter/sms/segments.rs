//! What a text costs: GSM-7 or UCS-2, and how many segments. And what makes it cost less without changing what is read.

/// The longest text a carrier takes, in characters as it counts them.
pub const MAX_UNITS: usize = 1600;

/// The alphabet of GSM-7, one unit each.
pub const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// What GSM-7 knows besides, two units each.
pub const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// How a text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits a character, some take two.
    Gsm7,
    /// Sixteen bits a unit; one character outside GSM-7 makes the whole text so.
    Ucs2,
}

impl Encoding {
    /// Units that fit one segment, alone and as a part of several.
    fn sizes(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// Units a character takes.
    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => 1 + usize::from(EXTENDED.contains(c)),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// What a text comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How it travels.
    pub encoding: Encoding,
    /// Units, as the encoding counts.
    pub units: usize,
    /// Segments, as billed.
    pub segments: u32,
}

/// Measures a text. A character is never cut in two: what does not fit a segment's end begins the next one.
pub fn measure(text: &str) -> Size {
    let encoding = if text.chars().all(is_gsm7) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let units = text.chars().map(|c| encoding.units(c)).sum();
    let (alone, part) = encoding.sizes();
    let segments = if units <= alone { u32::from(units > 0) } else { parts(text, encoding, part) };
    Size { encoding, units, segments }
}

fn parts(text: &str, encoding: Encoding, size: usize) -> u32 {
    let (mut parts, mut used) = (1, 0);
    for c in text.chars() {
        let units = encoding.units(c);
        if used + units > size {
            parts += 1;
            used = 0;
        }
        used += units;
    }
    parts
}

fn is_gsm7(c: char) -> bool {
    BASIC.contains(c) || EXTENDED.contains(c)
}

/// The same words with the typographer's characters that would double the price written plainly. Letters, emoji and links stay as they are; a text that
/// needs UCS-2 anyway is left alone.
pub fn smart(text: &str) -> String {
    if text.chars().all(is_gsm7) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match plainly(c) {
            Some(words) => plain.push_str(words),
            None => plain.push(c),
        }
    }
    if plain.chars().all(is_gsm7) { plain } else { text.to_owned() }
}

fn plainly(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{2b9}' | '\u{2bc}' | '\u{b4}' | '`' => "'",
        '\u{201a}' => ",",
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => "\"",
        '\u{2039}' => "<",
        '\u{203a}' => ">",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\u{2022}' | '\u{b7}' => "*",
        '\u{d7}' => "x",
        '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2028}' | '\u{2029}' => "\n",
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => "",
        _ => return None,
    })
}

/// At most `units` units of a text (see [`MAX_UNITS`]), cut where a sentence ends if there is such a place in its second half, else between words, with
/// three dots.
pub fn shorten(text: &str, units: usize) -> String {
    if cost(text) <= units {
        return text.to_owned();
    }
    let room = within(text, units);
    if let Some(end) = last_sentence(room).filter(|end| *end * 2 >= room.len()) {
        return room[..end].trim_end().to_owned();
    }
    let room = within(text, units.saturating_sub(3));
    let end = room.rfind(char::is_whitespace).filter(|end| *end * 2 >= room.len()).unwrap_or(room.len());
    format!("{}...", room[..end].trim_end())
}

/// A text in pieces of at most `units` units each, cut at sentences, else between words, else anywhere. Nothing is lost but the blanks at the cuts.
pub fn split(text: &str, units: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if cost(rest) <= units {
            pieces.push(rest.to_owned());
            break;
        }
        let room = within(rest, units);
        let end = last_sentence(room)
            .filter(|end| *end * 2 >= room.len())
            .or_else(|| room.rfind(char::is_whitespace).filter(|end| *end > 0))
            .unwrap_or(room.len());
        // A unit count too small for a single character would never end.
        let end = if end == 0 { rest.chars().next().map_or(rest.len(), char::len_utf8) } else { end };
        pieces.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    pieces
}

/// The most a text can come to, whichever encoding it travels in, alone or as a piece of a longer one.
fn cost(text: &str) -> usize {
    text.chars().map(weight).sum()
}

fn weight(c: char) -> usize {
    Encoding::Gsm7.units(c).max(Encoding::Ucs2.units(c))
}

/// The longest beginning of at most `units` units.
fn within(text: &str, units: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += weight(c);
        if used > units {
            return &text[..at];
        }
    }
    text
}

/// Where the last whole sentence ends.
fn last_sentence(text: &str) -> Option<usize> {
    let ends = text.char_indices().zip(text.chars().skip(1).map(Some).chain([None]));
    ends.filter_map(|((at, c), after)| match (c, after) {
        ('\n', _) => Some(at),
        ('.' | '!' | '?' | '…', Some(after)) if after.is_whitespace() => Some(at + c.len_utf8()),
        _ => None,
    })
    .last()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segments(text: &str) -> u32 {
        measure(text).segments
    }

    #[test]
    fn the_edges_are_where_carriers_have_them() {
        let cases = [
            ("", 0),
            (&"a".repeat(160), 1),
            (&"a".repeat(161), 2),
            (&"a".repeat(306), 2),
            (&"a".repeat(307), 3),
            (&"é".repeat(160), 1),
            (&"ç".repeat(70), 1),
            (&"ç".repeat(71), 2),
            (&"ç".repeat(134), 2),
            (&"ç".repeat(135), 3),
            (&"^".repeat(80), 1),
            (&"^".repeat(81), 2),
            (&"🐍".repeat(35), 1),
            (&"🐍".repeat(36), 2),
            (&format!("{}’", "a".repeat(69)), 1),
            (&format!("{}’", "a".repeat(70)), 2),
        ];
        for (text, expected) in cases {
            assert_eq!(segments(text), expected, "{} characters of {text:.10}", text.chars().count());
        }
    }

    #[test]
    fn a_character_of_two_units_is_not_cut_at_a_segments_end() {
        // 152 + ^ (2) does not fit 153: the segment ends one unit early.
        let text = format!("{}^{}", "a".repeat(152), "a".repeat(152));
        assert_eq!((measure(&text).units, segments(&text)), (306, 3));
    }

    #[test]
    fn typographers_marks_do_not_double_the_price() {
        assert_eq!(smart("it’s “live” — look…"), "it's \"live\" - look...");
        assert_eq!(measure(&smart("it’s\u{a0}live")).encoding, Encoding::Gsm7);
    }

    #[test]
    fn what_needs_the_wide_encoding_anyway_is_left_as_it_was_written() {
        for text in ["it’s a 🐍", "“ça va”", "plain"] {
            assert_eq!(smart(text), text);
        }
    }

    #[test]
    fn a_long_text_ends_at_a_sentence() {
        let text = format!("{} It ends here. And {}", "x".repeat(50), "y".repeat(100));
        assert_eq!(shorten(&text, 100), format!("{} It ends here.", "x".repeat(50)));
        assert_eq!(shorten("one two three four", 13), "one two...");
        assert_eq!(shorten("short", 10), "short");
    }

    proptest! {
        #[test]
        fn pieces_fit_and_hold_every_word(text in "[a-zé^€🐍.! \n]{0,300}", units in 10usize..80) {
            let pieces = split(&text, units);
            for piece in &pieces {
                prop_assert!(measure(piece).units <= units);
                prop_assert!(!piece.is_empty());
            }
            let squeeze = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(squeeze(&pieces.concat()), squeeze(&text));
        }

        #[test]
        fn a_shortened_text_fits(text in "(?s).{0,300}", units in 10usize..200) {
            prop_assert!(measure(&shorten(&text, units)).units <= units);
        }

        #[test]
        fn being_smart_never_costs_more(text in "(?s).{0,200}") {
            prop_assert!(segments(&smart(&text)) <= segments(&text));
        }
    }
}
