//! Plugins from the command line: tested, installed, gone back from, replayed; with an engine that runs, and without.

use std::{fs, path::PathBuf};

use crate::kit::{
    component::{Component, in_force, plugin},
    guest,
    host::{ANN, Host, Ran, until},
};

fn put(host: &Host, name: &str, component: &Component) -> PathBuf {
    let path = host.folder().join(name);
    fs::write(&path, &component.bytes).unwrap();
    path
}

fn fine(ran: &Ran) -> &str {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    &ran.out
}

/// The engine takes its port from the command line in these tests, so that the verbs that talk to it need it too.
async fn verb(host: &Host, arguments: &[&str]) -> Ran {
    let listen = host.listen();
    let mut all = arguments.to_vec();
    all.extend(["--set", &listen]);
    host.cli(&all).await
}

#[tokio::test]
async fn a_job_is_replayed_to_the_byte_and_another_version_shows_its_differences() {
    let host = Host::start().await;
    let id = host.text(ANN, "WTAF a tip calculator").await;
    host.made(&id).await;
    put(&host, "new.wasm", &Component::moody("9.0.0"));
    until("it is recorded", async || host.data().join(format!("recordings/{id}.jsonl")).exists().then_some(())).await;

    let again = host.cli(&["jobs", "replay", &id]).await;
    let with = host.cli(&["jobs", "replay", &id, "--with", "slug=new.wasm"]).await;

    let lines: Vec<_> = fine(&again).lines().collect();
    assert!(lines.len() >= 5 && lines.iter().all(|line| line.contains("  same  ")), "{again:?}");
    for function in ["decide", "say", "compose", "extract", "propose"] {
        assert!(again.out.contains(function), "{function}: {again:?}");
    }
    let with = fine(&with);
    assert!(with.contains("differs") && with.contains("+ ") && with.contains("well-behaved"), "{with}");
    assert_eq!(with.lines().filter(|line| line.contains("  same  ")).count(), lines.len() - 1);
}

#[tokio::test]
async fn a_version_that_fails_on_a_replayed_job_says_so_by_its_exit_code() {
    let host = Host::start().await;
    let id = host.text(ANN, "WTAF a boom box").await;
    host.made(&id).await;
    put(&host, "new.wasm", &Component::moody("9.0.0"));
    until("it is recorded", async || host.data().join(format!("recordings/{id}.jsonl")).exists().then_some(())).await;

    let ran = host.cli(&["jobs", "replay", &id, "--with", "slug=new.wasm"]).await;

    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("it cannot name this"), "{ran:?}");
}

#[tokio::test]
async fn without_words_nothing_is_replayed_and_nothing_said_is_on_the_disk() {
    let host = Host::of().set("plugins.record_words=false").start().await;
    let id = host.text(ANN, "WTAF a tip calculator for otters").await;
    host.made(&id).await;
    let path = host.data().join(format!("recordings/{id}.jsonl"));
    let text = until("it is recorded", async || fs::read_to_string(&path).ok().filter(|text| !text.is_empty())).await;

    let ran = host.cli(&["jobs", "replay", &id]).await;

    assert!(!text.contains("otters"), "{text}");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("without words"), "{ran:?}");
}

#[tokio::test]
async fn a_plugin_is_installed_and_gone_back_from_while_the_engine_runs() {
    let host = Host::start().await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    put(&host, "new.wasm", &other);

    let installed = verb(&host, &["plugin", "install", "new.wasm"]).await;
    assert!(fine(&installed).contains("slug: version 9.0.0") && installed.out.contains("is in force"), "{installed:?}");
    in_force(&host, "slug", &other.digest).await;
    let listed = verb(&host, &["plugin", "list"]).await;
    assert!(fine(&listed).contains("9.0.0") && listed.out.contains("before"), "{listed:?}");

    let back = verb(&host, &["plugin", "rollback", "slug"]).await;
    assert!(fine(&back).contains(&first.digest[..12]), "{back:?}");
    let refused = verb(&host, &["plugin", "install", "new.wasm"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("--again"), "{refused:?}");
    let again = verb(&host, &["plugin", "install", "new.wasm", "--again"]).await;
    fine(&again);
    assert_eq!(plugin(&host, "slug").await["digest"], other.digest);
}

#[tokio::test]
async fn a_plugin_is_installed_and_gone_back_from_while_no_engine_runs() {
    let mut host = Host::start().await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    host.sigterm();
    host.exit().await;
    put(&host, "new.wasm", &other);

    let installed = verb(&host, &["plugin", "install", "new.wasm"]).await;
    assert!(fine(&installed).contains("in force with the next start"), "{installed:?}");
    host.restart().await;
    assert_eq!(plugin(&host, "slug").await["digest"], other.digest);
    host.sigterm();
    host.exit().await;
    fine(&verb(&host, &["plugin", "rollback", "slug"]).await);
    host.restart().await;

    assert_eq!(plugin(&host, "slug").await["digest"], first.digest);
}

#[tokio::test]
async fn what_a_version_asks_for_beyond_the_one_in_force_wants_leave() {
    let host = Host::start().await;
    let more = Component::version("slug", "9.0.0").with(|manifest| {
        manifest.grants = vec!["clock".into()];
        manifest.config.insert("mood".into(), "how names sound".into());
    });
    put(&host, "new.wasm", &more);

    let asked = verb(&host, &["plugin", "install", "new.wasm"]).await;
    assert_eq!(asked.code, Some(1), "{asked:?}");
    assert!(
        asked.out.contains("wants the grant clock") && asked.out.contains("reads the config key mood"),
        "{asked:?}"
    );
    assert!(asked.err.contains("--accept-grants"), "{asked:?}");

    fine(&verb(&host, &["plugin", "install", "new.wasm", "--accept-grants"]).await);
    in_force(&host, "slug", &more.digest).await;
}

#[tokio::test]
async fn a_plugin_is_tested_on_its_examples_and_on_what_was_recorded() {
    let host = Host::start().await;
    fine(&host.cli(&["plugin", "export", "slug", "--out", "slug.wasm"]).await);
    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
    put(&host, "bare.wasm", &Component::version("slug", "9.0.0"));
    put(&host, "dear.wasm", &Component::built_in("slug").with(|manifest| manifest.budget = Some(10)));
    let ids = || fs::read_dir(host.data().join("recordings")).unwrap().count();
    until("it is recorded", async || (ids() == 1).then_some(())).await;

    let tested = host.cli(&["plugin", "test", "slug.wasm"]).await;
    let bare = host.cli(&["plugin", "test", "bare.wasm", "--recorded", "0"]).await;
    let dear = host.cli(&["plugin", "test", "dear.wasm"]).await;

    assert!(fine(&tested).contains("fuel") && tested.out.contains("1 recorded call, 0 differences"), "{tested:?}");
    assert!(bare.code == Some(1) && bare.out.contains("not rehearsed"), "{bare:?}");
    assert!(dear.code == Some(1) && dear.out.contains("its manifest allows 10"), "{dear:?}");
}

#[tokio::test]
async fn a_plugin_of_its_own_is_installed_together_with_the_stage_that_names_it() {
    let host = Host::start().await;
    let filter = Component::new(guest::of_stage("filter-plugin", str::to_owned));
    put(&host, "tidy.wasm", &filter);
    let path = host.folder().join("pipeline.toml");
    let text = fs::read_to_string(&path).unwrap();
    let stage = "[[stage]]\nname = \"tidy\"\nplugin = \"tidy\"\non = \"reply\"\n\n";
    let at = text.find("[[stage]]\nname = \"slug\"").unwrap();
    fs::write(&path, format!("{}{stage}{}", &text[..at], &text[at..])).unwrap();

    let installed = verb(&host, &["plugin", "install", "tidy.wasm"]).await;

    fine(&installed);
    in_force(&host, "tidy", &filter.digest).await;
}

#[tokio::test]
async fn the_token_goes_to_no_proxy() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let host = Host::of().set("server.admin_token=a-token-of-some-length").start().await;
    let mut command = crate::kit::host::binary();
    command.current_dir(host.folder()).args(["plugin", "list", "--set", &host.listen()]);
    command.args(["--set", "server.admin_token=a-token-of-some-length"]).env("http_proxy", &address);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());

    let listed = crate::kit::host::ran(command).await;

    assert!(fine(&listed).contains("slug"), "{listed:?}");
    assert!(proxy.accept().is_err(), "nobody came by the proxy");
}
