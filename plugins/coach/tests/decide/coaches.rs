//! Who writes and who talks: coaches named, unknown, hidden; talk that stays open.

use crate::texter::{Texter, done, said, texter};

#[test]
fn a_coach_between_leading_dashes_writes_the_page() {
    for text in [
        "WTAF -rohan- landing page",
        "wtaf - Rohan - landing page",
        "wtaf:-ROHAN- landing page",
        "wtaf-rohan- landing page",
    ] {
        let order = texter().orders(text);
        assert_eq!((order.coach.as_deref(), order.text.as_str()), (Some("rohan"), "landing page"), "{text}");
    }
}

#[test]
fn an_unknown_coach_is_answered_with_the_list_and_hidden_ones_stay_hidden() {
    for text in ["WTAF -zorg- a page", "wtaf - zorg - a page", "about @zorg I bake"] {
        let words = texter().is_told(text);
        assert!(words.contains("zorg") && words.contains("Kailey") && !words.contains("Leo"), "{words}");
    }
    assert_eq!(texter().orders("wtaf -leo- a page").coach.as_deref(), Some("leo"));
}

#[test]
fn a_coach_named_outside_the_text_counts_and_the_text_wins() {
    let mut texter = texter().web();
    texter.coach = Some("Venus");
    assert_eq!(texter.orders("a bakery").coach.as_deref(), Some("venus"));
    assert_eq!(texter.orders("wtaf -alex- a bakery").coach.as_deref(), Some("alex"));
    texter.coach = Some("zorg");
    assert!(texter.is_told("a bakery").contains("Kailey"));
    texter.coach = Some("  ");
    assert_eq!(texter.orders("a bakery").coach, None);
}

#[test]
fn coaches_come_from_the_operator_where_there_are_any() {
    let texter = texter().offers("coaches", r#"[{"id":"dr-bob","name":"Dr Bob","voice":"calm","lines":[],"extra":1}]"#);
    assert_eq!(texter.orders("wtaf -dr-bob- a page").coach.as_deref(), Some("dr-bob"));
    assert!(texter.is_told("wtaf -alex- a page").contains("Dr Bob"));
    assert_eq!(texter.orders("good morning").coach.as_deref(), Some("dr-bob"));
    let empty = self::texter().offers("coaches", "[]");
    assert_eq!(empty.orders("wtaf -alex- a page").coach.as_deref(), Some("alex"));
}

#[test]
fn an_open_chat_never_swallows_a_command() {
    let chatting = Texter { thread: vec![said(None, 2), said(Some("venus"), 1)], ..texter() };
    assert_eq!(chatting.orders("WTAF a snake game").kind, "game");
    assert_eq!(chatting.does("YES"), done("confirm"));
    assert!(chatting.is_told("index").contains("Snake"));
    assert_eq!(chatting.orders("edit 1 make it blue").kind, "edit");
    assert_eq!(chatting.orders("so what do you think?").coach.as_deref(), Some("venus"));
}

#[test]
fn a_chat_stays_open_for_fifteen_minutes() {
    let after = |minutes| Texter { thread: vec![said(Some("venus"), minutes), said(None, 0)], ..texter() };
    assert_eq!(after(15).orders("hello?").coach.as_deref(), Some("venus"));
    assert_eq!(after(16).orders("hello?").coach.as_deref(), Some("alex"));
    assert_eq!(after(15).does("hello?"), (vec![], false));
    assert_eq!(after(16).does("hello?"), (vec!["chat alex".into()], false));
    let mut longer = after(40);
    longer.ctx.config = r#"{"chat_minutes":60,"default_coach":"Rohan"}"#.into();
    assert_eq!(longer.orders("hello?").coach.as_deref(), Some("venus"));
    longer.thread.clear();
    assert_eq!(longer.orders("hello?").coach.as_deref(), Some("rohan"));
}

#[test]
fn hey_opens_the_chat_of_whoever_is_named() {
    let cases = [
        ("hey alex how are you", "alex", "how are you"),
        ("Hey Leo, are you\nthere?", "leo", "are you\nthere?"),
        ("hey venus", "venus", "hey"),
        ("hey, @donte: what now", "donte", "what now"),
        ("hey there", "alex", "hey there"),
        ("hi kailey!", "kailey", "hi"),
    ];
    for (text, coach, words) in cases {
        let order = texter().orders(text);
        assert_eq!(
            (order.kind.as_str(), order.coach.as_deref(), order.text.as_str()),
            ("chat", Some(coach), words),
            "{text}"
        );
        assert_eq!(texter().does(text).0, [format!("chat {coach}")], "{text}");
    }
    assert_eq!(texter().web().orders("hey alex how are you").kind, "chat");
    assert_eq!(texter().web().orders("hi kitty cafe website").kind, "page");
}

#[test]
fn about_a_coach_is_a_testimonial() {
    let order = texter().orders("about @Eljas I bake\nand I ski");
    assert_eq!(
        (order.kind.as_str(), order.coach.as_deref(), order.text.as_str()),
        ("testimonial", Some("eljas"), "I bake\nand I ski")
    );
    assert!(texter().is_told("ABOUT @eljas").contains("Eljas"));
    assert_eq!(texter().orders("about time").kind, "chat");
}

#[test]
fn a_hidden_coach_is_in_no_list_and_answers_whoever_asks() {
    for text in ["WTAF", "COMMANDS", "HELP", "wtaf -zorg- a page"] {
        assert!(!texter().is_told(text).contains("Leo"), "{text}");
    }
    assert_eq!(texter().orders("hey leo").coach.as_deref(), Some("leo"));
    assert_eq!(texter().orders("about @leo I bake").coach.as_deref(), Some("leo"));
}

#[test]
fn no_command_is_swallowed_by_an_open_chat() {
    let chatting = Texter { thread: vec![said(Some("venus"), 1)], ..texter() };
    let does = [
        ("UNDO 1", "undo coral-fox"),
        ("HIDE last", "hide coral-fox"),
        ("FORGET 3", "forget old-owl"),
        ("FAVE 2", "fave blue-hen"),
        ("INDEX 2", "set-home blue-hen"),
        ("SLUG swift-otter", "rename swift-otter"),
    ];
    for (text, action) in does {
        assert_eq!(chatting.does(text), done(action), "{text}");
    }
    for (text, kind) in [("REMIX 1", "remix"), ("MEME my cat", "meme"), ("about @alex I bake", "testimonial")] {
        assert_eq!(chatting.orders(text).kind, kind, "{text}");
    }
    for text in ["HELP", "COMMANDS", "SLUG", "START"] {
        chatting.is_told(text);
    }
    assert_eq!(chatting.orders("hey rohan, you there?").coach.as_deref(), Some("rohan"), "another coach takes over");
}
