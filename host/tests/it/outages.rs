//! What the world does to a running engine: disks that fill, databases that go, clocks that jump, providers and carriers that do the odd thing. Each is a row
//! of docs/reliability.md.

use std::{
    fs,
    io::Write,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use wtaf_host::job::{Job, JobIds, Millis, Request, Source};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{ANN, BOB, Host, answer_with, link, link_with, ran, until},
    line::Line,
    postgres,
    texter::echo,
    twilio::{ACCOUNT, FROM, FakeTwilio, Fault, TOKEN, post_signed},
};

const OTTER: &str = "WTAF a page on otters";

/// `WTAF_CHAOS_LONG` makes what lasts last as long as it does in the world.
fn lasting(in_ci: u64, long: u64) -> Duration {
    Duration::from_secs(if std::env::var_os("WTAF_CHAOS_LONG").is_some() { long } else { in_ci })
}

fn person(n: usize) -> String {
    format!("+155501070{n:02}")
}

/// Fills a disk to the last byte.
fn fill(folder: &Path) -> std::path::PathBuf {
    let filler = folder.join("filler");
    let mut file = fs::File::create(&filler).expect("there is room yet");
    for size in [1 << 20, 4096, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
    filler
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_accepted_that_could_be_lost_and_with_room_all_goes_on() {
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).disk("size=64m").start().await;
    let before = host.made(&host.text(ANN, OTTER).await).await;

    let filler = fill(&host.data());
    let refused = host.try_text(BOB, OTTER, "SMfull").await;
    assert!(refused.as_ref().is_err_and(|why| why.contains("503")), "{refused:?}");
    assert_eq!(host.page(&before).await.status, 200, "what is live stays live");
    let shut = async || (host.get("/readyz").await.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(());
    until("no balancer sends a text here", shut).await;
    let console = host.get("/console").await.text().await.expect("a page is text");
    assert!(console.contains("In trouble") && console.contains(" of 64.0 MiB left"), "{console}");
    fs::remove_file(filler).expect("it is ours");
    until("it is ready again", async || host.get("/readyz").await.status().is_success().then_some(())).await;
    let again = host.try_text(BOB, OTTER, "SMfull").await.expect("there is room");
    let url = host.made(&again).await;

    host.told_of(BOB, &url).await;
    assert_eq!(host.jobs_in("done").len(), 2);
    assert!(host.jobs_in("new").is_empty() && host.jobs_in("failed").is_empty());
}

#[tokio::test]
async fn an_answer_that_comes_while_the_disk_is_full_is_kept_and_paid_for_once() {
    let ai = FakeAi::start().await;
    ai.always(Reply::Slow(answer_with("A patient otter"), Duration::from_millis(200)));
    let host = Host::of().ai([link("fake", &ai)]).disk("size=64m").start().await;

    let job = host.text(ANN, OTTER).await;
    until("the AI answers", async || (ai.count() == 1).then_some(())).await;
    let filler = fill(&host.data());
    until("the answer waits for room", async || host.log("progress not written down: waiting")).await;
    fs::remove_file(filler).expect("it is ours");
    let url = host.made(&job).await;

    assert!(host.page(&url).await.html.contains("A patient otter"));
    assert_eq!((ai.count(), host.job(&job).await["attempts"].as_u64()), (1, Some(0)));
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_refuses_in_words_and_heals() {
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).disk("size=64m").start().await;
    let before = host.made(&host.text(ANN, OTTER).await).await;

    host.in_its_mounts("mount --bind data/wtaf data/wtaf && mount -o remount,ro,bind data/wtaf");
    let refused = host.try_text(BOB, OTTER, "SMread").await;
    assert!(refused.as_ref().is_err_and(|why| why.contains("503")), "{refused:?}");
    assert_eq!(host.page(&before).await.status, 200);
    assert!(
        host.logs().iter().any(|line| line.to_string().contains("mount that disk for writing")),
        "it says what to do"
    );
    until("it says that it is not ready, and why", async || {
        let ready: serde_json::Value = host.get("/readyz").await.json().await.expect("it is JSON");
        ready["parts"]["disk"].as_str().is_some_and(|disk| disk.contains("ead-only")).then_some(())
    })
    .await;
    host.in_its_mounts("umount data/wtaf");
    let again = host.try_text(BOB, OTTER, "SMread").await.expect("it can write");

    host.made(&again).await;
}

#[tokio::test]
async fn a_start_on_a_data_directory_that_cannot_be_written_says_so() {
    let host = Host::of().disk("ro,size=1m").unstarted();

    let said = ran(host.twin()).await;

    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("data") && said.err.contains("ead-only"), "{}", said.err);
}

#[tokio::test]
async fn while_the_database_is_gone_texts_are_taken_and_no_attempt_is_used_up() {
    let database = postgres::database().await;
    let line = Line::to(database.port().expect("it has a port"), true).await;
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).set(line.stands_for(&database)).start().await;

    let mut jobs = Vec::new();
    for n in 0..3 {
        jobs.push(host.text(&person(n), OTTER).await);
    }
    line.cut();
    for n in 3..6 {
        jobs.push(host.text(&person(n), OTTER).await);
    }
    assert_eq!(host.get("/readyz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Not a wait for something: this is how long it is gone.
    tokio::time::sleep(lasting(5, 60)).await;
    line.mend();

    for (n, job) in jobs.iter().enumerate() {
        let url = host.made(job).await;
        host.told_of(&person(n), &url).await;
        assert_eq!(host.job(job).await["attempts"], 0);
    }
    assert_eq!(ai.count(), 6, "no answer was paid for twice");
}

#[tokio::test]
async fn a_slow_database_delays_pages_and_no_acknowledgement() {
    let database = postgres::database().await;
    let line = Line::to(database.port().expect("it has a port"), true).await;
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).set(line.stands_for(&database)).start().await;

    line.slow(Duration::from_millis(60));
    let began = Instant::now();
    let job = host.text(ANN, OTTER).await;
    let acknowledged = began.elapsed();
    let url = host.made(&job).await;

    assert!(acknowledged < began.elapsed() / 4, "{acknowledged:?} of {:?}", began.elapsed());
    host.told_of(ANN, &url).await;
}

#[tokio::test]
async fn connections_cut_in_the_middle_of_transactions_lose_and_double_nothing() {
    const JOBS: usize = 20;
    let database = postgres::database().await;
    let line = Line::to(database.port().expect("it has a port"), true).await;
    let ai = echo().await;
    let host = Host::of().ai([link("fake", &ai)]).set(line.stands_for(&database)).start().await;
    let mut jobs = Vec::new();
    for n in 0..JOBS {
        jobs.push(host.text(&person(n), OTTER).await);
    }

    let cutting = async {
        loop {
            tokio::time::sleep(Duration::from_millis(rand::random_range(20..200))).await;
            line.cut();
            line.mend();
            if host.jobs_in("done").len() == JOBS {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(3), cutting).await.expect("they come to an end all the same");

    for (n, job) in jobs.iter().enumerate() {
        let url = host.made(job).await;
        host.told_of(&person(n), &url).await;
        assert_eq!(host.texts(&person(n)).len(), 2, "an acknowledgement and an announcement");
        assert_eq!(host.page(&format!("{url}?v=2")).await.status, 404, "published once");
    }
    assert_eq!(ai.count(), JOBS);
}

#[tokio::test]
async fn a_clock_that_jumps_delays_nothing_for_long_and_doubles_nothing() {
    let clock = tempfile::NamedTempFile::new().expect("a file can be made");
    let set = |hours: i64| fs::write(clock.path(), (hours * 3_600_000).to_string()).expect("it is writable");
    let ai = echo().await;
    ai.script([Reply::status(503)]);
    let at = clock.path().display().to_string();
    set(0);
    let host = Host::of().ai([link("fake", &ai)]).env("WTAF_CLOCK", &at).start().await;

    // A try that failed waits for a moment, written down while the clock is ahead.
    set(26);
    let put_off = host.text(&person(0), OTTER).await;
    until("it is put off", async || {
        host.file_of(&put_off).filter(|(folder, file)| *folder == "new" && file["attempts"] == 1)
    })
    .await;
    set(-2);
    let mut jobs = vec![put_off, host.text(&person(1), OTTER).await];
    set(0);
    jobs.push(host.text(&person(2), OTTER).await);

    for (n, job) in jobs.iter().enumerate() {
        let url = host.made(job).await;
        host.told_of(&person(n), &url).await;
        assert_eq!(host.texts(&person(n)).len(), 2);
    }
    assert!(jobs[0] < jobs[1] && jobs[1] < jobs[2], "ids go on rising: {jobs:?}");
}

#[tokio::test]
async fn with_five_thousand_files_in_the_queue_it_is_soon_ready_and_takes_more() {
    const FILES: usize = 5_000;
    let mut host = Host::of().unstarted();
    let new = host.data().join("wtaf/new");
    fs::create_dir_all(&new).expect("the folder is ours");
    let ids = JobIds::default();
    for n in 0..FILES {
        let request = Request {
            source: Source::Sms,
            asker: wtaf_host::job::Asker::Phone(format!("+1555{:07}", 3_000_000 + n / 10).parse().expect("a number")),
            text: "COMMANDS".to_owned(),
            media: Vec::new(),
            delivery: None,
            opt_out: None,
            coach: None,
            user_slug: None,
        };
        let job = Job::new(ids.next(Millis::now()), request, Millis::now());
        let file = serde_json::to_vec(&job).expect("a job is JSON");
        fs::write(new.join(format!("{}.json", job.id)), file).expect("the folder is ours");
    }

    let began = Instant::now();
    host.restart().await;
    let ready = began.elapsed();
    let job = host.text(ANN, "COMMANDS").await;
    let accepted = began.elapsed();
    until("some of them are done", async || (host.jobs_in("done").len() > 20).then_some(())).await;

    eprintln!("{FILES} files: ready after {ready:?}, one more taken after {accepted:?}");
    assert!(ready < Duration::from_secs(30), "{ready:?}");
    assert!(host.file_of(&job).is_some());
}

#[tokio::test]
async fn one_web_and_one_worker_process_share_a_data_directory_and_outlive_each_other() {
    let ai = FakeAi::start().await;
    ai.script([Reply::Hang]);
    ai.always(Reply::text(answer_with("A shared otter")));
    let mut host = Host::of().ai([link("fake", &ai)]).role("web").start().await;

    let first = host.text(ANN, OTTER).await;
    assert_eq!(host.job(&first).await["status"], "queued", "nobody works yet");
    let mut worker = host.worker().kill_on_drop(true).stderr(Stdio::null()).spawn().expect("it can be started");
    until("the AI is asked", async || (ai.count() == 1).then_some(())).await;
    let second = ran(host.worker()).await;
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.contains("is already the worker"), "{}", second.err);
    // The worker goes; the web goes on taking texts in.
    worker.kill().await.expect("it can be killed");
    let during = host.text(BOB, OTTER).await;
    let mut worker = host.worker().kill_on_drop(true).stderr(Stdio::null()).spawn().expect("it can be started");
    let urls = [host.made(&first).await, host.made(&during).await];
    // The web goes; the worker goes on.
    host.kill9().await;
    host.restart().await;

    assert!(host.page(&urls[0]).await.html.contains("A shared otter"));
    host.told_of(BOB, &urls[1]).await;
    assert_eq!(host.job(&first).await["attempts"], 0);
    worker.kill().await.expect("it can be killed");
}

#[tokio::test]
async fn told_to_stop_under_load_it_hands_back_what_it_cannot_end_and_leaves_in_time() {
    const JOBS: usize = 60;
    let ai = FakeAi::start().await;
    ai.always(Reply::Hang);
    let mut host = Host::of().ai([link("fake", &ai)]).set("server.shutdown_timeout=2s").start().await;
    let mut jobs = Vec::new();
    for n in 0..JOBS {
        jobs.push(host.text(&person(n), OTTER).await);
    }
    until("it is at work", async || (ai.count() >= JOBS / 2).then_some(())).await;

    let began = Instant::now();
    let late = async {
        for n in 0..10 {
            let Ok(job) = host.try_text(&person(90), OTTER, &format!("SMlate{n}")).await else { break };
            jobs.push(job);
        }
    };
    host.sigterm();
    late.await;
    let code = host.exit().await;

    assert_eq!(code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(host.jobs_in("work").is_empty(), "all is handed back");
    ai.always(Reply::text(answer_with("A late otter")));
    host.restart().await;
    for job in &jobs {
        host.made(job).await;
        assert_eq!(host.job(job).await["attempts"], 0);
    }
}

#[tokio::test]
async fn an_ai_that_drips_a_byte_a_second_is_left_for_the_next_one() {
    let (slow, good) = (FakeAi::start().await, FakeAi::start().await);
    slow.always(Reply::Drip(Duration::from_secs(1)));
    good.always(Reply::text(answer_with("A swift otter")));
    let host =
        Host::of().ai([link_with("slow", &slow, "retries = 0, timeout = \"3s\""), link("good", &good)]).start().await;

    let url = host.made(&host.text(ANN, OTTER).await).await;

    assert!(host.page(&url).await.html.contains("A swift otter"));
    assert_eq!((slow.count(), good.count()), (1, 1));
}

#[tokio::test]
async fn an_ai_that_answers_fifty_megabytes_is_left_for_the_next_one_and_fills_no_memory() {
    let (huge, good) = (FakeAi::start().await, FakeAi::start().await);
    huge.always(Reply::Huge(50 << 20));
    good.always(Reply::text(answer_with("A slim otter")));
    let host = Host::of().ai([link("huge", &huge), link("good", &good)]).start().await;

    let most_before = host.most_memory();
    let url = host.made(&host.text(ANN, OTTER).await).await;

    assert!(host.page(&url).await.html.contains("A slim otter"));
    let grown = host.most_memory().saturating_sub(most_before);
    assert!(grown < 48 << 20, "it took {} MiB", grown >> 20);
}

#[tokio::test]
async fn whatever_the_carrier_answers_each_text_goes_out_once() {
    let twilio = FakeTwilio::start().await;
    let host = Host::of()
        .set("sms.provider=twilio")
        .set(format!("sms.account_sid={ACCOUNT}"))
        .set(format!("sms.auth_token={TOKEN}"))
        .set(format!("sms.from={FROM}"))
        .set(format!("sms.base_url={}", twilio.base_url))
        .start()
        .await;
    let address = format!("{}/sms/webhook", host.public());
    let faults = [
        Fault::TooMany(1),
        Fault::Refuse(503, 20503),
        Fault::ErrorAfterTaking,
        Fault::Gibberish,
        // Longer than we wait for an answer.
        Fault::HangAfterTaking(Duration::from_secs(25)),
    ];

    for (n, fault) in faults.into_iter().enumerate() {
        twilio.fail_next(fault.clone());
        let pairs = [("From", person(n)), ("Body", "COMMANDS".into()), ("MessageSid", format!("SMfault{n}"))];
        let form: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(post_signed(&address, &address, &form).await, 200);
        until(&format!("{fault:?} is over"), async || {
            let settled =
                host.logs().iter().filter(|line| line["message"] == "text tried" && line["outcome"] == "sent").count();
            (settled == n + 1).then_some(())
        })
        .await;
    }

    for n in 0..5 {
        let sent = twilio.sent().iter().filter(|sent| sent.form["To"] == person(n)).count();
        assert_eq!(sent, 1, "fault {n}");
    }
}
