//! From a text, a chat or a dropped file to a live page, through the real binary.

use std::time::{Duration, Instant};

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::Value;

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, Asked, BOB, Host, answer_with, asked_in, link, until},
};

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    id: String,
    name: String,
    data: Value,
}

/// The story of a job to its end, after an event.
async fn story(host: &Host, asked: &Asked, after: Option<&str>) -> Vec<Told> {
    let path = asked.events_url.strip_prefix(&host.public()).expect("an address of ours").to_owned();
    let mut request = host.request(reqwest::Method::GET, &path);
    if let Some(after) = after {
        request = request.header("Last-Event-ID", after);
    }
    let response = request.send().await.expect("it answers");
    if response.status() == 204 {
        return Vec::new();
    }
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = response.bytes_stream().eventsource().filter_map(|event| async {
        let event = event.expect("the stream is whole");
        // Without data there is nothing to tell: the greeting.
        let data = serde_json::from_str(&event.data).ok()?;
        Some(Told { id: event.id, name: event.event, data })
    });
    events.collect().await
}

#[tokio::test]
async fn a_text_becomes_a_live_page() {
    let host = Host::start().await;

    let began = Instant::now();
    let job = host.text(ANN, "WTAF a tip calculator").await;
    let url = host.made(&job).await;
    eprintln!("a text became a page in {:?}", began.elapsed());

    let page = host.page(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.html.to_lowercase().starts_with("<!doctype html>"), "{:.80}", page.html);
    assert!(page.html.to_lowercase().contains("tip"), "{:.400}", page.html);
    assert!(page.html.contains("demo provider"), "the demo provider says so on its pages");
    assert!(page.policy.contains("sandbox allow-scripts") && !page.policy.contains("allow-same-origin"));
    let job = host.job(&job).await;
    assert_eq!((job["ai"]["provider"].as_str(), job["source"].as_str()), (Some("demo"), Some("sms")));
}

#[tokio::test]
async fn the_text_that_announces_a_page_ends_with_its_one_link() {
    let host = Host::start().await;

    let job = host.text(ANN, "wtaf, a snake game").await;
    let url = host.made(&job).await;

    let told = host.told_of(ANN, &url).await;
    assert!(told.body.ends_with(&url), "{}", told.body);
    assert_eq!(told.links(), [url.as_str()]);
    let texts = host.texts(ANN);
    assert_eq!(texts.len(), 2, "an acknowledgement and the page: {texts:#?}");
    assert!(texts[0].links().is_empty() && texts[0].body.contains("STOP"), "{}", texts[0].body);
    assert!(!texts[1].body.contains("STOP"), "only the first text says how to leave: {}", texts[1].body);
}

#[tokio::test]
async fn a_chat_becomes_a_live_page_and_its_events_tell_every_stage() {
    let host = Host::start().await;

    let asked = host.ask("a drawing pad").await;
    let events = story(&host, &asked, None).await;

    let stages: Vec<_> =
        events.iter().filter(|event| event.name == "stage").filter_map(|event| event.data["stage"].as_str()).collect();
    assert_eq!(stages, ["coach", "prompt", "ai", "extract", "slug", "publish", "notify"]);
    assert_eq!(events.last().unwrap().name, "done", "{events:#?}");
    let page = events.iter().find(|event| event.name == "page").expect("the page is told of");
    let url = events.last().unwrap().data["url"].as_str().expect("the end names the page");
    assert_eq!(page.data["url"], url);
    assert!(events.iter().all(|event| event.data["id"] == asked.id.as_str()), "{events:#?}");
    let shown = host.page(url).await;
    assert!(shown.html.contains("<canvas"), "{:.400}", shown.html);
    assert!(host.outbox().is_empty(), "a guest has no phone");
    let status = asked.status_url.strip_prefix(&host.public()).expect("an address of ours");
    assert_eq!(host.get(status).await.json::<Value>().await.unwrap()["url"], url);
}

#[tokio::test]
async fn a_chat_that_reconnects_misses_no_event_and_reads_none_twice() {
    let mut host = Host::start().await;
    let asked = host.ask("a quiz about otters").await;
    let all = story(&host, &asked, None).await;
    assert!(all.len() >= 8, "{all:#?}");

    for cut in [0, all.len() / 2, all.len() - 2] {
        let rest = story(&host, &asked, Some(&all[cut].id)).await;
        assert_eq!(rest, all[cut + 1..], "after {cut}");
    }
    assert_eq!(story(&host, &asked, Some(&all.last().unwrap().id)).await, [], "the story is over");

    host.kill9().await;
    host.restart().await;
    assert_eq!(story(&host, &asked, Some(&all[2].id)).await, all[3..], "after a restart");
    assert_eq!(host.job(&asked.id).await["status"], "done");
}

#[tokio::test]
async fn a_chat_sees_the_answer_as_it_comes() {
    let ai = FakeAi::start().await;
    ai.always(Reply::Slow(answer_with("Slow otter"), Duration::from_millis(150)));
    let host = Host::asking(&ai).await;

    let asked = host.ask("a page about a slow otter").await;
    let events = story(&host, &asked, None).await;

    let texts: Vec<_> = events.iter().filter(|event| event.name == "text").collect();
    assert!(texts.len() >= 2, "{events:#?}");
    assert!(texts.last().unwrap().data["chars"].as_u64() > texts[0].data["chars"].as_u64());
}

#[tokio::test]
async fn a_text_delivered_twice_makes_one_page() {
    let mut host = Host::start().await;

    let first = host.text_with_sid(ANN, "WTAF a dice roller", "SMaaaa").await;
    let again = host.text_with_sid(ANN, "WTAF a dice roller", "SMaaaa").await;
    let at_once = (0..8).map(|_| host.text_with_sid(BOB, "WTAF a spinning wheel", "SMbbbb"));
    let jobs = futures_util::future::join_all(at_once).await;

    assert_eq!(first, again);
    assert!(jobs.iter().all(|job| *job == jobs[0] && *job != first), "{jobs:?}");
    let (ann, bob) = (host.made(&first).await, host.made(&jobs[0]).await);
    host.told_of(ANN, &ann).await;
    host.told_of(BOB, &bob).await;
    host.kill9().await;
    host.restart().await;
    assert_eq!(host.text_with_sid(ANN, "WTAF a dice roller", "SMaaaa").await, first);
    // Whatever was wrongly taken up would be through before what comes after it.
    let after = host.text(ANN, "WTAF a metronome").await;
    let after = host.made(&after).await;
    host.told_of(ANN, &after).await;
    let links = |to| host.texts(to).iter().filter(|sent| !sent.links().is_empty()).count();
    assert_eq!((links(ANN), links(BOB)), (2, 1), "{:#?}", host.outbox());
    assert_eq!(host.jobs_in("done").len(), 3);
}

#[tokio::test]
async fn an_unknown_number_gets_an_account_and_its_page_by_one_text() {
    let host = Host::start().await;

    let job = host.text(ANN, "WTAF a countdown to new year").await;
    let url = host.made(&job).await;

    let job = host.job(&job).await;
    let user = job["user"].as_str().expect("they have a slug");
    assert_eq!(user.split('-').count(), 2, "an adjective and an animal: {user}");
    assert!(url.starts_with(&format!("{}/{user}/", host.public())), "{url}");
    let home = host.page(&format!("/{user}")).await;
    assert_eq!(home.status, 200);
    assert!(home.html.contains(url.rsplit('/').next().unwrap()), "the page is on the person's list");
}

#[tokio::test]
async fn two_guests_never_see_each_others_page() {
    let ai = FakeAi::start().await;
    ai.answer(|call| {
        let whose = if asked_in(call).contains("red") { "Red otter" } else { "Blue otter" };
        Reply::Slow(answer_with(whose), Duration::from_millis(20))
    });
    let host = Host::asking(&ai).await;

    let (red, blue) = tokio::join!(host.ask("a page: the red otter"), host.ask("a page: the blue otter"));
    let (red_url, blue_url) = tokio::join!(host.made(&red.id), host.made(&blue.id));

    assert_ne!(red.session, blue.session);
    assert!(host.page(&red_url).await.html.contains("Red otter"));
    assert!(host.page(&blue_url).await.html.contains("Blue otter"));
    let (own, other) =
        (host.job_for(&red.id, Some(&red.session)).await, host.job_for(&red.id, Some(&blue.session)).await);
    assert_ne!(own["user"], host.job(&blue.id).await["user"]);
    assert!(own["reply"].is_string(), "{own:#}");
    assert!(other["reply"].is_null() && host.job(&red.id).await["reply"].is_null());
}

#[tokio::test]
async fn a_guest_who_comes_back_is_the_same_person() {
    let host = Host::start().await;
    let first = host.ask("a metronome").await;
    let second = host.ask_as("a tip calculator", Some(&first.session)).await;

    let (one, two) = (host.made(&first.id).await, host.made(&second.id).await);

    assert_ne!(one, two);
    assert_eq!(host.job(&first.id).await["user"], host.job(&second.id).await["user"]);
}

#[tokio::test]
async fn what_a_person_says_reaches_the_ai_verbatim_and_last() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("Noughts and crosses")));
    let host = Host::asking(&ai).await;
    let idea = "tic-tac-toe game 🐙 — for two\n\n- no timer, \"big\" letters & <b>bold</b> ones\n  ${HOME} {{name}} %20\n\nand a to-do list";

    let texted = host.text(ANN, &format!("WTAF {idea}")).await;
    let asked = host.ask(idea).await;
    host.made(&texted).await;
    host.made(&asked.id).await;

    assert_eq!(ai.count(), 2, "one call a page");
    for call in ai.calls() {
        let said = asked_in(&call);
        assert!(said.ends_with(idea), "{said}");
        assert_eq!(call.body["messages"].as_array().unwrap().last().unwrap()["role"], "user");
    }
}

#[tokio::test]
async fn the_coachs_voice_reaches_the_ai() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("Tea")));
    let coach = r#"coach=[{ id = "mo", name = "Mo", voice = "Hums like an old fridge.", lines = ["One thing. Then the next."] }]"#;
    let host = Host::of().ai([link("fake", &ai)]).set(coach).start().await;

    let job = host.text(ANN, "WTAF -mo- a page about tea").await;
    let url = host.made(&job).await;
    let plain = host.text(ANN, "WTAF a page about coffee").await;
    host.made(&plain).await;

    let calls = ai.calls();
    let with = calls[0].body["messages"].to_string();
    assert!(with.contains("Hums like an old fridge.") && with.contains("One thing. Then the next."), "{with:.3000}");
    assert!(asked_in(&calls[0]).ends_with("a page about tea"), "the coach's name is not part of the idea");
    assert!(!calls[1].body["messages"].to_string().contains("old fridge"), "nobody asked for Mo");
    assert_eq!(host.page(&url).await.status, 200);
}

#[tokio::test]
async fn a_file_dropped_into_the_queues_folder_becomes_a_page() {
    let host = Host::start().await;
    let folder = host.data().join("wtaf");
    let words = format!("SENDER: {ANN}\nCOACH: alex\n\na memory game\nSENDER: +15550009999\n");

    std::fs::write(folder.join("idea.txt"), words).unwrap();

    let told = host.told(ANN, |sent| !sent.links().is_empty()).await;
    assert_eq!(host.page(told.links()[0]).await.status, 200);
    assert!(host.texts("+15550009999").is_empty(), "the words cannot smuggle a header in");
    until("the file is out of the way", async || (!folder.join("idea.txt").exists()).then_some(())).await;
    let id = until("its job ended", async || host.jobs_in("done").pop()).await;
    let job = host.job(&id).await;
    assert_eq!((job["source"].as_str(), job["status"].as_str()), (Some("file"), Some("done")));
}

#[tokio::test]
async fn the_files_stage_writes_each_page_to_a_folder_as_well() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("Static otter")));
    let shown = "#[[stage]]\n#name = \"files\"\n#adapter = \"files\"\n#config = { dir = \"public\" }";
    let setup = Host::of().ai([link("fake", &ai)]);
    let host = setup.pipeline(|text| text.replace(shown, &shown.replace('#', ""))).start().await;

    let job = host.text(ANN, "WTAF a page about otters").await;
    let url = host.made(&job).await;

    let path = url.strip_prefix(&format!("{}/", host.public())).unwrap();
    let file = host.folder().join("public").join(format!("{path}.html"));
    let html = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<h1>Static otter</h1>"), "{html}");
}

#[tokio::test]
async fn logs_name_no_number_and_no_words_of_anyone() {
    let ai = FakeAi::start().await;
    ai.answer(|call| {
        if asked_in(call).contains("doomed") { Reply::status(400) } else { Reply::text(answer_with("Secret otter")) }
    });
    let host = Host::of().ai([link("fake", &ai)]).set("queue.max_attempts=1").start().await;

    let texted = host.text(ANN, "WTAF a page on my hushhush surprise party").await;
    let asked = host.ask("a hushhush page for a guest").await;
    let failed = host.text(BOB, "WTAF a doomed hushhush page").await;
    host.told(BOB, |sent| sent.body.contains("did not come out")).await;
    let stopped = host.text(BOB, "STOP").await;
    for job in [&texted, &asked.id, &failed, &stopped] {
        host.ended(job).await;
    }

    assert_eq!(host.job(&failed).await["status"], "failed");
    assert!(host.log("job ended").expect("its end is logged")["ms"].is_number());
    let logs: Vec<_> = host.logs().iter().map(ToString::to_string).collect();
    assert!(logs.iter().any(|line| line.contains("+15•••01")), "numbers are masked, not absent");
    assert!(logs.iter().any(|line| line.contains("the job failed")));
    for secret in ["hushhush", "Secret otter", &ANN[1..], &BOB[1..], asked.session.as_str()] {
        let said: Vec<_> = logs.iter().filter(|line| line.contains(secret)).collect();
        assert!(said.is_empty(), "{secret}: {said:#?}");
    }
}

#[tokio::test]
async fn with_the_brief_switched_on_two_calls_make_a_page_of_the_persons_words() {
    let ai = FakeAi::start().await;
    ai.script([Reply::text("BRIEF: an otter, blue, with a hat."), Reply::text(answer_with("Otter with a hat"))]);
    let stages = "#[[stage]]\n#name = \"plan\"\n#plugin = \"prompt\"\n#config = { make = \"brief\" }\n#when = \"build\"\n\n\
                  #[[stage]]\n#name = \"brief\"\n#adapter = \"ai\"\n#when = \"build\"";
    let setup = Host::of().ai([link("fake", &ai)]);
    let host = setup.pipeline(|text| text.replace(stages, &stages.replace('#', ""))).start().await;

    let job = host.text(ANN, "WTAF a page on otters").await;
    let url = host.made(&job).await;

    assert!(host.page(&url).await.html.contains("Otter with a hat"));
    let calls = ai.calls();
    assert_eq!(calls.len(), 2);
    assert!(asked_in(&calls[0]).ends_with("a page on otters"));
    assert!(calls[1].body["messages"].to_string().contains("BRIEF: an otter, blue, with a hat."));
    assert!(asked_in(&calls[1]).ends_with("a page on otters"), "the person's own words come last");
    let told = host.cli(&["jobs", "show", &job]).await.out;
    assert!(told.contains("plan") && told.contains("brief"), "{told}");
}

#[tokio::test]
async fn a_key_in_the_env_file_takes_the_place_of_the_demo_provider() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("A real otter")));
    let at = |name: &str| format!("ai.{name}.base_url={}", ai.anthropic());
    let setup = Host::of().set(at("claude")).set(at("claude-small"));
    let host = setup.file(".env", "ANTHROPIC_API_KEY=sk-ant-from-the-env-file\n").start().await;

    let job = host.text(ANN, "WTAF a page on otters").await;
    let url = host.made(&job).await;

    assert!(host.page(&url).await.html.contains("A real otter"));
    assert_eq!(ai.calls()[0].headers["x-api-key"], "sk-ant-from-the-env-file");
    assert_eq!(host.job(&job).await["ai"]["provider"], "claude");
    assert!(host.logs().iter().all(|line| !line.to_string().contains("sk-ant")), "a key is in no log");
}

#[tokio::test]
async fn a_bridge_with_the_token_posts_texts_and_polls_for_the_pages() {
    let setup =
        Host::of().set("server.bridge_token=open-sesame-0123456789").set("server.public_url=https://wtaf.example");
    let host = setup.start().await;
    let post = |token: Option<&'static str>| {
        let request = host.request(reqwest::Method::POST, "/sms/webhook");
        let request = request.form(&[("From", ANN), ("Body", "WTAF a tip calculator")]);
        token.map_or(request.try_clone().expect("a form can be cloned"), |token| request.bearer_auth(token)).send()
    };

    let (none, wrong, right) =
        (post(None).await, post(Some("open-simsim")).await, post(Some("open-sesame-0123456789")).await);

    for refused in [none.unwrap(), wrong.unwrap()] {
        assert_eq!(refused.status(), 403);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        let problem: Value = refused.json().await.unwrap();
        assert!(problem["code"].is_string() && problem["title"].is_string(), "{problem:#}");
    }
    let right = right.unwrap();
    assert_eq!(right.status(), 200);
    let id = right.headers()["x-wtaf-job"].to_str().unwrap().to_owned();
    let url = host.made(&id).await;
    assert!(url.starts_with("https://wtaf.example/"), "{url}");
    let user = host.job(&id).await["user"].as_str().unwrap().to_owned();
    let poll = host.request(reqwest::Method::GET, &format!("/api/pages?user={user}&since=0"));
    let polled = poll.bearer_auth("open-sesame-0123456789").send().await.unwrap();
    let pages: Value = polled.json().await.unwrap();
    assert_eq!(
        (pages["pages"][0]["url"].as_str(), pages["pages"][0]["job"].as_str()),
        (Some(url.as_str()), Some(id.as_str()))
    );
}
