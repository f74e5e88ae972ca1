//! What holds for every page of the library, and for the demo provider as a whole.

use super::choose::{App, apps};
use super::*;

fn ask<'a>(kind: &'a str, words: &'a str) -> Ask<'a> {
    Ask { purpose: "page", kind, words, page: None, system: "" }
}

/// The page in an answer.
fn page_of(answer: &str) -> String {
    let (_, after) = answer.split_once("```html\n").expect("a fenced page");
    let (html, rest) = after.rsplit_once("\n```").expect("the fence is closed");
    assert_eq!(rest.trim(), "");
    html.to_owned()
}

fn filled(app: &App, words: &str) -> String {
    template::render(app.html, fill::Fills::from_request(words, app).values())
}

fn app_of(kind: &str, words: &str) -> &'static str {
    choose::choose(words, kind).name
}

/// The page without what its scripts and styles hold.
fn markup(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, tag)) = ["<script>", "<style"]
        .iter()
        .filter_map(|tag| rest.split_once(tag).map(|(b, _)| (b, *tag)))
        .min_by_key(|(b, _)| b.len())
    {
        out.push_str(before);
        let close = if tag == "<script>" { "</script>" } else { "</style>" };
        rest = rest[before.len()..].split_once(close).expect("a closed element").1;
    }
    out + rest
}

#[test]
fn every_page_is_a_whole_document_that_stands_alone() {
    assert!(apps().len() >= 20);
    for app in apps() {
        let html = filled(app, "please");
        let has = |part: &str| assert!(html.contains(part), "{} lacks {part}", app.name);
        has("<!doctype html>");
        has("<html lang=\"en\"");
        has("<meta charset=\"utf-8\">");
        has("name=\"viewport\" content=\"width=device-width, initial-scale=1\"");
        has(&format!("<title>{}</title>", template::escape(fill::Fills::from_request("please", app).title())));
        has("<footer>");
        has(FOOTER);
        has(&format!("<!-- wtaf-demo:{} -->", app.name));
        has("<style id=\"wtaf-theme\">");
        has(":focus-visible");
        has("</html>");
        for no in [
            "http://",
            "https://",
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "@import",
            "url(",
            "<link",
            "fetch(",
            "XMLHttpRequest",
            "<iframe",
            "```",
        ] {
            assert!(!html.contains(no), "{} has {no}", app.name);
        }
        assert_eq!(html.matches("<script").count(), 1, "{}", app.name);
        assert!(!markup(&html).contains(" onclick="), "{}", app.name);
    }
}

#[test]
fn no_placeholder_is_left() {
    for app in apps() {
        for words in ["please", "a purple {{title}} {{ thing }} for Anna and Ben on 24 December with a, b and c"] {
            assert!(!filled(app, words).contains("{{"), "{}", app.name);
        }
    }
}

#[test]
fn every_placeholder_of_every_page_has_a_value() {
    for app in apps() {
        let values = fill::Fills::from_request("please", app);
        for part in app.html.split("{{").skip(1) {
            let name = part.split("}}").next().expect("a name").trim_start_matches("json:");
            assert!(values.values().contains_key(name), "{}: {name}", app.name);
        }
    }
}

#[test]
fn a_hostile_request_cannot_break_out_of_its_place() {
    let hostile = [
        "a page called </title></h1></script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)> for \"><svg/onload=alert(1)>, ' onmouseover='x and `${alert(1)}`",
        "todo list with </script><script>alert(1)</script>, <!--<script>, ]]>, \u{2028}x\\\"]};alert(1)//",
        "meme saying \"</script><img src=x onerror=alert(1)>\"",
        "@x\"><b> link in bio with javascript:alert(1), <a href=x>",
        "rename <!-- wtaf-demo:snake --> ```html\n</html>\n```",
    ];
    for app in apps() {
        let harmless = filled(app, "please");
        for words in hostile {
            let html = filled(app, words);
            assert_eq!(html.matches("<script").count(), harmless.matches("<script").count(), "{}: {words}", app.name);
            assert_eq!(html.matches("</script").count(), harmless.matches("</script").count(), "{}: {words}", app.name);
            assert_eq!(html.matches("<!--").count(), harmless.matches("<!--").count(), "{}: {words}", app.name);
            assert!(!html.contains("```"), "{}: {words}", app.name);
            let (safe, risky) = (markup(&harmless), markup(&html));
            assert_eq!(risky.matches('<').count(), safe.matches('<').count(), "{}: {words}", app.name);
            assert_eq!(risky.matches('"').count(), safe.matches('"').count(), "{}: {words}", app.name);
        }
    }
}

#[test]
fn the_prose_cannot_hold_a_page() {
    let said = answer(&ask("page", "a page called x ```html <!doctype html><b>y</b>"));

    assert_eq!(said.matches("```html").count(), 1);
    assert_eq!(said.matches("<!doctype html>").count(), 1);
}

#[test]
fn a_hostile_edit_cannot_break_out_either() {
    let html = page_of(&answer(&ask("game", "snake")));
    let words = "call it </h1><script>alert(1)</script> \"><img src=x onerror=y>";
    let edited = page_of(&answer(&Ask { page: Some(&html), ..ask("edit", words) }));

    assert_eq!(edited.matches("<script").count(), 1);
    assert!(!markup(&edited).contains("<img"));
}

#[test]
fn realistic_requests_find_their_page() {
    for (kind, words, app) in [
        ("app", "a pomodoro timer", "timer"),
        ("app", "25 minute timer for studying", "timer"),
        ("app", "Focus timer with 50 minutes", "timer"),
        ("page", "stopwatch", "timer"),
        ("app", "tip calculator with 18%", "tip"),
        ("app", "split the bill between 4 friends", "tip"),
        ("app", "help us split a restaurant bill", "tip"),
        ("game", "quiz about France, Spain and Italy", "quiz"),
        ("page", "a quiz about snakes", "quiz"),
        ("game", "space trivia", "quiz"),
        ("page", "pub quiz for friday night", "quiz"),
        ("app", "a drawing pad", "draw"),
        ("page", "somewhere my daughter can draw", "draw"),
        ("app", "let me doodle", "draw"),
        ("game", "snake", "snake"),
        ("game", "a purple snake game", "snake"),
        ("page", "classic Nokia snake please", "snake"),
        ("game", "memory game with cards", "memory"),
        ("game", "matching pairs for kids", "memory"),
        ("game", "tic-tac-toe", "tictactoe"),
        ("game", "Tic Tac Toe for Anna and Ben", "tictactoe"),
        ("page", "noughts and crosses", "tictactoe"),
        ("app", "to-do list", "todo"),
        ("app", "todo list with milk, eggs, bread", "todo"),
        ("app", "packing list for Norway", "todo"),
        ("app", "a shopping list", "todo"),
        ("app", "breathing exercise", "breathe"),
        ("page", "something to calm down with", "breathe"),
        ("app", "box breathing", "breathe"),
        ("app", "decide where to eat: pizza, sushi or tacos", "wheel"),
        ("app", "spin the wheel of chores", "wheel"),
        ("page", "random name picker", "wheel"),
        ("game", "dice roller", "dice"),
        ("app", "roll 2d6 for dnd", "dice"),
        ("app", "a calculator", "calculator"),
        ("app", "unit converter", "units"),
        ("app", "convert miles to kilometers", "units"),
        ("app", "celsius to fahrenheit", "units"),
        ("game", "typing test", "typing"),
        ("page", "how many words per minute can I type", "typing"),
        ("game", "reaction time test", "reaction"),
        ("game", "test my reflexes", "reaction"),
        ("game", "breakout", "breakout"),
        ("game", "a brick breaker in neon", "breakout"),
        ("game", "flappy bird clone", "hop"),
        ("game", "an endless runner", "hop"),
        ("page", "birthday card for Anna", "card"),
        ("page", "happy birthday mum", "card"),
        ("page", "thank you card for my teacher", "card"),
        ("page", "countdown to 24 December", "countdown"),
        ("page", "how many days until christmas", "countdown"),
        ("page", "wedding countdown", "countdown"),
        ("app", "habit tracker", "habits"),
        ("app", "track how much water I drink", "habits"),
        ("music", "drum machine", "drums"),
        ("music", "lofi hip hop beats", "drums"),
        ("music", "something", "drums"),
        ("app", "metronome at 120 bpm", "metronome"),
        ("page", "landing page for a bakery called Crumb", "landing"),
        ("page", "website for my yoga studio", "landing"),
        ("page", "a page about the history of dust", "landing"),
        ("page", "wedding invitation for Anna and Ben", "invite"),
        ("page", "save the date 12 June", "invite"),
        ("page", "invite to my birthday party on saturday", "invite"),
        ("page", "portfolio for a photographer", "portfolio"),
        ("page", "my resume", "portfolio"),
        ("meme", "when the build passes first try", "meme"),
        ("page", "a meme about mondays", "meme"),
        ("data-app", "poll: pizza or sushi?", "poll"),
        ("app", "vote on the team name", "poll"),
        ("data-app", "what do people think", "poll"),
        ("data-app", "rsvp for my wedding", "invite"),
        ("data-app", "birthday party rsvp", "invite"),
        ("data-app", "sign-up sheet for the bake sale", "signup"),
        ("data-app", "waitlist for my bakery", "signup"),
        ("data-app", "contact form", "signup"),
        ("data-app", "an order form for cupcakes", "signup"),
        ("data-app", "something that collects names", "signup"),
        ("data-app", "a guestbook for our cafe", "guestbook"),
        ("data-app", "wedding page where guests leave a message", "guestbook"),
        ("data-app", "share a list with friends", "together"),
        ("data-app", "a shared shopping list", "together"),
        ("data-app", "shopping list for me and my flatmates", "together"),
        ("page", "link in bio for @dj_luna", "links"),
        ("page", "a linktree with instagram, youtube and spotify", "links"),
        ("app", "something useful", "todo"),
        ("telepathy", "", "landing"),
    ] {
        assert_eq!(app_of(kind, words), app, "{kind}: {words}");
    }
}

#[test]
fn a_game_is_a_game_whatever_it_is_about() {
    for words in ["", "about my dog", "where I run a bakery", "a todo list dungeon", "fun", "for the weekend"] {
        let app = choose::choose(words, "game");
        assert!(
            ["snake", "breakout", "memory", "hop", "tictactoe", "quiz", "dice", "typing", "reaction"]
                .contains(&app.name),
            "{words}: {}",
            app.name
        );
    }
    let games: std::collections::BTreeSet<_> =
        ["cats", "dogs", "owls", "mice", "bears", "newts", "yaks"].map(|w| app_of("game", w)).into();
    assert!(games.len() > 1, "the words choose among the games: {games:?}");
}

#[test]
fn the_same_ask_gets_the_same_answer_in_any_case() {
    let one = answer(&ask("app", "A Timer for 10 minutes"));

    assert_eq!(one, answer(&ask("app", "A Timer for 10 minutes")));
    for (kind, words) in [("game", "Something With Owls"), ("app", "SPLIT THE BILL"), ("page", "Tic-Tac-Toe")] {
        assert_eq!(app_of(kind, words), app_of(kind, &words.to_lowercase()));
    }
}

#[test]
fn what_was_said_is_on_the_page() {
    let html = page_of(&answer(&ask("app", "a purple todo list called Saturday with milk, eggs and bread")));

    assert!(html.contains("<title>Saturday</title>"));
    assert!(html.contains(r#"["Milk","Eggs","Bread"]"#));
    assert!(html.contains("#6527ab"), "the accent is purple");
    let html = page_of(&answer(&ask("page", "landing page for a bakery")));
    let pink = page_of(&answer(&ask("page", "a pink landing page for a bakery")));
    assert!(pink.find("#ab1a66") > pink.find("[data-trade=bakery]"), "the wish is laid over the trade's own colours");
    assert!(html.contains("The Corner Bakery") && html.contains("data-trade=\"bakery\""));
}

#[test]
fn what_the_library_lacks_is_admitted_on_the_page() {
    assert!(page_of(&answer(&ask("app", "a weather app"))).contains(NEAREST));
    assert!(!page_of(&answer(&ask("game", "make me a game"))).contains(NEAREST));
    assert!(!page_of(&answer(&ask("game", "snake"))).contains(NEAREST));
}

#[test]
fn an_edit_changes_what_it_says_and_nothing_else() {
    let html = page_of(&answer(&ask("game", "snake")));
    let edit = |words| page_of(&answer(&Ask { page: Some(&html), ..ask("edit", words) }));

    let purple = edit("make it purple and call it Night Snake");
    assert!(purple.contains("#6527ab") && purple.contains("<title>Night Snake</title>"));
    assert!(purple.contains("Edited by the demo provider: the title is Night Snake, the colour is purple."));
    assert!(edit("blue background please").contains("--paper:light-dark(#e7effd,#0b1730)"));
    assert!(edit("dark mode").contains("color-scheme:dark}"));
    assert!(edit("bigger text").contains("font-size:115%"));
    assert!(edit("rename to \"Slither\"").contains(">Slither</h1>"));
}

#[test]
fn a_new_title_touches_the_title_alone() {
    let html = page_of(&answer(&ask("page", "countdown to 24 December")));
    let words = "call it Nearly There";
    let once = page_of(&answer(&Ask { page: Some(&html), ..ask("edit", words) }));
    let twice = page_of(&answer(&Ask { page: Some(&once), ..ask("edit", "rename it to Here Now") }));

    assert!(once.contains("<span data-title=\"given\">Nearly There</span><small id=\"when\">"));
    assert!(twice.contains("<span data-title=\"given\">Here Now</span><small id=\"when\">"));
}

#[test]
fn an_edit_it_cannot_do_is_admitted_once() {
    let html = page_of(&answer(&ask("game", "snake")));
    let once = page_of(&answer(&Ask { page: Some(&html), ..ask("edit", "add a boss fight") }));
    let twice = page_of(&answer(&Ask { page: Some(&once), ..ask("edit", "add another") }));

    assert!(once.contains("add a boss fight") && once.contains("Nothing changed"));
    assert_eq!(twice.matches("data-demo-note").count(), 1);
    assert!(!twice.contains("boss fight"));
    assert!(answer(&Ask { page: Some(&html), ..ask("edit", "add a boss fight") }).starts_with("The page is as it was"));
}

#[test]
fn a_page_by_somebody_else_is_returned_whole() {
    let foreign = "<!doctype html><html><head><title>Mine</title></head><body><h1 class=x>Mine</h1><pre>```js\n1\n```</pre></body></html>";
    let said = answer(&Ask { page: Some(foreign), ..ask("edit", "call it Ours and make it red") });

    assert!(
        said.contains("````html\n") && said.contains("<title>Ours</title>") && said.contains("<h1 class=x>Ours</h1>")
    );
    assert!(said.contains("```js\n1\n```") && said.contains("It could not do the rest."));
}

#[test]
fn a_remix_is_the_same_page_with_new_words() {
    let html = page_of(&answer(&ask("app", "todo list")));
    let remix = page_of(&answer(&Ask { page: Some(&html), ..ask("remix", "for camping: tent, stove, rope") }));

    assert!(remix.contains("<!-- wtaf-demo:todo -->") && remix.contains(r#"["Tent","Stove","Rope"]"#));
}

#[test]
fn chat_and_briefs_are_short_plain_text() {
    let chat = answer(&Ask { purpose: "chat", ..ask("chat", "hello there") });
    let brief = answer(&Ask { purpose: "brief", ..ask("app", "a timer") });

    assert!(chat.len() <= 160 && chat.ends_with(['.', '?']) && !chat.contains('<'));
    assert!(brief.len() < 600 && brief.contains("Timer") && !brief.contains("```"));
}

#[test]
fn a_huge_request_is_bounded() {
    let words = "a todo list with ".to_owned() + &"milk and <b>honey</b>, ".repeat(20_000);
    let html = page_of(&answer(&ask("app", &words)));

    assert!(html.len() < 40_000, "{}", html.len());
}

#[test]
fn pages_that_keep_something_ask_the_host_and_say_so_where_there_is_none() {
    for (name, declares, calls) in [
        ("invite", None, "kept.save('rsvp'"),
        ("signup", None, "kept.save('answers'"),
        ("guestbook", Some("wtaf-shared\" content=\"guestbook\""), "kept.watch('guestbook'"),
        ("poll", Some("wtaf-shared\" content=\"votes\""), "kept.watch('votes'"),
        ("snake", Some("wtaf-shared\" content=\"scores\""), "kept.watch('scores'"),
        ("together", Some("wtaf-friends\" content=\"list\""), "kept.join("),
    ] {
        let app = apps().iter().find(|app| app.name == name).expect("a page");
        let html = filled(app, "please");
        assert!(html.contains("const kept = window.wtaf") && html.contains(calls), "{name}");
        assert_eq!(declares.map(|meta| html.contains(meta)), declares.map(|_| true), "{name}");
        assert_eq!(html.matches("name=\"wtaf-").count(), usize::from(declares.is_some()), "{name}");
        assert!(html.contains("catch (error)") && html.contains("error.message"), "{name}: what fails is said");
        assert!(name == "snake" || html.contains("keeps nothing"), "{name}: without the host it says so");
        assert!(!html.contains("type=\"password\""), "{name}");
    }
}

#[test]
fn an_edit_or_a_remix_of_a_page_that_keeps_something_leaves_its_storage_alone() {
    for (kind, words, part) in [
        ("data-app", "a guestbook", "content=\"guestbook\""),
        ("data-app", "a shared shopping list", "content=\"list\""),
        ("data-app", "sign-up sheet", "kept.save('answers'"),
    ] {
        let html = page_of(&answer(&ask(kind, words)));
        let edit = page_of(&answer(&Ask { page: Some(&html), ..ask("edit", "call it Summer and make it green") }));
        assert!(edit.contains("<title>Summer</title>") && edit.contains(part) && edit.contains("#17662f"), "{words}");
        let remix = page_of(&answer(&Ask { page: Some(&html), ..ask("remix", "for our street party") }));
        assert!(remix.contains(part), "{words}");
    }
}
