//! The bucket itself: away, spoiled, made by others, tidied; and disks that will not have what it holds.

use std::{fs, time::Duration};

use async_nats::jetstream;
use futures_util::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use wtaf_host::{adapter::bucket::NatsBucket, config, engine::swap::prune};

use super::{Cluster, everywhere, refused_at, runs_on, send};
use crate::kit::{
    component::{Component, events, in_force, plugin},
    host::{Host, until},
    nats,
};

async fn runs_soon(host: &Host, digest: &str) {
    in_force(host, "slug", digest).await;
    runs_on(host, digest).await;
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
