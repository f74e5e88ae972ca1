//! What people do with pages besides making them: remix another's, keep a favourite, hide, forget; and what they are told where nothing came of it.

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, answer_with, asked_in, until},
    texter::{answer, echo, made, names},
};

#[tokio::test]
async fn a_remix_of_anothers_page_is_a_page_of_ones_own_that_grew_from_it() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let first = made(&host, ANN, "WTAF a page on otters").await;
    let (ann, otters) = names(&host, &first);

    let remix = made(&host, BOB, &format!("REMIX {ann}/{otters} with more hats")).await;

    let (bob, _) = names(&host, &remix);
    assert_ne!(bob, ann, "it is his");
    let asked = ai.calls()[1].body["messages"].to_string();
    assert!(asked.contains("<h1>a page on otters</h1>"), "the AI sees the page it grows from: {asked:.2000}");
    assert!(
        asked_in(&ai.calls()[1]).ends_with("with more hats"),
        "his words come last, the page's name not among them"
    );
    assert!(host.page(&remix).await.html.contains("with more hats"));
    let untouched = host.page(&first).await;
    assert!(untouched.html.contains("a page on otters") && !untouched.html.contains("hats"));
}

#[tokio::test]
async fn a_remix_of_a_page_there_is_not_asks_no_ai_and_says_so() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;

    let told = answer(&host, BOB, "REMIX nobody-here/no-such-page with more hats").await;

    assert!(told.contains("no-such-page"), "{told}");
    assert_eq!(ai.count(), 0, "nothing is made of nothing");
}

#[tokio::test]
async fn a_hidden_page_is_in_no_list_and_still_there_for_those_who_have_its_link() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let (user, page) = names(&host, &url);
    let listed = async || {
        let (home, front) = (host.page(&format!("/{user}")).await.html, host.page("/").await.html);
        (home.contains(&page), front.contains(&page))
    };

    assert_eq!(listed().await, (true, true));
    answer(&host, ANN, "HIDE 1").await;
    assert_eq!((listed().await, host.page(&url).await.status), ((false, false), 200));
    answer(&host, ANN, &format!("UNHIDE {page}")).await;
    assert_eq!(listed().await, (true, true));
}

#[tokio::test]
async fn a_forgotten_page_is_off_the_web_with_all_its_versions() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let kept = made(&host, ANN, "WTAF a page on newts").await;
    let (user, page) = names(&host, &url);

    let told = answer(&host, ANN, &format!("FORGET {page}")).await;

    assert!(told.contains("off the web"), "{told}");
    for gone in [url.clone(), format!("{url}?v=1")] {
        assert_eq!(host.page(&gone).await.status, 404, "{gone}");
    }
    assert!(!host.page(&format!("/{user}")).await.html.contains(&page));
    assert!(!answer(&host, ANN, "INDEX").await.contains("otters"));
    assert_eq!(host.page(&kept).await.status, 200);
}

#[tokio::test]
async fn what_changed_nothing_is_never_told_as_done() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    made(&host, ANN, "WTAF a page on otters").await;
    answer(&host, ANN, "HIDE 1").await;

    for (text, says) in [
        ("HIDE 1", "already"),
        ("UNDO 1", "nothing to take back"),
        ("FORGET 9", "no page \"9\""),
        ("UNHIDE zany-zebra-zooms", "zany-zebra-zooms"),
        ("FAVE nobody/no-such-page", "no-such-page"),
        ("INDEX 7", "no page \"7\""),
        ("EDIT 4 make it blue", "no page \"4\""),
    ] {
        let told = answer(&host, ANN, text).await;
        assert!(told.contains(says), "{text}: {told}");
        for done in ["Done", "Gone", "Hidden", "Kept", "Taken back", "Back in sight"] {
            assert!(!told.contains(done), "{text}: {told}");
        }
    }
    assert_eq!(ai.count(), 1, "no AI is asked to change what is not there");
}

#[tokio::test]
async fn a_favourite_is_kept_and_given_up_by_the_same_word() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let (ann, page) = names(&host, &url);

    let kept = answer(&host, BOB, &format!("FAVE {ann}/{page}")).await;
    let given_up = answer(&host, BOB, &format!("FAVE {ann}/{page}")).await;

    assert!(kept.contains("Kept"), "{kept}");
    assert_ne!(kept, given_up, "who gives it up is not told that it is kept");
}

#[tokio::test]
async fn an_edit_that_is_cut_off_for_good_leaves_the_page_as_it_was() {
    let ai = FakeAi::start().await;
    ai.script([Reply::text(answer_with("Whole otter"))]);
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    ai.always(Reply::CutOff(
        "```html\n<!doctype html><html><head><title>Half</title><script>let otters = [1, 2,".into(),
    ));

    let edit = host.text(ANN, "EDIT 1 make it blue").await;
    let job = host.ended(&edit).await;

    assert_ne!(job["status"], "done", "{job:#}");
    let page = host.page(&url).await;
    assert!(page.html.contains("Whole otter") && !page.html.contains("Half"), "{:.600}", page.html);
    assert_eq!(host.page(&format!("{url}?v=2")).await.status, 404, "no version was made of half a page");
    let told = host
        .told(ANN, |sent| sent.links().is_empty() && !sent.body.contains("On it") && !sent.body.contains("STOP"))
        .await;
    assert!(!told.body.contains("Done"), "{}", told.body);
}

#[tokio::test]
async fn the_same_idea_from_five_at_once_is_five_pages_and_each_is_told_its_own_link() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("Otter")));
    let host = Host::asking(&ai).await;

    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(host.text(ANN, "WTAF a page on otters").await);
    }
    let mut urls = Vec::new();
    for job in &jobs {
        urls.push(host.made(job).await);
    }

    let links: Vec<String> = until("all five are told", async || {
        let texts = host.texts(ANN);
        let links: Vec<_> = texts.iter().flat_map(|sent| sent.links()).map(str::to_owned).collect();
        (links.len() == 5).then_some(links)
    })
    .await;
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all.dedup();
        all
    };
    assert_eq!(sorted(urls.clone()).len(), 5, "{urls:#?}");
    assert_eq!(sorted(links), sorted(urls.clone()), "each text has a link that a job made");
    for url in &urls {
        assert_eq!(host.page(url).await.status, 200, "{url}");
    }
}
