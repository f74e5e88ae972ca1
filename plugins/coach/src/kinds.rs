//! What sort of thing an idea asks for, decided here once, from whole words, with the reason in words.
//!
//! English puts the thing before the first `for`, `about`, `with`…: in "a quiz app about music for my website" it is the
//! app. So the words before it decide, the last one first; a word that names several things counts only where it ends
//! them ("a snake" is a game, "snake care tips" are not). What follows decides only where they leave the thing open
//! ("something like tetris").

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
    const ALL: [Self; 6] = [Self::Page, Self::Game, Self::App, Self::DataApp, Self::Meme, Self::Music];

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
const WORDS: &str = include_str!("../words/kinds.txt");

/// Words after which an idea says what the thing is about, not what it is.
const ABOUT: &str = "about for with without that which where when who whose of on using like in from so to featuring inspired \
    because but by at i my";

/// What is asked for is said early; a long text is not read to its end for it.
const LOOKED_AT: usize = 200;

/// Words that ask for a thing without saying which.
const OPEN: &str = "a an the me us we i you can could please make build create design give want need would let let's something \
    anything thing place way fun cool nice little small simple new one i'd";

/// The kind of an idea, and one line on why.
pub fn classify(idea: &str) -> (Kind, String) {
    let names = Names::read();
    let words: Vec<String> = words(idea).take(LOOKED_AT).collect();
    let head = head(&words);
    let rest = &words[head.len()..];
    let (kind, why) = if let Some((kind, word)) = names.last_in(head) {
        (kind, format!("\"{word}\" is the thing asked for"))
    } else if let Some((kind, word)) = names.in_order(rest).next().filter(|_| says_nothing(head)) {
        (kind, format!("\"{word}\" is the first word that names a kind"))
    } else {
        (Kind::Page, "no word names another kind".to_owned())
    };
    // A page or an app on which visitors enter something has to keep it; so has what several people use together.
    let entered = names.entered(&words);
    let shared = || names.shared.iter().copied().find(|name| (0..words.len()).any(|at| ends(name, &words[..=at])));
    let kept = match kind {
        Kind::Page => entered,
        Kind::App if !reckons(head) => entered.or_else(shared),
        _ => None,
    };
    match kept {
        Some(word) => (Kind::DataApp, format!("{why}, and \"{word}\" has to be kept")),
        None => (kind, why),
    }
}

/// What words name, read from the file.
struct Names {
    anywhere: Vec<(Kind, &'static str)>,
    at_the_end: Vec<(Kind, &'static str)>,
    /// What makes an app one that several people use together.
    shared: Vec<&'static str>,
}

impl Names {
    fn read() -> Self {
        let mut names = Self { anywhere: vec![], at_the_end: vec![], shared: vec![] };
        for line in WORDS.lines().filter(|line| !line.starts_with('#')) {
            let Some((title, words)) = line.split_once(": ") else { continue };
            if title == "shared" {
                names.shared.extend(words.split(", "));
                continue;
            }
            let (kind, list) = match title.strip_suffix(" at the end") {
                Some(kind) => (kind, &mut names.at_the_end),
                None => (title, &mut names.anywhere),
            };
            let Some(kind) = Kind::ALL.into_iter().find(|known| known.name() == kind) else { continue };
            list.extend(words.split(", ").map(|word| (kind, word)));
        }
        names
    }

    /// The last word that names a kind.
    fn last_in(&self, words: &[String]) -> Option<(Kind, &'static str)> {
        let before = || (0..words.len()).rev().find_map(|at| ending(&self.anywhere, &words[..=at]));
        ending(&self.at_the_end, words).or_else(before)
    }

    /// The first word for something that visitors enter, unless it is what the thing is about ("a page about voting").
    fn entered(&self, words: &[String]) -> Option<&'static str> {
        const TOPIC: [&str; 5] = ["about", "of", "on", "like", "inspired"];
        let told = |at: usize| words[..at].iter().rev().find(|word| ABOUT.split(' ').any(|about| about == *word));
        (0..words.len())
            .filter(|&at| told(at).is_none_or(|word| !TOPIC.contains(&word.as_str())))
            .find_map(|at| ending(&self.anywhere, &words[..=at]).filter(|(kind, _)| *kind == Kind::DataApp))
            .map(|(_, word)| word)
    }

    /// All words that name a kind, first to last.
    fn in_order(&self, words: &[String]) -> impl Iterator<Item = (Kind, &'static str)> {
        (0..words.len()).filter_map(|at| ending(&self.anywhere, &words[..=at]))
    }
}

/// The longest name (of one or more words) that `words` end with.
fn ending(names: &[(Kind, &'static str)], words: &[String]) -> Option<(Kind, &'static str)> {
    names.iter().filter(|(_, name)| ends(name, words)).max_by_key(|(_, name)| name.len()).copied()
}

/// Whether `words` end with a name of one or more words.
fn ends(name: &str, words: &[String]) -> bool {
    let mut behind = words.iter().rev();
    name.split(' ').rev().all(|part| behind.next().is_some_and(|word| word == part))
}

/// Whether the thing works something out and keeps nothing: to "share a bill" nobody has to join.
fn reckons(head: &[String]) -> bool {
    const RECKONERS: [&str; 6] = ["calculator", "converter", "timer", "stopwatch", "splitter", "generator"];
    head.iter().any(|word| RECKONERS.contains(&word.as_str()))
}

/// Lower-case words, hyphens kept inside them; a full stop or a line break ends nothing here, the words just go on.
fn words(idea: &str) -> impl Iterator<Item = String> {
    idea.split(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '\'' || letter == '\u{2019}'))
        .map(|word| word.trim_matches(['-', '\'', '\u{2019}']).to_lowercase())
        .filter(|word| !word.is_empty())
}

/// The words before the first one that begins what it is about.
fn head(words: &[String]) -> &[String] {
    // "make me", "build a": the verb in front never ends the head, and "to do list" holds a word that would.
    let ends = |at: usize| {
        let to_do = words[at] == "to" && words.get(at + 1).is_some_and(|next| next == "do");
        at > 0
            && !to_do
            && ABOUT.split(' ').any(|about| about == words[at])
            && !matches!(words[at - 1].as_str(), "make" | "build" | "create")
    };
    let end = (0..words.len()).find(|&at| ends(at)).unwrap_or(words.len());
    &words[..end]
}

/// Whether these words leave open what is asked for: "can you make me something".
fn says_nothing(head: &[String]) -> bool {
    head.iter().all(|word| OPEN.split(' ').any(|open| open == word))
}

#[cfg(test)]
mod tests {
    use super::{Kind, Names, WORDS, classify};

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
        let names = Names::read();
        let lines = WORDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!((lines, Kind::ALL.len()), (10, 6));
        assert!(Kind::ALL.iter().all(|kind| names.anywhere.iter().any(|(known, _)| known == kind)));
        assert_eq!(
            names.anywhere.len() + names.at_the_end.len() + names.shared.len(),
            WORDS.matches(": ").count() + WORDS.matches(", ").count()
        );
    }

    #[test]
    fn the_reason_names_the_word() {
        assert_eq!(classify("a snake game").1, "\"game\" is the thing asked for");
        assert_eq!(classify("something blue").1, "no word names another kind");
    }
}
