//! Why jobs failed, in words that hold nothing of what a person wrote, and grouped: a hundred jobs that failed for one reason are one line.

use super::words;
use crate::job::{Job, JobId, Millis};

/// One reason, and the jobs it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// Stable.
    pub code: String,
    /// In words.
    pub what: String,
    /// How many.
    pub jobs: u64,
    /// The newest of them.
    pub newest: JobId,
    /// When that ended.
    pub at: Millis,
}

/// Why one job did not end well.
pub(super) fn cause(job: &Job) -> Option<Cause> {
    let error = job.error.as_ref()?;
    Some(Cause {
        code: error.code.clone(),
        what: in_words(job, &error.code, &error.message),
        jobs: 1,
        newest: job.id,
        at: job.finished_at.unwrap_or(job.created_at),
    })
}

/// The causes of many, the most frequent first.
pub(super) fn grouped<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for one in jobs.into_iter().filter_map(cause) {
        match causes.iter_mut().find(|known| (&known.code, &known.what) == (&one.code, &one.what)) {
            Some(known) => {
                known.jobs += 1;
                if one.at > known.at {
                    (known.at, known.newest) = (one.at, one.newest);
                }
            }
            None => causes.push(one),
        }
    }
    causes.sort_by_key(|cause| (std::cmp::Reverse(cause.jobs), std::cmp::Reverse(cause.at)));
    causes
}

/// What a provider, a disk or a database said of itself may be told; what a plugin said may hold a person's words, so there it is told which plugin.
fn in_words(job: &Job, code: &str, message: &str) -> String {
    match code {
        "ai-unavailable" => words::line(&plainly(message)),
        "store" | "queue" | "disk" | "flow" => words::line(message),
        "plugin" => {
            let last = job.stages.iter().rev().find(|stage| stage.plugin.is_some() && stage.outcome != "ok");
            last.map_or_else(
                || "A plugin gave no answer.".to_owned(),
                |stage| {
                    let plugin = stage.plugin.as_deref().unwrap_or_default();
                    format!(
                        "Plugin {plugin} {} gave no answer in stage {}.",
                        stage.version.as_deref().unwrap_or_default(),
                        stage.name
                    )
                },
            )
        }
        "no-page" => "The AI's answer held no page.".to_owned(),
        "no-such-page" => "There is no such page.".to_owned(),
        "limit" => "A limit of theirs was used up.".to_owned(),
        "refused" => "Refused by a plugin or by rule; the person was told.".to_owned(),
        _ => format!("It ended with the code {code}."),
    }
}

/// What each provider failed with, without what differs from job to job: whether it was asked or passed over for that, and what it says of itself.
fn plainly(message: &str) -> String {
    let message = message.replace("not asked, after: ", "");
    let (mut out, mut depth) = (String::with_capacity(message.len()), 0_u32);
    for sign in message.chars() {
        match sign {
            '(' => {
                depth += 1;
                out.truncate(out.trim_end().len());
            }
            ')' => depth = depth.saturating_sub(1),
            sign if depth == 0 => out.push(sign),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Asker, GuestKey, JobError, JobIds, Request, Source, StageRecord};

    fn failed(at: u64, code: &str, message: &str) -> Job {
        let request = Request {
            source: Source::Web,
            asker: Asker::Guest(GuestKey::of_token("t")),
            text: "very private".into(),
            media: vec![],
            delivery: None,
            opt_out: None,
            coach: None,
            user_slug: None,
        };
        let mut job = Job::new(JobIds::default().next(Millis(at)), request, Millis(at));
        job.finished_at = Some(Millis(at));
        job.error = Some(JobError { code: code.into(), message: message.into() });
        job.stages.push(StageRecord {
            name: "slug".into(),
            plugin: Some("slug".into()),
            version: Some("9.0.0".into()),
            digest: None,
            at: Millis(at),
            ms: 1.0,
            attempt: 1,
            outcome: "plugin: it cannot name a very private idea".into(),
        });
        job
    }

    #[test]
    fn jobs_of_one_cause_are_one_line_with_the_newest_of_them() {
        let jobs = [failed(1, "ai-unavailable", "401"), failed(3, "ai-unavailable", "401"), failed(2, "store", "gone")];
        let causes = grouped(&jobs);
        assert_eq!(
            causes.iter().map(|cause| (cause.what.as_str(), cause.jobs)).collect::<Vec<_>>(),
            [("401", 2), ("gone", 1)]
        );
        assert_eq!(causes[0].newest, jobs[1].id);
    }

    #[test]
    fn a_provider_that_is_asked_and_one_that_is_passed_over_for_the_same_are_one_cause() {
        let asked = "no AI provider answered: one: 500 it failed (it says: try (again)); two: cannot be reached at x";
        let passed = "no AI provider answered: one: not asked, after: 500 it failed (it says: later); two: not asked, after: cannot be reached at x";
        let causes = grouped(&[failed(1, "ai-unavailable", asked), failed(2, "ai-unavailable", passed)]);
        assert_eq!(causes.len(), 1);
        assert_eq!(causes[0].what, "no AI provider answered: one: 500 it failed; two: cannot be reached at x");
    }

    #[test]
    fn what_a_plugin_said_of_a_persons_words_is_not_told() {
        let told = cause(&failed(1, "plugin", "slug: it cannot name a very private idea")).unwrap();
        assert_eq!(told.what, "Plugin slug 9.0.0 gave no answer in stage slug.");
    }
}
