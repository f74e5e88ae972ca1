//! What sort of thing an idea asks for, decided here once, from whole words, with the reason in words.
//!
//! English puts the thing before the first `for`, `about`, `with`…: in "a quiz app about music for my website" it is the
//! app. So the words before it decide, the last one first; a word that names several things counts only where it ends
//! them ("a snake" is a game, "snake care tips" are not). What follows decides only where they leave the thing open
//! ("something like tetris").

use std::borrow::Cow;

use wtaf_plugin_sdk::{phrases::split_once, words, words::is_before};

/// The kinds an idea can be; edits, remixes and talk are said by their commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something to read or look at; also what is not known to be anything else.
    Page,
    /// Something to play.
    Game,
    /// Something to use.
    App,
    /// Something that keeps what visitors enter.
    DataApp,
    /// A picture with a caption.
    Meme,
    /// Something to hear.
    Music,
}

impl Kind {
    /// As orders carry it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Game => "game",
            Self::App => "app",
            Self::DataApp => "data-app",
            Self::Meme => "meme",
            Self::Music => "music",
        }
    }
}

/// The words that name a kind, `kind: word, two words, …` a line.
const PHRASES: &[(&str, &str)] = wtaf_plugin_sdk::phrases!(include_str!("../words/kinds.txt"));

/// What the file says of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// It names a kind wherever it stands.
    Anywhere(Kind),
    /// It names a kind where it ends the thing asked for.
    AtTheEnd(Kind),
    /// It makes an app one that several people use together.
    Shared,
}

/// A phrase that says something.
#[derive(Debug, Clone, Copy)]
struct Name {
    says: Says,
    phrase: &'static str,
    /// Its last word.
    last: &'static str,
    /// Where it stands in the file.
    place: usize,
}

/// All of them by their last words, and in the file's order where that is the same.
const NAMES: [Name; PHRASES.len()] = by_last_word();

const fn by_last_word() -> [Name; PHRASES.len()] {
    let mut names = [Name { says: Says::Shared, phrase: "", last: "", place: 0 }; PHRASES.len()];
    let mut place = 0;
    while place < PHRASES.len() {
        let (title, phrase) = PHRASES[place];
        let name = Name { says: says(title), phrase, last: last_word(phrase), place };
        let mut at = place;
        while at > 0 && is_before(name.last.as_bytes(), names[at - 1].last.as_bytes()) {
            names[at] = names[at - 1];
            at -= 1;
        }
        names[at] = name;
        place += 1;
    }
    names
}

const fn last_word(phrase: &'static str) -> &'static str {
    let mut last = phrase;
    while let Some((_, behind)) = split_once(last, " ") {
        last = behind;
    }
    last
}

const fn says(title: &str) -> Says {
    match split_once(title, " at the end") {
        Some((title, _)) => Says::AtTheEnd(kind(title)),
        None if matches!(title.as_bytes(), b"shared") => Says::Shared,
        None => Says::Anywhere(kind(title)),
    }
}

const fn kind(name: &str) -> Kind {
    match name.as_bytes() {
        b"page" => Kind::Page,
        b"game" => Kind::Game,
        b"app" => Kind::App,
        b"data-app" => Kind::DataApp,
        b"meme" => Kind::Meme,
        b"music" => Kind::Music,
        _ => panic!("words/kinds.txt: no kind has this name"),
    }
}

/// Words after which an idea says what the thing is about, not what it is.
const ABOUT: &[&str] = words!(
    "about for with without that which where when who whose of on using like in from so to featuring inspired
    because but by at i my"
);

/// What is asked for is said early; a long text is not read to its end for it.
const LOOKED_AT: usize = 200;

/// Words that ask for a thing without saying which.
const OPEN: &[&str] = words!(
    "a an the me us we i you can could please make build create design give want need would let let's something
    anything thing place way fun cool nice little small simple new one i'd"
);

/// A word of an idea, in lower case.
type Word<'t> = Cow<'t, str>;

/// The kind of an idea, and one line on why.
pub fn classify(idea: &str) -> (Kind, String) {
    let words: Vec<Word> = words(idea).take(LOOKED_AT).collect();
    let head = head(&words);
    let (kind, why) = if let Some((kind, word)) = last_in(head) {
        (kind, format!("\"{word}\" is the thing asked for"))
    } else if let Some((kind, word)) = first_behind(head.len(), &words).filter(|_| says_nothing(head)) {
        (kind, format!("\"{word}\" is the first word that names a kind"))
    } else {
        (Kind::Page, "no word names another kind".to_owned())
    };
    // A page or an app on which visitors enter something has to keep it; so has what several people use together.
    let kept = match kind {
        Kind::Page => entered(&words),
        Kind::App if !reckons(head) => entered(&words).or_else(|| shared(&words)),
        _ => None,
    };
    match kept {
        Some(word) => (Kind::DataApp, format!("{why}, and \"{word}\" has to be kept")),
        None => (kind, why),
    }
}

/// What the last words name.
fn last_in(words: &[Word]) -> Option<(Kind, &'static str)> {
    let at_the_end = longest(words, |says| if let Says::AtTheEnd(kind) = says { Some(kind) } else { None });
    at_the_end.or_else(|| (1..=words.len()).rev().find_map(|end| anywhere(&words[..end])))
}

/// What is named first, looked for from a word on.
fn first_behind(start: usize, words: &[Word]) -> Option<(Kind, &'static str)> {
    let rest = &words[start..];
    (1..=rest.len()).find_map(|end| anywhere(&rest[..end]))
}

/// The first word for something that visitors enter, unless it is what the thing is about ("a page about voting").
fn entered(words: &[Word]) -> Option<&'static str> {
    const TOPIC: [&str; 5] = ["about", "of", "on", "like", "inspired"];
    let mut in_topic = false;
    for (at, word) in words.iter().enumerate() {
        if !in_topic && let Some((Kind::DataApp, phrase)) = anywhere(&words[..=at]) {
            return Some(phrase);
        }
        if ABOUT.contains(&word.as_ref()) {
            in_topic = TOPIC.contains(&word.as_ref());
        }
    }
    None
}

/// What makes it a thing that several people use together; of more than one the first in the file.
fn shared(words: &[Word]) -> Option<&'static str> {
    let found = (1..=words.len()).flat_map(|end| ending(&words[..end])).filter(|name| name.says == Says::Shared);
    found.min_by_key(|name| name.place).map(|name| name.phrase)
}

/// The kind that `words` end with the name of, wherever they stand.
fn anywhere(words: &[Word]) -> Option<(Kind, &'static str)> {
    longest(words, |says| if let Says::Anywhere(kind) = says { Some(kind) } else { None })
}

/// Of the names that `words` end with, the longest that says what is asked.
fn longest(words: &[Word], asked: impl Fn(Says) -> Option<Kind>) -> Option<(Kind, &'static str)> {
    let found = ending(words).filter_map(|name| Some((asked(name.says)?, name.phrase)));
    found.max_by_key(|(_, phrase)| phrase.len())
}

/// The names (of one or more words) that `words` end with.
fn ending<'w>(words: &'w [Word]) -> impl Iterator<Item = &'static Name> + 'w {
    let last = words.last().map_or("", AsRef::as_ref);
    let from = NAMES.partition_point(|name| name.last < last);
    let same = NAMES[from..].iter().take_while(move |name| name.last == last);
    same.filter(|name| {
        let mut behind = words.iter().rev();
        name.phrase.rsplit(' ').all(|part| behind.next().is_some_and(|word| word == part))
    })
}

/// Whether the thing works something out and keeps nothing: to "share a bill" nobody has to join.
fn reckons(head: &[Word]) -> bool {
    const RECKONERS: [&str; 6] = ["calculator", "converter", "timer", "stopwatch", "splitter", "generator"];
    head.iter().any(|word| RECKONERS.contains(&word.as_ref()))
}

/// Lower-case words, hyphens kept inside them; a full stop or a line break ends nothing here, the words just go on.
fn words(idea: &str) -> impl Iterator<Item = Word<'_>> {
    idea.split(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '\'' || letter == '\u{2019}'))
        .map(|word| word.trim_matches(['-', '\'', '\u{2019}']))
        .filter(|word| !word.is_empty())
        .map(lower_case)
}

/// Most words are so already.
fn lower_case(word: &str) -> Word<'_> {
    if word.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(word.chars().flat_map(char::to_lowercase).collect())
}

/// The words before the first one that begins what it is about.
fn head<'w, 't>(words: &'w [Word<'t>]) -> &'w [Word<'t>] {
    // "make me", "build a": the verb in front never ends the head, and "to do list" holds a word that would.
    let ends = |at: usize| {
        let to_do = words[at] == "to" && words.get(at + 1).is_some_and(|next| next == "do");
        at > 0
            && !to_do
            && ABOUT.contains(&words[at].as_ref())
            && !matches!(words[at - 1].as_ref(), "make" | "build" | "create")
    };
    let end = (0..words.len()).find(|&at| ends(at)).unwrap_or(words.len());
    &words[..end]
}

/// Whether these words leave open what is asked for: "can you make me something".
fn says_nothing(head: &[Word]) -> bool {
    head.iter().all(|word| OPEN.contains(&word.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::{Kind, NAMES, Says, classify};

    #[test]
    fn the_thing_asked_for_decides() {
        let cases = [
            (Kind::Game, "a snake game"),
            (Kind::Game, "tic-tac-toe game"),
            (Kind::Game, "tic-tac-toe"),
            (Kind::Game, "make me a snake"),
            (Kind::Game, "a game for my website"),
            (Kind::Game, "a quiz about apps"),
            (Kind::Game, "GAME about a republic of cats"),
            (Kind::App, "build a to-do list - simple and clean"),
            (Kind::App, "a to do list for my kids"),
            (Kind::App, "tip calculator"),
            (Kind::App, "a music quiz app"),
            (Kind::App, "pomodoro timer with a game inside"),
            (Kind::App, "meme generator"),
            (Kind::Page, "a page about my pet snake"),
            (Kind::Page, "snake care tips"),
            (Kind::Page, "game night invitation"),
            (Kind::Page, "website for my band, with music and a game"),
            (Kind::Page, "my grandmother's recipes"),
            (Kind::Page, "the republic of cats"),
            (Kind::Page, "gamers of Helsinki"),
            (Kind::Page, "an ode to platforms"),
            (Kind::Page, "猫が好き"),
            (Kind::Page, ""),
            (Kind::DataApp, "a guestbook for our cafe"),
            (Kind::DataApp, "an rsvp page where friends can sign up"),
            (Kind::DataApp, "a page where people leave a survey answer"),
            (Kind::DataApp, "waitlist for my bakery"),
            (Kind::DataApp, "contact form"),
            (Kind::DataApp, "share a list with friends"),
            (Kind::DataApp, "a shopping list to share with my friends"),
            (Kind::DataApp, "a shared shopping list"),
            (Kind::DataApp, "packing list that we can all edit"),
            (Kind::DataApp, "wedding page where guests leave a message"),
            (Kind::DataApp, "an order form for my cupcakes"),
            (Kind::DataApp, "vote on the team name"),
            (Kind::DataApp, "page to collect emails for my newsletter"),
            (Kind::DataApp, "a wedding invitation with rsvp"),
            (Kind::DataApp, "birthday invite, who is coming and what do they bring"),
            (Kind::DataApp, "volunteer sign-up sheet"),
            (Kind::DataApp, "rsvp page for my party"),
            (Kind::DataApp, "a survey app"),
            (Kind::DataApp, "a page about our wedding where guests can rsvp"),
            (Kind::Page, "a page about voting rights"),
            (Kind::Page, "a blog on the history of polls"),
            (Kind::App, "feedback form generator"),
            (Kind::App, "calculator to share the bill"),
            (Kind::App, "a shopping list"),
            (Kind::Page, "a page to share my poems"),
            (Kind::Page, "an ode to sharing"),
            (Kind::Page, "the formation of clouds"),
            (Kind::Game, "a snake game to share with friends"),
            (Kind::Meme, "a meme about mondays"),
            (Kind::Music, "a song for my dog"),
            (Kind::Music, "a drum machine"),
            (Kind::Music, "tiny piano"),
            (Kind::Game, "something like tetris"),
            (Kind::Game, "can you make me something fun to play hangman"),
            (Kind::Page, "a bakery in Turku with a quiz"),
            (Kind::Page, "my band, with music"),
        ];
        for (kind, idea) in cases {
            let (found, why) = classify(idea);
            assert_eq!(found, kind, "{idea}: {why}");
            assert!(!why.is_empty());
        }
    }

    #[test]
    fn every_line_of_the_file_is_read() {
        const WORDS: &str = include_str!("../words/kinds.txt");
        const KINDS: [Kind; 6] = [Kind::Page, Kind::Game, Kind::App, Kind::DataApp, Kind::Meme, Kind::Music];
        let lines = WORDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!(lines, 10);
        assert!(KINDS.iter().all(|kind| NAMES.iter().any(|name| name.says == Says::Anywhere(*kind))));
        assert!(KINDS.iter().all(|kind| super::kind(kind.name()) == *kind));
        assert_eq!(NAMES.len(), WORDS.matches(": ").count() + WORDS.matches(", ").count());
    }

    #[test]
    fn every_name_is_found_by_its_last_word_and_the_longest_is_taken() {
        assert!(NAMES.is_sorted_by_key(|name| (name.last, name.place)));
        for name in NAMES {
            let words: Vec<_> = super::words(name.phrase).collect();
            assert!(super::ending(&words).any(|found| found.place == name.place), "{}", name.phrase);
        }
        assert_eq!(classify("a drum machine").1, "\"drum machine\" is the thing asked for");
    }

    #[test]
    fn the_reason_names_the_word() {
        assert_eq!(classify("a snake game").1, "\"game\" is the thing asked for");
        assert_eq!(classify("something blue").1, "no word names another kind");
    }
}
