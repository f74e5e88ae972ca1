//! What holds for any text whatever.

use proptest::prelude::*;

use crate::texter::texter;

proptest! {
    #[test]
    fn any_text_is_decided_without_a_panic(text in any::<String>(), web in any::<bool>()) {
        let texter = if web { texter().web() } else { texter() };
        prop_assert!(texter.try_says(&text).is_ok());
    }

    #[test]
    fn commands_with_any_tail_are_decided_without_a_panic(
        word in prop::sample::select(&["wtaf", "edit", "index", "slug", "remix", "hey", "about @", "undo", "meme", "hide"][..]),
        tail in "[ :,-]{0,3}\\PC{0,40}",
    ) {
        let text = format!("{word}{tail}");
        prop_assert!(texter().try_says(&text).is_ok());
    }

    #[test]
    fn an_idea_is_never_changed(idea in "[^-\\s][\\s\\S]{0,200}") {
        prop_assume!(!idea.trim().is_empty());
        let text = format!("wtaf {idea}");
        prop_assert_eq!(texter().orders(&text).text, idea.trim());
    }

    #[test]
    fn plain_words_in_the_web_are_never_changed(idea in "(zig|a|the) [\\s\\S]{0,100}") {
        prop_assert_eq!(texter().web().orders(&idea).text, idea.trim());
    }
}
