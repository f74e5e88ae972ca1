//! Texts out: the console's files, and Twilio's API over real HTTP.

use std::{
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use secrecy::SecretString;
use url::Url;
use wtaf_host::{
    adapter::{
        sms::{Sms, SmsError, StatusReport, Text, carrier, signature},
        store::TextStatus,
    },
    config,
    job::{Millis, Phone},
};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, Host, link, until},
    twilio::{ACCOUNT, FROM, FakeTwilio, Fault, TOKEN},
};

fn somebody() -> Phone {
    "+15558675310".parse().unwrap()
}

fn text(body: &str) -> Text {
    Text { id: "01K9ZB7Q4M8S7V3T2N1P0R6X5Y-page-live".to_owned(), to: somebody(), body: body.to_owned() }
}

fn twilio(sms: &config::Sms) -> Arc<dyn Sms> {
    carrier(sms, std::path::Path::new("/nowhere"), None).unwrap()
}

#[tokio::test]
async fn a_text_goes_out_with_its_sender_and_the_words_as_cheap_as_they_can_be_said() {
    let fake = FakeTwilio::start().await;
    let callback: Url = "http://localhost:3030/sms/status".parse().unwrap();
    let sms = carrier(&fake.config(), std::path::Path::new("/nowhere"), Some(callback.clone())).unwrap();

    let taken = sms.send(&text("it’s live: https://x.example/a/b")).await.unwrap();

    let sent = fake.sent();
    assert_eq!((sent.len(), &sent[0].sid), (1, &taken.sid));
    assert_eq!(sent[0].body(), "it's live: https://x.example/a/b");
    assert_eq!((sent[0].form["To"].as_str(), sent[0].form["From"].as_str()), ("+15558675310", FROM));
    assert_eq!(sent[0].form["StatusCallback"], format!("{callback}?text=01K9ZB7Q4M8S7V3T2N1P0R6X5Y-page-live"));
    assert_eq!(taken.segments, 1);
}

#[tokio::test]
async fn a_messaging_service_sends_in_place_of_a_number_and_segments_are_counted_here() {
    let fake = FakeTwilio::start().await;
    let sms = twilio(&config::Sms { from: Some("MG1".to_owned()), ..fake.config() });
    let taken = sms.send(&text(&"x".repeat(161))).await.unwrap();
    assert_eq!(fake.sent()[0].form["MessagingServiceSid"], "MG1");
    assert!(!fake.sent()[0].form.contains_key("From"));
    assert_eq!(taken.segments, 2);
}

#[tokio::test]
async fn a_text_that_is_too_long_is_cut_and_not_refused() {
    let fake = FakeTwilio::start().await;
    twilio(&fake.config()).send(&text(&"A sentence of it. ".repeat(200))).await.unwrap();
    assert!(fake.sent()[0].body().len() <= 1600 && fake.sent()[0].body().ends_with('.'));
}

#[tokio::test]
async fn each_refusal_says_what_to_do_about_it() {
    let fake = FakeTwilio::start().await;
    let sms = twilio(&fake.config());
    let mut tries = Vec::new();
    for fault in [
        Fault::Refuse(400, 21610),
        Fault::TooMany(7),
        Fault::Refuse(400, 21408),
        Fault::Refuse(400, 21614),
        Fault::Refuse(503, 20503),
        Fault::Gibberish,
    ] {
        fake.fail_next(fault);
        tries.push(sms.send(&text("x")).await.unwrap_err());
    }
    assert_eq!(tries[0], SmsError::Left);
    assert!(matches!(&tries[1], SmsError::Later { after: Some(after), .. } if *after == Duration::from_secs(7)));
    assert!(matches!(&tries[2], SmsError::Misconfigured { code, .. } if code == "21408"));
    assert!(matches!(&tries[3], SmsError::Undeliverable { code, .. } if code == "21614"));
    assert!(matches!(&tries[4], SmsError::Unsure { .. }));
    assert!(matches!(&tries[5], SmsError::Unsure { .. }));
    assert!(fake.sent().is_empty());
}

#[tokio::test]
async fn a_wrong_token_is_the_operators_to_mend_and_is_not_shown() {
    let fake = FakeTwilio::start().await;
    let mut sms = fake.config();
    let account = config::Twilio {
        account_sid: ACCOUNT.to_owned(),
        auth_tokens: vec![SecretString::from("wrong-secret")],
        base_url: fake.base_url.clone(),
    };
    sms.provider = config::SmsProvider::Twilio(account);
    let why = twilio(&sms).send(&text("x")).await.unwrap_err();
    assert!(matches!(&why, SmsError::Misconfigured { code, .. } if code == "20003"));
    assert!(why.to_string().contains("sms.auth_token") && !why.to_string().contains("wrong-secret"), "{why}");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url: Url = format!("http://{}", closed.local_addr().unwrap()).parse().unwrap();
    drop(closed);
    let fake = FakeTwilio::start().await;
    let mut sms = fake.config();
    let account =
        config::Twilio { account_sid: ACCOUNT.to_owned(), auth_tokens: vec![SecretString::from(TOKEN)], base_url };
    sms.provider = config::SmsProvider::Twilio(account);
    assert!(matches!(twilio(&sms).send(&text("x")).await, Err(SmsError::Later { .. })));
}

#[tokio::test]
async fn a_text_that_may_have_been_taken_is_found_by_its_number_and_its_words() {
    let fake = FakeTwilio::start().await;
    let sms = twilio(&fake.config());
    let before = Millis::now();
    fake.set_page_size(2);
    fake.fail_next(Fault::ErrorAfterTaking);
    let why = sms.send(&text("it’s live")).await.unwrap_err();
    assert!(matches!(why, SmsError::Unsure { .. }), "{why}");
    for n in 0..5 {
        sms.send(&text(&format!("later {n}"))).await.unwrap();
    }

    let found = sms.find_taken(&somebody(), "it’s live", before).await.unwrap();

    assert_eq!(found.map(|taken| taken.sid), Some(fake.sent()[0].sid.clone()));
    assert_eq!(sms.find_taken(&somebody(), "never said", before).await.unwrap(), None);
    let other = "+15558675311".parse().unwrap();
    assert_eq!(sms.find_taken(&other, "it’s live", before).await.unwrap(), None);
}

#[tokio::test]
async fn a_send_that_was_given_up_waiting_for_is_found() {
    let fake = FakeTwilio::start().await;
    let sms = twilio(&fake.config());
    fake.fail_next(Fault::HangAfterTaking(Duration::from_mins(10)));
    let unheard = tokio::time::timeout(Duration::from_secs(2), sms.send(&text("x"))).await;
    assert!(unheard.is_err());
    assert!(sms.find_taken(&somebody(), "x", Millis(0)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_same_words_of_long_ago_are_not_taken_for_these() {
    let fake = FakeTwilio::start().await;
    let sms = twilio(&fake.config());
    sms.send(&text("x")).await.unwrap();
    let later = Millis::now().after(Duration::from_hours(48));
    assert_eq!(sms.find_taken(&somebody(), "x", later).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_trial_account_puts_before_a_text_does_not_hide_it() {
    let fake = FakeTwilio::start().await;
    fake.make_trial();
    let sms = twilio(&fake.config());
    let taken = sms.send(&text("x")).await.unwrap();
    assert_eq!(sms.find_taken(&somebody(), "x", Millis(0)).await.unwrap().unwrap().sid, taken.sid);
}

#[tokio::test]
async fn a_pace_is_kept_in_segments() {
    let fake = FakeTwilio::start().await;
    let sms = twilio(&config::Sms { per_second: Some(20.0), ..fake.config() });
    let began = Instant::now();
    for _ in 0..3 {
        // Two segments each: the third may go after four.
        let text = text(&"x".repeat(200));
        sms.turn(&text).await;
        sms.send(&text).await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_status_report_is_signed_and_says_where_the_text_stands() {
    type Heard = Arc<std::sync::Mutex<Vec<(Option<String>, Bytes)>>>;
    async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) {
        let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok()).map(str::to_owned);
        heard.lock().unwrap().push((signature, body));
    }
    let heard = Heard::default();
    let app = Router::new().route("/sms/status", post(hear)).with_state(Arc::clone(&heard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let fake = FakeTwilio::start().await;
    let callback = base.join("sms/status").unwrap();
    carrier(&fake.config(), std::path::Path::new("/nowhere"), Some(callback)).unwrap().send(&text("x")).await.unwrap();

    assert_eq!(fake.report(&fake.sent()[0], "undelivered", Some("30003")).await, 200);

    let (signature, body) = heard.lock().unwrap().pop().unwrap();
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let called = "/sms/status?text=01K9ZB7Q4M8S7V3T2N1P0R6X5Y-page-live";
    assert!(signature::check(&base, called, &form, &signature.unwrap(), &[SecretString::from(TOKEN)]));
    let report = StatusReport::of_form(&form).unwrap();
    assert_eq!((report.status, report.sid), (TextStatus::Failed, fake.sent()[0].sid.clone()));
    server.abort();
}

#[tokio::test]
async fn the_console_writes_a_text_down_for_its_owner_alone_and_sent_twice_it_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let sms = config::Sms { provider: config::SmsProvider::Console, from: None, acknowledge: true, per_second: None };
    let console = carrier(&sms, dir.path(), None).unwrap();

    let first = console.send(&text("it’s live: http://localhost:3030/a/b")).await.unwrap();
    let second = console.send(&text("it’s live: http://localhost:3030/a/b")).await.unwrap();

    assert_eq!(first, second);
    let files: Vec<_> =
        std::fs::read_dir(dir.path().join("outbox")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let written = std::fs::read_to_string(&files[0]).unwrap();
    assert!(written.starts_with("To: +15558675310\n") && written.ends_with("\nit's live: http://localhost:3030/a/b\n"));
}

#[tokio::test]
async fn the_consoles_old_texts_are_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let sms = config::Sms { provider: config::SmsProvider::Console, from: None, acknowledge: true, per_second: None };
    let console = carrier(&sms, dir.path(), None).unwrap();
    for id in ["old", "new"] {
        console.send(&Text { id: id.to_owned(), ..text("x") }).await.unwrap();
    }
    let old = std::fs::File::options().write(true).open(dir.path().join("outbox/old.txt")).unwrap();
    old.set_modified(std::time::SystemTime::now() - Duration::from_hours(100)).unwrap();

    assert_eq!(console.prune(Millis::now().before(Duration::from_hours(50))).await.unwrap(), 1);
    assert!(dir.path().join("outbox/new.txt").exists() && !dir.path().join("outbox/old.txt").exists());
}

#[test]
fn a_carrier_without_a_sender_is_refused_in_words() {
    let sms = config::Sms {
        provider: config::SmsProvider::Twilio(config::Twilio {
            account_sid: ACCOUNT.to_owned(),
            auth_tokens: vec![SecretString::from(TOKEN)],
            base_url: "https://api.twilio.com".parse().unwrap(),
        }),
        from: None,
        acknowledge: true,
        per_second: None,
    };
    let why = carrier(&sms, std::path::Path::new("/nowhere"), None).err().unwrap();
    assert!(why.to_string().contains("sms.from is not set"), "{why}");
}

#[tokio::test]
async fn a_reply_too_long_for_one_text_comes_in_parts_that_end_at_sentences_each_of_them_once() {
    let ai = FakeAi::start().await;
    let said = "Otters hold hands, so that nobody drifts away. ".repeat(90);
    ai.always(Reply::text(said.trim()));
    let mut host = Host::of().ai([link("fake", &ai)]).set("stage.extract.config={ reply_chars = 5000 }").start().await;

    let job = host.text(ANN, "hey venus, tell me everything").await;
    host.ended(&job).await;
    until("all parts went out", async || (host.texts(ANN).len() == 3).then_some(())).await;
    host.kill9().await;
    host.restart().await;
    let next = host.text(ANN, "COMMANDS").await;
    host.ended(&next).await;
    until("the next answer went out", async || (host.texts(ANN).len() == 4).then_some(())).await;

    let texts = host.texts(ANN);
    let part = |name: &str| {
        let file = format!("{job}-{name}.txt");
        texts.iter().find(|text| text.file == file).map(|text| text.body.clone()).expect("a part under its own name")
    };
    let parts = ["reply", "reply-2", "reply-3"].map(part);
    assert!(parts.iter().all(|part| part.len() <= 1600 && part.ends_with('.')), "{parts:#?}");
    assert_eq!(parts.concat().matches("drifts away.").count(), 90);
    assert!(parts[0].starts_with("Otters") && parts[..2].iter().all(|part| part.ends_with("away.")));
}

#[tokio::test]
async fn what_a_coach_says_goes_out_in_plain_signs_and_a_name_as_it_is_written() {
    let ai = FakeAi::start().await;
    ai.script([
        Reply::text("It\u{2019}s fine \u{2014} \u{201c}really\u{201d}\u{2026}\u{200b} Go on."),
        Reply::text("Zo\u{eb} \u{017b}\u{f3}\u{142}\u{107} it is, \u{732b} and all."),
    ]);
    let host = Host::of().ai([link("fake", &ai)]).start().await;

    let mut texts = Vec::new();
    for (n, words) in ["hey venus, hello", "who am I?"].into_iter().enumerate() {
        let job = host.text(ANN, words).await;
        host.ended(&job).await;
        texts.push(until("it is answered", async || host.texts(ANN).into_iter().nth(n)).await.body);
    }

    assert!(texts[0].starts_with("It's fine - \"really\"... Go on."), "{}", texts[0]);
    assert!(texts[1].starts_with("Zo\u{eb} \u{017b}\u{f3}\u{142}\u{107} it is, \u{732b} and all."), "{}", texts[1]);
}

#[tokio::test]
async fn help_is_answered_in_one_text_with_who_we_are_how_to_stop_and_what_it_costs() {
    let ai = FakeAi::start().await;
    let host = Host::asking(&ai).await;
    for (n, word) in ["HELP", "info"].into_iter().enumerate() {
        let job = host.text(ANN, word).await;
        host.ended(&job).await;
        let told = until("it is answered", async || host.texts(ANN).into_iter().nth(n)).await.body;
        assert!(["WTAF", "rates may apply", "STOP"].iter().all(|part| told.contains(part)), "{told}");
        assert!(told.len() <= 160, "{told}");
    }
    assert_eq!(ai.count(), 0);
}

#[tokio::test]
async fn a_picture_without_words_is_answered_kindly() {
    let ai = FakeAi::start().await;
    let host = Host::asking(&ai).await;
    for (n, (media, part)) in [("image/jpeg", "picture"), ("audio/amr", "recording")].into_iter().enumerate() {
        let form = [
            ("From", ANN),
            ("Body", ""),
            ("MessageSid", media),
            ("NumMedia", "1"),
            ("MediaUrl0", "https://api.example/0"),
            ("MediaContentType0", media),
        ];
        let taken = host.request(reqwest::Method::POST, "/sms/webhook").form(&form).send().await.unwrap();
        assert_eq!(taken.status(), 200);
        let told = until("it is answered", async || host.texts(ANN).into_iter().nth(n)).await.body;
        assert!(told.contains(part) && told.contains("WTAF"), "{told}");
    }
    assert_eq!(ai.count(), 0);
}
