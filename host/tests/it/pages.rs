//! What others see of a page before they open it: previews, cards, codes, lists, lineage, versions. Over real HTTP.

use reqwest::{Method, StatusCode, header};
use resvg::{tiny_skia, usvg};
use serde_json::Value;

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, link, until},
    texter::{answer, echo, made, names},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The contents of every tag that says this of itself.
fn told(html: &str, name: &str) -> Vec<String> {
    let tags = html.split('<').filter(|tag| tag.starts_with("meta ") && tag.contains(&format!("\"{name}\"")));
    tags.filter_map(|tag| Some(tag.split_once("content=\"")?.1.split_once('"')?.0.to_owned())).collect()
}

async fn about(host: &Host, url: &str) -> Value {
    let (user, app) = names(host, url);
    host.get(&format!("/api/pages/{user}/{app}")).await.json().await.expect("a page's portrait is JSON")
}

/// Looks at a page as somebody with this address does.
async fn look(host: &Host, url: &str, from: &str) {
    let (user, app) = names(host, url);
    let request = host.request(Method::GET, &format!("/{user}/{app}"));
    let request = request.header("user-agent", FIREFOX).header("x-forwarded-for", from);
    assert_eq!(request.send().await.expect("it answers").status(), StatusCode::OK);
}

/// Where in a list of ours each page stands.
async fn order(host: &Host, list: &str, urls: &[&String]) -> Vec<usize> {
    let html = host.page(list).await.html;
    let place = |url: &&String| html.find(&format!("href=\"{}\"", url.trim_start_matches(&host.public())));
    let mut places: Vec<_> = urls.iter().enumerate().filter_map(|(n, url)| Some((place(url)?, n))).collect();
    places.sort_unstable();
    places.into_iter().map(|(_, n)| n).collect()
}

#[tokio::test]
async fn previews_are_made_of_a_pages_own_words_and_never_doubled() {
    let ai = FakeAi::start().await;
    ai.answer(|call| {
        let owls = call.body["messages"].to_string().contains("secret owls");
        let html = if owls {
            "<!doctype html><html><head><title>Night birds</title><meta property=\"og:title\" content=\"x\"><meta property=\"og:title\" content=\"y\">\
             <meta property=\"og:image\" content=\"https://elsewhere.example/a.png\"></head><body><h1>Night birds</h1>\
             <p>Everything that flies &amp; hunts after dark.</p></body></html>"
        } else {
            "<!doctype html><html><head><title>Tide table</title><meta name=\"description\" content=\"High water, every day.\"></head><body></body></html>"
        };
        Reply::text(format!("```html\n{html}\n```"))
    });
    let host = Host::asking(&ai).await;
    let owls = made(&host, ANN, "WTAF a page on the secret owls of my boss").await;
    let tides = made(&host, BOB, "WTAF when is high water").await;

    let (one, other) = (host.page(&owls).await.html, host.page(&tides).await.html);

    for name in ["og:title", "og:description", "og:image", "og:url", "twitter:card", "description"] {
        assert_eq!((told(&one, name).len(), told(&other, name).len()), (1, 1), "{name}: {one}");
    }
    assert_eq!(told(&one, "og:title"), ["Night birds"]);
    assert_eq!(told(&one, "description"), ["Everything that flies &amp; hunts after dark."]);
    assert_eq!(told(&other, "og:description"), ["High water, every day."]);
    assert_eq!(told(&one, "twitter:card"), ["summary_large_image"]);
    assert_eq!(told(&one, "og:image"), [format!("{owls}/card.png?v=1")]);
    assert!(!one.contains("elsewhere.example") && !one.contains("my boss"), "{one}");
    let known = about(&host, &owls).await;
    assert_eq!(known["description"], "Everything that flies & hunts after dark.");
    assert!(!known.to_string().contains("my boss"), "what was asked is its owner's: {known:#}");
}

#[tokio::test]
async fn every_page_has_a_card_of_its_own() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let first = made(&host, ANN, "WTAF a page on otters").await;
    let second = made(&host, ANN, "WTAF a page on newts \u{1f98e} with a title that goes on and on and on").await;
    let (user, app) = names(&host, &first);
    let base = format!("/{user}/{app}/card.png");

    let answer = host.get(&format!("{base}?v=1")).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "image/png");
    assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    let tag = answer.headers()[header::ETAG].clone();
    let card = answer.bytes().await.unwrap();
    let pixels = tiny_skia::Pixmap::decode_png(&card).expect("a card is a PNG");
    assert_eq!((pixels.width(), pixels.height()), (1200, 630));

    let (user, other) = names(&host, &second);
    let another = host.get(&format!("/{user}/{other}/card.png?v=1")).await.bytes().await.unwrap();
    assert_ne!(card, another);
    let again = host.request(Method::GET, &base).header(header::IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(host.get(&base).await.headers()[header::CACHE_CONTROL], "public, max-age=300");
    for missing in [format!("{base}?v=9"), format!("/{user}/nothing/card.png"), "/nobody/nothing/card.png".to_owned()] {
        assert_eq!(host.get(&missing).await.status(), StatusCode::NOT_FOUND, "{missing}");
    }
    let kept = host.data().join("wtaf.db");
    let mut database = {
        use sqlx::Connection as _;
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", kept.display())).await.unwrap()
    };
    let urls: Vec<Option<String>> = sqlx::query_scalar("select og_image_url from wtaf_content order by content_id")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(urls, [Some(format!("{first}/card.png")), Some(format!("{second}/card.png"))]);
}

#[tokio::test]
async fn a_phone_that_reads_the_code_comes_to_the_page() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;

    let (user, app) = names(&host, &url);
    let answer = host.get(&format!("/{user}/{app}/qr.svg")).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "image/svg+xml");
    let svg = answer.text().await.unwrap();

    let tree = usvg::Tree::from_str(&svg, &usvg::Options::default()).expect("it is SVG");
    let mut pixels = tiny_skia::Pixmap::new(400, 400).unwrap();
    let scale = 400.0 / tree.size().width();
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let grey = |x: usize, y: usize| pixels.pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap()).unwrap().red();
    let read = rqrr::PreparedImage::prepare_from_greyscale(400, 400, grey).detect_grids()[0].decode().unwrap().1;
    assert_eq!(read, url);
    assert!(svg.contains("<title>"));
}

#[tokio::test]
async fn what_people_look_at_mark_and_remix_comes_first() {
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).set("server.trusted_proxies=[\"127.0.0.1\"]").start().await;
    let otters = made(&host, ANN, "WTAF a page on otters").await;
    let newts = made(&host, ANN, "WTAF a page on newts").await;
    let toads = made(&host, ANN, "WTAF a page on toads").await;
    let pages = [&otters, &newts, &toads];
    assert!(order(&host, "/gallery?by=trending", &pages).await.is_empty(), "nobody looked yet");
    let comes = async |wanted: &[usize]| {
        until(&format!("the order is {wanted:?}"), async || {
            (order(&host, "/gallery?by=trending", &pages).await == wanted).then_some(())
        })
        .await;
    };

    for n in 0..3 {
        look(&host, &otters, &format!("203.0.113.{n}")).await;
    }
    look(&host, &newts, "203.0.113.1").await;
    look(&host, &newts, "203.0.113.1").await;
    comes(&[0, 1]).await;
    assert_eq!(about(&host, &newts).await["views"], 1, "a reload is no view");
    assert_eq!(about(&host, &otters).await["views"], 3);

    let (ann, app) = names(&host, &newts);
    answer(&host, BOB, &format!("FAVE {ann}/{app}")).await;
    comes(&[1, 0]).await;
    assert_eq!(about(&host, &newts).await["faves"], 1);
    let (_, app) = names(&host, &toads);
    made(&host, BOB, &format!("REMIX {ann}/{app} with hats")).await;
    comes(&[2, 1, 0]).await;
    assert_eq!(order(&host, "/", &pages).await, [2, 1, 0], "the front page has them too");
    assert_eq!(order(&host, "/gallery", &pages).await, [2, 1, 0], "newest first");
    assert_eq!(about(&host, &toads).await["remixes"], 1);

    let (_, app) = names(&host, &newts);
    answer(&host, ANN, &format!("HIDE {app}")).await;
    comes(&[2, 0]).await;
    assert_eq!(order(&host, "/gallery", &pages).await, [2, 0]);
    assert_eq!(order(&host, "/somebody-who-is-nobody", &pages).await, Vec::<usize>::new());
    let hidden = about(&host, &newts).await;
    assert_eq!((&hidden["hidden"], &hidden["views"]), (&Value::Bool(true), &Value::from(1)), "it is live all the same");
}

#[tokio::test]
async fn machines_frames_and_what_is_loaded_ahead_are_no_views() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let (user, app) = names(&host, &url);
    for (name, value) in [
        ("user-agent", "Twitterbot/1.0"),
        ("sec-fetch-dest", "iframe"),
        ("sec-purpose", "prefetch"),
        ("purpose", "prefetch"),
    ] {
        let mut request = host.request(Method::GET, &format!("/{user}/{app}"));
        if name != "user-agent" {
            request = request.header("user-agent", FIREFOX);
        }
        request.header(name, value).send().await.unwrap();
    }
    let head = host.request(Method::HEAD, &format!("/{user}/{app}")).header("user-agent", FIREFOX);
    head.send().await.unwrap();
    // What came before is written by the time that this one is.
    look(&host, &url, "203.0.113.9").await;
    until("the view is counted", async || (about(&host, &url).await["views"] == 1).then_some(())).await;
}

#[tokio::test]
async fn lineage_is_told_in_lists_until_the_original_is_hidden() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let first = made(&host, ANN, "WTAF a page on otters").await;
    let (ann, otters) = names(&host, &first);
    let own = made(&host, ANN, "REMIX 1 with hats").await;
    let (_, hats) = names(&host, &own);
    let third = made(&host, BOB, &format!("REMIX {ann}/{hats} with boots")).await;
    let (bob, _) = names(&host, &third);

    let known = about(&host, &own).await;
    assert_eq!(
        (&known["remixed_from"]["app"], &known["remixed_from"]["url"]),
        (&otters.clone().into(), &first.clone().into())
    );
    assert_eq!(about(&host, &third).await["remixed_from"]["url"], Value::from(own.clone()), "a remix of a remix");
    assert!(host.page(&format!("/{ann}")).await.html.contains("remixed from a page on otters"));
    assert!(host.page("/gallery").await.html.contains("remixed from a page on otters"));

    answer(&host, ANN, &format!("HIDE {otters}")).await;
    answer(&host, ANN, &format!("FORGET {hats}")).await;
    assert!(about(&host, &third).await["remixed_from"].is_null());
    assert!(!host.page(&format!("/{bob}")).await.html.contains("remixed from"));
    let gone = host.get(&format!("/api/pages/{ann}/{hats}")).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_strip_of_versions_is_right_after_edit_undo_edit() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let asked = host.ask("a page on otters").await;
    let url = host.made(&asked.id).await;
    let (user, app) = names(&host, &url);
    for message in [format!("EDIT {app} with hats"), format!("UNDO {app}"), format!("EDIT {app} with boots")] {
        let again = host.ask_as(&message, Some(&asked.session)).await;
        assert_eq!(host.ended(&again.id).await["status"], "done", "{message}");
    }

    let strip = about(&host, &url).await["versions"].clone();
    let shown: Vec<_> = strip
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["version"].as_u64().unwrap(), one["restores"].as_u64(), one["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(shown, [(4, None, true), (3, Some(1), false), (2, None, false), (1, None, false)]);
    assert!(strip.as_array().unwrap().iter().all(|one| one["asked"].is_null()), "{strip:#}");
    let request = host.request(Method::GET, &format!("/api/pages/{user}/{app}")).bearer_auth(&asked.session);
    let own: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(own["versions"][0]["asked"], "with boots", "{own:#}");
    assert_eq!(
        (&own["versions"][1]["asked"], &own["versions"][3]["asked"]),
        (&Value::Null, &"a page on otters".into())
    );

    let old = host.get(&format!("/{user}/{app}?v=2")).await;
    assert_eq!(old.headers()["x-robots-tag"], "noindex");
    let old = old.text().await.unwrap();
    assert!(leads_to(&old, &url), "{old}");
    assert_eq!(told(&old, "og:title"), ["with hats"]);
    assert_eq!(told(&old, "og:image"), [format!("{url}/card.png?v=2")]);
    let newest = host.get(&format!("/{user}/{app}")).await;
    assert!(newest.headers().get("x-robots-tag").is_none());
    let newest = newest.text().await.unwrap();
    assert!(newest.contains("with boots") && leads_to(&newest, &url));
    assert!(host.page(&format!("/{user}")).await.html.contains("version 4"));
}

fn leads_to(html: &str, url: &str) -> bool {
    html.matches("rel=\"canonical\"").count() == 1 && html.contains(&format!("<link rel=\"canonical\" href=\"{url}\">"))
}

#[tokio::test]
async fn after_a_rename_all_that_leads_to_a_page_leads_on() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;
    let (user, app) = names(&host, &url);
    answer(&host, ANN, "SLUG zany-zebra").await;

    for (old, new) in [
        (format!("/api/pages/{user}/{app}"), format!("/api/pages/zany-zebra/{app}")),
        (format!("/{user}/{app}/card.png?v=1"), format!("/zany-zebra/{app}/card.png?v=1")),
        (format!("/{user}/{app}/qr.svg"), format!("/zany-zebra/{app}/qr.svg")),
    ] {
        let moved = host.get(&old).await;
        assert_eq!(
            (moved.status(), moved.headers()["location"].to_str().unwrap()),
            (StatusCode::PERMANENT_REDIRECT, new.as_str())
        );
        assert_eq!(host.get(&new).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn where_there_is_nobody_others_pages_are_offered() {
    let ai = echo().await;
    let host = Host::asking(&ai).await;
    let url = made(&host, ANN, "WTAF a page on otters").await;

    let nobody =
        host.request(Method::GET, "/somebody-who-is-nobody").header("accept", "text/html").send().await.unwrap();

    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
    let html = nobody.text().await.unwrap();
    assert!(html.contains(&format!("href=\"{}\"", url.trim_start_matches(&host.public()))), "{html}");
}
