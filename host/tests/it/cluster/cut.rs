//! Networks that fail without anybody's death: an engine that is cut off from NATS or from the database, a NATS server that is cut off from its peers. Connections
//! break, or are black holes. `WTAF_CHAOS_LONG` makes a black hole also of the line to the database, which takes longer to find out.

use std::time::Duration;

use super::{Carrier, assert_each_told_once};
use crate::{
    fence,
    kit::{
        ai::{FakeAi, Reply},
        fleet::{Fleet, path_of},
        host::{ANN, BOB, answer_with, until},
        line::Line,
        nats::Cluster,
        texter::echo,
        twilio::FakeTwilio,
    },
};

const OTTER: &str = "WTAF a page on otters";
const LEFT_TO_OTHERS: &str = "the store answers others and not this engine: the job is left to them";
const MOVING: &str = "this NATS server seems to be cut off from its peers: moving to another";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_cut_off_from_nats_loses_its_jobs_and_what_it_still_writes_is_refused() {
    let ai = FakeAi::start().await;
    let slowly = || Reply::Slow(answer_with("The stale otter"), Duration::from_millis(1_500));
    ai.script([slowly(), slowly()]);
    ai.always(Reply::text(answer_with("The fresh otter")));
    let fleet = Fleet::new().await;
    let line = fleet.line_to_nats().await;
    let stale = fleet.engine_over(&ai, &format!("nats://127.0.0.1:{}", line.port), fleet.store_port());
    let (stale, fresh) = tokio::join!(stale.start(), fleet.engine(&ai).start());
    // So that both jobs are the other's.
    fresh.killer().stop();
    let (text, chat) = (stale.text(ANN, OTTER).await, stale.ask("a page on otters").await.id);
    until("the AI writes both pages", async || (ai.count() == 2).then_some(())).await;

    line.silence();
    fresh.killer().go_on();
    let (taken, ()) = tokio::join!(stale.try_text(BOB, OTTER, "SMcut"), async {
        for job in [&text, &chat] {
            fresh.made(job).await;
        }
        // It has the database still, and tells those who watch how its answer grows.
        until("the database refuses it", async || stale.log(fence::REFUSED)).await;
    });
    assert!(taken.is_err(), "what is not durable is not acknowledged: {taken:?}");
    let again = fresh.try_text(BOB, OTTER, "SMcut").await.expect("the carrier delivers it to another");
    fresh.made(&again).await;
    line.mend();
    until("it sees that it lost the jobs", async || stale.log(fence::LOST)).await;

    for job in [&text, &chat] {
        let url = fresh.made(job).await;
        assert!(fresh.page(path_of(&url)).await.html.contains("The fresh otter"));
        assert_eq!(fresh.job(job).await["attempts"], 0);
    }
    let late = until("it takes texts again", async || stale.try_text("+15550109200", OTTER, "SMlate").await.ok()).await;
    fresh.made(&late).await;
    fleet.assert_made_and_told(4, 3).await;
    fence::assert_each_told_once(&fleet, &[&stale, &fresh], &[ANN, BOB, "+15550109200"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_cut_off_from_the_database_leaves_its_jobs_to_the_others() {
    const JOBS: usize = 9;
    let (ai, twilio) = (FakeAi::start().await, FakeTwilio::start().await);
    ai.always(Reply::Slow(answer_with("An otter"), Duration::from_millis(300)));
    let fleet = Fleet::new().await.pooled().await.texting_by(&twilio);
    let line = Line::to(fleet.store_port(), true).await;
    let lone = fleet.engine_over(&ai, &fleet.servers, line.port).start().await;
    let mut jobs = Vec::new();
    let alone = Carrier::to([&lone]);
    for n in 0..3 {
        jobs.push(alone.deliver(n, OTTER).await);
    }
    until("the AI is asked", async || (ai.count() >= 1).then_some(())).await;

    if std::env::var_os("WTAF_CHAOS_LONG").is_some() {
        line.silence();
    } else {
        line.cut();
    }
    let well = fleet.engine(&ai).start().await;
    let carrier = Carrier::to([&lone, &well]);
    for n in 3..JOBS {
        jobs.push(carrier.deliver(n, OTTER).await);
    }

    let ended = fleet.all_ended(JOBS).await;
    assert_eq!(ended.get("done").copied(), i64::try_from(JOBS).ok(), "{ended:?}");
    assert!(lone.log(LEFT_TO_OTHERS).is_some());
    for job in &jobs {
        assert_eq!(well.job(job).await["attempts"], 0);
    }
    line.mend();
    let next = alone.deliver(JOBS, OTTER).await;
    well.made(&next).await;
    fleet.assert_each_made_once(JOBS + 1).await;
    assert_each_told_once(&fleet, &twilio, JOBS + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nats_server_that_is_cut_off_from_its_peers_keeps_nothing_and_its_engines_move_on() {
    const JOBS: usize = 8;
    let (ai, twilio) = (echo().await, FakeTwilio::start().await);
    let servers = Cluster::start().await;
    let fleet = Fleet::on(servers.urls(), 3).await.texting_by(&twilio);
    let first = fleet.engine_over(&ai, &servers.servers[0].url(), fleet.store_port()).start().await;
    // At first it can reach one server alone.
    let (two, three) =
        (Line::to(servers.servers[1].port(), false).await, Line::to(servers.servers[0].port(), false).await);
    let urls = format!("{},nats://127.0.0.1:{},nats://127.0.0.1:{}", servers.servers[2].url(), two.port, three.port);
    let moving = fleet.engine_over(&ai, &urls, fleet.store_port()).start().await;
    servers.lead(&fleet.work_stream(), 2).await;
    two.mend();
    three.mend();
    let carrier = Carrier::to([&moving, &first]);
    carrier.deliver(0, OTTER).await;
    fleet.all_ended(1).await;

    servers.cut_off(2);
    // Every second one goes to the engine at that server first.
    futures_util::future::join_all((1..JOBS).map(async |n| carrier.deliver(n, OTTER).await)).await;
    fleet.all_ended(JOBS).await;
    until("it is at another server", async || moving.log(MOVING)).await;
    Carrier::to([&moving]).deliver(JOBS, OTTER).await;
    let ended = fleet.all_ended(JOBS + 1).await;
    servers.mend();

    assert_eq!(ended.get("done").copied(), i64::try_from(JOBS + 1).ok(), "{ended:?}");
    fleet.assert_each_made_once(JOBS + 1).await;
    assert_each_told_once(&fleet, &twilio, JOBS + 1).await;
}
