//! Takes jobs up, gives each a task of its own, and sees each to its end.
//!
//! A job that waits on an AI holds a task and its own data, no thread and no WASM instance.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{
    Failure, Parts, failure,
    lanes::Ticket,
    notify, sender,
    speech::{self, Occasion},
    step_back,
    walk::Walk,
};
use crate::{
    adapter::queue::Ended,
    job::{Asker, Job, JobError, Millis, Status},
};

/// How long finished jobs' progress events are kept.
const KEEP_EVENTS: Duration = Duration::from_hours(168);

/// The longest limit is a month; what is older counts for nothing.
const KEEP_SPENT: Duration = Duration::from_hours(768);

/// The half of the engine that works.
pub struct Runner {
    parts: Arc<Parts>,
    tasks: TaskTracker,
}

impl Runner {
    /// Over the shared parts.
    pub fn new(parts: Arc<Parts>) -> Self {
        Self { parts, tasks: TaskTracker::new() }
    }

    /// Works until the engine is told to stop, then gives what is in hand `shutdown_timeout` to end; what does not goes on at the next start.
    pub async fn run(self, draining: tokio_util::sync::CancellationToken) {
        let sending = tokio::spawn(sender::run(Arc::clone(&self.parts)));
        let tidying = tokio::spawn(tidy(Arc::clone(&self.parts)));
        self.take_up_until(&draining).await;
        self.tasks.close();
        let patience = self.parts.generations.current().pipeline.server.shutdown_timeout;
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!(in_hand = self.tasks.len(), "time is up: what is in hand goes on at the next start");
        }
        self.parts.stopping.cancel();
        self.tasks.wait().await;
        // Each ends by itself once told to stop; a panic in one has nothing left to harm.
        let _ = tokio::join!(sending, tidying);
    }

    async fn take_up_until(&self, draining: &tokio_util::sync::CancellationToken) {
        let hand = Arc::new(Semaphore::new(self.parts.generations.current().pipeline.queue.in_hand));
        loop {
            let place = tokio::select! {
                place = Arc::clone(&hand).acquire_owned() => place,
                () = draining.cancelled() => return,
            };
            let Ok(place) = place else { return };
            let next = tokio::select! {
                next = self.parts.queue.next() => next,
                () = draining.cancelled() => return,
            };
            match next {
                Ok(job) => {
                    let ticket = self.parts.decisions.enter(job.request.asker.clone());
                    let parts = Arc::clone(&self.parts);
                    self.tasks.spawn(async move {
                        Box::pin(see_to_its_end(parts, job, ticket)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "no job could be taken up: trying again in a second");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

async fn see_to_its_end(parts: Arc<Parts>, job: Job, ticket: Ticket<Asker>) {
    let id = job.id;
    let mut walk = Walk::new(Arc::clone(&parts), job, ticket).await;
    let outcome = step_back::run(&mut walk).await;
    let ended = match outcome {
        Ok(()) => finish(&mut walk, Status::Done, None).await,
        Err(Failure::Stopping) => Err(Failure::Stopping),
        Err(failure) => unhappy(&mut walk, failure).await,
    };
    keep_recording(&walk).await;
    match ended {
        Ok(()) => {}
        Err(Failure::Stopping) => {
            if let Err(error) = parts.queue.hand_back(&walk.job).await {
                tracing::warn!(job = %id, %error, "not handed back: taken up again at the next start all the same");
            }
        }
        Err(failure) => {
            tracing::error!(job = %id, %failure, "the job could not be ended: taken up again at the next start");
        }
    }
}

/// What the plugins were asked and answered, whatever became of the job.
async fn keep_recording(walk: &Walk) {
    let (recordings, id, calls) = (Arc::clone(&walk.parts.recordings), walk.job.id, walk.tape.take());
    let kept = tokio::task::spawn_blocking(move || recordings.add(id, calls)).await;
    if let Ok(Err(error)) = kept {
        tracing::warn!(job = %id, %error, "the job's plugin calls are not recorded");
    }
}

async fn unhappy(walk: &mut Walk, failure: Failure) -> Result<(), Failure> {
    let most = walk.generation.pipeline.queue.max_attempts;
    match settled(walk, failure).await {
        Failure::Retry { code, why, after } if walk.job.attempts + 1 < most => {
            walk.job.attempts += 1;
            let wait = after.unwrap_or_default().max(backoff(walk.job.attempts, after));
            walk.job.not_before = Some(Millis::now().after(wait));
            walk.job.status = Status::Queued;
            tracing::warn!(job = %walk.job.id, code, %why, attempt = walk.job.attempts, again_in_ms = wait.as_secs_f64() * 1e3, "the job is tried again");
            Ok(walk.parts.queue.hand_back(&walk.job).await?)
        }
        ref failure @ (Failure::Retry { code, ref why, .. } | Failure::Final { code, ref why }) => {
            tracing::error!(job = %walk.job.id, code, %why, "the job failed");
            walk.job.attempts += 1;
            let error = JobError { code: code.into(), message: why.clone() };
            notify::tell_of_failure(walk, failure).await?;
            finish(walk, Status::Failed, Some(error)).await
        }
        ref failure @ Failure::Refused { code, ref words } => {
            let error =
                JobError { code: code.into(), message: format!("not done, by rule; the person was told: {words}") };
            notify::tell_of_failure(walk, failure).await?;
            finish(walk, Status::Refused, Some(error)).await
        }
        Failure::Plugin(_) | Failure::NoPage { .. } | Failure::Stopping => Err(Failure::Stopping),
    }
}

/// What a plugin's failure comes to, once no other version can help.
async fn settled(walk: &mut Walk, failure: Failure) -> Failure {
    match failure {
        Failure::Plugin(error) if failure::depends_on_load(&error) => {
            Failure::Retry { code: "plugin", why: error.to_string(), after: None }
        }
        Failure::Plugin(error) => Failure::last("plugin", error.to_string()),
        Failure::NoPage { why, ask_again: Some(stage) } => {
            walk.job.progress.answers.retain(|answer| answer.stage != stage);
            Failure::Retry { code: "no-page", why, after: Some(Duration::ZERO) }
        }
        Failure::NoPage { why, ask_again: None } => {
            let occasion = Occasion::new("no-page").with("why", why);
            let words = speech::words(walk, &occasion).await.unwrap_or_default();
            Failure::Refused { code: "no-page", words }
        }
        failure => failure,
    }
}

/// Full jitter: all the jobs of an outage do not come back at once. `after` of zero asks for no wait at all.
fn backoff(attempt: u32, after: Option<Duration>) -> Duration {
    if after == Some(Duration::ZERO) {
        return Duration::ZERO;
    }
    let most = 2_000_u64.saturating_mul(1 << attempt.min(6)).min(120_000);
    Duration::from_millis(rand::random_range(most / 2..=most))
}

/// The last state goes to the lists and to those who watch, and only then leaves the queue: a crash in between repeats it, and loses nothing.
async fn finish(walk: &mut Walk, status: Status, error: Option<JobError>) -> Result<(), Failure> {
    let parts = Arc::clone(&walk.parts);
    walk.job.status = status;
    walk.job.error = error;
    walk.job.finished_at = Some(Millis::now());
    let person = walk.person.as_ref().map(|person| person.id);
    let slim = without_answers(&walk.job);
    parts.patiently(|| parts.store.record_job(&slim, person)).await?;
    let name = if status == Status::Done { "done" } else { "failed" };
    let data = super::view::job_view(&walk.job, None, super::view::Eyes::Owner);
    parts.patiently(|| parts.store.add_event(walk.job.id, name, data.clone(), Millis::now())).await?;
    let ended = if status == Status::Failed { Ended::Failed } else { Ended::Done };
    let mut wait = Duration::from_millis(100);
    while let Err(error) = parts.queue.finish(&walk.job, ended).await {
        tracing::error!(job = %walk.job.id, %error, "the job's end is not written down: trying again");
        if parts.stopping.is_cancelled() {
            return Err(Failure::Stopping);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
    let took = Millis::now().since(walk.job.created_at);
    metrics::counter!("wtaf_jobs_total", "status" => status.as_str(), "source" => walk.job.request.source.as_str())
        .increment(1);
    metrics::histogram!("wtaf_job_seconds").record(took.as_secs_f64());
    tracing::info!(job = %walk.job.id, status = status.as_str(), ms = took.as_secs_f64() * 1e3, "job ended");
    Ok(())
}

/// Answers are long, and the queue's file has them.
fn without_answers(job: &Job) -> Job {
    let mut slim = job.clone();
    for answer in &mut slim.progress.answers {
        answer.text = String::new();
    }
    slim
}

async fn tidy(parts: Arc<Parts>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_hours(1)) => {}
            () = parts.stopping.cancelled() => return,
        }
        match parts.store.prune_events(Millis::now().before(KEEP_EVENTS)).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old progress events removed"),
            Err(error) => tracing::warn!(%error, "old progress events not removed"),
        }
        if let Err(error) = parts.store.prune_spent(Millis::now().before(KEEP_SPENT)).await {
            tracing::warn!(%error, "old counts of limits not removed");
        }
        if let Err(error) = parts.store.prune_sessions(Millis::now()).await {
            tracing::warn!(%error, "sessions and codes that have run out are not removed");
        }
    }
}
