//! `wtaf-host test`: the cases of pipeline.toml, tried on its plugins with nothing behind them.

use std::{fs, path::Path};

use crate::kit::{
    component::Component,
    host::{Ran, SHIPPED, binary, ran},
};

/// A folder with the shipped stages and these cases.
fn folder(cases: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let stages = SHIPPED.split("\n[[test]]").next().unwrap();
    fs::write(folder.path().join("pipeline.toml"), format!("{stages}\n{cases}")).unwrap();
    folder
}

async fn test(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = binary();
    command.current_dir(folder).arg("test").args(arguments);
    ran(command).await
}

/// What is in a folder, but for the file itself.
fn left_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "pipeline.toml").collect()
}

#[tokio::test]
async fn the_shipped_file_passes_its_own_cases_and_nothing_is_left_of_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pipeline.toml"), SHIPPED).unwrap();

    let tried = test(folder.path(), &["--format", "json"]).await;

    assert_eq!(tried.code, Some(0), "{tried:?}");
    let told = tried.json();
    assert!(told["passed"].as_u64() >= Some(3) && told["failed"] == 0, "{told:#}");
    assert_eq!(left_in(folder.path()), [] as [String; 0]);
}

#[tokio::test]
async fn a_case_says_what_the_ai_answers_and_sees_the_page_the_texts_and_what_the_ai_was_told() {
    let folder = folder(
        r#"
[[test]]
name = "an edit of a page of one's own"
slug = "ann"
before = "wtaf a tip calculator"
text = "edit tip-calculator make it blue"
answer = "```html\n<!doctype html><title>Blue tips</title><h1>Blue tips</h1>\n```"
[test.expect]
kind = "edit"
slug = "tip-calculator"
title = "Blue tips"
page = ["<h1>Blue tips</h1>", "<title>Blue tips</title>"]
prompt = "make it blue"
reply = "/ann/tip-calculator"
stages = ["coach", "prompt", "ai", "extract", "publish", "notify"]

[[test]]
name = "an answer that is cut off is asked to go on"
text = "wtaf a tip calculator"
ai = "cut-off"
answer = ["```html\n<!doctype html><title>Tips</title><h1>Ti", "ps in two</h1>\n```"]
expect = { page = "<h1>Tips in two</h1>" }

[[test]]
name = "no provider answers"
text = "wtaf a tip calculator"
ai = "down"
expect = { status = "failed", error = "ai-unavailable" }

[[test]]
name = "a guest of the chat is answered there"
source = "web"
text = "a tip calculator"
expect = { kind = "app", texts = 0, slug = "tip-calculator" }
"#,
    );

    let tried = test(folder.path(), &[]).await;

    assert_eq!(tried.code, Some(0), "{tried:?}");
    assert!(tried.out.contains("4 passed in "), "{tried:?}");
}

#[tokio::test]
async fn a_case_that_fails_is_told_with_its_line_and_what_came_instead() {
    let folder = folder(
        r#"
[[test]]
name = "it passes"
text = "commands"

[[test]]
name = "it does not"
text = "wtaf a tip calculator"

[test.expect]
title = "Tip Calculators"
page = "Nobody wrote this"
"#,
    );
    let file = fs::read_to_string(folder.path().join("pipeline.toml")).unwrap();
    let line = |of: &str| file.lines().position(|line| line.starts_with(of)).unwrap() + 1;

    let words = test(folder.path(), &[]).await;
    let json = test(folder.path(), &["--format", "json", "--only", "does not"]).await;

    assert_eq!((words.code, json.code), (Some(1), Some(1)), "{words:?}");
    let title = format!("pipeline.toml:{}: title", line("title = \"Tip Calculators\""));
    for part in ["1 passed, 1 failed", title.as_str(), "- Tip Calculators\n", "+ Tip Calculator\n", "+ nearest: "] {
        assert!(words.out.contains(part), "{part}: {}", words.out);
    }
    let json = json.json();
    assert_eq!(json["cases"].as_array().map(Vec::len), Some(1), "{json:#}");
    let failures = &json["cases"][0]["failures"];
    assert_eq!(failures[0]["line"], line("title = \"Tip Calculators\""), "{json:#}");
    assert_eq!((&failures[0]["got"], &failures[1]["expect"]), (&"Tip Calculator".into(), &"page".into()));
    assert_eq!(json["cases"][0]["line"], line("name = \"it does not\"") - 1, "{json:#}");
}

#[tokio::test]
async fn the_plugin_in_force_is_the_one_that_is_tried() {
    let folder = folder(
        "[[test]]\nname = \"a name\"\ntext = \"wtaf a tip calculator\"\nexpect = { slug = \"tip-calculator\" }\n",
    );
    fs::write(folder.path().join("mine.wasm"), Component::moody("9.0.0").bytes).unwrap();

    let shipped = test(folder.path(), &[]).await;
    let mine = test(folder.path(), &["--set", "stage.slug.plugin=./mine.wasm"]).await;

    assert_eq!(shipped.code, Some(0), "{shipped:?}");
    assert_eq!(mine.code, Some(1), "{mine:?}");
    assert!(mine.out.contains("- tip-calculator\n"), "{mine:?}");
}

#[tokio::test]
async fn a_case_that_asks_for_what_cannot_be_is_a_fault_of_the_file_and_a_file_without_cases_fails() {
    let odd = folder(
        "[[test]]\nname = \"x\"\ntext = \"hi\"\nrole = \"king\"\nslug = \"ann\"\nexpect = { stages = [\"coah\"], kidn = \"app\" }\n",
    );
    let none = folder("");

    let odd = test(odd.path(), &[]).await;
    let none = test(none.path(), &[]).await;

    assert_eq!(odd.code, Some(78), "{odd:?}");
    for part in ["\"king\" is not on the ladder", "no stage called `coah`", "did you mean `kind`?"] {
        assert!(odd.err.contains(part), "{part}: {}", odd.err);
    }
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.err.contains("no [[test]] in it"), "{none:?}");
}
