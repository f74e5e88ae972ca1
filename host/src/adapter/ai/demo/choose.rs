//! Which page answers a request: a table of whole words with weights, and what to do when none matches.
//!
//! A word counts double before the first `for`, `about` or the like: in `a quiz about snakes` the quiz is the thing.

use super::words::Words;

/// One page of the library.
#[derive(Debug, Clone, Copy)]
pub(super) struct App {
    /// What the page's marker comment says: `<!-- wtaf-demo:snake -->`.
    pub(super) name: &'static str,
    /// The title where a request names none.
    pub(super) title: &'static str,
    /// What it is, as the rest of a sentence.
    pub(super) pitch: &'static str,
    /// The page, with its placeholders.
    pub(super) html: &'static str,
    /// The kind of order it is for, besides being a page.
    genre: Genre,
    words: &'static [(&'static str, u32)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Genre {
    Game,
    Music,
    Meme,
    Data,
    Tool,
    Page,
}

macro_rules! app {
    ($name:literal, $genre:ident, $title:literal, $pitch:literal, [$($word:literal $weight:literal),* $(,)?]) => {
        App {
            name: $name,
            title: $title,
            pitch: $pitch,
            html: include_str!(concat!("apps/", $name, ".html")),
            genre: Genre::$genre,
            words: &[$(($word, $weight)),*],
        }
    };
}

#[rustfmt::skip]
static APPS: &[App] = &[
    app!("timer", Tool, "Focus Timer", "a focus timer with breaks, sound and four rounds to fill",
        ["pomodoro" 14, "focus timer" 14, "focus" 6, "timer" 10, "stopwatch" 8, "egg timer" 12, "study timer" 12, "deep work" 8, "minute timer" 12, "alarm" 5]),
    app!("tip", Tool, "Split the Bill", "a receipt that works out the tip and everybody's share",
        ["tip calculator" 16, "tip" 7, "tipping" 8, "bill" 6, "bill splitter" 14, "split the bill" 14, "split a bill" 14, "split" 5, "gratuity" 10, "restaurant bill" 10, "share costs" 8]),
    app!("quiz", Game, "Quick Quiz", "eight questions, and something to learn from each",
        ["quiz" 14, "quizzes" 14, "trivia" 14, "question game" 10, "test my knowledge" 12, "pub quiz" 14, "flashcard" 8, "question" 3]),
    app!("draw", Tool, "Sketch Pad", "a drawing pad with inks, a mirror and undo",
        ["drawing pad" 16, "draw" 9, "drawing" 9, "paint" 9, "painting" 6, "sketch" 9, "sketchpad" 12, "doodle" 10, "whiteboard" 10, "coloring" 8, "colouring" 8, "canvas" 6]),
    app!("snake", Game, "Snake", "the snake, on a little screen with buttons",
        ["snake" 11, "snake game" 14, "nokia" 6]),
    app!("memory", Game, "Pairs", "sixteen cards and eight pairs to remember",
        ["memory game" 16, "memory" 8, "memory card" 14, "matching game" 14, "matching pairs" 14, "pair" 5, "concentration" 8, "match" 4, "card game" 8]),
    app!("tictactoe", Game, "Tic-Tac-Toe", "noughts and crosses on a chalkboard, for two or against the chalk",
        ["tic tac toe" 16, "tictactoe" 16, "noughts and crosses" 16, "xs and os" 14, "x and o" 12, "three in a row" 10]),
    app!("todo", Tool, "To Do", "a list on yellow paper, ready to be ticked off",
        ["to do" 12, "todo" 12, "to do list" 14, "todo list" 14, "shopping list" 13, "grocery list" 13, "groceries" 9, "checklist" 12, "packing list" 13, "task" 7, "list" 4, "chore" 6, "reminder" 6, "bucket list" 13]),
    app!("breathe", Tool, "Just Breathe", "a breathing exercise that leads with a slow, growing circle",
        ["breathe" 12, "breathing" 12, "breath" 10, "meditate" 9, "meditation" 9, "calm" 7, "relax" 7, "relaxation" 8, "box breathing" 14, "mindfulness" 9, "anxiety" 6, "stress" 6, "zen" 5]),
    app!("wheel", Tool, "Wheel of Maybe", "a wheel that decides for you",
        ["wheel" 9, "spinner" 11, "decision" 9, "decide" 9, "spin" 8, "random picker" 13, "name picker" 13, "picker" 8, "choose" 5, "raffle" 9, "what to eat" 7, "where to eat" 7, "decision maker" 14, "pick a" 4, "pick one" 5]),
    app!("dice", Game, "Roll the Dice", "dice on green felt, any number of sides",
        ["dice" 12, "die" 4, "dice roller" 15, "d20" 12, "2d6" 12, "d6" 10, "roll" 5, "yahtzee" 8, "dnd" 8, "coin flip" 7]),
    app!("calculator", Tool, "Calculator", "a calculator that keeps a tape of its last results",
        ["calculator" 9, "calculate" 7, "sum" 5, "math" 6, "maths" 6, "add up" 7, "budget calculator" 10, "arithmetic" 8]),
    app!("units", Tool, "Converter", "a converter for lengths, weights, heat, kitchens, speed and data",
        ["converter" 12, "convert" 11, "conversion" 11, "unit" 6, "celsius" 8, "fahrenheit" 8, "kilometer" 6, "kilometre" 6, "mile" 5, "km to mile" 12, "kg" 5, "pound" 4, "inch" 5, "metric" 7, "imperial" 7, "cup to gram" 9]),
    app!("typing", Game, "Typing Test", "a typing test on a sheet of small stories",
        ["typing" 11, "typing test" 15, "type" 4, "wpm" 12, "words per minute" 14, "typing speed" 15, "keyboard" 5, "typist" 9]),
    app!("reaction", Game, "Reaction Test", "a reaction test: wait for green, then tap",
        ["reaction" 11, "reaction time" 14, "reaction test" 15, "reflex" 11, "reflexes" 11, "how fast" 6, "fast tap" 8]),
    app!("breakout", Game, "Breakout", "a wall of light, a ball and a bat",
        ["breakout" 14, "brick" 8, "brick breaker" 15, "arkanoid" 14, "pong" 9, "paddle" 8, "arcade" 7, "ball game" 6]),
    app!("hop", Game, "Little Hop", "a paper bird, a lot of pipes, one button",
        ["flappy" 14, "flappy bird" 16, "bird game" 10, "bird" 4, "flying game" 10, "fly" 4, "jumping game" 10, "platformer" 9, "endless runner" 11, "runner" 5, "jump" 5, "hop" 6, "one button" 6]),
    app!("card", Page, "A Card for You", "a card that opens, with confetti inside",
        ["birthday card" 15, "greeting card" 15, "greeting" 9, "happy birthday" 13, "birthday" 8, "thank you card" 15, "thank you" 8, "congratulation" 9, "valentine" 7, "love letter" 11, "love note" 11, "get well" 10, "mothers day" 9, "fathers day" 9, "anniversary" 8, "i love you" 10, "card for" 8, "apology" 7, "sorry" 5]),
    app!("countdown", Tool, "Counting Down", "a countdown on a split-flap board",
        ["countdown" 14, "count down" 14, "days until" 13, "days till" 13, "how many days" 12, "days to" 7, "how long until" 11, "new year" 6, "sleeps until" 12, "christmas" 4]),
    app!("habits", Tool, "Small Habits", "a habit tracker that fills with dots",
        ["habit" 12, "habit tracker" 16, "streak" 10, "daily tracker" 12, "tracker" 6, "track" 5, "routine" 8, "water tracker" 12, "goal" 4, "workout" 5, "mood" 5]),
    app!("drums", Music, "Drum Pad", "a drum machine: eight sounds, sixteen beats",
        ["drum" 11, "drum machine" 16, "drum pad" 16, "beat" 8, "beat maker" 15, "beatbox" 10, "sequencer" 12, "music" 6, "synth" 7, "soundboard" 10, "groove" 7, "techno" 7, "hip hop" 5, "song" 5, "instrument" 6, "piano" 5]),
    app!("metronome", Music, "Metronome", "a metronome with a pendulum you can hear",
        ["metronome" 16, "tempo" 9, "bpm" 8, "practice tempo" 12]),
    app!("landing", Page, "Something New", "a page to be proud of, with words to make your own",
        ["landing page" 13, "homepage" 8, "home page" 8, "website" 3, "site" 3, "business" 5, "bakery" 8, "bakeries" 8, "cafe" 8, "coffee shop" 9, "café" 8, "band" 7, "yoga" 7, "garden" 5, "gardener" 8, "florist" 8, "restaurant" 5, "pizzeria" 8, "shop" 5, "store" 4, "salon" 8, "barber" 8, "studio" 5, "startup" 8, "company" 5, "bookshop" 8, "plumber" 8, "dentist" 8, "gym" 7, "product" 4, "club" 4, "festival" 6, "conference" 7]),
    app!("invite", Page, "You Are Invited", "an invitation with a reply card",
        ["invitation" 13, "invite" 12, "wedding" 9, "party" 6, "rsvp" 13, "save the date" 14, "baby shower" 10, "housewarming" 9, "engagement" 7, "dinner party" 9, "birthday party" 11, "reception" 5]),
    app!("portfolio", Page, "Selected Work", "a portfolio with big type and room for the work",
        ["portfolio" 14, "resume" 10, "résumé" 10, "cv" 10, "photographer" 8, "designer" 7, "illustrator" 8, "my work" 8, "about me" 7, "personal site" 11, "personal website" 11, "freelancer" 8, "developer" 5, "artist" 5]),
    app!("meme", Meme, "A Meme", "a meme, drawn by hand and captioned by you",
        ["meme" 14, "caption" 6, "funny picture" 10, "this is fine" 9, "joke" 5]),
    app!("poll", Data, "Quick Poll", "a poll that counts as people tap",
        ["poll" 13, "vote" 11, "voting" 11, "survey" 11, "ballot" 10, "election" 7, "questionnaire" 10, "would you rather" 9, "which is better" 9, "feedback form" 8]),
    app!("signup", Data, "Sign Up Here", "a sign-up sheet whose answers only you can read",
        ["sign up" 13, "signup" 13, "sign up sheet" 15, "sign me up" 12, "waitlist" 14, "wait list" 14, "waiting list" 14, "registration" 12, "register" 9, "contact form" 15, "order form" 15, "form" 4, "order" 3, "preorder" 12, "pre order" 12, "booking" 10, "reservation" 9, "mailing list" 14, "newsletter" 6, "collect" 4, "volunteer" 4, "feedback" 4, "contact" 3, "headcount" 9, "attendance" 8]),
    app!("guestbook", Data, "Guestbook", "a guestbook that everybody with the link may sign",
        ["guestbook" 17, "guest book" 17, "visitor book" 15, "message wall" 14, "message board" 14, "wall of message" 14, "leave a message" 14, "leave message" 13, "leave a comment" 13, "leave comment" 13, "leave a note" 13, "well wishes" 11, "condolence" 11, "comment" 4, "message" 3, "wish" 3, "memories" 3, "note" 2]),
    app!("together", Data, "Our List", "a list for you and four friends, live on every phone",
        ["shared list" 17, "shared shopping list" 19, "shared grocery list" 19, "shared to do list" 19, "share a list" 17, "share a shopping list" 19, "list to share" 17, "list with friends" 15, "list with my friends" 16, "list for our" 12, "potluck" 13, "who brings what" 14, "shopping list" 6, "shared" 5, "share" 4, "together" 4, "flatmate" 4, "roommate" 4, "all edit" 8, "list" 3, "bring" 3]),
    app!("links", Page, "All My Links", "a page of links for a bio",
        ["link in bio" 16, "linktree" 16, "links page" 13, "link page" 13, "my links" 12, "bio link" 14, "link" 5, "social" 5, "instagram" 4, "bio" 4, "socials" 9]),
];

/// Words after which a request says what the thing is about, rather than what it is.
const ABOUT: &[&str] = &["for", "about", "with", "that", "where", "which", "using", "featuring", "like", "of"];

/// The library, in a fixed order.
#[cfg(test)]
pub(super) fn apps() -> &'static [App] {
    APPS
}

/// The page for a request. Never fails: without a match the order's kind decides.
pub(super) fn choose(words: &str, kind: &str) -> &'static App {
    matching(words, kind).unwrap_or_else(|| fallback(kind, &Words::of(words)))
}

/// The page whose words are in the request, if there is one.
pub(super) fn matching(words: &str, kind: &str) -> Option<&'static App> {
    let words = Words::of(words);
    let wanted = genre_of(kind);
    let best = APPS
        .iter()
        .filter(|app| wanted.is_none_or(|genre| app.genre == genre || genre == Genre::Data && app.name == "invite"))
        .map(|app| (score(app, &words, wanted), app))
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.filter(|(score, _)| *score > 0).map(|(_, app)| app)
}

/// The page that an earlier answer was made from, by its marker.
pub(super) fn marked(html: &str) -> Option<&'static App> {
    let (_, after) = html.split_once("<!-- wtaf-demo:")?;
    let (name, _) = after.split_once(" -->")?;
    APPS.iter().find(|app| app.name == name)
}

/// Kinds that leave no choice: a game is a game whatever it is about. What keeps answers is one of those pages, or an invitation, which
/// has its reply card.
fn genre_of(kind: &str) -> Option<Genre> {
    match kind {
        "game" => Some(Genre::Game),
        "meme" => Some(Genre::Meme),
        "music" => Some(Genre::Music),
        "data-app" => Some(Genre::Data),
        _ => None,
    }
}

fn score(app: &App, words: &Words, wanted: Option<Genre>) -> u32 {
    // What visitors enter is mostly said last: "a wedding page where guests leave a message".
    let turn = words.iter().position(|word| ABOUT.contains(&word)).filter(|_| wanted != Some(Genre::Data));
    let turn = turn.unwrap_or(usize::MAX);
    let weigh = |(phrase, weight): &(&str, u32)| match words.find(phrase) {
        Some(at) if at < turn => weight * 2,
        Some(_) => *weight,
        None => 0,
    };
    app.words.iter().map(weigh).max().unwrap_or_default()
}

fn fallback(kind: &str, words: &Words) -> &'static App {
    let among: &[&str] = match kind {
        "game" => &["snake", "breakout", "memory", "hop", "tictactoe"],
        "app" => &["todo"],
        "data-app" if words.has_any(&["think", "opinion", "prefer", "favourite", "favorite", "better", "like"]) => {
            &["poll"]
        }
        "data-app" => &["signup"],
        "meme" => &["meme"],
        "music" => &["drums"],
        _ if words.has_any(&["game", "play"]) => &["snake", "breakout", "memory", "hop", "tictactoe"],
        _ => &["landing"],
    };
    let count = u64::try_from(among.len()).unwrap_or(1);
    let name = usize::try_from(words.hash() % count).ok().and_then(|i| among.get(i));
    name.and_then(|name| APPS.iter().find(|app| app.name == *name)).unwrap_or(&APPS[0])
}
