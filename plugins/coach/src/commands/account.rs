//! Commands about the person: start, yes, slug; and the two that explain the rest.

use wtaf_plugin_sdk::coach::Decision;

use super::{act, reply};
use crate::{
    grammar::{Line, only_word},
    say::words,
    scene::{Scene, Standing},
    slugs,
};

/// START, UNSTOP: sign up, or come back.
pub fn start(scene: &Scene, line: Line) -> Option<Decision> {
    if !line.rest.is_empty() {
        return None;
    }
    Some(match scene.standing() {
        // The join that goes before everything a new person does is all there is to do.
        Standing::Unknown => Decision { actions: vec![], then: wtaf_plugin_sdk::coach::Outcome::Report },
        Standing::Left => act("return", None, None),
        Standing::Active => reply(words::here_already(scene)),
    })
}

/// YES: confirms that broadcasts are welcome; gates nothing else.
pub fn yes(_scene: &Scene, line: Line) -> Option<Decision> {
    line.rest.is_empty().then(|| act("confirm", None, None))
}

/// HELP, INFO.
pub fn help(scene: &Scene, line: Line) -> Option<Decision> {
    line.rest.is_empty().then(|| reply(words::help(scene)))
}

/// COMMANDS: the same as WTAF alone.
pub fn commands(scene: &Scene, line: Line) -> Option<Decision> {
    line.rest.is_empty().then(|| reply(words::hub(scene)))
}

/// SLUG name.
pub fn slug(scene: &Scene, line: Line) -> Option<Decision> {
    if line.rest.is_empty() {
        return Some(reply(words::your_slug(scene.slug())));
    }
    let name = only_word(line.rest)?;
    Some(match slugs::wanted(name) {
        Ok(name) if scene.slug() == Some(name.as_str()) => reply(words::your_slug(Some(&name))),
        Ok(name) => act("rename", None, Some(name)),
        Err(unfit) => reply(words::slug_unfit(unfit)),
    })
}
