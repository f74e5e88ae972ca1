//! The engine in a real Chromium: every script of `host/tests/browser` against an engine of its own.
//!
//! Pictures of what was seen go to `WTAF_TEST_ARTEFACTS`, or to `test-artefacts` beside the folder of tools.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, sync::Mutex};

use crate::kit::{
    host::{Host, binary},
    process::tool,
};

/// Of one script. Its own bound is shorter, so that it can say itself what it waited for and what took how long.
const PATIENCE: Duration = Duration::from_mins(17);

/// A browser takes all a small machine has: one after the other.
static ONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_sent_from_the_phone_page_becomes_a_page_that_works() {
    holds("phone.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_shows_its_stages_and_its_page_to_the_one_who_asked() {
    holds("chat.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_whose_stream_breaks_ends_with_the_page_all_the_same() {
    holds("dropped.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_says_that_its_job_is_tried_again() {
    holds("again.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn someone_signs_in_with_a_code_and_the_keyboard_alone() {
    holds("signin.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_means_harm_reaches_nothing_of_ours() {
    holds("hostile.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_browsers_on_one_page_see_each_others_entries_and_no_other_page_does() {
    holds("records.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_drawn_while_it_is_written_and_no_script_of_it_runs() {
    holds("stream.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_changed_taken_back_remixed_and_shared_where_it_was_made() {
    holds("change.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_says_what_is_the_matter_and_what_to_do() {
    holds("states.mjs").await;
}

#[rstest::rstest]
#[case::on_a_phone_by_day("phone", "light")]
#[case::on_a_phone_by_night("phone", "dark")]
#[case::on_a_desk_by_day("desk", "light")]
#[case::on_a_desk_by_night("desk", "dark")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_ours_fits_its_screen_and_can_be_read_by_anyone(#[case] size: &str, #[case] scheme: &str) {
    holds_for("look.mjs", &[size, scheme]).await;
}

#[rstest::rstest]
#[case::on_a_phone_by_day("phone", "light")]
#[case::on_a_phone_by_night("phone", "dark")]
#[case::on_a_desk_by_day("desk", "light")]
#[case::on_a_desk_by_night("desk", "dark")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_shows_an_engine_at_work_and_one_in_trouble_to_anyone(#[case] size: &str, #[case] scheme: &str) {
    holds_for("console.mjs", &[size, scheme]).await;
}

async fn holds(script: &str) {
    holds_for(script, &[]).await;
}

/// Runs a script to its end; what it said is how this test fails.
async fn holds_for(script: &str, arguments: &[&str]) {
    let modules = ["playwright-core", "axe-core"].map(|name| tool(&format!("node_modules/{name}")));
    let tools = modules[0].ancestors().nth(2).expect("a module is in node_modules, in the folder of tools");
    let (node, chromium) = (program("node"), program("chromium"));
    let _one = ONE.lock().await;
    let host = Host::start().await;
    let mut command = Command::new(node);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script))
        .arg(host.public())
        .arg(binary().as_std().get_program())
        .args(arguments)
        .env("WTAF_TEST_TOOLS", tools)
        .env("WTAF_TEST_ARTEFACTS", artefacts(tools))
        .env("WTAF_TEST_CHROMIUM", chromium)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{script} did not end within {PATIENCE:?}"));
    let output = output.expect("node can be started");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{script} against {}:\n{said}", host.public());
}

fn artefacts(tools: &Path) -> PathBuf {
    std::env::var_os("WTAF_TEST_ARTEFACTS").map_or_else(|| tools.with_file_name("test-artefacts"), PathBuf::from)
}

/// A program on the PATH.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("this test needs {name}: run scripts/test, which installs it"))
}
