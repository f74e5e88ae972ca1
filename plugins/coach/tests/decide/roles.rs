//! What is told of the commands, and who may use them.

use wtaf_plugin_sdk::StageError;

use crate::texter::texter;

#[test]
fn wtaf_alone_greets_with_examples_commands_and_the_slug() {
    for text in ["WTAF", "wtaf!", "commands", "COMMANDS.", "comands", "wtaf -"] {
        let words = texter().is_told(text);
        for part in ["WTAF a snake game", "EDIT 1 what", "INDEX", "https://wtaf.example/happy-otter"] {
            assert!(words.contains(part), "{text}: {words}");
        }
        assert!(words.len() <= 459, "{} {words}", words.len());
        assert!(words.matches('!').count() <= 1);
    }
}

#[test]
fn only_what_a_role_may_use_is_listed() {
    let texter = texter().offers("roles", r#"{"ladder":["user","coder","degen"],"remix":"degen"}"#);
    assert!(!texter.is_told("COMMANDS").contains("REMIX"));
    assert!(texter.role("degen").is_told("COMMANDS").contains("REMIX"));
}

#[test]
fn a_command_above_ones_role_is_what_an_unknown_text_would_be() {
    let roles =
        r#"{"ladder":["user","coder","degen","operator","admin"],"remix":"degen","wtaf":"coder","edit":"coder"}"#;
    let coder = texter().offers("roles", roles);
    let order = coder.orders("remix coral-fox make it neon");
    assert_eq!((order.kind.as_str(), order.text.as_str()), ("chat", "remix coral-fox make it neon"));
    let unknown = coder.orders("remixx coral-fox make it neon");
    assert_eq!((order.kind, order.coach, order.why), (unknown.kind, unknown.coach, unknown.why));
    for role in ["degen", "operator", "admin"] {
        assert_eq!(coder.clone().role(role).orders("remix coral-fox").kind, "remix", "{role}");
    }
    assert_eq!(coder.clone().role("user").orders("wtaf a page").kind, "chat");
    assert_eq!(coder.web().role("user").orders("a page").kind, "chat");
}

#[test]
fn where_not_even_talk_is_allowed_there_is_still_an_answer() {
    let texter = texter().offers("roles", r#"{"wtaf":"admin","hey":"admin"}"#);
    assert_eq!(texter.is_told("good morning"), texter.is_told("wtaf a page"));
}

#[test]
fn a_broken_offer_of_the_host_is_told_as_such() {
    assert!(matches!(texter().offers("roles", "[").try_says("hi"), Err(StageError::BadInput(_))));
    assert!(matches!(texter().offers("coaches", "{}").try_says("hi"), Err(StageError::BadInput(_))));
    let mut broken = texter();
    broken.ctx.config = r#"{"chat_minutes":"soon"}"#.into();
    assert!(matches!(broken.try_says("hi"), Err(StageError::Internal(_))));
}

#[test]
fn every_command_may_be_given_to_a_rung_and_is_plain_words_below_it() {
    let texts = [
        ("wtaf", "wtaf a page"),
        ("edit", "edit 1 make it blue"),
        ("undo", "undo 1"),
        ("index", "index"),
        ("remix", "remix 1"),
        ("meme", "meme my cat"),
        ("about", "about @alex I bake"),
        ("fave", "fave 1"),
        ("hide", "hide 1"),
        ("unhide", "unhide 1"),
        ("forget", "forget 1"),
        ("slug", "slug swift-otter"),
        ("commands", "commands"),
        ("help", "help"),
        ("start", "start"),
        ("yes", "yes"),
    ];
    for (command, text) in texts {
        let texter = texter().offers("roles", &format!(r#"{{"{command}":"operator"}}"#));
        let order = texter.orders(text);
        assert_eq!((order.kind.as_str(), order.text.as_str()), ("chat", text), "{command}");
        let admin = texter.role("admin").says(text);
        assert!(
            !matches!(admin.then, wtaf_plugin_sdk::coach::Outcome::Order(order) if order.kind == "chat"),
            "{command}"
        );
    }
}
