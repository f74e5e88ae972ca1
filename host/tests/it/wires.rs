//! Calls over TLS to a server that speaks HTTP/2 as providers do: who shares a connection, and what becomes of the others when one of them, or the connection, goes wrong.

use std::{pin::pin, time::Duration};

use rstest::rstest;
use tokio::sync::{Notify, watch};
use wtaf_host::{
    adapter::ai::{Ai, AiCall, Answer, BreakerState, Chain, Message, Piece, Speaker, Unanswered, chain_trusting},
    config::{self, AiKind},
};

use crate::kit::{
    ai::{FakeAi, Reply, trust},
    process::eventually,
};

/// How many calls may share a connection.
const SEATS: usize = 32;
const BOTH: [&str; 2] = ["h2", "http/1.1"];

fn entry(server: &FakeAi) -> config::Ai {
    config::Ai {
        name: "first".into(),
        kind: AiKind::OpenAi,
        model: "m".into(),
        base_url: Some(server.openai()),
        api_key: Some("a-key".into()),
        timeout: Duration::from_mins(5),
        first_token_timeout: Duration::from_mins(4),
        max_wait: Duration::from_secs(2),
        max_tokens: 4096,
        temperature: None,
        max_concurrent: 10_000,
        retries: 4,
        price: None,
        spend_per_day: None,
    }
}

fn chained(entry: config::Ai) -> Chain {
    chain_trusting(&[entry], &trust()).unwrap()
}

fn call(words: &str) -> AiCall {
    AiCall {
        messages: vec![Message { speaker: Speaker::User, text: words.into() }],
        temperature: None,
        max_tokens: None,
        barred: Vec::new(),
        purpose: "page".into(),
        kind: "build".into(),
        page: None,
    }
}

async fn ask(chain: &Chain, words: &str) -> Result<Answer, Unanswered> {
    chain.ask(&call(words), &mut |_: Piece<'_>| ()).await
}

/// A server whose answers wait for the gate.
async fn gated(protocols: &[&str]) -> (FakeAi, watch::Sender<bool>) {
    let server = FakeAi::secure(protocols).await;
    let (gate, shut) = watch::channel(false);
    server.always(Reply::Gated(shut, "done".into()));
    (server, gate)
}

/// Asks so often at once, does something when all of these calls wait, opens the gate, and has all answers.
async fn all_at_once(
    chain: &Chain,
    calls: usize,
    server: &FakeAi,
    gate: &watch::Sender<bool>,
    then: impl AsyncFnOnce(),
) {
    let before = server.count();
    let asked = futures_util::future::join_all((0..calls).map(|_| ask(chain, "a timer")));
    let meanwhile = async {
        let all_wait = async || (server.count() - before == calls).then_some(());
        eventually(all_wait, || format!("{} of {calls} calls came", server.count() - before)).await;
        then().await;
        gate.send_replace(true);
    };
    let (answers, ()) = tokio::join!(asked, meanwhile);
    for answer in answers {
        assert_eq!(answer.unwrap().text, "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_calls_share_connections_a_few_each() {
    let (server, gate) = gated(&BOTH).await;
    let chain = chained(entry(&server));

    all_at_once(&chain, 2000, &server, &gate, async || ()).await;

    let calls: Vec<usize> = server.lines().iter().map(|line| line.calls()).collect();
    assert_eq!(calls.iter().sum::<usize>(), 2000);
    assert!(calls.iter().all(|calls| *calls <= SEATS), "{calls:?}");
    assert!(calls.len() <= 2000_usize.div_ceil(SEATS) + 1, "as few as that takes, and the first call's: {calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_http_1_1_gets_a_connection_a_call() {
    let (server, gate) = gated(&["http/1.1"]).await;
    let chain = chained(entry(&server));

    all_at_once(&chain, 60, &server, &gate, async || ()).await;

    assert!(server.lines().iter().all(|line| line.calls() == 1));
    assert_eq!(server.lines().len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_takes_its_own_calls_alone_and_is_one_failure() {
    let (server, gate) = gated(&BOTH).await;
    let chain = chained(entry(&server));

    all_at_once(&chain, 100, &server, &gate, async || {
        let full = server.lines().into_iter().find(|line| line.calls() == SEATS).expect("one is full");
        full.break_off();
        let asked_again = async || (server.count() == 100 + SEATS).then_some(());
        eventually(asked_again, || format!("{} calls came", server.count())).await;
    })
    .await;

    let state = &chain.states()[0];
    assert_eq!((server.count(), state.calls), (100 + SEATS, 100 + SEATS as u64), "nobody else asked again");
    assert_eq!((state.state, state.failures), (BreakerState::Closed, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_wants_closed_costs_no_call() {
    let (server, gate) = gated(&BOTH).await;
    let chain = chained(entry(&server));
    all_at_once(&chain, 3, &server, &gate, async || ()).await;
    gate.send_replace(false);
    let lines = server.lines().len();

    all_at_once(&chain, 5, &server, &gate, async || {
        server.lines().iter().for_each(|line| line.ask_to_leave());
        // The word is on its way for as long as it is: calls come until one has heard it.
        server.always(Reply::text("done"));
        let another = async || {
            ask(&chain, "a timer").await.unwrap();
            (server.lines().len() > lines).then_some(())
        };
        eventually(another, || "no further connection is made".into()).await;
    })
    .await;

    let state = &chain.states()[0];
    assert_eq!((state.state, state.failures), (BreakerState::Closed, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_read_holds_up_no_other() {
    let server = FakeAi::secure(&BOTH).await;
    server.answer(|call| match call.body["messages"][0]["content"].as_str() {
        Some("a lot") => Reply::Huge(7 * 1024 * 1024),
        _ => Reply::text("done"),
    });
    let chain = chained(entry(&server));
    ask(&chain, "the first finds out").await.unwrap();

    let (heard, lot) = (Notify::new(), call("a lot"));
    let mut listeners: Vec<_> = (0..8).map(|_| |_: Piece<'_>| heard.notify_one()).collect();
    let mut stalled = Vec::new();
    for listener in &mut listeners {
        let mut asked = chain.ask(&lot, listener);
        // It is heard once, and never looked at again.
        tokio::select! {
            ended = &mut asked => panic!("so soon: {ended:?}"),
            () = heard.notified() => {}
        }
        stalled.push(asked);
    }
    for _ in 0..20 {
        assert_eq!(ask(&chain, "a timer").await.unwrap().text, "done");
    }

    assert_eq!(server.lines().len(), 2, "all but the first were on one connection");
}

#[rstest]
#[case::too_large(Reply::Huge(9 * 1024 * 1024), 300, "first: the answer is larger than 8 MiB")]
#[case::a_drip(Reply::Drip(Duration::from_millis(20)), 3, "first: took longer than its timeout of 3s")]
#[case::silence(Reply::Hang, 10, "first: said nothing for 2s")]
#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_on_a_shared_connection_too(#[case] reply: Reply, #[case] seconds: u64, #[case] why: &str) {
    let server = FakeAi::secure(&BOTH).await;
    let mut entry = entry(&server);
    (entry.timeout, entry.first_token_timeout) = (Duration::from_secs(seconds), Duration::from_secs(2));
    let chain = chained(entry);
    ask(&chain, "the first finds out").await.unwrap();
    server.script([reply]);

    let unanswered = ask(&chain, "a timer").await.unwrap_err();

    assert_eq!(unanswered.tried, [why]);
    assert_eq!(ask(&chain, "another").await.unwrap().text, "All is well.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_given_up_makes_room_for_another() {
    let (server, _gate) = gated(&BOTH).await;
    let chain = chained(entry(&server));
    for call in 1..=3 * SEATS {
        let mut asked = pin!(ask(&chain, "a timer"));
        let came = eventually(async || (server.count() == call).then_some(()), || format!("call {call} did not come"));
        tokio::select! {
            ended = &mut asked => panic!("the gate is shut: {ended:?}"),
            () = came => {}
        }
    }
    assert!(server.lines().len() <= 3, "{} connections", server.lines().len());
}
