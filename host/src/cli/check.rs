//! `wtaf-host check`: finds everything that is wrong with a pipeline.toml. Opens no socket and no database.

use std::{fmt::Write, path::Path};

use serde_json::json;

use crate::config::{self, AiKind, Checked, QueueBackend, RoleOf, SmsProvider, StoreUrl};

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people; with colour where there is a terminal.
    Text {
        /// Whether there is.
        color: bool,
    },
    /// For scripts: a list of faults, empty where all is well.
    Json,
}

/// What was found, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether all is well.
    pub good: bool,
    /// What to print, a line break at its end.
    pub text: String,
}

/// Checks a file.
pub fn run(path: &Path, overrides: &[String], roles: &dyn RoleOf, form: Form) -> Verdict {
    let checked = config::load(path, overrides, roles);
    let good = checked.is_ok();
    let text = match (form, checked) {
        (Form::Json, Ok(_)) => format!("{:#}\n", json!([])),
        (Form::Json, Err(faults)) => format!("{:#}\n", faults.to_json()),
        (Form::Text { .. }, Ok(checked)) => summary(&checked),
        (Form::Text { color }, Err(faults)) => {
            let count = match faults.len() {
                1 => "one thing is".to_owned(),
                more => format!("{more} things are"),
            };
            format!("{}\n{count} wrong with {}\n", faults.render(color), path.display())
        }
    };
    Verdict { good, text }
}

/// What the pipeline will do, in a few lines.
fn summary(checked: &Checked) -> String {
    let names: Vec<_> = checked.stages.iter().map(|stage| stage.name.as_str()).collect();
    let mut out = format!("{} is good: {}\n", checked.path().display(), names.join(" → "));
    let ai: Vec<_> = checked.ai.iter().map(|ai| ai.name.as_str()).collect();
    let demo = checked.ai.iter().all(|ai| ai.kind == AiKind::Demo);
    let hint = if demo { " (set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real one)" } else { "" };
    let _ = writeln!(out, "  AI     {}{hint}", ai.join(", then "));
    let texts = match checked.sms.provider {
        SmsProvider::Console => "console: /phone in the browser",
        SmsProvider::Twilio(_) => "Twilio",
    };
    let _ = writeln!(out, "  texts  {texts}");
    let store = match &checked.store.url {
        StoreUrl::Sqlite(file) => format!("SQLite, {}", file.display()),
        StoreUrl::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let _ = writeln!(out, "  store  {store}");
    let queue = match checked.queue.backend {
        QueueBackend::Files => format!("files in {}", checked.data_dir.display()),
        QueueBackend::Nats(_) => "NATS".to_owned(),
    };
    let _ = writeln!(out, "  queue  {queue}");
    out
}
