//! What does not flow, in words: which stage, what it needs, who would make it.

use super::{
    Placed, Work,
    route::{Lack, Left, Leftover, Need, Routes},
};
use crate::config::{
    fault::{Code, Found},
    model::When,
};

/// A fault for everything the routes lack or leave over.
pub fn faults(stages: &[Placed], routes: &Routes) -> Vec<Found> {
    let told: Vec<_> = routes.lacks.iter().filter(|lack| !is_echo(stages, routes, lack)).collect();
    let mut faults: Vec<_> = told.into_iter().map(|lack| lacking(stages, routes, lack)).collect();
    faults.extend(routes.passed_by.iter().map(|pair| passed_by(stages, *pair)));
    let publish = stages.iter().find(|stage| stage.work() == Work::Publish);
    // What is left over because the stage that would use it lacks something else, or is missing, is told there.
    if faults.is_empty() {
        let told = |leftover: &&Leftover| leftover.left != Left::Draft || publish.is_some();
        faults.extend(routes.leftovers.iter().filter(told).map(|leftover| left_over(stages, leftover)));
    }
    if let (true, false, Some(publish)) = (faults.is_empty(), routes.builds, publish) {
        let message = format!("a build ends without a page: `{}` is not on its way", publish.called);
        faults.push(
            Found::new(Code::Flow, publish.when_at, message).help("add \"build\" to its `when`, or take that out"),
        );
    }
    faults
}

/// Whether what would make it lacks something itself: mended there, it is mended here.
fn is_echo(stages: &[Placed], routes: &Routes, lack: &Lack) -> bool {
    let (_, makers) = wants(lack.need);
    let lacks = |maker: usize| {
        let nowhere = routes.stood_on(maker).is_empty();
        routes
            .lacks
            .iter()
            .filter(|other| other.stage == maker)
            .any(|other| nowhere || other.routes.iter().any(|route| lack.routes.contains(route)))
    };
    (0..lack.stage).any(|maker| makers.contains(&stages[maker].work()) && lacks(maker))
}

fn lacking(stages: &[Placed], routes: &Routes, lack: &Lack) -> Found {
    let stage = &stages[lack.stage];
    let ways = match &stage.when {
        Some(when) if when.len() == lack.routes.len() => String::new(),
        _ => ways(&lack.routes),
    };
    let (wanted, makers) = wants(lack.need);
    let called = &stage.called;
    let fault = |message: String| Found::new(Code::Flow, stage.at, message);
    match lack.need {
        Need::Order => {
            return Found::new(
                Code::Flow,
                stage.when_at,
                format!("`{called}` has nothing to do for reply: there the coach has said it all"),
            )
            .help("take \"reply\" out of its `when`");
        }
        Need::Nameless => {
            return Found::new(
                Code::Flow,
                stage.when_at,
                format!("`{called}` has nothing to name{ways}: an edit keeps its page's name, a chat makes no page"),
            )
            .help("only a build needs a name: when = \"build\"");
        }
        Need::Idea => {
            let fault = fault(format!("`{called}` looks at ideas, and stands after the prompt written of them"));
            let prompt = stages[..lack.stage].iter().find(|stage| stage.work() == Work::Prompt);
            let help = if stage.on.len() > 1 {
                "give ideas a filter stage of their own, above the prompt"
            } else {
                "move it above the prompt"
            };
            return match prompt {
                Some(prompt) => fault.also(prompt.at, "written here"),
                None => fault,
            }
            .help(help);
        }
        _ => {}
    }
    let lacks = |why: &str| fault(format!("`{called}` needs {wanted}, and {why}{ways}"));
    let made_by = |stage: &Placed| makers.contains(&stage.work());
    let published =
        stages[..lack.stage].iter().rfind(|stage| lack.need == Need::Draft && stage.work() == Work::Publish);
    let before = stages[..lack.stage].iter().rposition(made_by);
    let after = stages[lack.stage + 1..].iter().find(|stage| made_by(stage));
    if let Some(publish) = published {
        return lacks("there it is live already")
            .also(publish.at, "published here")
            .help(format!("move `{called}` above `{}`", publish.called));
    }
    if let Some(before) = before {
        let stood = routes.stood_on(before);
        let maker = &stages[before];
        return if lack.routes.iter().any(|route| !stood.contains(route)) {
            let only = format!("makes one{} only", self::ways(&stood));
            lacks("no stage before it makes one").also(maker.when_at, only).help("let the two agree on `when`")
        } else {
            lacks("the one there was is used already")
                .also(maker.at, "made here")
                .help(format!("give `{called}` one of its own: {}", recipe(lack.need)))
        };
    }
    match after {
        Some(maker) => lacks("no stage before it makes one")
            .also(maker.at, "this makes one")
            .help(format!("move `{}` above `{called}`", maker.called)),
        None => {
            lacks("no stage before it makes one").help(format!("put a stage above it that does: {}", recipe(lack.need)))
        }
    }
}

/// What is needed, and who makes it.
fn wants(need: Need) -> (&'static str, &'static [Work]) {
    match need {
        Need::Order | Need::Nameless | Need::Idea => ("an order", &[Work::Coach]),
        Need::Call => ("an AI call", &[Work::Prompt]),
        Need::Answer => ("an AI's answer", &[Work::Ai]),
        Need::Draft => ("a page found in an answer", &[Work::Extract]),
        Need::Name => ("a name for the page", &[Work::Slug]),
        Need::Page => ("a live page", &[Work::Publish]),
        Need::Words => ("words for the person", &[Work::Extract]),
    }
}

fn recipe(need: Need) -> &'static str {
    match need {
        Need::Order | Need::Nameless | Need::Idea => "plugin = \"coach\"",
        Need::Call => "plugin = \"prompt\"",
        Need::Answer => "adapter = \"ai\"",
        Need::Draft | Need::Words => "plugin = \"extract\"",
        Need::Name => "plugin = \"slug\"",
        Need::Page => "adapter = \"publish\"",
    }
}

fn left_over(stages: &[Placed], leftover: &Leftover) -> Found {
    let stage = &stages[leftover.stage];
    let ways = ways(&leftover.routes);
    let (made, missing) = match leftover.left {
        Left::Call => ("the AI call of", "no AI is asked it: put adapter = \"ai\" below it"),
        Left::Answer => ("the answer to", "nothing is looked for in it: put plugin = \"extract\" below it"),
        Left::Draft => ("the page found by", "it is never published: put adapter = \"publish\" below it"),
        Left::Material => ("the brief of", "no prompt reads it: put plugin = \"prompt\", without make, below its `ai`"),
    };
    let (why, help) = missing.split_once(": ").unwrap_or((missing, ""));
    Found::new(Code::Flow, stage.at, format!("{made} `{}` goes nowhere{ways}: {why}", stage.called))
        .help(format!("{help}, and look that their `when` agree"))
}

fn passed_by(stages: &[Placed], (filter, extract): (usize, usize)) -> Found {
    let (filter, extract) = (&stages[filter], &stages[extract]);
    let message = format!("`{}` looks at replies, and a chat's reply is found only after it", filter.called);
    Found::new(Code::Flow, filter.at, message)
        .also(extract.at, "found here")
        .help(format!("move `{}` below `{}`", filter.called, extract.called))
}

/// " for build and edit".
fn ways(routes: &[When]) -> String {
    let names: Vec<_> = routes.iter().map(|route| route.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(" for {one}"),
        [most @ .., last] => format!(" for {} and {last}", most.join(", ")),
    }
}
