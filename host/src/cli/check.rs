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
    let queue = match &checked.queue.backend {
        QueueBackend::Files => format!("files in {}", checked.data_dir.display()),
        QueueBackend::Nats(nats) => format!("NATS, {}, {} a request", nats.at(), copies(nats.replicas)),
    };
    let _ = writeln!(out, "  queue  {queue}");
    out
}

fn copies(replicas: usize) -> String {
    if replicas == 1 { "one copy of".to_owned() } else { format!("{replicas} copies of") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Places, PluginSource, Role};

    struct ByName;

    impl RoleOf for ByName {
        fn role_of(&self, source: &PluginSource, _: Places<'_>) -> Result<Role, String> {
            let role = |name: &str| Role::ALL.into_iter().find(|role| role.as_str() == name);
            match source {
                PluginSource::Named(name) => role(name).ok_or_else(|| format!("there is no plugin `{name}`")),
                _ => Err("there is no such plugin".to_owned()),
            }
        }
    }

    const SHIPPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.toml"));

    fn check(text: &str, form: Form) -> Verdict {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pipeline.toml");
        std::fs::write(&file, text).expect("written");
        run(&file, &[], &ByName, form)
    }

    #[test]
    fn a_good_file_is_told_in_a_few_lines() {
        let verdict = check(SHIPPED, Form::Text { color: false });
        assert!(verdict.good, "{}", verdict.text);
        assert!(verdict.text.contains("is good: coach → prompt → ai → extract → slug → publish → notify\n"));
        assert_eq!(check(SHIPPED, Form::Json).text, "[]\n");
    }

    #[test]
    fn a_broken_file_is_told_line_by_line_and_counted() {
        let verdict = check(&SHIPPED.replace("[web]", "[wbe]\n[web]\nguest = 1"), Form::Text { color: false });
        assert!(!verdict.good);
        assert!(verdict.text.contains(":2: there is no key `wbe` in this file"), "{}", verdict.text);
        assert!(verdict.text.contains("\n2 things are wrong with "), "{}", verdict.text);
        assert!(check("", Form::Json).text.contains("wtaf::config::empty"));
    }
}
