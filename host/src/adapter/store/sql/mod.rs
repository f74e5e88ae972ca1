//! The store in SQL: every behaviour written once, run on SQLite or PostgreSQL.
//!
//! A behaviour is a function of a connection ([`db::Db`]) and its arguments. What writes runs in one transaction, and may be run again when it lost a race,
//! so it has no effect outside the database. [`db`] holds what the two databases do differently.

mod accounts;
mod bells;
mod collected;
mod db;
mod ear;
mod erase;
mod events;
mod fault;
mod fences;
mod friends;
mod gallery;
mod gauge;
mod health;
mod jobs;
mod keys;
mod limits;
mod lite;
mod migrations;
mod moves;
mod old;
mod outbox;
mod pages;
mod people;
mod postgres;
mod publish;
mod readers;
mod rehearsal;
mod roll;
mod sessions;
mod slugs;
mod sqlite;
mod store;
mod talks;
mod tls;
mod writer;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use self::{
    bells::Bells,
    db::Db,
    ear::{Ear, Line},
    fault::{Fault, Outcome},
    postgres::{Address, Server},
    sqlite::Lite,
};
pub use self::{
    health::{Between, FileHealth, Notifications, ServerHealth},
    rehearsal::{Found, Migration, Rehearsal, Tried},
};
use super::{Fence, Result, Store, StoreError};
use crate::config::StoreUrl;

/// One behaviour: what to do on a connection with these arguments.
type Act<A, T> = for<'a, 'c> fn(&'a mut Db<'c>, &'a A) -> BoxFuture<'a, Outcome<T>>;

/// How a store gets to know what other processes write.
#[derive(Debug, Clone)]
pub struct Hearing {
    /// Where to listen, if not where everything else is asked: a direct or session URL beside a transaction pooler's.
    pub listen_url: Option<SecretString>,
    /// How long others' events may go unnoticed while nothing can be heard: those who wait look that often.
    pub deaf: Duration,
    /// The same while notifications arrive: they look all the same, for one may get lost, and there may be a node that tells nothing.
    pub listening: Duration,
}

impl Default for Hearing {
    fn default() -> Self {
        Self { listen_url: None, deaf: Duration::from_secs(1), listening: Duration::from_secs(3) }
    }
}

/// [`open_with`] the usual hearing.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>> {
    open_with(url, Hearing::default()).await
}

/// A store of its own for a test, in a folder.
#[cfg(test)]
pub async fn open_in(folder: &std::path::Path) -> Arc<dyn Store> {
    open(&StoreUrl::Sqlite(folder.join("wtaf.db"))).await.expect("a fresh store opens")
}

/// Connects, and sees to it that the tables are there: SQLite and a direct PostgreSQL connection are brought up to date, through a transaction pooler they are
/// only looked at, and what to do is in the error. A PostgreSQL that is away is no error: texts are accepted without it, and it is asked again until it is there.
pub async fn open_with(url: &StoreUrl, hearing: Hearing) -> Result<Arc<dyn Store>> {
    let mut line = None;
    let database = match url {
        StoreUrl::Sqlite(path) => {
            migrations::migrate(url).await?;
            Database::Lite(Lite::open(path).await?)
        }
        StoreUrl::Postgres(secret) => {
            let address = Address::read(secret)?;
            match tables(url, &address).await {
                Err(Fault::Untrusted(what)) => return Err(StoreError::Refused(what)),
                outcome => match StoreError::from_outcome(outcome) {
                    Err(error) if error.is_transient() => {
                        tracing::error!(%error, "the database is away: requests are accepted and wait for it");
                        tokio::spawn(tables_when_back(url.clone(), Address::read(secret)?));
                    }
                    sure => sure?,
                },
            }
            let listen = match &hearing.listen_url {
                Some(url) => Some(Address::read(url)?),
                None => address.may_listen.then(|| address.clone()),
            };
            let speak = Server::open(address);
            line = listen.map(|listen| Line { listen, me: speak.node(), speak: speak.clone() });
            Database::Server(speak)
        }
    };
    let common = Common { database, bells: Arc::default(), line, ear: OnceLock::new(), hearing };
    Ok(Arc::new(SqlStore { common: Arc::new(common), fence: None }))
}

async fn tables(url: &StoreUrl, address: &Address) -> Outcome<()> {
    if address.pooled {
        return migrations::check(&mut address.connect().await?).await;
    }
    match migrations::migrate(url).await.map(drop) {
        // A role that may use the tables and make none, such as Supabase's service role: then they must be there.
        Err(Fault::Refused(what)) if what.contains("(42501)") => {
            migrations::check(&mut address.connect().await?).await.map_err(|_| Fault::Refused(what))
        }
        outcome => outcome,
    }
}

/// Ends with the runtime at the latest; until then a query meets a missing table at worst, which is told as the database being away.
async fn tables_when_back(url: StoreUrl, address: Address) {
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        match StoreError::from_outcome(tables(&url, &address).await) {
            Ok(()) => return tracing::info!("the database is there"),
            Err(error) if error.is_transient() => tracing::debug!(%error, "the database is still away"),
            Err(error) => tracing::error!(%error, "the database is there, and its tables are not as they must be"),
        }
    }
}

/// Brings the tables up to date; gives the names of the migrations that were missing, in the order they were applied.
pub async fn migrate(url: &StoreUrl) -> Result<Vec<String>> {
    Ok(migrations::migrate(url).await?)
}

/// Every migration of this kind of database as SQL, in order, for those who apply them themselves.
pub fn migrations_sql(url: &StoreUrl) -> String {
    migrations::sql(url)
}

/// Tries out what is missing on the database's own rows, and undoes it.
pub async fn rehearse(url: &StoreUrl) -> Result<Rehearsal> {
    Ok(rehearsal::rehearse(url).await?)
}

/// How a database in a file is doing.
pub async fn file_health(path: &std::path::Path) -> Result<FileHealth> {
    Ok(health::of_file(path).await?)
}

/// How a database on a server is doing.
pub async fn server_health(url: &SecretString) -> Result<ServerHealth> {
    Ok(health::of_server(url).await?)
}

/// Whether what one process writes is heard by another that listens.
pub async fn hears(url: &SecretString, listen_url: Option<&SecretString>) -> Result<Notifications> {
    Ok(health::hears(url, listen_url).await?)
}

/// [`Store`] on either database.
struct SqlStore {
    common: Arc<Common>,
    /// What every write stands behind, where it is for a job that others may take over.
    fence: Option<Fence>,
}

/// What a store has in common with those that are fenced for one job.
struct Common {
    database: Database,
    /// Rings for a job's events and a page's records, by the number of their scope.
    bells: Arc<Bells<i64>>,
    /// Where notifications may be heard.
    line: Option<Line>,
    /// Open since somebody waited for the first time: whoever only asks needs none.
    ear: OnceLock<Ear>,
    hearing: Hearing,
}

enum Database {
    Lite(Lite),
    Server(Server),
}

impl SqlStore {
    /// How long whoever waits does so before it looks.
    fn glance(&self) -> Duration {
        let Common { bells, line, ear, hearing, .. } = self.common.as_ref();
        let ear = line.as_ref().map(|line| ear.get_or_init(|| Ear::open(line.clone(), Arc::clone(bells))));
        if ear.is_some_and(Ear::hears) { hearing.listening } else { hearing.deaf }
    }

    /// Asks the database something.
    async fn read<A, T>(&self, args: A, act: Act<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        Ok(match &self.common.database {
            Database::Lite(lite) => lite.read(args, act).await?,
            Database::Server(server) => server.read(&args, act).await?,
        })
    }

    /// Does something in one transaction; durable when it returns.
    async fn write<A, T>(&self, args: A, act: Act<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let Some(fence) = self.fence else { return Ok(self.write_unfenced(args, act).await?) };
        let fenced = (fence, args, act);
        let written = self
            .write_unfenced(fenced, |db, (fence, args, act)| {
                Box::pin(async move {
                    fences::check(db, *fence).await?;
                    act(db, args).await
                })
            })
            .await;
        if let Err(Fault::Fenced(job)) = &written {
            metrics::counter!("wtaf_fenced_total").increment(1);
            tracing::warn!(job = %job, fence = fence.number, "refused to write for a job that another worker has taken over");
        }
        Ok(written?)
    }

    async fn write_unfenced<A, T>(&self, args: A, act: Act<A, T>) -> Outcome<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        match &self.common.database {
            Database::Lite(lite) => lite.write(args, act).await,
            Database::Server(server) => server.write(&args, act).await,
        }
    }
}
