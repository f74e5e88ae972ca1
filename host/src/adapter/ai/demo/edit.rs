//! Edits that need no AI: a colour, a background, dark or light, text size, a title. Everything else is admitted.
//!
//! Works on the text of the page, at a few places it can be sure of: the theme style of a demo page, `<title>`, the
//! first heading. What was done, and what could not be, is said in a small note at the foot of the page.

use super::choose;
use super::colour::{self, Wear};
use super::template::escape;
use super::title;
use super::words::{Words, bounded};
use std::fmt::Write as _;

const THEME_OPEN: &str = r#"<style id="wtaf-theme">"#;
const NOTE_OPEN: &str = "<p data-demo-note ";
/// Words for what cannot be done here.
const BEYOND: &[&str] = &[
    "add", "remove", "delete", "insert", "put", "replace", "move", "fix", "animate", "sound", "music", "photo",
    "picture", "image", "button",
];
const LARGEST: u32 = 175;
const SMALLEST: u32 = 80;

/// An edited page and what was done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) html: String,
    /// What changed, as people would say it.
    pub(super) done: Vec<String>,
}

impl Edited {
    /// The prose before the page.
    pub(super) fn say(&self) -> String {
        if self.done.is_empty() {
            "The page is as it was: the demo provider cannot make this change.".to_owned()
        } else {
            format!("Done: {}.", self.done.join(", "))
        }
    }
}

/// The page after an edit: always the whole document, always with a word about what was done.
pub(super) fn apply(html: &str, asked: &str) -> Edited {
    let mut html = without_note(html);
    let mut done = Vec::new();
    let mut rest = asked.to_owned();
    if let Some((name, said)) = new_title(asked) {
        html = retitle(&html, &name);
        done.push(format!("the title is {name}"));
        // A name may hold any word: Night Snake is no wish for the dark.
        rest = asked.replacen(said, " ", 1);
    }
    let words = Words::of(&rest);
    let wears = wears(&html, &words);
    let ours = choose::marked(&html).is_some() && html.contains(THEME_OPEN);
    let beyond = words.has_any(BEYOND) || !ours && !wears.is_empty();
    if ours {
        for (wear, said) in wears {
            html = themed(&html, wear);
            done.push(said);
        }
    }
    let note = note(asked, &done, beyond);
    Edited { html: with_note(&html, &note), done }
}

/// What the words ask to be laid over the page.
fn wears(html: &str, words: &Words) -> Vec<(Wear, String)> {
    let mut found = Vec::new();
    let always_dark = html.contains("color-scheme: dark;");
    if let Some(colour) = colour::in_edit(words) {
        if words.has_any(&["background", "backdrop", "paper"]) {
            found.push((Wear::Paper(colour), format!("the background is {}", colour.name)));
        } else {
            found.push((Wear::Accent(colour), format!("the colour is {}", colour.name)));
        }
    }
    if words.has_any(&["dark", "darker", "night"]) && !always_dark {
        found.push((Wear::Dark, "it is dark".to_owned()));
    } else if words.has_any(&["light", "lighter", "bright", "brighter", "day mode"]) && !always_dark {
        found.push((Wear::Light, "it is light".to_owned()));
    }
    let size = colour::size(theme_of(html).unwrap_or_default());
    let of_text = words.has_any(&["text", "font", "letter", "everything", "size", "it", "word"]);
    if of_text && words.has_any(&["bigger", "larger", "big", "large", "increase", "huge"]) && size < LARGEST {
        found.push((Wear::Size((size + 15).min(LARGEST)), "the text is larger".to_owned()));
    } else if of_text && words.has_any(&["smaller", "small", "tiny", "decrease"]) && size > SMALLEST {
        found.push((Wear::Size((size - 10).max(SMALLEST)), "the text is smaller".to_owned()));
    }
    found
}

/// The title, and the words it was said in: the name in `call it X`, `rename to X`, `change the title to X`, `title: X`.
fn new_title(asked: &str) -> Option<(String, &str)> {
    let lower = asked.to_ascii_lowercase();
    let marks = [
        "call it ",
        "call this ",
        "name it ",
        "rename it to ",
        "rename this to ",
        "rename to ",
        "rename it ",
        "title to ",
        "heading to ",
        "headline to ",
        "name to ",
        "title: ",
        "title should be ",
        "title should say ",
        "titled ",
    ];
    let after = marks.iter().filter_map(|mark| Some(lower.find(mark)? + mark.len())).max()?;
    let rest = asked.get(after..)?.trim_start();
    let name = title::quoted(rest).unwrap_or_else(|| {
        let line = rest.lines().next().unwrap_or_default();
        let end = [" and make ", " and change ", " and turn ", " please", ", and ", ". ", " with "];
        let end = end.iter().filter_map(|stop| line.to_ascii_lowercase().find(stop)).min();
        line.get(..end.unwrap_or(line.len())).unwrap_or(line)
    });
    title::finished(name).map(|title| (title, name))
}

fn retitle(html: &str, name: &str) -> String {
    let text = escape(name);
    let html = inside(html, "<title", "</title>", &text);
    match html.find(" data-title") {
        // Marked as given, so that the page's own script leaves it alone.
        Some(at) if choose::marked(&html).is_some() => {
            let (before, after) = html.split_at(at);
            let after = after.replacen(" data-title=\"given\"", " data-title", 1).replacen(
                " data-title",
                " data-title=\"given\"",
                1,
            );
            format!("{before}{}", inside(&after, " data-title", "<", &text))
        }
        _ => inside(&html, "<h1", "</h1>", &text),
    }
}

/// Replaces what stands in the first element that begins so; the page is unchanged where there is none.
fn inside(html: &str, open: &str, close: &str, text: &str) -> String {
    let found = html.find(open).and_then(|at| {
        let start = at + html[at..].find('>')? + 1;
        let end = start + html[start..].find(close)?;
        Some((start, end))
    });
    match found {
        Some((start, end)) => format!("{}{text}{}", &html[..start], &html[end..]),
        None => html.to_owned(),
    }
}

fn theme_of(html: &str) -> Option<&str> {
    let (_, after) = html.split_once(THEME_OPEN)?;
    after.split_once("</style>").map(|(theme, _)| theme)
}

fn themed(html: &str, wear: Wear) -> String {
    match theme_of(html) {
        Some(theme) => inside(html, THEME_OPEN, "</style>", &colour::put_on(theme, wear)),
        None => html.to_owned(),
    }
}

fn note(asked: &str, done: &[String], beyond: bool) -> String {
    let mut note = String::new();
    if done.is_empty() {
        let _ = write!(
            note,
            "Asked for: “{}”. Nothing changed: the demo provider can change the colour, the background, dark or light, \
             the text size and the title.",
            bounded(asked.trim(), 120)
        );
    } else {
        let _ = write!(note, "Edited by the demo provider: {}.", done.join(", "));
        if beyond {
            note.push_str(" It could not do the rest.");
        }
    }
    note.push_str(" With an API key set, an AI does any edit.");
    note
}

/// The note goes at the end of the footer, else of the body, else of the text.
fn with_note(html: &str, note: &str) -> String {
    let element = format!("{NOTE_OPEN}style=\"margin:.5rem 0 0;font-size:.8rem\">{}</p>", escape(note));
    let at = ["</footer>", "</body>", "</html>"].iter().find_map(|close| html.rfind(close)).unwrap_or(html.len());
    format!("{}{element}{}", &html[..at], &html[at..])
}

fn without_note(html: &str) -> String {
    let Some(start) = html.rfind(NOTE_OPEN) else { return html.to_owned() };
    match html[start..].find("</p>") {
        Some(length) => format!("{}{}", &html[..start], &html[start + length + 4..]),
        None => html.to_owned(),
    }
}
