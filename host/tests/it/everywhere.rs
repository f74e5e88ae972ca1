//! Plugins from a bucket: real engines that share a real NATS server and nothing else. What is done at one is done at all.

use std::{fs, time::Duration};

use async_nats::jetstream;
use futures_util::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wtaf_host::{adapter::bucket::NatsBucket, config, engine::swap::prune};

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
async fn without_nats_nodes_go_on_and_restart_with_what_they_had_and_catch_up_later() {
    let mut server = nats::Server::start(&[]);
    let cluster = Cluster { url: server.url(), prefix: nats::prefix() };
    let [one, mut two] = cluster.start().await;
    let (first, second) = (Component::version("slug", "9.0.0"), Component::version("slug", "9.1.0"));
    send(&one, "slug", &first.bytes).await;
    everywhere(std::slice::from_ref(&two), &first.digest).await;

    server.stop();
    two.kill9().await;
    two.restart().await;
    runs_on(&two, &first.digest).await;
    let [fresh] = cluster.start().await;
    runs_on(&fresh, &Component::built_in("slug").digest).await;
    assert!(fresh.log("the bucket of plugins is away: going on with what this node has").is_some());
    let (status, refused) = send(&one, "slug", &second.bytes).await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("plugin-bucket-away")),
        "{refused:#}"
    );

    server.start_again();
    in_force(&fresh, "slug", &first.digest).await;
    until("it is taken again", async || (send(&one, "slug", &second.bytes).await.0 == StatusCode::OK).then_some(()))
        .await;
    everywhere(&[one, two, fresh], &second.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_fails_at_one_node_is_gone_at_every_node() {
    let cluster = Cluster::new().await;
    let node = || cluster.node().set("plugins.canary=50");
    let (one, two) = tokio::join!(node().start(), node().start());
    let (good, moody) = (Component::built_in("slug"), Component::moody("9.0.0"));
    send(&one, "slug", &moody.bytes).await;
    for host in [&one, &two] {
        on_trial(host, &moody.digest).await;
    }

    for n in 0..40 {
        one.ended(&one.text(&person(n), "WTAF a boom box").await).await;
        if plugin(&one, "slug").await["trial"].is_null() {
            break;
        }
    }

    for host in [&one, &two] {
        let gone = until("it is set aside", async || events(host, "rolled-back").await.pop()).await;
        assert_eq!(gone["digest"], moody.digest);
        assert!(plugin(host, "slug").await["trial"].is_null());
        in_force(host, "slug", &good.digest).await;
    }
    let (_, again) = send(&two, "slug", &moody.bytes).await;
    assert_eq!(again["mode"], json!({ "canary": 50 }), "asked for by name, it is tried again: {again:#}");
    on_trial(&two, &moody.digest).await;
    // Its own recordings tell it better.
    let refused = until("the first node says that it cannot", async || {
        let nodes = plugin(&two, "slug").await["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().find_map(|node| node["refused"].as_str().map(str::to_owned))
    })
    .await;
    assert!(refused.contains("failed its rehearsal"), "{refused}");
    let ready: Value = one.get("/readyz").await.json().await.unwrap();
    assert!(ready["parts"]["plugins"].as_str().unwrap().contains("failed its rehearsal"), "{ready:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strikes_at_several_nodes_count_together() {
    let cluster = Cluster::new().await;
    let node = || cluster.node().set("plugins.strikes=4");
    let (one, two) = tokio::join!(node().start(), node().start());
    let (good, moody) = (Component::built_in("slug"), Component::moody("9.0.0"));
    send(&one, "slug", &moody.bytes).await;
    everywhere(std::slice::from_ref(&two), &moody.digest).await;

    for (n, host) in [&one, &two, &one, &two].into_iter().enumerate() {
        let job = host.ended(&host.text(&person(n), "WTAF a boom box").await).await;
        assert_eq!((job["status"].as_str(), digest_in(&job, "slug")), (Some("done"), good.digest.clone()));
    }

    for host in [&one, &two] {
        in_force(host, "slug", &good.digest).await;
    }
    let why = until("it is set aside everywhere", async || {
        plugin(&one, "slug").await["set_aside"][0]["why"].as_str().map(str::to_owned)
    })
    .await;
    assert!(why.contains("4 of 4 jobs failed on it"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_promoted_by_what_all_nodes_saw() {
    let cluster = Cluster::new().await;
    let node = || cluster.node().set("plugins.canary=50").set("plugins.canary_jobs=4").set("plugins.canary_time=0s");
    let (one, two) = tokio::join!(node().start(), node().start());
    let other = Component::version("slug", "9.0.0");
    send(&one, "slug", &other.bytes).await;
    for host in [&one, &two] {
        on_trial(host, &other.digest).await;
    }

    let share = async |host: &Host| {
        let mut in_it = 0;
        for n in 0..200 {
            let job = host.ended(&host.text(&person(n), "WTAF a tip calculator").await).await;
            in_it += u32::from(digest_in(&job, "slug") == other.digest);
            if in_it == 2 {
                return;
            }
        }
        panic!("nobody of 200 is in half of all people");
    };
    share(&one).await;
    share(&two).await;

    everywhere(&[one, two], &other.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_was_tampered_with_is_refused_by_its_digest_and_the_node_says_so() {
    let cluster = Cluster::new().await;
    let [one] = cluster.start().await;
    let (good, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    send(&one, "slug", &other.bytes).await;
    let mut spoiled = &Component::version("slug", "6.6.6").bytes[..];
    cluster.components().await.put(other.digest.as_str(), &mut spoiled).await.unwrap();

    let [later] = cluster.start().await;

    let refused = until("it says so", async || events(&later, "refused").await.pop()).await;
    assert!(refused["why"].as_str().unwrap().contains("it was tampered with"), "{refused}");
    runs_on(&later, &good.digest).await;
    let told = until("the other node hears of it", async || {
        let nodes = plugin(&one, "slug").await["nodes"].as_array().cloned().unwrap_or_default();
        nodes.into_iter().find(|node| node["refused"].is_string())
    })
    .await;
    assert_eq!(told["digest"], good.digest, "{told:#}");
    runs_on(&one, &other.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_spoiled_or_gone_is_mended_by_installing_the_same_bytes_again() {
    let cluster = Cluster::new().await;
    let [one] = cluster.start().await;
    let other = Component::version("slug", "9.0.0");
    send(&one, "slug", &other.bytes).await;
    let objects = cluster.components().await;
    objects.put(other.digest.as_str(), &mut &b"something else"[..]).await.unwrap();
    let [later] = cluster.start().await;
    until("it cannot be had", async || refused_at(&one).await).await;

    let (status, taken) = send(&one, "slug", &other.bytes).await;

    assert_eq!((status, &taken["mode"]), (StatusCode::OK, &Value::Null), "it was in force already: {taken:#}");
    runs_soon(&later, &other.digest).await;
    until("nobody says any more that it cannot", async || refused_at(&one).await.is_none().then_some(())).await;

    objects.delete(other.digest.as_str()).await.unwrap();
    let author = cluster.node().unstarted();
    fs::write(author.folder().join("slug.wasm"), &other.bytes).unwrap();
    let installed = cluster.cli(&author, &["install", "slug.wasm"]).await;

    assert!(installed.code == Some(0) && installed.out.contains("is whole in the bucket again"), "{installed:?}");
    let [last] = cluster.start().await;
    runs_on(&last, &other.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_is_gone_everywhere_although_the_node_that_saw_it_could_not_have_a_later_one() {
    let cluster = Cluster::new().await;
    let node = || cluster.node().set("plugins.canary=50").set("plugins.strikes=2");
    let (one, two) = tokio::join!(node().start(), node().start());
    let (good, moody, later) =
        (Component::built_in("slug"), Component::moody("9.0.0"), Component::version("slug", "9.1.0"));
    let at_once = one.request(Method::POST, "/api/plugins/slug?at_once=true").body(moody.bytes.clone());
    let at_once = at_once.header("content-type", "application/wasm").send().await.unwrap();
    assert_eq!(at_once.status(), StatusCode::OK);
    everywhere(std::slice::from_ref(&two), &moody.digest).await;
    // Its disk will not have it.
    let in_the_way = two.data().join("plugins").join(format!("{}.wasm", later.digest));
    fs::create_dir(&in_the_way).unwrap();
    send(&one, "slug", &later.bytes).await;
    until("one node cannot have it", async || refused_at(&one).await).await;

    for n in 0..2 {
        two.ended(&two.text(&person(n), "WTAF a boom box").await).await;
    }

    everywhere(&[one, two], &good.digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_nodes_disk_would_not_have_is_told_once_and_tried_again_until_it_will() {
    let cluster = Cluster::new().await;
    let [one, two] = cluster.start().await;
    let other = Component::version("slug", "9.0.0");
    let kept = two.data().join("plugins");
    let aside = kept.with_extension("aside");
    fs::rename(&kept, &aside).unwrap();
    std::os::unix::fs::symlink(two.data().join("nowhere"), &kept).unwrap();

    send(&one, "slug", &other.bytes).await;

    let why = until("it says so", async || refused_at(&one).await).await;
    assert!(why.contains("the data directory"), "{why}");
    let ready: Value = two.get("/readyz").await.json().await.unwrap();
    assert!(ready["parts"]["plugins"].as_str().unwrap().contains("the data directory"), "{ready:#}");
    fs::remove_file(&kept).unwrap();
    fs::rename(&aside, &kept).unwrap();
    runs_soon(&two, &other.digest).await;
    // The journal was on that disk: what it could not be told stands in the log.
    let told = two.logs().into_iter().filter(|line| line["message"] == "plugin refused: the version in force stays");
    assert_eq!(told.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_that_others_made_are_answered_by_their_leader_alone() {
    let cluster = Cluster::new().await;
    let (nats, bucket) = (cluster.jetstream().await, format!("{}_plugins", cluster.prefix));
    let keys = jetstream::kv::Config { bucket: bucket.clone(), history: 8, ..Default::default() };
    nats.create_key_value(keys).await.unwrap();
    let objects = jetstream::object_store::Config { bucket: bucket.clone(), ..Default::default() };
    nats.create_object_store(objects).await.unwrap();

    let hosts: [Host; 2] = cluster.start().await;
    let other = Component::version("slug", "9.0.0");
    send(&hosts[0], "slug", &other.bytes).await;
    everywhere(&hosts, &other.digest).await;

    let (prefix, mut direct) = (&cluster.prefix, Vec::new());
    for stream in [format!("KV_{bucket}"), format!("OBJ_{bucket}"), format!("KV_{prefix}_generations")] {
        let there = nats.get_stream(&stream).await.unwrap();
        direct.extend(there.cached_info().config.allow_direct.then_some(stream));
    }
    assert!(direct.is_empty(), "any server answers for {direct:?}");
}

/// Why some node cannot run what is in force, as the nodes tell each other.
async fn refused_at(host: &Host) -> Option<String> {
    let nodes = plugin(host, "slug").await["nodes"].as_array().cloned().unwrap_or_default();
    nodes.iter().find_map(|node| node["refused"].as_str().map(str::to_owned))
}

async fn runs_soon(host: &Host, digest: &str) {
    in_force(host, "slug", digest).await;
    runs_on(host, digest).await;
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

fn person(n: usize) -> String {
    format!("+1555010{n:04}")
}

async fn on_trial(host: &Host, digest: &str) {
    until("it is on trial", async || (plugin(host, "slug").await["trial"]["digest"] == digest).then_some(())).await;
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

/// A pipeline whose pages are named by a plugin that is built into no engine.
fn with_names(pipeline: &str) -> String {
    pipeline.replacen("plugin = \"slug\"", "plugin = \"names\"", 1)
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

#[tokio::test(flavor = "multi_thread")]
async fn components_that_nobody_needs_leave_the_bucket_and_the_others_stay() {
    let cluster = Cluster::new().await;
    let [host] = cluster.start().await;
    let versions: Vec<_> = (0..5).map(|n| Component::version("slug", &format!("8.{n}.0"))).collect();
    for version in &versions {
        send(&host, "slug", &version.bytes).await;
        in_force(&host, "slug", &version.digest).await;
    }
    let stray = Component::version("slug", "6.6.6");
    let objects = cluster.components().await;
    objects.put(stray.digest.as_str(), &mut &stray.bytes[..]).await.unwrap();
    objects.put("an operators own", &mut &b"notes"[..]).await.unwrap();
    // What the engine did until now is where other nodes find it.
    until("its last generation is kept", async || {
        let kept = cluster.jetstream().await.get_key_value(format!("{}_generations", cluster.prefix)).await.ok()?;
        let keys: Vec<String> = kept.keys().await.ok()?.filter_map(async |key| key.ok()).collect().await;
        let mut all = String::new();
        for key in keys {
            all.push_str(&String::from_utf8_lossy(&kept.get(&key).await.ok()??));
        }
        all.contains(&versions[4].digest).then_some(())
    })
    .await;
    let settings = config::Nats {
        url: cluster.url.clone().into(),
        creds: None,
        prefix: cluster.prefix.clone(),
        replicas: 1,
        lease: Duration::from_secs(30),
    };
    let bucket = NatsBucket::new("plugins", settings, None);
    let there =
        async |component: &Component| objects.info(component.digest.as_str()).await.is_ok_and(|info| !info.deleted);

    assert_eq!(prune(&bucket, Duration::from_hours(1)).await.unwrap(), 0, "all of it is young");
    prune(&bucket, Duration::ZERO).await.unwrap();
    assert!(!there(&stray).await, "nobody ever ran it");
    let kept = cluster.jetstream().await.get_key_value(format!("{}_generations", cluster.prefix)).await.unwrap();
    let keys: Vec<String> = kept.keys().await.unwrap().map(Result::unwrap).collect().await;
    for key in keys {
        kept.purge(&key).await.unwrap();
    }
    prune(&bucket, Duration::ZERO).await.unwrap();

    assert!(!there(&versions[0]).await, "no key names it any more, and no job began on it within a week");
    for version in &versions[1..] {
        assert!(there(version).await, "three can be gone back to");
    }
    assert!(objects.info("an operators own").await.is_ok());
    let [later] = cluster.start().await;
    runs_on(&later, &versions[4].digest).await;
}
