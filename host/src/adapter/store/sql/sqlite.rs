//! SQLite: one file, one writer, a few readers that never wait for it.

use std::{fs, io, os::unix::fs::DirBuilderExt, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use sqlx::{
    ConnectOptions, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    super::Watermark,
    Act,
    db::Db,
    fault::{Fault, Outcome},
    gauge::Gauge,
    writer::Writer,
};

/// Readers at once.
const READERS: u32 = 4;

/// A database in a file.
pub(super) struct Lite {
    readers: SqlitePool,
    writer: Writer,
    gauge: Gauge,
}

impl Lite {
    /// Opens the file, which is there and migrated.
    pub(super) async fn open(path: &Path) -> Outcome<Self> {
        let writing = options(path);
        let conn = writing.connect().await?;
        let reading = options(path).pragma("query_only", "on");
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .connect_lazy_with(reading);
        Ok(Self { readers, writer: Writer::start(writing, conn), gauge: Gauge::of(path) })
    }

    /// What stays the same as long as nothing is written.
    pub(super) fn watermark(&self) -> Option<Watermark> {
        self.gauge.read()
    }

    /// Asks.
    pub(super) async fn read<A, T>(&self, args: &A, act: Act<A, T>) -> Outcome<T> {
        let mut conn = self.readers.acquire().await?;
        act(&mut Db::Sqlite(&mut conn), args).await
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

/// A connection to a file that is made when it is not there, with its folder; only its owner may read either.
pub(super) async fn connect(path: &Path) -> Outcome<SqliteConnection> {
    make(path).map_err(|error| Fault::Unavailable(format!("cannot make {}: {error}", path.display())))?;
    Ok(options(path).connect().await?)
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
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging()
}
