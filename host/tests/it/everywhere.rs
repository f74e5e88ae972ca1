//! Plugins from a bucket: real engines that share a real NATS server and nothing else. What is done at one is done at all.

mod bucket;
mod trials;

use std::fs;

use async_nats::jetstream;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::kit::{
    ai::{FakeAi, Reply},
    component::{Component, digest_in, drop_in, events, in_force, plugin},
    host::{ANN, Host, Ran, Setup, link, until},
    nats,
};

/// Nodes of one cluster: a prefix of its own on a server.
struct Cluster {
    url: String,
    prefix: String,
}

impl Cluster {
    async fn new() -> Self {
        Self { url: nats::url().await, prefix: nats::prefix() }
    }

    fn node(&self) -> Setup {
        Host::of()
            .set(format!("queue.nats_url={}", self.url))
            .set(format!("queue.nats_prefix={}", self.prefix))
            .set("plugins.source=nats://plugins")
            .set("limits.enabled=false")
    }

    /// A verb of `plugin` at a machine of the cluster.
    async fn cli(&self, at: &Host, verb: &[&str]) -> Ran {
        let keys = [
            at.listen(),
            format!("queue.nats_url={}", self.url),
            format!("queue.nats_prefix={}", self.prefix),
            "plugins.source=nats://plugins".to_owned(),
        ];
        let mut all: Vec<&str> = ["plugin"].into_iter().chain(verb.iter().copied()).collect();
        all.extend(keys.iter().flat_map(|key| ["--set", key.as_str()]));
        at.cli(&all).await
    }

    /// What is kept of a generation.
    async fn generation(&self, id: &str) -> Option<()> {
        let kept = self.jetstream().await;
        let kept = kept.get_key_value(format!("{}_generations", self.prefix)).await.ok()?;
        kept.get(id).await.ok()?.map(|_| ())
    }

    /// NATS itself.
    async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(&self.url).await.unwrap())
    }

    /// Where components are.
    async fn components(&self) -> jetstream::object_store::ObjectStore {
        self.jetstream().await.get_object_store(format!("{}_plugins", self.prefix)).await.unwrap()
    }

    async fn start<const N: usize>(&self) -> [Host; N] {
        let starting = std::array::from_fn(|_| self.node().start());
        futures_util::future::join_all::<[_; N]>(starting).await.try_into().unwrap_or_else(|_| unreachable!("as many"))
    }
}

async fn send(host: &Host, name: &str, bytes: &[u8]) -> (StatusCode, Value) {
    let request = host.request(Method::POST, &format!("/api/plugins/{name}"));
    let response = request.header("content-type", "application/wasm").body(bytes.to_vec()).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn everywhere(hosts: &[Host], digest: &str) {
    for host in hosts {
        in_force(host, "slug", digest).await;
    }
}

async fn runs_on(host: &Host, digest: &str) {
    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), digest.to_owned()));
}

/// Why some node cannot run what is in force, as the nodes tell each other.
async fn refused_at(host: &Host) -> Option<String> {
    let nodes = plugin(host, "slug").await["nodes"].as_array().cloned().unwrap_or_default();
    nodes.iter().find_map(|node| node["refused"].as_str().map(str::to_owned))
}

/// A pipeline whose pages are named by a plugin that is built into no engine.
fn with_names(pipeline: &str) -> String {
    pipeline.replacen("plugin = \"slug\"", "plugin = \"names\"", 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_installed_at_one_node_runs_at_every_node_and_goes_back_everywhere() {
    let cluster = Cluster::new().await;
    let hosts: [Host; 3] = cluster.start().await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));

    let (status, taken) = send(&hosts[0], "slug", &other.bytes).await;
    assert_eq!((status, &taken["digest"]), (StatusCode::OK, &json!(other.digest)), "{taken:#}");
    everywhere(&hosts, &other.digest).await;
    for host in &hosts {
        runs_on(host, &other.digest).await;
    }

    let back = hosts[2].request(Method::POST, "/api/plugins/slug/rollback").send().await.unwrap();
    assert_eq!(back.status(), StatusCode::OK);
    everywhere(&hosts, &first.digest).await;
    for host in &hosts {
        runs_on(host, &first.digest).await;
        assert_eq!(plugin(host, "slug").await["set_aside"][0]["digest"], other.digest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_its_rehearsal_at_one_node_changes_nothing_at_any() {
    let cluster = Cluster::new().await;
    let hosts: [Host; 2] = cluster.start().await;
    let (first, good) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    let example = json!({
        "name": "names are numbers",
        "call": { "propose": { "title": "Tip calculator" } },
        "expect": { "answer": ["1"] },
    });
    let bad = Component::with_example("slug", "9.1.0", example);

    for bytes in [&bad.bytes[..], b"not wasm at all", &Component::built_in("coach").bytes] {
        let (status, refused) = send(&hosts[0], "slug", bytes).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:#}");
    }

    for host in &hosts {
        assert_eq!(plugin(host, "slug").await["digest"], first.digest);
    }
    send(&hosts[0], "slug", &good.bytes).await;
    everywhere(&hosts, &good.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_installations_at_once_one_counts_and_the_other_is_told() {
    let cluster = Cluster::new().await;
    let hosts: [Host; 2] = cluster.start().await;
    let versions = [Component::version("slug", "9.0.0"), Component::version("slug", "9.1.0")];
    send(&hosts[0], "slug", &Component::version("slug", "8.0.0").bytes).await;
    everywhere(&hosts, &Component::version("slug", "8.0.0").digest).await;

    let (one, other) =
        tokio::join!(send(&hosts[0], "slug", &versions[0].bytes), send(&hosts[1], "slug", &versions[1].bytes));

    // Where they did not meet, one came after the other and counts.
    let overtaken =
        |answer: &(StatusCode, Value)| answer.0 == StatusCode::CONFLICT && answer.1["code"] == "plugin-overtaken";
    assert!(!(overtaken(&one) && overtaken(&other)), "{one:?} {other:?}");
    for answer in [&one, &other] {
        assert!(answer.0 == StatusCode::OK || overtaken(answer), "{answer:?}");
    }
    let same = until("both run the same", async || {
        let (a, b) = (plugin(&hosts[0], "slug").await, plugin(&hosts[1], "slug").await);
        (a["digest"] == b["digest"]).then(|| a["digest"].clone())
    })
    .await;
    let winners: Vec<_> = [&one, &other]
        .into_iter()
        .zip(&versions)
        .filter(|(answer, _)| answer.0 == StatusCode::OK)
        .map(|it| &it.1.digest)
        .collect();
    assert!(winners.iter().any(|digest| same == **digest), "{same} is none of {winners:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_later_runs_what_all_run_from_its_first_job_on() {
    let cluster = Cluster::new().await;
    let [first] = cluster.start().await;
    let other = Component::version("slug", "9.0.0");
    send(&first, "slug", &other.bytes).await;

    let [later] = cluster.start().await;

    runs_on(&later, &other.digest).await;
    let nodes = until("each has heard of the other", async || {
        let nodes = plugin(&later, "slug").await["nodes"].as_array().cloned().unwrap_or_default();
        (nodes.len() == 2).then_some(nodes)
    })
    .await;
    assert!(nodes.iter().all(|node| node["digest"] == other.digest && node["refused"].is_null()), "{nodes:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_dropped_at_one_node_is_refused_in_words_where_the_bucket_says_what_runs() {
    let cluster = Cluster::new().await;
    let [one] = cluster.start().await;
    let (other, dropped) = (Component::version("slug", "9.0.0"), Component::version("slug", "9.1.0"));
    send(&one, "slug", &other.bytes).await;

    drop_in(&one, "slug", &dropped.bytes);

    let refused = until("it is refused", async || events(&one, "refused").await.pop()).await;
    let why = refused["why"].as_str().unwrap();
    assert!(why.contains("nats://plugins") && why.contains("wtaf-host plugin install"), "{why}");
    runs_on(&one, &other.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_installs_lists_and_goes_back_with_a_line_a_node() {
    let cluster = Cluster::new().await;
    let hosts: [Host; 2] = cluster.start().await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    let elsewhere = cluster.node().unstarted();
    fs::write(elsewhere.folder().join("slug.wasm"), &other.bytes).unwrap();
    let cli = async |verb: &[&str]| cluster.cli(&elsewhere, verb).await;

    let installed = cli(&["install", "slug.wasm"]).await;
    assert_eq!(installed.code, Some(0), "{installed:?}");
    assert_eq!(installed.out.matches("  ok").count(), 2, "a line a node: {installed:?}");
    everywhere(&hosts, &other.digest).await;
    let listed = cli(&["list", "--format", "json"]).await.json();
    let line = listed.as_array().unwrap().iter().find(|line| line["name"] == "slug").unwrap().clone();
    assert_eq!((&line["digest"], line["nodes"].as_array().unwrap().len()), (&json!(other.digest), 2), "{line:#}");
    let back = cli(&["rollback", "slug"]).await;
    assert_eq!(back.code, Some(0), "{back:?}");
    everywhere(&hosts, &first.digest).await;
    let again = cli(&["install", "slug.wasm"]).await;
    assert!(again.code == Some(1) && again.err.contains("it was set aside before"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_began_at_one_node_ends_at_another_on_the_versions_it_began_with() {
    let cluster = Cluster::new().await;
    let ai = FakeAi::start().await;
    ai.script([Reply::Hang]);
    ai.always(Reply::text("```html\n<!doctype html><title>Tip calculator</title><h1>Tips</h1>\n```"));
    let node = || cluster.node().ai([link("fake", &ai)]);
    let mut one = node().start().await;
    let (first, second) = (Component::version("slug", "9.0.0"), Component::version("slug", "9.1.0"));
    send(&one, "slug", &first.bytes).await;
    let id = one.text(ANN, "WTAF a tip calculator").await;
    until("the AI is asked", async || (ai.count() == 1).then_some(())).await;
    send(&one, "slug", &second.bytes).await;
    let generation = one.file_of(&id).and_then(|(_, job)| job["generation"].as_str().map(str::to_owned)).unwrap();
    until("what it began on is known to all", async || cluster.generation(&generation).await).await;
    one.kill9().await;

    // What nodes of a cluster share besides: the database, and the queue that hands the job over.
    let mut two = node().set(format!("store.url=sqlite://{}", one.data().join("wtaf.db").display())).unstarted();
    let (folder, _) = one.file_of(&id).unwrap();
    let place = two.data().join("wtaf").join(folder);
    fs::create_dir_all(&place).unwrap();
    let file = format!("{id}.json");
    fs::copy(one.data().join("wtaf").join(folder).join(&file), place.join(&file)).unwrap();
    two.restart().await;

    let job = two.ended(&id).await;
    assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), first.digest), "{job:#}");
    runs_on(&two, &second.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_only_the_bucket_has_reaches_nodes_that_start_and_nodes_that_read_their_pipeline_again() {
    let cluster = Cluster::new().await;
    let [before] = cluster.start().await;
    let names = Component::version("slug", "9.0.0");
    let author = cluster.node().pipeline(with_names).unstarted();
    fs::write(author.folder().join("names.wasm"), &names.bytes).unwrap();
    let installed = cluster.cli(&author, &["install", "names.wasm", "--name", "names", "--accept-grants"]).await;
    assert!(installed.out.contains("is in force"), "{installed:?}");

    let later = cluster.node().pipeline(with_names).start().await;
    let path = before.folder().join("pipeline.toml");
    fs::write(&path, with_names(&fs::read_to_string(&path).unwrap())).unwrap();

    for host in [&later, &before] {
        until("it runs there", async || {
            let shown: Value = host.get("/api/plugins").await.json().await.unwrap();
            let lines = shown["plugins"].as_array().unwrap().clone();
            lines.iter().any(|line| line["name"] == "names" && line["digest"] == names.digest).then_some(())
        })
        .await;
        runs_on(host, &names.digest).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uninstalled_gives_way_to_what_is_built_in_at_every_node_and_can_be_gone_back_to() {
    let cluster = Cluster::new().await;
    let hosts: [Host; 2] = cluster.start().await;
    let (own, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    send(&hosts[0], "slug", &other.bytes).await;
    everywhere(&hosts, &other.digest).await;
    let author = cluster.node().unstarted();

    let gone = cluster.cli(&author, &["uninstall", "slug"]).await;

    assert!(gone.code == Some(0) && gone.out.contains("each node runs the version that is built into it"), "{gone:?}");
    everywhere(&hosts, &own.digest).await;
    runs_on(&hosts[1], &own.digest).await;
    let again = cluster.cli(&author, &["uninstall", "slug"]).await;
    assert!(again.out.contains("already"), "{again:?}");
    let never = cluster.cli(&author, &["uninstall", "coach"]).await;
    assert!(never.code == Some(1) && never.err.contains("nobody has installed coach"), "{never:?}");
    let back = cluster.cli(&author, &["rollback", "slug"]).await;
    assert_eq!(back.code, Some(0), "{back:?}");
    everywhere(&hosts, &other.digest).await;
}
