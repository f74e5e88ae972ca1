//! Keeping a text cheap: the GSM 7-bit alphabet of 3GPP TS 23.038, the usual replacements into it, and cutting at a word.
//!
//! One curly quote turns a whole text into 70-letter parts, so what has a plain twin gets it. What has none (another
//! script, a picture) is left alone: a person's language is worth more than a part of a text.

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

/// The same words with typographic signs and common accents replaced by their plain twins.
pub fn plain(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for letter in words.chars() {
        match twin(letter) {
            Some(text) => out.push_str(text),
            None => out.push(letter),
        }
    }
    out
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
        'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' => "a",
        'Á' | 'À' | 'Â' | 'Ã' | 'Ā' | 'Ą' => "A",
        'ç' | 'ć' | 'č' => "c",
        'Ć' | 'Č' => "C",
        'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'È' | 'Ê' | 'Ë' | 'Ē' | 'Ę' => "E",
        'í' | 'î' | 'ï' | 'ī' => "i",
        'Í' | 'Ì' | 'Î' | 'Ï' => "I",
        'ł' => "l",
        'Ł' => "L",
        'ń' | 'ň' => "n",
        'ó' | 'ô' | 'õ' | 'ő' => "o",
        'Ó' | 'Ò' | 'Ô' | 'Õ' => "O",
        'ř' => "r",
        'ś' | 'š' => "s",
        'Ś' | 'Š' => "S",
        'ú' | 'û' | 'ū' | 'ů' => "u",
        'Ú' | 'Ù' | 'Û' => "U",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
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
    fn typographic_signs_become_plain_ones_and_other_scripts_stay() {
        assert_eq!(plain("\u{201c}it\u{2019}s \u{2014} fine\u{2026}\u{201d}"), "\"it's - fine...\"");
        assert_eq!(plain("garçon 猫"), "garcon 猫");
    }

    #[test]
    fn long_words_are_cut_between_words() {
        assert_eq!(cut("a short one", 20), "a short one");
        assert_eq!(cut("the quick brown fox jumps", 18), "the quick brown...");
        assert_eq!(cut("abcdefghijklmnop", 10), "abcdefg...");
    }
}
