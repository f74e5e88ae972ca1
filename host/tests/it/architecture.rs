//! ARCHITECTURE.md's invariants, read from the sources: dependencies run one way.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What each part may use, besides itself: `cli → web → engine → {plugin, adapter} → {config, job}`.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("failpoint", &[]),
    ("job", &["failpoint"]),
    ("config", &["job"]),
    ("telemetry", &["job"]),
    ("plugin", &["config", "job"]),
    ("adapter", &["config", "job", "failpoint"]),
    ("engine", &["plugin", "adapter", "config", "job", "failpoint", "telemetry"]),
    ("web", &["engine", "plugin", "adapter", "config", "job", "telemetry"]),
    ("fuzzing", &["web", "engine", "plugin", "adapter", "config", "job"]),
    ("cli", &["web", "engine", "plugin", "adapter", "config", "job", "telemetry"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// A source without its comments and strings: what is left names what it uses.
fn bare(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every path that begins with `crate::`, as its parts; groups in braces are opened.
fn uses(text: &str) -> Vec<Vec<String>> {
    let text = bare(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|sign| sign.is_alphanumeric() || sign == '_' || sign == '$') {
            continue;
        }
        open(&text[at + "crate::".len()..], &mut Vec::new(), &mut found);
    }
    found
}

/// Reads one path, or a group of them; gives what follows.
fn open<'t>(mut text: &'t str, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'t str {
    let depth = path.len();
    loop {
        text = text.trim_start();
        if let Some(mut inside) = text.strip_prefix('{') {
            loop {
                inside = open(inside, path, found).trim_start();
                match inside.strip_prefix(',') {
                    Some(rest) => inside = rest,
                    None => break,
                }
            }
            path.truncate(depth);
            return inside.strip_prefix('}').unwrap_or(inside);
        }
        let end = text.find(|sign: char| !(sign.is_alphanumeric() || sign == '_')).unwrap_or(text.len());
        if end == 0 {
            path.truncate(depth);
            return text;
        }
        path.push(text[..end].to_owned());
        text = &text[end..];
        if let Some(rest) = text.strip_prefix("::") {
            text = rest;
            continue;
        }
        found.push(path.clone());
        path.truncate(depth);
        let renamed = text.trim_start().strip_prefix("as ").map(str::trim_start);
        return renamed
            .map_or(text, |rest| rest.trim_start_matches(|sign: char| sign.is_alphanumeric() || sign == '_'));
    }
}

/// The part a file belongs to, and where in it.
fn part_of(file: &Path) -> (String, String) {
    let path = file.strip_prefix(src()).unwrap().to_string_lossy().into_owned();
    let part = path.split(['/', '.']).next().unwrap().to_owned();
    (part, path)
}

#[test]
fn groups_of_imports_are_read() {
    let text = "use crate::{\n    adapter::{ai::{self, Ai}, sms as carrier},\n    job::Job, // crate::web\n};\nfn f() { crate::web::x(); mycrate::no(); }";
    let read: Vec<_> = uses(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(read, ["adapter::ai::self", "adapter::ai::Ai", "adapter::sms", "job::Job", "web::x"]);
}

#[test]
fn dependencies_run_one_way() {
    let allowed: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources(&src()) {
        let (part, path) = part_of(&file);
        if matches!(part.as_str(), "main" | "lib") {
            continue;
        }
        let may = allowed
            .get(part.as_str())
            .unwrap_or_else(|| panic!("{path}: `{part}` is new: say in ARCHITECTURE.md and here what it may use"));
        for used in uses(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            // What begins with a capital is re-exported from the root; there is none.
            if used[0] != part && !may.contains(&used[0].as_str()) {
                wrong.push(format!("{path} uses {}", used.join("::")));
            }
        }
    }
    assert!(seen > 100, "the imports were read: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_engine_names_traits_of_adapters_and_no_implementation() {
    const IMPLEMENTATIONS: [&str; 9] =
        ["FilesQueue", "Console", "Twilio", "Sqlite", "Postgres", "Chain", "Anthropic", "OpenAi", "DemoProvider"];
    let mut wrong = Vec::new();
    for file in sources(&src().join("engine")) {
        let text = bare(&fs::read_to_string(&file).unwrap());
        let words: Vec<_> = text.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).collect();
        for name in IMPLEMENTATIONS.iter().filter(|name| words.contains(name)) {
            wrong.push(format!("{} names {name}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
