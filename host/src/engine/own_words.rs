//! What a page says of itself: its title, its own description, its first heading and paragraph. Read from the markup as it streams by.
//!
//! What a page was asked for with never comes in here: those words are the person's.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use lol_html::{HtmlRewriter, Settings, element, end_tag, text};

/// Characters of a description, as previews show them.
const LONGEST: usize = 200;
/// Characters that are looked at in one element.
const ENOUGH: usize = 2_000;
/// Paragraphs that are looked at: the first ones may be a date or a button.
const PARAGRAPHS: usize = 5;
/// A paragraph shorter than this says nothing.
const TELLING: usize = 24;

/// The words, as plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnWords {
    title: String,
    meta: String,
    headings: Vec<String>,
    paragraphs: Vec<String>,
}

impl OwnWords {
    /// What it calls itself: its title, else its first heading.
    pub fn title(&self) -> Option<String> {
        let heading = self.headings.first().map(String::as_str);
        [Some(self.title.as_str()), heading].into_iter().flatten().find(|t| !t.is_empty()).map(|t| short(t, 120))
    }

    /// What it says it is, in one line; empty where it does not say.
    pub fn description(&self) -> String {
        let told = self.paragraphs.iter().find(|p| p.chars().count() >= TELLING);
        let heading = self.headings.iter().find(|h| **h != self.title);
        let words = [Some(&self.meta), told, heading, self.paragraphs.first()];
        words.into_iter().flatten().find(|w| !w.is_empty()).map(|w| short(w, LONGEST)).unwrap_or_default()
    }
}

/// The words of a document. What cannot be read to its end is read as far as it goes.
pub fn of(html: &str) -> OwnWords {
    let words = Rc::new(RefCell::new(OwnWords::default()));
    // Within these, text is a drawing's or nobody's.
    let aside = Rc::new(Cell::new(0_u32));
    let settings = Settings::new()
        .append_element_content_handler(element!(
            "svg, script, style, template, noscript, [hidden], [aria-hidden='true']",
            {
                let aside = aside.clone();
                move |el| {
                    if el.end_tag_handlers().is_some() {
                        aside.set(aside.get() + 1);
                        let aside = aside.clone();
                        el.on_end_tag(end_tag!(move |_| {
                            aside.set(aside.get().saturating_sub(1));
                            Ok(())
                        }))?;
                    }
                    Ok(())
                }
            }
        ))
        .append_element_content_handler(element!("meta", {
            let words = words.clone();
            move |el| {
                let named =
                    el.get_attribute("name").is_some_and(|name| name.trim().eq_ignore_ascii_case("description"));
                let mut words = words.borrow_mut();
                if named && words.meta.is_empty() {
                    add(&mut words.meta, &el.get_attribute("content").unwrap_or_default());
                }
                Ok(())
            }
        }))
        .append_element_content_handler(text!("title", {
            let (words, aside) = (words.clone(), aside.clone());
            move |chunk| {
                if aside.get() == 0 {
                    add(&mut words.borrow_mut().title, chunk.as_str());
                }
                Ok(())
            }
        }))
        .append_element_content_handler(element!("h1, h2", {
            let (words, aside) = (words.clone(), aside.clone());
            move |_| {
                begin(&mut words.borrow_mut().headings, aside.get());
                Ok(())
            }
        }))
        .append_element_content_handler(text!("h1, h2", {
            let (words, aside) = (words.clone(), aside.clone());
            move |chunk| {
                go_on(&mut words.borrow_mut().headings, aside.get(), chunk.as_str());
                Ok(())
            }
        }))
        .append_element_content_handler(element!("p", {
            let (words, aside) = (words.clone(), aside.clone());
            move |_| {
                begin(&mut words.borrow_mut().paragraphs, aside.get());
                Ok(())
            }
        }))
        .append_element_content_handler(text!("p", {
            let (words, aside) = (words.clone(), aside);
            move |chunk| {
                go_on(&mut words.borrow_mut().paragraphs, aside.get(), chunk.as_str());
                Ok(())
            }
        }))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    let read = rewriter.write(html.as_bytes()).and_then(|()| rewriter.end());
    if let Err(error) = read {
        tracing::debug!(%error, "a page's words could not be read to their end");
    }
    let raw = words.take();
    let plain = |texts: Vec<String>| texts.iter().map(|t| plain(t)).filter(|t| !t.is_empty()).collect();
    OwnWords {
        title: self::plain(&raw.title),
        meta: self::plain(&raw.meta),
        headings: plain(raw.headings),
        paragraphs: plain(raw.paragraphs),
    }
}

fn begin(texts: &mut Vec<String>, aside: u32) {
    if aside == 0 && texts.len() <= PARAGRAPHS {
        texts.push(String::new());
    }
}

fn go_on(texts: &mut [String], aside: u32, chunk: &str) {
    // The last one takes no more: it is where the ones that are not looked at would go.
    if aside == 0
        && texts.len() <= PARAGRAPHS
        && let Some(text) = texts.last_mut()
    {
        add(text, chunk);
    }
}

fn add(text: &mut String, chunk: &str) {
    let room = ENOUGH.saturating_sub(text.len());
    text.push_str(&chunk[..chunk.floor_char_boundary(room)]);
}

/// Markup's text as people read it: character references resolved, spaces squeezed.
fn plain(markup: &str) -> String {
    let mut out = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // Only so far as a name goes: a page of nothing but ampersands is read once.
        let end = rest.bytes().take(11).position(|byte| byte == b';');
        if let Some((c, end)) = end.and_then(|end| Some((reference(&rest[1..end])?, end))) {
            out.push(c);
            rest = &rest[end + 1..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() || c.is_whitespace());
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "mdash" => '\u{2014}',
        "ndash" => '\u{2013}',
        "hellip" => '\u{2026}',
        "rsquo" => '\u{2019}',
        "lsquo" => '\u{2018}',
        "rdquo" => '\u{201d}',
        "ldquo" => '\u{201c}',
        "middot" => '\u{b7}',
        "bull" => '\u{2022}',
        "copy" => '\u{a9}',
        "times" => '\u{d7}',
        _ => return None,
    })
}

/// Cut at a word's end, and seen to be cut.
fn short(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let kept = &text[..end];
    let kept = kept.rfind(' ').filter(|&at| at > end / 2).map_or(kept, |at| &kept[..at]);
    format!("{}\u{2026}", kept.trim_end_matches([',', '.', ';', ':', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_own_description_comes_first() {
        let words = of(
            "<title>Fox</title><meta name=Description content='Runs &amp; jumps'><h1>Fox!</h1><p>Longer than a heading ever was.</p>",
        );
        assert_eq!((words.title().as_deref(), words.description().as_str()), (Some("Fox"), "Runs & jumps"));
    }

    #[test]
    fn else_its_first_telling_paragraph_then_its_heading() {
        let words =
            of("<title>Fox</title><h1>Fox</h1><p>Score: 0</p><p>Catch the <b>hens</b>\n before&nbsp;they wake.</p>");
        assert_eq!(words.description(), "Catch the hens before they wake.");
        assert_eq!(of("<title>Fox</title><h1>Catch hens</h1>").description(), "Catch hens");
        assert_eq!(of("<title>Fox</title><h1>Fox</h1>").description(), "");
    }

    #[test]
    fn a_page_without_a_title_is_called_by_its_heading() {
        assert_eq!(of("<h1>Fox &lt;3</h1>").title().as_deref(), Some("Fox <3"));
        assert_eq!(of("<p>words</p>").title(), None);
    }

    #[test]
    fn what_nobody_reads_is_not_its_words() {
        let words = of(
            "<svg><title>circle</title></svg><template><h1>No</h1></template><p hidden>Not to be read by anyone</p>\
                        <script>'<p>Nothing here is a paragraph</p>'</script><p>This is the first paragraph.</p>",
        );
        assert_eq!((words.title(), words.description().as_str()), (None, "This is the first paragraph."));
    }

    #[test]
    fn a_long_paragraph_is_cut_at_a_word() {
        let long = format!("<p>{}</p>", "word ".repeat(100));
        let description = of(&long).description();
        assert!(description.ends_with("word\u{2026}") && description.chars().count() <= LONGEST + 1, "{description}");
        assert!(of(&format!("<p>{}</p>", "\u{1f98a}".repeat(5_000))).description().chars().count() <= LONGEST + 1);
    }

    #[test]
    fn a_page_of_nothing_but_ampersands_is_read_once() {
        let endless = "&".repeat(1 << 20);
        let began = std::time::Instant::now();
        let words = of(&format!("<title>{endless}</title><meta name=description content='{endless}'><p>{endless}"));
        assert!(words.description().len() <= ENOUGH && began.elapsed().as_secs() < 20);
    }

    #[test]
    fn an_odd_document_is_read_as_far_as_it_goes() {
        for html in
            ["", "<", "&", "&#;", "<p>&#x110000; & &nonsense; &#0; fine enough to be told</p>", "<p><p><p>", "<!--"]
        {
            let _ = of(html).description();
        }
        assert_eq!(plain("&#65;&#x42; &#x110000; &amp"), "AB &#x110000; &amp");
    }
}
