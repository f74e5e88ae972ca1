//! `jobs explain`: one job's story in words, for whoever was woken by it: what was asked, what each stage did, what went wrong and what to do now.

use std::fmt::Write;

use miette::{IntoDiagnostic, miette};
use serde_json::{Value, json};

use super::advice::{self, Advice};
use crate::{
    adapter::store::{OutboxText, Store, StoreError},
    cli::boot,
    config::Checked,
    engine::{Eyes, job_view},
    job::{ForPerson, Job, JobId, Millis, Status, mask},
};

/// So much of what was asked is shown.
const WORDS: usize = 160;

/// A job, and what was texted about it, as far as the database could be asked.
pub(super) struct Story {
    job: Job,
    texts: Result<Vec<OutboxText>, StoreError>,
    stages: Vec<String>,
}

/// Reads a job wherever it is kept: in the queue, else in the records.
pub(super) async fn read(pipeline: &Checked, id: JobId) -> miette::Result<Story> {
    let queued = boot::queue_to_look(pipeline).await?.find(id).await.into_diagnostic()?;
    let store = boot::open_store(pipeline).await;
    let kept = match (&queued, &store) {
        (None, Ok(store)) => store.job(id).await.into_diagnostic()?,
        _ => None,
    };
    let job = queued.or(kept).ok_or_else(|| {
        miette!(
            help = "`wtaf-host jobs list` shows those there are; data.keep says how long they are kept",
            "there is no job {id}"
        )
    })?;
    let texts = match store {
        Ok(store) => texts_of(&*store, id).await,
        Err(error) => Err(StoreError::Unavailable(error.to_string())),
    };
    let stages = pipeline.stages.iter().map(|stage| stage.name.clone()).collect();
    Ok(Story { job, texts, stages })
}

async fn texts_of(store: &dyn Store, id: JobId) -> Result<Vec<OutboxText>, StoreError> {
    store.texts_of(id).await
}

impl Story {
    fn advice(&self) -> Option<Advice> {
        advice::of(&self.job)
    }

    /// For people.
    pub(super) fn as_text(&self, now: Millis) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(out, "{}\n", self.headline(now));
        self.asked(&mut out);
        self.stages(&mut out);
        self.wrong(&mut out);
        self.told(&mut out);
        out
    }

    fn headline(&self, now: Millis) -> String {
        let job = &self.job;
        let ago = |at: Millis| format!("{} ago", span(now.since(at).as_secs_f64()));
        let tries = match job.attempts {
            0 | 1 => String::new(),
            tries => format!(", after {tries} tries"),
        };
        let how = match (job.status, job.finished_at, job.not_before) {
            (Status::Queued, _, Some(time)) if time > now => {
                format!("waits for another try in {}", span(time.since(now).as_secs_f64()))
            }
            (Status::Queued, ..) => format!("has waited for {}", span(now.since(job.created_at).as_secs_f64())),
            (Status::Running, ..) => format!("is under way, since {}", ago(job.created_at)),
            (Status::Done, Some(at), _) => format!("ended well {}", ago(at)),
            (Status::Failed, Some(at), _) => format!("failed {}{tries}", ago(at)),
            (Status::Refused, Some(at), _) => format!("was refused {}", ago(at)),
            (status, ..) => status.as_str().to_owned(),
        };
        format!("Job {} {how}", job.id)
    }

    fn asked(&self, out: &mut String) {
        let request = &self.job.request;
        let _ = writeln!(
            out,
            "What was asked\n  by {} through {}, at {}:\n  \"{}\"",
            request.asker,
            through(request.source.as_str()),
            self.job.created_at,
            masked(&request.text)
        );
        if let Some(decided) = self.decided() {
            let _ = writeln!(out, "  The coach's decision: {decided}.");
        }
        out.push('\n');
    }

    fn decided(&self) -> Option<String> {
        Some(match &self.job.progress.decided.as_ref()?.then {
            ForPerson::Order(order) => format!("a job of the kind {} ({})", order.kind, masked(&order.why)),
            ForPerson::Reply(words) => format!("a reply at once, \"{}\"", masked(words)),
            ForPerson::Silence(why) => format!("silence, because {}", masked(why)),
        })
    }

    fn stages(&self, out: &mut String) {
        let job = &self.job;
        out.push_str("What became of it\n");
        if job.stages.is_empty() {
            out.push_str("  No stage has begun.\n");
        }
        for stage in &job.stages {
            let plugin = match (&stage.plugin, &stage.version, &stage.digest) {
                (Some(name), Some(version), digest) => {
                    format!("{name} {version} {:.12}", digest.as_deref().unwrap_or_default())
                }
                _ => String::new(),
            };
            let after = stage.at.since(job.created_at).as_secs_f64();
            let attempt = if stage.attempt > 1 { format!("try {}  ", stage.attempt) } else { String::new() };
            let _ = writeln!(
                out,
                "  +{after:<9.3} {:<10} {plugin:<28} {:>10.3} ms  {attempt}{}",
                stage.name,
                stage.ms,
                masked(&stage.outcome)
            );
        }
        let left: Vec<_> = self.stages.iter().filter(|name| !job.stages.iter().any(|ran| ran.name == **name)).collect();
        if !job.status.is_final() && !left.is_empty() {
            let names: Vec<_> = left.iter().map(|name| name.as_str()).collect();
            let _ = writeln!(out, "  Not begun: {}.", names.join(", "));
        }
        if let Some(ai) = &job.ai {
            let cost = ai.cost.map_or_else(|| "no price is set".to_owned(), |cost| format!("${cost:.4}"));
            let calls = if ai.calls == 1 { "one call".to_owned() } else { format!("{} calls", ai.calls) };
            let _ = writeln!(
                out,
                "  AI: {} ({}), {calls}, {} tokens read, {} written, {cost}.",
                ai.provider, ai.model, ai.input_tokens, ai.output_tokens
            );
        }
        if let Some(page) = &job.progress.published {
            let _ = writeln!(out, "  The page is live: {} (version {}).", page.url, page.version);
        }
        if let Some(at) = job.finished_at {
            let _ = writeln!(out, "  In all {}.", span(at.since(job.created_at).as_secs_f64()));
        }
        out.push('\n');
    }

    fn wrong(&self, out: &mut String) {
        let Some(advice) = self.advice() else { return };
        let _ = writeln!(out, "What went wrong\n  {}", advice.what);
        if let Some(error) = &self.job.error {
            let _ = writeln!(out, "  In its own words: {}: {}", error.code, masked(&error.message));
        }
        out.push_str("\nWhat to do\n");
        for (number, step) in (1..).zip(&advice.steps) {
            let _ = writeln!(out, "  {number}. {step}");
        }
        out.push('\n');
    }

    fn told(&self, out: &mut String) {
        out.push_str("What the person was told\n");
        match &self.texts {
            Err(error) => {
                let _ = writeln!(out, "  It is not known: {error}");
            }
            Ok(texts) if texts.is_empty() => match &self.job.progress.reply {
                Some(words) => {
                    let _ = writeln!(out, "  In the chat: \"{}\"", masked(words));
                }
                None => out.push_str("  Nothing.\n"),
            },
            Ok(texts) => texts.iter().for_each(|text| told_by_text(out, text)),
        }
    }

    /// For scripts.
    pub(super) fn as_json(&self) -> Value {
        let advice = self.advice();
        let mut job = job_view(&self.job, None, Eyes::Operator);
        mask_at(&mut job, &["/title", "/reply", "/error/message"]);
        for stage in job["stages"].as_array_mut().into_iter().flatten() {
            mask_at(stage, &["/outcome"]);
        }
        json!({
            "job": job,
            "asked": { "by": self.job.request.asker.to_string(), "text": masked(&self.job.request.text) },
            "decided": self.decided(),
            "wrong": advice.as_ref().map(|advice| &advice.what),
            "do": advice.map(|advice| advice.steps).unwrap_or_default(),
            "texts": self.texts.as_ref().ok().map(|texts| texts.iter().map(|text| json!({
                "occasion": text.text.occasion,
                "to": text.text.to.to_string(),
                "status": text.status.as_str(),
                "attempts": text.attempts,
                "segments": text.segments,
                "error": text.error.as_deref().map(mask::numbers),
                "body": mask::numbers(&text.text.body),
                "updated_at": text.updated,
            })).collect::<Vec<_>>()),
        })
    }
}

fn told_by_text(out: &mut String, text: &OutboxText) {
    let segments = match text.segments {
        Some(1) => ", one segment".to_owned(),
        Some(more) => format!(", {more} segments"),
        None => String::new(),
    };
    let error = text.error.as_ref().map(|error| format!(" ({})", masked(error))).unwrap_or_default();
    let _ = writeln!(
        out,
        "  {} to {}: {}{segments}{error}\n    \"{}\"",
        text.text.occasion,
        text.text.to,
        text.status.as_str(),
        masked(&text.text.body)
    );
}

fn through(source: &str) -> &'static str {
    match source {
        "sms" => "a text",
        "web" => "the web chat",
        _ => "a dropped file",
    }
}

/// A time as people say it.
fn span(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7_200.0 => format!("{:.0} minutes", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.0} hours", seconds / 3_600.0),
        seconds => format!("{:.0} days", seconds / 86_400.0),
    }
}

/// Someone's words, short, on one line, without what looks like a number somebody can be called at.
fn masked(text: &str) -> String {
    let mut out = mask::numbers(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if out.chars().count() > WORDS {
        out = out.chars().take(WORDS).chain(std::iter::once('…')).collect();
    }
    out
}

/// Texts of a JSON value that somebody wrote or said, masked where they stand.
fn mask_at(value: &mut Value, pointers: &[&str]) {
    for pointer in pointers {
        if let Some(Value::String(text)) = value.pointer_mut(pointer) {
            *text = mask::numbers(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_to_call_are_masked_and_amounts_are_not() {
        assert_eq!(masked("call +1 555 867 5310 about 1200 dollars"), "call +15•••10 about 1200 dollars");
        assert_eq!(masked("wtaf a\n tip  calculator 3+4"), "wtaf a tip calculator 3+4");
    }

    #[test]
    fn long_words_are_cut_and_say_so() {
        let text = masked(&"ä".repeat(500));
        assert_eq!((text.chars().count(), text.ends_with('…')), (WORDS + 1, true));
    }
}
