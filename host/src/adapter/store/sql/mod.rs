//! The store in SQL: every behaviour written once, run on SQLite or PostgreSQL.
//!
//! A behaviour is a function of a connection ([`db::Db`]) and its arguments. What writes runs in one transaction, and may be run again when it lost a race,
//! so it has no effect outside the database. [`db`] holds what the two databases do differently.

mod accounts;
mod bells;
mod collected;
mod db;
mod erase;
mod events;
mod fault;
mod friends;
mod gallery;
mod jobs;
mod keys;
mod limits;
mod migrations;
mod moves;
mod old;
mod outbox;
mod pages;
mod people;
mod postgres;
mod publish;
mod roll;
mod sessions;
mod slugs;
mod sqlite;
mod store;
mod talks;
mod writer;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use self::{
    bells::Bells,
    db::Db,
    fault::Outcome,
    postgres::{Address, Server},
    sqlite::Lite,
};
use super::{PageId, Result, Store, StoreError};
use crate::{config::StoreUrl, job::JobId};

/// One behaviour: what to do on a connection with these arguments.
type Act<A, T> = for<'a, 'c> fn(&'a mut Db<'c>, &'a A) -> BoxFuture<'a, Outcome<T>>;

/// Connects, and sees to it that the tables are there: SQLite and a direct PostgreSQL connection are brought up to date, through a transaction pooler they are
/// only looked at, and what to do is in the error. A PostgreSQL that is away is no error: texts are accepted without it, and it is asked again until it is there.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>> {
    let database = match url {
        StoreUrl::Sqlite(path) => {
            migrations::migrate(url).await?;
            Database::Lite(Lite::open(path).await?)
        }
        StoreUrl::Postgres(secret) => {
            let address = Address::read(secret)?;
            match StoreError::from_outcome(tables(url, &address).await) {
                Err(error) if error.is_transient() => {
                    tracing::error!(%error, "the database is away: requests are accepted and wait for it");
                    tokio::spawn(tables_when_back(url.clone(), Address::read(secret)?));
                }
                sure => sure?,
            }
            Database::Server(Server::open(address))
        }
    };
    Ok(Arc::new(SqlStore { database, bells: Bells::default(), changed: Bells::default() }))
}

async fn tables(url: &StoreUrl, address: &Address) -> Outcome<()> {
    if address.pooled {
        return migrations::check(&mut address.connect().await?).await;
    }
    migrations::migrate(url).await.map(drop)
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

/// [`Store`] on either database.
struct SqlStore {
    database: Database,
    /// Rings for a job's events.
    bells: Bells<JobId>,
    /// Rings for a page's records.
    changed: Bells<PageId>,
}

enum Database {
    Lite(Lite),
    Server(Server),
}

impl SqlStore {
    /// Asks the database something.
    async fn read<A, T>(&self, args: A, act: Act<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        Ok(match &self.database {
            Database::Lite(lite) => lite.read(&args, act).await?,
            Database::Server(server) => server.read(&args, act).await?,
        })
    }

    /// Does something in one transaction; durable when it returns.
    async fn write<A, T>(&self, args: A, act: Act<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        Ok(match &self.database {
            Database::Lite(lite) => lite.write(args, act).await?,
            Database::Server(server) => server.write(&args, act).await?,
        })
    }
}
