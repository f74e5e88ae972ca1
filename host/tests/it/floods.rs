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
    component::drop_in,
    guest,
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
async fn a_connection_on_which_nobody_asks_is_closed_and_one_that_a_proxy_keeps_is_not() {
    let host = Host::start().await;
    let mut kept = TcpStream::connect(host.address()).expect("it takes connections");
    ask_for_health(&mut kept);
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
    // As a proxy does with a connection it has used before: longer ago than any head may take.
    ask_for_health(&mut kept);
}

fn ask_for_health(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("it can be set");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is open");
    let mut said = Vec::new();
    while !said.ends_with(b"ok\n") {
        let mut some = [0; 1_024];
        let read = stream.read(&mut some).expect("it answers");
        assert!(read > 0, "it was closed: {}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&some[..read]);
    }
    assert!(said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
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

/// As many as the engine lets be at work at once.
fn places() -> usize {
    16 * std::thread::available_parallelism().map_or(2, usize::from).max(2)
}

#[tokio::test]
async fn in_a_flood_the_oldest_end_first_and_the_youngest_wait_where_they_cost_nothing() {
    let many = 20 * places();
    let host = Host::of().set("limits.enabled=false").start().await;

    let (mut most_in_hand, mut taken) = (0, Vec::new());
    for wave in 0..many / 40 {
        let texts =
            (0..40).map(|n| {
                let (host, n) = (&host, wave * 40 + n);
                async move {
                    host.text_with_sid(&format!("+1555{n:07}"), "WTAF a tip calculator", &format!("SMwave{n}")).await
                }
            });
        taken.extend(join_all(texts).await);
        most_in_hand = most_in_hand.max(host.jobs_in("work").len());
    }
    let done_then = host.jobs_in("done").len();
    until("all have ended", async || {
        most_in_hand = most_in_hand.max(host.jobs_in("work").len());
        (host.jobs_in("done").len() == taken.len()).then_some(())
    })
    .await;

    taken.sort();
    let ended = host.ended_in_order();
    let furthest =
        ended.iter().enumerate().map(|(at, job)| at.abs_diff(taken.binary_search(job).expect("it was taken")));
    let furthest = furthest.max().expect("there are some");
    eprintln!(
        "of {many} at most {most_in_hand} in hand, {done_then} ended while they came, none ended {furthest} places off its own"
    );
    assert!(most_in_hand < 4 * places(), "{most_in_hand} of {many} were worked on side by side");
    assert!(furthest < 4 * places(), "one ended {furthest} places before or after its own");
}

#[tokio::test]
async fn those_who_wait_for_an_ai_keep_nobody_from_working() {
    let many = 6 * places();
    let ai = FakeAi::start().await;
    ai.always(Reply::Hang);
    let host = Host::of().ai([link("fake", &ai)]).set("limits.enabled=false").start().await;

    for n in 0..many {
        host.text(&format!("+1555{n:07}"), OTTER).await;
    }

    until("all of them wait for the AI at once", async || (ai.count() == many).then_some(())).await;
    let commands = answer(&host, ANN, "COMMANDS").await;
    assert!(commands.contains("WTAF"), "{commands}");
}

#[tokio::test]
async fn what_is_decided_at_the_second_try_is_decided_before_what_came_after_it() {
    let mut host = Host::of().set("plugins.deadline=200ms").unstarted();
    drop_in(&host, "coach", &guest::stalling_coach());
    host.restart().await;

    let first = host.text(ANN, "Stalls at its first try").await;
    let second = host.text(ANN, "came after it").await;
    let other = host.text(BOB, "waits for nobody").await;
    let (first, _) = tokio::join!(host.ended(&first), host.ended(&second));

    let tries: Vec<_> = first["stages"].as_array().unwrap().iter().map(|stage| stage["attempt"].clone()).collect();
    assert!(tries.contains(&1.into()) && tries.contains(&2.into()), "{first:#}");
    host.told(ANN, |sent| sent.body == "came after it").await;
    let told: Vec<_> = host.texts(ANN).into_iter().map(|sent| sent.body).collect();
    assert_eq!(told, ["Stalls at its first try", "came after it"]);
    let ended = host.ended_in_order();
    let at = |job: &str| ended.iter().position(|one| one == job);
    assert!(at(&other) < at(first["id"].as_str().unwrap()), "nobody else waits for the second try");
}
