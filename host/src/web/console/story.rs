//! `/console/jobs/{id}`: one job's story, and what can be done with it: tried again where it failed, run again in the sandbox to see whether it gives the
//! same. The one place of the console where a person's words are shown; they are hostile, and escaped.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{self, Path, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode, Uri};

use super::{
    Frame, Here, Shut, diff, door, drawn, frame, jobs, page, pipeline, stored, swaps,
    words::{self, Excerpt, excerpt, of_person},
};
use crate::{
    adapter::{queue::QueueError, store::OutboxText},
    engine::{Generation, swap::Replaying},
    job::{AiUse, Finish, ForPerson, Job, JobId, Millis, StageRecord, Status},
    plugin::Recorded,
    web::{Problem, Site, ask, form, problem::Offer},
};

/// Characters of a long text that are shown.
const LONG: usize = 6_000;
/// Calls that are shown.
const CALLS: usize = 60;
/// Thousandths of a job's time that waiting must have taken to be shown.
const WORTH_A_BAR: u64 = 50;

#[derive(Template)]
#[template(path = "console/story.html")]
struct View {
    title: String,
    frame: Frame,
    id: String,
    path: String,
    status: Status,
    class: &'static str,
    source: &'static str,
    who: String,
    slug: Option<String>,
    asked: Excerpt,
    accepted: String,
    at: String,
    took: Option<String>,
    waits_until: Option<String>,
    attempts: u32,
    generation: Option<String>,
    decided: Option<(String, Excerpt)>,
    page: Option<(String, String, u32)>,
    error: Option<(String, Excerpt)>,
    reply: Option<Excerpt>,
    bars: Vec<Bar>,
    scale: [String; 3],
    ai: Option<Ai>,
    answers: Vec<Answered>,
    calls: Vec<Called>,
    calls_left_out: usize,
    without_words: bool,
    texts: Result<Vec<Texted>, String>,
    replayable: bool,
    replay: Option<Vec<Again>>,
    replayed_on: &'static str,
    differ: usize,
}

/// A run of a stage on the waterfall.
struct Bar {
    stage: String,
    colour: String,
    plugin: Option<String>,
    digest: Option<String>,
    began: String,
    took: String,
    attempt: u32,
    outcome: String,
    well: bool,
    /// Thousandths of the whole.
    x: u64,
    wide: u64,
}

struct Ai {
    provider: String,
    model: String,
    read: String,
    written: String,
    calls: u32,
    cost: String,
}

struct Answered {
    stage: String,
    finish: &'static str,
    calls: u32,
    text: Excerpt,
}

struct Called {
    stage: String,
    function: &'static str,
    plugin: String,
    version: String,
    digest: String,
    took: String,
    question: Excerpt,
    answer: Option<Excerpt>,
    fault: Option<Excerpt>,
}

struct Texted {
    occasion: String,
    to: String,
    body: Excerpt,
    status: &'static str,
    class: &'static str,
    about: String,
    error: Option<String>,
}

/// A call that was put again.
struct Again {
    stage: String,
    function: &'static str,
    plugin: String,
    then: String,
    now: String,
    same: bool,
    lines: Vec<diff::Line>,
}

/// What came of running it again.
struct Replay {
    calls: Vec<Again>,
    on: &'static str,
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::Jobs, &uri, &headers).await?;
    let job = find(&site, &id).await?;
    Ok(tell(&site, frame, &job, None).await?)
}

/// Does something with a job.
pub(crate) async fn act(
    extract::State(site): extract::State<Site>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let came = door::act(&site, &parts.uri, &parts.headers)?;
    let job = find(&site, &id).await?;
    let pairs = form::pairs(&parts.headers, body).await?;
    match form::first(&pairs, "do").unwrap_or_default() {
        "retry" => {
            retry(&site, job.id).await?;
            Ok(Redirect::to(&format!("{}?done=retried&n=1", path(job.id))).into_response())
        }
        "replay" => {
            let (versions, on) = match form::first(&pairs, "on").unwrap_or_default() {
                "in-force" => (Replaying::InForce, "the versions in force"),
                "before" => (Replaying::Before, "the versions before"),
                _ => (Replaying::Recorded, "the versions that answered then"),
            };
            let replay = Replay { calls: replay(&site, job.id, versions).await?, on };
            let frame = drawn(&site, Here::Jobs, &parts.uri, came).await;
            tell(&site, frame, &job, Some(replay)).await
        }
        _ => Err(ask::unprocessable("form-incomplete", "This form was not sent whole.").todo("Send it again.")),
    }
}

/// Brings a failed job back; its progress is kept.
pub(super) async fn retry(site: &Site, id: JobId) -> Result<(), Problem> {
    site.engine().queue().retry(id).await.map_err(|error| match error {
        QueueError::NoSuchJob(id) => {
            Problem::new(StatusCode::CONFLICT, "not-failed", "This job is not among the failed ones.")
                .detail("It may have been brought back already, or have ended otherwise.")
                .todo("Look at its story.")
                .offers(vec![Offer { title: "Its story".into(), url: path(id) }])
        }
        other => other.into(),
    })?;
    tracing::info!(job = %id, "an operator brought a failed job back");
    Ok(())
}

async fn replay(site: &Site, id: JobId, versions: Replaying) -> Result<Vec<Again>, Problem> {
    let busy = || {
        Problem::new(StatusCode::CONFLICT, "replay-under-way", "Another job is being run again.")
            .todo("Try again in a moment.")
    };
    let _turn = site.operators.replaying.try_acquire().map_err(|_| busy())?;
    let replayed = swaps(site)?.replay(id, versions).await.map_err(|why| {
        Problem::new(StatusCode::CONFLICT, "not-replayed", "The job could not be run again.")
            .detail(format!("{}.", words::line(&why.to_string())))
            .offers(vec![Offer { title: "Its story".into(), url: path(id) }])
    })?;
    Ok(replayed
        .into_iter()
        .map(|one| Again {
            stage: one.recorded.stage.clone(),
            function: one.recorded.question.function(),
            plugin: one.recorded.plugin.clone(),
            then: format!("{} {}", one.recorded.version, words::short(&one.recorded.digest)),
            now: format!("{} {}", one.version, words::short(&one.digest)),
            same: one.same(),
            lines: if one.same() { Vec::new() } else { diff::lines(&one.then, &one.now) },
        })
        .collect())
}

async fn find(site: &Site, id: &str) -> Result<Job, Problem> {
    let none = || {
        Problem::new(StatusCode::NOT_FOUND, "no-such-job", "There is no job with this id.")
            .todo("Look for it by the beginning of its id.")
            .offers(vec![Offer { title: "Jobs".into(), url: Here::Jobs.path().into() }])
    };
    let id: JobId = id.parse().map_err(|_| none())?;
    match site.engine().queue().find(id).await {
        Ok(Some(job)) => Ok(job),
        Ok(None) => Ok(stored(site.store().job(id)).await.ok().flatten().ok_or_else(none)?),
        Err(error) => Err(error.into()),
    }
}

fn path(id: JobId) -> String {
    format!("{}/{id}", Here::Jobs.path())
}

async fn tell(site: &Site, frame: Frame, job: &Job, replay: Option<Replay>) -> Result<Response, Problem> {
    let generation = site.engine().swaps().map(|swaps| swaps.generations().current());
    let recorded = recorded(site, job.id).await;
    let texts = stored(site.store().texts_of(job.id)).await;
    let person = stored(site.store().person(&job.request.asker)).await.ok().flatten();
    let without_words = recorded.iter().any(|call| call.without_words);
    let (bars, scale) = waterfall(job, generation.as_deref());
    let differ = replay.as_ref().map_or(0, |replay| replay.calls.iter().filter(|call| !call.same).count());
    let view = View {
        title: format!("Job {}", job.id),
        id: job.id.to_string(),
        path: path(job.id),
        status: job.status,
        class: jobs::class(job.status),
        source: job.request.source.as_str(),
        who: job.request.asker.to_string(),
        slug: person.map(|person| person.slug).filter(|slug| !slug.is_empty()),
        asked: of_person(&job.request.text, LONG),
        accepted: words::moment(job.created_at),
        at: job.created_at.to_string(),
        took: job.finished_at.map(|at| words::took(at.since(job.created_at))),
        waits_until: job.not_before.filter(|at| *at > Millis::now()).map(words::moment),
        attempts: job.attempts,
        generation: job.generation.clone(),
        decided: job.progress.decided.as_ref().map(|decided| decision(&decided.then)),
        page: job.progress.published.as_ref().map(|page| {
            (
                site.config().server.page_url(&format!("/{}/{}", page.user, page.app)),
                format!("{}/{}", page.user, page.app),
                page.version,
            )
        }),
        error: job.error.as_ref().map(|error| (error.code.clone(), of_person(&error.message, LONG))),
        reply: job.progress.reply.as_deref().map(|reply| of_person(reply, LONG)),
        bars,
        scale,
        ai: job.ai.as_ref().map(ai),
        answers: job
            .progress
            .answers
            .iter()
            .filter(|answer| !answer.text.is_empty())
            .map(|answer| Answered {
                stage: answer.stage.clone(),
                finish: finish(answer.finish),
                calls: answer.calls,
                text: excerpt(&answer.text, LONG),
            })
            .collect(),
        replayable: frame.works && !recorded.is_empty() && !without_words,
        calls_left_out: recorded.len().saturating_sub(CALLS),
        calls: recorded.iter().take(CALLS).map(called).collect(),
        without_words,
        texts: texts.map(|texts| texts.iter().map(texted).collect()),
        replayed_on: replay.as_ref().map_or("", |replay| replay.on),
        replay: replay.map(|replay| replay.calls),
        differ,
        frame,
    };
    page(site, &view)
}

async fn recorded(site: &Site, id: JobId) -> Vec<Recorded> {
    let Some(swaps) = site.engine().swaps() else { return Vec::new() };
    let recordings = std::sync::Arc::clone(swaps.recordings());
    tokio::task::spawn_blocking(move || recordings.of(id).unwrap_or_default()).await.unwrap_or_default()
}

fn decision(then: &ForPerson) -> (String, Excerpt) {
    match then {
        ForPerson::Reply(said) => ("A reply".into(), of_person(said, LONG)),
        ForPerson::Silence(why) => ("Silence, because".into(), of_person(why, LONG)),
        ForPerson::Order(order) => {
            let coach = order.coach.as_deref().map(|coach| format!(", coach {coach}")).unwrap_or_default();
            let page = order.page.as_deref().map(|page| format!(", from page {page}")).unwrap_or_default();
            (format!("An order: {}{coach}{page}, because {}", order.kind, order.why), of_person(&order.text, LONG))
        }
    }
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Complete => "complete",
        Finish::CutOff => "cut off",
        Finish::Refused => "refused",
    }
}

fn ai(used: &AiUse) -> Ai {
    Ai {
        provider: used.provider.clone(),
        model: used.model.clone(),
        read: words::thousands(used.input_tokens),
        written: words::thousands(used.output_tokens),
        calls: used.calls,
        cost: used.cost.map_or_else(|| "no price is configured".to_owned(), words::dollars),
    }
}

fn called(call: &Recorded) -> Called {
    let question = serde_json::to_value(&call.question).unwrap_or_default();
    Called {
        stage: call.stage.clone(),
        function: call.question.function(),
        plugin: call.plugin.clone(),
        version: call.version.clone(),
        digest: words::short(&call.digest),
        took: words::took(Duration::from_secs_f64(call.ms.max(0.0) / 1e3)),
        question: excerpt(&diff::readable(&question), LONG),
        answer: call.answer.as_ref().map(|answer| excerpt(&diff::readable(answer), LONG)),
        fault: call.fault.as_deref().map(|fault| excerpt(fault, LONG)),
    }
}

fn texted(text: &OutboxText) -> Texted {
    use crate::adapter::store::TextStatus as S;
    let segments = text.segments.map(|n| format!(", {}", words::count(u64::from(n), "segment"))).unwrap_or_default();
    let tries = if text.attempts > 1 { format!(", {} tries", text.attempts) } else { String::new() };
    Texted {
        occasion: text.text.occasion.clone(),
        to: text.text.to.to_string(),
        body: of_person(&text.text.body, LONG),
        status: text.status.as_str(),
        class: match text.status {
            S::Sent | S::Delivered => "good",
            S::Failed => "wrong",
            S::Waiting | S::Sending | S::Withheld => "wait",
        },
        about: format!("{}{segments}{tries}", words::moment(text.updated)),
        error: text.error.as_deref().map(words::line),
    }
}

/// Every run of a stage on one scale, from acceptance to the last end.
fn waterfall(job: &Job, generation: Option<&Generation>) -> (Vec<Bar>, [String; 3]) {
    let end = |stage: &StageRecord| stage.at.after(Duration::from_secs_f64(stage.ms.max(0.0) / 1e3));
    let from = job.created_at;
    let last = job.stages.iter().map(end).max().unwrap_or(from);
    let all = u64::try_from(last.since(from).as_millis()).unwrap_or(u64::MAX).max(1);
    let part = |at: Millis| u64::try_from(at.since(from).as_millis()).unwrap_or(0).saturating_mul(1_000) / all;
    let bar = |stage: &StageRecord| {
        let x = part(stage.at).min(996);
        Bar {
            stage: stage.name.clone(),
            colour: pipeline::colour_of(generation, &stage.name),
            plugin: stage
                .plugin
                .as_ref()
                .map(|plugin| format!("{plugin} {}", stage.version.as_deref().unwrap_or_default())),
            digest: stage.digest.as_deref().map(words::short),
            began: words::took(stage.at.since(from)),
            took: words::took(Duration::from_secs_f64(stage.ms.max(0.0) / 1e3)),
            attempt: stage.attempt,
            outcome: words::line(&stage.outcome),
            well: matches!(stage.outcome.as_str(), "ok" | "skipped" | "running"),
            x,
            // What took no time that can be seen is a hair wide.
            wide: part(end(stage)).saturating_sub(x).clamp(4, 1_000 - x),
        }
    };
    let whole = Duration::from_millis(all);
    let begun = job.stages.iter().map(|stage| stage.at).min().unwrap_or(from);
    let waited = Bar {
        stage: "in the queue".to_owned(),
        colour: "s-".to_owned(),
        plugin: Some("–".to_owned()),
        digest: None,
        began: words::took(Duration::ZERO),
        took: words::took(begun.since(from)),
        attempt: 1,
        outcome: "taken up".to_owned(),
        well: true,
        x: 0,
        wide: part(begun),
    };
    // Where it was taken up at once there is nothing to see.
    let waited = Some(waited).filter(|waited| waited.wide >= WORTH_A_BAR);
    (
        waited.into_iter().chain(job.stages.iter().map(bar)).collect(),
        ["accepted".into(), words::took(whole / 2), words::took(whole)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Asker, GuestKey, JobIds, Request, Source};

    fn job(stages: &[(u64, f64)]) -> Job {
        let request = Request {
            source: Source::Web,
            asker: Asker::Guest(GuestKey::of_token("t")),
            text: String::new(),
            media: vec![],
            delivery: None,
            opt_out: None,
            coach: None,
            user_slug: None,
        };
        let mut job = Job::new(JobIds::default().next(Millis(1_000)), request, Millis(1_000));
        job.stages = stages
            .iter()
            .map(|(at, ms)| StageRecord {
                name: "ai".into(),
                plugin: None,
                version: None,
                digest: None,
                at: Millis(*at),
                ms: *ms,
                attempt: 1,
                outcome: "ok".into(),
            })
            .collect();
        job
    }

    #[test]
    fn every_run_stands_where_it_was_on_one_scale() {
        let (bars, scale) = waterfall(&job(&[(1_500, 500.0), (2_000, 1_000.0)]), None);
        assert_eq!(bars.iter().map(|bar| (bar.x, bar.wide)).collect::<Vec<_>>(), [(0, 250), (250, 250), (500, 500)]);
        assert_eq!((bars[0].stage.as_str(), bars[0].took.as_str()), ("in the queue", "500 ms"));
        assert_eq!(scale, ["accepted", "1.0 s", "2.0 s"]);
    }

    #[test]
    fn a_run_too_short_to_see_is_seen_and_one_before_its_time_harms_nothing() {
        let (bars, _) = waterfall(&job(&[(3_000, 0.01), (10, -5.0)]), None);
        assert!(bars.iter().all(|bar| bar.wide >= 4 && bar.x + bar.wide <= 1_000));
        assert!(waterfall(&job(&[]), None).0.is_empty());
    }
}
