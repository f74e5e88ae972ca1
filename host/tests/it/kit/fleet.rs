//! Several engines that share their work: one PostgreSQL, one set of NATS servers, each engine in a folder of its own.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};
use url::Url;
use wtaf_host::{adapter::store, config::StoreUrl};

use super::{
    ai::FakeAi,
    host::{Host, Setup, link, until},
    nats, pgbouncer, postgres,
};

/// What every engine of a fleet calls itself: a page's address is the same whichever of them made it.
const PUBLIC: &str = "http://localhost:8899";

/// What a fleet shares.
pub struct Fleet {
    /// The database, directly.
    pub database: Url,
    /// The same as the engines have it.
    store: Url,
    servers: String,
    prefix: String,
    replicas: usize,
}

impl Fleet {
    /// On the server that tests share.
    pub async fn new() -> Self {
        Self::on(nats::url().await, 1).await
    }

    /// On these servers, with as many copies of each request.
    pub async fn on(servers: String, replicas: usize) -> Self {
        let database = postgres::database().await;
        Self { store: database.clone(), database, servers, prefix: nats::prefix(), replicas }
    }

    /// With a transaction pooler before the database.
    pub async fn pooled(mut self) -> Self {
        store::migrate(&StoreUrl::Postgres(String::from(self.database.clone()).into())).await.expect("it is there");
        self.store = pgbouncer::before(&self.database).await;
        self
    }

    /// The port of the database as the engines have it.
    pub fn store_port(&self) -> u16 {
        self.store.port().expect("a database's URL has a port")
    }

    /// An engine that asks this AI.
    pub fn engine(&self, ai: &FakeAi) -> Setup {
        self.engine_over(ai, &self.servers, self.store_port())
    }

    /// The same, over lines of its own.
    pub fn engine_over(&self, ai: &FakeAi, servers: &str, store_port: u16) -> Setup {
        let mut store = self.store.clone();
        store.set_port(Some(store_port)).expect("a database's URL has a port");
        Host::of()
            .ai([link("fake", ai)])
            .set("queue.backend=nats")
            .set(format!("queue.nats_url={servers}"))
            .set(format!("queue.nats_prefix={}", self.prefix))
            .set(format!("queue.replicas={}", self.replicas))
            .set("queue.lease=2s")
            .set(format!("store.url={store}"))
            .set(format!("server.public_url={PUBLIC}"))
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

    /// How many rows a question finds.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(&mut self.look().await).await.expect("it can be asked").get("n")
    }

    /// Every job made one version of one page, told of once.
    pub async fn assert_each_made_once(&self, jobs: usize) {
        let jobs = i64::try_from(jobs).expect("a small number");
        let made = self.count("select count(*) as n from wtaf_versions").await;
        let of = self.count("select count(distinct job_id) as n from wtaf_versions").await;
        let live =
            self.count("select count(*) as n from wtaf_content where status = 'published' and version = 1").await;
        let told = self.count("select count(*) as n from wtaf_outbox where occasion = 'page-live'").await;
        assert_eq!(
            (made, of, live, told),
            (jobs, jobs, jobs, jobs),
            "versions, jobs that made them, live pages, texts"
        );
    }
}

/// An address of the fleet as a path.
pub fn path_of(url: &str) -> &str {
    url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{url} is not below {PUBLIC}"))
}
