//! A process that is killed while it writes: what was answered is there, and nothing is half.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use wtaf_host::{
    adapter::store::{self, Lookup, PageKey},
    config::StoreUrl,
    job::JobId,
};

use super::{NOW, job_id, person, publication, text, words};

/// Where the child finds the database.
const DATABASE: &str = "WTAF_TEST_DATABASE";
const ANSWERED: &str = "answered ";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of the test below: it ends only when it is killed"]
async fn publishes_until_it_is_killed() {
    let Some(path) = std::env::var_os(DATABASE) else { return };
    let store = store::open(&StoreUrl::Sqlite(path.into())).await.unwrap();
    let fox = person(&*store, "fox").await;
    let mut writers = Vec::new();
    for n in 0..8 {
        let (store, fox) = (store.clone(), fox.clone());
        writers.push(tokio::spawn(async move {
            for m in 0.. {
                let (job, slug) = (job_id(), format!("page-{n}-{m}"));
                store.reserve(job, fox.id, std::slice::from_ref(&slug), NOW).await.unwrap();
                let mut wish = publication(job, &fox, &slug, &slug, NOW);
                wish.texts = vec![text(job, "page-live", &fox.asker, &slug)];
                store.publish(wish).await.unwrap();
                println!("{ANSWERED}{job} {slug}");
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_kill_and_nothing_is_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wtaf.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::killed::publishes_until_it_is_killed", "--include-ignored", "--nocapture"])
        .env(DATABASE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answered: Vec<(JobId, String)> = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap_or_default();
        let Some((job, slug)) = line.strip_prefix(ANSWERED).and_then(|rest| rest.split_once(' ')) else { continue };
        answered.push((job.parse().unwrap(), slug.to_owned()));
        if answered.len() == 300 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(answered.len() >= 300, "the child ended by itself");

    let store = store::open(&StoreUrl::Sqlite(path)).await.unwrap();
    for (job, slug) in &answered {
        let key = PageKey { user: "fox".into(), app: slug.clone() };
        assert!(matches!(store.page(&key, None).await.unwrap(), Lookup::Found(_)), "{slug}");
        assert_eq!(store.texts_of(*job).await.unwrap().len(), 1, "{slug}");
    }
    let fox = store.person_by_slug("fox").await.unwrap().unwrap();
    let pages = store.pages_of(fox.id, u32::MAX).await.unwrap();
    assert_eq!(pages.len() as u64, store.texts_waiting().await.unwrap(), "a page and its text go together");
    assert_eq!(store.reserve(job_id(), fox.id, &words(&["next"]), NOW).await.unwrap(), "next");
}
