//! A job as people outside see it: the JSON of the API and of the events. What only its owner may see is left out for everyone else.

use serde_json::{Value, json};

use crate::job::{Job, StageRecord, Status};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    /// Anyone who holds the id.
    Anyone,
    /// The person whose job it is.
    Owner,
    /// Whoever runs the engine: causes too.
    Operator,
}

/// What the outcome of a stage's record says while the stage runs.
pub(super) const RUNNING: &str = "running";

/// A job as JSON. `user` is the slug of who asked, where it is known and no page says it.
pub fn job_view(job: &Job, user: Option<&str>, eyes: Eyes) -> Value {
    let live = job.progress.published.as_ref();
    let owner = eyes != Eyes::Anyone;
    json!({
        "id": job.id,
        "status": job.status,
        "source": job.request.source,
        "user": live.map(|page| page.user.as_str()).or(user),
        "stage": stage(job),
        "title": live.map(|page| page.title.as_str()),
        "url": live.map(|page| page.url.as_str()),
        "admin_url": live.filter(|_| owner).and_then(|page| page.admin_url.as_deref()),
        "reply": job.progress.reply.as_deref().filter(|_| owner),
        "error": job.error.as_ref().map(|error| match eyes {
            Eyes::Operator => json!(error),
            Eyes::Anyone | Eyes::Owner => json!({ "code": error.code, "message": outward(&error.code) }),
        }),
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "attempts": job.attempts,
        "stages": job.stages.iter().filter(|stage| stage.outcome != RUNNING).map(|stage| stage_view(stage, eyes)).collect::<Vec<_>>(),
        "ai": job.ai,
    })
}

/// What went wrong in a stage is in the provider's or the plugin's own words: for whoever runs the engine.
fn stage_view(stage: &StageRecord, eyes: Eyes) -> Value {
    let mut view = json!(stage);
    if eyes != Eyes::Operator && !matches!(stage.outcome.as_str(), "ok" | "skipped") {
        view["outcome"] = "failed".into();
    }
    view
}

/// A cause as people outside may read it: what a provider or a plugin said of itself is for whoever runs the engine.
fn outward(code: &str) -> &'static str {
    match code {
        "ai-unavailable" => "No AI provider answered. Ask again in a while.",
        "no-page" => "The answer held no page. Ask again in other words.",
        "no-such-page" => "There is no such page.",
        "limit" => "That is as many as fit for now. Ask again later.",
        "refused" => "This cannot be made here.",
        _ => "Something in the engine failed. It is on record under this id.",
    }
}

/// Where a job is: the stage under way, or the one it ended in when it did not end well.
fn stage(job: &Job) -> Option<&str> {
    let last = job.stages.last();
    match job.status {
        Status::Queued | Status::Done => None,
        Status::Failed | Status::Refused => last.map(|stage| stage.name.as_str()),
        Status::Running => last.filter(|stage| is_running(stage)).map(|stage| stage.name.as_str()),
    }
}

fn is_running(stage: &StageRecord) -> bool {
    stage.outcome == RUNNING
}

/// An event's data as somebody who is not the owner may see it.
pub fn for_anyone(mut data: Value) -> Value {
    if let Some(map) = data.as_object_mut() {
        for name in ["reply", "admin_url"] {
            if let Some(value) = map.get_mut(name) {
                *value = Value::Null;
            }
        }
        map.remove("text");
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Asker, GuestKey, JobIds, Millis, Published, Request, Source};

    fn job() -> Job {
        let request = Request {
            source: Source::Web,
            asker: Asker::Guest(GuestKey::of_token("t")),
            text: "a secret".into(),
            media: vec![],
            delivery: None,
            opt_out: None,
            coach: None,
            user_slug: None,
        };
        let mut job = Job::new(JobIds::default().next(Millis(1)), request, Millis(1));
        job.progress.reply = Some("for you alone".into());
        job.progress.published = Some(Published {
            user: "otter".into(),
            app: "red".into(),
            version: 1,
            url: "http://x/otter/red".into(),
            admin_url: Some("http://x/owner".into()),
            title: "Red".into(),
        });
        job
    }

    fn record(name: &str, outcome: &str) -> StageRecord {
        StageRecord {
            name: name.into(),
            plugin: None,
            version: None,
            digest: None,
            at: Millis(1),
            ms: 1.0,
            attempt: 1,
            outcome: outcome.into(),
        }
    }

    #[test]
    fn the_stage_under_way_is_named_and_not_yet_among_those_that_ran() {
        let mut job = job();
        job.status = Status::Running;
        job.stages = vec![record("coach", "ok"), record("ai", RUNNING)];
        let view = job_view(&job, None, Eyes::Anyone);
        assert_eq!(view["stage"], "ai");
        assert_eq!(view["stages"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn what_was_said_and_the_owners_view_are_the_owners_alone() {
        let mut job = job();
        job.status = Status::Done;
        let (own, other) = (job_view(&job, None, Eyes::Owner), job_view(&job, None, Eyes::Anyone));
        assert_eq!(own["reply"], "for you alone");
        assert_eq!(own["admin_url"], "http://x/owner");
        assert_eq!((&other["reply"], &other["admin_url"]), (&Value::Null, &Value::Null));
        assert!(!other.to_string().contains("secret"));
    }

    #[test]
    fn what_a_provider_said_of_itself_is_the_operators_alone() {
        let mut job = job();
        job.stages = vec![record("ai", "ai-unavailable: claude: 401 the key was refused")];
        job.error = Some(crate::job::JobError {
            code: "ai-unavailable".into(),
            message: "claude: 401 the key was refused".into(),
        });
        assert!(!job_view(&job, None, Eyes::Owner).to_string().contains("401"));
        assert!(job_view(&job, None, Eyes::Operator).to_string().contains("401"));
    }

    #[test]
    fn every_member_of_the_contract_is_there_even_when_empty() {
        let json = job_view(&job(), None, Eyes::Anyone);
        let names = "id status source user stage url admin_url reply error created_at finished_at attempts stages ai";
        for name in names.split(' ') {
            assert!(json.get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn events_lose_what_is_private() {
        let seen = for_anyone(json!({ "id": "x", "reply": "hush", "admin_url": "u", "text": "t" }));
        assert_eq!(seen, json!({ "id": "x", "reply": null, "admin_url": null }));
    }
}
