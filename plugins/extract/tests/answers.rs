//! Answers as models give them, each with what is found in it (`answers/*.md`, `snapshots/`).
//!
//! A file begins with what was ordered and what the host said of the answer, then `===`, then the answer to its last byte.

use std::{fmt::Write, fs, path::Path};

use wtaf_plugin_extract::Extractor;
use wtaf_plugin_sdk::{
    Context, Named, Order,
    extract::{Extract, Found},
};

fn found(case: &str) -> Found {
    let (head, answer) = case.split_once("===\n").expect("a head");
    let said =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned);
    let last = said("last").map(|_| ("last".to_owned(), "true".to_owned()));
    let ctx = Context {
        job: "01JD0000000000000000000000".into(),
        attempt: 1,
        now: 0,
        seed: 0,
        config: String::new(),
        extra: last.into_iter().collect(),
    };
    let order = Order {
        kind: said("kind").unwrap(),
        text: said("asked").unwrap(),
        coach: said("coach"),
        page: None,
        why: String::new(),
        extra: Vec::new(),
    };
    Extractor::extract(ctx, order, answer.to_owned(), said("finished").as_deref() == Some("yes")).unwrap()
}

fn told(found: &Found) -> String {
    let mut out = String::new();
    match found {
        Found::CutOff => out.push_str("cut off"),
        Found::Nothing(why) => write!(out, "nothing: {why}").unwrap(),
        Found::Reply(words) => write!(out, "reply: {words}").unwrap(),
        Found::Pages(pages) => {
            for page in pages {
                writeln!(out, "page for {}: {:?}", page.audience, page.title).unwrap();
                if let Some(note) = page.extra.named("note") {
                    writeln!(out, "note: {note:?}").unwrap();
                }
                writeln!(out, "{}\n----", page.html.replace('\r', "␍")).unwrap();
            }
        }
    }
    out
}

#[test]
fn every_shape_of_answer_gives_what_its_snapshot_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 40);
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let case = fs::read_to_string(&file).unwrap();
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, told(&found(&case)));
        });
    }
}
