//! Signing in by a code sent by text: the web user and the texter are one person, and nobody else is texted or let in.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json, value::RawValue};
use wtaf_host::{
    adapter::store::{self, Collection, Draft, NewRecord, PageKey, Publication, Room},
    config::StoreUrl,
    job::{JobIds, Millis},
};

use crate::kit::{
    host::{ANN, BOB, Host, until},
    texter,
};

/// A browser: it keeps its one cookie.
struct Browser<'h> {
    host: &'h Host,
    cookie: Option<String>,
}

impl<'h> Browser<'h> {
    fn new(host: &'h Host) -> Self {
        Self { host, cookie: None }
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.host.request(method, path).header("origin", self.host.public());
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.keep(request.send().await.unwrap())
    }

    async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut request = self.host.request(Method::POST, path).header("origin", self.host.public()).form(fields);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        self.keep(request.send().await.unwrap())
    }

    fn keep(&mut self, response: Response) -> Response {
        if let Some(set) = response.headers().get("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        response
    }

    /// Asks in the chat; the job's id.
    async fn asks(&mut self, message: &str) -> String {
        let answer = self.send(Method::POST, "/api/chat", Some(json!({ "message": message }))).await;
        assert_eq!(answer.status(), 202);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn asks_for_code(&mut self, phone: &str) -> Response {
        self.send(Method::POST, "/api/session", Some(json!({ "phone": phone }))).await
    }

    async fn tries(&mut self, phone: &str, code: &str, move_pages: bool) -> Response {
        let body = json!({ "phone": phone, "code": code, "move_pages": move_pages });
        self.send(Method::POST, "/api/session/verify", Some(body)).await
    }

    async fn who(&mut self) -> Value {
        self.send(Method::GET, "/api/session", None).await.json().await.unwrap()
    }

    /// Signs in with the code that is texted.
    async fn signs_in(&mut self, phone: &str, move_pages: bool) -> Value {
        let before = codes(self.host, phone).len();
        assert_eq!(self.asks_for_code(phone).await.status(), 202);
        let code = next_code(self.host, phone, before).await;
        let answer = self.tries(phone, &code, move_pages).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }
}

fn codes(host: &Host, phone: &str) -> Vec<String> {
    let told = host.texts(phone).into_iter().filter(|text| text.body.contains("your code to sign in"));
    told.map(|text| text.body[..6].to_owned()).collect()
}

async fn next_code(host: &Host, phone: &str, before: usize) -> String {
    until("a code is texted", async || codes(host, phone).into_iter().nth(before)).await
}

async fn code_of(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    (status, answer.json::<Value>().await.unwrap()["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_in_is_the_texter_both_ways() {
    let ai = texter::echo().await;
    let host = Host::of().ai([crate::kit::host::link("x", &ai)]).start().await;
    let texted = texter::made(&host, ANN, "WTAF a tide table").await;
    let (user, page) = texter::names(&host, &texted);
    let mut browser = Browser::new(&host);

    let who = browser.signs_in(ANN, false).await;

    assert_eq!((&who["user"], &who["number_hint"]), (&json!(user), &json!("•••2001")));
    assert_eq!(who["session"], Value::Null, "a browser's session is out of reach of scripts");
    let chat = browser.send(Method::GET, "/chat", None).await.text().await.unwrap();
    assert!(chat.contains("WTAF a tide table</p>"), "what was texted is in the chat");

    // Asked in the chat: the page is theirs, and its link is texted as well; edited by text.
    let job = browser.asks("a kite shop").await;
    let made = host.made(&job).await;
    assert_eq!(texter::names(&host, &made).0, user);
    host.told_of(ANN, &made).await;
    let index = texter::answer(&host, ANN, "INDEX").await;
    assert!(index.contains("kite shop") && index.contains("tide table"), "{index}");

    // Made by text, taken back in the chat.
    let edit = browser.asks(&format!("EDIT {page} with the moon")).await;
    assert_eq!(host.made(&edit).await, texted);
    let texts = host.texts(ANN).len();
    let undo = browser.asks(&format!("UNDO {page}")).await;
    assert_eq!(host.ended(&undo).await["status"], "done");
    let shown = host.page(&texted).await;
    assert!(shown.html.contains("tide table") && !shown.html.contains("moon"), "{}", shown.html);
    host.told(ANN, |text| text.body.contains(&texted)).await;
    let replies = host.texts(ANN).into_iter().skip(texts).filter(|text| !text.body.contains("://")).count();
    assert_eq!(replies, 0, "what is answered in the chat is not texted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_number_is_never_texted_and_nothing_tells_it_from_a_known_one() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    texter::answer(&host, BOB, "COMMANDS").await;
    host.text(BOB, "STOP").await;
    let (mut known, mut stranger, mut gone) = (Browser::new(&host), Browser::new(&host), Browser::new(&host));
    let nobody = "+15550109999";

    let mut answers = Vec::new();
    for (browser, phone) in [(&mut known, ANN), (&mut stranger, nobody), (&mut gone, BOB)] {
        let answer = browser.asks_for_code(phone).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        answers.push((status, body["message"].clone(), body["status"].clone()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let code = next_code(&host, ANN, 0).await;

    let text = host.told(ANN, |text| text.body.starts_with(&code)).await.body;
    assert!(text.ends_with(&format!("\n\n@localhost #{code}")) && text.len() <= 160, "{text}");
    assert!(text.contains("Never share it"), "{text}");
    let other = if code == "000000" { "000001" } else { "000000" };
    let wrong = code_of(known.tries(ANN, other, false).await).await;
    assert_eq!(wrong, (403, "wrong-code".into()));
    assert_eq!(code_of(stranger.tries(nobody, other, false).await).await, wrong);
    assert_eq!(code_of(gone.tries(BOB, other, false).await).await, wrong);
    // Whatever was written for the others was written before the known one's text went out at the latest.
    assert!(host.texts(nobody).is_empty() && codes(&host, BOB).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_texted_a_few_codes_and_an_address_may_ask_for_some() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    let mut last = None;
    for _ in 0..10 {
        let answer = Browser::new(&host).asks_for_code(ANN).await;
        assert_eq!(answer.status(), 202, "whoever asks is not told that no more are sent");
        last = Some(answer);
    }
    drop(last);
    let over = Browser::new(&host).asks_for_code(ANN).await;
    assert!(over.headers().contains_key("retry-after"));
    assert_eq!(code_of(over).await, (429, "too-many-codes".into()));
    // What comes after them in the outbox went out: no fourth is on its way.
    until("three codes are texted", async || (codes(&host, ANN).len() == 3).then_some(())).await;
    texter::answer(&host, ANN, "INDEX").await;
    assert_eq!(codes(&host, ANN).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_worth_nothing_in_another_browser_and_works_once() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    let (mut hers, mut thief, mut empty) = (Browser::new(&host), Browser::new(&host), Browser::new(&host));
    hers.asks_for_code(ANN).await;
    let code = next_code(&host, ANN, 0).await;
    // The thief has a code of their own under way, for a number that is nobody's.
    thief.asks_for_code("+15550109999").await;
    assert_eq!(code_of(empty.tries(ANN, &code, false).await).await, (410, "code-expired".into()));
    until("the thief's code is kept", async || {
        let tried = code_of(thief.tries(ANN, &code, false).await).await;
        (tried == (403, "wrong-code".into())).then_some(())
    })
    .await;

    assert_eq!(hers.tries(ANN, &code, false).await.status(), 200);
    assert_eq!(code_of(hers.tries(ANN, &code, false).await).await, (410, "code-expired".into()));
    assert_eq!(thief.who().await["signed_in"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_fresh_its_end_is_final_and_a_planted_token_is_worth_nothing() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    let mut browser = Browser::new(&host);
    let job = browser.asks("a page by a guest").await;
    let planted = browser.cookie.clone().unwrap();

    browser.signs_in(ANN, false).await;

    let session = browser.cookie.clone().unwrap();
    assert_ne!(session, planted);
    let mut attacker = Browser { host: &host, cookie: Some(planted) };
    assert_eq!(attacker.who().await["signed_in"], false);
    // What was asked as a guest stays visible here.
    host.ended(&job).await;
    let chat = browser.send(Method::GET, "/chat", None).await.text().await.unwrap();
    assert!(chat.contains("a page by a guest</p>"));

    assert_eq!(browser.send(Method::DELETE, "/api/session", None).await.status(), 204);
    assert_eq!(browser.cookie, None);
    let mut kept = Browser { host: &host, cookie: Some(session) };
    assert_eq!(kept.who().await["signed_in"], false, "a cookie kept from before opens nothing");
    let asked = kept.send(Method::POST, "/api/chat", Some(json!({ "message": "a page" }))).await;
    assert_eq!(code_of(asked).await, (401, "signed-out".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_pages_can_neither_ask_for_codes_nor_sign_anyone_in_or_out() {
    let host = Host::start().await;
    let evil = |method: Method, path: &str| host.request(method, path).header("origin", "https://evil.example");
    let body = json!({ "phone": ANN, "code": "123456" });
    for (method, path) in
        [(Method::POST, "/api/session"), (Method::POST, "/api/session/verify"), (Method::DELETE, "/api/session")]
    {
        let answer = evil(method, path).json(&body).send().await.unwrap();
        assert_eq!(code_of(answer).await, (403, "foreign-origin".into()), "{path}");
    }
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let mut request = host.request(Method::POST, "/sign-in").form(&[("do", "code"), ("phone", ANN)]);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(request.send().await.unwrap().status(), 403, "{origin:?}");
    }
    let plain = host.request(Method::POST, "/api/session").header("content-type", "text/plain").body("{}");
    assert_eq!(plain.send().await.unwrap().status(), 415);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn someone_who_left_is_told_how_to_come_back_and_does() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    let mut browser = Browser::new(&host);
    browser.signs_in(ANN, false).await;
    let stop = host.text(ANN, "STOP").await;
    host.ended(&stop).await;

    let asked = browser.send(Method::POST, "/api/chat", Some(json!({ "message": "a page" }))).await;
    assert_eq!(code_of(asked).await, (403, "left".into()));

    let start = host.text(ANN, "START").await;
    host.ended(&start).await;
    let job = browser.asks("a page").await;
    host.made(&job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guests_pages_move_when_they_say_so_and_old_links_lead_there() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    let mut browser = Browser::new(&host);
    let job = browser.asks("a tip calculator").await;
    let before = host.made(&job).await;
    let (guest, page) = texter::names(&host, &before);

    let who = browser.signs_in(ANN, false).await;
    assert_eq!((&who["moved"], &who["guest_pages"]), (&json!(0), &json!(1)), "nothing moves unasked");
    let user = who["user"].as_str().unwrap();
    let offered = browser.send(Method::GET, "/sign-in", None).await.text().await.unwrap();
    assert!(offered.contains("Make it yours"), "{offered}");
    let moved = browser.form("/sign-in", &[("do", "move")]).await;
    assert_eq!(moved.headers()["location"], "/sign-in?moved=1");

    let shown = host.page(&before).await;
    assert_eq!((shown.status, shown.location), (308, Some(format!("/{user}/{page}"))));
    assert_eq!(host.page(&format!("/{guest}")).await.status, 308);
    assert_eq!(host.page(&format!("/{user}/{page}")).await.status, 200);
    assert_eq!(browser.who().await["guest_pages"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_signs_in_without_a_script_and_goes_back_where_one_came_from() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    let mut browser = Browser::new(&host);
    let first = browser.send(Method::GET, "/sign-in?to=/chat%3Fidea%3Dx", None).await.text().await.unwrap();
    assert!(first.contains("value=\"/chat?idea=x\"") && first.contains("autocomplete=\"tel\""), "{first}");
    let elsewhere = browser.send(Method::GET, "/sign-in?to=//evil.example", None).await.text().await.unwrap();
    assert!(!elsewhere.contains("evil"));

    let odd = browser.form("/sign-in", &[("do", "code"), ("phone", "0123"), ("to", "/chat?idea=x")]).await;
    assert_eq!(odd.status(), 422);
    let second =
        browser.form("/sign-in", &[("do", "code"), ("phone", "+1 555 010 2001"), ("to", "/chat?idea=x")]).await;
    let second = second.text().await.unwrap();
    assert!(second.contains("autocomplete=\"one-time-code\" ") && second.contains("inputmode=\"numeric\""), "{second}");
    let code = next_code(&host, ANN, 0).await;
    let other = if code == "000000" { "000001" } else { "000000" };
    let with = [("do", "enter"), ("phone", ANN), ("to", "/chat?idea=x")];
    let wrong = browser.form("/sign-in", &[with[0], with[1], with[2], ("code", other)]).await;
    assert_eq!(wrong.status(), 403);
    assert!(wrong.text().await.unwrap().contains("4 tries are left"));
    let done = browser.form("/sign-in", &[with[0], with[1], with[2], ("code", &code)]).await;
    assert_eq!((done.status().as_u16(), done.headers()["location"].to_str().unwrap()), (303, "/chat?idea=x"));
    assert!(browser.send(Method::GET, "/sign-in", None).await.text().await.unwrap().contains("Sign out"));
    browser.form("/sign-in", &[("do", "out")]).await;
    assert_eq!(browser.who().await["signed_in"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_cookies_holds_its_session_itself() {
    let host = Host::start().await;
    texter::answer(&host, ANN, "COMMANDS").await;
    let post = async |path: &str, body: Value| -> Value {
        host.request(Method::POST, path).json(&body).send().await.unwrap().json().await.unwrap()
    };
    let asked = post("/api/session", json!({ "phone": ANN })).await;
    let code = next_code(&host, ANN, 0).await;
    let done = post("/api/session/verify", json!({ "phone": ANN, "code": code, "session": asked["session"] })).await;
    let session = done["session"].as_str().unwrap();
    let who = host.request(Method::GET, "/api/session").bearer_auth(session).send().await.unwrap();
    assert_eq!(who.json::<Value>().await.unwrap()["user"], done["user"]);
    tokio::time::timeout(Duration::from_mins(1), async {
        let job = host.ask_as("a page", Some(session)).await;
        host.made(&job.id).await
    })
    .await
    .unwrap();
}

/// Leaves something on a page, as its visitors would.
async fn leave(host: &Host, user: &str, app: &str, json: &str) {
    let store = store::open(&StoreUrl::Sqlite(host.data().join("wtaf.db"))).await.unwrap();
    let key = PageKey { user: user.to_owned(), app: app.to_owned() };
    let placed = store.place(&key).await.unwrap().unwrap();
    let data = RawValue::from_string(json.to_owned()).unwrap();
    let record = NewRecord { page: placed.id, collection: Collection::main(), data, by: None, once: None };
    let room = Room { records: 1_000, bytes: 1_000_000, collections: 10 };
    store.add_record(record, room, Millis::now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_page_has_collected_is_its_owners_alone() {
    let host = Host::start().await;
    let (made, _) =
        (texter::made(&host, ANN, "WTAF a tip calculator").await, texter::answer(&host, BOB, "COMMANDS").await);
    let (user, app) = texter::names(&host, &made);
    leave(&host, &user, &app, r#"{"name":"Zoe <b>","note":"=cmd|' /C calc'!A0"}"#).await;
    leave(&host, &user, &app, r#"{"name":"Max","note":"say \"hi\",\nthen","age":7}"#).await;
    let (owner, csv) = (format!("/{user}/{app}/owner"), format!("/{user}/{app}/records.csv"));
    let (mut hers, mut his, mut nobody) = (Browser::new(&host), Browser::new(&host), Browser::new(&host));
    hers.signs_in(ANN, false).await;
    his.signs_in(BOB, false).await;

    for path in [&owner, &csv] {
        let away = nobody.send(Method::GET, path, None).await;
        let to = away.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!((away.status().as_u16(), to.starts_with("/sign-in?to=%2F")), (303, true), "{to}");
        let closed = code_of(his.send(Method::GET, path, None).await).await;
        let missing = code_of(his.send(Method::GET, &path.replace(&app, "no-such-page"), None).await).await;
        assert_eq!((closed.0, &closed), (404, &missing), "nobody is told that there is anything");
    }
    assert_eq!(his.form(&owner, &[("remove", "1")]).await.status(), 404);

    let shown = hers.send(Method::GET, &owner, None).await;
    assert_eq!(shown.headers()["cache-control"], "no-store");
    let shown = shown.text().await.unwrap();
    assert!(shown.contains("2 records") && shown.contains("Zoe &#60;b&#62;") && !shown.contains("<b>"), "{shown}");
    assert!(shown.find("Max").unwrap() < shown.find("Zoe").unwrap(), "newest first");
    let file = hers.send(Method::GET, &csv, None).await;
    assert!(file.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename="));
    let file = String::from_utf8(file.bytes().await.unwrap().to_vec()).unwrap();
    assert!(file.starts_with("\u{feff}id,at,collection,by,name,note,age\r\n2,"), "{file}");
    assert!(file.contains(",Max,\"say \"\"hi\"\",\nthen\",7\r\n1,"), "{file}");
    assert!(file.ends_with(",Zoe <b>,'=cmd|' /C calc'!A0,\r\n"), "{file}");

    let removed = hers.form(&owner, &[("remove", "1")]).await;
    assert_eq!((removed.status().as_u16(), removed.headers()["location"].to_str().unwrap()), (303, owner.as_str()));
    let shown = hers.send(Method::GET, &owner, None).await.text().await.unwrap();
    assert!(shown.contains("1 record,") && !shown.contains("Zoe"));
    let foreign =
        host.request(Method::POST, &owner).header("origin", "null").header("cookie", hers.cookie.clone().unwrap());
    assert_eq!(foreign.form(&[("remove", "2")]).send().await.unwrap().status(), 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_view_that_the_ai_made_is_a_frame_with_the_records_and_nothing_else() {
    let store_of = |host: &Host| StoreUrl::Sqlite(host.data().join("wtaf.db"));
    let host = Host::start().await;
    let made = texter::made(&host, ANN, "WTAF a tip calculator").await;
    let (user, app) = texter::names(&host, &made);
    let store = store::open(&store_of(&host)).await.unwrap();
    let ann = store.person_by_slug(&user).await.unwrap().unwrap();
    let draft = Draft {
        html: "<!doctype html><p>page".into(),
        owner_html: Some("<!doctype html><p id=n></p><script>n.textContent = wtaf.records.length</script>".into()),
        title: "Tips".into(),
        description: String::new(),
    };
    let publication = Publication {
        job: JobIds::default().next(Millis::now()),
        person: ann.id,
        slug: app.clone(),
        draft,
        kind: "data-app".into(),
        coach: None,
        prompt: "tips".into(),
        remix_of: None,
        og_image_url: None,
        now: Millis::now(),
        texts: vec![],
    };
    store.publish(publication).await.unwrap();
    leave(&host, &user, &app, r#"{"a":"</script><script>evil()</script>"}"#).await;
    let mut hers = Browser::new(&host);
    hers.signs_in(ANN, false).await;
    let owner = format!("/{user}/{app}/owner");

    let shown = hers.send(Method::GET, &owner, None).await;
    let policy = shown.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&format!("frame-src {}{owner};", host.public())), "{policy}");
    let shown = shown.text().await.unwrap();
    assert!(shown.contains(&format!("src=\"{}{owner}?frame=1\" sandbox=\"allow-scripts\"", host.public())), "{shown}");

    let alone = hers.send(Method::GET, &format!("{owner}?frame=1"), None).await;
    assert_eq!(alone.status(), 404, "opened by itself it could be led away");
    let framed = host.request(Method::GET, &format!("{owner}?frame=1")).header("sec-fetch-dest", "iframe");
    let framed = framed.header("cookie", hers.cookie.clone().unwrap()).send().await.unwrap();
    let policy = framed.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("sandbox allow-scripts; default-src 'none';") && !policy.contains("https:"), "{policy}");
    let html = framed.text().await.unwrap();
    assert!(html.contains("window.wtaf=") && !html.contains("<script>evil()"), "{html}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_clears_a_collection_and_removes_a_friend_and_is_asked_before() {
    let host = Host::start().await;
    let made = texter::made(&host, ANN, "WTAF a tip calculator").await;
    let (user, app) = texter::names(&host, &made);
    let store = store::open(&StoreUrl::Sqlite(host.data().join("wtaf.db"))).await.unwrap();
    let page = store.place(&PageKey { user: user.clone(), app: app.clone() }).await.unwrap().unwrap().id;
    let friend = "Zo\u{eb} & <b>";
    store.befriend(page, friend, "hash", 5, Millis::now()).await.unwrap();
    leave(&host, &user, &app, r#"{"name":"Max"}"#).await;
    leave(&host, &user, &app, r#"{"name":"Kim"}"#).await;
    let owner = format!("/{user}/{app}/owner");
    let mut hers = Browser::new(&host);
    hers.signs_in(ANN, false).await;

    let shown = hers.send(Method::GET, &owner, None).await.text().await.unwrap();
    assert!(shown.contains("Remove all") && shown.contains("Zo\u{eb} &#38; &#60;b&#62;"), "{shown}");
    for unsure in [("clear", "main"), ("clear", ""), ("unfriend", friend)] {
        let asked = hers.form(&owner, &[unsure]).await;
        assert_eq!(asked.status(), 303);
        let to = asked.headers()["location"].to_str().unwrap().to_owned();
        let question = hers.send(Method::GET, &to, None).await.text().await.unwrap();
        assert!(question.contains("id=\"sure\"") && question.contains("name=\"sure\" value=\"yes\""), "{question}");
    }
    assert_eq!(store.tally(page).await.unwrap()[0].records, 2, "nothing is done unasked");

    for sure in [("unfriend", friend), ("clear", "main")] {
        let pair = [sure, ("sure", "yes")];
        let foreign = host.request(Method::POST, &owner).header("origin", "https://evil.example");
        let foreign = foreign.header("cookie", hers.cookie.clone().unwrap()).form(&pair).send().await.unwrap();
        assert_eq!(foreign.status(), 403);
        assert_eq!(
            Browser::new(&host).form(&owner, &pair).await.headers()["location"].to_str().unwrap()[..9],
            *"/sign-in?"
        );
        assert!(!store.friends(page).await.unwrap().is_empty() || sure.0 == "clear");
        assert_eq!(hers.form(&owner, &pair).await.status(), 303);
    }

    assert!(store.friends(page).await.unwrap().is_empty() && store.tally(page).await.unwrap().is_empty());
    let shown = hers.send(Method::GET, &owner, None).await.text().await.unwrap();
    assert!(shown.contains("Nothing yet") && !shown.contains("Friends who"), "{shown}");
    assert_eq!(hers.form(&owner, &[("sure", "yes")]).await.status(), 422);
}
