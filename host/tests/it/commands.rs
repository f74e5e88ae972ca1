//! What people text besides ideas: the carriers' words, their account, their pages.

use rstest::rstest;

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, answer_with, asked_in, link, until},
    texter::{answer, echo, made},
};

#[rstest]
#[case::one_word(&["STOP"])]
#[case::in_any_spelling(&["stopall", "Unsubscribe", "CANCEL", "end", "Quit", "REVOKE", "optout", " stop.\n"])]
#[tokio::test]
async fn who_opts_out_hears_nothing_and_runs_nothing_until_they_come_back(#[case] words: &[&str]) {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    for (n, word) in words.iter().enumerate() {
        let person = format!("+1555010300{n}");
        made(&host, &person, "WTAF a page on otters").await;
        let (calls, texts) = (ai.count(), host.texts(&person).len());

        for text in [word, "WTAF another page", "COMMANDS", "SLUG zany-zebra", "hello?"] {
            let job = host.text(&person, text).await;
            let job = host.ended(&job).await;
            assert_eq!(job["status"], "done", "silence is an end as good as any: {job:#}");
        }

        assert_eq!(ai.count(), calls, "{word}: no AI is asked for them");
        let back = answer(&host, &person, "START").await;
        assert_eq!(host.texts(&person).len(), texts + 1, "{word}: nothing went out to them before START");
        assert!(back.contains("back"), "{back}");
        made(&host, &person, "WTAF a page on beavers").await;
    }
}

#[tokio::test]
async fn an_idea_behind_a_stop_builds_nothing_however_quickly_it_comes() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    let mut jobs = Vec::new();
    for text in ["START", "STOP", "WTAF a page that must not be"] {
        jobs.push(host.text(ANN, text).await);
    }
    for job in &jobs {
        host.ended(job).await;
    }

    assert_eq!(ai.count(), 0);
    assert!(host.texts(ANN).iter().all(|sent| sent.links().is_empty()), "{:#?}", host.texts(ANN));
    assert!(host.job(&jobs[2]).await["url"].is_null());
}

#[tokio::test]
async fn a_page_that_was_under_way_at_stop_is_not_told_of() {
    let ai = FakeAi::start().await;
    ai.always(Reply::Slow(answer_with("Late otter"), std::time::Duration::from_millis(300)));
    let host = Host::asking(&ai).await;

    let job = host.text(ANN, "WTAF a page on otters").await;
    until("the AI is asked", async || (ai.count() == 1).then_some(())).await;
    let stop = host.text(ANN, "STOP").await;
    host.ended(&stop).await;
    host.ended(&job).await;
    let start = host.text(ANN, "START").await;
    host.ended(&start).await;

    host.told(ANN, |sent| sent.body.contains("back")).await;
    assert!(host.texts(ANN).iter().all(|sent| sent.links().is_empty()), "{:#?}", host.texts(ANN));
}

#[tokio::test]
async fn who_stopped_before_ever_asking_stays_unheard_and_may_still_join() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    for text in ["STOP", "WTAF a page on otters"] {
        let job = host.text(ANN, text).await;
        host.ended(&job).await;
    }
    assert_eq!((ai.count(), host.texts(ANN).len()), (0, 0));
    answer(&host, ANN, "START").await;
    let url = made(&host, ANN, "WTAF a page on beavers").await;

    assert_eq!(host.page(&url).await.status, 200);
    assert_eq!(url.trim_start_matches(&host.public()).split('/').filter(|part| !part.is_empty()).count(), 2, "{url}");
}

#[rstest]
#[case("WTAF")]
#[case("COMMANDS")]
#[case("wtaf?")]
#[tokio::test]
async fn the_commands_are_told_to_whoever_asks(#[case] text: &str) {
    let ai = FakeAi::start().await;
    let host = Host::asking(&ai).await;

    let told = answer(&host, ANN, text).await;

    for word in ["WTAF", "EDIT", "INDEX", "SLUG", "STOP"] {
        assert!(told.contains(word), "{word} is not in {told}");
    }
    assert_eq!(ai.count(), 0, "no AI is needed to list commands");
}

#[tokio::test]
async fn a_person_lists_their_pages_and_chooses_the_one_at_home() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let old = made(&host, ANN, "WTAF a page on old otters").await;
    made(&host, ANN, "WTAF a page on new newts").await;

    let list = answer(&host, ANN, "INDEX").await;
    let set = answer(&host, ANN, "INDEX 2").await;
    let marked = answer(&host, ANN, "INDEX").await;

    let lines: Vec<_> = list.lines().collect();
    assert!(lines[1].starts_with("1 ") && lines[1].contains("newts"), "{list}");
    assert!(lines[2].starts_with("2 ") && lines[2].contains("otters"), "{list}");
    assert!(set.contains("first"), "{set}");
    assert!(marked.lines().nth(2).is_some_and(|line| line.ends_with("(home)")), "{marked}");
    let user = old.trim_start_matches(&host.public()).split('/').nth(1).unwrap();
    let home = host.page(&format!("/{user}")).await;
    assert!(
        home.html.contains("old otters") || home.location.is_some_and(|to| old.ends_with(&to)),
        "{:.500}",
        home.html
    );
}

#[tokio::test]
async fn after_a_rename_the_old_links_lead_to_the_new_ones() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let old = made(&host, ANN, "WTAF a page on otters").await;
    made(&host, BOB, "WTAF a page on beavers").await;

    let told = answer(&host, ANN, "SLUG Zany-Zebra").await;
    let taken = answer(&host, BOB, "SLUG zany-zebra").await;
    let reserved = answer(&host, BOB, "SLUG admin").await;

    assert!(told.contains("zany-zebra"), "{told}");
    assert!(taken.contains("taken"), "{taken}");
    assert!(!reserved.contains("You are admin"), "{reserved}");
    let moved = host.page(&old).await;
    assert_eq!(moved.status, 308);
    let to = moved.location.expect("it leads somewhere");
    assert!(to.starts_with("/zany-zebra/"), "{to}");
    assert!(host.page(&to).await.html.contains("otters"));
    let next = made(&host, ANN, "WTAF a page on newts").await;
    assert!(next.starts_with(&format!("{}/zany-zebra/", host.public())), "{next}");
}

#[tokio::test]
async fn an_edit_makes_a_new_version_at_the_same_address_and_undo_takes_it_back() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;

    let edit = host.text(ANN, "EDIT 1 make the otters blue").await;
    let edited = host.made(&edit).await;
    let told = host.told(ANN, |sent| sent.body.contains("Done, and at the same link")).await;

    assert_eq!(edited, url);
    assert_eq!(told.links(), [url.as_str()]);
    assert!(host.page(&url).await.html.contains("make the otters blue"));
    assert!(host.page(&format!("{url}?v=1")).await.html.contains("a page on otters"));
    let asked = ai.calls()[1].body["messages"].to_string();
    assert!(asked.contains("<h1>") && asked.contains("a page on otters"), "the AI sees the page it changes");

    answer(&host, ANN, "UNDO 1").await;
    let page = host.page(&url).await;
    assert!(page.html.contains("a page on otters") && !page.html.contains("blue"), "{:.600}", page.html);
}

#[tokio::test]
async fn edits_of_one_page_build_on_each_other_however_quickly_they_come() {
    let ai = FakeAi::start().await;
    ai.answer(|call| {
        let words = asked_in(call);
        let last = words.lines().last().unwrap_or("nothing").to_owned();
        Reply::Slow(answer_with(&last), std::time::Duration::from_millis(30))
    });
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;

    let mut edits = Vec::new();
    for what in ["EDIT 1 give it a red hat", "EDIT 1 give it a blue coat"] {
        edits.push(host.text(ANN, what).await);
    }
    for edit in &edits {
        assert_eq!(host.made(edit).await, url);
    }

    let calls = ai.calls();
    assert_eq!(calls.len(), 3);
    assert!(
        calls[2].body["messages"].to_string().contains("<h1>give it a red hat</h1>"),
        "the second edit sees the first"
    );
    assert!(host.page(&url).await.html.contains("blue coat"));
    assert!(host.page(&format!("{url}?v=2")).await.html.contains("red hat"));
}

#[tokio::test]
async fn nobody_edits_another_persons_page() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let path = url.trim_start_matches(&host.public()).trim_start_matches('/').to_owned();
    let app = path.split('/').nth(1).unwrap();

    for text in [format!("EDIT {path} make it rude"), format!("EDIT {app} make it rude"), format!("FORGET {app}")] {
        let job = host.text(BOB, &text).await;
        host.ended(&job).await;
    }

    let page = host.page(&url).await;
    assert!(page.html.contains("a page on otters") && !page.html.contains("rude"), "{:.600}", page.html);
    assert_eq!(host.page(&format!("{url}?v=2")).await.status, 404);
}

#[tokio::test]
async fn a_command_above_ones_role_is_what_any_other_text_would_be() {
    let ai = FakeAi::start().await;
    ai.script([Reply::text(answer_with("Otter"))]);
    ai.always(Reply::text("Edits are not my thing, darling."));
    let host = Host::of().ai([link("fake", &ai)]).set("roles.edit=operator").start().await;
    let url = made(&host, ANN, "WTAF a page on otters").await;

    let told = answer(&host, ANN, "EDIT 1 make it blue").await;
    let commands = answer(&host, ANN, "COMMANDS").await;

    assert_eq!(told, "Edits are not my thing, darling.");
    assert!(asked_in(&ai.calls()[1]).ends_with("EDIT 1 make it blue"), "a coach hears it as it stands");
    assert!(!commands.contains("EDIT"), "{commands}");
    assert_eq!(host.page(&format!("{url}?v=2")).await.status, 404);
}

#[tokio::test]
async fn a_plain_text_is_talk_with_a_coach_who_remembers_it_across_a_restart() {
    let ai = FakeAi::start().await;
    ai.script([Reply::text("Otters hold hands, you know."), Reply::text("As I said: hands.")]);
    let mut host = Host::asking(&ai).await;

    let first = answer(&host, ANN, "hey venus, tell me of otters").await;
    host.kill9().await;
    host.restart().await;
    let second = answer(&host, ANN, "and what do they hold?").await;

    assert_eq!((first.lines().next().unwrap(), second.as_str()), ("Otters hold hands, you know.", "As I said: hands."));
    let calls = ai.calls();
    let (before, thread) = (calls[0].body["messages"].to_string(), calls[1].body["messages"].to_string());
    assert!(thread.contains("tell me of otters") && thread.contains("Otters hold hands"), "{thread:.3000}");
    assert!(before.contains("Venus") && thread.contains("Venus"), "the coach stays: {thread:.3000}");
    assert!(asked_in(&calls[1]).ends_with("and what do they hold?"));
}

#[tokio::test]
async fn a_limit_refuses_kindly_and_for_that_person_only() {
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).set("limits.per_hour=2").start().await;
    made(&host, ANN, "WTAF a page on otters").await;
    made(&host, ANN, "WTAF a page on beavers").await;

    let third = host.text(ANN, "WTAF a page on newts").await;
    let job = host.ended(&third).await;

    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("refused"), Some("limit")), "{job:#}");
    let told = host.told(ANN, |sent| sent.body.contains("hour")).await;
    assert!(told.body.contains("room again in"), "{}", told.body);
    assert_eq!(ai.count(), 2, "no AI is asked for what is refused");
    made(&host, BOB, "WTAF a page on newts").await;
    assert!(answer(&host, ANN, "COMMANDS").await.contains("WTAF"), "commands are no orders");
}
