//! What a page's visitors leave, over real HTTP: who may add, read, change; how much, how often; and that it is seen at once by whoever else is there.

use futures_util::StreamExt;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, Setup, until},
    postgres,
};

/// A page with a collection of each kind of sharing.
const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><head><title>Shared</title><meta name=\"wtaf-shared\" content=\"guestbook\">\
    <meta name=\"wtaf-friends\" content=\"list\"></head><body><form method=\"post\" data-wtaf=\"rsvp\"><input name=\"name\"></form></body></html>";

/// A page, as somebody who has it open in a browser can use it.
struct Open<'h> {
    host: &'h Host,
    /// `/user/app`
    path: String,
    token: String,
}

/// What was answered.
#[derive(Debug)]
struct Told {
    status: StatusCode,
    body: Value,
    retry_after: Option<String>,
}

impl Told {
    async fn of(response: Response) -> Self {
        let status = response.status();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert!(!response.headers().contains_key("set-cookie"));
        let text = response.text().await.unwrap();
        Self { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), retry_after }
    }

    fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }
}

impl<'h> Open<'h> {
    /// Makes a page by text, and opens it.
    async fn new(host: &'h Host, by: &str) -> Self {
        let job = host.text(by, "WTAF a page to share").await;
        Self::at(host, &host.made(&job).await).await
    }

    async fn at(host: &'h Host, url: &str) -> Self {
        let page = host.page(url).await;
        assert_eq!(page.status, 200);
        let path = url.strip_prefix(&host.public()).unwrap_or(url).to_owned();
        let form = page.html.split("name=\"wtaf_token\" value=\"").nth(1).expect("a form of the page has its token");
        let token = form.split('"').next().unwrap().to_owned();
        assert!(page.html.contains(&format!("/api/apps{path}\",\"{token}\"")), "the page's script has it too");
        Self { host, path, token }
    }

    fn request(&self, method: Method, rest: &str) -> RequestBuilder {
        let path = format!("/api/apps{}/{rest}", self.path);
        self.host.request(method, &path).header("origin", "null").bearer_auth(&self.token)
    }

    async fn save(&self, collection: &str, data: Value) -> Told {
        self.save_as(None, collection, data).await
    }

    async fn save_as(&self, friend: Option<&str>, collection: &str, data: Value) -> Told {
        let request = self.request(Method::POST, &format!("records?in={collection}")).json(&data);
        told(spoken_for(request, friend)).await
    }

    async fn list(&self, collection: &str) -> Told {
        self.list_as(None, collection).await
    }

    async fn list_as(&self, friend: Option<&str>, collection: &str) -> Told {
        told(spoken_for(self.request(Method::GET, &format!("records?in={collection}")), friend)).await
    }

    async fn join(&self, name: &str, passcode: &str) -> Told {
        told(self.request(Method::POST, "friends").json(&json!({ "name": name, "passcode": passcode }))).await
    }

    /// Joins: the friend's token.
    async fn joined(&self, name: &str, passcode: &str) -> String {
        let told = self.join(name, passcode).await;
        assert_eq!(told.status, StatusCode::OK, "{told:?}");
        assert!(!told.body.to_string().contains("argon2") && !told.body.to_string().contains(passcode));
        told.body["token"].as_str().unwrap().to_owned()
    }
}

fn spoken_for(request: RequestBuilder, friend: Option<&str>) -> RequestBuilder {
    match friend {
        Some(token) => request.header("wtaf-friend", token),
        None => request,
    }
}

async fn told(request: RequestBuilder) -> Told {
    Told::of(request.send().await.expect("it answers")).await
}

fn data_of(told: &Told) -> Vec<Value> {
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
    told.body["records"].as_array().unwrap().iter().map(|record| record["data"].clone()).collect()
}

async fn sharing() -> (FakeAi, Setup) {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(format!("```html\n{PAGE}\n```")));
    let setup = Host::of().ai([crate::kit::host::link("fake", &ai)]);
    (ai, setup)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_add_everywhere_and_read_what_the_page_shares() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;

    let kept = page.save("guestbook", json!({"name": "Ann", "text": "<b>hi</b>"})).await;
    assert_eq!(kept.status, StatusCode::CREATED);
    page.save("guestbook", json!({"name": "Bob"})).await;
    assert_eq!(page.save("rsvp", json!({"name": "Eve"})).await.status, StatusCode::CREATED);

    assert_eq!(
        data_of(&page.list("guestbook").await),
        [json!({"name": "Bob"}), json!({"name": "Ann", "text": "<b>hi</b>"})]
    );
    assert_eq!(page.list("rsvp").await.code(), (403, "not-shared"));
    assert_eq!(page.list("list").await.code(), (403, "not-joined"));
    assert_eq!(page.save("list", json!({"x": 1})).await.code(), (403, "not-joined"));
    let id = kept.body["id"].as_str().unwrap();
    let gone = told(page.request(Method::DELETE, &format!("records/{id}?in=guestbook"))).await;
    assert_eq!(gone.code(), (403, "not-friends"));
    assert_eq!(page.save("no good", json!({"x": 1})).await.code(), (422, "bad-collection"));

    let listed = page.list("guestbook").await;
    let unchanged = format!("records?in=guestbook&changed={}", listed.body["changes"]);
    assert_eq!(told(page.request(Method::GET, &unchanged)).await.status, StatusCode::NO_CONTENT);
    let older = told(page.request(Method::GET, "records?in=guestbook&limit=1")).await;
    assert_eq!(older.body["more"], true);
    let last = older.body["records"][0]["id"].as_str().unwrap();
    let older = told(page.request(Method::GET, &format!("records?in=guestbook&before={last}"))).await;
    assert_eq!(data_of(&older).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pages_token_opens_no_other_page() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let (one, other) = (Open::new(&host, ANN).await, Open::new(&host, BOB).await);
    other.save("guestbook", json!({"secret": 1})).await;
    let friend = other.joined("Bob", "open sesame").await;

    let forged = Open { host: &host, path: other.path.clone(), token: one.token.clone() };
    assert_eq!(forged.save("guestbook", json!({"x": 1})).await.code(), (403, "wrong-token"));
    assert_eq!(forged.list("guestbook").await.code(), (403, "wrong-token"));
    assert_eq!(forged.join("Bob", "open sesame").await.code(), (403, "wrong-token"));
    let bare = host.request(Method::GET, &format!("/api/apps{}/records?in=guestbook", other.path));
    assert_eq!(told(bare).await.code(), (401, "no-token"));
    assert_eq!(one.list_as(Some(&friend), "list").await.code(), (403, "not-joined"), "a friend of another page");
    assert!(data_of(&one.list("guestbook").await).is_empty());
    let nowhere = Open { host: &host, path: "/nobody/nothing".into(), token: one.token.clone() };
    assert_eq!(nowhere.list("guestbook").await.code(), (404, "no-such-page"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_friends_share_a_page_and_a_sixth_is_told_kindly() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;
    let ann = page.joined("Ann", "open sesame").await;
    for n in 2..=5 {
        page.joined(&format!("Friend {n}"), "a passcode").await;
    }
    let sixth = page.join("Sixth", "a passcode").await;
    assert_eq!(sixth.code(), (409, "friends-full"));
    assert!(sixth.body["title"].as_str().unwrap().contains("Five people"));

    let again = page.joined(" ann ", "open sesame").await;
    let kept = page.save_as(Some(&ann), "list", json!({"milk": 1})).await;
    let id = kept.body["id"].as_str().unwrap();
    let put = page.request(Method::PUT, &format!("records/{id}?in=list")).json(&json!({"milk": 2}));
    assert_eq!(told(spoken_for(put, Some(&again))).await.status, StatusCode::OK);
    let listed = page.list_as(Some(&again), "list").await;
    assert_eq!((data_of(&listed), &listed.body["records"][0]["by"]), (vec![json!({"milk": 2})], &json!("Ann")));
    assert!(listed.body["records"][0]["updated"].is_string());
    for forged in [ann.replace('.', ".1"), "x.y.z".into(), format!("{ann}x")] {
        assert_eq!(page.list_as(Some(&forged), "list").await.code(), (403, "not-joined"), "{forged}");
    }
    let delete = || page.request(Method::DELETE, &format!("records/{id}"));
    assert_eq!(told(delete()).await.code(), (403, "not-joined"));
    assert_eq!(told(spoken_for(delete(), Some(&ann))).await.status, StatusCode::NO_CONTENT);
    assert_eq!(told(spoken_for(delete(), Some(&ann))).await.code(), (404, "no-such-record"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passcode_is_not_found_by_guessing_not_even_across_a_restart() {
    let (_ai, setup) = sharing().await;
    let mut host = setup.set("limits.enabled=false").start().await;
    let page = Open::new(&host, ANN).await;
    page.joined("Ann", "open sesame").await;
    let (path, token) = (page.path.clone(), page.token.clone());
    for n in 0..6 {
        assert_eq!(page.join("Ann", &format!("guess {n}")).await.code(), (403, "wrong-passcode"));
    }
    host.kill9().await;
    host.restart().await;
    let page = Open { host: &host, path, token };
    let mut codes = Vec::new();
    for n in 6..12 {
        codes.push(page.join("ANN", &format!("guess {n}")).await);
    }
    let wrong = codes.iter().filter(|told| told.code() == (403, "wrong-passcode")).count();
    assert_eq!(wrong, 4, "{codes:?}");
    let last = page.join("Ann", "open sesame").await;
    assert_eq!(last.code(), (429, "too-many"), "the right one is no better than a guess now");
    assert!(last.retry_after.is_some() && last.body["title"].as_str().unwrap().contains("minutes"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_hears_of_a_change() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;
    let refused = told(page.request(Method::GET, "records/events?in=rsvp")).await;
    assert_eq!(refused.code(), (403, "not-shared"));

    let response = page.request(Method::GET, "records/events?in=guestbook").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let mut stream = response.bytes_stream();
    let mut heard = String::new();
    for (n, wanted) in [(0, "{\"changes\":0}"), (1, "{\"changes\":1}"), (2, "{\"changes\":2}")] {
        if n > 0 {
            page.save("guestbook", json!({ "n": n })).await;
        }
        while !heard.contains(wanted) {
            let piece = tokio::time::timeout(std::time::Duration::from_mins(1), stream.next()).await;
            heard += &String::from_utf8_lossy(&piece.expect("it is heard soon").expect("it goes on").unwrap());
        }
    }
    assert_eq!(heard.matches("event: changed").count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_was_open_before_its_owner_was_renamed_saves_on() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;
    page.save("guestbook", json!({"n": 1})).await;
    let job = host.text(ANN, "SLUG bold-otter").await;
    host.ended(&job).await;
    assert_eq!(page.save("guestbook", json!({"n": 2})).await.status, StatusCode::CREATED);
    let app = page.path.rsplit('/').next().unwrap();
    let moved = Open::at(&host, &format!("/bold-otter/{app}")).await;
    assert_eq!(moved.token, page.token);
    assert_eq!(data_of(&moved.list("guestbook").await), [json!({"n": 2}), json!({"n": 1})]);

    // An edit is another version of the same page.
    let job = host.text(ANN, &format!("EDIT {app} make it red")).await;
    host.made(&job).await;
    assert_eq!(data_of(&page.list("guestbook").await).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_form_arrives_without_a_script() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;
    let send = |fields: Vec<(&'static str, String)>| {
        let request = host.request(Method::POST, &format!("/api/apps{}/records?in=guestbook", page.path));
        request.header("origin", "null").header("accept", "text/html,*/*").form(&fields)
    };
    let token = || ("wtaf_token", page.token.clone());
    let sent = send(vec![token(), ("name", "Ann & Bob".into()), ("day", "Mon".into()), ("day", "Tue".into())]);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(back, format!("{}{}?saved=1", host.public(), page.path));
    assert!(host.page(&back).await.html.contains("Sent. Thank you."));
    assert_eq!(data_of(&page.list("guestbook").await), [json!({"name": "Ann & Bob", "day": ["Mon", "Tue"]})]);

    let refused = send(vec![("name", "x".into())]).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let words = refused.text().await.unwrap();
    assert!(words.contains("Back to the page") && words.contains("back button"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_origin_may_ask_and_none_with_credentials() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;
    for (method, rest) in
        [("POST", "records"), ("PUT", "records/1"), ("DELETE", "records/1"), ("GET", "records/events")]
    {
        let answer = host
            .request(Method::OPTIONS, &format!("/api/apps{}/{rest}", page.path))
            .header("origin", "null")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "authorization,content-type,idempotency-key,wtaf-friend")
            .send()
            .await
            .unwrap();
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!((answer.status(), header("access-control-allow-origin")), (StatusCode::NO_CONTENT, "*"));
        assert!(header("access-control-allow-methods").contains(method));
        for name in ["authorization", "content-type", "idempotency-key", "wtaf-friend"] {
            assert!(header("access-control-allow-headers").contains(name));
        }
        assert_eq!(header("access-control-allow-credentials"), "");
        assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
    }
    let elsewhere = host.request(Method::OPTIONS, "/api/chat").header("origin", "null");
    let elsewhere = elsewhere.header("access-control-request-method", "POST").send().await.unwrap();
    assert!(!elsewhere.headers().contains_key("access-control-allow-origin"), "only records are open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_long_too_odd_and_too_many_are_refused_in_words() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;
    let long = page.save("guestbook", json!({ "text": "a".repeat(17_000) })).await;
    assert_eq!(long.code(), (413, "too-long"));
    let longer = page.save("guestbook", json!({ "text": "a".repeat(100_000) })).await;
    assert_eq!(longer.code(), (413, "too-long"));
    assert_eq!(page.save("guestbook", json!({})).await.code(), (422, "empty"));
    let odd = page.request(Method::POST, "records").header("content-type", "application/json").body("{");
    assert_eq!(told(odd).await.code(), (422, "bad-record"));
    let file = page.request(Method::POST, "records").header("content-type", "image/png").body("x");
    assert_eq!(told(file).await.code(), (415, "bad-record"));

    let mut last = None;
    for n in 0..60 {
        let told = page.save("guestbook", json!({ "n": n })).await;
        if told.status == StatusCode::TOO_MANY_REQUESTS {
            last = Some(told);
            break;
        }
    }
    let last = last.expect("there is an end to it");
    assert_eq!(last.code(), (429, "too-many"));
    assert!(last.retry_after.unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(page.list("guestbook").await.status, StatusCode::OK, "reading goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_one_postgresql_share_tokens_and_hear_each_other() {
    let url = postgres::database().await;
    let (_ai, setup) = sharing().await;
    let setup = setup.set(format!("store.url={url}"));
    let (one, two) = (setup.clone().start().await, setup.start().await);
    let here = Open::new(&one, ANN).await;
    let there = Open { host: &two, path: here.path.clone(), token: here.token.clone() };
    let ann = here.joined("Ann", "open sesame").await;

    let mut stream = there.request(Method::GET, "records/events?in=guestbook").send().await.unwrap().bytes_stream();
    let first = stream.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("\"changes\":0"));
    here.save("guestbook", json!({"z": 1, "a": "\u{e9}"})).await;
    let heard = tokio::time::timeout(std::time::Duration::from_mins(1), stream.next()).await;
    assert!(String::from_utf8_lossy(&heard.unwrap().unwrap().unwrap()).contains("\"changes\":1"));
    assert_eq!(data_of(&there.list("guestbook").await), [json!({"z": 1, "a": "\u{e9}"})]);
    assert_eq!(there.save_as(Some(&ann), "list", json!([1])).await.status, StatusCode::CREATED);
    until("the other node lists it", async || {
        let listed = here.list_as(Some(&ann), "list").await;
        (data_of(&listed) == [json!([1])]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_answer_was_lost_is_sent_again_and_kept_once() {
    let (_ai, setup) = sharing().await;
    let host = setup.start().await;
    let page = Open::new(&host, ANN).await;
    let save = |key: &'static str| {
        let request = page.request(Method::POST, "records?in=guestbook").header("idempotency-key", key);
        told(request.json(&json!({ "name": "Ann" })))
    };

    let first = save("0.1230.456").await;
    let again = save("0.1230.456").await;
    let other = save("0.7890.123").await;
    let odd = save(" ").await;
    let none = page.request(Method::POST, "records").header("idempotency-key", "").json(&json!({ "name": "Ann" }));

    assert_eq!((first.status, &first.body), (StatusCode::CREATED, &again.body));
    assert!(other.status == StatusCode::CREATED && other.body["id"] != first.body["id"]);
    assert!(odd.status == StatusCode::CREATED || odd.code() == (422, "idempotency-key"));
    assert_eq!(told(none).await.code(), (422, "idempotency-key"));
    let kept = page.list("guestbook").await.body["records"].as_array().unwrap().len();
    assert!(kept == 2 || (kept == 3 && odd.status == StatusCode::CREATED), "{kept}");
}
