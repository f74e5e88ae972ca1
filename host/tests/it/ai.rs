//! The chain of providers against a server that fails in every way a provider does.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::json;
use url::Url;
use wtaf_host::{
    adapter::ai::{
        Ai, AiCall, Answer, BreakerState, Chain, ChainSetupError, Message, Piece, Speaker, Unanswered, chain,
    },
    config::{self, AiKind},
    job::Finish,
};

use crate::kit::ai::{Api, FakeAi, Reply, elsewhere, nowhere};

const KEY: &str = "sk-ant-secret-0123456789";
const PROMPT: &str = "make a page about my grandmother's secret recipe";

fn entry(name: &str, kind: AiKind, base: Url) -> config::Ai {
    config::Ai {
        name: name.into(),
        kind,
        model: format!("{name}-model"),
        base_url: Some(base),
        api_key: Some(KEY.into()),
        timeout: Duration::from_secs(10),
        first_token_timeout: Duration::from_secs(5),
        max_wait: Duration::from_secs(2),
        max_tokens: 4096,
        temperature: None,
        max_concurrent: 8,
        retries: 2,
        price: Some((3.0, 15.0)),
        spend_per_day: None,
    }
}

fn link(name: &str, api: Api, server: &FakeAi) -> config::Ai {
    match api {
        Api::Anthropic => entry(name, AiKind::Anthropic, server.anthropic()),
        Api::OpenAi => entry(name, AiKind::OpenAi, server.openai()),
    }
}

fn say(speaker: Speaker, text: &str) -> Message {
    Message { speaker, text: text.into() }
}

fn call() -> AiCall {
    AiCall {
        messages: vec![say(Speaker::System, "You write one HTML page."), say(Speaker::User, PROMPT)],
        temperature: None,
        max_tokens: None,
        barred: Vec::new(),
        purpose: "page".into(),
        kind: "build".into(),
        page: None,
    }
}

/// What a person's screen shows, and how often it was cleared.
#[derive(Default)]
struct Screen {
    text: String,
    restarts: usize,
}

async fn ask(chain: &Chain) -> (Result<Answer, Unanswered>, Screen) {
    ask_for(chain, &call()).await
}

async fn ask_for(chain: &Chain, call: &AiCall) -> (Result<Answer, Unanswered>, Screen) {
    let mut screen = Screen::default();
    let mut listener = |piece: Piece<'_>| match piece {
        Piece::Text(text) => screen.text.push_str(text),
        Piece::Restart => {
            screen.text.clear();
            screen.restarts += 1;
        }
    };
    let answer = chain.ask(call, &mut listener).await;
    (answer, screen)
}

/// The one reason of a chain of one.
async fn reason(chain: &Chain) -> String {
    let unanswered = ask(chain).await.0.unwrap_err();
    assert_eq!(unanswered.tried.len(), 1, "{unanswered:?}");
    unanswered.tried[0].clone()
}

#[rstest]
#[tokio::test]
async fn an_answer_arrives_piece_by_piece_and_whole(#[values(Api::Anthropic, Api::OpenAi)] api: Api) {
    let server = FakeAi::start().await;
    server.script([Reply::text("Here is a snake 🐍 for you.")]);
    let chain = chain(&[link("first", api, &server)]).unwrap();

    let (answer, screen) = ask(&chain).await;

    let answer = answer.unwrap();
    assert_eq!(answer.text, "Here is a snake 🐍 for you.");
    assert_eq!((screen.text, screen.restarts), (answer.text, 0));
    assert_eq!(
        (answer.finish, answer.provider.as_str(), answer.model.as_str()),
        (Finish::Complete, "first", "first-model")
    );
    assert!(answer.input_tokens > 10 && answer.output_tokens > 5);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let cost = (answer.input_tokens as f64 * 3.0 + answer.output_tokens as f64 * 15.0) / 1e6;
    assert!((answer.cost.unwrap() - cost).abs() < 1e-12);
}

#[rstest]
#[tokio::test]
async fn characters_split_between_chunks_arrive_whole(#[values(Api::Anthropic, Api::OpenAi)] api: Api) {
    let server = FakeAi::start().await;
    server.script([Reply::Bytewise("🐍 é 日本".into())]);
    let chain = chain(&[link("first", api, &server)]).unwrap();
    assert_eq!(ask(&chain).await.0.unwrap().text, "🐍 é 日本");
}

#[rstest]
#[tokio::test]
async fn a_cut_off_answer_and_a_refusal_are_told_apart(#[values(Api::Anthropic, Api::OpenAi)] api: Api) {
    let server = FakeAi::start().await;
    server.script([
        Reply::CutOff("<html>".into()),
        Reply::Refusal("I would rather not.".into()),
        Reply::Thinking("So.".into()),
    ]);
    let chain = chain(&[link("first", api, &server)]).unwrap();
    let mut finishes = Vec::new();
    for _ in 0..3 {
        let answer = ask(&chain).await.0.unwrap();
        finishes.push((answer.finish, answer.text));
    }
    let expected = [(Finish::CutOff, "<html>"), (Finish::Refused, "I would rather not."), (Finish::Complete, "So.")];
    assert_eq!(finishes, expected.map(|(finish, text)| (finish, text.to_owned())));
}

/// Faults worth another try: the second one answers.
#[rstest]
#[case::overloaded(Reply::status(529))]
#[case::failing(Reply::status(500))]
#[case::bad_gateway(Reply::Raw { status: 502, media: "text/html", body: b"<h1>Bad gateway</h1>".into() })]
#[case::unavailable(Reply::status(503))]
#[case::conflict(Reply::status(409))]
#[case::too_many(Reply::status(429))]
#[case::broken(Reply::Cut("half a page".into()))]
#[case::unfinished(Reply::Unfinished("half a page".into()))]
#[case::late_error(Reply::Fails("half a page".into(), "overloaded_error"))]
#[case::late_error_at_once(Reply::ErrorIn200("api_error"))]
#[case::silent_answer(Reply::text(""))]
#[tokio::test]
async fn a_passing_fault_is_survived_by_another_try(
    #[case] fault: Reply,
    #[values(Api::Anthropic, Api::OpenAi)] api: Api,
) {
    let server = FakeAi::start().await;
    server.script([fault, Reply::text("there")]);
    let chain = chain(&[link("first", api, &server)]).unwrap();

    let (answer, screen) = ask(&chain).await;

    assert_eq!(answer.unwrap().text, "there");
    assert_eq!(screen.text, "there", "the screen shows the second try alone");
    assert_eq!(server.count(), 2);
}

/// Faults that another try would not cure: the next provider answers, the first is asked once.
#[rstest]
#[case::key(Reply::status(401))]
#[case::credit(Reply::status(402))]
#[case::forbidden(Reply::status(403))]
#[case::no_model(Reply::status(404))]
#[case::bad_request(Reply::status(400))]
#[case::too_large(Reply::status(413))]
#[case::quota(Reply::insufficient_quota())]
#[case::redirect(Reply::status(307).with("location", "http://127.0.0.1:1/"))]
#[case::web_page(Reply::Html)]
#[case::wrong_json(Reply::WrongJson)]
#[case::hang(Reply::Hang)]
#[case::fifty_megabytes(Reply::Huge(50_000_000))]
#[case::patience(Reply::too_many("retry-after", 60))]
#[tokio::test]
async fn a_lasting_fault_is_survived_by_the_next_provider(
    #[case] fault: Reply,
    #[values(Api::Anthropic, Api::OpenAi)] api: Api,
) {
    let (bad, good) = (FakeAi::start().await, FakeAi::start().await);
    bad.script([fault]);
    let mut first = link("first", api, &bad);
    first.first_token_timeout = Duration::from_millis(300);
    let chain = chain(&[first, link("second", Api::OpenAi, &good)]).unwrap();

    let (answer, screen) = ask(&chain).await;

    let answer = answer.unwrap();
    assert_eq!((answer.provider.as_str(), answer.text.as_str()), ("second", "All is well."));
    assert_eq!(screen.text, "All is well.");
    assert_eq!(bad.count(), 1);
}

#[rstest]
#[case(Api::Anthropic, r#"{"choices":[{"delta":{"content":"hi"}}]}"#, "answers in OpenAI's format")]
#[case(Api::OpenAi, r#"{"type":"message_start","message":{}}"#, "answers in another format than OpenAI's")]
#[tokio::test]
async fn an_answer_in_another_apis_format_is_recognised(#[case] api: Api, #[case] event: &str, #[case] why: &str) {
    let server = FakeAi::start().await;
    let body = format!("data: {event}\n\n").into();
    server.script([Reply::Raw { status: 200, media: "text/event-stream", body }]);
    let chain = chain(&[link("first", api, &server)]).unwrap();
    assert_eq!(reason(&chain).await, format!("first: {why}: check base_url and model"));
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_passed_over_with_its_address() {
    let good = FakeAi::start().await;
    let mut first = entry("first", AiKind::Anthropic, nowhere().await);
    first.retries = 0;
    let dead = chain(&[first.clone()]).unwrap();
    let reason = reason(&dead).await;
    assert!(reason.starts_with("first: cannot be reached at 127.0.0.1:"), "{reason}");
    assert!(reason.ends_with("Connection refused (os error 111)"), "{reason}");

    let chain = chain(&[first, link("second", Api::OpenAi, &good)]).unwrap();
    assert_eq!(ask(&chain).await.0.unwrap().provider, "second");
}

#[rstest]
#[case::seconds("retry-after", "1", Duration::from_secs(1))]
#[case::milliseconds("retry-after-ms", "300", Duration::from_millis(300))]
#[tokio::test]
async fn retry_after_is_a_minimum(#[case] name: &'static str, #[case] value: &str, #[case] least: Duration) {
    let server = FakeAi::start().await;
    server.script([Reply::too_many(name, value)]);
    let chain = chain(&[link("first", Api::OpenAi, &server)]).unwrap();
    ask(&chain).await.0.unwrap();
    let calls = server.calls();
    assert_eq!(calls.len(), 2);
    assert!(calls[1].at - calls[0].at >= least);
}

#[tokio::test]
async fn a_wish_to_be_left_alone_holds_for_everyone() {
    let server = FakeAi::start().await;
    server.script([Reply::too_many("retry-after", 60)]);
    let chain = chain(&[link("first", Api::Anthropic, &server)]).unwrap();

    let first = ask(&chain).await.0.unwrap_err();
    let second = ask(&chain).await.0.unwrap_err();

    assert_eq!(server.count(), 1, "the second call is not sent");
    let waits =
        "first: 429 too many calls at once (it says: rate limit error); it asks to wait 60 s, longer than its max_wait";
    assert_eq!((first.tried[0].as_str(), first.after), (waits, Some(Duration::from_mins(1))));
    assert_eq!(second.tried, ["first: not asked, it wants to be left alone for 60 s"]);
    assert!(second.after.unwrap() > Duration::from_secs(50));
    assert_eq!(chain.states()[0].state, BreakerState::Paused);
}

#[tokio::test]
async fn a_429_halves_the_calls_at_once() {
    let server = FakeAi::start().await;
    server.script([Reply::status(429)]);
    let chain = chain(&[link("first", Api::Anthropic, &server)]).unwrap();
    assert_eq!(chain.states()[0].places, 8);
    ask(&chain).await.0.unwrap();
    assert_eq!(chain.states()[0].places, 4);
}

#[tokio::test]
async fn calls_beyond_max_concurrent_wait_their_turn() {
    let server = FakeAi::start().await;
    server.always(Reply::Slow("one two three".into(), Duration::from_millis(20)));
    let mut first = link("first", Api::OpenAi, &server);
    first.max_concurrent = 1;
    let chain = chain(&[first]).unwrap();

    let began = Instant::now();
    let (one, two) = tokio::join!(ask(&chain), ask(&chain));

    assert!(one.0.is_ok() && two.0.is_ok());
    let calls = server.calls();
    assert!(calls[1].at - calls[0].at >= Duration::from_millis(160), "the second came when the first was through");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_try_that_fails_half_way_is_wiped_before_the_next_one_speaks() {
    let server = FakeAi::start().await;
    server.script([Reply::Cut("a first attempt".into()), Reply::status(500), Reply::text("the second")]);
    let chain = chain(&[link("first", Api::Anthropic, &server)]).unwrap();
    let (answer, screen) = ask(&chain).await;
    assert_eq!(answer.unwrap().text, "the second");
    assert_eq!((screen.text.as_str(), screen.restarts), ("the second", 1));
}

#[tokio::test]
async fn a_restart_is_told_when_another_provider_takes_over() {
    let (bad, good) = (FakeAi::start().await, FakeAi::start().await);
    bad.always(Reply::Unfinished("half a page".into()));
    let mut first = link("first", Api::OpenAi, &bad);
    first.retries = 0;
    let chain = chain(&[first, link("second", Api::Anthropic, &good)]).unwrap();
    let (answer, screen) = ask(&chain).await;
    assert_eq!(answer.unwrap().provider, "second");
    assert_eq!((screen.text.as_str(), screen.restarts), ("All is well.", 1));
}

#[rstest]
#[tokio::test]
async fn a_stream_without_its_end_is_no_answer(#[values(Api::Anthropic, Api::OpenAi)] api: Api) {
    let server = FakeAi::start().await;
    server.always(Reply::Unfinished("<html>all of it</html>".into()));
    let mut first = link("first", api, &server);
    first.retries = 0;
    let chain = chain(&[first]).unwrap();
    assert_eq!(reason(&chain).await, "first: the answer ended without its end");
}

#[tokio::test]
async fn openai_is_done_only_with_both_a_finish_reason_and_done() {
    let server = FakeAi::start().await;
    let chunk = |delta: &str, reason: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{delta}}},\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let no_done = chunk("\"hi\"", "null") + &chunk("null", "\"stop\"");
    let no_reason = chunk("\"hi\"", "null") + "data: [DONE]\n\n";
    let mut first = link("first", Api::OpenAi, &server);
    first.retries = 0;
    let chain = chain(&[first]).unwrap();
    for (body, why) in
        [(no_done, "the answer ended without its end"), (no_reason, "the answer ended without a finish_reason")]
    {
        server.script([Reply::Raw { status: 200, media: "text/event-stream", body: body.into() }]);
        assert_eq!(reason(&chain).await, format!("first: {why}"));
    }
}

#[tokio::test]
async fn tries_stop_at_the_configured_number() {
    let server = FakeAi::start().await;
    server.always(Reply::status(529));
    let chain = chain(&[link("first", Api::Anthropic, &server)]).unwrap();
    let unanswered = ask(&chain).await.0.unwrap_err();
    assert_eq!(server.count(), 3, "one try and two retries");
    assert_eq!(unanswered.tried, ["first: 529 it is overloaded (it says: overloaded error) (tried 3 times)"]);
    assert!(unanswered.after.is_some());
}

#[tokio::test]
async fn a_dripping_answer_ends_with_its_timeout() {
    let server = FakeAi::start().await;
    server.always(Reply::Drip(Duration::from_millis(20)));
    let mut first = link("first", Api::Anthropic, &server);
    first.timeout = Duration::from_millis(400);
    let chain = chain(&[first]).unwrap();
    let began = Instant::now();
    assert_eq!(reason(&chain).await, "first: took longer than its timeout of 400ms");
    assert!(began.elapsed() < Duration::from_secs(4));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_failing_provider_is_left_in_peace_after_five_failures() {
    let (bad, good) = (FakeAi::start().await, FakeAi::start().await);
    bad.always(Reply::status(500));
    let mut first = link("first", Api::Anthropic, &bad);
    first.retries = 0;
    let chain = chain(&[first, link("second", Api::OpenAi, &good)]).unwrap();
    for _ in 0..8 {
        assert_eq!(ask(&chain).await.0.unwrap().provider, "second");
    }
    assert_eq!((bad.count(), good.count()), (5, 8));
    let state = &chain.states()[0];
    assert_eq!((state.state, state.calls, state.failures), (BreakerState::Open, 5, 5));
    assert_eq!(state.why.as_deref(), Some("500 it failed (it says: api error)"));
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again_and_says_what_to_check() {
    let server = FakeAi::start().await;
    server.always(Reply::status(401).saying(format!("invalid x-api-key {KEY}")));
    let chain = chain(&[link("first", Api::Anthropic, &server)]).unwrap();
    let unanswered = ask(&chain).await.0.unwrap_err();
    let why = "first: 401 the key was refused: check api_key of the [[ai]] \"first\" (it says: invalid x-api-key …)";
    assert_eq!((unanswered.tried[0].as_str(), unanswered.after), (why, None));
    let later = ask(&chain).await.0.unwrap_err();
    assert_eq!((server.count(), later.after), (1, None), "only a person can help");
    assert!(later.tried[0].starts_with("first: not asked, after: 401 the key was refused"), "{later}");
}

#[tokio::test]
async fn an_error_never_holds_the_prompt() {
    let server = FakeAi::start().await;
    server.script([Reply::status(400).saying(format!("messages.0: '{PROMPT}' was flagged"))]);
    let chain = chain(&[link("first", Api::OpenAi, &server)]).unwrap();
    assert_eq!(reason(&chain).await, "first: 400 it does not take this call");
}

#[tokio::test]
async fn when_all_fail_each_says_why_in_order() {
    let (one, two) = (FakeAi::start().await, FakeAi::start().await);
    one.always(Reply::Html);
    two.always(Reply::insufficient_quota());
    let chain = chain(&[link("first", Api::Anthropic, &one), link("second", Api::OpenAi, &two)]).unwrap();
    let unanswered = ask(&chain).await.0.unwrap_err();
    assert_eq!(unanswered.tried.len(), 2);
    assert_eq!(unanswered.tried[0], "first: answered with a web page: check base_url and the kind of this entry");
    assert!(unanswered.tried[1].starts_with("second: 429 the account has no credit"), "{unanswered}");
    assert!(unanswered.after.is_some(), "the first may come back");
}

#[tokio::test]
async fn a_model_that_takes_no_temperature_is_asked_without_one_from_then_on() {
    let server = FakeAi::start().await;
    server
        .script([Reply::status(400).saying("Unsupported value: 'temperature' does not support 0.7 with this model.")]);
    let mut first = link("first", Api::OpenAi, &server);
    first.temperature = Some(0.5);
    let chain = chain(&[first]).unwrap();
    ask(&chain).await.0.unwrap();
    ask(&chain).await.0.unwrap();
    let sent: Vec<bool> = server.calls().iter().map(|call| call.body.get("temperature").is_some()).collect();
    assert_eq!(sent, [true, false, false]);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = FakeAi::start().await;
    let chain = chain(&[link("first", Api::OpenAi, &server)]).unwrap();
    for _ in 0..5 {
        ask(&chain).await.0.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[rstest]
#[tokio::test]
async fn the_request_is_what_the_provider_documents(#[values(Api::Anthropic, Api::OpenAi)] api: Api) {
    let server = FakeAi::start().await;
    let chain = chain(&[link("first", api, &server)]).unwrap();
    let call = AiCall {
        messages: vec![
            say(Speaker::System, "You write one HTML page."),
            say(Speaker::System, "Speak like a pirate."),
            say(Speaker::User, "a snake game"),
            say(Speaker::User, "  "),
            say(Speaker::User, "with walls"),
            say(Speaker::Assistant, "<html><body>"),
            say(Speaker::User, "Go on."),
        ],
        temperature: Some(1.5),
        max_tokens: Some(1_000_000),
        ..call()
    };
    ask_for(&chain, &call).await.0.unwrap();
    let sent = &server.calls()[0];
    let shown = ["content-type", "accept", "anthropic-version", "x-api-key", "authorization", "user-agent"];
    let headers: Vec<String> = shown
        .into_iter()
        .filter_map(|name| Some(format!("{name}: {}", sent.headers.get(name)?.to_str().ok()?.replace(KEY, "<key>"))))
        .collect();
    let name = format!("request_{api:?}").to_lowercase();
    insta::assert_json_snapshot!(name, json!({ "path": sent.path, "headers": headers, "body": sent.body }));
}

#[tokio::test]
async fn the_demo_provider_answers_at_once_and_in_pieces() {
    let demo = config::Ai { base_url: None, api_key: None, ..entry("demo", AiKind::Demo, nowhere().await) };
    let chain = chain(&[demo]).unwrap();
    let mut pieces = 0;
    let began = Instant::now();
    let answer = chain.ask(&call(), &mut |_| pieces += 1).await.unwrap();
    assert!(pieces > 5);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(answer.text.contains("</html>"));
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_the_start() {
    let here = nowhere().await;
    assert_eq!(chain(&[]).err(), Some(ChainSetupError::Empty));
    let no_key = config::Ai { base_url: None, api_key: None, ..entry("a", AiKind::Anthropic, here.clone()) };
    let error = chain(&[no_key]).err().unwrap();
    assert_eq!(error.to_string(), "the [[ai]] \"a\" has no key: set ANTHROPIC_API_KEY, or take the entry out");
    let odd_key = config::Ai { api_key: Some("a\nb".into()), ..entry("a", AiKind::OpenAi, here) };
    assert_eq!(chain(&[odd_key]).err(), Some(ChainSetupError::KeyShape { name: "a".into() }));
    let odd_url = entry("a", AiKind::OpenAi, "file:///etc/passwd".parse().unwrap());
    assert_eq!(chain(&[odd_url]).err(), Some(ChainSetupError::Url { name: "a".into() }));
}

#[tokio::test]
async fn a_thousand_calls_wait_at_once_and_all_are_answered() {
    let server = FakeAi::start().await;
    server.always(Reply::text("done"));
    let mut first = link("first", Api::Anthropic, &server);
    first.max_concurrent = 16;
    first.first_token_timeout = Duration::from_secs(30);
    first.timeout = Duration::from_mins(1);
    let chain = chain(&[first]).unwrap();
    let answers = futures_util::future::join_all((0..1000).map(|_| ask(&chain))).await;
    assert!(answers.iter().all(|(answer, _)| answer.is_ok()));
    assert_eq!(server.count(), 1000);
    assert!(server.connections() <= 16, "{} connections", server.connections());
}

/// `WTAF_TEST_AI_URL=http://127.0.0.1:8080 cargo test … -- --ignored another_server`
#[rstest]
#[ignore = "needs WTAF_TEST_AI_URL"]
#[tokio::test]
async fn another_server_is_understood(#[values(Api::Anthropic, Api::OpenAi)] api: Api) {
    let root = elsewhere().expect("WTAF_TEST_AI_URL");
    let mut first = match api {
        Api::Anthropic => entry("first", AiKind::Anthropic, root),
        Api::OpenAi => entry("first", AiKind::OpenAi, root.join("/v1").unwrap()),
    };
    first.timeout = Duration::from_mins(2);
    first.first_token_timeout = Duration::from_mins(1);
    first.max_tokens = 64;
    let (answer, screen) = ask(&chain(&[first]).unwrap()).await;
    let answer = answer.unwrap();
    assert!(!answer.text.trim().is_empty());
    assert_eq!(answer.text, screen.text);
    assert!(answer.output_tokens > 0, "{answer:?}");
}
