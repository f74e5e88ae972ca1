//! What the namer promises, through its contract.

use std::collections::HashSet;

use proptest::prelude::*;
use wtaf_plugin_sdk::{Context, Order, StageError, slug::Slug};
use wtaf_plugin_slug::Namer;

fn context(seed: u64, config: &str) -> Context {
    Context {
        job: "01JD0000000000000000000000".into(),
        attempt: 1,
        now: 0,
        seed,
        config: config.into(),
        extra: Vec::new(),
    }
}

fn order(kind: &str, text: &str) -> Order {
    Order { kind: kind.into(), text: text.into(), coach: None, page: None, why: String::new(), extra: Vec::new() }
}

fn named(seed: u64, config: &str, kind: &str, title: &str, taken: &[String]) -> Vec<String> {
    Namer::propose(context(seed, config), order(kind, ""), Some(title.into()), taken.to_vec()).unwrap()
}

fn fits_the_contract(slug: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    slug.len() <= 64 && slug.split('-').all(word)
}

#[test]
fn a_title_with_good_words_gives_the_first_name() {
    assert_eq!(named(1, "", "page", "Pizza dough timer", &[])[0], "pizza-dough-timer");
    assert_eq!(named(1, "", "page", "The Crème Brûlée Guide: all you need", &[])[0], "creme-brulee-guide");
    assert_eq!(named(1, "", "game", "Snake", &[])[0], "snake-game");
}

#[test]
fn without_a_title_the_idea_names_the_page() {
    let got =
        Namer::propose(context(3, ""), order("page", "make me a page about sourdough bread"), None, vec![]).unwrap();
    assert_eq!(got[0], "sourdough-bread");
}

#[test]
fn the_same_seed_gives_the_same_list_and_another_gives_another() {
    assert_eq!(named(7, "", "page", "", &[]), named(7, "", "page", "", &[]));
    assert_ne!(named(7, "", "page", "", &[]), named(8, "", "page", "", &[]));
}

#[test]
fn words_style_is_colour_animal_action_and_takes_the_titles_own_animal() {
    let got = named(5, r#"{"style":"words"}"#, "game", "Foxes at night", &[]);
    assert!(got.iter().all(|slug| slug.split('-').count() == 3), "{got:?}");
    let got = named(5, r#"{"style":"words"}"#, "game", "Fox memory", &[]);
    assert!(got[0].contains("-fox-"), "{got:?}");
}

#[test]
fn reserved_names_and_taken_ones_are_left_out() {
    let got = named(1, r#"{"reserved":["pizza-dough-timer"]}"#, "page", "Pizza dough timer", &["pizza-dough".into()]);
    assert!(!got.contains(&"pizza-dough-timer".to_owned()) && !got.contains(&"pizza-dough".to_owned()), "{got:?}");
    assert_eq!(got[0], "dough-timer");
}

#[test]
fn rude_titles_give_clean_names() {
    for title in ["big dick energy", "shit happens", "Tit for tat", "pass hole finder"] {
        for slug in named(1, "", "page", title, &[]) {
            let joined = slug.replace('-', "");
            assert!(!joined.contains("dick") && !joined.contains("shit") && !joined.contains("asshole"), "{slug}");
            assert!(slug.split('-').all(|word| word != "tit"), "{slug}");
        }
    }
}

#[test]
fn a_wrong_config_is_the_operators_to_mend() {
    let got = Namer::propose(context(1, r#"{"stile":"words"}"#), order("page", ""), None, vec![]);
    assert!(matches!(got, Err(StageError::Internal(why)) if why.contains("stile")));
}

#[test]
fn a_name_is_found_however_many_are_taken() {
    let mut taken = Vec::new();
    for _ in 0..100 {
        let got = named(9, r#"{"count":100}"#, "page", "Pizza dough timer", &taken);
        assert_eq!(got.len(), 100);
        taken.extend(got);
    }
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 10_000);
}

/// A fingerprint (FNV-1a) of many lists: jobs on record are run again, and have to come to the same names.
#[test]
fn the_names_of_recorded_jobs_stay_what_they_were() {
    const TITLES: [&str; 10] = [
        "Tip Calculator",
        "Fox memory",
        "The Crème Brûlée Guide: all you need",
        "Dough Timer — the best one, by Ann",
        "petit italian bass class",
        "Amber otters dancing",
        "big dick energy",
        "日本語",
        "app",
        "",
    ];
    let mut print = 0xcbf2_9ce4_8422_2325_u64;
    for (seed, title) in (0..2_000_u64).zip(TITLES.into_iter().cycle()) {
        let config = if seed % 3 == 0 { r#"{"style":"words"}"# } else { "{}" };
        for name in named(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), config, "game", title, &["fox-memory".into()]) {
            print = name.bytes().fold(print, |print, byte| (print ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        }
    }
    assert_eq!(print, 0xb0a5_463e_d7dd_d802, "{print:#x}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_title_gives_names_that_fit_the_contract(
        title in "\\PC{0,80}", idea in "\\PC{0,80}", kind in "[a-z-]{0,8}", seed: u64,
        taken in prop::collection::vec("[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,3}", 0..50),
        style in prop::sample::select(vec!["", r#"{"style":"words"}"#]),
    ) {
        let first = Namer::propose(context(seed, style), order(&kind, &idea), Some(title.clone()), taken.clone()).unwrap();
        // Everything proposed once is taken the second time.
        let mut taken = taken;
        taken.extend(first.iter().cloned());
        let second = Namer::propose(context(seed, style), order(&kind, &idea), Some(title), taken.clone()).unwrap();
        prop_assert!(first.len() >= 12 && second.len() >= 12);
        prop_assert!(second.iter().all(|slug| !taken.contains(slug)));
        prop_assert_eq!(second.iter().collect::<HashSet<_>>().len(), second.len());
        for slug in first.iter().chain(&second) {
            prop_assert!(fits_the_contract(slug), "{}", slug);
        }
    }
}
