//! What a machine keeps of jobs on its own disk goes when the database no longer knows the job: who is erased at one machine is erased at all of them, and one
//! that was off meanwhile hears of it when it starts. Nothing has to be told or remembered for that: it is looked up.

use std::{sync::Arc, time::Duration};

use super::Parts;
use crate::adapter::store;

/// How long after a person was erased elsewhere their words may still be here.
const EVERY: Duration = Duration::from_secs(30);

/// Looks right at the start, and then again and again. A database that is away is asked the next time.
pub(super) async fn run(parts: Arc<Parts>) {
    loop {
        match unknown(&parts).await {
            Ok(0) => {}
            Ok(removed) => {
                tracing::info!(removed, "recordings of jobs that the database does not know any more removed");
            }
            Err(error) => tracing::debug!(%error, "whose recordings are to go cannot be asked"),
        }
        if parts.pause(EVERY).await.is_err() {
            return;
        }
    }
}

async fn unknown(parts: &Parts) -> store::Result<usize> {
    let kept = parts.recordings.jobs();
    if kept.is_empty() {
        return Ok(0);
    }
    let unknown = parts.store.unknown(&kept).await?;
    let (recordings, mut removed) = (Arc::clone(&parts.recordings), unknown.len());
    let gone = tokio::task::spawn_blocking(move || {
        unknown.into_iter().filter_map(|job| recordings.forget(job).err()).collect::<Vec<_>>()
    });
    for error in gone.await.unwrap_or_default() {
        removed -= 1;
        tracing::error!(%error, "the recording of a job that the database does not know any more cannot be removed");
    }
    Ok(removed)
}
