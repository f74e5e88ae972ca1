//! A job as the API shows it.

use serde_json::{Value, json};

use crate::{
    config::Stage,
    job::{Job, Status},
};

/// A job as JSON. `user` is the slug of who asked, where they have one; `owner` opens what only they may read: the reply and the owner's view.
pub fn job_json(job: &Job, user: Option<&str>, stages: &[Stage], owner: bool) -> Value {
    let published = job.progress.published.as_ref();
    let live = published.filter(|_| job.status == Status::Done);
    json!({
        "id": job.id,
        "status": job.status,
        "source": job.request.source,
        "user": published.map(|p| p.user.as_str()).or(user),
        "stage": stage(job, stages),
        "title": live.map(|p| p.title.as_str()),
        "url": live.map(|p| p.url.as_str()),
        "admin_url": live.filter(|_| owner).and_then(|p| p.admin_url.as_deref()),
        "reply": job.progress.reply.as_deref().filter(|_| owner),
        "error": job.error.as_ref().map(|e| json!({ "code": e.code, "message": e.message })),
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "attempts": job.attempts,
        "stages": job.stages.iter().map(|s| json!({
            "name": s.name,
            "plugin": s.plugin,
            "version": s.version,
            "digest": s.digest,
            "ms": s.ms,
            "attempt": s.attempt,
            "outcome": s.outcome,
        })).collect::<Vec<_>>(),
        "ai": job.ai.as_ref().map(|ai| json!({
            "provider": ai.provider,
            "model": ai.model,
            "input_tokens": ai.input_tokens,
            "output_tokens": ai.output_tokens,
            "cost": ai.cost,
        })),
    })
}

/// Where a job is: the stage under way, or the one it ended in when it did not end well.
fn stage<'a>(job: &'a Job, stages: &'a [Stage]) -> Option<&'a str> {
    let last = job.stages.last();
    match job.status {
        Status::Queued | Status::Done => None,
        Status::Failed | Status::Refused => last.map(|s| s.name.as_str()),
        Status::Running => {
            let after = last.and_then(|l| stages.iter().position(|s| s.name == l.name)).map_or(0, |at| at + 1);
            stages.get(after).map(|s| s.name.as_str()).or(last.map(|s| s.name.as_str()))
        }
    }
}

/// An event's data as somebody who is not the owner may see it.
pub(super) fn for_anyone(mut data: Value) -> Value {
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

    #[test]
    fn a_page_is_named_only_once_the_job_is_done() {
        let mut job = job();
        job.status = Status::Running;
        assert_eq!(job_json(&job, None, &[], true)["url"], Value::Null);
        job.status = Status::Done;
        assert_eq!(job_json(&job, None, &[], true)["url"], "http://x/otter/red");
    }

    #[test]
    fn what_was_said_and_the_owners_view_are_the_owners_alone() {
        let mut job = job();
        job.status = Status::Done;
        let (own, other) = (job_json(&job, None, &[], true), job_json(&job, None, &[], false));
        assert_eq!(own["reply"], "for you alone");
        assert_eq!(own["admin_url"], "http://x/owner");
        assert_eq!((&other["reply"], &other["admin_url"]), (&Value::Null, &Value::Null));
        assert!(!other.to_string().contains("secret"));
    }

    #[test]
    fn every_member_of_the_contract_is_there_even_when_empty() {
        let json = job_json(&job(), None, &[], false);
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
