//! Signing up, leaving, coming back, one's name: the words carriers know, and those of the account.

use wtaf_plugin_sdk::coach::Outcome;

use crate::texter::{Texter, done, texter};

#[test]
fn a_new_person_joins_and_the_command_runs_at_once() {
    let new = Texter { pages: vec![], ..texter().standing("unknown") };
    let decision = new.says("WTAF a snake game");
    let join = &decision.actions[0];
    let names: Vec<&str> = join.value.as_deref().expect("names").split(' ').collect();
    assert_eq!(join.verb, "join");
    assert!(names.len() >= 8 && names.iter().all(|name| name.contains('-')), "{names:?}");
    assert!(matches!(decision.then, Outcome::Order(order) if order.kind == "game"));
    assert_eq!(new.says("START").then, Outcome::Report);
    assert_eq!(new.says("yes").actions.len(), 2);
    assert_eq!(new.is_told("help").matches("STOP").count(), 1);
    assert!(new.is_told("WTAF").ends_with("\nReply STOP to leave."));
    assert!(new.is_told("WTAF").len() <= 459);
    assert!(Texter { source: "file", ..new.clone() }.is_told("WTAF").contains("STOP"));
    assert!(!new.web().is_told("WTAF").contains("STOP"));
}

#[test]
fn nothing_runs_for_one_who_has_left_but_the_way_back() {
    let left = texter().standing("left");
    for text in ["WTAF a snake game", "hello", "help", "yes please", "STOP", "index", "start a fire", ""] {
        let decision = left.says(text);
        assert!(decision.actions.is_empty() && matches!(decision.then, Outcome::Silence(_)), "{text}");
    }
    assert_eq!(left.does("START"), done("return"));
    assert_eq!(left.does(" unstop. "), done("return"));
    // Carriers take it for START from someone who had left.
    assert_eq!(left.does("YES"), done("return"));
}

#[test]
fn typed_into_the_chat_an_opt_out_word_is_a_word_like_any_other() {
    for text in ["stop", "Cancel", "end"] {
        let decision = texter().web().says(text);
        assert!(matches!(&decision.then, Outcome::Order(order) if order.text == text), "{text}: {decision:?}");
    }
}

#[test]
fn every_opt_out_word_leaves_in_silence() {
    for text in ["STOP", "stopall", "Unsubscribe", "CANCEL", "end", " quit ", "REVOKE", "OPTOUT", "Stop."] {
        for texter in [texter(), texter().standing("unknown")] {
            let decision = texter.says(text);
            assert_eq!(
                decision.actions.iter().map(|action| action.verb.as_str()).collect::<Vec<_>>(),
                ["leave"],
                "{text}"
            );
            assert!(matches!(decision.then, Outcome::Silence(_)));
        }
    }
    assert_eq!(texter().orders("stop it, you are funny").kind, "chat");
}

#[test]
fn account_words_alone_are_commands_and_in_a_sentence_are_not() {
    assert_eq!(texter().does("YES"), done("confirm"));
    assert_eq!(texter().does("yes!"), done("confirm"));
    assert!(texter().is_told("HELP").contains("WTAF"));
    assert!(texter().is_told("info").contains("WTAF"));
    assert!(texter().is_told("start").contains("WTAF"));
    for text in [
        "yes please",
        "help me decide what to eat",
        "start a fire",
        "info wanted",
        "index finger",
        "forget it",
        "hide and seek",
        "slug life forever",
    ] {
        assert_eq!(texter().orders(text).kind, "chat", "{text}");
        assert_eq!(texter().web().orders(text).text, text);
    }
}

#[test]
fn a_reserved_or_odd_slug_is_refused_in_words() {
    for name in ["api", "admin", "console", "chat", "phone", "sms", "public", "a_b", "ab"] {
        assert!(texter().is_told(&format!("SLUG {name}")).contains("swift-otter"), "{name}");
    }
    assert!(texter().is_told("SLUG").contains("happy-otter"));
    assert!(texter().is_told("SLUG happy-otter").contains("happy-otter"));
}

#[test]
fn start_is_confirmed_and_help_says_what_carriers_want() {
    let told = texter().is_told("START");
    assert!(told.contains("You are in") && told.contains("HELP") && told.contains("STOP"), "{told}");
    for word in ["HELP", "info", "/help", "Help!"] {
        let told = texter().is_told(word);
        for part in ["WTAF:", "rates may apply", "Reply STOP", "COMMANDS"] {
            assert!(told.contains(part), "{word}: {told}");
        }
        assert!(!texter().web().is_told(word).contains("STOP"));
    }
}
