//! `wtaf-host doctor`: everything well, and each thing broken, with real servers and the fakes of the kit.

use std::{fs, path::Path};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};
use wtaf_host::{adapter::store, config::StoreUrl};

use crate::kit::{
    ai::{FakeAi, Reply},
    host::{Host, Ran, SHIPPED, Setup, binary, link, ran},
    nats, pgbouncer, postgres, server,
    twilio::{ACCOUNT, FROM, FakeTwilio, TOKEN},
};

/// A folder with the shipped file, and what is set besides.
struct Patient {
    folder: tempfile::TempDir,
    set: Vec<String>,
    env: Vec<(String, String)>,
}

impl Patient {
    /// With a provider that answers: nothing is to be said of it.
    fn of(ai: &FakeAi) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pipeline.toml"), SHIPPED).unwrap();
        let port = server::free_port();
        let set = vec![format!("ai=[{}]", link("fake", ai)), format!("server.listen=127.0.0.1:{port}")];
        Self { folder, set, env: Vec::new() }
    }

    fn set(mut self, key: impl Into<String>) -> Self {
        self.set.push(key.into());
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn texting(self, twilio: &FakeTwilio, token: &str, from: &str) -> Self {
        self.set("sms.provider=twilio")
            .set(format!("sms.account_sid={ACCOUNT}"))
            .set(format!("sms.auth_token={token}"))
            .set(format!("sms.from={from}"))
            .set(format!("sms.base_url={}", twilio.base_url))
    }

    async fn seen(&self, arguments: &[&str]) -> Ran {
        let mut command = binary();
        command.current_dir(self.folder.path()).arg("doctor").args(arguments);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        for key in &self.set {
            command.args(["--set", key]);
        }
        ran(command).await
    }

    /// What is not well, and how it ended. On a busy machine a server may take longer than anyone waits: then it is asked again.
    async fn complaints(&self) -> (Complaints, Ran) {
        let mut tries = 0;
        loop {
            tries += 1;
            let seen = self.seen(&["--format", "json"]).await;
            let busy =
                ["does not answer", "came free in time", "no answer within", "no second connection", "an answer takes"];
            if tries < 5 && busy.iter().any(|words| seen.out.contains(words)) {
                continue;
            }
            let all = seen.json().as_array().expect("a list of findings").clone();
            let complaints = all.into_iter().filter(|finding| finding["state"] != "ok").collect();
            return (Complaints(complaints), seen);
        }
    }
}

struct Complaints(Vec<Value>);

impl Complaints {
    /// That this is what is wrong there, and that it is said what to do.
    fn has(&self, group: &str, state: &str, found: &str, todo: &str) {
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let fits = |finding: &&Value| {
            finding["group"] == group
                && finding["state"] == state
                && text(finding, "found").contains(found)
                && text(finding, "do").contains(todo)
        };
        assert!(
            self.0.iter().any(|finding| fits(&finding)),
            "no {state} of {group} that says {found:?} and {todo:?}: {:#?}",
            self.0
        );
    }
}

/// The words people read: numbers and digests differ from run to run.
fn words(seen: &Ran, folder: &Path) -> String {
    let mut words = String::new();
    for line in seen.out.replace(&folder.display().to_string(), "FOLDER").lines() {
        for piece in line.split_inclusive(' ') {
            let bare = piece.trim_end_matches([' ', ',']);
            if bare.len() == 12 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                words.push_str(&piece.replace(bare, "DIGEST"));
            } else if matches!(bare, "GiB" | "MiB") {
                words.push_str(&piece.replace(bare, "SIZE"));
            } else {
                words.push_str(&piece.split(|c: char| c.is_ascii_digit()).collect::<Vec<_>>().join("#"));
            }
        }
        words.push('\n');
    }
    while words.contains("##") {
        words = words.replace("##", "#");
    }
    words.replace("#.# SIZE", "# SIZE").replace("#.#.#", "#.#").replace("#.#", "#")
}

async fn migrated() -> url::Url {
    let direct = postgres::database().await;
    store::migrate(&StoreUrl::Postgres(direct.as_str().to_owned().into())).await.unwrap();
    direct
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_every_line_says_so_and_nothing_is_left_behind() {
    let (ai, twilio) = (FakeAi::start().await, FakeTwilio::start().await);
    let patient = Patient::of(&ai).texting(&twilio, TOKEN, FROM).set("server.public_url=https://wtaf.localhost");
    twilio.post_to("https://wtaf.localhost/sms/webhook");

    let mut seen = patient.seen(&[]).await;
    for _ in 0..4 {
        // A busy machine's disk or clock may be worth a warning for a moment.
        if !seen.out.contains("warning") {
            break;
        }
        seen = patient.seen(&[]).await;
    }

    assert_eq!(seen.code, Some(0), "{seen:?}");
    insta::assert_snapshot!("well", words(&seen, patient.folder.path()));
    assert!(!seen.out.contains(TOKEN) && !seen.out.contains('\u{1b}'));
    let left: Vec<_> = fs::read_dir(patient.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["pipeline.toml"], "nothing is made by looking");
    assert_eq!(ai.count(), 1, "one small call");
    assert!(ai.calls()[0].body["max_tokens"].as_u64().is_some_and(|tokens| tokens <= 16), "{:?}", ai.calls()[0].body);
    assert!(twilio.sent().is_empty(), "nobody is texted");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_thing_is_told_with_what_to_do() {
    let (ai, twilio) = (FakeAi::start().await, FakeTwilio::start().await);
    ai.always(Reply::status(401));
    let away = server::free_port();
    let patient = Patient::of(&ai)
        .texting(&twilio, "not-the-token", FROM)
        .set("server.public_url=http://wtaf.example")
        .set("limits.spend_per_day=5.0")
        .set("data.dir=pipeline.toml")
        .set(format!("store.url=postgres://me:hush@127.0.0.1:{away}/wtaf"))
        .set("queue.backend=nats")
        .set(format!("queue.nats_url=nats://me:hush@127.0.0.1:{away}"));

    let (complaints, seen) = patient.complaints().await;

    assert_eq!(seen.code, Some(1), "{seen:?}");
    complaints.has("ai", "failure", "api_key", "see");
    complaints.has("ai", "warning", "no price", "price =");
    complaints.has("sms", "failure", "credentials", "TWILIO_AUTH_TOKEN");
    complaints.has("web", "warning", "not encrypted", "reverse proxy");
    complaints.has("web", "warning", "nobody can operate", "openssl rand");
    complaints.has("disk", "failure", "is no folder", "data.dir");
    complaints.has("store", "failure", "", "DATABASE_URL");
    complaints.has("nats", "failure", "no NATS server answers", "queue.nats_url");
    assert!(!seen.out.contains("hush") && !seen.out.contains("not-the-token"), "{}", seen.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_posts_elsewhere_and_a_name_that_twilio_cannot_reach_are_told() {
    let (ai, twilio) = (FakeAi::start().await, FakeTwilio::start().await);
    twilio.post_to("https://elsewhere.example/hook");
    twilio.make_trial();
    let patient = Patient::of(&ai).texting(&twilio, TOKEN, FROM).set("server.public_url=https://wtaf.example");
    let stranger = Patient::of(&ai).texting(&twilio, TOKEN, "+15005550009");

    let (complaints, seen) = patient.complaints().await;
    let (others, failed) = stranger.complaints().await;

    assert_eq!((seen.code, failed.code), (Some(0), Some(1)));
    complaints.has("sms", "warning", "https://elsewhere.example/hook", "https://wtaf.example/sms/webhook");
    complaints.has("sms", "warning", "Trial", "upgrade");
    others.has("sms", "failure", "not a number of this account", "TWILIO_FROM");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoiled_plugin_and_files_that_others_may_read_are_told() {
    let ai = FakeAi::start().await;
    let patient = Patient::of(&ai);
    let data = patient.folder.path().join("data");
    fs::create_dir_all(data.join("wtaf/failed")).unwrap();
    fs::write(data.join("wtaf/failed/01ARZ3NDEKTSV4RRFFQ69G5FAV.json"), "{}").unwrap();
    fs::write(patient.folder.path().join(".env"), "WTAF_ADMIN_TOKEN=hush\n").unwrap();
    for (path, mode) in [(data.clone(), 0o755), (patient.folder.path().join(".env"), 0o644)] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }

    let (complaints, seen) = patient.complaints().await;

    assert_eq!(seen.code, Some(0), "{seen:?}");
    complaints.has("disk", "warning", "others on this machine", "chmod 700");
    complaints.has("config", "warning", "others on this machine", "chmod 600");
    complaints.has("queue", "warning", "1 jobs were given up", "wtaf-host jobs");

    fs::create_dir_all(patient.folder.path().join("plugins/installed")).unwrap();
    fs::write(patient.folder.path().join("plugins/installed/slug.wasm"), "this is no component").unwrap();
    let spoiled = patient.seen(&["--format", "json"]).await;
    assert!(matches!(spoiled.code, Some(1 | 78)), "{spoiled:?}");
    assert!(format!("{}{}", spoiled.out, spoiled.err).contains("slug"), "{spoiled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_looked_at_directly_and_through_a_pooler() {
    let ai = FakeAi::start().await;
    let direct = migrated().await;
    let pooled = pgbouncer::before(&direct).await;
    let mut hidden = pooled.clone();
    hidden.set_query(None);
    let fresh = postgres::database().await;
    let at = |url: &url::Url| Patient::of(&ai).set(format!("store.url={url}"));

    let (well, seen) = at(&direct).complaints().await;
    let (behind, _) = at(&pooled).complaints().await;
    let (listening, _) = at(&pooled).set(format!("store.listen_url={direct}")).complaints().await;
    let (mixed_up, failed) = at(&hidden).complaints().await;
    let (new, _) = at(&fresh).complaints().await;

    assert_eq!(seen.code, Some(0), "{seen:?}");
    well.has("store", "warning", "none: who is in between reads everything", "sslmode=verify-full");
    assert!(
        !well.0.iter().any(|finding| finding["group"] == "store" && finding["what"] != "encryption"),
        "{:#?}",
        well.0
    );
    behind.has("store", "warning", "other machines look each second", "store.listen_url");
    assert!(!listening.0.iter().any(|finding| finding["what"] == "notifications"), "{:#?}", listening.0);
    assert_eq!(failed.code, Some(1));
    // This pooler refuses what a client says at first; one that does not mixes up prepared statements, which doctor finds by trying.
    mixed_up.has("store", "failure", "add ?pgbouncer=true to store.url", "");
    new.has("store", "warning", "missing: 20261123", "wtaf-host migrate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_sees_nothing_and_a_table_that_all_may_read_are_told() {
    let ai = FakeAi::start().await;
    let direct = migrated().await;
    let role = format!("limited_{}", std::process::id());
    let mut conn = postgres::connect(&direct).await;
    let sql = format!(
        "create role {role}; grant select, insert, update, delete on all tables in schema public to {role}; \
         alter table wtaf_outbox disable row level security"
    );
    conn.execute(AssertSqlSafe(sql)).await.unwrap();
    let mut limited = direct.clone();
    limited.set_query(Some(&format!("options=-c%20role%3D{role}")));

    let (complaints, seen) = Patient::of(&ai).set(format!("store.url={limited}")).complaints().await;

    assert_eq!(seen.code, Some(1));
    complaints.has("store", "failure", &format!("{role} may not do all"), "bypassrls");
    complaints.has("store", "failure", "off for wtaf_outbox", "alter table wtaf_outbox enable row level security;");
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_is_looked_at_with_its_streams_as_they_are() {
    use async_nats::jetstream::{
        consumer::pull,
        stream::{Config, StorageType},
    };
    let ai = FakeAi::start().await;
    let (url, prefix) = (nats::url().await, nats::prefix());
    let patient = Patient::of(&ai)
        .set("queue.backend=nats")
        .set(format!("queue.nats_url={url}"))
        .set(format!("queue.nats_prefix={prefix}"));

    let (fresh, seen) = patient.complaints().await;
    let js = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let stream = Config {
        name: format!("{prefix}_work"),
        subjects: vec![format!("{prefix}.work.>")],
        storage: StorageType::Memory,
        duplicate_window: std::time::Duration::from_mins(2),
        ..Config::default()
    };
    let made = js.create_stream(stream).await.unwrap();
    let workers = pull::Config { durable_name: Some("workers".into()), max_deliver: 5, ..pull::Config::default() };
    made.create_consumer(workers).await.unwrap();
    let (kept, failed) = patient.complaints().await;

    assert_eq!((seen.code, failed.code), (Some(0), Some(1)), "{seen:?}");
    assert!(!fresh.0.iter().any(|finding| finding["group"] == "nats"), "{:#?}", fresh.0);
    assert!(seen.out.contains("is made at the first start"), "{}", seen.out);
    kept.has("nats", "failure", "gone with the server", &format!("nats stream rm {prefix}_work"));
    kept.has("nats", "failure", "no work queue's", "start them");
    kept.has("nats", "warning", "recognised for 2m, not 10m", "--dupe-window=10m");
    kept.has("nats", "warning", "given out 5 times", &format!("nats consumer edit {prefix}_work workers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_the_servers_is_told_with_what_to_run() {
    let (ai, url) = (FakeAi::start().await, nats::url().await);
    let at = tempfile::NamedTempFile::new().unwrap();
    fs::write(at.path(), "90000").unwrap();
    let patient = Patient::of(&ai)
        .set("queue.backend=nats")
        .set(format!("queue.nats_url={url}"))
        .set(format!("queue.nats_prefix={}", nats::prefix()));

    let (well, _) = patient.complaints().await;
    let (off, _) = patient.env("WTAF_CLOCK", &at.path().display().to_string()).complaints().await;

    assert!(!well.0.iter().any(|finding| finding["what"] == "clock"), "{:#?}", well.0);
    off.has("nats", "warning", "s off ours: what is put off", "timedatectl set-ntp true");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_an_engine_made_are_as_they_are_to_be() {
    let (ai, url, prefix) = (FakeAi::start().await, nats::url().await, nats::prefix());
    let keys = |key: &str| format!("queue.{key}");
    let set = [keys("backend=nats"), keys(&format!("nats_url={url}")), keys(&format!("nats_prefix={prefix}"))];
    let host = set.iter().fold(Host::of(), Setup::set).start().await;
    drop(host);

    let (complaints, seen) = set.iter().fold(Patient::of(&ai), Patient::set).complaints().await;

    assert!(!complaints.0.iter().any(|finding| finding["group"] == "nats"), "{:#?}", complaints.0);
    assert!(seen.out.contains(&format!("{prefix}_work workers: 0 fetched, 0 not")), "{}", seen.out);
}
