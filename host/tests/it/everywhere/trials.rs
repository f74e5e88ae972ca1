//! Versions on trial: what all nodes saw together decides, and it is decided for all.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Cluster, everywhere, refused_at, send};
use crate::kit::{
    component::{Component, digest_in, events, in_force, plugin},
    host::{Host, until},
};

fn person(n: usize) -> String {
    format!("+1555010{n:04}")
}

async fn on_trial(host: &Host, digest: &str) {
    until("it is on trial", async || (plugin(host, "slug").await["trial"]["digest"] == digest).then_some(())).await;
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
