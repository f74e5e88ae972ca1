//! First texts, small words and coaches, as a texter meets them: what each is answered, and what is never done with it.

use rstest::rstest;

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, answer_with, asked_in, link},
    texter::{answer, echo, made, names},
};

#[tokio::test]
async fn yes_agrees_to_broadcasts_and_stands_in_the_way_of_nothing() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    made(&host, ANN, "WTAF a page on otters").await;
    let yes = answer(&host, ANN, "YES").await;
    made(&host, BOB, "WTAF a page for somebody who never said yes").await;

    assert!(yes.contains("hear from us"), "{yes}");
}

#[rstest]
#[case("HELP")]
#[case("info")]
#[tokio::test]
async fn help_says_what_this_is_and_how_to_leave(#[case] text: &str) {
    let ai = FakeAi::start().await;
    let host = Host::asking(&ai).await;

    let told = answer(&host, ANN, text).await;

    assert!(told.contains("WTAF") && told.contains("STOP"), "{told}");
    assert_eq!(ai.count(), 0, "a carrier's word is no AI's business");
}

#[tokio::test]
async fn no_word_of_the_engines_own_and_nobodys_name_can_be_had_as_a_name() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let (ann, _) = names(&host, &made(&host, ANN, "WTAF a page on otters").await);
    let (bob, _) = names(&host, &made(&host, BOB, "WTAF a page on newts").await);
    assert_ne!(ann, bob, "two people never share a name");

    for name in
        ["api", "admin", "console", "chat", "phone", "sms", "public", "look", "healthz", "sign-in", "Console", &ann]
    {
        let told = answer(&host, BOB, &format!("SLUG {name}")).await;
        assert!(!told.starts_with("You are"), "{name}: {told}");
    }

    let again = made(&host, BOB, "WTAF a page on toads").await;
    assert_eq!(names(&host, &again).0, bob);
}

#[tokio::test]
async fn an_open_talk_swallows_no_command() {
    let ai = FakeAi::start().await;
    ai.script([Reply::text("Otters, you say."), Reply::text(answer_with("Otter"))]);
    ai.always(Reply::text("I heard that."));
    let host = Host::asking(&ai).await;

    assert_eq!(answer(&host, ANN, "hey venus").await.lines().next(), Some("Otters, you say."));
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let list = answer(&host, ANN, "INDEX").await;

    assert!(list.starts_with("Your pages"), "{list}");
    assert_eq!((ai.count(), host.page(&url).await.status), (2, 200));
    let job = host.text(ANN, "STOP").await;
    host.ended(&job).await;
    let after = host.text(ANN, "are you there?").await;
    host.ended(&after).await;
    assert_eq!(ai.count(), 2, "the talk is over for someone who left");
}

#[tokio::test]
async fn a_coach_nobody_knows_is_answered_with_those_there_are() {
    let ai = FakeAi::start().await;
    let host = Host::asking(&ai).await;

    let told = answer(&host, ANN, "WTAF -zorg- a page on otters").await;

    for name in ["Alex", "Donte", "Rohan", "Venus", "Eljas", "Kailey"] {
        assert!(told.contains(name), "{name} is not in {told}");
    }
    assert!(!told.contains("Leo"), "who is found only by those who ask is not listed: {told}");
    assert_eq!(ai.count(), 0);
}

#[tokio::test]
async fn a_second_testimonial_is_a_second_page() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    let first = made(&host, ANN, "about @alex I paint boats").await;
    let second = made(&host, ANN, "ABOUT @alex: I bake on Sundays").await;

    assert_ne!(first, second);
    assert!(host.page(&first).await.html.contains("I paint boats"), "the first one is not overwritten");
    assert!(host.page(&second).await.html.contains("I bake on Sundays"));
    assert!(ai.calls()[0].body["messages"].to_string().contains("Alex"), "it is written in the coach's voice");
}

#[rstest]
#[case::game("WTAF a snake game", "Game on")]
#[case::app("WTAF a tip calculator", "app")]
#[case::page("WTAF a page for my band", "page is live")]
#[tokio::test]
async fn the_text_that_announces_says_what_it_is(#[case] text: &str, #[case] says: &str) {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    let url = made(&host, ANN, text).await;

    let told = host.told_of(ANN, &url).await.body;
    assert!(told.contains(says), "{told}");
}

#[tokio::test]
async fn every_line_of_a_long_text_reaches_the_page() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    made(&host, ANN, "wtaf:\na to-do list\nfor tic-tac-toe players\n- blue\n- with hats").await;

    let asked = asked_in(&ai.calls()[0]);
    assert!(asked.ends_with("a to-do list\nfor tic-tac-toe players\n- blue\n- with hats"), "{asked}");
}

#[tokio::test]
async fn a_meme_is_a_picture_whose_caption_is_no_markup() {
    let host = Host::start().await;

    let url = made(&host, ANN, "MEME <script>alert('otter')</script> & <b>friends</b> on Mondays").await;

    let page = host.page(&url).await.html;
    assert!(page.contains("<svg"), "{page:.600}");
    assert!(!page.contains("<script>alert("), "{page:.3000}");
}

#[tokio::test]
async fn a_limit_outlives_a_restart_and_a_higher_role_has_more() {
    let ai = echo().await;
    let setup = Host::of().ai([link("fake", &ai)]).set("limits.per_hour=1").set("limits.factor={ coder = 2 }");
    let mut host = setup.start().await;
    made(&host, ANN, "WTAF a page on otters").await;
    made(&host, ANN, "WTAF a page on newts").await;

    host.kill9().await;
    host.restart().await;
    let job = host.text(ANN, "WTAF a page on toads").await;
    let job = host.ended(&job).await;

    assert_eq!(job["error"]["code"], "limit", "{job:#}");
    assert_eq!(ai.count(), 2);
}

#[tokio::test]
async fn a_role_higher_than_a_command_needs_may_use_it() {
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).set("roles.new=\"admin\"").set("roles.remix=operator").start().await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let (user, page) = names(&host, &url);

    let remix = made(&host, BOB, &format!("REMIX {user}/{page} in blue")).await;

    assert_eq!(host.page(&remix).await.status, 200);
    assert!(answer(&host, BOB, "COMMANDS").await.contains("REMIX"));
}

#[tokio::test]
async fn the_brief_is_never_taken_for_the_persons_own_words() {
    let ai = FakeAi::start().await;
    ai.script([Reply::text("BRIEF: an otter, blue, with a hat."), Reply::text(answer_with("Otter with a hat"))]);
    let stages = "#[[stage]]\n#name = \"plan\"\n#plugin = \"prompt\"\n#config = { make = \"brief\" }\n#when = \"build\"\n\n\
                  #[[stage]]\n#name = \"brief\"\n#adapter = \"ai\"\n#when = \"build\"";
    let setup = Host::of().ai([link("fake", &ai)]);
    let host = setup.pipeline(|text| text.replace(stages, &stages.replace('#', ""))).start().await;

    let url = made(&host, ANN, "WTAF a page on otters").await;

    let (user, _) = names(&host, &url);
    let pages = host.get(&format!("/api/pages?user={user}&since=0")).await.text().await.unwrap();
    assert!(!pages.contains("BRIEF"), "{pages}");
    let asked = async |text: &str| answer(&host, ANN, text).await;
    ai.always(Reply::text(answer_with("Green otter")));
    assert!(asked("INDEX").await.contains("Otter with a hat"));
}

#[tokio::test]
async fn cancel_in_the_chat_is_a_word_like_any_other() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    let first = host.ask("cancel").await;
    host.made(&first.id).await;
    let second = host.ask_as("a page on otters", Some(&first.session)).await;

    assert!(host.page(&host.made(&second.id).await).await.html.contains("otters"), "nobody is locked out by a word");
}

#[tokio::test]
async fn yes_brings_back_who_had_left_and_they_are_told() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    made(&host, ANN, "WTAF a page on otters").await;
    let stop = host.text(ANN, "STOP").await;
    host.ended(&stop).await;

    let back = answer(&host, ANN, "YES").await;

    assert!(back.contains("back"), "{back}");
    made(&host, ANN, "WTAF a page on newts").await;
}

#[tokio::test]
async fn an_edit_by_the_whole_address_is_of_ones_own_page_and_of_no_other() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let (ann, page) = names(&host, &url);

    let edit = host.text(ANN, &format!("EDIT {ann}/{page} make it blue")).await;
    assert_eq!(host.made(&edit).await, url);
    let (calls, told) = (ai.count(), answer(&host, BOB, &format!("EDIT {ann}/{page} make it rude")).await);

    assert!(told.contains("no page"), "{told}");
    assert_eq!(ai.count(), calls, "no AI is asked for another's page");
}
