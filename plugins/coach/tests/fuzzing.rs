//! What strangers can say, through the same entry as the fuzz target: what once broke it, and a small budget of what chance puts together.
#![allow(missing_docs, reason = "tests")]

use proptest::prelude::*;

#[path = "../../../fuzz/entry/coach.rs"]
mod entry;

#[test]
fn what_once_broke_it_does_no_more() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/coach");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().flatten().map(|file| file.path()).collect();
    assert!(!files.is_empty());
    for file in files {
        entry::coach(&std::fs::read(&file).unwrap());
    }
}

/// Words that mean something to it, in any order.
const WORDS: &[&str] = &[
    "wtaf ",
    "WTAF:",
    " - ",
    "-alex-",
    "@venus",
    "edit 2 ",
    "remix a/b ",
    "hey ",
    "stop",
    "help!",
    "\n",
    "\u{200b}",
    "\u{2026}",
    "99999999999999999999",
    "index",
    "-",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_said_is_decided(how: u8, picks in prop::collection::vec((0..WORDS.len(), "[a-z ]{0,6}"), 0..40)) {
        let mut text = vec![how];
        for (word, between) in picks {
            text.extend_from_slice(WORDS[word].as_bytes());
            text.extend_from_slice(between.as_bytes());
        }
        entry::coach(&text);
    }

    #[test]
    fn no_bytes_break_it(bytes: Vec<u8>) {
        entry::coach(&bytes);
    }
}
