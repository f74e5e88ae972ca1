//! What the exit codes say, held against docs/reference/exits.md: every verb that can end in a code without a running engine does so here.

use std::{fs, path::Path};

use crate::kit::{
    host::{Ran, SHIPPED, binary, ran},
    server::free_port,
};

const JOB: &str = "01M85DJ82QXN5127FRSK3FDDB3";

/// A folder with a good pipeline, a bad one, and a file that is no component.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let good = SHIPPED.replace("127.0.0.1:3030", &format!("127.0.0.1:{}", free_port()));
    fs::write(folder.path().join("pipeline.toml"), good).unwrap();
    fs::write(folder.path().join("bad.toml"), "[server]\nlisten = 3\n").unwrap();
    fs::write(folder.path().join("not.wasm"), "no component").unwrap();
    folder
}

async fn said(folder: &Path, line: &str) -> Ran {
    let mut command = binary();
    command.current_dir(folder).args(line.split_whitespace());
    ran(command).await
}

/// The page's rows: verb, and whether it may end in 78.
fn documented() -> Vec<(String, bool)> {
    let page = include_str!("../../../docs/reference/exits.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| (row.split('`').next().unwrap().to_owned(), row.ends_with("| yes |"))).collect()
}

/// A verb's line with what it cannot be without.
fn with_arguments(verb: &str) -> String {
    let more = match verb {
        "send" => "wtaf",
        "jobs show" | "jobs explain" | "jobs retry" | "jobs replay" => JOB,
        "people show" | "people export" | "people erase" => "brave-otter",
        "plugin rollback" | "plugin uninstall" | "plugin promote" => "slug",
        "plugin install" | "plugin verify" | "plugin test" => "slug.wasm",
        _ => "",
    };
    format!("{verb} {more}")
}

#[tokio::test]
async fn what_is_bad_in_pipeline_toml_is_78_with_every_verb_that_reads_it_and_with_no_other() {
    let folder = folder();
    assert_eq!(said(folder.path(), "plugin export slug --out slug.wasm").await.code, Some(0));
    let takes_a_file = ["run", "check", "test", "doctor", "graph", "status", "migrate"];

    let verbs = documented();

    assert!(verbs.len() > 30, "the page was read: {verbs:?}");
    for (verb, reads) in verbs.into_iter().filter(|(verb, _)| verb != "plugin build") {
        let file = if takes_a_file.contains(&verb.as_str()) { "bad.toml" } else { "--config bad.toml" };
        let told = said(folder.path(), &format!("{} {file}", with_arguments(&verb))).await;
        if reads {
            assert_eq!(told.code, Some(78), "{verb}: {told:?}");
            assert!(told.err.contains("bad.toml:") || told.out.contains("bad.toml:"), "{verb}: {told:?}");
        } else {
            assert_ne!(told.code, Some(78), "{verb}: {told:?}");
        }
    }
}

#[tokio::test]
async fn what_failed_is_1_and_standard_error_says_what() {
    let folder = folder();
    let free = free_port();
    for line in [
        "init --ai demo --texts console --public-url=",
        "test --only nothing-of-the-kind",
        "send wtaf a quiz",
        "status --once",
        "tap nothing",
        "tap publish",
        &format!("jobs show {JOB}"),
        &format!("jobs show {JOB} --follow"),
        &format!("jobs explain {JOB}"),
        &format!("jobs retry {JOB}"),
        &format!("jobs replay {JOB}"),
        "people show brave-otter",
        "people export brave-otter",
        "people erase brave-otter",
        "plugin inspect not.wasm",
        "plugin inspect none.wasm",
        "plugin export nothing --out x.wasm",
        "plugin new slug .",
        "plugin build .",
        "plugin test not.wasm",
        "plugin install not.wasm",
        "plugin rollback slug",
        "plugin uninstall nothing",
        "plugin promote slug",
        "plugin keygen --out not.wasm",
        "plugin sign not.wasm --key not.wasm",
        "plugin verify not.wasm",
        "plugin push not.wasm oci://127.0.0.1:9/slug:1",
        "man --out not.wasm",
        "migrate --set store.url=sqlite:///proc/none/wtaf.db",
        &format!("run --set server.listen=127.0.0.1:{free} --set data.dir=/proc/none"),
    ] {
        let told = said(folder.path(), line).await;
        assert_eq!(told.code, Some(1), "{line}: {told:?}");
        assert!(!told.err.trim().is_empty() || line.starts_with("test"), "{line}: {told:?}");
    }
}

#[tokio::test]
async fn what_is_done_is_0_and_nothing_to_tell_is_done_too() {
    let folder = folder();
    for line in [
        "--version",
        "help jobs",
        "jobs retry --help",
        "init new --ai demo --texts console --public-url=",
        "check",
        "check --format json",
        "test",
        "doctor",
        "schema",
        "graph",
        "migrate",
        "migrate --dry-run",
        "jobs list",
        "people list",
        "plugin list",
        "plugin export slug --out slug.wasm",
        "plugin inspect slug.wasm",
        "plugin test slug.wasm",
        "plugin verify slug.wasm",
        "plugin new slug my-names",
        "plugin keygen --out release.key",
        "plugin sign slug.wasm --key release.key",
        "plugin install slug.wasm",
        "plugin uninstall slug",
        "plugin uninstall slug",
        "completions bash",
        "man",
        "man --out pages",
    ] {
        let told = said(folder.path(), line).await;
        assert_eq!(told.code, Some(0), "{line}: {told:?}");
    }
}

#[tokio::test]
async fn a_line_that_no_verb_takes_is_2() {
    let folder = folder();
    for line in [
        "",
        "jobs",
        "plugin",
        "fly",
        "check --fly",
        "status --every 0",
        "jobs show not-an-id",
        "send",
        "init --ai nobody",
    ] {
        let told = said(folder.path(), line).await;
        assert_eq!(told.code, Some(2), "{line}: {told:?}");
        assert!(told.out.is_empty(), "{line}: {told:?}");
    }
}
