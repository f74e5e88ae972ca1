//! From a request to a decision: who may be answered at all, then the commands, then plain words.
//!
//! A new person joins by whatever they text first, and it runs at once. Someone who has left is met with silence, but for
//! the way back. A command above one's role is what any other text would be.

use wtaf_plugin_sdk::coach::{Decision, Outcome};

use crate::{
    commands::{self, action, build, reply, talk},
    grammar,
    say::words,
    scene::{Scene, Source, Standing},
    slugs,
};

/// The carriers' opt-out words; the host deals with them before, and this is the second lock on that door.
const OPT_OUT: [&str; 8] = ["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"];

/// What to do with a request.
pub fn decide(scene: &Scene) -> Decision {
    if scene.standing() == Standing::Left {
        return for_one_who_left(scene);
    }
    // A carrier's words: typed anywhere else, "cancel" is a word like any other.
    if scene.source() == Source::Sms && is_opt_out(scene.text()) {
        return Decision {
            actions: vec![action("leave", None, None)],
            then: Outcome::Silence("an opt-out word".into()),
        };
    }
    let decision = commands::run(scene).unwrap_or_else(|| plain(scene));
    if scene.standing() == Standing::Unknown { joined(scene, decision) } else { decision }
}

fn for_one_who_left(scene: &Scene) -> Decision {
    let line = grammar::line(scene.text());
    let back =
        line.rest.is_empty() && ["start", "unstop", "yes"].iter().any(|known| known.eq_ignore_ascii_case(line.word));
    if back {
        Decision { actions: vec![action("return", None, None)], then: Outcome::Report }
    } else {
        Decision { actions: vec![], then: Outcome::Silence("the person has left".into()) }
    }
}

fn is_opt_out(text: &str) -> bool {
    let text = text.trim().trim_end_matches(['.', '!']);
    let letters = || text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')).map(|byte| byte.to_ascii_lowercase());
    text.len() <= "unsubscribe".len() + 1 && OPT_OUT.iter().any(|word| letters().eq(word.bytes()))
}

/// A text that is no command: talk by sms, an idea elsewhere.
fn plain(scene: &Scene) -> Decision {
    let text = scene.text().trim();
    if text.is_empty() {
        return reply(if scene.has_media() { words::media_alone(scene.media_sort()) } else { words::hub(scene) });
    }
    if scene.source() == Source::Typed && commands::may(scene, "wtaf") {
        build::plain_idea(scene, text)
    } else if commands::may(scene, "hey") {
        talk::plain(scene, text)
    } else {
        reply(words::nothing_understood())
    }
}

/// The same for someone new: first they join; a reply (which `say` never sees) also says how to stop.
fn joined(scene: &Scene, mut decision: Decision) -> Decision {
    decision.actions.insert(0, action("join", None, Some(slugs::candidates(scene.seed()).join(" "))));
    if scene.is_texted()
        && let Outcome::Reply(words) = &mut decision.then
    {
        *words = words::with_how_to_stop(words);
    }
    decision
}
