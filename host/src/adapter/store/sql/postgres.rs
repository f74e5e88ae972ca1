//! PostgreSQL: a pool, transactions that are run again when they lose a race, and the ways of a transaction pooler.

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use url::Url;

use super::{
    Act,
    db::{Db, answered},
    ear::Node,
    fault::{Fault, Outcome},
};

/// Connections of one process; poolers of small plans give fifteen to everyone.
const CONNECTIONS: u32 = 10;
/// For a connection to come free or be made.
const ACQUIRE: Duration = Duration::from_secs(5);
/// For one try of one operation, from its first query to its commit; each answer has a shorter time of its own.
const IN_ALL: Duration = Duration::from_mins(2);
/// Tries of a transaction that lost a race.
const TRIES: u32 = 8;
/// How a transaction begins, in one exchange. A machine that stands still or is cut off in the middle of one would keep its locks for as long as its connection
/// seems to be there: the server ends it after half a minute. `set local` holds through a transaction pooler, and ends with the transaction.
const BEGIN: &str = "begin; set local idle_in_transaction_session_timeout = '30s'";
/// A connection that was idle for longer is asked whether it is still there.
const IDLE: Duration = Duration::from_secs(10);

/// What a URL says.
#[derive(Clone)]
pub(super) struct Address {
    options: PgConnectOptions,
    /// Behind a pooler that gives a server connection for one transaction only: nothing may outlive that.
    pub(super) pooled: bool,
    /// Whether it is worth a try to listen there: it was neither said to be such a pooler, nor is it at such a pooler's port.
    pub(super) may_listen: bool,
}

impl Address {
    /// Reads a URL. A pooler is known by its port 6543, by Supabase's pooler host on that port's default, or by `?pgbouncer=true`.
    pub(super) fn read(url: &SecretString) -> Outcome<Self> {
        let unreadable = || Fault::Refused("store.url is not a postgres:// URL".into());
        let mut url = Url::parse(url.expose_secret()).map_err(|_| unreadable())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(unreadable());
        }
        let asked: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let said = asked.iter().find(|(key, _)| key == "pgbouncer").map(|(_, value)| value != "false");
        // Supabase's pooler host has both kinds: sessions on 5432, transactions on 6543. Taking sessions for transactions costs a little speed; the
        // opposite mistake breaks.
        let pooler = url.port() == Some(6543) || url.host_str().is_some_and(|h| h.ends_with(".pooler.supabase.com"));
        for (key, file) in asked.iter().filter(|(key, _)| is_file(key)) {
            std::fs::File::open(file)
                .map_err(|why| Fault::Refused(format!("{key} of the database's URL, {file}: {why}")))?;
        }
        let known: Vec<_> = asked.into_iter().filter(|(key, _)| is_known(key)).collect();
        url.set_query(None);
        if !known.is_empty() {
            url.query_pairs_mut().extend_pairs(&known);
        }
        let pooled = said.unwrap_or(pooler);
        let mut options: PgConnectOptions = url.as_str().parse().map_err(|_| unreadable())?;
        options = options.disable_statement_logging();
        if options.get_application_name().is_none() {
            options = options.application_name("wtaf-host");
        }
        if pooled {
            options = options.statement_cache_capacity(0).extra_float_digits(None);
        }
        let may_listen = !said.unwrap_or(url.port() == Some(6543));
        Ok(Self { options, pooled, may_listen })
    }

    /// How encrypted it is to be.
    pub(super) fn ssl_mode(&self) -> sqlx::postgres::PgSslMode {
        self.options.get_ssl_mode()
    }

    /// A pool of one connection, which lasts.
    pub(super) fn alone(&self, name: &str) -> PgPool {
        PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(self.options.clone().application_name(name))
    }

    /// A connection of its own.
    pub(super) async fn connect(&self) -> Outcome<PgConnection> {
        let too_long = || Fault::Unavailable("PostgreSQL does not answer".into());
        Ok(tokio::time::timeout(ACQUIRE, self.options.connect()).await.map_err(|_| too_long())??)
    }
}

/// Parameters that mean something to the client; other programs' (`connection_limit`, `pool_timeout`, `schema`…) are left out.
fn is_known(key: &str) -> bool {
    const KNOWN: [&str; 9] =
        ["sslmode", "ssl-mode", "host", "hostaddr", "port", "dbname", "user", "password", "application_name"];
    KNOWN.contains(&key) || is_file(key) || key == "options" || key.starts_with("options[")
}

/// Parameters that name a file.
fn is_file(key: &str) -> bool {
    matches!(key, "sslrootcert" | "ssl-root-cert" | "ssl-ca" | "sslcert" | "ssl-cert" | "sslkey" | "ssl-key")
}

/// A database on a server.
#[derive(Clone)]
pub(super) struct Server {
    pool: PgPool,
    pooled: bool,
    node: Node,
}

impl Server {
    /// A pool for an address; connections are made when they are needed.
    pub(super) fn open(address: Address) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                Box::pin(async move {
                    if meta.idle_for > IDLE {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(address.options);
        Self { pool, pooled: address.pooled, node: Node::new() }
    }

    /// Whose words these are, for those who listen.
    pub(super) fn node(&self) -> Node {
        self.node
    }

    /// Asks.
    pub(super) async fn read<A: Sync, T>(&self, args: &A, act: Act<A, T>) -> Outcome<T> {
        self.insist(args, act, self.pooled).await
    }

    /// Writes, in a transaction.
    pub(super) async fn write<A: Sync, T>(&self, args: &A, act: Act<A, T>) -> Outcome<T> {
        self.insist(args, act, true).await
    }

    /// Tries until it is neither a lost race nor a broken connection, for as long as one acquire may take.
    async fn insist<A: Sync, T>(&self, args: &A, act: Act<A, T>, transaction: bool) -> Outcome<T> {
        let began = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            match self.once(args, act, transaction).await {
                Err(Fault::Again(_) | Fault::Lost(_)) if tries < TRIES && began.elapsed() < ACQUIRE => {
                    let pause = rand::random_range(0..10 * u64::from(tries));
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn once<A: Sync, T>(&self, args: &A, act: Act<A, T>, transaction: bool) -> Outcome<T> {
        let mut conn = self.pool.acquire().await?;
        let done = tokio::time::timeout(IN_ALL, self.on(&mut conn, args, act, transaction)).await;
        let outcome = done.unwrap_or_else(|_| Err(Fault::Unavailable("PostgreSQL does not answer".into())));
        if matches!(outcome, Err(Fault::Lost(_) | Fault::Unavailable(_))) {
            // Cut off, not closed politely: whoever is at the other end does not answer.
            drop(conn.detach());
        }
        outcome
    }

    /// sqlx prepares and executes in two exchanges. Between them a transaction pooler may change the server connection, where the unnamed statement is another
    /// client's: the answer would be to another question. So there even reading is done within a transaction.
    async fn on<A, T>(
        &self,
        conn: &mut PoolConnection<sqlx::Postgres>,
        args: &A,
        act: Act<A, T>,
        transaction: bool,
    ) -> Outcome<T> {
        let (persistent, node) = (!self.pooled, self.node);
        if !transaction {
            return act(&mut Db::Postgres { conn, persistent, node }, args).await;
        }
        let mut transaction = answered(conn.begin_with(BEGIN)).await?;
        let done = act(&mut Db::Postgres { conn: &mut transaction, persistent, node }, args).await;
        match done {
            Ok(done) => {
                answered(transaction.commit()).await.map_err(commit_unsure)?;
                Ok(done)
            }
            Err(fault) => {
                // One that does not answer is cut off instead.
                let _ = answered(transaction.rollback()).await;
                Err(fault)
            }
        }
    }
}

/// A connection that breaks during a commit leaves open whether it was done: that is not run again here, but by whoever can tell.
fn commit_unsure(fault: Fault) -> Fault {
    match fault {
        Fault::Lost(what) => Fault::Unavailable(what),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        Address::read(&SecretString::from(url)).unwrap()
    }

    #[test]
    fn a_transaction_pooler_is_known_by_its_address() {
        assert!(read("postgres://u:p@aws-0-eu-west-1.pooler.supabase.com:6543/postgres").pooled);
        assert!(read("postgresql://u@db.example.com:6543/postgres").pooled);
        assert!(read("postgres://u@localhost:5433/x?pgbouncer=true&connection_limit=1").pooled);
        assert!(!read("postgres://u@db.abc.supabase.co:5432/postgres?sslmode=require").pooled);
        assert!(!read("postgres://u@localhost:6543/x?pgbouncer=false").pooled);
    }

    #[test]
    fn it_is_tried_to_listen_wherever_that_may_work() {
        assert!(read("postgres://u@db.abc.supabase.co:5432/postgres").may_listen);
        assert!(read("postgres://u@aws-0-eu-west-1.pooler.supabase.com:5432/postgres").may_listen, "its session mode");
        assert!(!read("postgres://u@aws-0-eu-west-1.pooler.supabase.com:6543/postgres").may_listen);
        assert!(!read("postgres://u@localhost:5433/x?pgbouncer=true").may_listen);
    }

    #[tokio::test]
    async fn a_server_that_accepts_and_then_says_nothing_is_given_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://u@127.0.0.1:{}/x", silent.local_addr().unwrap().port());
        let server = Server::open(read(&url));
        let began = Instant::now();
        let asked = server.read(&(), |db, ()| Box::pin(db.run("select 1", &[]))).await;
        assert!(matches!(asked, Err(Fault::Unavailable(_))));
        assert!(began.elapsed() < ACQUIRE * 2);
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        for url in ["postgres://u:secret@:::/x", "mysql://u:secret@h/x", "secret"] {
            let Err(Fault::Refused(words)) = Address::read(&SecretString::from(url)) else { panic!("{url} was read") };
            assert!(!words.contains("secret"), "{words}");
        }
    }
}
