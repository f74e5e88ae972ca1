//! Finds the page in what the AI said.
//!
//! A scanner for Markdown, JSON and delimiters around a tokenizer of HTML (`tokens`); each byte is looked at a fixed number of times, whatever the input,
//! and nothing recurses. The way of an answer: `text` cleans it, `json` unwraps it, `seam` joins its pieces, `scan` reads it, `pick` chooses
//! among what was read, `cutoff` judges, `fold` makes one document of it. For an order of the kind `chat`, `reply` makes words fit for a text.
//!
//! Of several whole documents for the same audience the last is taken: models that give two have corrected the first.

mod bytes;
mod cutoff;
mod delimiter;
mod document;
mod fences;
mod fold;
mod fragment;
mod json;
mod omission;
mod pick;
mod references;
mod reply;
mod scan;
mod seam;
mod text;
mod title;
mod tokens;

use std::borrow::Cow;

use serde::Deserialize;
use wtaf_plugin_sdk::{
    Context, Named, Order, PageDraft, StageError,
    extract::{Extract, Found},
};

use crate::{cutoff::Supply, delimiter::Audience, fences::Runs, pick::Verdict, text::Meter};

/// The stage's `config` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Longest reply to a chat, in characters: three segments of a text.
    pub reply_chars: usize,
    /// Longest note (what the AI said besides the page), in characters.
    pub note_chars: usize,
    /// Longest title, in characters.
    pub title_chars: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { reply_chars: 450, note_chars: 500, title_chars: 80 }
    }
}

/// The extractor that comes with the engine.
pub struct Extractor;

impl Extract for Extractor {
    fn extract(ctx: Context, order: Order, answer: String, finished: bool) -> Result<Found, StageError> {
        let config: Config = ctx.config()?;
        let supply = Supply::new(finished, ctx.extra.named("last") == Some("true"));
        Ok(find(&config, &order, &answer, supply).0)
    }
}

wtaf_plugin_sdk::export_extract!(Extractor);

/// JSON in JSON in JSON: deeper than any model goes.
const WRAPPINGS: usize = 3;

/// What the answer holds, and how many bytes were looked at to find it.
fn find(config: &Config, order: &Order, answer: &str, supply: Supply) -> (Found, u64) {
    let meter = Meter::default();
    let cleaned = text::clean(answer);
    let found = if order.kind == "chat" {
        chat(config, order, &cleaned, supply)
    } else {
        let mut text = cleaned;
        for _ in 0..WRAPPINGS {
            let Some(plain) = json::plain(&text, &meter) else { break };
            text = plain.replace('\0', "").into();
        }
        let runs = Runs::of(&text, &meter);
        match seam::mend(&text, &runs, &meter) {
            Cow::Borrowed(text) => pages(config, order, text, &runs, supply, &meter),
            Cow::Owned(text) => pages(config, order, &text, &Runs::of(&text, &meter), supply, &meter),
        }
    };
    (found, meter.read())
}

fn chat(config: &Config, order: &Order, answer: &str, supply: Supply) -> Found {
    let words = reply::reply(answer, order.coach.as_deref(), config.reply_chars, supply == Supply::Finished);
    if words.is_empty() { Found::Nothing("the AI said nothing".to_owned()) } else { Found::Reply(words) }
}

fn pages(config: &Config, order: &Order, answer: &str, runs: &Runs<'_>, supply: Supply, meter: &Meter) -> Found {
    let pieces = scan::scan(answer, runs, meter);
    let picker = pick::Picker { answer, pieces: &pieces, order, supply, title_chars: config.title_chars, meter };
    let mut drafts = Vec::new();
    match picker.page(Audience::Everyone) {
        Verdict::Page(page) => drafts.push(draft(Audience::Everyone, page)),
        Verdict::CutOff => return Found::CutOff,
        Verdict::Nothing(why) => return nothing(why, answer, &pieces, supply),
    }
    if pieces.owner_announced {
        match picker.page(Audience::Owner) {
            Verdict::Page(page) => drafts.push(draft(Audience::Owner, page)),
            Verdict::CutOff => return Found::CutOff,
            Verdict::Nothing(_) if supply == Supply::More => return Found::CutOff,
            // The page for everyone stands by itself.
            Verdict::Nothing(_) => {}
        }
    }
    let note = note(config, answer, &pieces);
    if let Some(first) = drafts.first_mut().filter(|_| !note.is_empty()) {
        first.extra.push(("note".to_owned(), note));
    }
    Found::Pages(drafts)
}

fn draft(audience: Audience, page: pick::Page) -> PageDraft {
    PageDraft {
        audience: audience.word().to_owned(),
        title: page.title,
        html: page.html,
        assets: Vec::new(),
        extra: Vec::new(),
    }
}

fn said(answer: &str, pieces: &scan::Pieces) -> String {
    let lines = pieces.prose.iter().map(|range| answer[range.clone()].trim());
    let words: Vec<&str> = lines.filter(|line| !fragment::begins(line) && !line.starts_with("</")).collect();
    reply::plain(&words.join("\n"))
}

fn note(config: &Config, answer: &str, pieces: &scan::Pieces) -> String {
    text::short(&said(answer, pieces), config.note_chars)
}

/// No page, and the reason in words short enough to be passed on.
fn nothing(why: &'static str, answer: &str, pieces: &scan::Pieces, supply: Supply) -> Found {
    let said = text::short(&text::collapse(&said(answer, pieces)), 160);
    if answer.trim().is_empty() {
        return Found::Nothing("the answer is empty".to_owned());
    }
    // An answer cut off before its page began: the rest may hold it.
    if supply == Supply::More {
        return Found::CutOff;
    }
    if said.is_empty() { Found::Nothing(why.to_owned()) } else { Found::Nothing(format!("{why}; the AI said: {said}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: &str) -> Order {
        Order {
            kind: kind.to_owned(),
            text: "x".to_owned(),
            coach: None,
            page: None,
            why: String::new(),
            extra: Vec::new(),
        }
    }

    /// Endings that make the reader look far ahead, and what they are repeated with.
    const HOSTILE: [(&str, &str); 41] = [
        ("<", ""),
        ("`", ""),
        ("~", ""),
        ("`\n", ""),
        ("```\n", ""),
        ("```html\n", ""),
        ("```html\n<html>\n```\n", ""),
        ("```html\n<html><script>\n```\n", "</html>"),
        ("```html\n<html><!--\n```\n", "</html>"),
        ("```html\n<!doctype html><script>\n```\n", "</script></html>"),
        ("```html\n<script>\n```\n", "</script>"),
        ("```html\n<p>\n```\n", "</html>"),
        ("<html></html>", ""),
        ("<html></html>```", ""),
        ("<html></html>\n", ""),
        ("<html>", "</html>"),
        ("<html>\n", "</html>"),
        ("<!doctype html", ""),
        ("<!doctype html>", "</html>"),
        ("<html><script>", "</html>"),
        ("<!--", ""),
        ("<!-- wtaf:page owner -->", ""),
        ("<!-- wtaf:page owner -->\n<html>\n", "</html>"),
        ("{\"", ""),
        ("[{\"html\":\"", ""),
        ("\"\\", ""),
        ("{\"a\":\"<html>\"},", ""),
        ("<a b=", ""),
        ("&", ""),
        ("<h1>", ""),
        ("<svg>\n", "</svg>"),
        ("x```html\n", "</html>"),
        ("<html>x```html\n", "</html>"),
        ("[a](", ""),
        ("</>", ""),
        ("``` ", ""),
        ("```html ", "</html>"),
        ("<html><!--<script", "</html>"),
        ("<html><script><!--<script>", "</script></html>"),
        ("<h1>&amp", "</h1>"),
        ("<a href='&", "'>"),
    ];

    #[test]
    fn twice_the_input_is_twice_the_work() {
        let config = Config::default();
        for (part, end) in HOSTILE {
            for (start, finished) in [("", true), ("```html\n", true), ("<html>\n", false), ("{\"html\": \"", true)] {
                let steps = |bytes: usize| {
                    let answer = format!("{start}{}{end}", part.repeat(bytes / part.len()));
                    find(&config, &order("page"), &answer, Supply::new(finished, false)).1
                };
                let (once, twice) = (steps(1 << 13), steps(1 << 14));
                assert!(twice <= once * 2 + once / 4 + 20_000, "{start:?} {part:?} {end:?}: {once} then {twice}");
                assert!(twice < 40 << 14, "{start:?} {part:?} {end:?}: {twice}");
            }
        }
    }

    #[test]
    fn a_chat_is_words_and_silence_is_nothing() {
        let said = |answer: &str| find(&Config::default(), &order("chat"), answer, Supply::Finished).0;
        assert!(matches!(said("**Hi.**"), Found::Reply(words) if words == "Hi."));
        assert!(matches!(said("\0 \n"), Found::Nothing(_)));
    }
}
