//! Talk and briefs without an AI: a few written replies, chosen by the words and the coach's voice.
//!
//! Plain GSM-7 text, short, and honest that nobody is thinking here.

use super::choose;
use super::fill::Fills;
use super::words::Words;

/// What a person may be up to, by their words; the first that fits.
const MOODS: &[(&[&str], &[&str])] = &[
    (
        &["hi", "hello", "hey", "yo", "good morning", "good evening", "hola", "sup"],
        &[
            "Hello. Tell me what to build, in your own words: 'wtaf a snake game' will do.",
            "Hi there. Give me an idea and I will hand you back a page.",
            "Hey. What shall we make today? Small and silly is welcome.",
        ],
    ),
    (
        &["thanks", "thank you", "thx", "cheers", "great", "awesome", "love it", "nice", "cool", "amazing"],
        &[
            "Glad it landed. Send the next idea whenever it turns up.",
            "You had the idea, I only held the door. What is next?",
            "Good. Now show it to somebody, that is the fun part.",
        ],
    ),
    (
        &["sad", "tired", "stressed", "anxious", "stuck", "lost", "bad day", "overwhelmed", "lonely", "depressed"],
        &[
            "That sounds heavy. Do one small thing, then rest. 'wtaf a breathing exercise' is a gentle one.",
            "Slow down a little. Nothing you make today has to be good. And do tell someone who can listen back.",
        ],
    ),
    (
        &["who are you", "what are you", "are you real", "are you human", "are you ai", "bot", "robot"],
        &["I am the demo voice: written lines, no AI behind them. Set an API key and someone cleverer answers."],
    ),
    (
        &["help", "how", "what can you do", "what do i", "commands"],
        &[
            "Text 'wtaf' and an idea: a timer, a quiz, a game, an invitation. A link comes back. Text COMMANDS for the rest.",
            "Say what you want as you would to a friend: 'wtaf a tip calculator for four'. You get a page.",
        ],
    ),
    (
        &["idea", "suggest", "suggestion", "bored", "inspire", "what should i", "dont know"],
        &[
            "Try a wheel that picks dinner, or a quiz on something only you know. Five minutes, one laugh.",
            "Make a birthday card for whoever is next. They will keep the link for longer than you think.",
            "A countdown to the thing you look forward to. It makes waiting better.",
        ],
    ),
    (
        &["joke", "funny", "laugh", "roast"],
        &[
            "A page walks into a bar and the barman says: we do not serve your kind without a key.",
            "I would roast you, but the demo provider has no oven.",
        ],
    ),
];

const ELSE: &[&str] = &[
    "I am listening. Turn it into something one can click, and I will build it.",
    "Good thought. What is the smallest page that would show it to a friend?",
    "Say a little more: who is it for, and what do they do first?",
    "Keep the first version silly and short. The second one can be clever.",
    "That could be a page. Start the next text with 'wtaf' and we find out.",
];
const QUESTIONS: &[&str] = &[
    "Honestly, I only know a few lines by heart. With an API key set you get a real answer.",
    "Hard to say from here: the demo voice does not think. It does build, though.",
    "Try it and see. A page costs a minute, and nobody is watching.",
];

/// How a coach begins, by a word of the system prompt.
const VOICES: &[(&[&str], &[&str])] = &[
    (&["zen", "calm", "monk", "gentle"], &["Breathe. ", "Mm. ", ""]),
    (&["sarcastic", "cynical", "roast", "snark", "dry"], &["Oh, wonderful. ", "Right. ", ""]),
    (&["startup", "founder", "hustle", "vc", "silicon"], &["Love the energy. ", "Ship it. ", ""]),
    (&["pirate"], &["Arr. ", "Ahoy. ", ""]),
    (&["hype", "enthusiastic", "energetic", "party"], &["Yes. ", "Big mood. ", ""]),
    (&["poet", "poetic", "philosopher"], &["Well now. ", "Ah. ", ""]),
];

/// A reply to talk.
pub(super) fn reply(words: &str, system: &str) -> String {
    let said = Words::of(words);
    let lines = MOODS
        .iter()
        .find(|(marks, _)| said.has_any(marks))
        .map_or(if words.trim_end().ends_with('?') { QUESTIONS } else { ELSE }, |(_, lines)| lines);
    let system = Words::of(system);
    let opening =
        VOICES.iter().find(|(marks, _)| system.has_any(marks)).map_or("", |(_, begins)| pick(begins, said.hash() >> 8));
    format!("{opening}{}", pick(lines, said.hash() ^ system.hash()))
}

/// What a brief would say of a request.
pub(super) fn brief(words: &str, kind: &str) -> String {
    let app = choose::choose(words, kind);
    let fills = Fills::from_request(words, app);
    format!(
        "{}: {}.\nOne screen, for a phone first, by touch and by keyboard. The first thing one sees is the thing itself.\nWords are few and kind. It works without a network.",
        fills.title(),
        app.pitch
    )
}

fn pick<'a>(lines: &[&'a str], by: u64) -> &'a str {
    let count = u64::try_from(lines.len()).unwrap_or(1).max(1);
    usize::try_from(by % count).ok().and_then(|i| lines.get(i)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_ends_as_a_sentence_and_fits_a_text() {
        let lines = MOODS.iter().flat_map(|(_, lines)| lines.iter()).chain(ELSE).chain(QUESTIONS);
        for line in lines {
            assert!(line.ends_with(['.', '?']), "{line}");
            assert!(line.is_ascii() && line.len() <= 140, "{} {line}", line.len());
        }
    }

    #[test]
    fn the_words_and_the_coach_choose_the_reply() {
        let hello = reply("Hello!", "You are a coach.");

        assert_eq!(hello, reply("hello", "You are a coach."));
        assert_ne!(hello, reply("I feel so stuck today", "You are a coach."));
        assert!(["Arr. ", "Ahoy. ", ""].iter().any(|begin| reply("tell me", "You are a pirate.").starts_with(begin)));
    }
}
