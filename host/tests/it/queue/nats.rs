//! What is so with NATS alone: several workers, a worker that was stopped, servers that go and come back.

use std::{collections::HashSet, path::Path, sync::Arc, time::Duration};

use async_nats::jetstream::{
    self,
    consumer::pull,
    stream::{Config, RetentionPolicy},
};
use rstest::rstest;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wtaf_host::{
    adapter::{
        nats::Nats,
        queue::{Accepted, Ended, NatsQueue, Queue, QueueError, Roles, Room, State},
    },
    job::{AiAnswer, Asker, Finish, Job, JobId, JobIds, Millis},
};

use super::{LEASE, Place, decided, nats_queue, next, nothing_next, request, until};
use crate::kit::nats::Server;

const ROOM: Room = Room { most: 100_000, oldest: Duration::MAX };

/// A worker with a folder of its own.
async fn worker(place: &Place) -> (Arc<NatsQueue>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (nats_queue(place.nats.as_ref().unwrap(), folder.path(), Roles::BOTH, ROOM).await, folder)
}

/// The servers, behind the queue's back.
async fn behind(place: &Place) -> (jetstream::Context, String) {
    let settings = place.nats.as_ref().unwrap();
    (Nats::connect(settings).await.unwrap().jetstream().clone(), settings.prefix.clone())
}

async fn refused(settings: &wtaf_host::config::Nats, folder: &Path) -> String {
    let nats = Nats::connect(settings).await.unwrap();
    let Err(refused) = NatsQueue::open(nats, folder, Roles::BOTH, ROOM, LEASE).await else {
        panic!("it was opened");
    };
    refused.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_worker_has_undecided_holds_back_its_askers_next_on_every_worker() {
    let place = Place::nats().await;
    let ((one, _a), (two, _b)) = (worker(&place).await, worker(&place).await);
    let stop = one.accept(request("a", "STOP", None)).await.unwrap().id();
    let idea = two.accept(request("a", "wtaf x", None)).await.unwrap().id();
    let mut first = next(&*one).await;
    assert_eq!(first.id, stop);

    nothing_next(&*two).await;
    first.progress.decided = Some(decided());
    one.checkpoint(&first).await.unwrap();

    assert_eq!(next(&*two).await.id, idea);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_learns_what_others_have_of_the_same_asker_that_is_older() {
    let place = Place::nats().await;
    let ((one, _a), (two, _b)) = (worker(&place).await, worker(&place).await);
    for text in ["edit", "edit again"] {
        one.accept(request("a", text, None)).await.unwrap();
    }
    let mut older = next(&*one).await;
    older.progress.decided = Some(decided());
    one.checkpoint(&older).await.unwrap();
    let newer = next(&*two).await;

    assert_eq!(two.unfinished_before(&newer).await.unwrap()[0].id, older.id);
    assert!(one.unfinished_before(&older).await.unwrap().is_empty());
    one.finish(&older, Ended::Done).await.unwrap();
    assert!(two.unfinished_before(&newer).await.unwrap().is_empty());
}

/// A worker whose process stands still between two calls: only while one is made does anything of it run.
struct Stopped {
    runtime: tokio::runtime::Runtime,
    queue: Arc<NatsQueue>,
}

impl Stopped {
    fn open(place: &Place) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = place.folder.path().to_owned();
        let settings = place.nats.clone().unwrap();
        let queue = runtime.block_on(nats_queue(&settings, &folder, Roles::BOTH, ROOM));
        Self { runtime, queue }
    }
}

#[test]
fn a_worker_that_stood_still_for_longer_than_its_lease_can_write_nothing_more() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let place = runtime.block_on(Place::nats());
    let stale = Stopped::open(&place);
    let (live, _folder) = runtime.block_on(worker(&place));
    let id = runtime.block_on(live.accept(request("a", "x", None))).unwrap().id();
    let had = stale.runtime.block_on(next(&*stale.queue));

    let mut taken_over = runtime.block_on(next(&*live));
    assert_eq!((had.id, taken_over.id), (id, id));
    assert!(taken_over.hold.unwrap().fence > had.hold.unwrap().fence);
    assert_eq!(taken_over.hold.unwrap().taken, 2);
    taken_over.progress.slug = Some("the-new-ones".into());
    runtime.block_on(live.checkpoint(&taken_over)).unwrap();

    assert!(matches!(stale.runtime.block_on(stale.queue.checkpoint(&had)), Err(QueueError::Lost(lost)) if lost == id));
    assert!(stale.runtime.block_on(stale.queue.finish(&had, Ended::Done)).is_err());
    let there = runtime.block_on(live.find(id)).unwrap().unwrap();
    assert_eq!(there.progress.slug.as_deref(), Some("the-new-ones"));
    runtime.block_on(live.finish(&taken_over, Ended::Done)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_at_a_job_keeps_it_for_longer_than_a_lease_and_through_another_delivery() {
    let place = Place::nats().await;
    let ((one, _a), (two, _b)) = (worker(&place).await, worker(&place).await);
    let id = one.accept(request("a", "x", None)).await.unwrap().id();
    let job = next(&*one).await;
    // As after an election in which the servers forget what was delivered: everything is, once more.
    let (js, prefix) = behind(&place).await;
    let stream = js.get_stream(format!("{prefix}_work")).await.unwrap();
    let old = stream.consumer_info("workers").await.unwrap().config;
    stream.delete_consumer("workers").await.unwrap();
    stream
        .create_consumer(pull::Config {
            durable_name: Some("workers".into()),
            ack_wait: old.ack_wait,
            max_deliver: -1,
            max_ack_pending: -1,
            ..Default::default()
        })
        .await
        .unwrap();

    let taken = tokio::time::timeout(LEASE * 3, two.next()).await;

    assert!(taken.is_err(), "it was taken over from a worker that is at it");
    one.finish(&job, Ended::Done).await.unwrap();
    assert_eq!(two.list(State::Done, 10).await.unwrap()[0].id, id);
    until("its message is gone", async || two.list(State::Work, 1).await.unwrap().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_closes_gives_back_at_once_what_it_did_not_begin() {
    let mut place = Place::nats().await;
    place.nats.as_mut().unwrap().lease = Duration::from_mins(10);
    let ((one, _a), (two, _b)) = (worker(&place).await, worker(&place).await);
    let mut accepted = HashSet::new();
    for n in 0..50 {
        accepted.insert(one.accept(request(&n.to_string(), "x", None)).await.unwrap().id());
    }
    let begun = next(&*one).await;

    one.close().await;
    let mut taken = HashSet::from([begun.id]);
    for _ in 1..50 {
        let job = next(&*two).await;
        assert_eq!(job.hold.unwrap().taken, 1, "given back in order, it took nobody down");
        taken.insert(job.id);
    }

    assert_eq!(taken, accepted);
    one.finish(&begun, Ended::Done).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_that_broke_off_is_made_good_by_the_next_delivery() {
    let place = Place::nats().await;
    let (queue, _folder) = worker(&place).await;
    let Asker::Guest(guest) = super::asker("a") else { unreachable!() };
    let tag = hex::encode(&Sha256::digest(format!("guest {}", guest.as_str()))[..16]);
    let id: JobId = JobIds::default().next(Millis::now());
    let (js, prefix) = behind(&place).await;
    let entry = format!("$KV.{prefix}_seen.{}", hex::encode(Sha256::digest("SM1")));
    js.publish(entry, format!("{id} {tag}").into()).await.unwrap().await.unwrap();

    assert_eq!(queue.accept(request("a", "one", Some("SM1"))).await.unwrap(), Accepted::New(id));
    assert_eq!(queue.accept(request("a", "one", Some("SM1"))).await.unwrap(), Accepted::Again(id));

    assert_eq!(next(&*queue).await.id, id);
    nothing_next(&*queue).await;
}

#[rstest]
#[case::while_it_waits(false)]
#[case::once_it_has_ended(true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_message_of_a_job_makes_no_second_job(#[case] ended: bool) {
    let place = Place::nats().await;
    let (queue, _folder) = worker(&place).await;
    let id = queue.accept(request("a", "x", None)).await.unwrap().id();
    let (js, prefix) = behind(&place).await;
    let stream = js.get_stream(format!("{prefix}_work")).await.unwrap();
    let first = stream.get_raw_message(stream.get_info().await.unwrap().state.last_sequence).await.unwrap();
    let repeat = async || {
        let subject = first.subject.to_string();
        js.publish(subject, first.payload.clone()).await.unwrap().await.unwrap();
    };

    if !ended {
        repeat().await;
    }
    let mut job = next(&*queue).await;
    assert_eq!(job.id, id);
    job.progress.decided = Some(decided());
    queue.checkpoint(&job).await.unwrap();
    if ended {
        queue.finish(&job, Ended::Done).await.unwrap();
        repeat().await;
    }

    nothing_next(&*queue).await;
    let left = usize::from(!ended);
    until("the repetition is gone", async || stream.get_info().await.unwrap().state.messages == left as u64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_job_is_set_aside_and_stops_nobody() {
    let place = Place::nats().await;
    let (queue, _folder) = worker(&place).await;
    let id = queue.accept(request("a", "x", None)).await.unwrap().id();
    let (js, prefix) = behind(&place).await;
    let stream = js.get_stream(format!("{prefix}_work")).await.unwrap();
    let theirs = stream.get_raw_message(1).await.unwrap();
    let other = JobIds::default().next(Millis::now());
    for (subject, payload) in [
        (format!("{prefix}.work.somebody.something"), "{}".into()),
        (format!("{prefix}.work.{}.{other}", "0".repeat(32)), theirs.payload.clone()),
        (format!("{prefix}.work.{}.{other}", "1".repeat(32)), vec![0x1f, 0x8b, 1, 2].into()),
    ] {
        js.publish(subject, payload).await.unwrap().await.unwrap();
    }

    assert_eq!(next(&*queue).await.id, id);
    nothing_next(&*queue).await;

    let dead = js.get_stream(format!("{prefix}_dead")).await.unwrap();
    until("they are set aside", async || dead.get_info().await.unwrap().state.messages == 3).await;
    assert!(queue.list(State::Failed, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_larger_than_the_servers_take_is_told_as_that_and_the_job_can_still_end() {
    let place = Place::nats().await;
    let (queue, _folder) = worker(&place).await;
    queue.accept(request("a", "x", None)).await.unwrap();
    let mut job = next(&*queue).await;
    // Chance cannot be compressed.
    let text = hex::encode((0..400_000).flat_map(|_| rand::random::<[u8; 4]>()).collect::<Vec<_>>());
    job.progress.answers.push(AiAnswer { stage: "ai".into(), text, finish: Finish::Complete, calls: 1 });

    let Err(QueueError::TooBig { size, most, .. }) = queue.checkpoint(&job).await else { panic!("it was taken") };
    assert!(size > most);
    queue.finish(&job, Ended::Failed).await.unwrap();
    queue.retry(job.id).await.unwrap();
    assert_eq!(next(&*queue).await.id, job.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_under_work_loses_nothing() {
    let mut server = Server::start(&[]);
    let place = Place::at(server.url());
    let (queue, _folder) = worker(&place).await;
    let mut accepted = HashSet::new();
    for n in 0..60 {
        let delivery = format!("SM{n}");
        accepted.insert(queue.accept(request(&n.to_string(), "x", Some(&delivery))).await.unwrap().id());
    }
    let mut ended = HashSet::new();
    let mut in_hand: Vec<Job> = Vec::new();
    for _ in 0..20 {
        in_hand.push(next(&*queue).await);
    }

    server.stop();
    tokio::time::sleep(LEASE).await;
    server.start_again();

    for job in in_hand {
        while let Err(error) = queue.finish(&job, Ended::Done).await {
            assert!(!matches!(error, QueueError::Lost(_)), "there is no other worker");
        }
        ended.insert(job.id);
    }
    while ended.len() < accepted.len() {
        let job = next(&*queue).await;
        queue.finish(&job, Ended::Done).await.unwrap();
        assert!(ended.insert(job.id), "{} was given out again", job.id);
    }
    assert_eq!(ended, accepted);
    assert_eq!(
        queue.accept(request("0", "x", Some("SM0"))).await.unwrap().id(),
        *accepted.iter().min().unwrap(),
        "a delivery is still known"
    );
    nothing_next(&*queue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_because_what_waits_cannot_be_counted() {
    let place = Place::nats().await;
    let (queue, _folder) = worker(&place).await;
    queue.accept(request("a", "1", None)).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().waiting, 1);
    let (uncounted, _other) = worker(&place).await;
    let (js, prefix) = behind(&place).await;
    // As while it elects a leader: the streams take what comes, and nobody says how much there is.
    js.delete_consumer_from_stream("workers", format!("{prefix}_work")).await.unwrap();
    // The count from before is no longer fresh.
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    let texts: Vec<_> = (0..8).map(|n| request("b", &n.to_string(), None)).collect();
    let taken = futures_util::future::join_all(texts.into_iter().map(|text| uncounted.accept(text))).await;

    assert!(taken.iter().all(|taken| matches!(taken, Ok(Accepted::New(_)))), "{taken:?}");
    assert!(uncounted.depth().await.is_err(), "it never counted");
    assert!(matches!(queue.accept(request("c", "1", None)).await, Ok(Accepted::New(_))));
    assert_eq!(queue.depth().await.unwrap().waiting, 2, "what was counted last, and its own since");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_wait_is_brought_up_to_date_in_the_servers() {
    let place = Place::nats().await;
    let folder = tempfile::tempdir().unwrap();
    let (js, prefix) = behind(&place).await;
    for most in [10, 20] {
        let room = Room { most, ..ROOM };
        drop(nats_queue(place.nats.as_ref().unwrap(), folder.path(), Roles::NONE, room).await);
        let info = js.get_stream(format!("{prefix}_work")).await.unwrap().cached_info().clone();
        assert_eq!(info.config.max_messages, i64::try_from(most).unwrap() * 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_there_as_something_else_is_told_in_words() {
    let place = Place::nats().await;
    let (js, prefix) = behind(&place).await;
    let other = Config {
        name: format!("{prefix}_work"),
        subjects: vec![format!("{prefix}.other")],
        retention: RetentionPolicy::Limits,
        ..Default::default()
    };
    js.create_stream(other).await.unwrap();

    let words = refused(place.nats.as_ref().unwrap(), place.folder.path()).await;

    assert!(words.contains(&format!("`{prefix}_work`")) && words.contains("queue.nats_prefix"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_copies_than_there_are_servers_is_told_in_words() {
    let place = Place::nats().await;
    let settings = wtaf_host::config::Nats { replicas: 3, ..place.nats.clone().unwrap() };
    let nats = Nats::connect(&settings).await.unwrap();

    let Err(refused) = NatsQueue::open(nats, place.folder.path(), Roles::NONE, ROOM, LEASE).await else {
        panic!("it was opened");
    };

    assert!(refused.to_string().contains("queue.replicas"), "{refused}");
}
