//! What a text costs: GSM-7 or UCS-2, and how many segments. And what makes it cost less without changing what is read.

use unicode_segmentation::UnicodeSegmentation;

/// The longest text a carrier takes, in characters as it counts them.
pub const MAX_UNITS: usize = 1600;

/// Texts that one thing said may take; more is no text.
pub const MOST_TEXTS: usize = 4;

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

/// Measures a text. What is read as one letter (a flag, a letter and its accent) is never cut in two: what does not fit a segment's end begins the next
/// one.
pub fn measure(text: &str) -> Size {
    let encoding = if text.chars().all(is_gsm7) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let units = text.chars().map(|c| encoding.units(c)).sum();
    let (alone, part) = encoding.sizes();
    let segments = if units <= alone { u32::from(units > 0) } else { parts(text, encoding, part) };
    Size { encoding, units, segments }
}

fn parts(text: &str, encoding: Encoding, size: usize) -> u32 {
    let (mut parts, mut used) = (1, 0);
    let mut put = |units: usize| {
        if used + units > size {
            parts += 1;
            used = 0;
        }
        used += units;
    };
    for letter in text.graphemes(true) {
        let units = letter.chars().map(|c| encoding.units(c)).sum();
        if units <= size {
            put(units);
        } else {
            letter.chars().for_each(|c| put(encoding.units(c)));
        }
    }
    parts
}

fn is_gsm7(c: char) -> bool {
    BASIC.contains(c) || EXTENDED.contains(c)
}

/// The words as they go out, whoever carries them: as cheap as they can be said, and not longer than one text may be. What was made ready once stays as
/// it is.
pub fn outgoing(text: &str) -> String {
    shorten(&smart(text), MAX_UNITS)
}

/// The words as the texts they take, in order: each ends at a sentence where there is one in its second half, else between words, so that a link is never
/// cut. Of what would be more than [`MOST_TEXTS`] the middle is left out: the last one holds the link.
pub fn texts(words: &str) -> Vec<String> {
    let mut texts = split(&smart(words), MAX_UNITS);
    if texts.len() > MOST_TEXTS {
        texts.drain(MOST_TEXTS - 1..texts.len() - 1);
    }
    texts
}

/// The same words with the typographer's characters that would double the price written plainly. Letters, emoji and links stay as they are; a text that
/// needs UCS-2 anyway is left alone.
pub fn smart(text: &str) -> String {
    if text.chars().all(is_gsm7) {
        return text.to_owned();
    }
    let plain: String = text.split_inclusive(char::is_whitespace).map(plain_word).collect();
    if plain.chars().all(is_gsm7) { plain } else { text.to_owned() }
}

/// A word and the blank behind it, plainly; an address is not ours to spell.
fn plain_word(word: &str) -> String {
    let link = word.contains("://") || word.starts_with("www.");
    let (word, blank) = word.split_at(word.trim_end().len());
    let mut plain = String::with_capacity(word.len());
    for c in word.chars().take_while(|_| !link).chain(blank.chars()) {
        match (plainly(c), composed(plain.chars().next_back(), c)) {
            (Some(words), _) => plain.push_str(words),
            (None, Some(letter)) => {
                plain.pop();
                plain.push(letter);
            }
            (None, None) => plain.push(c),
        }
    }
    if link { format!("{word}{plain}") } else { plain }
}

/// A letter of the alphabet for a letter and the accent behind it, as some phones write it: the same letter to whoever reads it.
fn composed(letter: Option<char>, accent: char) -> Option<char> {
    const PAIRS: [(char, &str, &str); 5] = [
        ('\u{300}', "aeiou", "àèìòù"),
        ('\u{301}', "eE", "éÉ"),
        ('\u{308}', "aouAOU", "äöüÄÖÜ"),
        ('\u{303}', "nN", "ñÑ"),
        ('\u{30a}', "aA", "åÅ"),
    ];
    let (_, bare, whole) = PAIRS.into_iter().find(|(mark, ..)| *mark == accent)?;
    let at = bare.chars().position(|known| Some(known) == letter)?;
    whole.chars().nth(at)
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
        '\u{2022}' | '\u{b7}' | '\u{25cf}' => "*",
        '\u{2192}' => "->",
        '\u{2190}' => "<-",
        '\u{fb01}' => "fi",
        '\u{fb02}' => "fl",
        '\u{2122}' => "(TM)",
        '\u{a9}' => "(c)",
        '\u{ae}' => "(R)",
        '\u{d7}' => "x",
        '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2028}' | '\u{2029}' => "\n",
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe0f}' | '\u{feff}' => "",
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
    fn what_cannot_be_seen_costs_nothing_and_a_letter_with_its_accent_apart_is_that_letter() {
        for (text, plain) in [
            ("it\u{2019}s\u{a0}live\u{200b}\u{feff}", "it's live"),
            ("\u{200e}one \u{2192} two\u{2122}", "one -> two(TM)"),
            ("cafe\u{301} nin\u{303}o A\u{30a}bo", "café niño Åbo"),
        ] {
            assert_eq!(smart(text), plain);
            assert_eq!(measure(&smart(text)).encoding, Encoding::Gsm7, "{text}");
        }
    }

    #[test]
    fn a_name_and_a_link_are_never_spelt_another_way() {
        for text in ["Zoë Żółć, it’s you", "猫 — neko", "see https://x.example/it’s/a—b"] {
            assert_eq!(smart(text), text);
        }
        assert_eq!(smart("it’s here:\u{a0}https://x.example/a/b"), "it's here: https://x.example/a/b");
    }

    #[test]
    fn what_is_too_long_for_one_text_is_several_that_end_at_sentences_with_the_link_whole_in_the_last() {
        let link = "https://x.example/happy-otter/coral-fox";
        let words = format!("{}Here it is:\n{link}", "This goes on for a while. ".repeat(150));
        let texts = texts(&words);
        assert_eq!(texts.len(), 3);
        assert!(texts.iter().all(|text| measure(text).units <= MAX_UNITS));
        assert!(texts[..2].iter().all(|text| text.ends_with("while.")), "{texts:?}");
        assert!(texts[2].ends_with(&format!("\n{link}")), "{}", texts[2]);
        let endless = super::texts(&format!("{} {link}", "word ".repeat(9_000)));
        assert_eq!(endless.len(), MOST_TEXTS);
        assert!(endless[MOST_TEXTS - 1].ends_with(link));
        assert!(super::texts(" \n").is_empty());
    }

    /// Counted by `sms-segments-calculator` of npm, by Twilio's own hand.
    #[test]
    fn the_carriers_own_calculator_counts_the_same() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let flag = "\u{1f1eb}\u{1f1ee}";
        let vectors = [
            ("hello".to_owned(), "GSM-7", 1),
            (format!("{0}^{0}", "a".repeat(152)), "GSM-7", 3),
            (format!("{}a", "€".repeat(76)), "GSM-7", 1),
            ("Ω".repeat(161), "GSM-7", 2),
            ("\u{c}".repeat(81), "GSM-7", 2),
            ("a\r\nb".repeat(40), "GSM-7", 1),
            ("🐍".repeat(67), "UCS-2", 3),
            (format!("{0}🐍{0}", "a".repeat(66)), "UCS-2", 3),
            (family.repeat(9), "UCS-2", 2),
            (format!("{0}{family}{0}", "a".repeat(62)), "UCS-2", 3),
            (flag.repeat(17), "UCS-2", 1),
            (flag.repeat(18), "UCS-2", 2),
            (format!("{}{flag}{}", "a".repeat(65), "b".repeat(66)), "UCS-2", 3),
            ("क्षि".repeat(20), "UCS-2", 2),
            ("猫".repeat(201), "UCS-2", 3),
            ("猫".repeat(202), "UCS-2", 4),
        ];
        for (text, encoding, segments) in &vectors {
            let size = measure(text);
            let named = if size.encoding == Encoding::Gsm7 { "GSM-7" } else { "UCS-2" };
            assert_eq!(
                (named, size.segments),
                (*encoding, *segments),
                "{} letters of {text:.20}",
                text.chars().count()
            );
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
