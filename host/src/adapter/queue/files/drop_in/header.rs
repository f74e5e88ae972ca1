//! The grammar of a dropped file: headers, a blank line, the words.
//!
//! ```text
//! SENDER: +15550001111
//! COACH: alex
//!
//! a page about otters
//! ```
//!
//! Strict on purpose. Only the lines before the first blank line are headers, so that nothing in the words can pose as one; each header is known, and stands
//! once. The words are what follows, with their line breaks.

use crate::job::{Asker, GuestKey, NotAPhone, Phone, Request, Source};

const NAMES: [&str; 3] = ["SENDER", "USER_SLUG", "COACH"];
const NAME_MAX: usize = 64;

/// What a dropped file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) sender: Option<Phone>,
    pub(super) user_slug: Option<String>,
    pub(super) coach: Option<String>,
    pub(super) text: String,
}

/// Why a dropped file is no request: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("there is no header: the file must say who asks")]
    Nobody,
    #[error("it does not say who asks: SENDER or USER_SLUG is missing")]
    NobodyNamed,
    #[error("line {line} is no header: it has no colon. Headers end with a blank line")]
    NoColon { line: usize },
    #[error("line {line}: there is no header `{name}`; the headers are SENDER, USER_SLUG and COACH")]
    Unknown { line: usize, name: String },
    #[error("line {line}: {name} stands there for the second time; each header stands once")]
    Twice { line: usize, name: &'static str },
    #[error("line {line}: {name} has no value; write one, or leave the line out")]
    Empty { line: usize, name: &'static str },
    #[error("line {line}: SENDER is {why}")]
    Sender { line: usize, why: NotAPhone },
    #[error(
        "line {line}: {name} is {what}; it takes small letters, digits, hyphens and underscores, at most {NAME_MAX} of them"
    )]
    Name { line: usize, name: &'static str, what: &'static str },
    #[error("there is no blank line after the headers, and so there are no words")]
    NoBlankLine,
    #[error("there are no words after the blank line")]
    NoWords,
}

/// Reads a dropped file's text.
pub(super) fn parse(text: &str) -> Result<Dropped, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut dropped = Dropped { sender: None, user_slug: None, coach: None, text: String::new() };
    let mut rest = text;
    let mut line = 0;
    loop {
        line += 1;
        let Some((head, after)) = rest.split_once('\n') else {
            if rest.trim().is_empty() {
                return Err(if line == 1 { Fault::Nobody } else { Fault::NoBlankLine });
            }
            header(rest, line, &mut dropped)?;
            return Err(Fault::NoBlankLine);
        };
        rest = after;
        if head.trim().is_empty() {
            break;
        }
        header(head.strip_suffix('\r').unwrap_or(head), line, &mut dropped)?;
    }
    if line == 1 {
        return Err(Fault::Nobody);
    }
    if dropped.sender.is_none() && dropped.user_slug.is_none() {
        return Err(Fault::NobodyNamed);
    }
    rest.replace("\r\n", "\n").trim_matches(['\n', '\r']).clone_into(&mut dropped.text);
    if dropped.text.trim().is_empty() {
        return Err(Fault::NoWords);
    }
    Ok(dropped)
}

fn header(text: &str, line: usize, dropped: &mut Dropped) -> Result<(), Fault> {
    let (name, value) = text.split_once(':').ok_or(Fault::NoColon { line })?;
    let name = *NAMES
        .iter()
        .find(|known| **known == name)
        .ok_or_else(|| Fault::Unknown { line, name: name.chars().take(40).collect() })?;
    let value = value.trim_matches([' ', '\t']);
    let taken = match name {
        "SENDER" => dropped.sender.is_some(),
        "USER_SLUG" => dropped.user_slug.is_some(),
        _ => dropped.coach.is_some(),
    };
    if taken {
        return Err(Fault::Twice { line, name });
    }
    if value.is_empty() {
        return Err(Fault::Empty { line, name });
    }
    match name {
        "SENDER" => dropped.sender = Some(value.parse().map_err(|why| Fault::Sender { line, why })?),
        "USER_SLUG" => dropped.user_slug = Some(plain(value, line, name)?),
        _ => dropped.coach = Some(plain(&value.to_lowercase(), line, name)?),
    }
    Ok(())
}

fn plain(value: &str, line: usize, name: &'static str) -> Result<String, Fault> {
    if value.len() > NAME_MAX {
        return Err(Fault::Name { line, name, what: "too long" });
    }
    if !value.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) {
        return Err(Fault::Name { line, name, what: "no plain name" });
    }
    Ok(value.to_owned())
}

impl Dropped {
    /// The request it makes. Without a number, whoever the slug names asks: known to the queue as a guest of that name.
    pub(super) fn request(self, delivery: String) -> Option<Request> {
        let asker = match (&self.sender, &self.user_slug) {
            (Some(phone), _) => Asker::Phone(phone.clone()),
            (None, Some(slug)) => Asker::Guest(GuestKey::of_token(&format!("file:{slug}"))),
            (None, None) => return None,
        };
        Some(Request {
            source: Source::File,
            asker,
            text: self.text,
            media: Vec::new(),
            delivery: Some(delivery),
            opt_out: None,
            coach: self.coach,
            user_slug: self.user_slug,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_a_blank_line_and_the_words() {
        let dropped =
            parse("SENDER: +15550001111\nUSER_SLUG:brave-otter\nCOACH: Alex\n\na page\n\nabout otters\n").unwrap();
        assert_eq!(dropped.sender.unwrap().e164(), "+15550001111");
        assert_eq!((dropped.user_slug.as_deref(), dropped.coach.as_deref()), (Some("brave-otter"), Some("alex")));
        assert_eq!(dropped.text, "a page\n\nabout otters");
    }

    #[test]
    fn files_from_windows_read_the_same() {
        let dropped = parse("\u{feff}SENDER: +15550001111\r\n\r\none\r\ntwo\r\n").unwrap();
        assert_eq!(dropped.text, "one\ntwo");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let faults = [
            ("", "no header"),
            ("a page about otters\n", "line 1"),
            ("\nSENDER: +15550001111\n\nx", "no header"),
            ("COACH: alex\n\nx", "SENDER or USER_SLUG"),
            ("SENDER: +15550001111\nSENDER: +15550001112\n\nx", "line 2"),
            ("SENDER: 5550001111\n\nx", "line 1: SENDER is not a phone number"),
            ("SENDER:\n\nx", "no value"),
            ("sender: +15550001111\n\nx", "no header `sender`"),
            (" SENDER: +15550001111\n\nx", "there is no header"),
            ("SENDER : +15550001111\n\nx", "there is no header"),
            ("SENDER: +15550001111\nX-ROLE: admin\n\nx", "line 2"),
            ("USER_SLUG: ../etc\n\nx", "no plain name"),
            ("SENDER: +15550001111\rCOACH: a\n\nx", "not a phone number"),
            ("SENDER: +15550001111\n", "no blank line"),
            ("SENDER: +15550001111", "no blank line"),
            ("SENDER: +15550001111\n\n \n", "no words"),
        ];
        for (text, told) in faults {
            let fault = parse(text).unwrap_err().to_string();
            assert!(fault.contains(told), "{text:?}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn the_words_never_pose_as_a_header(words in "(?s).{0,200}") {
            let plain = parse("SENDER: +15550001111\n\nx").unwrap();
            if let Ok(dropped) = parse(&format!("SENDER: +15550001111\n\n{words}")) {
                prop_assert_eq!(dropped.sender, plain.sender);
                prop_assert_eq!((dropped.user_slug, dropped.coach), (None, None));
                let plain = words.replace("\r\n", "\n");
                prop_assert_eq!(dropped.text, plain.trim_matches(['\n', '\r']));
            } else {
                prop_assert!(words.trim().is_empty());
            }
        }

        #[test]
        fn a_headers_value_never_makes_another_header(value in "[^\n]{0,60}") {
            if let Ok(dropped) = parse(&format!("SENDER: +15550001111\nCOACH: {value}\n\nx")) {
                prop_assert_eq!(dropped.user_slug, None);
                prop_assert_eq!(dropped.text, "x");
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in "(?s)(SENDER|USER_SLUG|COACH|[:\r\n \u{feff}]|.){0,40}") {
            let _ = parse(&text);
        }
    }
}
