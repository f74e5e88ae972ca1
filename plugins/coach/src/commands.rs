//! The commands: one row each, in the order people are told of them.
//!
//! A new command is one row and the function beside it. A row's function answers none where the words behind the command
//! word do not fit it ("index cards" is no INDEX), and the text is then what it would be without the row.

mod account;
pub mod build;
mod pages;
pub mod talk;

use wtaf_plugin_sdk::coach::{Action, Decision, Outcome};

use crate::{
    grammar::{self, Line},
    roles::Least,
    scene::Scene,
    typos,
};

/// A command.
#[derive(Debug)]
pub struct Row {
    /// Its key in the operator's `[roles]`.
    pub name: &'static str,
    /// The first words that mean it, in lower case.
    words: &'static [&'static str],
    /// Who may use it where the operator says nothing.
    pub least: Least,
    /// How it is written, for people; empty where it is not listed.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub help: &'static str,
    /// What to do, or none where the words do not fit.
    run: fn(&Scene, Line) -> Option<Decision>,
}

use Least::{Anyone, Coder};

/// All commands.
pub const TABLE: &[Row] = &[
    row("wtaf", &["wtaf"], Coder, "WTAF idea", "make it a page", build::wtaf),
    row("edit", &["edit"], Coder, "EDIT 1 what", "change a page", pages::edit),
    row("undo", &["undo"], Coder, "UNDO 1", "take a change back", pages::undo),
    row("index", &["index"], Coder, "INDEX", "your pages; INDEX 1 picks your home page", pages::index),
    row("remix", &["remix"], Coder, "REMIX page what", "your take on a page", pages::remix),
    row("meme", &["meme"], Coder, "MEME idea", "a picture with a caption", build::meme),
    row("about", &["about"], Coder, "ABOUT @coach bio", "a coach on you", build::about),
    row("hey", &["hey"], Anyone, "HEY coach", "talk", talk::hey),
    row("fave", &["fave", "favorite", "favourite"], Coder, "FAVE page", "keep a favourite", pages::fave),
    row("hide", &["hide"], Coder, "HIDE 1, UNHIDE 1", "in or out of sight", pages::hide),
    row("unhide", &["unhide"], Coder, "", "", pages::unhide),
    row("forget", &["forget"], Coder, "FORGET 1", "drop a page", pages::forget),
    row("slug", &["slug"], Coder, "SLUG name", "rename yourself", account::slug),
    row("commands", &["commands", "command", "menu"], Anyone, "", "", account::commands),
    row("help", &["help", "info"], Anyone, "HELP", "this, in short", account::help),
    row("start", &["start", "unstop"], Anyone, "", "", account::start),
    row("yes", &["yes"], Anyone, "", "", account::yes),
];

const fn row(
    name: &'static str,
    words: &'static [&'static str],
    least: Least,
    usage: &'static str,
    help: &'static str,
    run: fn(&Scene, Line) -> Option<Decision>,
) -> Row {
    Row { name, words, least, usage, help, run }
}

/// What to do where the text is a command that this person may use; none where it is any other text.
pub fn run(scene: &Scene) -> Option<Decision> {
    let line = grammar::line(grammar::bare(scene.text()));
    let row = find(&line)?;
    if scene.may(row) { (row.run)(scene, line) } else { None }
}

/// The row of this name; every caller names one that is in the table.
pub fn named(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

/// Whether the person may use the command of this name.
pub fn may(scene: &Scene, name: &str) -> bool {
    named(name).is_some_and(|row| scene.may(row))
}

fn find(line: &Line) -> Option<&'static Row> {
    if line.word.is_empty() {
        return None;
    }
    let means = |row: &&Row| row.words.iter().any(|known| known.eq_ignore_ascii_case(line.word));
    let exact = || TABLE.iter().find(means).filter(|_| line.apart);
    misspelt_wtaf(line).or_else(exact).or_else(|| misspelt_alone(line))
}

/// `wtaf` however it is spelt; a dash may follow it directly (`wtaf-alex- idea`).
fn misspelt_wtaf(line: &Line) -> Option<&'static Row> {
    let apart = line.apart || line.rest.starts_with(['-', '\u{2013}', '\u{2014}']);
    let meant = match typos::wtaf(line.word) {
        typos::Meant::Exactly => apart,
        typos::Meant::Surely => line.apart,
        typos::Meant::Perhaps => line.apart && typos::asks_to_build(line.rest),
        typos::Meant::Not => false,
    };
    if meant { named("wtaf") } else { None }
}

/// A slip in a long command word that stands alone; short words and those near other words are not guessed.
fn misspelt_alone(line: &Line) -> Option<&'static Row> {
    const GUESSED: [&str; 3] = ["commands", "index", "unstop"];
    if !line.rest.is_empty() {
        return None;
    }
    let word = line.word.to_ascii_lowercase();
    let meant = GUESSED.iter().find(|known| typos::one_slip_apart(&word, known))?;
    TABLE.iter().find(|row| row.words.contains(meant))
}

/// Answers in words.
pub(crate) fn reply(words: String) -> Decision {
    Decision { actions: vec![], then: Outcome::Reply(words) }
}

/// Does one thing, to be told by `say` once the host has done it.
pub(crate) fn act(verb: &str, target: Option<&str>, value: Option<String>) -> Decision {
    Decision { actions: vec![action(verb, target, value)], then: Outcome::Report }
}

/// One action.
pub(crate) fn action(verb: &str, target: Option<&str>, value: Option<String>) -> Action {
    Action { verb: verb.to_owned(), target: target.map(str::to_owned), value, extra: vec![] }
}
