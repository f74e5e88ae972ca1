//! Several workers, one of which stands still, is killed, or is slow: what it had is ended by another, once, and what it still does counts for nothing.

use std::time::Duration;

use crate::kit::{
    ai::{FakeAi, Reply},
    fleet::{Fleet, path_of},
    host::{ANN, BOB, Host, answer_with, until},
    nats::Server,
    texter::echo,
};

const OTTER: &str = "WTAF a page on otters";
pub const LOST: &str = "another worker has taken the job over: nothing more is done for it here";
const PANICKED: &str = "the job's task panicked: it is taken up again in a moment, as after a crash";
const LEFT: &str = "a text is no longer ours to send: left to whoever has it";
pub const REFUSED: &str = "refused to write for a job that another worker has taken over";

/// Once nothing waits to be sent, each of them was sent one text with a link, whoever sent it. An engine's own outbox has a file for each text, so one engine
/// that sends a text twice is not seen here; the cluster's carrier sees that.
pub async fn assert_each_told_once(fleet: &Fleet, hosts: &[&Host], people: &[&str]) {
    fleet.all_sent().await;
    for person in people {
        let sent = hosts.iter().flat_map(|host| host.texts(person));
        let links: Vec<_> = sent.filter(|sent| !sent.links().is_empty()).map(|sent| sent.body).collect();
        assert_eq!(links.len(), 1, "{person}: {links:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stood_still_past_its_lease_makes_no_second_page() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Slow(answer_with("The stale otter"), Duration::from_millis(100))]);
    ai.always(Reply::text(answer_with("The fresh otter")));
    let fleet = Fleet::new().await.patient();
    let stale = fleet.engine(&ai).start().await;
    let job = stale.text(ANN, OTTER).await;
    until("the AI answers", async || (ai.count() == 1).then_some(())).await;

    stale.killer().stop();
    let fresh = fleet.engine(&ai).start().await;
    let url = fresh.made(&job).await;
    stale.killer().go_on();
    until("the stale one sees that it lost the job", async || stale.log(LOST)).await;

    assert!(fresh.page(path_of(&url)).await.html.contains("The fresh otter"));
    fleet.assert_each_made_once(1).await;
    assert_each_told_once(&fleet, &[&stale, &fresh], &[ANN]).await;
    assert_eq!(fresh.job(&job).await["attempts"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_writes_for_a_job_it_has_lost_is_refused_in_the_database() {
    let ai = echo().await;
    let fleet = Fleet::new().await.patient();
    // Its next act after it goes on is to reserve a name.
    let stale = fleet.engine(&ai).env("WTAF_HALT", "answer-kept").start().await;
    let job = stale.text(ANN, OTTER).await;
    until("the AI answers", async || (ai.count() == 1).then_some(())).await;

    let fresh = fleet.engine(&ai).start().await;
    let url = fresh.made(&job).await;
    stale.killer().go_on();

    until("the database refuses the stale one", async || stale.log(REFUSED)).await;
    until("it gives up", async || stale.log(LOST)).await;
    assert_eq!(ai.count(), 1, "what was paid for and kept is not paid for again");
    assert_eq!(fresh.page(path_of(&url)).await.status, 200);
    fleet.assert_each_made_once(1).await;
    // It is a worker like any other again.
    let again = stale.text(BOB, OTTER).await;
    stale.made(&again).await;
    assert_each_told_once(&fleet, &[&stale, &fresh], &[ANN, BOB]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_given_up_for_the_workers_it_cost_is_not_made_by_one_that_was_only_slow() {
    let ai = echo().await;
    let fleet = Fleet::new().await;
    let slow = fleet.engine(&ai).env("WTAF_HALT", "answer-kept").start().await;
    let job = slow.text(ANN, OTTER).await;
    fleet.as_if_taken_by(10, &job).await;

    let last = fleet.engine(&ai).start().await;
    let ended = last.ended(&job).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&"failed".into(), &"workers-lost".into()), "{ended:#}");
    slow.killer().go_on();

    until("the database refuses the slow one", async || slow.log(REFUSED)).await;
    until("it gives up", async || slow.log(LOST)).await;
    fleet.all_sent().await;
    assert_eq!(fleet.count("select count(*) as n from wtaf_versions").await, 0, "its person was told that it failed");
    let told = fleet.count("select count(*) as n from wtaf_outbox where occasion = 'failed'").await;
    assert_eq!(told, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_costs_a_try_and_the_job_goes_on() {
    let ai = echo().await;
    let fleet = Fleet::new().await;
    let host = fleet.engine(&ai).env("WTAF_FAIL", "decided:1!panic").start().await;

    let (first, second) = (host.text(ANN, OTTER).await, host.text(BOB, OTTER).await);
    for job in [&first, &second] {
        host.made(job).await;
    }

    assert!(host.log(PANICKED).is_some());
    fleet.assert_each_made_once(2).await;
    assert_each_told_once(&fleet, &[&host], &[ANN, BOB]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_job_is_ended_by_another() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Hang]);
    ai.always(Reply::text(answer_with("A patient otter")));
    let fleet = Fleet::new().await;
    let mut gone = fleet.engine(&ai).start().await;
    let mut jobs = vec![gone.text(ANN, OTTER).await];
    until("the AI is asked", async || (ai.count() == 1).then_some(())).await;
    let left = fleet.engine(&ai).start().await;

    gone.kill9().await;
    jobs.push(left.text(BOB, OTTER).await);
    for job in &jobs {
        left.made(job).await;
    }

    fleet.assert_each_made_once(2).await;
    assert_each_told_once(&fleet, &[&gone, &left], &[ANN, BOB]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_a_worker_has_in_hand_while_it_stands_still_goes_out_once() {
    const IN_HAND: &str = "select count(*) as n from wtaf_outbox where status = 'sending'";
    const WAITING: &str = "select count(*) as n from wtaf_outbox where status in ('waiting', 'sending')";
    let ai = echo().await;
    let fleet = Fleet::new().await;
    let stale = fleet.engine(&ai).env("WTAF_HALT", "texts-taken").start().await;
    let job = stale.text(ANN, OTTER).await;
    until("it has a text in hand", async || (fleet.count(IN_HAND).await == 1).then_some(())).await;

    // As if its lease had run out meanwhile.
    sqlx::query("update wtaf_outbox set due_ms = 0").execute(&mut fleet.look().await).await.expect("it can be changed");
    let fresh = fleet.engine(&ai).start().await;
    fresh.made(&job).await;
    until("the fresh one sends it all", async || (fleet.count(WAITING).await == 0).then_some(())).await;
    stale.killer().go_on();
    until("the stale one lets go of it", async || stale.log(LEFT)).await;

    assert_eq!(stale.texts(ANN), [], "the carrier got nothing from the one that stood still");
    let written = fleet.count("select count(*) as n from wtaf_outbox where status = 'sent'").await;
    assert_eq!(i64::try_from(fresh.texts(ANN).len()).ok(), Some(written));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_persons_requests_are_decided_in_the_order_they_came_whichever_engine_got_them() {
    const PEOPLE: usize = 8;
    let ai = echo().await;
    let fleet = Fleet::new().await.patient();
    let (one, two) = (fleet.engine(&ai).start().await, fleet.engine(&ai).start().await);
    let person = |n: usize| format!("+155501090{n:02}");
    let mut known = Vec::new();
    for n in 0..PEOPLE {
        known.push(one.text(&person(n), "WTAF a page on newts").await);
    }
    for job in &known {
        two.made(job).await;
    }

    let ideas = futures_util::future::join_all((0..PEOPLE).map(async |n| {
        let (first, second) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
        first.text(&person(n), "STOP").await;
        second.text(&person(n), OTTER).await
    }))
    .await;

    for job in &ideas {
        let job = two.ended(job).await;
        assert_eq!((job["status"].as_str(), job["url"].as_str()), (Some("done"), None), "{job:#}");
    }
    assert_eq!(ai.count(), PEOPLE, "nothing is made for someone who left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_at_one_engine_sees_a_job_run_at_another() {
    let ai = echo().await;
    let fleet = Fleet::new().await;
    let web = fleet.engine(&ai).role("web").start().await;
    let _works = fleet.engine(&ai).start().await;

    let asked = web.ask("a page on otters").await;
    let story = web.get(path_of(&asked.events_url)).await.text().await.expect("it is told to its end");

    for event in ["event: stage", "event: page", "event: done"] {
        assert!(story.contains(event), "no {event} in {story}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_go_and_come_back_under_work_lose_nothing() {
    const JOBS: usize = 12;
    let mut server = Server::start(&[]);
    let ai = FakeAi::start().await;
    ai.always(Reply::Slow(answer_with("An otter"), Duration::from_millis(20)));
    let fleet = Fleet::on(server.url(), 1).await;
    let (one, two) = (fleet.engine(&ai).start().await, fleet.engine(&ai).start().await);
    let mut jobs = Vec::new();
    for n in 0..JOBS {
        let host = if n % 2 == 0 { &one } else { &two };
        jobs.push(host.text(&format!("+155501091{n:02}"), OTTER).await);
    }
    until("they are at it", async || (ai.count() >= 2).then_some(())).await;

    server.stop();
    // Longer than a lease, so that everything is delivered once more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.start_again();

    let ended = fleet.all_ended(JOBS).await;
    assert_eq!(ended.get("done"), Some(&i64::try_from(JOBS).unwrap()), "{ended:?}");
    fleet.assert_each_made_once(JOBS).await;
    for job in &jobs {
        one.made(job).await;
    }
    let people: Vec<_> = (0..JOBS).map(|n| format!("+155501091{n:02}")).collect();
    let people: Vec<_> = people.iter().map(String::as_str).collect();
    assert_each_told_once(&fleet, &[&one, &two], &people).await;
}
