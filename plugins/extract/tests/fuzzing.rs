//! What strangers can say, through the same entry as the fuzz target: what once broke it, and a small budget of what chance puts together.
#![allow(missing_docs, reason = "tests")]

use proptest::prelude::*;

#[path = "../../../fuzz/entry/extract.rs"]
mod entry;

#[test]
fn what_once_broke_it_does_no_more() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/extract");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().flatten().map(|file| file.path()).collect();
    assert!(!files.is_empty());
    for file in files {
        entry::extract(&std::fs::read(&file).unwrap());
    }
}

/// Words that mean something to it, in any order.
const WORDS: &[&str] = &[
    "```",
    "```html\n",
    "~~~",
    "<html>",
    "</html>",
    "<!DOCTYPE html>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "\n",
    "===",
    "<p>words</p>",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_answer_of_any_shape_holds_a_page_or_none(how: u8, picks in prop::collection::vec((0..WORDS.len(), "[a-z ]{0,6}"), 0..40)) {
        let mut answer = vec![how];
        for (word, between) in picks {
            answer.extend_from_slice(WORDS[word].as_bytes());
            answer.extend_from_slice(between.as_bytes());
        }
        entry::extract(&answer);
    }

    #[test]
    fn no_bytes_break_it(bytes: Vec<u8>) {
        entry::extract(&bytes);
    }
}
