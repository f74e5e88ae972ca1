//! The command line as scripts and people use it: what it prints, and how it exits.

use std::{fs, path::Path};

use rstest::rstest;
use serde_json::Value;

use crate::kit::host::{ANN, Host, Ran, SHIPPED, binary, ran};

/// A verb in a folder of its own.
async fn cli(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = binary();
    command.current_dir(folder).args(arguments);
    ran(command).await
}

fn with_shipped() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pipeline.toml"), SHIPPED).unwrap();
    folder
}

fn broken() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// `FILE:LINE:COLUMN`, and that the place is in the file.
fn is_place(line: &str, file: &str, text: &str) -> bool {
    let Some(place) = line.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')) else { return false };
    let mut numbers = place.splitn(3, ':').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().unwrap_or(0)
    });
    let (line, column) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (1..=text.lines().count() + 1).contains(&line) && column >= 1
}

#[tokio::test]
async fn each_broken_file_is_told_of_with_its_places_and_exits_78() {
    let names = broken();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken").join(&name);
        let folder = tempfile::tempdir().unwrap();
        fs::copy(&source, folder.path().join(&name)).unwrap();
        let text = fs::read_to_string(&source).unwrap();

        let checked = cli(folder.path(), &["check", &name]).await;
        let json = cli(folder.path(), &["check", &name, "--format", "json"]).await;

        assert_eq!((checked.code, json.code), (Some(78), Some(78)), "{name}: {checked:?}");
        let faults = json.json();
        let faults = faults.as_array().expect("a list of faults");
        assert!(!faults.is_empty(), "{name}");
        let places = checked.out.lines().filter(|line| is_place(line, &name, &text)).count();
        assert_eq!(places, faults.len(), "{name}: a line FILE:LINE:COLUMN for each fault:\n{}", checked.out);
        assert!(!checked.out.contains("panicked") && checked.err.is_empty(), "{name}: {}", checked.err);
        assert!(!checked.out.contains('\u{1b}'), "no colour where no terminal is");
    }
}

#[tokio::test]
async fn a_broken_file_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pipeline.toml"), SHIPPED.replace("[limits]", "[limitz]")).unwrap();

    let run = cli(folder.path(), &["run", "pipeline.toml"]).await;

    assert_eq!(run.code, Some(78), "{run:?}");
    let first = run.err.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    assert!(is_place(first, "pipeline.toml", SHIPPED), "{}", run.err);
    assert!(run.err.contains("limits"), "did you mean: {}", run.err);
    assert!(!folder.path().join("data").exists(), "nothing was begun");
}

#[tokio::test]
async fn the_shipped_file_alone_in_an_empty_folder_is_good() {
    let folder = with_shipped();

    let checked = cli(folder.path(), &["check"]).await;

    assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{checked:?}");
    assert!(checked.out.starts_with("pipeline.toml is good"), "{}", checked.out);
    assert_eq!(cli(folder.path(), &["check", "--format", "json"]).await.json(), serde_json::json!([]));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["pipeline.toml"], "a check leaves nothing behind");
}

#[rstest]
#[case::missing_file(&["check", "nowhere.toml"], 78, "nowhere.toml")]
#[case::missing_file_to_run(&["run", "nowhere.toml"], 78, "nowhere.toml")]
#[case::bad_override(&["check", "--set", "server.lisen=127.0.0.1:0"], 78, "listen")]
#[case::override_without_value(&["check", "--set", "server.listen"], 78, "=")]
#[case::unknown_verb(&["chek"], 2, "check")]
#[case::unknown_flag(&["run", "--sett"], 2, "--set")]
#[case::no_verb(&[], 2, "Usage")]
#[case::no_such_job(&["jobs", "show", "01K9ZB7Q4M8S7V3T2N1P0R6X5Y"], 1, "jobs list")]
#[case::not_an_id(&["jobs", "show", "42"], 2, "42")]
#[case::no_such_plugin(&["plugin", "export", "slugg", "--out", "x.wasm"], 1, "slug")]
#[case::not_a_component(&["plugin", "inspect", "pipeline.toml"], 1, "pipeline.toml")]
#[case::nobody_answers(&["send", "wtaf a page", "--set", "server.listen=127.0.0.1:1"], 1, "wtaf-host run")]
#[tokio::test]
async fn what_does_not_work_says_why_and_exits_as_promised(
    #[case] arguments: &[&str],
    #[case] code: i32,
    #[case] says: &str,
) {
    let folder = with_shipped();
    let ended = cli(folder.path(), arguments).await;
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let said = format!("{}{}", ended.out, ended.err);
    assert!(said.contains(says), "{says} is not in {said}");
}

#[tokio::test]
async fn the_schema_is_the_one_that_is_shipped() {
    let folder = tempfile::tempdir().unwrap();
    let schema = cli(folder.path(), &["schema"]).await;
    assert_eq!(schema.code, Some(0));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pipeline.schema.json");
    let shipped: Value = serde_json::from_str(&fs::read_to_string(shipped).unwrap()).unwrap();
    assert_eq!(schema.json(), shipped, "wtaf-host schema > docs/pipeline.schema.json");
}

#[tokio::test]
async fn the_graph_shows_every_stage_in_mermaid() {
    let folder = with_shipped();
    let graph = cli(folder.path(), &["graph"]).await;
    assert_eq!(graph.code, Some(0), "{graph:?}");
    assert!(graph.out.trim_start().starts_with("flowchart"), "{}", graph.out);
    for stage in ["coach", "prompt", "ai", "extract", "slug", "publish", "notify"] {
        assert!(graph.out.contains(stage), "{stage}: {}", graph.out);
    }
}

#[tokio::test]
async fn the_built_in_plugins_are_listed_exported_and_explained() {
    let folder = with_shipped();

    let listed = cli(folder.path(), &["plugin", "list", "--format", "json"]).await.json();
    let exported = cli(folder.path(), &["plugin", "export", "slug", "--out", "slug.wasm"]).await;
    let inspected = cli(folder.path(), &["plugin", "inspect", "slug.wasm", "--format", "json"]).await.json();

    let rows = listed.as_array().expect("a list");
    let stages: Vec<_> = rows.iter().map(|row| row["stages"][0].as_str().unwrap()).collect();
    assert_eq!(stages, ["coach", "prompt", "extract", "slug"]);
    assert!(rows.iter().all(|row| row["from"] == "built in"), "{listed:#}");
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert_eq!(inspected["role"], "slug");
    assert_eq!(inspected["digest"], rows[3]["digest"], "what is exported is what runs");
    let imports: Vec<_> = inspected["imports"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(imports.iter().all(|import| import.contains("log")), "it computes and logs, nothing else: {imports:?}");
}

#[tokio::test]
async fn a_plugin_dropped_into_the_folder_takes_the_place_of_the_built_in_one() {
    let folder = with_shipped();
    let installed = folder.path().join("plugins/installed");
    fs::create_dir_all(&installed).unwrap();
    let file = installed.join("slug.wasm");

    cli(folder.path(), &["plugin", "export", "slug", "--out", file.to_str().unwrap()]).await;
    let listed = cli(folder.path(), &["plugin", "list", "--format", "json"]).await.json();

    assert!(listed[3]["from"].as_str().unwrap().ends_with("slug.wasm"), "{listed:#}");
    assert_eq!(listed[0]["from"], "built in");
}

#[tokio::test]
async fn jobs_are_listed_and_shown_while_the_engine_runs() {
    let host = Host::start().await;
    let id = host.text(ANN, "WTAF a dice roller").await;
    let url = host.made(&id).await;

    let listed = host.cli(&["jobs", "list", "--format", "json"]).await.json();
    let shown = host.cli(&["jobs", "show", &id, "--format", "json"]).await.json();
    let text = host.cli(&["jobs", "show", &id]).await;

    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((listed[0]["id"].as_str(), listed[0]["url"].as_str()), (Some(id.as_str()), Some(url.as_str())));
    assert_eq!(shown["status"], "done");
    for word in [url.as_str(), "extract", "+15•••01"] {
        assert!(text.out.contains(word), "{word}: {}", text.out);
    }
    assert!(!text.out.contains(ANN), "a number is shown to nobody in full");
    // Looking on has taken nothing from the engine.
    let next = host.text(ANN, "WTAF a metronome").await;
    host.made(&next).await;
}

#[tokio::test]
async fn sending_from_the_shell_prints_the_page() {
    let host = Host::start().await;
    let listen = format!("server.listen={}", host.public().replace("http://localhost", "127.0.0.1"));

    let sent = host.cli(&["send", "wtaf a spinning wheel", "--set", &listen]).await;
    let asked = host.cli(&["send", "commands", "--format", "json", "--set", &listen]).await;

    assert_eq!(sent.code, Some(0), "{sent:?}");
    let url = sent.out.trim();
    assert_eq!(host.page(url).await.status, 200, "{url}");
    assert_eq!((asked.code, asked.json()["status"].clone()), (Some(0), Value::from("done")));
}

#[tokio::test]
async fn the_tables_are_made_and_need_making_only_once() {
    let folder = with_shipped();
    fs::create_dir(folder.path().join("data")).unwrap();
    let dry = cli(folder.path(), &["migrate", "--dry-run"]).await;
    let first = cli(folder.path(), &["migrate"]).await;
    let second = cli(folder.path(), &["migrate"]).await;
    assert!(dry.out.to_lowercase().contains("create table"), "{dry:?}");
    assert_eq!((first.code, first.out.starts_with("applied")), (Some(0), true), "{first:?}");
    assert_eq!((second.code, second.out.as_str()), (Some(0), "The tables are up to date.\n"), "{second:?}");
}

#[rstest]
#[case("bash")]
#[case("zsh")]
#[case("fish")]
#[tokio::test]
async fn completions_know_the_verbs(#[case] shell: &str) {
    let folder = tempfile::tempdir().unwrap();
    let printed = cli(folder.path(), &["completions", shell]).await;
    assert_eq!(printed.code, Some(0));
    assert!(printed.out.contains("check") && printed.out.contains("wtaf-host"));
}
