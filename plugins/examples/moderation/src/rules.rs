//! Words however they are spelled: in capitals, with accents and look-alikes, in l3tters, strettttched, s.p-e.l.l-e.d or with st*rs.
//!
//! A rule is found where a word begins, never inside one: `class` holds nothing. It ends where the word does, unless it is written `word*`.

/// What is looked for, and what is never touched.
pub struct Rules {
    rules: Vec<Rule>,
    allowed: Vec<Rule>,
}

struct Rule {
    letters: Vec<char>,
    /// `word*`: whatever goes on behind it belongs to it.
    goes_on: bool,
}

impl Rules {
    /// Blank rules are none.
    pub fn new(rules: &[String], allowed: &[String]) -> Self {
        let read = |rules: &[String]| rules.iter().filter_map(|text| Rule::read(text)).collect();
        Self { rules: read(rules), allowed: read(allowed) }
    }

    /// Whether any of them is in a text.
    pub fn found_in(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        starts(&letters).any(|start| self.at(&letters, start).is_some())
    }

    /// The text, with all but the first letter of what is found as stars.
    pub fn mask(&self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let found: Vec<_> = starts(&letters).filter_map(|start| Some(start + 1..self.at(&letters, start)?)).collect();
        for letter in found.into_iter().flatten() {
            if !letters[letter].is_whitespace() {
                letters[letter] = '*';
            }
        }
        letters.into_iter().collect()
    }

    /// Where the longest of what begins here ends.
    fn at(&self, text: &[char], start: usize) -> Option<usize> {
        if self.allowed.iter().any(|rule| rule.end(text, start).is_some()) {
            return None;
        }
        self.rules.iter().filter_map(|rule| rule.end(text, start)).max()
    }
}

impl Rule {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (word, goes_on) = text.strip_suffix('*').map_or((text, false), |word| (word, true));
        let letters: Vec<char> =
            word.chars().map(|letter| if letter.is_whitespace() { ' ' } else { fold(letter) }).collect();
        letters.iter().any(|letter| letter.is_alphanumeric()).then_some(Self { letters, goes_on })
    }

    /// Where a word that begins here and is this rule ends.
    fn end(&self, text: &[char], start: usize) -> Option<usize> {
        // Closely spelled, or with something between each of its letters: `as set` is not `asset`, `a s s e t` is.
        let end = self.spelled(text, start, false).or_else(|| self.spelled(text, start, true))?;
        if self.goes_on {
            return Some(end + text[end..].iter().take_while(|letter| letter.is_alphanumeric()).count());
        }
        let ends = text.get(end).is_none_or(|next| !next.is_alphanumeric());
        ends.then_some(end)
    }

    /// Walks along rule and text. With `apart`, blanks may stand between letters, and something must.
    fn spelled(&self, text: &[char], start: usize, apart: bool) -> Option<usize> {
        let mut at = start;
        for (number, &wanted) in self.letters.iter().enumerate() {
            if wanted == ' ' {
                let blanks = text[at..].iter().take_while(|letter| !letter.is_alphanumeric()).count();
                at += Some(blanks).filter(|blanks| *blanks > 0)?;
                continue;
            }
            if number > 0 && self.letters[number - 1] != ' ' {
                let between = text[at..].iter().take_while(|&&letter| is_between(letter, wanted, apart)).count();
                if apart && between == 0 {
                    return None;
                }
                at += between;
            }
            let stands_for = number > 0 && matches!(text.get(at), Some('*' | '#'));
            if !stands_for && fold(*text.get(at)?) != wanted {
                return None;
            }
            at += 1;
            // Stretched: the same letter again, as far as the rule itself does not ask for it again.
            if self.letters.get(number + 1) != Some(&wanted) {
                at += text[at..].iter().take_while(|letter| fold(**letter) == wanted && letter.is_alphabetic()).count();
            }
        }
        Some(at)
    }
}

/// What may stand between two letters of one word.
fn is_between(letter: char, wanted: char, apart: bool) -> bool {
    let invisible = matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{ad}' | '\u{feff}');
    let sign = matches!(letter, '.' | '-' | '_' | '\'' | '|' | '~' | '+') && fold(letter) != wanted;
    invisible || sign || (apart && letter == ' ')
}

/// Where words begin.
fn starts(text: &[char]) -> impl Iterator<Item = usize> {
    let begins = |at: &usize| at.checked_sub(1).is_none_or(|before| !text[before].is_alphanumeric());
    (0..text.len()).filter(begins)
}

/// A letter as it is meant: small, without accent, in the Latin alphabet.
fn fold(letter: char) -> char {
    let small = letter.to_lowercase().next().unwrap_or(letter);
    match small {
        '0' | 'ο' | 'о' | 'ò'..='ö' | 'ø' | 'ō' => 'o',
        '1' | '!' | '|' | 'ì'..='ï' | 'ī' | 'ı' | 'і' | 'ι' => 'i',
        '3' | '€' | 'è'..='ë' | 'ē' | 'ę' | 'е' | 'ε' => 'e',
        '4' | '@' | 'à'..='å' | 'ā' | 'ą' | 'а' | 'α' => 'a',
        '5' | '$' | 'ś' | 'š' | 'ѕ' => 's',
        '7' | '+' | 'т' | 'τ' => 't',
        'ù'..='ü' | 'ū' | 'υ' => 'u',
        'ç' | 'ć' | 'č' | 'с' => 'c',
        'ñ' | 'ń' | 'η' => 'n',
        'ý' | 'ÿ' | 'у' => 'y',
        'р' | 'ρ' => 'p',
        'х' | 'χ' => 'x',
        'к' | 'κ' => 'k',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;

    fn rules(rules: &[&str], allowed: &[&str]) -> Rules {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        Rules::new(&owned(rules), &owned(allowed))
    }

    #[test]
    fn a_word_is_found_however_it_is_spelled() {
        let rules = rules(&["asset", "lottery ticket*"], &[]);
        for text in [
            "asset",
            "An ASSET.",
            "(asset)",
            "4ss3t",
            "a$$et",
            "àssét",
            "аssеt",
            "assssset",
            "a.s.s.e.t",
            "a-s-s-e-t",
            "a s s e t",
            "as\u{200b}set",
            "a*set",
            "ass#t",
            "asseeeet!",
            "lottery  tickets",
            "LOTTERY-ticketing",
        ] {
            assert!(rules.found_in(text), "{text}");
        }
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        let rules = rules(&["asset", "ass"], &[]);
        for text in ["class", "assets", "as set", "passet", "assess", "a set", "grass", "as", "", "\u{200b}"] {
            assert!(!rules.found_in(text), "{text}");
        }
    }

    #[test]
    fn what_is_allowed_is_never_touched() {
        let rules = rules(&["cock*"], &["cocktail*", "cockpit"]);
        assert_eq!(rules.mask("cocktails in a cockpit, cocky"), "cocktails in a cockpit, c****");
    }

    #[test]
    fn a_mask_covers_all_of_it_and_keeps_blanks() {
        let rules = rules(&["lottery ticket", "damn"], &[]);
        assert_eq!(rules.mask("My lottery ticket, d.a.m.n it"), "My l****** ******, d****** it");
        assert_eq!(rules.mask("日本 damn"), "日本 d***");
    }

    #[test]
    fn blank_rules_find_nothing() {
        assert!(!rules(&["", " ", "*", "-"], &[]).found_in("- * anything"));
    }
}
