//! The console: who is let in, what is shown to them and what is not, and what they can do about a failed job or a bad plugin.

use reqwest::{Method, RequestBuilder, Response, StatusCode};

use crate::kit::{
    ai::{FakeAi, Reply},
    component::{Component, digest_in, in_force, plugin},
    host::{ANN, BOB, Host, answer_with, link, until},
};

const TOKEN: &str = "a-token-of-some-length";
/// What a texter may try.
const HOSTILE: &str = "WTAF a page about <script>alert(1)</script><img src=x onerror=alert(2)>";
const PAGES: [&str; 7] = ["", "/jobs", "/queue", "/plugins", "/providers", "/people", "/configuration"];

/// A page, as a browser asks for it.
fn browse(host: &Host, path: &str) -> RequestBuilder {
    host.request(Method::GET, path).header("accept", "text/html")
}

async fn shown(host: &Host, path: &str) -> String {
    let response = browse(host, path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

/// A form of our own page.
async fn send(host: &Host, path: &str, form: &[(&str, &str)]) -> Response {
    host.request(Method::POST, path).header("origin", host.public()).form(form).send().await.unwrap()
}

/// One header of an answer.
fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn sign_in(host: &Host, token: &str) -> Response {
    send(host, "/console", &[("do", "in"), ("token", token), ("to", "/console/jobs?status=failed")]).await
}

#[tokio::test]
async fn without_a_token_only_this_machine_is_let_in() {
    let host = Host::start().await;
    for page in PAGES {
        let path = format!("/console{page}");
        assert!(shown(&host, &path).await.contains("aria-current=\"page\""), "{path}");
        let forwarded = browse(&host, &path).header("x-forwarded-for", "192.0.2.1").send().await.unwrap();
        assert_eq!(forwarded.status(), StatusCode::FORBIDDEN, "{path}");
        let elsewhere = browse(&host, &path).header("host", "evil.example").send().await.unwrap();
        assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let signed_in = send(&host, "/console", &[("do", "in"), ("token", "anything")]).await;
    assert_eq!((signed_in.status(), header(&signed_in, "set-cookie")), (StatusCode::SEE_OTHER, ""));
}

#[tokio::test]
async fn with_a_token_it_opens_to_whoever_holds_it_and_the_cookie_it_was_given_for() {
    let host = Host::of().set(format!("server.admin_token={TOKEN}")).start().await;
    let machine = host.get("/console").await;
    assert_eq!(
        (machine.status(), header(&machine, "content-type")),
        (StatusCode::UNAUTHORIZED, "application/problem+json")
    );
    let asked = browse(&host, "/console/jobs?status=failed").send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::UNAUTHORIZED);
    assert!(asked.text().await.unwrap().contains("name=\"token\""), "the token is asked for");
    let bearer = browse(&host, "/console/plugins").bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(bearer.status(), StatusCode::OK);

    let wrong = sign_in(&host, "another").await;
    assert_eq!((wrong.status(), header(&wrong, "set-cookie")), (StatusCode::FORBIDDEN, ""));
    let right = sign_in(&host, TOKEN).await;

    assert_eq!((right.status(), header(&right, "location")), (StatusCode::SEE_OTHER, "/console/jobs?status=failed"));
    let cookie = header(&right, "set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/console;"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let held = cookie.split(';').next().unwrap();
    let with = |held: &str| browse(&host, "/console/queue").header("cookie", held).send();
    assert_eq!(with(held).await.unwrap().status(), StatusCode::OK);
    assert_eq!(with(&held[..held.len() - 1]).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    // It is the console's alone.
    let api = host.request(Method::GET, "/api/plugins").header("cookie", held).send().await.unwrap();
    assert_eq!(api.status(), StatusCode::UNAUTHORIZED);
    let out = host.request(Method::POST, "/console").header("origin", host.public()).header("cookie", held);
    let out = out.form(&[("do", "out")]).send().await.unwrap();
    assert!(header(&out, "set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn where_there_is_https_the_cookie_never_goes_without_it() {
    let host = Host::of()
        .set(format!("server.admin_token={TOKEN}"))
        .set("server.public_url=https://wtaf.example")
        .start()
        .await;
    let request = host.request(Method::POST, "/console").header("origin", "https://wtaf.example");
    let signed_in = request.form(&[("do", "in"), ("token", TOKEN), ("to", "//evil.example")]).send().await.unwrap();
    let cookie = header(&signed_in, "set-cookie");
    assert!(cookie.starts_with("__Secure-wtaf_console=") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(header(&signed_in, "location"), "/console", "one stays in the console");
    let tossed = cookie.split(';').next().unwrap().replace("__Secure-", "");
    let held = browse(&host, "/console").header("cookie", tossed).send().await.unwrap();
    assert_eq!(held.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_cannot_be_guessed_by_trying() {
    let host = Host::of().set(format!("server.admin_token={TOKEN}")).start().await;
    for _ in 0..8 {
        assert_eq!(sign_in(&host, "a guess").await.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(sign_in(&host, "a guess").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&host, TOKEN).await.status(), StatusCode::TOO_MANY_REQUESTS, "nor does the right one tell");
}

#[tokio::test]
async fn whoever_holds_a_long_token_comes_in_while_others_are_guessing() {
    let token = "6f1c2a9be04d7758aa31fe90";
    let host = Host::of().set(format!("server.admin_token={token}")).start().await;
    while sign_in(&host, "a guess").await.status() != StatusCode::TOO_MANY_REQUESTS {}

    let right = sign_in(&host, token).await;

    assert_eq!(right.status(), StatusCode::SEE_OTHER);
    assert!(!header(&right, "set-cookie").is_empty());
    while sign_in(&host, "a guess").await.status() != StatusCode::TOO_MANY_REQUESTS {}
}

#[tokio::test]
async fn nothing_is_done_for_a_form_that_another_page_sent() {
    let host = Host::start().await;
    let other = Component::version("slug", "9.0.0");
    let sent = host.request(Method::POST, "/api/plugins/slug?at_once=true").header("content-type", "application/wasm");
    assert_eq!(sent.body(other.bytes.clone()).send().await.unwrap().status(), StatusCode::OK);
    let back = [("do", "rollback"), ("plugin", "slug")];
    for (path, form) in [
        ("/console/plugins", &back[..]),
        ("/console/queue", &[("do", "retry-all")][..]),
        ("/console/configuration", &[("do", "reload")][..]),
        ("/console/people", &[("who", ANN)][..]),
        ("/console/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV", &[("do", "retry")][..]),
        ("/console/plugins/slug", &[][..]),
        ("/console", &[("do", "in"), ("token", TOKEN)][..]),
    ] {
        let plain = host.request(Method::POST, path).form(form).send().await.unwrap();
        assert_eq!(plain.status(), StatusCode::FORBIDDEN, "{path} without an origin");
        for origin in ["https://evil.example", "null"] {
            let foreign = host.request(Method::POST, path).header("origin", origin).form(form).send().await.unwrap();
            assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "{path} from {origin}");
        }
    }
    assert_eq!(plugin(&host, "slug").await["digest"], other.digest);
}

#[tokio::test]
async fn a_failed_job_is_brought_back_from_the_queue_s_page_and_what_ails_it_is_said() {
    let ai = FakeAi::start().await;
    ai.always(Reply::status(500).saying("the machine is on fire"));
    let host = Host::of().ai([link("fake", &ai)]).set("queue.max_attempts=1").start().await;
    let id = host.text(ANN, "WTAF a tip calculator").await;
    assert_eq!(host.ended(&id).await["status"], "failed");
    until("it is among the failed", async || (!host.jobs_in("failed").is_empty()).then_some(())).await;
    let overview = shown(&host, "/console").await;
    assert!(overview.contains("1 job failed") && overview.contains("Strained"), "{overview}");
    let queue = shown(&host, "/console/queue").await;
    assert!(queue.contains(&id) && queue.contains("no AI provider answered: fake"), "{queue}");
    ai.always(Reply::text(answer_with("Tips")));

    let done = send(&host, "/console/queue", &[("do", "retry"), ("job", &id)]).await;

    assert_eq!((done.status(), header(&done, "location")), (StatusCode::SEE_OTHER, "/console/queue?done=retried&n=1"));
    until("its page is live", async || (host.job(&id).await["status"] == "done").then_some(())).await;
    let again = send(&host, &format!("/console/jobs/{id}"), &[("do", "retry")]).await;
    assert_eq!(again.status(), StatusCode::CONFLICT, "there is nothing to retry");
    assert!(shown(&host, "/console/queue?done=retried&n=1").await.contains("The job waits again."));
    assert!(shown(&host, "/console").await.contains("Nothing failed in the last day."));
}

#[tokio::test]
async fn the_jobs_of_one_cause_are_brought_back_together() {
    let ai = FakeAi::start().await;
    ai.always(Reply::status(500));
    let host = Host::of().ai([link("fake", &ai)]).set("queue.max_attempts=1").start().await;
    for person in [ANN, BOB] {
        host.ended(&host.text(person, "WTAF a tip calculator").await).await;
    }
    until("both are among the failed", async || (host.jobs_in("failed").len() == 2).then_some(())).await;
    ai.always(Reply::text(answer_with("Tips")));

    let other = send(&host, "/console/queue", &[("do", "retry-all"), ("code", "store"), ("what", "gone")]).await;
    let all = send(&host, "/console/queue", &[("do", "retry-all")]).await;

    assert_eq!(header(&other, "location"), "/console/queue?done=retried&n=0");
    assert_eq!(header(&all, "location"), "/console/queue?done=retried&n=2");
    until("both pages are live", async || (host.jobs_in("done").len() == 2).then_some(())).await;
}

#[tokio::test]
async fn a_version_gone_back_from_in_the_console_is_out_of_force_for_the_next_job() {
    let host = Host::start().await;
    let (first, other) = (Component::built_in("slug"), Component::version("slug", "9.0.0"));
    let offered = host.request(Method::POST, "/console/plugins/slug?by=everyone").header("origin", host.public());
    let offered = offered.header("content-type", "application/wasm").body(other.bytes.clone()).send().await.unwrap();
    assert_eq!(offered.status(), StatusCode::OK);
    assert!(offered.text().await.unwrap().contains("9.0.0 is in force"));
    let id = host.text(ANN, "WTAF a tip calculator").await;
    host.made(&id).await;
    assert_eq!(digest_in(&host.job(&id).await, "slug"), other.digest);
    assert!(shown(&host, "/console/plugins").await.contains("9.0.0"));

    let done = send(&host, "/console/plugins", &[("do", "rollback"), ("plugin", "slug")]).await;

    assert_eq!(header(&done, "location"), "/console/plugins?done=rolled-back");
    let id = host.text(ANN, "WTAF a quiz").await;
    host.made(&id).await;
    assert_eq!(digest_in(&host.job(&id).await, "slug"), first.digest);
    let page = shown(&host, "/console/plugins?done=rolled-back").await;
    assert!(page.contains("is in force again") && page.contains("set aside"), "{page}");
}

#[tokio::test]
async fn a_version_is_tried_on_a_share_that_the_operator_chooses_and_changes() {
    let host = Host::start().await;
    let other = Component::version("slug", "9.0.0");
    let offer = |query: &str| {
        let request = host.request(Method::POST, &format!("/console/plugins/slug?{query}"));
        request.header("origin", host.public()).header("content-type", "application/wasm").body(other.bytes.clone())
    };
    assert_eq!(offer("by=share&share=0").send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(offer("by=share&share=7").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(plugin(&host, "slug").await["trial"]["mode"]["canary"], 7);

    let done = send(&host, "/console/plugins", &[("do", "share"), ("plugin", "slug"), ("share", "40")]).await;
    assert_eq!(header(&done, "location"), "/console/plugins?done=shared");
    assert_eq!(plugin(&host, "slug").await["trial"]["mode"]["canary"], 40);
    send(&host, "/console/plugins", &[("do", "promote"), ("plugin", "slug")]).await;

    in_force(&host, "slug", &other.digest).await;
    let none = send(&host, "/console/plugins", &[("do", "share"), ("plugin", "slug"), ("share", "40")]).await;
    assert_eq!(none.status(), StatusCode::CONFLICT, "nothing is on trial");
}

#[tokio::test]
async fn a_version_that_fails_its_rehearsal_is_refused_with_its_report() {
    let host = Host::start().await;
    let example = serde_json::json!({
        "name": "it is called zebra",
        "call": { "propose": { "title": "Tip calculator" } },
        "expect": { "answer": ["zebra"] },
    });
    let bad = Component::with_example("slug", "9.0.0", example);
    let request = host.request(Method::POST, "/console/plugins/slug?by=everyone").header("origin", host.public());
    let refused = request.header("content-type", "application/wasm").body(bad.bytes).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let report = refused.text().await.unwrap();
    assert!(report.contains("refused.") && report.contains("it is called zebra"), "{report}");
    let overview = shown(&host, "/console").await;
    assert!(overview.contains("A version of slug was refused"), "{overview}");
}

#[tokio::test]
async fn hostile_words_are_words_and_stand_in_their_own_story_alone() {
    let host = Host::start().await;
    let id = host.text(ANN, HOSTILE).await;
    host.made(&id).await;
    until("it is recorded", async || host.data().join(format!("recordings/{id}.jsonl")).exists().then_some(())).await;

    let story = shown(&host, &format!("/console/jobs/{id}")).await;
    let replayed = send(&host, &format!("/console/jobs/{id}"), &[("do", "replay"), ("on", "in-force")]).await;
    let replayed = replayed.text().await.unwrap();

    for page in [&story, &replayed] {
        assert!(page.contains("&#60;script&#62;alert(1)") || page.contains("&lt;script&gt;alert(1)"), "{page}");
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
    assert!(replayed.contains("answers are the same"), "{replayed}");
    for page in PAGES {
        let page = shown(&host, &format!("/console{page}")).await;
        assert!(!page.contains("alert(1)") && !page.contains("onerror"), "{page}");
    }
}

#[tokio::test]
async fn no_number_and_no_secret_is_whole_on_any_page() {
    let (key, sid) = ("sk-zebra-1234", "AC0123456789");
    let change = |text: &str| format!("{text}\n# api_key = \"{key}-old\"\n");
    let host = Host::of()
        .ai([r#"{ name = "demo", kind = "demo" }"#.to_owned()])
        .pipeline(change)
        .pipeline(|text| {
            text.replace("api_key = \"${OPENAI_API_KEY:-}\"", &format!("api_key = \"${{OPENAI_API_KEY:-{key}}}\""))
        })
        .pipeline(|text| text.replace("admin_token = \"${WTAF_ADMIN_TOKEN:-}\"", &format!("admin_token = \"{TOKEN}\"")))
        .start()
        .await;
    let id = host.text(ANN, &format!("WTAF a page that says call me on {BOB}, sid {sid}")).await;
    host.ended(&id).await;
    let mut pages: Vec<String> = PAGES.iter().map(|page| format!("/console{page}")).collect();
    pages.push(format!("/console/jobs/{id}"));

    for path in pages {
        let response = browse(&host, &path).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!((response.status(), header(&response, "cache-control")), (StatusCode::OK, "no-store"), "{path}");
        let page = response.text().await.unwrap();
        for secret in [TOKEN, key, ANN, &ANN[1..], BOB] {
            assert!(!page.contains(secret), "{secret} on {path}");
        }
    }
    let sought = host.request(Method::POST, "/console/people").bearer_auth(TOKEN).header("origin", host.public());
    let sought = sought.form(&[("who", ANN)]).send().await.unwrap().text().await.unwrap();
    assert!(sought.contains("+15•••01") && !sought.contains(ANN), "{sought}");
}

#[tokio::test]
async fn a_process_without_the_worker_says_so_and_shows_what_it_has() {
    let host = Host::of().role("web").start().await;
    let id = host.text(ANN, "WTAF a tip calculator").await;
    for page in ["", "/plugins", "/providers"] {
        assert!(shown(&host, &format!("/console{page}")).await.contains("works on no jobs"), "{page}");
    }
    let overview = shown(&host, "/console").await;
    for stage in ["coach", "prompt", "ai", "extract", "slug", "publish", "notify"] {
        assert!(overview.contains(&format!("<b>{stage}</b>")), "{stage} is drawn as the file has it: {overview}");
    }
    assert!(shown(&host, "/console/jobs?status=queued").await.contains(&id));
    let done = send(&host, "/console/plugins", &[("do", "rollback"), ("plugin", "slug")]).await;
    assert_eq!(done.status(), StatusCode::SERVICE_UNAVAILABLE);
}
