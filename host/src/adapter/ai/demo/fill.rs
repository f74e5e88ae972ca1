//! What a request gives to fill a page with, as the values its placeholders name.
//!
//! Text: `title`, `idea` (the request itself, bounded), `names` (joined), the landing page's copy. For scripts also
//! `items`, `names`, `numbers`, `date`, `questions`. `theme` is CSS written from constants.

use super::choose::App;
use super::colour::{self, Wear};
use super::copy;
use super::list;
use super::template::Values;
use super::title;
use super::when;
use super::words::{MOST_READ, Words, bounded};
use serde_json::{Value, json};

const MOST_IDEA: usize = 280;

/// The values for one page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fills {
    title: String,
    values: Values,
}

impl Fills {
    pub(super) fn from_request(text: &str, app: &App) -> Self {
        let text: String = text.chars().take(MOST_READ).collect();
        let words = Words::of(&text);
        let trade = copy::trade(&words);
        let named =
            title::of_request(&text).filter(|title| app.name != "landing" || !copy::is_only_trade(&Words::of(title)));
        let title = named.unwrap_or_else(|| default_title(app, trade));
        let names = list::names(&text);
        let mut values = Values::new();
        for (key, value) in copy::of_trade(trade) {
            values.insert(key.clone(), value.clone());
        }
        let mut set = |key: &str, value: Value| values.insert(key.to_owned(), value);
        set("title", json!(title));
        set("idea", json!(bounded(text.trim(), MOST_IDEA)));
        // "poll: pineapple on pizza, yes or no": the question is not one of its answers.
        let mut items = list::items(&text);
        items.retain(|item| item.to_lowercase() != title.to_lowercase());
        set("items", json!(items));
        set("numbers", list::numbers(&text).into_iter().map(|(n, u)| json!({"n": n, "u": u})).collect());
        set("date", when::date(&text));
        set("questions", copy::questions(&words));
        set("caption", json!(caption(&text)));
        set("theme", json!(theme(&words)));
        set("footer", json!(super::FOOTER));
        set("names", json!(names));
        Self { title, values }
    }

    /// Says at the foot of the page that it is not quite what was asked for.
    pub(super) fn admit(&mut self) {
        self.values.insert("footer".to_owned(), json!(format!("{} {}", super::NEAREST, super::FOOTER)));
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    pub(super) fn values(&self) -> &Values {
        &self.values
    }
}

fn default_title(app: &App, trade: &str) -> String {
    let own = (app.name == "landing").then(|| copy::of_trade(trade).get("name")).flatten().and_then(Value::as_str);
    own.unwrap_or(app.title).to_owned()
}

/// Only what the person asked for is laid over a page: its own look is the better default.
fn theme(words: &Words) -> String {
    let mut theme = String::new();
    if let Some(colour) = colour::in_request(words) {
        theme = colour::put_on(&theme, Wear::Accent(colour));
    }
    if words.has_any(&["dark mode", "dark theme", "dark", "night mode"]) {
        theme = colour::put_on(&theme, Wear::Dark);
    } else if words.has_any(&["light mode", "light theme"]) {
        theme = colour::put_on(&theme, Wear::Light);
    }
    theme
}

/// A meme's two lines: what stands in quotes, or what follows `about`, `saying`, `of`; the second line may be empty.
fn caption(text: &str) -> [String; 2] {
    let said = text.find(['"', '“']).and_then(|at| title::quoted(&text[at..]));
    let said = said.map_or_else(|| after_intro(text), str::to_owned);
    let said = bounded(said.trim().trim_end_matches('.'), 110);
    let lower = said.to_lowercase();
    let turn = [" / ", ", ", " but ", " vs ", " and then ", " when ", " while ", " because ", " then "]
        .iter()
        .find_map(|mark| lower.find(mark).filter(|at| *at > 0).map(|at| (at, *mark)));
    match turn {
        Some((at, mark)) if said.is_char_boundary(at) => {
            let skip = if matches!(mark, " / " | ", ") { mark.len() } else { 1 };
            [said[..at].to_owned(), said.get(at + skip..).unwrap_or_default().to_owned()]
        }
        _ => halves(&said),
    }
}

fn after_intro(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let after = [" that says ", " saying ", " about ", " of ", " where ", " for ", "meme: ", "meme "]
        .iter()
        .find_map(|mark| lower.find(mark).map(|at| at + mark.len()));
    after.and_then(|at| text.get(at..)).unwrap_or_default().to_owned()
}

fn halves(said: &str) -> [String; 2] {
    let words: Vec<&str> = said.split_whitespace().collect();
    let (top, bottom) = words.split_at(words.len().div_ceil(2));
    [top.join(" "), bottom.join(" ")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_turns_where_the_joke_does() {
        assert_eq!(caption("meme about Mondays, and then Tuesday"), ["Mondays", "and then Tuesday"]);
        assert_eq!(
            caption("a meme that says \"one does not simply / ship on friday\""),
            ["one does not simply", "ship on friday"]
        );
        assert_eq!(caption("meme"), ["", ""]);
        assert_eq!(caption("meme about cats who code"), ["cats who", "code"]);
    }

    #[test]
    fn only_what_was_asked_for_is_laid_over_a_page() {
        assert_eq!(theme(&Words::of("a snake game")), "");
        assert!(theme(&Words::of("a purple snake game in dark mode")).contains("color-scheme:dark"));
    }
}
