//! The words the carrier itself acts on. The host knows them too, before any plugin is asked, so that nobody who left hears from us.

/// What a whole text means to the carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarrierWord {
    /// They leave. The carrier has said goodbye.
    Stop,
    /// They come back, or join.
    Start,
    /// `YES`: to the carrier, someone who had left comes back; to us, someone confirms broadcasts.
    Yes,
    /// They ask what this is.
    Help,
}

const WORDS: [(&str, CarrierWord); 13] = [
    ("STOP", CarrierWord::Stop),
    ("STOPALL", CarrierWord::Stop),
    ("UNSUBSCRIBE", CarrierWord::Stop),
    ("CANCEL", CarrierWord::Stop),
    ("END", CarrierWord::Stop),
    ("QUIT", CarrierWord::Stop),
    ("REVOKE", CarrierWord::Stop),
    ("OPTOUT", CarrierWord::Stop),
    ("START", CarrierWord::Start),
    ("UNSTOP", CarrierWord::Start),
    ("YES", CarrierWord::Yes),
    ("HELP", CarrierWord::Help),
    ("INFO", CarrierWord::Help),
];

/// The word a text is, if the whole of it is one: in any case, blanks around it do not count.
///
/// A word for leaving is understood with quotation marks or a full stop as well (`"STOP".`): the carrier lets such a text through, and whoever sends it means it.
pub fn carrier_word(body: &str) -> Option<CarrierWord> {
    let body = body.trim();
    let word = |text: &str| WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, means)| *means);
    word(body).or_else(|| {
        let bare = body
            .trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '!' | '"' | '\'' | '“' | '”' | '‘' | '’'));
        word(bare).filter(|means| *means == CarrierWord::Stop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_text_is_the_word_in_any_case() {
        for (text, means) in [
            ("STOP", CarrierWord::Stop),
            (" stop\n", CarrierWord::Stop),
            ("StopAll", CarrierWord::Stop),
            ("optout", CarrierWord::Stop),
            ("Stop.", CarrierWord::Stop),
            ("“STOP”", CarrierWord::Stop),
            ("unstop", CarrierWord::Start),
            ("yes", CarrierWord::Yes),
            ("Info", CarrierWord::Help),
        ] {
            assert_eq!(carrier_word(text), Some(means), "{text}");
        }
    }

    #[test]
    fn a_word_within_a_text_is_just_a_word() {
        for text in ["", "stop it", "please STOP", "wtaf a stop sign", "yes!", "help?", "st op", "STОP"] {
            assert_eq!(carrier_word(text), None, "{text}");
        }
    }
}
