//! One engine, many hosts: three engines, three NATS servers, PostgreSQL behind a pooler, killed, restarted and cut off one at a time while people text.
//!
//! `WTAF_CLUSTER_JOBS` says how many (2,000 for a long run).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::StatusCode;

use crate::kit::{
    ai::{FakeAi, Reply},
    fleet::Fleet,
    host::{Host, answer_with, until},
    line::Line,
    nats::Server,
    process::client,
    server::free_port,
    texter::echo,
};

/// Three servers that keep each other's data, and where their clients find them. They tell nobody of each other, so that a line to one leads to that one.
fn three_servers() -> Vec<Server> {
    let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let routes = ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect::<Vec<_>>().join(",");
    let start = |(n, port): (usize, &u16)| {
        let arguments = [
            "--server_name".to_owned(),
            format!("n{n}"),
            "--cluster_name".to_owned(),
            "c".to_owned(),
            "--cluster".to_owned(),
            format!("nats://127.0.0.1:{port}"),
            "--routes".to_owned(),
            routes.clone(),
            "--no_advertise".to_owned(),
        ];
        Server::start(&arguments)
    };
    ports.iter().enumerate().map(start).collect()
}

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
    fn to(hosts: &[Host]) -> Arc<Self> {
        let ports = hosts.iter().map(|host| host.address().1).collect();
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
            let answer = self.client.post(url).form(&form).timeout(Duration::from_secs(15)).send().await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_and_servers_die_one_at_a_time_and_nothing_is_lost_or_made_twice() {
    let jobs = std::env::var("WTAF_CLUSTER_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(120);
    let mut servers = three_servers();
    let ai = FakeAi::start().await;
    ai.always(Reply::Slow(answer_with("An otter"), Duration::from_millis(5)));
    let urls = servers.iter().map(Server::url).collect::<Vec<_>>().join(",");
    let fleet = Fleet::on(urls, 3).await.pooled().await;
    let mut lines = vec![Line::to(fleet.store_port(), true).await];
    for server in &servers {
        let port = server.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL ends in its port");
        lines.push(Line::to(port, true).await);
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
        servers[rounds % 3].stop();
        tokio::time::sleep(Duration::from_secs(1)).await;
        servers[rounds % 3].start_again();
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_are_replaced_one_after_another_and_no_text_is_refused_by_both() {
    let ai = echo().await;
    let fleet = Fleet::new().await;
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
    until("everyone is told", async || {
        let waiting = fleet.count("select count(*) as n from wtaf_outbox where status in ('waiting', 'sending')").await;
        (waiting == 0).then_some(())
    })
    .await;
}
