//! What a page is called: its `<title>`, else its first heading, else the words that asked for it.

use crate::{document::Outline, text};

/// Titles that say nothing, as left over from templates.
const EMPTY: [&str; 7] = ["document", "untitled", "untitled document", "title", "page title", "my page", "html page"];

/// The title of a page.
pub fn title(outline: &Outline, asked: &str, chars: usize) -> Option<String> {
    let telling = |title: &&String| !EMPTY.contains(&title.to_lowercase().as_str());
    let found = outline.title.as_ref().filter(telling).or(outline.heading.as_ref()).or(outline.title.as_ref());
    match found {
        Some(title) => Some(text::short(title, chars)),
        None => from_words(asked, chars),
    }
}

/// A title made of the idea: its first line, short, with a capital.
pub fn from_words(asked: &str, chars: usize) -> Option<String> {
    let line = asked.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = text::short(&text::collapse(line), chars.min(60));
    let mut letters = line.trim_end_matches(['.', '!', ',']).chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document, text::Meter};

    fn of(html: &str) -> Option<String> {
        title(&document::outline(html, &Meter::default()), "a timer for pizza dough.\nred", 40)
    }

    #[test]
    fn a_title_is_taken_where_it_says_most() {
        assert_eq!(of("<html><title> Dough \n Timer</title><h1>Hi</h1>").as_deref(), Some("Dough Timer"));
        assert_eq!(of("<html><title>Document</title><h1>Dough</h1>").as_deref(), Some("Dough"));
        assert_eq!(of("<html><p>x").as_deref(), Some("A timer for pizza dough"));
    }
}
