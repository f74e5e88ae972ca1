//! What is decided about a text: one table a rule of the grammar, each with what once went wrong there.
#![allow(missing_docs, reason = "tests")]

use proptest::prelude::*;
use wtaf_plugin_coach::BuiltIn;
use wtaf_plugin_sdk::{
    Context, Media, Order, PageSummary, Person, Request, StageError, Turn,
    coach::{Coach, Decision, Outcome},
};

const NOW: u64 = 1_760_000_000_000;
const MINUTE: u64 = 60_000;

/// Someone who texts, with everything that can differ between tests.
#[derive(Clone)]
struct Texter {
    ctx: Context,
    person: Person,
    source: &'static str,
    coach: Option<&'static str>,
    media: Vec<Media>,
    pages: Vec<PageSummary>,
    thread: Vec<Turn>,
}

fn texter() -> Texter {
    Texter {
        ctx: Context {
            job: "01J".into(),
            attempt: 1,
            now: NOW,
            seed: 7,
            config: "{}".into(),
            extra: vec![("public-url".into(), "https://wtaf.example".into())],
        },
        person: Person {
            slug: Some("happy-otter".into()),
            role: "coder".into(),
            standing: "active".into(),
            extra: vec![],
        },
        source: "sms",
        coach: None,
        media: vec![],
        pages: vec![
            page("coral-fox", "Snake", &[("version", "2")]),
            page("blue-hen", "To-do", &[("version", "1"), ("home", "true")]),
            page("old-owl", "", &[("hidden", "true")]),
        ],
        thread: vec![],
    }
}

fn page(slug: &str, title: &str, extra: &[(&str, &str)]) -> PageSummary {
    PageSummary {
        slug: slug.into(),
        title: title.into(),
        asked: String::new(),
        created: NOW,
        extra: extra.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    }
}

fn said(coach: Option<&str>, minutes_ago: u64) -> Turn {
    Turn { coach: coach.map(Into::into), text: "words".into(), at: NOW - minutes_ago * MINUTE }
}

impl Texter {
    fn web(mut self) -> Self {
        self.source = "web";
        self
    }

    fn standing(mut self, standing: &str) -> Self {
        self.person.standing = standing.into();
        self
    }

    fn role(mut self, role: &str) -> Self {
        self.person.role = role.into();
        self
    }

    fn offers(mut self, name: &str, value: &str) -> Self {
        self.ctx.extra.push((name.into(), value.into()));
        self
    }

    fn try_says(&self, text: &str) -> Result<Decision, StageError> {
        let request = Request {
            text: text.into(),
            source: self.source.into(),
            media: self.media.clone(),
            extra: self.coach.map(|coach| ("coach".to_owned(), coach.to_owned())).into_iter().collect(),
        };
        BuiltIn::decide(self.ctx.clone(), request, self.person.clone(), self.pages.clone(), self.thread.clone())
    }

    fn says(&self, text: &str) -> Decision {
        self.try_says(text).expect("a decision")
    }

    fn orders(&self, text: &str) -> Order {
        match self.says(text).then {
            Outcome::Order(order) => order,
            other => panic!("{text:?}: no order but {other:?}"),
        }
    }

    fn is_told(&self, text: &str) -> String {
        match self.says(text).then {
            Outcome::Reply(words) => {
                assert!(words.is_ascii(), "plain signs only: {words}");
                words
            }
            other => panic!("{text:?}: no reply but {other:?}"),
        }
    }

    /// The actions as `verb target value`, and whether a report follows.
    fn does(&self, text: &str) -> (Vec<String>, bool) {
        let decision = self.says(text);
        let actions = decision.actions.into_iter().map(|action| {
            let parts = [Some(action.verb), action.target, action.value];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        });
        (actions.collect(), decision.then == Outcome::Report)
    }
}

fn done(action: &str) -> (Vec<String>, bool) {
    (vec![action.to_owned()], true)
}

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
    for text in ["WTAF a snake game", "hello", "help", "yes", "STOP", "index", "start a fire", ""] {
        let decision = left.says(text);
        assert!(decision.actions.is_empty() && matches!(decision.then, Outcome::Silence(_)), "{text}");
    }
    assert_eq!(left.does("START"), done("return"));
    assert_eq!(left.does(" unstop. "), done("return"));
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
fn plain_words_are_talk_by_text_and_an_idea_elsewhere() {
    assert_eq!(texter().orders("a bakery in Turku").kind, "chat");
    for source in ["web", "file", "carrier-pigeon"] {
        let order = Texter { source, ..texter() }.orders("a bakery in Turku\nwith tic-tac-toe");
        assert_eq!((order.kind.as_str(), order.text.as_str()), ("page", "a bakery in Turku\nwith tic-tac-toe"));
    }
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
fn a_reserved_or_odd_slug_is_refused_in_words() {
    for name in ["api", "admin", "console", "chat", "phone", "sms", "public", "a_b", "ab"] {
        assert!(texter().is_told(&format!("SLUG {name}")).contains("swift-otter"), "{name}");
    }
    assert!(texter().is_told("SLUG").contains("happy-otter"));
    assert!(texter().is_told("SLUG happy-otter").contains("happy-otter"));
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
fn a_broken_offer_of_the_host_is_told_as_such() {
    assert!(matches!(texter().offers("roles", "[").try_says("hi"), Err(StageError::BadInput(_))));
    assert!(matches!(texter().offers("coaches", "{}").try_says("hi"), Err(StageError::BadInput(_))));
    let mut broken = texter();
    broken.ctx.config = r#"{"chat_minutes":"soon"}"#.into();
    assert!(matches!(broken.try_says("hi"), Err(StageError::Internal(_))));
}

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
