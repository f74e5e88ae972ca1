//! Commands that make something new: WTAF, MEME, ABOUT; and plain words typed where plain words are an idea.

use wtaf_plugin_sdk::{
    Order,
    coach::{Decision, Outcome},
};

use super::reply;
use crate::{
    cast::Coach,
    grammar::{Address, Line, address, first_and_rest},
    kinds,
    say::words,
    scene::Scene,
};

/// WTAF, alone or with an idea.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every row's function")]
pub fn wtaf(scene: &Scene, line: Line) -> Option<Decision> {
    let (who, text) = address(line.rest, scene.cast());
    Some(match who {
        Address::Stranger(name) => reply(words::no_such_coach(scene.cast(), name)),
        Address::Coach(coach) if text.is_empty() => reply(words::coach_waits(coach)),
        Address::Nobody if text.is_empty() && scene.has_media() => reply(words::media_alone(scene.media_sort())),
        Address::Nobody if text.is_empty() => reply(words::hub(scene)),
        Address::Coach(coach) => idea(scene, Some(coach), text),
        Address::Nobody => plain_idea(scene, text),
    })
}

/// An idea without a coach in it; one may be named outside the text.
pub fn plain_idea(scene: &Scene, text: &str) -> Decision {
    match scene.named_outside() {
        Ok(coach) => idea(scene, coach, text),
        Err(name) => reply(words::no_such_coach(scene.cast(), name)),
    }
}

fn idea(scene: &Scene, coach: Option<&Coach>, text: &str) -> Decision {
    let (kind, why) = kinds::classify(text);
    order(scene, kind.name(), coach, text, why)
}

/// MEME idea.
pub fn meme(scene: &Scene, line: Line) -> Option<Decision> {
    /// "A meme generator" is an idea for an app, not for a meme.
    const NOT_A_MEME: &[&str] =
        &["generator", "maker", "app", "page", "site", "website", "game", "quiz", "gallery", "collection", "tool"];
    let (first, _) = first_and_rest(line.rest);
    if NOT_A_MEME.iter().any(|known| known.eq_ignore_ascii_case(first)) {
        return None;
    }
    if line.rest.is_empty() {
        return Some(reply(words::usage("MEME", "an idea, like: MEME my cat on Mondays")));
    }
    let (who, text) = address(line.rest, scene.cast());
    Some(match who {
        Address::Coach(coach) if !text.is_empty() => order(scene, "meme", Some(coach), text, "MEME says so".to_owned()),
        Address::Stranger(_) | Address::Coach(_) | Address::Nobody => match scene.named_outside() {
            Ok(coach) => order(scene, "meme", coach, line.rest, "MEME says so".to_owned()),
            Err(name) => reply(words::no_such_coach(scene.cast(), name)),
        },
    })
}

/// ABOUT @coach bio.
pub fn about(scene: &Scene, line: Line) -> Option<Decision> {
    let (name, bio) = first_and_rest(line.rest.strip_prefix('@')?);
    let name = name.trim_end_matches([':', ',', '-']);
    Some(match scene.cast().find(name) {
        None => reply(words::no_such_coach(scene.cast(), name)),
        Some(coach) if bio.is_empty() => reply(words::bio_missing(coach)),
        Some(coach) => order(scene, "testimonial", Some(coach), bio, "ABOUT says so".to_owned()),
    })
}

/// An order for something new.
pub fn order(scene: &Scene, kind: &str, coach: Option<&Coach>, text: &str, why: String) -> Decision {
    on_page(scene, kind, coach, None, text, why)
}

/// An order that begins with a page.
pub fn on_page(
    scene: &Scene,
    kind: &str,
    coach: Option<&Coach>,
    page: Option<&str>,
    text: &str,
    why: String,
) -> Decision {
    let order = Order {
        kind: kind.to_owned(),
        text: text.to_owned(),
        coach: coach.map(|coach| coach.id.as_ref().to_owned()),
        page: page.map(str::to_owned),
        why,
        extra: scene.media_ids().map(|ids| ("media".to_owned(), ids)).into_iter().collect(),
    };
    Decision { actions: vec![], then: Outcome::Order(order) }
}
