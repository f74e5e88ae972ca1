//! Commands about pages that are there: INDEX, EDIT, UNDO, REMIX, FAVE, HIDE, UNHIDE, FORGET.
//!
//! What is done to a page is told by `say` after the host has done it, never promised here.

use wtaf_plugin_sdk::{Named, PageSummary, coach::Decision};

use super::{act, build::on_page, reply};
use crate::{
    grammar::{Address, Line, address, first_and_rest, only_word},
    say::words,
    scene::{Found, Scene, is_newest},
};

/// Words behind a command that show it to be plain English: "forget it", "hide me".
const TALK: &[&str] = &[
    "it",
    "that",
    "this",
    "them",
    "me",
    "us",
    "you",
    "him",
    "her",
    "everything",
    "all",
    "about",
    "my",
    "the",
    "a",
    "an",
    "your",
    "our",
    "what",
    "how",
    "why",
    "and",
    "or",
];
/// Words that begin what is to change: "EDIT make it blue" names no page and means the newest.
const CHANGES: &[&str] = &[
    "make",
    "add",
    "change",
    "remove",
    "turn",
    "put",
    "use",
    "give",
    "set",
    "fix",
    "delete",
    "replace",
    "move",
    "rename",
    "swap",
    "show",
    "let",
    "write",
    "translate",
];

/// INDEX lists the pages; INDEX n makes one the home page.
pub fn index(scene: &Scene, line: Line) -> Option<Decision> {
    if line.rest.is_empty() {
        return Some(reply(words::index(scene)));
    }
    let word = only_page(line.rest)?;
    match scene.page(word) {
        Found::Own(page) => Some(act("set-home", Some(&page.slug), None)),
        // "index finger" has no number in it: other words.
        Found::None | Found::Elsewhere(_) if is_number(word) => Some(reply(words::no_such_page(word))),
        Found::None | Found::Elsewhere(_) => None,
    }
}

/// EDIT page what; without a page, or with "it", the newest is meant: a change can be taken back.
pub fn edit(scene: &Scene, line: Line) -> Option<Decision> {
    if line.rest.is_empty() {
        return Some(reply(words::usage("EDIT", "a page and what to change: EDIT 1 make it blue")));
    }
    let (word, what) = page_and_rest(scene, line.rest);
    let slug = match scene.page(word) {
        Found::Own(page) => page.slug.as_str(),
        Found::Elsewhere(slug) if scene.may_have_more_pages() && slug.contains('-') => slug,
        Found::Elsewhere(_) | Found::None => {
            let what = if means_newest(word) { what } else { line.rest };
            let begins = means_newest(word) || is_one_of(CHANGES, word);
            return match scene.pages().first() {
                Some(newest) if begins && !what.is_empty() => Some(edited(scene, &newest.slug, what)),
                None if begins => Some(reply(words::index(scene))),
                _ => missing(word),
            };
        }
    };
    if what.is_empty() {
        return Some(reply(words::usage("EDIT", &format!("what to change, too: EDIT {word} make it blue"))));
    }
    Some(edited(scene, slug, what))
}

fn edited(scene: &Scene, slug: &str, what: &str) -> Decision {
    let (who, text) = address(what, scene.cast());
    match who {
        Address::Coach(coach) if !text.is_empty() => {
            on_page(scene, "edit", Some(coach), Some(slug), text, "EDIT says so".into())
        }
        _ => on_page(scene, "edit", scene.named_outside().ok().flatten(), Some(slug), what, "EDIT says so".into()),
    }
}

/// REMIX page what, of anyone's page.
pub fn remix(scene: &Scene, line: Line) -> Option<Decision> {
    let (word, what) = page_and_rest(scene, line.rest);
    if word.is_empty() {
        return Some(reply(words::usage("REMIX", "a page: REMIX happy-otter/snake make it neon")));
    }
    let newest = means_newest(word) && !scene.pages().is_empty();
    if is_talk(word) && !newest {
        return None;
    }
    let page = match scene.page(if means_newest(word) { "last" } else { word }) {
        Found::Own(page) => page.slug.as_str(),
        Found::Elsewhere(page) => page,
        Found::None => return Some(reply(words::no_such_page(word))),
    };
    let (who, text) = address(what, scene.cast());
    Some(match who {
        Address::Coach(coach) => on_page(scene, "remix", Some(coach), Some(page), text, "REMIX says so".into()),
        _ => on_page(scene, "remix", scene.named_outside().ok().flatten(), Some(page), what, "REMIX says so".into()),
    })
}

/// UNDO page; alone or with "it", the one page that was changed, where there is just one.
pub fn undo(scene: &Scene, line: Line) -> Option<Decision> {
    let alone = line.rest.is_empty();
    let word = if alone { "it" } else { only_page(line.rest)? };
    if alone || means_newest(word) {
        return Some(undo_the_change(scene));
    }
    match scene.page(word) {
        Found::Own(page) if version(page) == Some(1) => Some(reply(words::nothing_to_undo(page))),
        Found::Own(page) => Some(act("undo", Some(&page.slug), None)),
        Found::Elsewhere(slug) if scene.may_have_more_pages() && !is_talk(word) => Some(act("undo", Some(slug), None)),
        Found::Elsewhere(_) | Found::None => missing(word),
    }
}

fn undo_the_change(scene: &Scene) -> Decision {
    let mut changed = scene.pages().iter().filter(|page| version(page).is_some_and(|version| version > 1));
    match (changed.next(), changed.next(), scene.pages().first()) {
        (Some(page), None, _) => act("undo", Some(&page.slug), None),
        (Some(_), Some(_), _) => {
            reply(words::usage("UNDO", "a page: UNDO 1 takes back the last change of your newest"))
        }
        (None, _, Some(newest)) => reply(words::nothing_to_undo(newest)),
        (None, _, None) => reply(words::index(scene)),
    }
}

fn version(page: &PageSummary) -> Option<u32> {
    page.extra.named("version")?.parse().ok()
}

/// FAVE page, of anyone's page.
pub fn fave(scene: &Scene, line: Line) -> Option<Decision> {
    if line.rest.is_empty() {
        return Some(reply(words::usage("FAVE", "a page: FAVE happy-otter/snake, or FAVE 1 for your newest")));
    }
    let word = only_page(line.rest)?;
    match scene.page(word) {
        Found::Own(page) => Some(act("fave", Some(&page.slug), None)),
        Found::Elsewhere(page) if !is_talk(word) => Some(act("fave", Some(page), None)),
        Found::Elsewhere(_) | Found::None => missing(word),
    }
}

/// HIDE page.
pub fn hide(scene: &Scene, line: Line) -> Option<Decision> {
    own(scene, "hide", line)
}

/// UNHIDE page.
pub fn unhide(scene: &Scene, line: Line) -> Option<Decision> {
    own(scene, "unhide", line)
}

/// FORGET page.
pub fn forget(scene: &Scene, line: Line) -> Option<Decision> {
    own(scene, "forget", line)
}

/// A verb on one of the person's own pages.
fn own(scene: &Scene, verb: &str, line: Line) -> Option<Decision> {
    if line.rest.is_empty() {
        let shown = verb.to_ascii_uppercase();
        return Some(reply(words::usage(&shown, &format!("a page: {shown} 1 means your newest"))));
    }
    let word = only_page(line.rest)?;
    match scene.page(word) {
        Found::Own(page) => Some(act(verb, Some(&page.slug), None)),
        Found::Elsewhere(slug) if scene.may_have_more_pages() && !is_talk(word) => Some(act(verb, Some(slug), None)),
        Found::Elsewhere(_) | Found::None => missing(word),
    }
}

/// No page of that name, said in words, unless it never was meant as one.
fn missing(word: &str) -> Option<Decision> {
    (!is_talk(word)).then(|| reply(words::no_such_page(word)))
}

/// The one word that names a page: `2`, `page 2`, `the last one`, `my red-ant page`.
fn only_page(rest: &str) -> Option<&str> {
    let rest = ["the ", "my ", "page "].iter().fold(rest, |rest, filler| strip(rest, filler));
    let (word, behind) = first_and_rest(rest);
    let filler = only_word(behind).is_some_and(|word| is_one_of(&["page", "one", "please"], word));
    if filler { Some(word) } else { only_word(rest) }
}

/// The word that names a page, and what follows it: `2 make it blue`, `my last page: make it blue`.
fn page_and_rest<'t>(scene: &Scene, rest: &'t str) -> (&'t str, &'t str) {
    let plain = ["the ", "my ", "page "].iter().fold(rest, |rest, filler| strip(rest, filler));
    let (word, what) = first_and_rest(plain);
    let shorter = plain.len() < rest.len();
    if shorter && !matches!(scene.page(word), Found::Own(_)) {
        return first_and_rest(rest);
    }
    let (next, behind) = first_and_rest(what);
    let filler = is_newest(bare(word)) && is_one_of(&["page", "one"], next);
    (word, if filler { behind } else { what })
}

fn strip<'t>(rest: &'t str, filler: &str) -> &'t str {
    let starts = rest.get(..filler.len()).is_some_and(|start| start.eq_ignore_ascii_case(filler));
    if starts { rest[filler.len()..].trim_start() } else { rest }
}

/// "it" alone stands for the newest page where what is done can be taken back; "this" and "that" may be anything.
fn means_newest(word: &str) -> bool {
    bare(word).eq_ignore_ascii_case("it")
}

fn is_talk(word: &str) -> bool {
    is_one_of(TALK, word)
}

fn is_one_of(known: &[&str], word: &str) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(bare(word)))
}

/// A word without the marks behind it.
fn bare(word: &str) -> &str {
    word.trim_end_matches(|letter: char| !letter.is_alphanumeric())
}

fn is_number(word: &str) -> bool {
    word.trim_start_matches('#').bytes().all(|byte| byte.is_ascii_digit())
}
