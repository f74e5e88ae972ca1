//! Keeping a text cheap: the GSM 7-bit alphabet of 3GPP TS 23.038, the usual replacements into it, and cutting at a word.
//!
//! One curly quote turns a whole text into 70-letter parts, so a typographer's sign that has a plain twin gets it. Letters
//! are left alone, accents too: a person's name and language are worth more than a part of a text.

/// Letters that count once.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Letters that count twice.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// How many of a text's 160 places these words take, or none where they do not fit the alphabet.
pub fn septets(words: &str) -> Option<usize> {
    words.chars().try_fold(0, |sum, letter| Some(sum + places(letter)?))
}

fn places(letter: char) -> Option<usize> {
    if letter.is_ascii_alphanumeric() || BASIC.contains(letter) {
        Some(1)
    } else if EXTENDED.contains(letter) {
        Some(2)
    } else {
        None
    }
}

/// The same words with typographic signs replaced by their plain twins, where that makes the text cheaper: one with letters
/// of another script in it travels wide anyway, and stays as it was written.
pub fn plain(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for letter in words.chars() {
        match twin(letter) {
            Some(text) => out.push_str(text),
            None => out.push(letter),
        }
    }
    if septets(&out).is_some() { out } else { words.to_owned() }
}

fn twin(letter: char) -> Option<&'static str> {
    Some(match letter {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' | '`' | '\u{b4}' => "'",
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2033}' | '«' | '»' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '•' | '·' => "-",
        '…' => "...",
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\t' => " ",
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{fe0f}' => "",
        '×' => "x",
        _ => return None,
    })
}

/// At most `max` letters, cut between words where that is possible, with three dots where something is missing.
pub fn cut(words: &str, max: usize) -> String {
    if words.chars().count() <= max {
        return words.to_owned();
    }
    let room = max.saturating_sub(3);
    let head: String = words.chars().take(room).collect();
    let at_a_word = words.chars().nth(room).is_some_and(char::is_whitespace);
    let between = head.rfind(char::is_whitespace).filter(|&at| !at_a_word && at >= head.len() / 2);
    let end = between.unwrap_or(head.len());
    format!("{}...", head[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::{cut, plain, septets};

    #[test]
    fn brackets_and_the_euro_count_twice_and_other_scripts_not_at_all() {
        assert_eq!(septets("abc é"), Some(5));
        assert_eq!(septets("[€]"), Some(6));
        assert_eq!(septets("it\u{2019}s"), None);
        assert_eq!(septets("猫"), None);
    }

    #[test]
    fn typographic_signs_become_plain_ones_and_letters_stay() {
        assert_eq!(plain("\u{201c}it\u{2019}s \u{2014} fine\u{2026}\u{201d}"), "\"it's - fine...\"");
        for words in ["Zoë, garçon", "it\u{2019}s 猫", "\u{1f468}\u{200d}\u{1f469}"] {
            assert_eq!(plain(words), words);
        }
    }

    #[test]
    fn long_words_are_cut_between_words() {
        assert_eq!(cut("a short one", 20), "a short one");
        assert_eq!(cut("the quick brown fox jumps", 18), "the quick brown...");
        assert_eq!(cut("abcdefghijklmnop", 10), "abcdefg...");
    }
}
