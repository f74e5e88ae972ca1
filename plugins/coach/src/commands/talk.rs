//! Talk with a coach: `hey alex …`, and plain words by text.

use wtaf_plugin_sdk::coach::Decision;

use super::{action, build::order};
use crate::{cast::Coach, grammar::Line, scene::Scene};

/// HEY coach, with or without more; `hey there` is talk with whoever is at hand.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every row's function")]
pub fn hey(scene: &Scene, line: Line) -> Option<Decision> {
    Some(talk(scene, addressed(scene, line), scene.text().trim()))
}

/// Plain words: to the coach named in a greeting, else the one whose chat is open, else the default one.
pub fn plain(scene: &Scene, text: &str) -> Decision {
    const GREETINGS: [&str; 4] = ["hi", "hello", "yo", "hiya"];
    let line = crate::grammar::line(text);
    let greeting = line.apart && GREETINGS.iter().any(|known| known.eq_ignore_ascii_case(line.word));
    talk(scene, if greeting { addressed(scene, line) } else { None }, text)
}

/// The coach that the words begin with, and what is said to them: all of it but the name, or the greeting where that is all.
fn addressed<'c, 't>(scene: &'c Scene, line: Line<'t>) -> Option<(&'c Coach, &'t str)> {
    let (coach, rest) = scene.cast().at_start_of(line.rest.trim_start_matches('@'))?;
    let said = rest.trim_start_matches([',', ':', ';', '.', '!', '?', '-', ' ']).trim();
    Some((coach, if said.is_empty() { line.word } else { said }))
}

fn talk(scene: &Scene, named: Option<(&Coach, &str)>, text: &str) -> Decision {
    let open = scene.open_chat();
    let outside = scene.named_outside().ok().flatten();
    let (coach, said, why) = match (named, outside, open) {
        (Some((coach, said)), _, _) => (Some(coach), said, "a coach is spoken to by name"),
        (None, Some(coach), _) => (Some(coach), text, "a coach is named beside the text"),
        (None, None, Some(coach)) => (Some(coach), text, "plain words, and a chat is open"),
        (None, None, None) => (scene.default_coach(), text, "plain words, and no chat is open"),
    };
    let mut decision = order(scene, "chat", coach, said, why.to_owned());
    if let Some(coach) = coach.filter(|coach| open != Some(*coach)) {
        decision.actions.push(action("chat", Some(&coach.id), None));
    }
    decision
}
