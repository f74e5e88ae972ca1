//! From an empty folder to a plugin at work: every template, the example plugins, a save that reaches a running pipeline, and what an author is told.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, Host, Ran, answer_with, binary, link},
    process::{python, tool},
};

/// A build compiles an SDK, or puts an interpreter around a script, beside a hundred other tests.
const PATIENCE: Duration = Duration::from_mins(10);

const ROLES: [&str; 5] = ["coach", "prompt", "extract", "slug", "filter"];

/// Cargo's own folder for what tests leave behind: the SDK is compiled once for all of them.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins")
}

/// A verb of `plugin`, with the environment that compilers need and the tools that `scripts/test` installed.
fn plugin(arguments: &[&str]) -> Command {
    let mut command = binary();
    command.envs(std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("WTAF_")));
    command.env("WTAF_COMPONENTIZE_JS", tool("node_modules/@bytecodealliance/componentize-js"));
    command.env("WTAF_COMPONENTIZE_PY", tool("venv/bin/componentize-py"));
    command.arg("plugin").args(arguments).kill_on_drop(true).stdin(Stdio::null());
    command
}

async fn ended(mut command: Command) -> Ran {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("it can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

async fn done(command: Command) -> Ran {
    let ran = ended(command).await;
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
    ran
}

/// Builds a project, and gives what it says of the plugin.
async fn built(project: &Path, out: &Path) -> Value {
    let mut command = plugin(&["build", "--format", "json"]);
    command.arg(project).arg("--out").arg(out).arg("--target-dir").arg(kept().join("target"));
    done(command).await.json()
}

/// A new project in a folder that is the same in every run, so that cargo knows what it has compiled.
async fn new(lang: &str, role: &str, name: &str) -> PathBuf {
    let folder = kept().join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(kept()).unwrap();
    let mut command = plugin(&["new", "--lang", lang, role]);
    command.arg(&folder);
    done(command).await;
    folder
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/examples").join(name)
}

/// A pipeline with stages of filters before the namer, which is after the page was found.
fn with_filters(filters: &'static str) -> impl FnOnce(&str) -> String {
    let slug = "[[stage]]\nname = \"slug\"";
    move |pipeline| pipeline.replacen(slug, &format!("{filters}\n{slug}"), 1)
}

#[tokio::test]
async fn new_rust_plugins_of_every_role_make_a_page_together() {
    let installed = tempfile::tempdir().unwrap();
    for role in ROLES {
        let project = new("rust", role, &format!("rust-{role}")).await;
        let about = built(&project, &installed.path().join(format!("{role}.wasm"))).await;
        assert_eq!(
            (about["role"].as_str(), &about["imports"]),
            (Some(role), &serde_json::json!(["wtaf:stage/log@0.1.0"]))
        );
        assert!(about["manifest"]["examples"].as_array().is_some_and(|examples| examples.len() >= 4), "{about:#}");
    }
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("The Otters of the Nile")));
    let dir = installed.path().display();
    let host = Host::of()
        .ai([link("fake", &ai)])
        .pipeline(with_filters("[[stage]]\nname = \"filter\"\nplugin = \"filter\"\non = \"page\"\n"))
        .set(format!("plugins.dir={dir}"))
        .start()
        .await;

    let url = host.made(&host.text(ANN, "make a page for my band").await).await;

    let told = host.told_of(ANN, &url).await;
    assert!(told.body.starts_with("Here it is."), "the new coach speaks: {}", told.body);
    assert!(url.ends_with("/otters-nile"), "the new namer names: {url}");
    assert!(host.page(&url).await.html.contains("width=device-width"), "the new filter filters");
    let asked = &ai.calls()[0].body["messages"];
    assert!(asked[0]["content"].as_str().unwrap().contains("House style"), "the new prompt asks: {asked}");
}

#[tokio::test]
async fn new_projects_pass_their_own_tests() {
    for role in ROLES {
        let rust = new("rust", role, &format!("tested-{role}")).await;
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--quiet", "--target-dir"]).arg(kept().join("target")).current_dir(rust);
        let js = new("js", role, &format!("js-{role}")).await;
        let mut node = Command::new("node");
        node.arg("--test").current_dir(js);
        let py = new("python", role, &format!("py-{role}")).await;
        let mut unittest = Command::new(python());
        unittest.args(["-m", "unittest"]).current_dir(py);
        for tests in [cargo, node, unittest] {
            let ran = done(tests).await;
            let counted = format!("{}{}", ran.out, ran.err);
            assert!(["passed", "# pass", "Ran "].iter().any(|word| counted.contains(word)), "{counted}");
        }
    }
}

#[rstest]
#[case::javascript("js", &["wtaf:stage/log@0.1.0"])]
#[case::python("python", &["wtaf:stage/log@0.1.0", "wasi:"])]
#[tokio::test]
async fn a_new_project_in_another_language_builds(#[case] lang: &str, #[case] imports: &[&str]) {
    let project = new(lang, "slug", &format!("my-{lang}-names")).await;
    let out = project.join("out.wasm");

    let about = built(&project, &out).await;

    let own = about["imports"].as_array().unwrap().iter().map(|import| import.as_str().unwrap());
    assert!(own.clone().all(|import| imports.iter().any(|known| import.starts_with(known))), "{about:#}");
    let mut inspect = plugin(&["inspect"]);
    inspect.arg(&out);
    let told = done(inspect).await.out;
    assert!(
        told.contains(&format!("my-{lang}-names"))
            && (told.contains("it sees no files") || told.contains("(never granted)"))
            || told.contains("nothing behind it"),
        "{told}"
    );
    assert!(
        !fs::read_dir(&project).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".wtaf"))
    );
}

#[tokio::test]
async fn the_example_plugins_make_a_page_together() {
    let installed = tempfile::tempdir().unwrap();
    for (name, file) in [("moderation", "moderation.wasm"), ("branding", "branding.wasm"), ("haiku", "slug.wasm")] {
        built(&example(name), &installed.path().join(file)).await;
    }
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("A darn good otter")));
    let filters = r##"
[[stage]]
name = "moderation"
plugin = "moderation"
on = ["page", "reply"]
config = { mask = ["darn"] }

[[stage]]
name = "branding"
plugin = "branding"
on = "page"
config = { footer = "Made by otters", colour = "#123456" }
"##;
    let refusing = "[[stage]]\nname = \"refusing\"\nplugin = \"moderation\"\non = \"idea\"\nconfig = { refuse = [\"casino\"], why = \"No gambling here.\" }\n";
    let prompt = "[[stage]]\nname = \"prompt\"";
    let host = Host::of()
        .ai([link("fake", &ai)])
        .pipeline(with_filters(filters))
        .pipeline(|pipeline| pipeline.replacen(prompt, &format!("{refusing}\n{prompt}"), 1))
        .set(format!("plugins.dir={}", installed.path().display()))
        // A Python computes longer where the machine is busy with other tests.
        .set("plugins.deadline=20s")
        .start()
        .await;

    let url = host.made(&host.text(ANN, "WTAF a page on otters").await).await;
    let again = host.made(&host.text(ANN, "EDIT 1 make it blue").await).await;
    let refused = host.ended(&host.text(ANN, "WTAF an online c4$ino").await).await;

    let html = host.page(&url).await.html;
    assert!(html.contains("<h1>A d*** good otter</h1>"), "moderation masks: {html:.900}");
    assert_eq!(again, url);
    assert_eq!(html.matches("Made by otters").count(), 1, "branding is there once, after an edit too: {html:.2000}");
    assert!(html.contains(r##"<meta name="theme-color" content="#123456">"##), "{html:.900}");
    let slug = url.rsplit('/').next().unwrap();
    assert!(slug.split('-').count() >= 3, "haiku names: {url}");
    assert_eq!(refused["status"], "refused", "{refused:#}");
    host.told(ANN, |sent| sent.body.contains("No gambling here.")).await;
    assert_eq!(ai.count(), 2, "what is refused costs nothing");
}

/// A `plugin build --watch` that runs.
struct Watching {
    _child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be started");
        let out = BufReader::new(child.stdout.take().expect("its stdout is ours")).lines();
        let err = BufReader::new(child.stderr.take().expect("its stderr is ours")).lines();
        Self { _child: child, out, err }
    }

    /// The next build that came to an end, well.
    async fn built(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.out.next_line()).await.expect("it builds in time");
        line.expect("it prints text").expect("it goes on")
    }

    /// Waits for words on stderr.
    async fn says(&mut self, words: &str) {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.err.next_line()).await.expect("it speaks in time");
            if line.expect("it prints text").expect("it goes on").contains(words) {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_save_reaches_the_pipelines_folder_and_a_broken_one_changes_nothing() {
    let project = new("rust", "slug", "saved").await;
    let pipeline = tempfile::tempdir().unwrap();
    fs::write(pipeline.path().join("pipeline.toml"), crate::kit::host::SHIPPED).unwrap();
    let installed = pipeline.path().join("plugins/installed/saved.wasm");
    let source = project.join("src/lib.rs");
    let first = fs::read_to_string(&source).unwrap();
    let mut command = plugin(&["build", "--watch", "--install", "--config"]);
    command.arg(pipeline.path().join("pipeline.toml")).arg(&project).arg("--target-dir").arg(kept().join("target"));
    let mut watching = Watching::start(command);
    assert!(watching.built().await.contains("saved.wasm"));
    let before = fs::read(&installed).unwrap();

    let saved = Instant::now();
    fs::write(&source, first.replace("(2..=9)", "(2..=12)")).unwrap();
    watching.built().await;
    eprintln!("a save was in place after {:?}", saved.elapsed());
    let good = fs::read(&installed).unwrap();
    assert_ne!(good, before);

    fs::write(&source, first.replace("Ok(names)", "names")).unwrap();
    watching.says("mismatched types").await;
    watching.says("the last good one stays").await;
    assert_eq!(fs::read(&installed).unwrap(), good);

    fs::write(&source, &first).unwrap();
    watching.built().await;
    assert_eq!(fs::read(&installed).unwrap(), before, "the same sources are the same plugin");
    let beside: Vec<_> = fs::read_dir(installed.parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "nothing is left beside it: {beside:?}");
}

/// A project written by hand.
fn project(toml: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.toml"), toml).unwrap();
    folder
}

fn toml(lang: &str) -> String {
    format!("name = \"x\"\nversion = \"1.0.0\"\nrole = \"slug\"\nabout = \"x\"\nlang = \"{lang}\"\n")
}

#[rstest]
#[case::javascript("js", &["componentize-js", "npm install", "WTAF_COMPONENTIZE_JS"])]
#[case::python("python", &["componentize-py", "pip install", "WTAF_COMPONENTIZE_PY"])]
#[case::rust("rust", &["cargo could not be run", "rustup.rs"])]
#[tokio::test]
async fn a_tool_that_is_missing_is_explained(#[case] lang: &str, #[case] words: &[&str]) {
    let project = project(&toml(lang));
    let nothing = tempfile::tempdir().unwrap();
    let mut command = binary();
    // For Rust the target is there, and cargo is not.
    let rustc = "#!/bin/sh\necho /\n";
    let fake = nothing.path().join("rustc");
    fs::write(&fake, rustc).unwrap();
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    command.env("PATH", nothing.path()).args(["plugin", "build"]).arg(project.path());

    let ran = ended(command).await;

    assert_eq!(ran.code, Some(1));
    for word in words {
        assert!(ran.err.contains(word), "{word} is not in {}", ran.err);
    }
}

#[tokio::test]
async fn what_is_no_project_or_no_room_for_one_is_told_in_words() {
    let slip = project(&toml("rust").replace("role", "rol"));
    let build = |dir: &Path| {
        let mut command = plugin(&["build"]);
        command.arg(dir);
        command
    };
    let mut new = plugin(&["new", "slug"]);
    new.arg(slip.path());

    let (slipped, absent, full) =
        (ended(build(slip.path())).await, ended(build(&slip.path().join("nowhere"))).await, ended(new).await);

    assert!(
        slipped.code == Some(1) && slipped.err.contains("unknown field") && slipped.err.contains("`role`"),
        "{slipped:?}"
    );
    assert!(
        absent.code == Some(1) && absent.err.contains("plugin.toml") && absent.err.contains("plugin new"),
        "{absent:?}"
    );
    assert!(full.code == Some(1) && full.err.contains("is not empty"), "{full:?}");
}

#[tokio::test]
async fn a_built_in_plugin_tells_its_manifest_and_what_it_may_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slug.wasm");
    let mut export = plugin(&["export", "slug", "--out"]);
    export.arg(&file);
    done(export).await;
    let inspect = |format: &str| {
        let mut command = plugin(&["inspect", "--format", format]);
        command.arg(&file);
        command
    };

    let (text, json) = (done(inspect("text")).await.out, done(inspect("json")).await.json());

    for words in [
        "wtaf:stage/slug-plugin@0.1",
        "compute; it writes to the log; it sees no files, network, clock or chance",
        "style: `title` (unset)",
        "the title's own words",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    assert_eq!(json["manifest"]["format"], "wtaf-plugin-1");
    assert_eq!((json["role"].as_str(), json["version"].as_str()), (Some("slug"), Some("0.1.0")));
    assert_eq!(json["bytes"], fs::metadata(&file).unwrap().len());
}
