//! The same tokens as those of html5gum, which passes the tests of the standard, on whatever is put together.

use std::{fs, path::Path};

use html5gum::{
    Error, Span, Tokenizer,
    emitters::callback::{CallbackEmitter, CallbackEvent},
};
use proptest::prelude::*;

use super::{Attributes, Element, Token, Tokens};
use crate::references::{Place, decoded};

/// A token with all that it says. Of a tag that stops only that it does.
#[derive(Debug, PartialEq)]
enum Said {
    Text(String),
    Start(usize, Element, Vec<(String, String)>, usize),
    End(usize, Element, usize),
    Comment(usize, String, usize),
    Doctype(usize, bool, usize),
    /// A start tag that stops behind the beginning of an attribute.
    Half(usize, Element),
    Stopped,
}

/// One text, however many tokens it came in: `</>` and the end of a text are told apart by nobody.
fn say(said: &mut Vec<Said>, text: &str) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    match said.last_mut() {
        _ if text.is_empty() => {}
        Some(Said::Text(before)) => before.push_str(&text),
        _ => said.push(Said::Text(text)),
    }
}

fn ours(text: &str) -> Vec<Said> {
    let mut said = Vec::new();
    let mut tokens = Tokens::of(text);
    let mut content = None;
    let mut last = 0;
    while let Some(token) = tokens.next() {
        assert!(tokens.read() > last, "every token is further on");
        last = tokens.read();
        match token {
            Token::Text(at) => say(&mut said, &decoded(&text[at], Place::Text)),
            Token::Raw(at) if matches!(content, Some(Element::Title | Element::Textarea)) => {
                say(&mut said, &decoded(&text[at], Place::Text));
            }
            Token::Raw(at) => say(&mut said, &text[at]),
            Token::Start(tag) if tag.ended => {
                let attributes = Attributes::of(text, &tag).map(|attribute| {
                    let value = decoded(&text[attribute.value], Place::Attribute);
                    (text[attribute.name].to_ascii_lowercase(), value.replace("\r\n", "\n").replace('\r', "\n"))
                });
                content = Some(tag.element);
                said.push(Said::Start(tag.at.start, tag.element, attributes.collect(), tag.at.end));
            }
            Token::Start(tag) => said.extend([Said::Half(tag.at.start, tag.element), Said::Stopped]),
            Token::End(tag) => said.push(Said::End(tag.at.start, tag.element, tag.at.end)),
            Token::Comment { at, inside, ended: _ } => {
                let inside = text[inside].replace("\r\n", "\n").replace('\r', "\n");
                said.push(Said::Comment(at.start, inside, at.end));
            }
            Token::Doctype { at, html, ended: _ } => said.push(Said::Doctype(at.start, html, at.end)),
            Token::Stump(at) => {
                // There the standard has text.
                if matches!(&text[at..], "<" | "</") {
                    say(&mut said, &text[at..]);
                }
                said.push(Said::Stopped);
            }
        }
    }
    assert_eq!(tokens.read(), text.len(), "all of it is read");
    said
}

fn theirs(text: &str) -> Vec<Said> {
    let mut said = Vec::new();
    let mut stopped = false;
    let mut start = None;
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let see = |event: CallbackEvent<'_>, span: Span<usize>| -> Option<()> {
        match event {
            CallbackEvent::OpenStartTag { name } => start = Some((span.start, Element::named(name), Vec::new())),
            CallbackEvent::AttributeName { name } => {
                if let Some((_, _, attributes)) = &mut start {
                    attributes.push((string(name), String::new()));
                }
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some((_, value_of)) = start.as_mut().and_then(|(_, _, attributes)| attributes.last_mut()) {
                    *value_of = string(value);
                }
            }
            CallbackEvent::CloseStartTag { .. } => {
                let (at, element, attributes) = start.take().unwrap();
                said.push(Said::Start(at, element, attributes, span.end));
            }
            CallbackEvent::EndTag { name } => said.push(Said::End(span.start, Element::named(name), span.end)),
            CallbackEvent::String { value } => say(&mut said, &string(value)),
            CallbackEvent::Comment { value } => said.push(Said::Comment(span.start, string(value), span.end)),
            CallbackEvent::Doctype { name, .. } => said.push(Said::Doctype(span.start, name == b"html", span.end)),
            CallbackEvent::Error(Error::EofInTag | Error::EofBeforeTagName) => stopped = true,
            CallbackEvent::Error(_) => {}
        }
        None
    };
    let mut emitter = CallbackEmitter::new(see);
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(()) = token;
    }
    if let Some((at, element, _)) = start {
        said.push(Said::Half(at, element));
    }
    if stopped {
        said.push(Said::Stopped);
    }
    said
}

/// Pieces that mean something to a tokenizer, and what is around them.
const PIECES: &[&str] = &[
    "<",
    ">",
    "/",
    "!",
    "-",
    "--",
    "-->",
    "--!>",
    "<!--",
    "<!-",
    "<!",
    "<?",
    "</",
    "</>",
    "=",
    "\"",
    "'",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\x0c",
    "\x01",
    "&",
    "&amp;",
    "&amp",
    "&lt",
    "&notit;",
    "&notin;",
    "&#65;",
    "&#x41",
    "&#128;",
    "&#",
    "&#x",
    "&copy=",
    ";",
    "x",
    "y1",
    "é",
    "😀",
    "<a",
    "<a href=",
    "<a b='c'",
    "<p>",
    "</p>",
    "</p x=1>",
    "<br/>",
    "<script>",
    "<SCRIPT src=a>",
    "</script>",
    "</script ",
    "</SCRIPT/>",
    "</scriptx",
    "<style>",
    "</style>",
    "<title>",
    "</title>",
    "<textarea>",
    "</textarea>",
    "<noscript>",
    "</noscript>",
    "<plaintext>",
    "<iframe>",
    "</iframe>",
    "<xmp>",
    "</xmp>",
    "<html>",
    "</html>",
    "<svg>",
    "<![CDATA[",
    "]]>",
    "<!doctype html>",
    "<!DOCTYPE",
    "<!doctypehtml",
    " html",
    "PUBLIC",
    "<h1>",
    "</h1\n>",
    "<onload on",
    " onclick=x ",
    " a=b/",
    "if (a < b)",
    "<div class=\"a > b\">",
    "a longer run of text without anything in it ",
    "attributenamelongerthaneight",
    "<averylongelementname",
    "0",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tokens_of_any_soup_are_those_of_html5gum(text in soup()) {
        prop_assert_eq!(ours(&text), theirs(&text));
    }

    #[test]
    fn the_tokens_of_a_script_are_those_of_html5gum(pieces in prop::collection::vec(prop::sample::select(&[
        "<script", "</script", ">", "-", "--", "<!--", "-->", "<", " ", "/", "x", "!", "script", "S",
    ][..]), 0..24)) {
        let text = format!("<script>{}", pieces.concat());
        prop_assert_eq!(ours(&text), theirs(&text));
    }

    #[test]
    fn the_tokens_of_any_text_are_those_of_html5gum(text in "[ -~\n]{0,60}") {
        prop_assert_eq!(ours(&text), theirs(&text));
    }
}

#[test]
fn the_tokens_of_every_answer_are_those_of_html5gum_wherever_it_is_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers");
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
            assert_eq!(ours(&text[..end]), theirs(&text[..end]), "{}", &text[..end]);
        }
    }
}

#[test]
fn every_reference_is_decoded_as_html5gum_does() {
    let names = include_str!("../../words/references.txt").lines().map(|line| line.split(' ').next().unwrap());
    for name in names {
        for around in ["", "=", "x", ";", "&"] {
            for text in [format!("&{name}{around}"), format!("<a b=\"&{name}{around}\">")] {
                assert_eq!(ours(&text), theirs(&text), "{text}");
            }
        }
    }
    for code in 0..0x300 {
        let text = format!("&#{code}; &#x{code:x}");
        assert_eq!(ours(&text), theirs(&text), "{text}");
    }
}
