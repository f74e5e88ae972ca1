//! Providers that fail, through the whole engine: the person gets their page, or is told why not.

use rstest::rstest;

use crate::kit::{
    ai::{FakeAi, Reply, nowhere},
    host::{ANN, BOB, Host, answer_with, link, link_with, until},
};

const OTTER: &str = "WTAF a page on otters";

#[rstest]
#[case::overloaded(Reply::status(529))]
#[case::too_many_and_a_long_wait(Reply::too_many("retry-after", 30))]
#[case::too_many_and_no_credit(Reply::insufficient_quota())]
#[case::broken(Reply::status(500))]
#[case::a_bad_key(Reply::status(401))]
#[case::silence(Reply::Hang)]
#[case::a_web_page(Reply::Html)]
#[case::other_json(Reply::WrongJson)]
#[case::a_stream_cut_off(Reply::Cut(answer_with("Half an otter")))]
#[case::a_stream_without_its_end(Reply::Unfinished(answer_with("Half an otter")))]
#[case::an_error_after_the_200(Reply::Fails(answer_with("Half an otter"), "overloaded_error"))]
#[tokio::test]
async fn where_the_first_provider_fails_the_page_is_the_seconds(#[case] fault: Reply) {
    let (first, second) = (FakeAi::start().await, FakeAi::start().await);
    first.always(fault);
    second.always(Reply::text(answer_with("A whole otter")));
    let links = [link_with("first", &first, "retries = 0, first_token_timeout = \"1s\""), link("second", &second)];
    let host = Host::of().ai(links).start().await;

    let job = host.text(ANN, OTTER).await;
    let url = host.made(&job).await;

    let html = host.page(&url).await.html;
    assert!(html.contains("<h1>A whole otter</h1>") && !html.contains("Half an otter"), "{html:.800}");
    let job = host.job(&job).await;
    assert_eq!(job["ai"]["provider"], "second");
    assert_eq!(job["attempts"], 0, "the person's request was tried once: {job:#}");
    assert_eq!((first.count(), second.count()), (1, 1));
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for() {
    let ai = FakeAi::start().await;
    ai.script([Reply::too_many("retry-after", 1)]);
    ai.always(Reply::text(answer_with("A patient otter")));
    let host = Host::of().ai([link_with("only", &ai, "retries = 2")]).start().await;

    let job = host.text(ANN, OTTER).await;
    let url = host.made(&job).await;

    assert!(host.page(&url).await.html.contains("A patient otter"));
    let calls = ai.calls();
    assert_eq!(calls.len(), 2);
    assert!(calls[1].at - calls[0].at >= std::time::Duration::from_secs(1), "{:?}", calls[1].at - calls[0].at);
}

#[tokio::test]
async fn a_cut_off_answer_is_continued_and_the_page_is_whole() {
    let ai = FakeAi::start().await;
    let whole = answer_with("An otter in two halves");
    let at = whole.find("<p>Made").expect("it is there") + 5;
    ai.script([Reply::CutOff(whole[..at].into()), Reply::text(&whole[at..])]);
    let host = Host::asking(&ai).await;

    let job = host.text(ANN, OTTER).await;
    let url = host.made(&job).await;

    let html = host.page(&url).await.html;
    assert!(html.contains("<p>Made for you.</p>") && html.trim_end().ends_with("</html>"), "{html}");
    let calls = ai.calls();
    assert_eq!(calls.len(), 2);
    let messages = calls[1].body["messages"].as_array().unwrap();
    let so_far = &messages[messages.len() - 2];
    assert_eq!((so_far["role"].as_str(), so_far["content"].as_str()), (Some("assistant"), Some(&whole[..at])));
    let before = calls[0].body["messages"].as_array().unwrap();
    assert_eq!(messages[..before.len()], before[..], "the question is the same, the rest is appended");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up_in_plain_words() {
    let ai = FakeAi::start().await;
    ai.always(Reply::CutOff("```html\n<!doctype html><html><body><script>let a = [".into()));
    let host = Host::asking(&ai).await;

    let job = host.text(ANN, OTTER).await;
    let job = host.ended(&job).await;

    assert_eq!(job["error"]["code"], "no-page", "{job:#}");
    host.told(ANN, |sent| sent.body.contains("No page came out")).await;
    assert_eq!(ai.count(), 4, "one call and three continuations, and not all of that again");
}

#[tokio::test]
async fn an_answer_without_a_page_is_asked_for_once_more() {
    let ai = FakeAi::start().await;
    ai.script([Reply::text("I would love to. What colour should it be?")]);
    ai.always(Reply::text(answer_with("A brown otter")));
    let host = Host::asking(&ai).await;

    let job = host.text(ANN, OTTER).await;
    let url = host.made(&job).await;

    assert!(host.page(&url).await.html.contains("A brown otter"));
    assert_eq!(ai.count(), 2);
}

#[tokio::test]
async fn where_no_page_comes_the_person_is_told_what_to_do() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text("I would love to. What colour should it be?"));
    let host = Host::asking(&ai).await;

    let job = host.text(ANN, OTTER).await;
    let job = host.ended(&job).await;

    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("refused"), Some("no-page")), "{job:#}");
    let told = host.told(ANN, |sent| sent.body.contains("No page came out")).await;
    assert!(told.links().is_empty(), "{}", told.body);
}

#[tokio::test]
async fn with_all_providers_down_the_person_is_told_and_a_retry_brings_the_page() {
    let ai = FakeAi::start().await;
    ai.always(Reply::status(503));
    let dead = format!(
        r#"{{ name = "dead", kind = "openai", model = "m", base_url = "{}v1", api_key = "k", retries = 0 }}"#,
        nowhere().await
    );
    let host = Host::of().ai([dead, link("down", &ai)]).set("queue.max_attempts=2").start().await;

    let id = host.text(ANN, OTTER).await;
    let job = host.ended(&id).await;

    assert_eq!(
        (job["status"].as_str(), job["error"]["code"].as_str()),
        (Some("failed"), Some("ai-unavailable")),
        "{job:#}"
    );
    let told = host.told(ANN, |sent| sent.body.contains("did not come out")).await;
    assert!(told.links().is_empty() && !told.body.contains("503"), "plain words: {}", told.body);
    let (folder, file) = host.file_of(&id).expect("its file is there");
    assert_eq!(folder, "failed");
    let why = file["error"]["message"].as_str().unwrap();
    assert!(why.contains("dead") && why.contains("down"), "both are named: {why}");
    let tries: Vec<_> =
        file["stages"].as_array().unwrap().iter().filter(|s| s["name"] == "ai").map(|s| &s["attempt"]).collect();
    assert_eq!(tries, [1, 2], "its whole story: {file:#}");
    let listed = host.cli(&["jobs", "list", "--state", "failed", "--format", "json"]).await;
    assert_eq!(listed.json()[0]["id"], id.as_str());

    ai.always(Reply::text(answer_with("A late otter")));
    let retried = host.cli(&["jobs", "retry", &id]).await;
    assert_eq!((retried.code, retried.out.contains(&id)), (Some(0), true), "{retried:?}");
    let url =
        until("the page is made after all", async || host.job(&id).await["url"].as_str().map(str::to_owned)).await;

    assert!(host.page(&url).await.html.contains("A late otter"));
    let told = host.told_of(ANN, &url).await;
    assert!(told.body.ends_with(&url));
    assert!(host.jobs_in("failed").is_empty());
}

#[tokio::test]
async fn a_provider_that_hangs_for_one_holds_up_nobody_else() {
    let ai = FakeAi::start().await;
    ai.answer(|call| {
        if super::kit::host::asked_in(call).contains("slow") {
            Reply::Hang
        } else {
            Reply::text(answer_with("A quick otter"))
        }
    });
    let host = Host::asking(&ai).await;

    let mut slow = Vec::new();
    for n in 0..5 {
        slow.push(host.text(&format!("+1555010400{n}"), "WTAF a slow page").await);
    }
    until("they all wait", async || (ai.count() == 5).then_some(())).await;
    let quick = host.text(BOB, "WTAF a quick page").await;
    let url = host.made(&quick).await;

    assert!(host.page(&url).await.html.contains("A quick otter"));
    for job in slow {
        assert_eq!(host.job(&job).await["status"], "running");
    }
}

#[tokio::test]
async fn a_failed_job_is_brought_back_while_the_engine_is_down_too_and_only_a_failed_one() {
    let ai = FakeAi::start().await;
    ai.always(Reply::status(401));
    let mut host = Host::of().ai([link("fake", &ai)]).set("queue.max_attempts=1").start().await;
    let asked = host.ask("a page on otters").await;
    assert_eq!(host.ended(&asked.id).await["status"], "failed");
    let own = host.job_for(&asked.id, Some(&asked.session)).await;
    assert!(own["reply"].as_str().is_some_and(|words| words.contains("did not come out")), "{own:#}");
    assert!(!own["error"]["message"].as_str().unwrap().is_empty());

    host.kill9().await;
    ai.always(Reply::text(answer_with("A late otter")));
    let (first, second) =
        (host.cli(&["jobs", "retry", &asked.id]).await, host.cli(&["jobs", "retry", &asked.id]).await);
    host.restart().await;
    let url = host.made(&asked.id).await;

    assert_eq!((first.code, second.code), (Some(0), Some(1)), "{second:?}");
    assert!(second.err.contains(&asked.id), "{}", second.err);
    assert!(host.page(&url).await.html.contains("A late otter"));
    assert_eq!(ai.count(), 2);
}

#[rstest]
#[case::once("decided:1!panic", "done")]
#[case::every_time("decided:1!panics", "failed")]
#[tokio::test]
async fn a_panic_of_the_engines_own_costs_a_try_and_stands_in_nobodys_way(#[case] fail: &str, #[case] end: &str) {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("An otter")));
    let host = Host::of().ai([link("fake", &ai)]).env("WTAF_FAIL", fail).start().await;

    let (first, second) = (host.text(ANN, OTTER).await, host.text(ANN, "WTAF a page on newts").await);
    for job in [&first, &second] {
        assert_eq!(host.ended(job).await["status"], end);
    }

    if end == "failed" {
        until("the person is told", async || {
            let told = host.texts(ANN).into_iter().filter(|sent| sent.body.contains("did not come out")).count();
            (told == 2).then_some(())
        })
        .await;
        assert_eq!(host.jobs_in("failed").len(), 2);
    }
}
