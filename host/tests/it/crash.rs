//! Crashes and shutdowns: nothing that was accepted is lost, nothing that was paid for is paid for again, no page is made or told of twice.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, Host, answer_with, asked_in, link, ran, until},
};

fn person(n: usize) -> String {
    format!("+155501050{n:02}")
}

/// What is asked of the AI in the n-th job; no such text is part of another.
fn idea(n: usize) -> String {
    format!("a page on otter number {n:03}")
}

/// An AI that writes a page about each otter, a little at a time.
async fn scribe(pause: Duration) -> FakeAi {
    let ai = FakeAi::start().await;
    ai.answer(move |call| {
        let asked = asked_in(call);
        let at = asked.rfind("otter number").expect("an otter is asked for");
        Reply::Slow(answer_with(&format!("Behold {}", &asked[at..])), pause)
    });
    ai
}

/// Calls so far, for each idea.
fn calls(ai: &FakeAi, jobs: usize) -> Vec<usize> {
    let calls = ai.calls();
    (0..jobs).map(|n| calls.iter().filter(|call| asked_in(call).ends_with(&idea(n))).count()).collect()
}

/// Every job ended in its own page, told of once, at the right address.
async fn assert_all_made(host: &Host, jobs: &[String]) {
    for (n, job) in jobs.iter().enumerate() {
        let url = host.made(job).await;
        let told = host.told_of(&person(n), &url).await;
        assert!(told.body.ends_with(&url), "{}", told.body);
        assert!(host.page(&url).await.html.contains(&format!("Behold otter number {n:03}")), "{url} is another's");
        let links: Vec<_> = host.texts(&person(n)).iter().filter(|sent| !sent.links().is_empty()).cloned().collect();
        assert_eq!(links.len(), 1, "one text a page: {links:#?}");
        let texts = host.texts(&person(n));
        assert_eq!(texts.len(), 2, "and one acknowledgement: {texts:#?}");
        assert!(texts.iter().any(|sent| sent.body.contains("STOP")), "the first text says how to leave: {texts:#?}");
        assert_eq!(host.page(&format!("{url}?v=2")).await.status, 404, "published once");
        let user = url.trim_start_matches(&host.public()).split('/').nth(1).unwrap().to_owned();
        let pages = host.get(&format!("/api/pages?user={user}")).await.json::<serde_json::Value>().await.unwrap();
        assert_eq!(pages["pages"].as_array().unwrap().len(), 1, "{pages:#}");
    }
    assert_eq!(host.jobs_in("done").len(), jobs.len());
    for folder in ["new", "work", "failed"] {
        assert!(host.jobs_in(folder).is_empty(), "{folder} is empty");
    }
}

#[tokio::test]
async fn a_crash_while_the_ai_answers_costs_only_that_answer() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Drip(Duration::from_millis(50))]);
    ai.always(Reply::text(answer_with("Behold otter number 000")));
    let mut host = Host::asking(&ai).await;

    let job = host.text(&person(0), &format!("WTAF {}", idea(0))).await;
    until("the AI answers", async || (ai.count() == 1).then_some(())).await;
    host.kill9().await;
    host.restart().await;

    assert_all_made(&host, std::slice::from_ref(&job)).await;
    assert_eq!(ai.count(), 2, "asked again once");
    assert_eq!(host.job(&job).await["attempts"], 0, "a crash uses up no attempt");
}

#[tokio::test]
async fn the_word_that_a_page_is_on_its_way_is_said_also_where_a_crash_came_between_it_and_the_decision() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Drip(Duration::from_millis(50))]);
    ai.always(Reply::text(answer_with("Behold otter number 000")));
    let mut host = Host::asking(&ai).await;
    let job = host.text(&person(0), &format!("WTAF {}", idea(0))).await;
    until("the AI answers", async || (ai.count() == 1).then_some(())).await;
    host.kill9().await;
    // As a crash leaves it that has the decision on the disk, and not the text.
    let database = rusqlite::Connection::open(host.data().join("wtaf.db")).unwrap();
    assert_eq!(database.execute("delete from wtaf_outbox where occasion = 'accepted'", ()).unwrap(), 1);
    drop(database);
    if let Ok(sent) = std::fs::read_dir(host.data().join("outbox")) {
        sent.for_each(|text| std::fs::remove_file(text.unwrap().path()).unwrap());
    }
    host.restart().await;

    assert_all_made(&host, std::slice::from_ref(&job)).await;
}

#[tokio::test]
async fn a_text_that_was_acknowledged_right_before_a_crash_is_not_lost() {
    let ai = scribe(Duration::ZERO).await;
    let mut host = Host::asking(&ai).await;
    let mut jobs = Vec::new();

    for n in 0..4 {
        jobs.push(host.text(&person(n), &format!("WTAF {}", idea(n))).await);
        host.kill9().await;
        host.restart().await;
    }

    assert_all_made(&host, &jobs).await;
}

#[tokio::test]
async fn a_carrier_that_delivers_again_what_a_crash_cut_off_gets_one_page_for_it() {
    const TEXTS: usize = 12;
    let ai = scribe(Duration::ZERO).await;
    let mut host = Host::asking(&ai).await;
    let deliver = async |host: &Host, n: usize| {
        host.try_text(&person(n), &format!("WTAF {}", idea(n)), &format!("SMagain{n}")).await
    };

    // The crash comes in the middle of a dozen deliveries: some are answered, some are not, some were durable and not answered.
    let killer = host.killer();
    let all = futures_util::future::join_all((0..TEXTS).map(|n| deliver(&host, n)));
    let crash = async {
        until("some are taken", async || (!host.jobs_in("new").is_empty() || ai.count() > 0).then_some(())).await;
        killer.kill();
    };
    let (first, ()) = tokio::join!(all, crash);
    host.kill9().await;
    host.restart().await;
    let mut jobs = Vec::new();
    for (n, before) in first.iter().enumerate() {
        let again = deliver(&host, n).await.expect("it is taken now");
        assert!(before.as_ref().is_err() || before.as_ref() == Ok(&again), "what was answered keeps its job");
        jobs.push(again);
    }

    assert_all_made(&host, &jobs).await;
}

#[tokio::test]
async fn work_goes_on_at_once_after_a_crash() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Hang]);
    ai.always(Reply::text(answer_with("Behold otter number 000")));
    let mut host = Host::asking(&ai).await;
    let job = host.text(&person(0), &format!("WTAF {}", idea(0))).await;
    until("the AI is asked", async || (ai.count() == 1).then_some(())).await;

    host.kill9().await;
    host.restart().await;
    let ready = Instant::now();
    until("the AI is asked again", async || (ai.count() == 2).then_some(())).await;

    // A lease that had to run out first would take much longer.
    assert!(ready.elapsed() < Duration::from_mins(1), "{:?}", ready.elapsed());
    host.made(&job).await;
}

/// Many jobs, many kills, each at a moment of chance. `WTAF_TEST_SEED` repeats one.
#[tokio::test]
async fn whenever_it_crashes_every_request_ends_once_and_no_answer_is_paid_for_twice() {
    const JOBS: usize = 20;
    const KILLS: usize = 8;
    let seed = std::env::var("WTAF_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("WTAF_TEST_SEED={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let ai = scribe(Duration::from_millis(15)).await;
    let mut host = Host::asking(&ai).await;
    let mut jobs: Vec<String> = Vec::new();
    // What each idea had cost when its answer was first found on the disk.
    let mut paid: BTreeMap<usize, usize> = BTreeMap::new();

    for kill in 1..=KILLS {
        let (called, ended) = (ai.count(), host.jobs_in("done").len());
        for n in jobs.len()..JOBS * kill / KILLS {
            jobs.push(host.text(&person(n), &format!("WTAF {}", idea(n))).await);
        }
        // Some way into the work, then a moment of chance further.
        until("there is work to interrupt", async || {
            let over = host.jobs_in("new").is_empty() && host.jobs_in("work").is_empty();
            (over || ai.count() > called || host.jobs_in("done").len() > ended).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..400))).await;
        host.kill9().await;
        let so_far = calls(&ai, jobs.len());
        for (n, job) in jobs.iter().enumerate() {
            let (_, file) = host.file_of(job).expect("an accepted job has its file");
            let answered = file["progress"]["answers"].as_array().is_some_and(|answers| !answers.is_empty());
            if answered {
                paid.entry(n).or_insert(so_far[n]);
            }
        }
        host.restart().await;
    }

    assert_all_made(&host, &jobs).await;
    let finally = calls(&ai, JOBS);
    for (n, cost) in &paid {
        assert_eq!(finally[*n], *cost, "job {n}'s answer was on the disk and was asked for again");
    }
    assert!(finally.iter().all(|calls| (1..=KILLS + 1).contains(calls)), "{finally:?}");
    eprintln!("{} calls for {JOBS} pages over {KILLS} crashes; {} answers were on disk at one", ai.count(), paid.len());
}

#[tokio::test]
async fn told_to_stop_it_ends_what_is_in_hand_and_leaves_with_nothing_lost() {
    let ai = scribe(Duration::from_millis(30)).await;
    let mut host = Host::asking(&ai).await;
    let mut jobs = Vec::new();
    for n in 0..10 {
        jobs.push(host.text(&person(n), &format!("WTAF {}", idea(n))).await);
    }
    until("it is at work", async || (ai.count() >= 2).then_some(())).await;

    host.sigterm();
    let code = host.exit().await;

    assert_eq!(code, Some(0));
    let calls_then = ai.count();
    let done_then = host.jobs_in("done").len();
    assert!(done_then > 0, "what was in hand was ended");
    assert!(host.jobs_in("work").is_empty(), "what was not is handed back");
    host.restart().await;
    assert_all_made(&host, &jobs).await;
    assert_eq!(ai.count(), 10, "no call was thrown away: {calls_then} before the end, {done_then} done");
}

#[tokio::test]
async fn told_to_stop_it_waits_no_longer_than_it_may_for_an_ai_that_hangs() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Hang]);
    ai.always(Reply::text(answer_with("Behold otter number 000")));
    let mut host = Host::of().ai([link("fake", &ai)]).set("server.shutdown_timeout=1s").start().await;
    let job = host.text(&person(0), &format!("WTAF {}", idea(0))).await;
    until("the AI is asked", async || (ai.count() == 1).then_some(())).await;

    let began = Instant::now();
    host.sigterm();
    let code = host.exit().await;

    assert_eq!(code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(host.file_of(&job).expect("its file is there").0, "new", "handed back");
    host.restart().await;
    assert_all_made(&host, std::slice::from_ref(&job)).await;
    assert_eq!(host.job(&job).await["attempts"], 0);
}

#[tokio::test]
async fn once_told_to_stop_it_takes_no_text_that_it_would_lose() {
    let ai = scribe(Duration::from_millis(10)).await;
    let mut host = Host::asking(&ai).await;

    host.sigterm();
    let mut taken = Vec::new();
    for n in 0..50 {
        match host.try_text(&person(n), &format!("WTAF {}", idea(n)), &format!("SMlate{n}")).await {
            Ok(job) => taken.push(job),
            Err(_) => break,
        }
    }
    assert_eq!(host.exit().await, Some(0));
    host.restart().await;

    assert_all_made(&host, &taken).await;
}

#[tokio::test]
async fn a_second_engine_on_the_same_folder_is_refused_in_words() {
    let host = Host::start().await;

    let second = ran(host.twin()).await;

    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.contains("is already the") && second.err.contains("data.dir"), "{}", second.err);
    let job = host.text(ANN, "WTAF a metronome").await;
    host.made(&job).await;
}
