//! What went wrong with a job, in plain words, and what to do about it: one arm a code.

use crate::job::{Job, JobId, StageRecord, Status};

/// What to make of a job that did not end well.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// In a sentence or two.
    pub what: String,
    /// In order.
    pub steps: Vec<String>,
}

/// For a job that failed, was refused, or is on its way to another try; nothing for one that is well.
pub(super) fn of(job: &Job) -> Option<Advice> {
    let failed = job.stages.iter().rev().find(|stage| !is_well(stage));
    let code = match (&job.error, failed) {
        (Some(error), _) => error.code.as_str(),
        // An outcome begins with the failure's code.
        (None, Some(stage)) if !job.status.is_final() => stage.outcome.split(':').next().unwrap_or_default(),
        _ => return None,
    };
    let retry =
        format!("wtaf-host jobs retry {}   brings it back; what it has made already is not made again.", job.id);
    let mut advice = advise(code, failed, job.id);
    match job.status {
        Status::Failed => advice.steps.push(retry),
        Status::Queued | Status::Running => {
            advice.steps.insert(0, "Nothing yet: it is tried again by itself.".to_owned());
        }
        Status::Refused | Status::Done => {}
    }
    Some(advice)
}

fn is_well(stage: &StageRecord) -> bool {
    matches!(stage.outcome.as_str(), "ok" | "skipped" | "running")
}

fn advise(code: &str, failed: Option<&StageRecord>, id: JobId) -> Advice {
    let (what, steps): (String, Vec<String>) = match code {
        "ai-unavailable" => (
            "No AI provider answered. The words below say what each one said.".into(),
            vec![
                "wtaf-host doctor   calls each provider for real, and says which key, credit or model is wrong.".into(),
                "wtaf-host status   shows the providers that are resting after failures; they come back by themselves.".into(),
                "A second [[ai]] entry in pipeline.toml is asked when the first is down.".into(),
            ],
        ),
        "plugin" => plugin(failed, id),
        "no-page" => (
            "An AI answered, and there was no page in what it said. The person was told to ask in other words.".into(),
            vec![
                format!("wtaf-host jobs replay {id}   shows the answer and what the extract plugin made of it."),
                "If many end so, look at the prompt stage, or at a max_tokens that is too small: the answer was cut off.".into(),
            ],
        ),
        "no-such-page" => (
            "They asked to change a page that is not there, or is not theirs. They were told.".into(),
            vec!["Nothing: it is an answer, not a fault.".into()],
        ),
        "limit" => (
            "They, or all together, have used up an allowance ([limits] in pipeline.toml). They were told when there is room again.".into(),
            vec!["Nothing, unless the limit is too small: raise it in [limits], which is read again when the file is saved.".into()],
        ),
        "refused" => (
            format!("{} said no to it, and the person was told why.", stage_of(failed)),
            vec![format!("Nothing, if that was right. Else wtaf-host jobs replay {id} shows what it saw.")],
        ),
        "store" => (
            "The database would not. A request is safe without it, a page is not made.".into(),
            vec!["wtaf-host doctor   says whether it can be reached, and whether its tables are as they must be.".into()],
        ),
        "queue" | "files" => (
            "The disk would not have what had to be written.".into(),
            vec!["wtaf-host doctor   says how full the disk is, and whose the folders are.".into()],
        ),
        "too-big" => (
            "The job has grown larger than NATS takes in one message.".into(),
            vec!["Raise max_payload in the configuration of the NATS servers.".into()],
        ),
        "panicked" => (
            "The engine itself panicked over this job, each time: that is a fault of ours.".into(),
            vec!["The report is in the log and, where they are kept, in crashes/ of the data directory: please send it in.".into()],
        ),
        "workers-lost" => (
            "Worker after worker took this job up and was not heard of again. It may be what ends them.".into(),
            vec!["Look at the ends of the workers' logs, and at the memory they had, before you bring it back.".into()],
        ),
        "flow" => (
            format!("{} lacked what an earlier stage makes: the pipeline was another one when this began.", stage_of(failed)),
            vec!["wtaf-host check   looks at the flow of the pipeline that is in force.".into()],
        ),
        other => (
            format!("{} ended in `{other}`.", stage_of(failed)),
            vec!["The engine's log has more under this job's id.".into()],
        ),
    };
    Advice { what, steps }
}

fn plugin(failed: Option<&StageRecord>, id: JobId) -> (String, Vec<String>) {
    let Some(StageRecord { name, plugin: Some(plugin), version, digest, .. }) = failed else {
        return ("A plugin gave no answer, or none that keeps the contract.".into(), vec![replay(id)]);
    };
    let version = version.as_deref().unwrap_or_default();
    let digest: String = digest.iter().flat_map(|digest| digest.chars().take(12)).collect();
    (
        format!(
            "The plugin {plugin} {version} ({digest}) in the stage {name} gave no answer, or none that keeps the contract."
        ),
        vec![
            replay(id),
            format!(
                "wtaf-host plugin rollback {plugin}   if it began with a new version: the one before serves again at once."
            ),
            format!("A plugin that ran out of time or memory may be given more in [[stage]] {name}: deadline, memory."),
        ],
    )
}

fn replay(id: JobId) -> String {
    format!("wtaf-host jobs replay {id}   puts the same call to it again; --with PLUGIN=FILE to another version.")
}

fn stage_of(failed: Option<&StageRecord>) -> String {
    failed.map_or_else(|| "The engine".to_owned(), |stage| format!("The stage {}", stage.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Asker, JobError, Millis, Request, Source};

    fn job(status: Status, code: &str, outcome: &str) -> Job {
        let request = Request {
            source: Source::Sms,
            asker: Asker::Phone("+15550002020".parse().unwrap()),
            text: "wtaf a clock".into(),
            media: Vec::new(),
            delivery: None,
            opt_out: None,
            coach: None,
            user_slug: None,
        };
        let mut job = Job::new("01K00000000000000000000000".parse().unwrap(), request, Millis(1));
        job.status = status;
        job.error = status.is_final().then(|| JobError { code: code.into(), message: "why".into() });
        job.stages = vec![StageRecord {
            name: "extract".into(),
            plugin: Some("extract".into()),
            version: Some("0.1.0".into()),
            digest: Some("ab".repeat(32)),
            at: Millis(2),
            ms: 1.0,
            attempt: 1,
            outcome: outcome.into(),
        }];
        job
    }

    #[test]
    fn a_plugin_that_failed_is_named_with_its_version_and_how_to_go_back() {
        let advice = of(&job(Status::Failed, "plugin", "plugin: extract 0.1.0 trapped")).unwrap();
        assert!(advice.what.contains("extract 0.1.0 (abababababab) in the stage extract"), "{advice:?}");
        assert!(advice.steps.iter().any(|step| step.starts_with("wtaf-host plugin rollback extract")), "{advice:?}");
        assert!(advice.steps.last().unwrap().starts_with("wtaf-host jobs retry 01K"), "{advice:?}");
    }

    #[test]
    fn what_is_tried_again_by_itself_says_so_first_and_what_was_refused_is_not_to_be_retried() {
        let waiting = of(&job(Status::Queued, "", "ai-unavailable: no AI provider answered")).unwrap();
        assert!(waiting.steps[0].starts_with("Nothing yet"), "{waiting:?}");
        let refused = of(&job(Status::Refused, "limit", "limit: refused")).unwrap();
        assert!(!refused.steps.iter().any(|step| step.contains("retry")), "{refused:?}");
    }

    #[test]
    fn a_job_that_is_well_needs_no_advice() {
        let mut well = job(Status::Done, "", "ok");
        well.error = None;
        assert_eq!(of(&well), None);
    }
}
