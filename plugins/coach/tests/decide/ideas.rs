//! From a text to an idea: every spelling of WTAF, the kind of thing, pictures.

use wtaf_plugin_sdk::Media;

use crate::texter::{Texter, texter};

#[test]
fn every_spelling_of_wtaf_keeps_the_idea_whole() {
    let cases = [
        ("WTAF a snake game", "a snake game"),
        ("wtaf a snake game", "a snake game"),
        ("WTAF: a snake game", "a snake game"),
        ("wtaf:a snake game", "a snake game"),
        ("WTAF, a snake game", "a snake game"),
        ("Wtaf\na snake game", "a snake game"),
        ("  wtaf   a snake game  ", "a snake game"),
        ("wtaff a snake game", "a snake game"),
        ("watf a snake game", "a snake game"),
        ("waft make me a snake game", "make me a snake game"),
        ("wtaf tic-tac-toe game", "tic-tac-toe game"),
        ("wtaf build a to-do list - simple and clean", "build a to-do list - simple and clean"),
        ("wtaf - a snake game", "a snake game"),
        ("wtaf line one\nline two\n\nlast - line", "line one\nline two\n\nlast - line"),
        ("wtaf index", "index"),
    ];
    for (text, idea) in cases {
        let order = texter().orders(text);
        assert_eq!((order.text.as_str(), order.coach), (idea, None), "{text}");
        assert_ne!(order.kind, "chat", "{text}");
        assert!(!order.why.is_empty());
    }
}

#[test]
fn words_like_wtaf_are_not_wtaf() {
    for text in ["wtf is going on", "waft a scent over here", "what a day", "wtaf.me is down", "staff only"] {
        assert_eq!(texter().orders(text).kind, "chat", "{text}");
    }
}

#[test]
fn the_kind_comes_from_whole_words() {
    let cases = [("wtaf a snake game", "game"), ("wtaf the republic of cats", "page"), ("wtaf tip calculator", "app")];
    for (text, kind) in cases {
        assert_eq!(texter().orders(text).kind, kind, "{text}");
    }
}

#[test]
fn plain_words_are_talk_by_text_and_an_idea_elsewhere() {
    assert_eq!(texter().orders("a bakery in Turku").kind, "chat");
    for source in ["web", "file", "carrier-pigeon"] {
        let order = Texter { source, ..texter() }.orders("a bakery in Turku\nwith tic-tac-toe");
        assert_eq!((order.kind.as_str(), order.text.as_str()), ("page", "a bakery in Turku\nwith tic-tac-toe"));
    }
}

#[test]
fn a_meme_is_made_and_a_meme_generator_is_an_app() {
    let order = texter().orders("MEME my cat & <b>mondays</b>");
    assert_eq!((order.kind.as_str(), order.text.as_str()), ("meme", "my cat & <b>mondays</b>"));
    assert_eq!(texter().web().orders("meme generator").kind, "app");
    assert!(texter().is_told("meme").contains("MEME"));
}

#[test]
fn a_picture_without_words_is_answered_kindly_and_with_words_goes_along() {
    let picture = Media { id: "m1".into(), media_type: "image/jpeg".into(), bytes: 9 };
    let texter = Texter { media: vec![picture], ..texter() };
    assert!(texter.is_told("").contains("picture"));
    assert!(texter.is_told("wtaf").contains("picture"));
    assert_eq!(texter.orders("wtaf a page for him").extra, [("media".to_owned(), "m1".to_owned())]);
}

#[test]
fn slips_of_the_thumb_and_what_is_copied_along_are_understood() {
    let cases = [
        ("WTAFF make a snake game", "make a snake game"),
        ("wtaaaf a snake game", "a snake game"),
        ("Wtf make me a snake game", "make me a snake game"),
        ("w t a f a snake game", "a snake game"),
        ("W.T.A.F. a snake game", "a snake game"),
        ("W-T-A-F: a snake game", "a snake game"),
        ("\u{201c}WTAF a snake game\u{201d}", "a snake game"),
        ("\"wtaf a snake game\"", "a snake game"),
        ("/wtaf a snake game", "a snake game"),
        ("#wtaf a snake game", "a snake game"),
    ];
    for (text, idea) in cases {
        let order = texter().orders(text);
        assert_eq!((order.kind.as_str(), order.text.as_str()), ("game", idea), "{text}");
    }
    assert_eq!(texter().orders("w t a f -rohan- a page").coach.as_deref(), Some("rohan"));
    for text in ["wtf", "w t f is this", "\"quoted words\"", "/shrug", "#1 fan"] {
        let order = texter().orders(text);
        assert_eq!((order.kind.as_str(), order.text.as_str()), ("chat", text), "as any other words");
    }
}

#[test]
fn what_visitors_enter_or_friends_share_makes_it_a_data_app_with_a_reason() {
    for idea in [
        "an RSVP page",
        "sign-up sheet for the bake sale",
        "a guestbook",
        "a survey on lunch",
        "share a list with friends",
    ] {
        let order = texter().orders(&format!("wtaf {idea}"));
        assert_eq!(order.kind, "data-app", "{idea}");
        assert!(order.why.contains('"'), "{}", order.why);
    }
    for idea in ["the republic of cats", "publican of the year", "gamers of Helsinki", "platform nine"] {
        assert_eq!(texter().orders(&format!("wtaf {idea}")).kind, "page", "{idea}");
    }
    assert_eq!(texter().orders("wtaf a song for my dog").kind, "music");
    assert_eq!(texter().orders("wtaf a meme about mondays").kind, "meme");
}

#[test]
fn each_sort_of_media_without_words_is_answered_as_what_it_is() {
    for (media_type, part) in [
        ("image/jpeg", "picture"),
        ("video/3gpp", "clip"),
        ("audio/amr", "recording"),
        ("text/vcard", "cannot open"),
        ("application/pdf", "cannot open"),
        ("", "cannot open"),
    ] {
        let media = Media { id: "m1".into(), media_type: media_type.into(), bytes: 9 };
        let texter = Texter { media: vec![media], ..texter() };
        for text in ["", " \n", "WTAF"] {
            let told = texter.is_told(text);
            assert!(told.contains(part) && told.contains("WTAF"), "{media_type} {text:?}: {told}");
        }
    }
}
