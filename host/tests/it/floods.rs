//! More than can be done: what is refused, who is not delayed, and what is never overspent.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use wtaf_host::{
    adapter::queue::{FilesQueue, Queue, QueueError, Roles, Room},
    job::{Request, Source},
};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, answer_with, link, link_with, until},
    texter::{answer, echo},
};

const OTTER: &str = "WTAF a page on otters";

fn request(delivery: &str) -> Request {
    Request {
        source: Source::Sms,
        asker: wtaf_host::job::Asker::Phone(ANN.parse().expect("a number")),
        text: "COMMANDS".to_owned(),
        media: Vec::new(),
        delivery: Some(delivery.to_owned()),
        opt_out: None,
        coach: None,
        user_slug: None,
    }
}

#[tokio::test]
async fn a_queue_that_is_behind_takes_nothing_new_until_it_has_caught_up() {
    let folder = tempfile::tempdir().unwrap();
    let room = Room { most: 100, oldest: Duration::from_millis(50) };
    let queue = FilesQueue::with_room(folder.path(), Roles::BOTH, room).unwrap();
    let first = queue.accept(request("SM1")).await.unwrap().id();
    until("it has waited too long", async || (queue.depth().await.unwrap().oldest_ms > 60).then_some(())).await;

    assert!(matches!(queue.accept(request("SM2")).await, Err(QueueError::Behind { .. })));
    assert_eq!(queue.accept(request("SM1")).await.unwrap().id(), first, "what was taken in stays so");
    assert_eq!(queue.next().await.unwrap().id, first);
    queue.accept(request("SM2")).await.unwrap();
}

#[tokio::test]
async fn someone_who_texts_a_thousand_times_delays_nobody_else() {
    const MANY: usize = 1_000;
    const OTHERS: usize = 10;
    let ai = echo().await;
    let mut setup = Host::of().ai([link("fake", &ai)]);
    for limit in ["per_hour", "per_day", "per_month"] {
        setup = setup.set(format!("limits.{limit}=100000"));
    }
    let host = setup.start().await;

    for hundred in 0..MANY / 100 {
        let texts = (0..100).map(|n| host.text_with_sid(ANN, OTTER_MANY[n % 2], format!("SMmany{hundred}-{n}").leak()));
        join_all(texts).await;
    }
    let mut others = Vec::new();
    for n in 0..OTHERS {
        others.push(host.text(&format!("+1555010800{n}"), OTTER).await);
    }
    let done_then = host.jobs_in("done").len();
    for job in &others {
        host.made(job).await;
    }

    // By the order in which they ended, not by time: each of the others waited for few of the many.
    let order = host.ended_in_order();
    let last = order.iter().rposition(|job| others.contains(job)).expect("they ended");
    let meanwhile = (last + 1 - OTHERS).saturating_sub(done_then);
    eprintln!("{meanwhile} of the {} that were left ended before the last of {OTHERS} others", MANY - done_then);
    assert!(done_then < MANY / 2, "there is a crowd to stand in: {done_then} were done");
    assert!(meanwhile < MANY / 5, "{meanwhile} of the many ended before the last of the others");
}

/// Half of them cost a page, half a reply.
const OTTER_MANY: [&str; 2] = [OTTER, "COMMANDS"];

#[tokio::test]
async fn a_person_who_has_spent_their_day_is_told_kindly_and_others_are_served() {
    let ai = echo().await;
    let priced = link_with("fake", &ai, "retries = 0, price = { input = 1000.0, output = 1000.0 }");
    let mut host = Host::of().ai([priced]).set("limits.spend_per_person=0.01").start().await;

    host.made(&host.text(ANN, OTTER).await).await;
    // It is in the store, not in memory.
    host.kill9().await;
    host.restart().await;
    let refused = host.ended(&host.text(ANN, OTTER).await).await;
    host.made(&host.text(BOB, OTTER).await).await;

    assert_eq!((refused["status"].as_str(), refused["error"]["code"].as_str()), (Some("refused"), Some("limit")));
    host.told(ANN, |sent| sent.body.contains("is spent")).await;
    assert_eq!(ai.count(), 2);
}

#[tokio::test]
async fn a_provider_on_which_the_day_is_spent_is_passed_over_and_with_all_spent_people_are_told() {
    let (dear, other) = (echo().await, echo().await);
    let priced = "retries = 0, price = { input = 1000.0, output = 1000.0 }, spend_per_day = 0.01";
    let host = Host::of().ai([link_with("dear", &dear, priced), link_with("other", &other, priced)]).start().await;

    for _ in 0..2 {
        host.made(&host.text(ANN, OTTER).await).await;
    }
    let refused = host.ended(&host.text(ANN, OTTER).await).await;

    assert_eq!(refused["error"]["code"], "limit", "{refused:#}");
    host.told(ANN, |sent| sent.body.contains("is spent")).await;
    assert_eq!((dear.count(), other.count()), (1, 1), "nobody is asked who may not be paid");
    let commands = answer(&host, ANN, "COMMANDS").await;
    assert!(commands.contains("WTAF"), "what costs nothing goes on: {commands}");
}

#[tokio::test]
async fn a_connection_on_which_nobody_asks_is_closed_and_keeps_nobody_out() {
    let host = Host::start().await;
    // Half a head, half a greeting of another version, and not a byte.
    let heads: [&[u8]; 3] = [b"POST /sms/webhook HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"PRI * HTTP/2", b""];
    let mut slow: Vec<_> = (0..200)
        .map(|n| {
            let mut stream = TcpStream::connect(host.address()).expect("it takes connections");
            stream.write_all(heads[n % heads.len()]).expect("it reads");
            stream
        })
        .collect();

    host.made(&host.text(ANN, OTTER).await).await;

    let began = Instant::now();
    let closed = tokio::task::spawn_blocking(move || {
        slow.iter_mut().all(|stream| {
            stream.set_read_timeout(Some(Duration::from_mins(1))).expect("it can be set");
            let mut said = Vec::new();
            stream.read_to_end(&mut said).is_ok()
        })
    });
    assert!(closed.await.expect("nobody panics"), "closed from the other side");
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_waits_for_an_engine_that_dies_is_told_that_their_request_is_safe() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Hang]);
    ai.always(Reply::text(answer_with("A safe otter")));
    let mut host = Host::of().ai([link("fake", &ai)]).start().await;
    let listen = host.listen();

    let words = ["send", "--set", &listen, OTTER];
    let sending = host.cli(&words);
    let dying = async {
        until("the AI is asked", async || (ai.count() == 1).then_some(())).await;
        host.killer().kill();
    };
    let (said, ()) = tokio::join!(sending, dying);
    host.kill9().await;
    let jobs = host.jobs_in("work");

    assert_eq!((said.code, jobs.len()), (Some(1), 1), "{said:?}");
    assert!(said.err.contains("is safe") && said.err.contains(&jobs[0]), "{}", said.err);
    host.restart().await;
    host.made(&jobs[0]).await;
}

/// One client's address is as good as another's: nothing here is remembered between requests.
#[tokio::test]
async fn in_a_flood_every_text_is_taken_in_or_refused_and_none_is_forgotten() {
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).set("queue.max_waiting=20").set("queue.in_hand=5").start().await;

    let mut taken = Vec::new();
    let mut refused = HashMap::new();
    for wave in 0..4 {
        let texts = (0..60).map(|n| {
            let host = &host;
            async move { host.try_text(&format!("+1555011{wave}{n:03}"), OTTER, &format!("SMflood{wave}-{n}")).await }
        });
        for answer in join_all(texts).await {
            match answer {
                Ok(job) => taken.push(job),
                Err(why) => *refused.entry(why.chars().take(3).collect::<String>()).or_insert(0) += 1,
            }
        }
    }

    eprintln!("{} taken, refused {refused:?}", taken.len());
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["429"], "refused in words");
    for job in &taken {
        host.made(job).await;
    }
    assert_eq!(host.jobs_in("done").len(), taken.len());
}
