//! Pages that are there: found by number, slug, address and "last"; changed, taken back, listed.

use crate::texter::{Texter, done, page, texter};

#[test]
fn the_index_is_numbered_newest_first_and_bounded() {
    let words = texter().is_told("INDEX");
    assert_eq!(
        words,
        "Your pages, newest first:\n1 Snake\n2 To-do (home)\n3 old-owl (hidden)\nAll: https://wtaf.example/happy-otter"
    );
    let many = Texter {
        pages: (0..100).map(|at| page(&format!("p-{at}"), &"long \u{201c}title\u{201d} ".repeat(30), &[])).collect(),
        ..texter()
    };
    let words = many.is_told("index");
    assert!(words.contains("and 91 more") && words.len() < 459, "{words}");
    assert!(many.web().is_told("index").len() < 2_500);
    assert!(Texter { pages: vec![], ..texter() }.is_told("INDEX").contains("No pages yet"));
}

#[test]
fn pages_are_found_by_number_slug_and_address() {
    for name in [
        "1",
        "#1",
        "coral-fox",
        "CORAL-FOX",
        "happy-otter/coral-fox",
        "https://wtaf.example/happy-otter/coral-fox",
        "1:",
    ] {
        let order = texter().orders(&format!("EDIT {name} make it blue\nand - bigger"));
        assert_eq!(
            (order.kind.as_str(), order.page.as_deref(), order.text.as_str()),
            ("edit", Some("coral-fox"), "make it blue\nand - bigger"),
            "{name}"
        );
    }
    for name in ["0", "4", "99999999999999999999999", "no-such", "other-user/coral-fox", "-1"] {
        assert!(texter().is_told(&format!("EDIT {name} make it blue")).contains("no page"), "{name}");
    }
    assert!(texter().is_told("EDIT 1").contains("what to change"));
    assert!(texter().is_told("EDIT").contains("EDIT 1"));
}

#[test]
fn what_is_done_to_a_page_is_reported_after_it_is_done() {
    let cases = [
        ("INDEX 2", "set-home blue-hen"),
        ("UNDO 1", "undo coral-fox"),
        ("hide coral-fox", "hide coral-fox"),
        ("UNHIDE 3", "unhide old-owl"),
        ("FORGET 3", "forget old-owl"),
        ("FAVE 2", "fave blue-hen"),
        ("fave merry-elk/red-ant", "fave merry-elk/red-ant"),
        ("SLUG Swift-Otter", "rename swift-otter"),
    ];
    for (text, action) in cases {
        assert_eq!(texter().does(text), done(action), "{text}");
    }
    for text in ["INDEX 9", "UNDO 9", "hide nowhere-fox", "FORGET 9", "FAVE 9"] {
        assert!(texter().is_told(text).contains("no page"), "{text}");
    }
    assert!(texter().is_told("UNDO 2").contains("nothing to take back"));
}

#[test]
fn a_remix_may_begin_with_anyones_page() {
    let cases = [
        ("REMIX merry-elk/red-ant make it neon", "merry-elk/red-ant", "make it neon"),
        ("remix https://wtaf.example/merry-elk/red-ant?v=2 make it neon", "merry-elk/red-ant", "make it neon"),
        ("remix 2", "blue-hen", ""),
        ("remix red-ant", "red-ant", ""),
    ];
    for (text, page, what) in cases {
        let order = texter().orders(text);
        assert_eq!(
            (order.kind.as_str(), order.page.as_deref(), order.text.as_str()),
            ("remix", Some(page), what),
            "{text}"
        );
    }
}

#[test]
fn last_means_the_newest_page_and_it_does_where_that_can_be_taken_back() {
    let edits = [
        ("EDIT last make it blue", "make it blue"),
        ("EDIT latest: make it blue", "make it blue"),
        ("EDIT the last one make it blue", "make it blue"),
        ("edit my newest page make it blue", "make it blue"),
        ("edit page 1 make it blue", "make it blue"),
        ("EDIT it make it blue", "make it blue"),
        ("EDIT it: -rohan- make it blue", "make it blue"),
        ("EDIT make it blue", "make it blue"),
        ("edit add a high score", "add a high score"),
    ];
    for (text, what) in edits {
        let order = texter().orders(text);
        assert_eq!(
            (order.kind.as_str(), order.page.as_deref(), order.text.as_str()),
            ("edit", Some("coral-fox"), what),
            "{text}"
        );
    }
    let does = [
        ("UNDO last", "undo coral-fox"),
        ("UNDO", "undo coral-fox"),
        ("undo it", "undo coral-fox"),
        ("HIDE latest", "hide coral-fox"),
        ("hide the last one", "hide coral-fox"),
        ("forget page 3", "forget old-owl"),
        ("forget my old-owl page", "forget old-owl"),
        ("FORGET last", "forget coral-fox"),
        ("FAVE last", "fave coral-fox"),
        ("INDEX last", "set-home coral-fox"),
    ];
    for (text, action) in does {
        assert_eq!(texter().does(text), done(action), "{text}");
    }
    assert_eq!(texter().orders("remix it make it neon").page.as_deref(), Some("coral-fox"));
    for text in ["forget it", "hide it", "edit this essay for me", "edit my essay please", "remix this song", "fave it"]
    {
        assert_eq!(texter().orders(text).kind, "chat", "{text}");
    }
}

#[test]
fn an_undo_without_a_page_asks_where_more_than_one_was_changed() {
    let changed = |slug| page(slug, "", &[("version", "3")]);
    let two = Texter { pages: vec![changed("coral-fox"), changed("blue-hen")], ..texter() };
    assert!(two.is_told("UNDO").contains("UNDO 1"));
    let none = Texter { pages: vec![page("blue-hen", "Hen", &[("version", "1")])], ..texter() };
    assert!(none.is_told("undo").contains("nothing to take back"));
    for text in ["UNDO", "UNDO it", "EDIT make it blue", "EDIT it make it blue"] {
        assert!(Texter { pages: vec![], ..texter() }.is_told(text).contains("No pages yet"), "{text}");
    }
}

#[test]
fn a_slip_in_a_slug_never_changes_another_page() {
    for text in ["EDIT corl-fox make it blue", "UNDO corl-fox", "FORGET corl-fox", "HIDE 7", "EDIT 9 make it blue"] {
        assert!(texter().is_told(text).contains("no page"), "{text}");
    }
}
