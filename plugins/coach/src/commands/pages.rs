//! Commands about pages that are there: INDEX, EDIT, UNDO, REMIX, FAVE, HIDE, UNHIDE, FORGET.
//!
//! What is done to a page is told by `say` after the host has done it, never promised here.

use wtaf_plugin_sdk::{Named, coach::Decision};

use super::{act, build::on_page, reply};
use crate::{
    grammar::{Address, Line, address, first_and_rest, only_word},
    say::words,
    scene::{Found, Scene},
};

/// Words behind a command that show it to be plain English: "forget it", "hide me".
const TALK: &[&str] = &["it", "that", "this", "them", "me", "us", "you", "him", "her", "everything", "all", "about"];

/// INDEX lists the pages; INDEX n makes one the home page.
pub fn index(scene: &Scene, line: Line) -> Option<Decision> {
    if line.rest.is_empty() {
        return Some(reply(words::index(scene)));
    }
    let word = only_word(line.rest)?;
    match scene.page(word) {
        Found::Own(page) => Some(act("set-home", Some(&page.slug), None)),
        // "index finger" has no number in it: other words.
        Found::None | Found::Elsewhere(_) if is_number(word) => Some(reply(words::no_such_page(word))),
        Found::None | Found::Elsewhere(_) => None,
    }
}

/// EDIT page what.
pub fn edit(scene: &Scene, line: Line) -> Option<Decision> {
    let (word, what) = first_and_rest(line.rest);
    if word.is_empty() {
        return Some(reply(words::usage("EDIT", "a page and what to change: EDIT 1 make it blue")));
    }
    let found = scene.page(word);
    if what.is_empty() {
        return match found {
            Found::Own(_) => {
                Some(reply(words::usage("EDIT", &format!("what to change, too: EDIT {word} make it blue"))))
            }
            Found::Elsewhere(_) | Found::None => missing(word),
        };
    }
    let slug = match found {
        Found::Own(page) => page.slug.as_str(),
        Found::Elsewhere(slug) if scene.may_have_more_pages() && slug.contains('-') => slug,
        Found::Elsewhere(_) | Found::None => return missing(word),
    };
    let (who, text) = address(what, scene.cast());
    Some(match who {
        Address::Coach(coach) if !text.is_empty() => {
            on_page(scene, "edit", Some(coach), Some(slug), text, "EDIT says so".into())
        }
        _ => on_page(scene, "edit", scene.named_outside().ok().flatten(), Some(slug), what, "EDIT says so".into()),
    })
}

/// REMIX page what, of anyone's page.
pub fn remix(scene: &Scene, line: Line) -> Option<Decision> {
    let (word, what) = first_and_rest(line.rest);
    if word.is_empty() {
        return Some(reply(words::usage("REMIX", "a page: REMIX happy-otter/snake make it neon")));
    }
    if is_talk(word) {
        return None;
    }
    let page = match scene.page(word) {
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

/// UNDO page.
pub fn undo(scene: &Scene, line: Line) -> Option<Decision> {
    if line.rest.is_empty() {
        return Some(reply(words::usage("UNDO", "a page: UNDO 1 takes back the last change of your newest")));
    }
    let word = only_word(line.rest)?;
    match scene.page(word) {
        Found::Own(page) if page.extra.named("version") == Some("1") => Some(reply(words::nothing_to_undo(page))),
        Found::Own(page) => Some(act("undo", Some(&page.slug), None)),
        Found::Elsewhere(slug) if scene.may_have_more_pages() && !is_talk(word) => Some(act("undo", Some(slug), None)),
        Found::Elsewhere(_) | Found::None => missing(word),
    }
}

/// FAVE page, of anyone's page.
pub fn fave(scene: &Scene, line: Line) -> Option<Decision> {
    let word = only_word(line.rest)?;
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
        let shown = verb.to_uppercase();
        return Some(reply(words::usage(&shown, &format!("a page: {shown} 1 means your newest"))));
    }
    let word = only_word(line.rest)?;
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

fn is_talk(word: &str) -> bool {
    TALK.contains(&word.trim_end_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase().as_str())
}

fn is_number(word: &str) -> bool {
    word.trim_start_matches('#').bytes().all(|byte| byte.is_ascii_digit())
}
