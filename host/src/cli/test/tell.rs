//! How the cases went, for people and for scripts.

use std::{fmt::Write, io::IsTerminal, time::Duration};

use serde_json::{Value, json};

use super::{Came, Tried, judge::Miss};
use crate::{cli::colour, config::Checked};

/// A line a case; below them, each that failed: what was asked for and where, what came instead, and what became of its job.
pub(super) fn as_text(pipeline: &Checked, tried: &[Tried], took: Duration) -> String {
    let paint = Paint(colour(&std::io::stdout()) && std::io::stdout().is_terminal());
    let wide = tried.iter().map(|case| case.case.name.chars().count()).max().unwrap_or_default().min(72);
    let mut out = String::new();
    for case in tried {
        let mark = if case.passed() { paint.good("ok    ") } else { paint.bad("FAILED") };
        let stages = case.came.as_ref().map(|came| came.ran().join(" → ")).unwrap_or_default();
        // Writing into a String cannot fail.
        let _ = writeln!(out, "{mark}  {:<wide$}  {:>7.3} s  {stages}", case.case.name, case.took.as_secs_f64());
    }
    let file = pipeline.path().display().to_string();
    for case in tried.iter().filter(|case| !case.passed()) {
        failure(&mut out, &file, case, &paint);
    }
    let failed = tried.iter().filter(|case| !case.passed()).count();
    let passed = tried.len() - failed;
    let verdict = match (passed, failed) {
        (passed, 0) => format!("{passed} passed"),
        (passed, failed) => format!("{passed} passed, {failed} failed"),
    };
    let _ = writeln!(out, "\n{verdict} in {:.1} s", took.as_secs_f64());
    out
}

fn failure(out: &mut String, file: &str, tried: &Tried, paint: &Paint) {
    let case = &tried.case;
    let _ = writeln!(out, "\n{file}:{}: {}", case.line, case.name);
    let came = match &tried.came {
        Ok(came) => came,
        Err(why) => {
            let _ = writeln!(out, "  it could not be tried: {why}");
            return;
        }
    };
    for miss in &tried.misses {
        let Miss { key, line, wanted, got, within } = miss;
        let how = if *within { format!("{key} has") } else { format!("{key} is") };
        let _ = writeln!(out, "  {file}:{line}: {how} not what is expected");
        let (wanted, got) = (lines(wanted), lines(got));
        for line in &wanted {
            let _ = writeln!(out, "    {}", paint.bad(&format!("- {line}")));
        }
        let mark = if *within { "nearest: " } else { "" };
        for line in &got {
            let _ = writeln!(out, "    {}", paint.good(&format!("+ {mark}{line}")));
        }
    }
    story(out, came);
}

/// What became of its job: enough to see why without trying it again.
fn story(out: &mut String, came: &Came) {
    let _ = write!(out, "  the job: {}", came.status.as_str());
    if let Some(kind) = &came.kind {
        let _ = write!(out, ", {kind}");
    }
    let why = came.silence.clone().or_else(|| came.error.as_ref().map(|it| format!("{}: {}", it.code, it.message)));
    let _ = writeln!(out, "{}", why.map(|why| format!(" ({})", first_line(&why))).unwrap_or_default());
    if let Some((name, outcome)) = came.stages.iter().find(|(_, outcome)| outcome != "ok" && outcome != "skipped") {
        let _ = writeln!(out, "  the stage {name}: {}", first_line(outcome));
    }
    for words in &came.read {
        let _ = writeln!(out, "  they read: {}", words.replace('\n', "\n             "));
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A value as lines to compare: a list has a line each.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Null => vec!["(nothing)".to_owned()],
        Value::Array(items) => items.iter().flat_map(lines).collect(),
        Value::String(text) => text.lines().map(str::to_owned).collect(),
        other => vec![other.to_string()],
    }
}

/// The same for scripts.
pub(super) fn as_json(pipeline: &Checked, tried: &[Tried]) -> Value {
    let failed = tried.iter().filter(|case| !case.passed()).count();
    let file = pipeline.path().display().to_string();
    json!({
        "file": file,
        "passed": tried.len() - failed,
        "failed": failed,
        "cases": tried.iter().map(|case| case_as_json(&file, case)).collect::<Vec<_>>(),
    })
}

fn case_as_json(file: &str, tried: &Tried) -> Value {
    let came = tried.came.as_ref().ok();
    json!({
        "name": tried.case.name,
        "file": file,
        "line": tried.case.line,
        "passed": tried.passed(),
        "ms": (tried.took.as_secs_f64() * 1e6).round() / 1e3,
        "error": tried.came.as_ref().err(),
        "failures": tried.misses.iter().map(|miss| json!({
            "expect": miss.key,
            "line": miss.line,
            "wanted": miss.wanted,
            "got": miss.got,
        })).collect::<Vec<_>>(),
        "job": came.map(|came| json!({
            "status": came.status.as_str(),
            "error": came.error,
            "kind": came.kind,
            "silence": came.silence,
            "read": came.read,
            "texts": came.texts,
            "title": came.title,
            "slug": came.slug,
            "stages": came.ran(),
        })),
    })
}

/// Colour, where there is a terminal.
struct Paint(bool);

impl Paint {
    fn good(&self, text: &str) -> String {
        self.with("32", text)
    }

    fn bad(&self, text: &str) -> String {
        self.with("31", text)
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
