//! `[[stage]]`: each stage by itself. What they need of each other is the flow's business.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::unique;
use crate::config::{
    document::{At, Val},
    fault::{Code, Found},
    flow::Placed,
    keys::{bare, files, stage},
    model::{AdapterStage, FilterOn, Role, Runs, Stage},
    plugin::Finder,
    walk::{Key, Kind, View, Walk},
};

/// Every stage; one whose kind is not known, because of a fault, runs `None`.
pub fn read(walk: &mut Walk<'_>, views: &[View], finder: &Finder<'_>) -> Vec<Placed> {
    let mut names = Vec::new();
    let mut stages = Vec::new();
    for view in views {
        let name = view.need(walk, &stage::NAME_);
        let at = view.at_of(&stage::NAME_);
        if let Some(name) = &name {
            names.push((name.clone(), at));
        }
        stages.push(placed(walk, view, name, at, finder));
    }
    unique(walk, "[[stage]]", &names);
    stages
}

fn placed(walk: &mut Walk<'_>, view: &View, name: Option<String>, at: At, finder: &Finder<'_>) -> Placed {
    let runs = runs(walk, view, finder);
    let when = view.get(walk, &stage::WHEN);
    let on = on(walk, view, runs.as_ref());
    let config = config(walk, view, runs.as_ref());
    let grant = view.get(walk, &stage::GRANT);
    let memory = view.get(walk, &stage::MEMORY);
    let deadline = view.get(walk, &stage::DEADLINE);
    let fuel = view.get(walk, &stage::FUEL);
    let message = view.get(walk, &stage::MESSAGE);
    let canary = view.get(walk, &stage::CANARY);
    let shadow = view.get(walk, &stage::SHADOW);
    if let Some(Runs::Adapter(adapter)) = &runs {
        let adapter = adapter.as_str();
        for at in [
            limit(view, &stage::GRANT),
            limit(view, &stage::MEMORY),
            limit(view, &stage::DEADLINE),
            limit(view, &stage::FUEL),
            limit(view, &stage::MESSAGE),
            limit(view, &stage::CANARY),
            limit(view, &stage::SHADOW),
        ] {
            let Some((key, at)) = at else { continue };
            let message = format!("`{}` is for plugins, and the adapter `{adapter}` is none", view.path_of(key));
            walk.push(Found::new(Code::Conflict, at, message).help("take it out: native code has no sandbox"));
        }
    }
    let given = view.has(walk, &stage::WHEN);
    let called = name.clone().unwrap_or_else(|| view.path().to_owned());
    let make = make(walk, view, runs.as_ref(), config.as_ref());
    let complete = (|| {
        Some(Stage {
            name: name?,
            runs: runs.clone()?,
            when: if given { when.clone()? } else { Vec::new() },
            on: on.clone()?,
            config: config?,
            grant: grant?,
            memory,
            deadline,
            fuel,
            message,
            canary,
            shadow,
        })
    })();
    Placed { called, at, when_at: view.at_of(&stage::WHEN), runs, when, on: on.unwrap_or_default(), make, complete }
}

fn limit<K: Kind>(view: &View, key: &Key<K>) -> Option<(&'static str, At)> {
    Some((key.name, view.entry_at(key)?))
}

fn runs(walk: &mut Walk<'_>, view: &View, finder: &Finder<'_>) -> Option<Runs> {
    let plugin = view.get(walk, &stage::PLUGIN_);
    let adapter = view.get(walk, &stage::ADAPTER);
    match (view.has(walk, &stage::PLUGIN_), view.has(walk, &stage::ADAPTER)) {
        (true, true) => {
            let message = format!("`{}` has a plugin and an adapter, and a stage runs one thing", view.path());
            let fault = Found::new(Code::Conflict, view.entry_at(&stage::ADAPTER).unwrap_or(view.at()), message);
            let fault = fault.also(view.entry_at(&stage::PLUGIN_).unwrap_or(view.at()), "the other");
            walk.push(fault.help("take one out, or make it two stages"));
            None
        }
        (false, false) => {
            let message = format!("`{}` runs nothing: it has neither plugin nor adapter", view.path());
            let help = "plugin = \"coach\", or adapter = \"ai\", \"publish\", \"files\" or \"notify\"";
            walk.push(Found::new(Code::Missing, view.at(), message).help(help));
            None
        }
        (false, true) => adapter.map(Runs::Adapter),
        (true, false) => {
            let source = plugin?;
            match finder.role_of(&source) {
                Ok(role) => Some(Runs::Plugin { source, role }),
                Err(why) => {
                    let message = format!("`{}`: {why}", view.path_of(stage::PLUGIN_.name));
                    walk.push(Found::new(Code::Plugin, view.at_of(&stage::PLUGIN_), message));
                    None
                }
            }
        }
    }
}

fn on(walk: &mut Walk<'_>, view: &View, runs: Option<&Runs>) -> Option<Vec<FilterOn>> {
    let given = view.has(walk, &stage::ON);
    let on = view.get(walk, &stage::ON);
    match runs {
        Some(Runs::Plugin { role: Role::Filter, .. }) if !given => {
            let message = format!("`{}` is a filter, and nothing says what it looks at", view.path());
            let help = "add on = \"idea\" (what comes in), \"reply\" (what is said) or \"page\" (what is published)";
            walk.push(Found::new(Code::Missing, view.at(), message).help(help));
            None
        }
        Some(Runs::Plugin { role: Role::Filter, .. }) | None => on,
        Some(_) if given => {
            let message = format!("`{}` is for filters, and this is none", view.path_of(stage::ON.name));
            walk.push(
                Found::new(Code::Conflict, view.entry_at(&stage::ON).unwrap_or(view.at()), message).help("take it out"),
            );
            None
        }
        Some(_) => Some(Vec::new()),
    }
}

fn config(walk: &mut Walk<'_>, view: &View, runs: Option<&Runs>) -> Option<Map<String, Value>> {
    let Some(Runs::Adapter(adapter)) = runs else { return view.get(walk, &stage::CONFIG) };
    let path = view.path_of(stage::CONFIG.name);
    let table = if *adapter == AdapterStage::Files { &files::TABLE } else { &bare::TABLE };
    let inner = match view.node(&stage::CONFIG).map(|node| (node, &node.value)) {
        Some((node, Val::Table(entries))) => View::new(walk, table, entries, node.at, &path),
        Some((node, _)) => {
            walk.wrong_type(node, &path, "a table");
            return None;
        }
        None => View::new(walk, table, &[], view.at(), &path),
    };
    if *adapter != AdapterStage::Files {
        return Some(Map::new());
    }
    let dir: PathBuf = inner.get(walk, &files::DIR)?;
    Some(Map::from_iter([(files::DIR.name.to_owned(), Value::String(dir.to_string_lossy().into_owned()))]))
}

/// What a prompt's call makes when it is no page: the name of a material.
fn make(walk: &mut Walk<'_>, view: &View, runs: Option<&Runs>, config: Option<&Map<String, Value>>) -> Option<String> {
    let make = config?.get("make")?;
    if !matches!(runs, Some(Runs::Plugin { role: Role::Prompt, .. })) {
        return None;
    }
    match make.as_str() {
        Some("page") => None,
        Some("brief") => Some("brief".to_owned()),
        _ => {
            let at = make_at(view).unwrap_or(view.at());
            let message = format!("`{}.make` is \"brief\" or \"page\"", view.path_of(stage::CONFIG.name));
            walk.push(Found::new(Code::BadValue, at, message).help("a brief is made by one call and read by the next"));
            None
        }
    }
}

fn make_at(view: &View) -> Option<At> {
    let Val::Table(entries) = &view.node(&stage::CONFIG)?.value else { return None };
    entries.iter().find(|entry| entry.key == "make").map(|entry| entry.node.at)
}
