//! What an answer costs and how it reads: plain signs, one text where possible, never more than three.

use wtaf_plugin_sdk::Media;

use crate::texter::{Texter, page, texter};

/// The GSM 7-bit alphabet as carriers have it, apart from the plugin's own table.
fn segments(words: &str) -> usize {
    const ONCE: &str = "@\u{a3}$\u{a5}\u{e8}\u{e9}\u{f9}\u{ec}\u{f2}\u{c7}\n\u{d8}\u{f8}\r\u{c5}\u{e5}_\u{c6}\u{e6}\u{df}\u{c9} !\"#\u{a4}%&'()*+,-./:;<=>?\u{a1}\u{c4}\u{d6}\u{d1}\u{dc}\u{a7}\u{bf}\u{e4}\u{f6}\u{f1}\u{fc}\u{e0}";
    const TWICE: &str = "^{}[]~\\|\u{20ac}\u{c}";
    let places = words.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() || ONCE.contains(letter) => Some(1),
        letter if TWICE.contains(letter) => Some(2),
        _ => None,
    });
    match places.sum::<Option<usize>>() {
        Some(places) if places <= 160 => 1,
        Some(places) => places.div_ceil(153),
        None => words.encode_utf16().count().div_ceil(67),
    }
}

#[test]
fn every_short_answer_is_one_plain_text() {
    let picture =
        Texter { media: vec![Media { id: "m1".into(), media_type: "audio/amr".into(), bytes: 1 }], ..texter() };
    let mut told: Vec<String> = [
        "START",
        "EDIT",
        "EDIT 1",
        "EDIT 9 blue",
        "UNDO 2",
        "UNDO 9",
        "REMIX",
        "MEME",
        "FAVE",
        "HIDE",
        "UNHIDE",
        "FORGET",
        "FORGET 9",
        "SLUG",
        "SLUG a_b",
        "SLUG ab",
        "SLUG admin",
        "HELP",
        "WTAF -alex-",
        "about @eljas",
        "wtaf -zorg- a page",
    ]
    .map(|text| texter().is_told(text))
    .to_vec();
    told.push(picture.is_told(""));
    told.push(Texter { pages: vec![], ..texter() }.is_told("INDEX"));
    let new = Texter { pages: vec![], ..texter().standing("unknown") };
    told.extend(["HELP", "wtaf -zorg- a page", "SLUG ab"].map(|text| new.is_told(text)));
    for words in told {
        assert_eq!(segments(&words), 1, "{} letters: {words}", words.len());
        assert!(words.matches('!').count() <= 1, "{words}");
        assert!(!words.to_lowercase().contains("oops") && !words.contains("sorry"), "{words}");
    }
}

#[test]
fn lists_are_three_texts_at_most() {
    let long = (0..100).map(|at| page(&format!("p-{at}"), &"A long \u{201c}title\u{201d} ".repeat(9), &[])).collect();
    let many = Texter { pages: long, ..texter() };
    for text in ["WTAF", "COMMANDS", "INDEX"] {
        let told = many.is_told(text);
        assert!(segments(&told) <= 3, "{told}");
    }
    assert!(segments(&Texter { pages: vec![], ..texter().standing("unknown") }.is_told("WTAF")) <= 3);
}

#[test]
fn a_link_stands_at_the_end_of_what_holds_one() {
    for text in ["WTAF", "INDEX"] {
        let told = texter().is_told(text);
        assert!(told.ends_with("https://wtaf.example/happy-otter"), "{told}");
        assert_eq!(told.matches("://").count(), 1);
    }
}
