//! Projects as people write them, and what they are told of their slips.
#![allow(missing_docs, reason = "tests")]

use std::fs;

use serde_json::json;
use wtaf_plugin_pack::{Lang, Manifest, Project};

const GOOD: &str = r#"
name = "haiku"
version = "1.0.0"
role = "slug"
about = "Names like small poems"
lang = "python"
budget = 5000000

[config]
season = "spring, summer, autumn or winter; unset takes the job's own"
"#;

fn project(toml: &str, examples: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.toml"), toml).unwrap();
    fs::create_dir(folder.path().join("examples")).unwrap();
    for (name, text) in examples {
        fs::write(folder.path().join("examples").join(name), text).unwrap();
    }
    folder
}

/// What the author is told, with the folder's own name left out.
fn told(toml: &str, examples: &[(&str, &str)]) -> String {
    let folder = project(toml, examples);
    let error = Manifest::read(folder.path()).expect_err("there is a slip in it").to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn examples_are_read_in_the_order_of_their_files_one_or_several_in_each() {
    let folder = project(
        GOOD,
        &[
            ("b.json", r#"{"call": {"propose": {"title": "Snake"}}, "expect": {"answer": ["a"]}}"#),
            (
                "a.json",
                r#"[{"name": "first", "call": {"propose": {}}}, {"call": {"propose": {}}, "context": {"seed": 1}}]"#,
            ),
            ("notes.md", "not an example"),
        ],
    );

    let Project { manifest, lang } = Project::read(folder.path()).unwrap();

    assert_eq!(
        (lang, lang.as_str(), manifest.role.as_str(), manifest.budget),
        (Lang::Python, "python", "slug", Some(5_000_000))
    );
    let names: Vec<_> = manifest.examples.iter().map(|example| example.name.as_str()).collect();
    assert_eq!(names, ["first", "a 2", "b"]);
    assert_eq!(manifest.examples[0].context, json!({}));
    assert_eq!(manifest.examples[1].context, json!({ "seed": 1 }));
}

#[test]
fn a_project_without_examples_is_a_project() {
    let folder = project(GOOD, &[]);
    fs::remove_dir(folder.path().join("examples")).unwrap();

    assert!(Manifest::read(folder.path()).unwrap().examples.is_empty());
}

#[test]
fn every_slip_is_told_with_its_place_and_what_would_be_right() {
    let line = |from: &str, to: &str| told(&GOOD.replace(from, to), &[]);
    let example = |text: &str| told(GOOD, &[("x.json", text)]);
    let told = [
        line("about =", "abuot ="),
        line("name = \"haiku\"\n", ""),
        line("\"haiku\"", "\"Haiku!\""),
        line("1.0.0", "1.0"),
        line("\"slug\"", "\"slugs\""),
        line("\"python\"", "\"pyhton\""),
        line("= 5000000", "= -1"),
        line("Names like small poems", ""),
        line("\"spring, ", "spring, "),
        example("{"),
        example(r#"{"call": {"propose": {}}, "expects": 1}"#),
        example(r#"{"name": "x"}"#),
        example(r#"{"call": "propose"}"#),
        example(r#"{"call": {"decide": {}}}"#),
        example(r#"{"call": {"propose": ["Snake"]}}"#),
        example(r#"{"call": {"propose": {"titel": "Snake"}}}"#),
        example(r#"{"call": {"propose": {}}, "context": 7}"#),
        example(r#"{"call": {"propose": {}}, "expect": ["a"]}"#),
        example(r#"{"call": {"propose": {}}, "expect": {"error": "denied"}}"#),
        example(r#"[{"name": "x", "call": {"propose": {}}}, {"name": "x", "call": {"propose": {}}}]"#),
    ];
    insta::assert_snapshot!(told.join("\n----\n"));
}

#[test]
fn a_folder_that_is_no_project_is_told_by_the_file_it_lacks() {
    let folder = tempfile::tempdir().unwrap();

    let error = Manifest::read(folder.path()).unwrap_err().to_string();

    assert!(error.contains("plugin.toml") && error.contains("No such file"), "{error}");
}
