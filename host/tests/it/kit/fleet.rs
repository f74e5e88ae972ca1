//! Several engines that share their work: one PostgreSQL, one set of NATS servers, each engine in a folder of its own.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};
use url::Url;
use wtaf_host::{adapter::store, config::StoreUrl};

use super::{
    ai::FakeAi,
    host::{Host, Setup, link, until},
    line::Line,
    nats, pgbouncer, postgres,
    twilio::{ACCOUNT, FROM, FakeTwilio, TOKEN},
};

/// What every engine of a fleet calls itself: a page's address is the same whichever of them made it.
const PUBLIC: &str = "http://localhost:8899";

/// What whoever texts the engines as a bridge says, where they have a carrier.
pub const BRIDGE: &str = "a-bridge-token-of-some-length";

/// What a fleet shares.
pub struct Fleet {
    /// The database, directly.
    pub database: Url,
    /// The same as the engines have it.
    store: Url,
    /// Where the NATS servers are.
    pub servers: String,
    prefix: String,
    replicas: usize,
    lease: &'static str,
    carrier: Vec<String>,
}

impl Fleet {
    /// On the server that tests share.
    pub async fn new() -> Self {
        Self::on(nats::url().await, 1).await
    }

    /// On these servers, with as many copies of each request.
    pub async fn on(servers: String, replicas: usize) -> Self {
        let database = postgres::database().await;
        Self {
            store: database.clone(),
            database,
            servers,
            prefix: nats::prefix(),
            replicas,
            lease: "2s",
            carrier: Vec::new(),
        }
    }

    /// With a transaction pooler before the database.
    pub async fn pooled(mut self) -> Self {
        store::migrate(&StoreUrl::Postgres(String::from(self.database.clone()).into())).await.expect("it is there");
        self.store = pgbouncer::before(&self.database).await;
        self
    }

    /// With a lease that a busy machine keeps too: for tests that count what is done again.
    pub fn patient(mut self) -> Self {
        self.lease = "5s";
        self
    }

    /// With one carrier for all, which sees each text that any of them sends.
    pub fn texting_by(mut self, twilio: &FakeTwilio) -> Self {
        self.carrier = vec![
            "sms.provider=twilio".to_owned(),
            format!("sms.account_sid={ACCOUNT}"),
            format!("sms.auth_token={TOKEN}"),
            format!("sms.from={FROM}"),
            format!("sms.base_url={}", twilio.base_url),
            format!("server.bridge_token={BRIDGE}"),
        ];
        self
    }

    /// The port of the database as the engines have it.
    pub fn store_port(&self) -> u16 {
        self.store.port().expect("a database's URL has a port")
    }

    /// A line to the NATS server, where there is one.
    pub async fn line_to_nats(&self) -> Line {
        let port = self.servers.rsplit(':').next().and_then(|port| port.parse().ok());
        Line::to(port.expect("a server's URL ends in its port"), true).await
    }

    /// The stream of what waits and is at work.
    pub fn work_stream(&self) -> String {
        format!("{}_work", self.prefix)
    }

    /// An engine that asks this AI.
    pub fn engine(&self, ai: &FakeAi) -> Setup {
        self.engine_over(ai, &self.servers, self.store_port())
    }

    /// The same, over lines of its own.
    pub fn engine_over(&self, ai: &FakeAi, servers: &str, store_port: u16) -> Setup {
        let mut store = self.store.clone();
        store.set_port(Some(store_port)).expect("a database's URL has a port");
        let engine = Host::of()
            .ai([link("fake", ai)])
            .set("queue.backend=nats")
            .set(format!("queue.nats_url={servers}"))
            .set(format!("queue.nats_prefix={}", self.prefix))
            .set(format!("queue.replicas={}", self.replicas))
            .set(format!("queue.lease={}", self.lease))
            .set(format!("store.url={store}"))
            .set(format!("server.public_url={PUBLIC}"));
        self.carrier.iter().fold(engine, Setup::set)
    }

    /// A connection to look with.
    pub async fn look(&self) -> PgConnection {
        postgres::connect(&self.database).await
    }

    /// Waits until so many jobs have ended; gives how many ended how.
    pub async fn all_ended(&self, jobs: usize) -> HashMap<String, i64> {
        let mut conn = self.look().await;
        until(&format!("{jobs} jobs have ended"), async || {
            let rows = sqlx::query("select status, count(*) as n from wtaf_jobs group by status")
                .fetch_all(&mut conn)
                .await
                .ok()?;
            let ended: HashMap<String, i64> = rows.iter().map(|row| (row.get("status"), row.get("n"))).collect();
            let over: i64 = ["done", "failed", "refused"].iter().filter_map(|status| ended.get(*status)).sum();
            (over >= i64::try_from(jobs).unwrap_or(i64::MAX)).then_some(ended)
        })
        .await
    }

    /// Waits until every text there is has gone out.
    pub async fn all_sent(&self) {
        until("no text waits", async || {
            let waiting =
                self.count("select count(*) as n from wtaf_outbox where status in ('waiting', 'sending')").await;
            (waiting == 0).then_some(())
        })
        .await;
    }

    /// Makes it look, in the servers, as if so many workers had taken a job up: from when it has an AI's answer.
    pub async fn as_if_taken_by(&self, workers: u32, job: &str) {
        let client = async_nats::connect(&self.servers).await.expect("the server is there");
        let js = async_nats::jetstream::new(client);
        let stream = js.get_stream(format!("KV_{}_jobs", self.prefix)).await.expect("the bucket is there");
        let subject = format!("$KV.{}_jobs.{job}.*", self.prefix);
        let (subject, mut entry) = until("an answer is kept", async || {
            let last = stream.get_last_raw_message_by_subject(&subject).await.ok()?;
            let entry: serde_json::Value = serde_json::from_slice(&last.payload).ok()?;
            let answers = entry["job"]["progress"]["answers"].as_array().map_or(0, Vec::len);
            (answers > 0).then_some((last.subject, entry))
        })
        .await;
        entry["taken"] = workers.into();
        let written = js.publish(subject, entry.to_string().into()).await.expect("it is published");
        written.await.expect("it is written");
    }

    /// How many rows a question finds.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(&mut self.look().await).await.expect("it can be asked").get("n")
    }

    /// Every job made one version of one page, told of once.
    pub async fn assert_each_made_once(&self, jobs: usize) {
        self.assert_made_and_told(jobs, jobs).await;
    }

    /// The same where some asked in the chat, and are told there.
    pub async fn assert_made_and_told(&self, jobs: usize, by_text: usize) {
        let number = |n| i64::try_from(n).expect("a small number");
        let (jobs, by_text) = (number(jobs), number(by_text));
        let made = self.count("select count(*) as n from wtaf_versions").await;
        let of = self.count("select count(distinct job_id) as n from wtaf_versions").await;
        let live =
            self.count("select count(*) as n from wtaf_content where status = 'published' and version = 1").await;
        let told = self.count("select count(*) as n from wtaf_outbox where occasion = 'page-live'").await;
        assert_eq!(
            (made, of, live, told),
            (jobs, jobs, jobs, by_text),
            "versions, jobs that made them, live pages, texts"
        );
    }
}

/// An address of the fleet as a path.
pub fn path_of(url: &str) -> &str {
    url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{url} is not below {PUBLIC}"))
}
