//! What fails for its plugins' sake while a version is on trial is run again on the generation before it: the person never notices a bad version, and the
//! version is known by the jobs that fail on it alone.

use super::{Failure, walk::Walk};

/// Runs a job to its end, on the generation before the versions on trial if it must.
pub(super) async fn run(walk: &mut Walk) -> Result<(), Failure> {
    let outcome = walk.run().await;
    let failure = match outcome {
        Err(failure) if failure.stems_from_plugins() => failure,
        outcome => {
            if !matches!(outcome, Err(Failure::Stopping)) {
                walk.parts.generations.passed(&walk.generation);
            }
            return outcome;
        }
    };
    let Some(before) = walk.parts.generations.before_trials(&walk.generation) else { return Err(failure) };
    let tried = std::mem::replace(&mut walk.generation, before);
    tracing::warn!(job = %walk.job.id, generation = %tried.id, again_on = %walk.generation.id, %failure, "failed with a version on trial: run again without it");
    walk.start_over();
    let again = walk.run().await;
    match &again {
        Ok(()) => walk.parts.generations.strike(&tried, failure.plugin()),
        // It fails on the version before as well: the request is at fault.
        Err(second) if second.stems_from_plugins() => walk.parts.generations.passed(&tried),
        Err(_) => {}
    }
    again
}
