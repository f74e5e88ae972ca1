//! What fails for its plugins' sake while a version is on trial is run again on the generation before it: the person never notices a bad version, and the
//! version is known by the jobs that fail on it alone.

use std::{collections::HashSet, sync::Arc};

use super::{Failure, failure::depends_on_load, walk::Walk};
use crate::config::Role;

/// Runs a job to its end, on the generation before the versions on trial if it must.
pub(super) async fn run(walk: &mut Walk) -> Result<(), Failure> {
    let outcome = on_trial(walk).await;
    let called = walk.tape.called();
    let generations = Arc::clone(&walk.parts.generations);
    let failure = match outcome {
        Err(failure) if failure.stems_from_plugins() => failure,
        // A job counts once, at its end; one that a coach's older version had to speak for was counted there.
        Err(Failure::Retry { .. } | Failure::Stopping | Failure::CutOff | Failure::Lost) => return outcome,
        outcome => {
            if !walk.tape.is_struck() {
                generations.passed(&called);
            }
            return outcome;
        }
    };
    let Some(before) = generations.before_trials(&walk.generation) else { return Err(failure) };
    let tried = std::mem::replace(&mut walk.generation, before);
    let fault = failure.plugin().map_or("no page", |error| error.fault.word());
    tracing::warn!(job = %walk.job.id, generation = %tried.id, again_on = %walk.generation.id, fault, "failed with a version on trial: run again without it");
    forget_answer_to(walk, &tried, &failure);
    walk.start_over();
    let again = walk.run().await;
    match &again {
        Ok(()) => generations.strike(&called, failure.plugin()),
        // It fails on the version before as well: the request is at fault.
        Err(second) if second.stems_from_plugins() => generations.passed(&called),
        Err(_) => {}
    }
    again
}

/// What fails because the machine is busy is no version's fault: it is tried once more where it failed.
async fn on_trial(walk: &mut Walk) -> Result<(), Failure> {
    let outcome = walk.run().await;
    let busy = matches!(&outcome, Err(failure) if failure.plugin().is_some_and(depends_on_load));
    if !busy || walk.parts.generations.before_trials(&walk.generation).is_none() {
        return outcome;
    }
    walk.start_over();
    walk.run().await
}

/// An answer without a page, to what a prompt on trial asked, says nothing of what the prompt before it would get. The AI would be asked again anyway.
fn forget_answer_to(walk: &mut Walk, tried: &super::Generation, failure: &Failure) {
    let Failure::NoPage { ask_again: Some(stage), .. } = failure else { return };
    let differs = |role: Role| {
        tried.plugins().iter().any(|(key, plugin)| {
            plugin.about.role == role
                && walk.generation.plugins().get(key).is_some_and(|old| old.digest != plugin.digest)
        })
    };
    if differs(Role::Prompt) {
        walk.job.progress.answers.retain(|answer| answer.stage != *stage);
    }
}

/// Digests, hex.
pub(super) type Called = HashSet<String>;
