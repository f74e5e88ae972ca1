//! A job as people outside see it. What only its owner may see is left out unless asked for.

use serde_json::{Value, json};

use crate::job::{Job, Status};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    /// Anyone who holds the id.
    Anyone,
    /// The person whose job it is, or the operator.
    Owner,
}

/// The job of the API and of the events.
pub fn job_view(job: &Job, eyes: Eyes) -> Value {
    let published = job.progress.published.as_ref();
    let running = if job.status == Status::Running {
        job.stages.iter().rev().find(|stage| stage.outcome == "running")
    } else {
        None
    };
    let mut view = json!({
        "id": job.id.to_string(),
        "status": job.status.as_str(),
        "source": job.request.source.as_str(),
        "user": published.map(|page| page.user.clone()),
        "stage": running.map(|stage| stage.name.clone()),
        "url": published.map(|page| page.url.clone()),
        "title": published.map(|page| page.title.clone()),
        "admin_url": Value::Null,
        "reply": Value::Null,
        "error": job.error,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "attempts": job.attempts,
        "stages": job.stages,
        "ai": job.ai,
    });
    if eyes == Eyes::Owner {
        view["reply"] = json!(job.progress.reply);
        view["admin_url"] = json!(published.and_then(|page| page.admin_url.clone()));
    }
    view
}
