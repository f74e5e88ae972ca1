//! What sort of thing an idea asks for, decided here once, from whole words, with the reason in words.
//!
//! English puts the thing before the first `for`, `about`, `with`…: in "a quiz app about music for my website" it is the
//! app. So the words before it decide, the last one first; a word that names several things counts only where it ends
//! them ("a snake" is a game, "snake care tips" are not). What follows
//! decides only where they leave the thing open ("something like tetris").

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

/// Words that name their kind wherever they stand.
const NAMES: &[(Kind, &[&str])] = &[
    (Kind::Meme, &["meme", "memes"]),
    (
        Kind::Music,
        &[
            "song",
            "songs",
            "melody",
            "jingle",
            "lullaby",
            "beat",
            "beats",
            "synth",
            "synthesizer",
            "drum machine",
            "soundboard",
            "soundtrack",
            "music",
            "tune",
        ],
    ),
    (
        Kind::Game,
        &[
            "game",
            "games",
            "videogame",
            "quiz",
            "trivia",
            "platformer",
            "shooter",
            "tetris",
            "sudoku",
            "minesweeper",
            "hangman",
            "solitaire",
            "tic tac toe",
            "tictactoe",
            "tic-tac-toe",
            "connect four",
            "wordle",
            "arcade",
            "breakout",
            "pinball",
            "blackjack",
            "asteroids",
            "pacman",
            "pac man",
            "pac-man",
            "flappy bird",
            "whack a mole",
            "simon says",
            "space invaders",
            "crossword",
            "memory match",
            "bingo",
            "escape room",
        ],
    ),
    (
        Kind::DataApp,
        &[
            "rsvp",
            "rsvps",
            "guestbook",
            "guest book",
            "waitlist",
            "wait list",
            "waiting list",
            "survey",
            "poll",
            "signup",
            "sign-up",
            "sign up",
            "signups",
            "form",
            "forms",
            "questionnaire",
            "petition",
            "registration",
            "feedback form",
            "contact form",
            "mailing list",
            "booking",
            "bookings",
            "potluck",
        ],
    ),
    (
        Kind::App,
        &[
            "app",
            "apps",
            "tool",
            "calculator",
            "converter",
            "timer",
            "stopwatch",
            "clock",
            "alarm",
            "tracker",
            "planner",
            "generator",
            "editor",
            "counter",
            "scheduler",
            "calendar",
            "dashboard",
            "simulator",
            "visualizer",
            "organizer",
            "checklist",
            "todo",
            "to-do",
            "to do list",
            "to-do list",
            "todo list",
            "notepad",
            "pomodoro",
            "metronome",
            "budget",
            "drawing pad",
            "whiteboard",
            "flashcards",
            "spinner",
            "randomizer",
            "picker",
            "decider",
            "widget",
        ],
    ),
    (
        Kind::Page,
        &[
            "page",
            "site",
            "website",
            "webpage",
            "homepage",
            "landing",
            "portfolio",
            "invitation",
            "invite",
            "flyer",
            "poster",
            "card",
            "menu",
            "blog",
            "resume",
            "cv",
            "bio",
            "profile",
            "story",
            "poem",
            "article",
            "recipe",
            "recipes",
            "gallery",
            "letter",
            "announcement",
            "manifesto",
            "brochure",
            "tips",
            "guide",
        ],
    ),
];

/// Words that name their kind only where they end the thing.
const AT_THE_END: &[(Kind, &[&str])] = &[
    (
        Kind::Game,
        &[
            "snake",
            "pong",
            "chess",
            "checkers",
            "maze",
            "puzzle",
            "puzzles",
            "racer",
            "race",
            "poker",
            "memory",
            "runner",
            "duel",
            "clicker",
            "adventure",
            "rpg",
            "battleship",
        ],
    ),
    (Kind::App, &["list", "board", "notes", "journal", "diary", "log", "compass", "dice", "wheel", "map"]),
    (Kind::Music, &["piano", "drums", "guitar", "xylophone", "theremin", "playlist", "anthem"]),
];

/// Words after which an idea says what the thing is about, not what it is.
const ABOUT: &[&str] = &[
    "about",
    "for",
    "with",
    "without",
    "that",
    "which",
    "where",
    "when",
    "who",
    "whose",
    "of",
    "on",
    "using",
    "like",
    "in",
    "from",
    "so",
    "to",
    "featuring",
    "inspired",
    "because",
    "but",
    "by",
    "at",
    "i",
    "my",
];

/// Words that ask for a thing without saying which.
const OPEN: &[&str] = &[
    "a",
    "an",
    "the",
    "me",
    "us",
    "we",
    "i",
    "you",
    "can",
    "could",
    "please",
    "make",
    "build",
    "create",
    "design",
    "give",
    "want",
    "need",
    "would",
    "let",
    "let's",
    "something",
    "anything",
    "thing",
    "place",
    "way",
    "fun",
    "cool",
    "nice",
    "little",
    "small",
    "simple",
    "new",
    "one",
    "i'd",
];

/// The kind of an idea, and one line on why.
pub fn classify(idea: &str) -> (Kind, String) {
    let words = words(idea);
    let head = head(&words);
    let (kind, why) = if let Some((kind, word)) = last_named(head) {
        (kind, format!("\"{word}\" is the thing asked for"))
    } else if let Some((kind, word)) = first_named(&words[head.len()..]).filter(|_| says_nothing(head)) {
        (kind, format!("\"{word}\" is the first word that names a kind"))
    } else {
        (Kind::Page, "no word names another kind".to_owned())
    };
    // A page or an app on which visitors enter something has to keep it.
    if matches!(kind, Kind::Page | Kind::App)
        && let Some(word) = first_of(&words[head.len()..], Kind::DataApp)
    {
        return (Kind::DataApp, format!("{why}, and \"{word}\" has to be kept"));
    }
    (kind, why)
}

/// Lower-case words, hyphens kept inside them; a full stop or a line break ends nothing here, the words just go on.
fn words(idea: &str) -> Vec<String> {
    idea.split(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '\'' || letter == '\u{2019}'))
        .map(|word| word.trim_matches(['-', '\'', '\u{2019}']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// The words before the first one that begins what it is about.
fn head(words: &[String]) -> &[String] {
    // "make me", "build a": the verb in front never ends the head, and "to do list" holds a word that would.
    let ends = |at: usize| {
        let to_do = words[at] == "to" && words.get(at + 1).is_some_and(|next| next == "do");
        at > 0
            && !to_do
            && ABOUT.contains(&words[at].as_str())
            && !matches!(words[at - 1].as_str(), "make" | "build" | "create")
    };
    let end = (0..words.len()).find(|&at| ends(at)).unwrap_or(words.len());
    &words[..end]
}

/// The last word of `head` that names a kind.
fn last_named(head: &[String]) -> Option<(Kind, String)> {
    let at_the_end = AT_THE_END.iter().find_map(|(kind, names)| Some((*kind, ends_with(head, names)?)));
    at_the_end.or_else(|| (0..head.len()).rev().find_map(|at| named_at(&head[..=at])))
}

/// Whether these words leave open what is asked for: "can you make me something".
fn says_nothing(head: &[String]) -> bool {
    head.iter().all(|word| OPEN.contains(&word.as_str()))
}

fn first_named(words: &[String]) -> Option<(Kind, String)> {
    (0..words.len()).find_map(|at| named_at(&words[..=at]))
}

fn first_of(words: &[String], wanted: Kind) -> Option<String> {
    (0..words.len()).find_map(|at| named_at(&words[..=at]).filter(|(kind, _)| *kind == wanted)).map(|(_, word)| word)
}

/// What the last words of `words` name.
fn named_at(words: &[String]) -> Option<(Kind, String)> {
    NAMES.iter().find_map(|(kind, names)| Some((*kind, ends_with(words, names)?)))
}

/// The longest of `names` (each one or more words) that `words` end with.
fn ends_with(words: &[String], names: &[&str]) -> Option<String> {
    names
        .iter()
        .filter(|name| {
            let mut behind = words.iter().rev();
            name.split(' ').rev().all(|part| behind.next().is_some_and(|word| word == part))
        })
        .max_by_key(|name| name.len())
        .map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Kind, classify};

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
    fn the_reason_names_the_word() {
        assert_eq!(classify("a snake game").1, "\"game\" is the thing asked for");
        assert_eq!(classify("something blue").1, "no word names another kind");
    }
}
