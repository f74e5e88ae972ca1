//! One engine, many hosts: three engines, three NATS servers, PostgreSQL behind a pooler, killed, restarted and cut off one at a time while people text.
//!
//! `WTAF_CLUSTER_JOBS` says how many (2,000 for a long run).

mod cut;
mod erased;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::StatusCode;

use crate::kit::{
    ai::{Call, FakeAi, Reply},
    fleet::{BRIDGE, Fleet, path_of},
    host::{ANN, Host, answer_with, asked_in},
    line::Line,
    nats::Cluster,
    process::client,
    texter::echo,
    twilio::FakeTwilio,
};

fn person(n: usize) -> String {
    format!("+1555{:07}", 200_000 + n)
}

/// Texts as a carrier does that has several addresses for us: what one does not take, the next one gets, under the same id.
struct Carrier {
    client: reqwest::Client,
    ports: Vec<u16>,
    refused: AtomicUsize,
}

impl Carrier {
    fn to<'a>(hosts: impl IntoIterator<Item = &'a Host>) -> Arc<Self> {
        let ports = hosts.into_iter().map(|host| host.address().1).collect();
        Arc::new(Self { client: client(), ports, refused: AtomicUsize::new(0) })
    }

    /// Delivers until someone takes it. Gives the job.
    async fn deliver(&self, n: usize, body: &str) -> String {
        let (from, sid) = (person(n), format!("SMcluster{n}"));
        let form = [("From", from.as_str()), ("Body", body), ("MessageSid", &sid), ("NumMedia", "0")];
        let deadline = Instant::now() + Duration::from_mins(2);
        for attempt in n.. {
            let port = self.ports[attempt % self.ports.len()];
            let url = format!("http://127.0.0.1:{port}/sms/webhook");
            let answer =
                self.client.post(url).bearer_auth(BRIDGE).form(&form).timeout(Duration::from_secs(15)).send().await;
            match answer {
                Ok(answer) if answer.status() == StatusCode::OK => {
                    return answer.headers()["x-wtaf-job"].to_str().expect("an id is plain").to_owned();
                }
                _ => self.refused.fetch_add(1, Ordering::Relaxed),
            };
            assert!(Instant::now() < deadline, "nobody takes text {n}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        unreachable!("it is tried without end");
    }
}

/// Once nothing waits to be sent, everyone who texted got one text with a link: the carrier saw all that any engine sent.
async fn assert_each_told_once(fleet: &Fleet, twilio: &FakeTwilio, people: usize) {
    fleet.all_sent().await;
    let mut links: HashMap<String, Vec<String>> = HashMap::new();
    for sent in twilio.sent().into_iter().filter(|sent| sent.body().contains("://")) {
        links.entry(sent.form["To"].clone()).or_default().push(sent.body().to_owned());
    }
    let twice: Vec<_> = links.iter().filter(|(_, texts)| texts.len() > 1).collect();
    assert!(twice.is_empty(), "told more than once: {twice:#?}");
    assert!((0..people).all(|n| links.contains_key(&person(n))), "told: {} of {people}", links.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_and_servers_die_one_at_a_time_and_nothing_is_lost_or_made_twice() {
    let jobs = std::env::var("WTAF_CLUSTER_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(120);
    let mut servers = Cluster::start().await;
    let ai = FakeAi::start().await;
    ai.always(Reply::Slow(answer_with("An otter"), Duration::from_millis(5)));
    let twilio = FakeTwilio::start().await;
    let fleet = Fleet::on(servers.urls(), 3).await.pooled().await.texting_by(&twilio);
    let mut lines = vec![Line::to(fleet.store_port(), true).await];
    for server in &servers.servers {
        lines.push(Line::to(server.port(), true).await);
    }
    let through = lines[1..].iter().map(|line| format!("nats://127.0.0.1:{}", line.port)).collect::<Vec<_>>().join(",");
    let mut hosts = vec![
        fleet.engine(&ai).start().await,
        fleet.engine(&ai).start().await,
        fleet.engine_over(&ai, &through, lines[0].port).start().await,
    ];
    let (carrier, done) = (Carrier::to(&hosts), Arc::new(AtomicBool::new(false)));
    let began = Instant::now();

    let texting = {
        let (carrier, done) = (Arc::clone(&carrier), Arc::clone(&done));
        tokio::spawn(async move {
            let lanes = (0..8).map(async |lane| {
                for n in (lane..jobs).step_by(8) {
                    carrier.deliver(n, "WTAF a page on otters").await;
                }
            });
            futures_util::future::join_all(lanes).await;
            done.store(true, Ordering::SeqCst);
        })
    };
    let mut rounds = 0;
    while rounds < 1 || !done.load(Ordering::SeqCst) {
        hosts[0].kill9().await;
        hosts[0].restart().await;
        servers.servers[rounds % 3].stop();
        tokio::time::sleep(Duration::from_secs(1)).await;
        servers.servers[rounds % 3].start_again();
        hosts[1].kill9().await;
        hosts[1].restart().await;
        for line in &lines {
            line.cut();
        }
        tokio::time::sleep(Duration::from_secs(4)).await;
        for line in &lines {
            line.mend();
        }
        rounds += 1;
    }
    texting.await.expect("everyone is heard");

    let ended = fleet.all_ended(jobs).await;
    eprintln!(
        "{jobs} jobs ended after {:?}, {rounds} rounds of deaths, {} deliveries tried again, {} calls of the AI",
        began.elapsed(),
        carrier.refused.load(Ordering::Relaxed),
        ai.count()
    );
    assert_eq!(ended.get("done").copied(), i64::try_from(jobs).ok(), "{ended:?}");
    fleet.assert_each_made_once(jobs).await;
    assert_each_told_once(&fleet, &twilio, jobs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_are_replaced_one_after_another_and_no_text_is_refused_by_both() {
    let (ai, twilio) = (echo().await, FakeTwilio::start().await);
    let fleet = Fleet::new().await.texting_by(&twilio);
    let mut hosts = vec![fleet.engine(&ai).start().await, fleet.engine(&ai).start().await];
    let (carrier, over) = (Carrier::to(&hosts), Arc::new(AtomicBool::new(false)));
    let texting = {
        let (carrier, over) = (Arc::clone(&carrier), Arc::clone(&over));
        tokio::spawn(async move {
            let mut jobs = Vec::new();
            while !over.load(Ordering::SeqCst) {
                jobs.push(carrier.deliver(jobs.len(), "WTAF a page on otters").await);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            jobs
        })
    };

    for host in &mut hosts {
        host.sigterm();
        assert_eq!(host.exit().await, Some(0));
        host.restart().await;
    }
    over.store(true, Ordering::SeqCst);

    let jobs = texting.await.expect("every text was taken");
    let ended = fleet.all_ended(jobs.len()).await;
    assert_eq!(ended.get("done").copied(), i64::try_from(jobs.len()).ok(), "{ended:?}");
    fleet.assert_each_made_once(jobs.len()).await;
    assert_each_told_once(&fleet, &twilio, jobs.len()).await;
}

/// What the page that a call is about has as its heading.
fn heading(call: &Call) -> Option<String> {
    let said = call.body["messages"].to_string();
    let (_, rest) = said.rsplit_once("<h1>")?;
    rest.split_once("</h1>").map(|(heading, _)| heading.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_that_reach_different_engines_build_on_each_other_in_the_order_they_were_sent() {
    const EDITS: usize = 6;
    let ai = FakeAi::start().await;
    ai.answer(|call| {
        let words = asked_in(call);
        let wish = words.lines().last().unwrap_or("nothing");
        let before = heading(call).filter(|_| wish.starts_with("add hat"));
        let page = before.map_or_else(|| wish.to_owned(), |before| format!("{before}; {wish}"));
        Reply::Slow(answer_with(&page), Duration::from_millis(20))
    });
    let fleet = Fleet::new().await;
    let (one, two, three) =
        tokio::join!(fleet.engine(&ai).start(), fleet.engine(&ai).start(), fleet.engine(&ai).start());
    let hosts = [one, two, three];
    let first = hosts[0].text(ANN, "WTAF a page on otters").await;
    let url = hosts[0].made(&first).await;

    let mut edits = Vec::new();
    for n in 1..=EDITS {
        edits.push(hosts[n % 3].text(ANN, &format!("EDIT 1 add hat {n}")).await);
    }
    for edit in &edits {
        assert_eq!(hosts[0].made(edit).await, url);
    }

    let mut heading = "a page on otters".to_owned();
    for version in 2..=EDITS + 1 {
        heading = format!("{heading}; add hat {}", version - 1);
        let page = hosts[0].page(&format!("{}?v={version}", path_of(&url))).await;
        assert!(page.html.contains(&format!("<h1>{heading}</h1>")), "version {version}: {:.900}", page.html);
    }
    let made = fleet.count("select count(*) as n from wtaf_versions").await;
    let told = fleet.count("select count(*) as n from wtaf_outbox where occasion = 'edit-done'").await;
    assert_eq!((made, told), (1 + i64::try_from(EDITS).unwrap(), i64::try_from(EDITS).unwrap()));
}
