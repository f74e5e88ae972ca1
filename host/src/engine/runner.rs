//! Takes jobs up, gives each a task of its own, and sees each to its end.
//!
//! A job that waits on an AI holds a task and its own data: no thread, no WASM instance, no place among those at work.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::{
    Failure, Parts, at_work, failure, forget,
    lanes::Ticket,
    notify,
    panics::{Chance, Panics},
    sender,
    speech::{self, Occasion},
    step_back,
    walk::Walk,
};
use crate::{
    adapter::{
        queue::{Ended, QueueError},
        store::{self, News},
    },
    failpoint::{Step, reached},
    job::{Asker, Job, JobError, LONGEST_WAIT, Millis, Status},
    plugin::Recorded,
    telemetry::traces,
};

/// How long finished jobs' progress events are kept.
const KEEP_EVENTS: Duration = Duration::from_hours(168);

/// The longest limit is a month; what is older counts for nothing.
const KEEP_SPENT: Duration = Duration::from_hours(768);

/// What is old is cleared away so often, and first when a start has settled.
const TIDY_EVERY: Duration = Duration::from_hours(1);
const FIRST_TIDY: Duration = Duration::from_mins(5);

/// A worker that was stopped for longer has been forgotten by everyone.
const KEEP_FENCES: Duration = Duration::from_hours(168);

/// So many workers may be lost over one job. Then it is at fault, and its person is told rather than another worker lost.
const MOST_TAKEN: u32 = 10;

/// An engine that cannot work on anything looks this often whether it can again.
const CUT_OFF: Duration = Duration::from_millis(500);

/// Between two portions of what is cleared away, so that nobody who writes waits for long.
const BREATH: Duration = Duration::from_millis(100);

/// The half of the engine that works.
pub struct Runner {
    parts: Arc<Parts>,
    tasks: TaskTracker,
    panics: Arc<Panics>,
}

impl Runner {
    /// Over the shared parts.
    pub fn new(parts: Arc<Parts>) -> Self {
        Self { parts, tasks: TaskTracker::new(), panics: Arc::default() }
    }

    /// Works until the engine is told to stop, then gives what is in hand `shutdown_timeout` to end; what does not goes on at the next start.
    pub async fn run(self, draining: tokio_util::sync::CancellationToken) {
        let sending = tokio::spawn(sender::run(Arc::clone(&self.parts)));
        let tidying = tokio::spawn(tidy(Arc::clone(&self.parts)));
        let forgetting = tokio::spawn(forget::run(Arc::clone(&self.parts)));
        self.take_up_until(&draining).await;
        self.parts.queue.close().await;
        self.tasks.close();
        let patience = self.parts.generations.current().pipeline.server.shutdown_timeout;
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!(in_hand = self.tasks.len(), "time is up: what is in hand goes on at the next start");
        }
        self.parts.stopping.cancel();
        self.tasks.wait().await;
        // Each ends by itself once told to stop; a panic in one has nothing left to harm.
        let _ = tokio::join!(sending, tidying, forgetting);
    }

    async fn take_up_until(&self, draining: &tokio_util::sync::CancellationToken) {
        let hand = Arc::new(Semaphore::new(self.parts.generations.current().pipeline.queue.in_hand));
        loop {
            if self.parts.is_cut_off().await {
                tokio::select! {
                    () = tokio::time::sleep(CUT_OFF) => continue,
                    () = draining.cancelled() => return,
                }
            }
            let place = tokio::select! {
                place = Arc::clone(&hand).acquire_owned() => place,
                () = draining.cancelled() => return,
            };
            let Ok(place) = place else { return };
            // Those in hand that could go on are served first: what nobody can work on yet waits in the queue, which is fair.
            let places = &self.parts.places;
            let seat = tokio::select! {
                seat = places.take(places.turn()) => seat,
                () = draining.cancelled() => return,
            };
            let next = tokio::select! {
                next = self.parts.queue.next() => next,
                () = draining.cancelled() => return,
            };
            match next {
                Ok(job) => {
                    let ticket = self.parts.decisions.enter(job.request.asker.clone());
                    let (parts, span) = (Arc::clone(&self.parts), traces::job(&job));
                    let (stopping, panics) = (parts.stopping.clone(), Arc::clone(&self.panics));
                    let ended = async move {
                        Box::pin(see_to_a_try(parts, &panics, job, ticket)).await;
                        drop(place);
                    };
                    self.tasks.spawn(at_work::seated(places, seat, &stopping, ended.instrument(span)));
                }
                Err(error) => {
                    tracing::error!(%error, "no job could be taken up: trying again in a second");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Sees one job to its end here and now, with nobody else at work: what is tried again is so at once. Gives how the queue has it then.
pub async fn see_through(parts: &Arc<Parts>, mut job: Job) -> Result<Job, QueueError> {
    let panics = Panics::default();
    loop {
        let (id, before) = (job.id, job.attempts);
        let ticket = parts.decisions.enter(job.request.asker.clone());
        let place = parts.places.take(parts.places.turn()).await;
        let work = Box::pin(see_to_a_try(Arc::clone(parts), &panics, job, ticket));
        at_work::seated(&parts.places, place, &parts.stopping, work).await;
        job = parts.queue.find(id).await?.ok_or(QueueError::NoSuchJob(id))?;
        // Neither at its end nor on its way to another try: nothing more will come of it.
        if job.status.is_final() || job.attempts == before {
            return Ok(job);
        }
        job.not_before = None;
    }
}

/// A panic ends one try of one job, and nothing else: held on to, the job would stand in its person's way for as long as this process lives.
async fn see_to_a_try(parts: Arc<Parts>, panics: &Panics, job: Job, ticket: Ticket<Asker>) {
    let (id, chance) = (job.id, panics.chance(job.id));
    // What panicked is dropped whole; what others see of it is behind locks that bear that.
    let work = AssertUnwindSafe(see_to_its_end(Arc::clone(&parts), job, ticket, chance));
    match work.catch_unwind().await {
        Ok(()) => panics.forget(id),
        Err(_) if panics.count(id) => {
            tracing::error!(job = %id, "the job's task panicked: it is taken up again in a moment, as after a crash");
            parts.queue.take_back(id).await;
        }
        Err(_) => {
            tracing::error!(job = %id, "the job's task panics every time, even in ending it: it is left until the next start");
        }
    }
}

async fn see_to_its_end(parts: Arc<Parts>, job: Job, ticket: Ticket<Asker>, chance: Chance) {
    let id = job.id;
    // What comes before and after the run has its room when it comes, and not while the job waits.
    let mut walk = Box::pin(Walk::new(Arc::clone(&parts), job, ticket)).await;
    let ended = loop {
        let after = match run(&mut walk, chance).await {
            Ok(()) => Box::pin(finish(&mut walk, Status::Done, None)).await.map(|()| After::Over),
            Err(failure @ (Failure::Stopping | Failure::CutOff | Failure::Lost)) => Err(failure),
            Err(failure) => Box::pin(unhappy(&mut walk, failure)).await,
        };
        match after {
            Ok(After::Again) => walk.start_over(),
            Ok(After::Over) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    Box::pin(walk.telling.told_soon(&walk.store, id)).await;
    Box::pin(keep_recording(&walk)).await;
    match ended {
        Ok(()) => {}
        Err(failure @ (Failure::Stopping | Failure::CutOff)) => {
            if matches!(failure, Failure::CutOff) {
                tracing::warn!(job = %id, "the store answers others and not this engine: the job is left to them");
            }
            if let Err(error) = parts.queue.hand_back(&walk.job).await {
                tracing::warn!(job = %id, %error, "not handed back: taken up again at the next start, or by another worker, all the same");
                parts.queue.let_go(id);
            }
        }
        Err(Failure::Lost) => {
            metrics::counter!("wtaf_jobs_lost_total").increment(1);
            tracing::warn!(job = %id, "another worker has taken the job over: nothing more is done for it here");
            parts.queue.let_go(id);
        }
        Err(failure) => {
            tracing::error!(job = %id, %failure, "the job could not be ended: taken up again at the next start, or by another worker");
            parts.queue.let_go(id);
        }
    }
}

/// Runs a job, unless it is the kind of job that workers, or tries, do not outlive.
async fn run(walk: &mut Walk, chance: Chance) -> Result<(), Failure> {
    let (code, why) = match (chance, walk.job.hold.map(|hold| hold.taken)) {
        (Chance::End(times), _) => ("panicked", format!("each of its {times} tries ended in a panic of the engine")),
        (_, Some(taken)) if taken > MOST_TAKEN => {
            ("workers-lost", format!("{} workers took it up, and none was heard of again", taken - 1))
        }
        _ => return step_back::run(walk).await,
    };
    // One of those who had it may only be slow.
    walk.raise_fence().await?;
    Err(Failure::last(code, why))
}

/// What the plugins were asked and answered, whatever became of the job.
async fn keep_recording(walk: &Walk) {
    let (recordings, id, calls) = (Arc::clone(&walk.parts.recordings), walk.job.id, walk.tape.take());
    let kept =
        tokio::task::spawn_blocking(move || recordings.add(id, calls.into_iter().map(Recorded::from).collect())).await;
    if let Ok(Err(error)) = kept {
        tracing::warn!(job = %id, %error, "the job's plugin calls are not recorded");
    }
}

/// What follows a failure.
enum After {
    /// The job has left our hands.
    Over,
    /// It is tried again, in its place.
    Again,
}

async fn unhappy(walk: &mut Walk, failure: Failure) -> Result<After, Failure> {
    let most = walk.generation.pipeline.queue.max_attempts;
    match settled(walk, failure).await {
        Failure::Retry { code, why, after } if walk.job.attempts + 1 < most => {
            walk.job.attempts += 1;
            let wait = after.unwrap_or_default().max(backoff(walk.job.attempts, after)).min(LONGEST_WAIT);
            tracing::warn!(job = %walk.job.id, code, %why, attempt = walk.job.attempts, again_in_ms = wait.as_secs_f64() * 1e3, "the job is tried again");
            if walk.job.progress.decided.is_none() {
                // What this person sent later may be in hand already: in the queue this one would lose its place before them.
                walk.parts.checkpoint(&walk.job).await?;
                walk.parts.pause(wait).await?;
                return Ok(After::Again);
            }
            walk.job.not_before = Some(Millis::now().after(wait));
            walk.job.status = Status::Queued;
            walk.parts.queue.hand_back(&walk.job).await?;
            Ok(After::Over)
        }
        ref failure @ (Failure::Retry { code, ref why, .. } | Failure::Final { code, ref why }) => {
            tracing::error!(job = %walk.job.id, code, %why, "the job failed");
            walk.job.attempts += 1;
            let error = JobError { code: code.into(), message: why.clone() };
            notify::tell_of_failure(walk, failure).await?;
            finish(walk, Status::Failed, Some(error)).await.map(|()| After::Over)
        }
        ref failure @ Failure::Refused { code, ref words } => {
            let error =
                JobError { code: code.into(), message: format!("not done, by rule; the person was told: {words}") };
            notify::tell_of_failure(walk, failure).await?;
            finish(walk, Status::Refused, Some(error)).await.map(|()| After::Over)
        }
        failure @ (Failure::Lost | Failure::CutOff) => Err(failure),
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
    let (parts, store) = (Arc::clone(&walk.parts), Arc::clone(&walk.store));
    walk.job.status = status;
    walk.job.error = error;
    walk.job.finished_at = Some(Millis::now());
    let person = walk.person.as_ref().map(|person| person.id);
    let slim = without_answers(&walk.job);
    let name = if status == Status::Done { "done" } else { "failed" };
    let data = super::view::job_view(&walk.job, None, super::view::Eyes::Owner);
    let mut news = walk.telling.rest().await;
    news.add(News { state: Some(Box::new((slim, person))), ..News::default() }.event(name, data, Millis::now()));
    parts.patiently(|| store.tell(walk.job.id, news.clone())).await?;
    reached(Step::EndRecorded);
    let ended = if status == Status::Failed { Ended::Failed } else { Ended::Done };
    let mut wait = Duration::from_millis(100);
    while let Err(error) = parts.queue.finish(&walk.job, ended).await {
        if matches!(error, QueueError::Lost(_)) {
            return Err(error.into());
        }
        tracing::error!(job = %walk.job.id, %error, "the job's end is not written down: trying again");
        if parts.stopping.is_cancelled() {
            return Err(Failure::Stopping);
        }
        at_work::aside(tokio::time::sleep(wait)).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
    let took = Millis::now().since(walk.job.created_at);
    Span::current().record("status", status.as_str());
    metrics::counter!("wtaf_jobs_total", "status" => status.as_str(), "source" => walk.job.request.source.as_str())
        .increment(1);
    metrics::histogram!("wtaf_job_seconds").record(took.as_secs_f64());
    parts.pulse.job_ended(status, took);
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

/// Once an hour, off every job's way: what is old is cleared away, a little at a time.
async fn tidy(parts: Arc<Parts>) {
    let mut wait = FIRST_TIDY;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = TIDY_EVERY,
            () = parts.stopping.cancelled() => return,
        }
        let now = Millis::now();
        told("old progress events", parts.store.prune_events(now.before(KEEP_EVENTS)).await);
        told("old counts of limits", parts.store.prune_spent(now.before(KEEP_SPENT)).await);
        told("old fences", parts.store.prune_fences(now.before(KEEP_FENCES)).await);
        let keep = parts.generations.current().pipeline.keep;
        told("old records", prune_old(&parts, now.before(keep)).await);
        match parts.sms.prune(now.before(keep)).await {
            Ok(removed) => told("old texts in files", Ok(removed)),
            Err(why) => tracing::warn!(%why, "old texts in files: not removed"),
        }
        if let Err(error) = parts.store.prune_sessions(Millis::now()).await {
            tracing::warn!(%error, "sessions and codes that have run out are not removed");
        }
    }
}

async fn prune_old(parts: &Parts, before: Millis) -> store::Result<u64> {
    let mut removed = 0;
    loop {
        let some = parts.store.prune_old(before).await?;
        removed += some;
        if some == 0 || parts.pause(BREATH).await.is_err() {
            return Ok(removed);
        }
    }
}

fn told(what: &str, removed: store::Result<u64>) {
    match removed {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "{what} removed"),
        Err(error) => tracing::warn!(%error, "{what} not removed"),
    }
}
