//! SQLite: one file, one writer, a few readers that never wait for it.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    super::Watermark,
    Act,
    fault::{Fault, Outcome},
    gauge::Gauge,
    readers::Readers,
    writer::Writer,
};

/// For a lock that another process holds.
const BUSY: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(20);
/// Prepared statements kept by a connection: as many as there are in the engine.
const STATEMENTS: usize = 256;

/// A database in a file.
pub(super) struct Lite {
    readers: Readers,
    writer: Writer,
    gauge: Gauge,
}

impl Lite {
    /// Opens the file, which is there and migrated.
    pub(super) async fn open(path: &Path) -> Outcome<Self> {
        let way = Way::to(path);
        let writer = tokio::task::spawn_blocking({
            let way = way.clone();
            move || Writer::start(way)
        });
        let writer = writer.await.map_err(|_| Fault::Unavailable("SQLite could not be opened".into()))??;
        Ok(Self { readers: Readers::of(way), writer, gauge: Gauge::of(path) })
    }

    /// What stays the same as long as nothing is written.
    pub(super) fn watermark(&self) -> Option<Watermark> {
        self.gauge.read()
    }

    /// Asks.
    pub(super) async fn read<A: Send + 'static, T: Send + 'static>(&self, args: A, act: Act<A, T>) -> Outcome<T> {
        self.readers.read(args, act).await
    }

    /// Writes.
    pub(super) async fn write<A: Send + Sync + 'static, T: Send + 'static>(
        &self,
        args: A,
        act: Act<A, T>,
    ) -> Outcome<T> {
        self.writer.write(args, act).await
    }
}

/// How the file is opened by those who read and write rows.
#[derive(Debug, Clone)]
pub(super) struct Way(PathBuf);

impl Way {
    /// To a file.
    pub(super) fn to(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// To write, each commit on the disk before it is told.
    pub(super) fn writing(&self) -> Outcome<Connection> {
        let conn = self.open()?;
        conn.pragma_update(None, "synchronous", "full")?;
        Ok(conn)
    }

    /// To read alone.
    pub(super) fn reading(&self) -> Outcome<Connection> {
        let conn = self.open()?;
        conn.pragma_update(None, "query_only", true)?;
        Ok(conn)
    }

    fn open(&self) -> Outcome<Connection> {
        // Never made here: whoever migrated it made it, with the mode it must have, and its journal, which is a property of the file. One thread at a time has a connection, so SQLite need not lock it.
        let conn =
            Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(BUSY)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(conn)
    }
}

/// A connection for sqlx's migrations to a file that is made when it is not there, with its folder; only its owner may read either.
pub(super) async fn connect(path: &Path) -> Outcome<SqliteConnection> {
    make(path).map_err(|error| Fault::Unavailable(format!("cannot make {}: {error}", path.display())))?;
    let until = Instant::now() + BUSY;
    loop {
        // Of several who open a new file, one gives it its journal, and SQLite waits for nobody with that.
        match options(path).connect().await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("5") && Instant::now() < until => {
                tokio::time::sleep(AGAIN).await;
            }
            connected => return Ok(connected?),
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // SQLite gives its journal files the mode of the database.
    fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}
