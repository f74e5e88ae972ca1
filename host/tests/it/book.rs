//! The book: it is built without a complaint, its links lead somewhere, and its commands do what they say.
//!
//! Blocks that begin with ```` ```sh ```` are run, a page's in order, in one shell and an empty folder with the shipped pipeline.toml in it; those with
//! ```` ```sh,background ```` beside them; of those with ```` ```console,run ````, which show answers too, the lines after a prompt. What needs another machine,
//! an account, a keyboard or the id of somebody's job stands in other blocks: that the command line takes those as well is a test beside it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use crate::kit::{
    host::{SHIPPED, binary},
    process::tool,
    server::free_port,
};

/// The plugin's first build compiles an SDK, beside a hundred other tests.
const PATIENCE: Duration = Duration::from_mins(10);

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Every page, by its path below docs/.
fn pages() -> Vec<(String, String)> {
    let summary = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    let names = links(&summary);
    names
        .into_iter()
        .map(|name| {
            (name.clone(), fs::read_to_string(docs().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect()
}

/// Where a page's links lead, without those to other hosts and within the page.
fn links(page: &str) -> Vec<String> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let here = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    here.map(|target| target.split('#').next().unwrap_or_default().to_owned()).collect()
}

struct Block {
    background: bool,
    text: String,
}

/// The blocks that are to be run.
fn commands(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let (background, answered) = (line == "```sh,background", line == "```console,run");
        if background || answered || line == "```sh" {
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let asked = text.into_iter().filter_map(|line| if answered { line.strip_prefix("$ ") } else { Some(line) });
            blocks.push(Block { background, text: asked.collect::<Vec<_>>().join("\n") });
        }
    }
    blocks
}

/// A page's commands as one script. The engine's port is another one, and what runs beside it is given time to say that it is there.
fn script(blocks: &[Block], port: u16) -> String {
    let mut script = String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n");
    for block in blocks {
        let text = block.text.replace("3030", &port.to_string());
        if !block.background {
            script.extend([text.as_str(), "\n"]);
            continue;
        }
        script.extend([text.as_str(), " >beside.log 2>&1 &\n"]);
        script += "for try in $(seq 1200); do grep -qE '\"ready\"|listening' beside.log && break; sleep 0.1; done\n";
    }
    script
}

/// Runs a page's commands in a new folder, with the engine's own port changed wherever a pipeline.toml is written.
async fn run(name: &str, page: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (port, bin) = (free_port(), folder.path().join("bin"));
    fs::create_dir(&bin).unwrap();
    fs::write(folder.path().join("pipeline.toml"), SHIPPED.replace("3030", &port.to_string())).unwrap();
    let real = binary().as_std().get_program().to_string_lossy().into_owned();
    let shim = format!(
        "#!/bin/bash\nif [ \"$1\" = init ]; then '{real}' \"$@\" && sed -i s/3030/{port}/ \"$2/pipeline.toml\"; else exec '{real}' \"$@\"; fi\n"
    );
    fs::write(bin.join("wtaf-host"), shim).unwrap();
    fs::set_permissions(bin.join("wtaf-host"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut path = bin.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.current_dir(folder.path()).arg("-c").arg(script(&commands(page), port));
    command
        .env("PATH", path)
        .env("WTAF_LOG_FORMAT", "json")
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins/target"));
    for name in ["DATABASE_URL", "NATS_URL", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "WTAF_ADMIN_TOKEN"] {
        command.env_remove(name);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("it ends").expect("bash is there");
    assert!(
        output.status.success(),
        "{name}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn the_book_is_built_without_a_complaint() {
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new(tool("venv/bin/mdbook"));
    command.arg("build").arg(docs()).arg("--dest-dir").arg(out.path()).stdin(Stdio::null());

    let output = command.output().await.expect("mdbook can be run");

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("ERROR") && !said.contains("WARN"), "{said}");
    let tutorial = fs::read_to_string(out.path().join("tutorial.html")).unwrap();
    assert!(tutorial.contains("wtaf-host plugin new slug my-names"));
}

#[test]
fn every_link_of_the_book_leads_to_a_file() {
    for (name, page) in pages() {
        let folder = docs().join(&name).parent().unwrap().to_owned();
        for link in links(&page).into_iter().filter(|link| !link.is_empty()) {
            assert!(folder.join(&link).exists(), "{name} leads to {link}, which is not there");
        }
    }
}

#[tokio::test]
async fn the_tutorial_does_what_it_says() {
    let page = fs::read_to_string(docs().join("tutorial.md")).unwrap();
    assert!(commands(&page).len() >= 8, "its commands are found");
    run("tutorial.md", &page).await;
}

#[tokio::test]
async fn the_commands_of_every_other_page_do_what_they_say() {
    let with_commands = pages().into_iter().filter(|(name, page)| name != "tutorial.md" && !commands(page).is_empty());
    let with_commands: Vec<_> = with_commands.collect();
    assert!(with_commands.len() >= 8, "the chapters and the how-to pages have commands");
    for (name, page) in with_commands {
        run(&name, &page).await;
    }
}
