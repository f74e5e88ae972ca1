//! The words for every occasion the host tells people of.
//!
//! Short, warm, plain GSM-7, at most one exclamation mark. A text that announces a page ends with its URL and holds no other
//! link, whatever its title says. It decides nothing: what happened has happened.

pub mod words;

use wtaf_plugin_sdk::{Context, Extra, Named, Person, Seeded, StageError, coach::Occasion};

use crate::{
    gsm::{cut, plain, septets},
    scene::is_texted,
};
use words::HOW_TO_STOP;

/// One part of a text.
const ONE_TEXT: usize = 160;
/// A cause that was written elsewhere is cut here.
const LONGEST_WHY: usize = 300;

/// The words for an occasion, or none where nothing is to be said.
///
/// # Errors
/// `bad-input` where a page is announced without its URL.
pub fn say(ctx: &Context, person: &Person, occasion: &Occasion) -> Result<Option<String>, StageError> {
    let told = Told { ctx, person, values: &occasion.values };
    Ok(match occasion.name.as_str() {
        "page-live" => Some(told.page(live(told.kind()), told.hint())?),
        "edit-done" => Some(told.page("Done, and at the same link", "")?),
        "accepted" => accepted(told.kind()).map(|lines| told.first(told.one_of(&lines))),
        "code" => Some(told.code()?),
        name => told.other(name).map(|words| told.first(&words)),
    })
}

/// What a page is called when its text is sent.
fn live(kind: &str) -> &'static str {
    match kind {
        "game" => "Game on! Yours is ready to play",
        "app" | "data-app" => "Your app is ready to use",
        "meme" => "One meme, still warm",
        "music" => "Turn it up, your music is ready",
        "testimonial" => "Somebody has words about you",
        "remix" => "Your own take on it is live",
        "edit" => "Done, and at the same link",
        _ => "Your page is live",
    }
}

/// What is said while it is made; a talk is answered by the coach, not by us.
fn accepted(kind: &str) -> Option<[&'static str; 2]> {
    Some(match kind {
        "chat" => return None,
        "game" => [
            "On it. Your game is in the making; the link comes in about a minute.",
            "Good one. Building your game now, link to follow.",
        ],
        "app" | "data-app" => [
            "On it. Your app is in the making; the link comes in about a minute.",
            "Good one. Building your app now, link to follow.",
        ],
        "meme" => ["On it. One meme coming up.", "Ha. Making that meme now."],
        "music" => {
            ["On it. Tuning up; the link comes in about a minute.", "Good one. Making it sound now, link to follow."]
        }
        "testimonial" => [
            "On it. Your praises are being sung; the link comes in about a minute.",
            "Good one. Finding kind words now, link to follow.",
        ],
        "edit" => [
            "On it. Changing your page now; the link stays the same.",
            "Sure. Your page gets that change now, at the same link.",
        ],
        "remix" => [
            "On it. Your take on that page is in the making; the link comes soon.",
            "Good pick. Remixing it now, link to follow.",
        ],
        _ => [
            "On it. Your page is in the making; the link comes in about a minute.",
            "Good one. Building your page now, link to follow.",
        ],
    })
}

/// What is told, and to whom.
struct Told<'a> {
    ctx: &'a Context,
    person: &'a Person,
    values: &'a Extra,
}

impl<'a> Told<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        self.values.named(name).map(str::trim).filter(|value| !value.is_empty())
    }

    fn kind(&self) -> &'a str {
        self.value("kind").unwrap_or("page")
    }

    fn one_of<'l>(&self, lines: &'l [&'static str; 2]) -> &'l str {
        lines[Seeded::new(self.ctx.seed).below(lines.len())]
    }

    fn by_text(&self) -> bool {
        self.value("source").is_none_or(is_texted)
    }

    fn is_first(&self) -> bool {
        self.value("first") == Some("true") && self.by_text()
    }

    /// How to stop, behind the words of someone's first text.
    fn first(&self, words: &str) -> String {
        if self.is_first() { format!("{words} {HOW_TO_STOP}") } else { words.to_owned() }
    }

    /// What the owner of a page that keeps something should know. Its own link must be the only one, so the view of what came
    /// in is told as what to put behind it.
    fn hint(&self) -> &'static str {
        match (self.value("collects"), self.kind()) {
            (Some("friends"), _) => " Five can join, each with a name and a passcode they choose.",
            (Some("answers"), _) | (_, "data-app") => " Add /owner to the link to see what comes in.",
            _ => "",
        }
    }

    /// A page is there: what, its title where there is room, what its owner should know, how to stop where it is the first
    /// text, the URL.
    fn page(&self, what: &str, hint: &str) -> Result<String, StageError> {
        let url =
            self.value("url").ok_or_else(|| StageError::BadInput("a page is announced without its url".into()))?;
        let stop = if self.is_first() { format!(" {HOW_TO_STOP}") } else { String::new() };
        let fits = |text: &String| septets(text).is_some_and(|places| places <= ONE_TEXT);
        for hint in [hint, ""] {
            let behind = format!("{hint}{stop}\n{url}");
            let taken = what.len() + behind.len() + ": \"\".".len();
            // A very short remnant of a title, or brackets that count twice, are not worth a second text.
            let room = ONE_TEXT.saturating_sub(taken).min(50);
            let title = self.value("title").and_then(linkless).filter(|_| room >= 4).map(|title| cut(&title, room));
            let titled = title.map(|title| format!("{what}: \"{title}\".{behind}")).filter(fits);
            if let Some(text) = titled.or_else(|| Some(format!("{what}.{behind}")).filter(fits)) {
                return Ok(text);
            }
        }
        Ok(format!("{what}.{stop}\n{url}"))
    }

    /// The code first, for that is what a phone's notification shows.
    fn code(&self) -> Result<String, StageError> {
        let code = self.value("code").ok_or_else(|| StageError::BadInput("a code is told without the code".into()))?;
        let minutes = self.value("minutes").and_then(|minutes| minutes.parse().ok()).unwrap_or(10);
        let lasts = lasting(minutes);
        Ok(format!("{code} is your code to sign in. It works for {lasts}. Never share it: nobody here asks for it."))
    }

    fn other(&self, name: &str) -> Option<String> {
        let words: String = match name {
            "chat" => {
                return self.value("words").map(|words| if self.by_text() { plain(words) } else { words.to_owned() });
            }
            "failed" => {
                "That one did not come out. Your words are kept; text them again in a few minutes for another go."
                    .into()
            }
            "no-page" => {
                "No page came out of that one. Say it another way, with a detail or two more, and I will try again."
                    .into()
            }
            "refused" => match self.value("why") {
                Some(why) => cut(&plain(why), LONGEST_WHY),
                None => "I will not make that one. Another idea is welcome any time.".into(),
            },
            "limit" => self.limit(),
            "busy" => "It is full in the workshop right now. Text it again in a few minutes, please.".into(),
            "welcome" => self.welcome(),
            "welcome-back" => {
                "Good to have you back! Your pages are as you left them. Text WTAF and an idea, or COMMANDS.".into()
            }
            "confirmed" => {
                "Noted, thank you. You will hear from us now and then. Text WTAF and an idea any time.".into()
            }
            "renamed" => match self.value("slug").or(self.person.slug.as_deref()) {
                Some(slug) => format!("You are {slug} now. Old links keep working."),
                None => "You have your new name now. Old links keep working.".into(),
            },
            "name-taken" => match self.value("slug") {
                Some(slug) => format!("{slug} is taken. Another name? Like {slug}-2, or something odder."),
                None => "That name is taken. Another one, perhaps something odder?".into(),
            },
            "home-set" => "Done. That page is what people see first at your address now.".into(),
            "index" => "Text INDEX to see your pages, newest first.".into(),
            "forgotten" => "Gone. That page is off the web.".into(),
            "undone" => "Taken back. The page is as it was before the last change.".into(),
            "hidden" => "Hidden. Only those who have the link find that page now.".into(),
            "unhidden" => "Back in sight. That page is listed again.".into(),
            "faved" => "Kept among your favourites.".into(),
            "already" => "Nothing to do: it is like that already.".into(),
            "no-such-page" => words::no_such_page(self.value("page").unwrap_or("that")),
            _ => return None,
        };
        Some(words)
    }

    fn limit(&self) -> String {
        let again = match self.value("again").and_then(|minutes| minutes.parse::<u64>().ok()) {
            Some(minutes) => format!("There is room again in {}.", lasting(minutes)),
            None => "Try again later, please.".to_owned(),
        };
        match self.value("per") {
            Some("hour") => format!("That is all for this hour. {again}"),
            Some("day") => format!("That is all for today. {again}"),
            Some("month") => format!("That is all for this month. {again}"),
            Some("spend") => format!("What may be spent on pages for now is spent. {again}"),
            _ => format!("That is all for now. {again}"),
        }
    }

    fn welcome(&self) -> String {
        let you =
            self.value("slug").or(self.person.slug.as_deref()).map(|slug| format!(", {slug}")).unwrap_or_default();
        if self.by_text() {
            // What carriers want to read in the first words to someone new: who this is, what it costs, where help is.
            return format!(
                "WTAF: welcome{you}! Text WTAF and an idea, like: WTAF a snake game. HELP for help; msg and data rates may apply."
            );
        }
        format!("Welcome{you}! Say an idea, like: a snake game. A minute later you get a live page.")
    }
}

/// `12 minutes`, `about 3 hours`, `about 2 days`.
fn lasting(minutes: u64) -> String {
    match minutes {
        0 | 1 => "a minute".into(),
        2..=90 => format!("{minutes} minutes"),
        91..=2_160 => format!("about {} hours", (minutes + 30) / 60),
        _ => format!("about {} days", (minutes + 720) / 1_440),
    }
}

/// A title with nothing in it that a phone would make a link of, in plain signs; none where that leaves no title.
fn linkless(title: &str) -> Option<String> {
    let title = plain(title);
    let words: Vec<String> = title
        .split_whitespace()
        .filter(|word| !word.contains("://") && !word.contains('@'))
        .map(|word| word.replace('"', "'").replace(['.', '/'], " ").trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let title = words.join(" ");
    (!title.is_empty() && septets(&title).is_some()).then_some(title)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wtaf_plugin_sdk::{Context, Person, StageError, coach::Occasion};

    use super::say;
    use crate::gsm::septets;

    const URL: &str = "https://pages.example.org/happy-otter/coral-fox-jumps-highly";

    fn told(seed: u64, name: &str, values: &[(&str, &str)]) -> Result<Option<String>, StageError> {
        let ctx = Context { job: "01J".into(), attempt: 1, now: 0, seed, config: "{}".into(), extra: vec![] };
        let person =
            Person { slug: Some("happy-otter".into()), role: "coder".into(), standing: "active".into(), extra: vec![] };
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        say(&ctx, &person, &Occasion { name: name.into(), values })
    }

    fn words(name: &str, values: &[(&str, &str)]) -> String {
        told(1, name, values).expect("words").expect("something to say")
    }

    const KINDS: [&str; 12] =
        ["page", "game", "app", "data-app", "meme", "music", "testimonial", "chat", "edit", "remix", "", "hologram"];

    #[test]
    fn a_page_is_announced_in_one_text_that_ends_with_its_only_link() {
        assert_eq!(URL.len(), 60);
        let titles = [
            "",
            "Snake",
            "It\u{2019}s \u{201c}Snake\u{201d} \u{2014} v1.2",
            "see http://evil.example and evil.example",
            "猫のゲーム",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            "A title that goes on and on and on and on, for ever and ever and a day",
        ];
        for name in ["page-live", "edit-done"] {
            for kind in KINDS {
                let collects = if kind.is_empty() { "friends" } else { "answers" };
                for title in titles {
                    for first in ["true", "false"] {
                        let text = words(
                            name,
                            &[("kind", kind), ("title", title), ("url", URL), ("first", first), ("collects", collects)],
                        );
                        let says = format!("{name} {kind}: {text}");
                        assert!(text.ends_with(URL), "{says}");
                        assert_eq!(text.matches("://").count(), 1, "{says}");
                        assert!(!text.contains("evil.example"), "{says}");
                        assert!(septets(&text).is_some_and(|places| places <= 160), "{says}");
                        assert_eq!(text.contains("STOP"), first == "true", "{says}");
                        assert!(text.matches('!').count() <= 1, "{says}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_title_breaks_the_text_that_announces_its_page(title in any::<String>(), first in any::<bool>()) {
            let first = if first { "true" } else { "false" };
            let text = words("page-live", &[("kind", "game"), ("title", &title), ("url", URL), ("first", first)]);
            prop_assert!(text.ends_with(URL) && text.matches("://").count() == 1, "{}", text);
            prop_assert!(septets(&text).is_some_and(|places| places <= 160), "{}", text);
        }
    }

    #[test]
    fn a_title_is_told_where_there_is_room() {
        let text = words("page-live", &[("kind", "game"), ("title", "Snake"), ("url", "http://localhost:3030/a/b")]);
        assert_eq!(text, "Game on! Yours is ready to play: \"Snake\".\nhttp://localhost:3030/a/b");
    }

    #[test]
    fn an_owner_is_told_where_what_comes_in_is_kept_and_friends_how_they_join() {
        let live = |values: &[(&str, &str)]| {
            let values: Vec<_> =
                [("title", "Summer party"), ("url", URL)].into_iter().chain(values.iter().copied()).collect();
            let text = words("page-live", &values);
            assert!(text.ends_with(URL) && text.matches("://").count() == 1, "{text}");
            assert!(septets(&text).is_some_and(|places| places <= 160), "{text}");
            text
        };
        for values in [&[("kind", "data-app")][..], &[("kind", "page"), ("collects", "answers")]] {
            assert!(live(values).contains(" Add /owner to the link to see what comes in.\n"), "{}", live(values));
        }
        let friends = live(&[("kind", "data-app"), ("collects", "friends")]);
        assert!(friends.contains("Five can join, each with a name and a passcode they choose."), "{friends}");
        for values in [&[("kind", "game"), ("collects", "shared")][..], &[("kind", "page")]] {
            assert!(!live(values).contains("owner"), "a board of scores is there for all to see");
        }
        let edited = words("edit-done", &[("kind", "edit"), ("collects", "answers"), ("url", URL)]);
        assert!(!edited.contains("owner"), "said once, when it went live: {edited}");
    }

    #[test]
    fn how_to_stop_goes_before_a_hint_and_a_hint_before_a_title() {
        let long = format!("{URL}-and-on-and-on-and-on-and-on-and-on-and-on");
        let all = [("kind", "data-app"), ("title", "Party"), ("url", URL), ("first", "true")];
        let text = words("page-live", &all);
        assert!(text.contains("/owner") && text.contains("STOP") && !text.contains("Party"), "{text}");
        let text = words("page-live", &[("kind", "data-app"), ("title", "Party"), ("url", &long), ("first", "true")]);
        assert!(!text.contains("/owner") && text.contains("STOP"), "{text}");
    }

    #[test]
    fn a_page_without_its_url_is_a_fault_of_the_stage_before() {
        assert!(matches!(told(1, "page-live", &[("kind", "page")]), Err(StageError::BadInput(_))));
    }

    #[test]
    fn every_occasion_has_words_that_fit_one_text() {
        let names = [
            "failed",
            "no-page",
            "refused",
            "limit",
            "busy",
            "welcome",
            "welcome-back",
            "confirmed",
            "renamed",
            "name-taken",
            "home-set",
            "index",
            "forgotten",
            "undone",
            "no-such-page",
            "hidden",
            "unhidden",
            "faved",
            "already",
        ];
        for name in names {
            for values in [
                &[][..],
                &[("slug", "whimsical-hummingbird"), ("page", "a-page"), ("per", "spend"), ("again", "1000")][..],
            ] {
                let values: Vec<_> = values.iter().copied().chain([("first", "true")]).collect();
                let text = words(name, &values);
                assert!(septets(&text).is_some_and(|places| places <= 160), "{name}: {text}");
                assert!(text.matches('!').count() <= 1, "{name}: {text}");
                assert!(text.contains("STOP"), "{name}: {text}");
                assert!(!text.contains("://"), "{name}: {text}");
            }
        }
    }

    #[test]
    fn every_kind_is_acknowledged_in_one_text_but_talk() {
        for kind in KINDS {
            for seed in 0..20 {
                let text = told(seed, "accepted", &[("kind", kind), ("first", "true")]).expect("words");
                assert_eq!(text.is_none(), kind == "chat", "{kind}");
                assert!(
                    text.is_none_or(|text| septets(&text).is_some_and(|places| places <= 160)
                        && text.ends_with("Reply STOP to leave."))
                );
            }
        }
    }

    #[test]
    fn in_the_web_nobody_is_told_to_text_stop() {
        let text = words("page-live", &[("kind", "page"), ("url", URL), ("first", "true"), ("source", "web")]);
        assert!(!text.contains("STOP"));
    }

    #[test]
    fn a_coachs_words_are_passed_on_in_plain_signs() {
        assert_eq!(
            words("chat", &[("words", "It\u{2019}s fine \u{2014} really."), ("coach", "alex")]),
            "It's fine - really."
        );
        assert_eq!(told(1, "chat", &[("words", "  ")]), Ok(None));
    }

    #[test]
    fn a_code_comes_first_and_leaves_room_for_the_line_that_phones_read() {
        let text = words("code", &[("code", "012345"), ("minutes", "10"), ("first", "true"), ("source", "sms")]);
        assert!(
            text.starts_with("012345 ") && text.contains("10 minutes") && text.contains("Never share it"),
            "{text}"
        );
        assert!(!text.contains("://") && !text.contains("STOP"), "{text}");
        assert!(septets(&text).is_some_and(|places| places <= 110), "{text}");
        assert!(matches!(told(1, "code", &[]), Err(StageError::BadInput(_))));
    }

    #[test]
    fn an_unknown_occasion_says_nothing() {
        assert_eq!(told(1, "eclipse", &[]), Ok(None));
    }

    #[test]
    fn limits_name_their_span_and_when_there_is_room_again() {
        assert_eq!(
            words("limit", &[("per", "hour"), ("again", "12")]),
            "That is all for this hour. There is room again in 12 minutes."
        );
        assert_eq!(
            words("limit", &[("per", "month"), ("again", "8640")]),
            "That is all for this month. There is room again in about 6 days."
        );
    }
}
