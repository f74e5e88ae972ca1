//! Which stages there must be, and in which order they may stand, whatever the route.

use super::{Placed, Work};
use crate::config::{
    fault::{Code, Found},
    model::FilterOn,
};

/// Everything about order that is wrong.
pub fn check(stages: &[Placed]) -> Vec<Found> {
    let mut faults = Vec::new();
    let unsure = stages.iter().any(|stage| stage.work() == Work::Unknown);
    for (work, needed) in [
        (Work::Coach, "a coach, which decides what a request is: plugin = \"coach\""),
        (Work::Publish, "the adapter that makes pages live: adapter = \"publish\""),
        (Work::Notify, "the adapter that tells the person: adapter = \"notify\""),
    ] {
        faults.extend(exactly_one(stages, work, needed, unsure));
    }
    faults.extend(before_the_coach(stages));
    faults.extend(after_notify(stages));
    faults.extend(stages.iter().filter_map(always_runs));
    faults
}

fn exactly_one(stages: &[Placed], work: Work, needed: &str, unsure: bool) -> Vec<Found> {
    let mut of_it = stages.iter().filter(|stage| stage.work() == work);
    let Some(first) = of_it.next() else {
        let place = if work == Work::Coach { stages.first() } else { stages.last() };
        let fault = place.map(|place| {
            let verb = if work == Work::Coach { "begin" } else { "go on" };
            Found::new(Code::Flow, place.at, format!("the stages need {needed}"))
                .label(format!("the stages {verb} here without it").replace("go on here", "end here"))
        });
        return fault.filter(|_| !unsure).into_iter().collect();
    };
    of_it
        .map(|second| {
            Found::new(
                Code::Flow,
                second.at,
                format!("`{}` does what `{}` does, and a job has that once", second.called, first.called),
            )
            .label("a second one")
            .also(first.at, "the first")
            .help("take one of them out")
        })
        .collect()
}

fn before_the_coach(stages: &[Placed]) -> Vec<Found> {
    let Some(coach) = stages.iter().position(|stage| stage.work() == Work::Coach) else { return Vec::new() };
    let early = stages[..coach].iter().filter(|stage| match stage.work() {
        Work::Unknown => false,
        Work::Filter => stage.on != [FilterOn::Idea],
        _ => true,
    });
    let misplaced = early.map(|stage| {
        Found::new(
            Code::Flow,
            stage.at,
            format!("`{}` stands before the coach, and nothing is decided there yet", stage.called),
        )
        .also(stages[coach].at, "the coach")
        .help("put the coach first; only a filter with on = \"idea\" may stand before it")
    });
    let choosy =
        stages[..coach].iter().filter(|stage| stage.work() == Work::Filter && stage.when.is_some()).map(|stage| {
            Found::new(
                Code::Flow,
                stage.when_at,
                format!("`{}` stands before the coach, who decides what `when` asks for", stage.called),
            )
            .also(stages[coach].at, "the coach")
            .help("take `when` out, or move the filter below the coach")
        });
    misplaced.chain(choosy).collect()
}

fn after_notify(stages: &[Placed]) -> Vec<Found> {
    let Some(notify) = stages.iter().position(|stage| stage.work() == Work::Notify) else { return Vec::new() };
    let late = stages[notify + 1..]
        .iter()
        .filter(|stage| !matches!(stage.work(), Work::Files | Work::Unknown | Work::Notify | Work::Coach));
    late.map(|stage| {
        Found::new(Code::Flow, stage.at, format!("`{}` stands after the person has been told", stage.called))
            .also(stages[notify].at, "told here")
            .help(format!("move `{}` to the end; only the adapter files may follow it", stages[notify].called))
    })
    .collect()
}

fn always_runs(stage: &Placed) -> Option<Found> {
    let what = match stage.work() {
        Work::Coach => "the coach decides every request",
        Work::Notify => "every person is told",
        _ => return None,
    };
    stage.when.as_ref()?;
    let message = format!("`{}` takes no `when`: {what}", stage.called);
    Some(Found::new(Code::Flow, stage.when_at, message).help("take it out"))
}
