//! The stages as a mermaid picture: plugins rounded, adapters square, an arrow for each way a job can go.

use std::fmt::Write;

use super::{
    flow::ROUTES,
    model::{Pipeline, PluginSource, Runs, Stage, When},
};

/// A mermaid flowchart of a pipeline.
pub fn mermaid(pipeline: &Pipeline) -> String {
    let mut out = String::from("flowchart LR\n    asked([text or chat])\n");
    for (index, stage) in pipeline.stages.iter().enumerate() {
        let _ = writeln!(out, "    {}", node(index, stage));
    }
    out.push_str("    told([the person])\n");
    for (from, to, routes) in edges(&pipeline.stages) {
        let label = if routes.len() == ROUTES.len() { String::new() } else { label(&routes) };
        let _ = writeln!(out, "    {from} -->{label} {to}");
    }
    out.push_str("    classDef plugin fill:#fdf3d8,stroke:#b8860b,color:#222\n");
    let plugins: Vec<_> = pipeline
        .stages
        .iter()
        .enumerate()
        .filter(|(_, stage)| matches!(stage.runs, Runs::Plugin { .. }))
        .map(|(index, _)| id(index))
        .collect();
    if !plugins.is_empty() {
        let _ = writeln!(out, "    class {} plugin", plugins.join(","));
    }
    out
}

fn id(index: usize) -> String {
    format!("s{index}")
}

fn node(index: usize, stage: &Stage) -> String {
    let (open, close) = if matches!(stage.runs, Runs::Plugin { .. }) { ("([\"", "\"])") } else { ("[\"", "\"]") };
    let runs = match &stage.runs {
        Runs::Adapter(adapter) => adapter.as_str().to_owned(),
        Runs::Plugin { source: PluginSource::Named(name), .. } => name.clone(),
        Runs::Plugin { source: PluginSource::Path(path), .. } => {
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        }
        Runs::Plugin { source: PluginSource::Digest(digest), .. } => digest.chars().take(15).collect(),
        Runs::Plugin { source: PluginSource::Oci(reference), .. } => {
            reference.tag().map_or_else(|| reference.name().to_owned(), |tag| format!("{}:{tag}", reference.name()))
        }
    };
    let runs = if runs == stage.name { String::new() } else { format!("<br/>{}", runs.replace('"', "#quot;")) };
    format!("{}{open}{}{runs}{close}", id(index), stage.name)
}

/// Each arrow with the routes that take it, in the order of the stages.
fn edges(stages: &[Stage]) -> Vec<(String, String, Vec<When>)> {
    let mut edges: Vec<(String, String, Vec<When>)> = Vec::new();
    for route in ROUTES {
        let stops =
            stages.iter().enumerate().filter(|(_, stage)| stage.when.contains(&route)).map(|(index, _)| id(index));
        let stops: Vec<_> = std::iter::once("asked".to_owned()).chain(stops).chain(["told".to_owned()]).collect();
        for pair in stops.windows(2) {
            match edges.iter_mut().find(|(from, to, _)| *from == pair[0] && *to == pair[1]) {
                Some((.., routes)) => routes.push(route),
                None => edges.push((pair[0].clone(), pair[1].clone(), vec![route])),
            }
        }
    }
    edges
}

fn label(routes: &[When]) -> String {
    let names: Vec<_> = routes.iter().map(|route| route.as_str()).collect();
    format!("|{}|", names.join(", "))
}
