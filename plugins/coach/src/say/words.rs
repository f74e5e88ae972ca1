//! The words of answers that need no doing: help, lists, what was not understood.
//!
//! Plain signs only, at most one exclamation mark, short. A list is bounded: a person pays by the part of a text.

use std::fmt::Write as _;

use wtaf_plugin_sdk::{Named, PageSummary};

use crate::{
    cast::{Cast, Coach},
    commands::{self, TABLE},
    gsm::{cut, plain},
    scene::Scene,
    slugs::Unfit,
};

/// The line that tells someone new how to leave.
pub const HOW_TO_STOP: &str = "Reply STOP to leave.";

/// An answer to someone new, who is told how to leave where the answer does not say so itself.
pub fn with_how_to_stop(answer: &str) -> String {
    let between = if answer.contains('\n') { '\n' } else { ' ' };
    if answer.contains("STOP") { answer.to_owned() } else { format!("{answer}{between}{HOW_TO_STOP}") }
}

/// What `WTAF` alone and COMMANDS answer: a greeting, examples, the commands of this person's role, their slug.
pub fn hub(scene: &Scene) -> String {
    let mut out = String::from("Hi! Text an idea, get a live page.");
    if commands::may(scene, "wtaf") {
        out.push_str(" Try:\nWTAF a snake game");
        if let Some(coach) = example_coach(scene.cast(), scene.seed()) {
            let _ = write!(out, "\nWTAF -{}- a page for my band", coach.id);
        }
    }
    out.push_str("\n\nYou can:");
    for row in TABLE.iter().filter(|row| !row.usage.is_empty() && scene.may(row)) {
        let help = if scene.is_texted() { String::new() } else { format!(": {}", row.help) };
        let _ = write!(out, "\n{}{help}", row.usage);
    }
    let coaches: Vec<&str> = scene.cast().listed().map(Coach::name).collect();
    if !coaches.is_empty() {
        let _ = write!(out, "\n\nCoaches: {}", cut(&coaches.join(", "), 90));
    }
    if let Some(yours) = scene.home_url().or_else(|| scene.slug().map(str::to_owned)) {
        let _ = write!(out, "\nYou: {yours}");
    }
    plain(&out)
}

fn example_coach(cast: &Cast, seed: u64) -> Option<&Coach> {
    let listed: Vec<&Coach> = cast.listed().collect();
    wtaf_plugin_sdk::Seeded::new(seed).pick(&listed).copied()
}

/// HELP.
pub fn help(scene: &Scene) -> String {
    let what = "WTAF: text WTAF and an idea, get a live page. COMMANDS lists the rest.";
    // What carriers want to read there: who this is, how often, what it costs, how to leave.
    let carriers = " We text when you do; msg and data rates may apply. Reply STOP to leave.";
    if scene.is_texted() { format!("{what}{carriers}") } else { what.to_owned() }
}

/// START from someone who is one of us already.
pub fn here_already(scene: &Scene) -> String {
    let stop = if scene.is_texted() { " Reply HELP for help, STOP to leave." } else { "" };
    format!("You are in, and texts reach you. Text WTAF and an idea, or COMMANDS.{stop}")
}

/// A text that means nothing to us, from someone who may not even chat.
pub fn nothing_understood() -> String {
    "I did not get that one. Text COMMANDS to see what I can do for you.".to_owned()
}

/// A picture, a clip or the like, and no words.
pub fn media_alone(sort: &str) -> String {
    let (what, again) = match sort {
        "image" => ("Nice picture.", "Send it again with WTAF and your idea."),
        "video" => ("A clip, thank you.", "Send it again with WTAF and your idea."),
        "audio" => ("A recording, and I read better than I hear.", "Text WTAF and your idea in words."),
        _ => ("That arrived, and I cannot open it.", "Text WTAF and your idea in words."),
    };
    format!("{what} What shall I make of it? {again}")
}

/// A coach and no idea.
pub fn coach_waits(coach: &Coach) -> String {
    plain(&format!("{} is all ears. Add your idea, like:\nWTAF -{}- a page for my band", coach.name(), coach.id))
}

/// A coach and no bio.
pub fn bio_missing(coach: &Coach) -> String {
    plain(&format!("{} needs something to go on: ABOUT @{} I paint boats and bake on Sundays", coach.name(), coach.id))
}

/// A name between dashes that is no coach's.
pub fn no_such_coach(cast: &Cast, name: &str) -> String {
    let listed: Vec<&str> = cast.listed().map(Coach::name).collect();
    plain(&format!(
        "No coach goes by \"{}\". Pick one of {}, or leave the name out.",
        cut(name, 20),
        cut(&list(&listed), 200)
    ))
}

/// `A, B or C`.
fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A command that needs more.
pub fn usage(command: &str, needs: &str) -> String {
    plain(&format!("{command} needs {}.", cut(needs, 110)))
}

/// A page that is not there.
pub fn no_such_page(page: &str) -> String {
    plain(&format!("I find no page \"{}\". INDEX lists yours; 1 is the newest.", cut(page, 40)))
}

/// UNDO on a page that never was changed.
pub fn nothing_to_undo(page: &PageSummary) -> String {
    plain(&format!("{} is still as it was first made, so there is nothing to take back.", title(page, 40)))
}

/// SLUG alone, or with the name one has.
pub fn your_slug(slug: Option<&str>) -> String {
    match slug {
        Some(slug) => format!("You are {slug}. SLUG and a new name changes that; old links keep working."),
        None => "You have no name here yet. Text SLUG and the one you would like.".to_owned(),
    }
}

/// A name that cannot be had, and why.
pub fn slug_unfit(unfit: Unfit) -> String {
    match unfit {
        Unfit::Signs => "A name here is made of letters, digits and single hyphens, like swift-otter.",
        Unfit::Length => "A name here is 3 to 32 letters long, like swift-otter.",
        Unfit::Reserved => "That name is the workshop's own. Another one? Like swift-otter.",
    }
    .to_owned()
}

/// INDEX: the newest pages, numbered; by text few, elsewhere more.
pub fn index(scene: &Scene) -> String {
    let pages = scene.pages();
    if pages.is_empty() {
        return "No pages yet. Text WTAF and an idea, and the first one is yours in a minute.".to_owned();
    }
    let (most, long) = if scene.is_texted() { (9, 28) } else { (30, 60) };
    let mut out = String::from("Your pages, newest first:");
    for (at, page) in pages.iter().enumerate().take(most) {
        let _ = write!(out, "\n{} {}{}", at + 1, title(page, long), marks(page));
    }
    if pages.len() > most {
        let _ = write!(out, "\nand {} more", pages.len() - most);
    }
    if let Some(url) = scene.home_url() {
        let _ = write!(out, "\nAll: {url}");
    }
    plain(&out)
}

/// A page's title on one line, or its slug where it has none.
fn title(page: &PageSummary, longest: usize) -> String {
    let title: Vec<&str> = page.title.split_whitespace().collect();
    cut(if title.is_empty() { page.slug.clone() } else { title.join(" ") }.as_str(), longest)
}

fn marks(page: &PageSummary) -> &'static str {
    let is = |name| page.extra.named(name) == Some("true");
    match (is("home"), is("hidden")) {
        (true, true) => " (home, hidden)",
        (true, false) => " (home)",
        (false, true) => " (hidden)",
        (false, false) => "",
    }
}
