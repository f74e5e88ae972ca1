//! Whether anything was committed to a SQLite database since a moment, told in a microsecond and without a query.
//!
//! Every commit, by whichever process, writes a new head into the index of the write-ahead log (the file `-shm`, whose layout is part of SQLite's documented
//! format) before it counts as done, and every reader begins by reading that head. So the same head means the same contents. What is in doubt (no such file, a
//! head that is being written, another layout) is nothing: then the database has to be asked.

use std::{
    fs::File,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwapOption;

use super::super::Watermark;

/// The head is there twice, so that one half written is known by its halves.
const HEAD: usize = 48;
/// The one layout there is, in the machine's own order of bytes.
const VERSION: u32 = 3_007_000;
/// Where the head says that it holds something.
const IS_MADE: usize = 12;

/// Indexes that were opened. SQLite locks by `fcntl`, whose locks a process loses when it closes the file by any of its handles: so none is closed while it
/// has a name, whatever became of the store that opened it.
static OPEN: Mutex<Vec<Arc<File>>> = Mutex::new(Vec::new());

/// Reads the head of one database's index.
pub(super) struct Gauge {
    path: PathBuf,
    file: ArcSwapOption<File>,
}

impl Gauge {
    /// Of the database in this file.
    pub(super) fn of(database: &Path) -> Self {
        let mut path = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
        path.push("-shm");
        Self { path: path.into(), file: ArcSwapOption::empty() }
    }

    /// What it says now.
    pub(super) fn read(&self) -> Option<Watermark> {
        if let Some(file) = &*self.file.load() {
            let read = head(file);
            if read.is_some() || is_in_use(file) {
                return read;
            }
        }
        // Made anew with the first connection after the last one was closed.
        let file = open(&self.path)?;
        self.file.store(Some(Arc::clone(&file)));
        head(&file)
    }
}

fn head(file: &File) -> Option<Watermark> {
    let mut both = [[0; HEAD]; 2];
    file.read_exact_at(both.as_flattened_mut(), 0).ok()?;
    let [one, other] = both;
    // Looked at after it was read: what has no name by now may have had none then.
    (is_in_use(file) && one[..4] == VERSION.to_ne_bytes() && one[IS_MADE] != 0 && one == other)
        .then(|| Watermark::new(one))
}

/// Whether the file still has its name.
fn is_in_use(file: &File) -> bool {
    file.metadata().is_ok_and(|about| about.nlink() > 0)
}

fn open(path: &Path) -> Option<Arc<File>> {
    let file = Arc::new(File::open(path).ok()?);
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|file| is_in_use(file));
    open.push(Arc::clone(&file));
    Some(file)
}

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

    use super::*;

    async fn connect(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal).connect().await.unwrap()
    }

    #[tokio::test]
    async fn it_changes_with_every_commit_of_anybody_and_with_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let (mut one, mut other) = (connect(&path).await, connect(&path).await);
        one.execute("create table t (n integer)").await.unwrap();
        let gauge = Gauge::of(&path);
        let before = gauge.read().unwrap();

        one.execute("select * from t").await.unwrap();
        one.execute("begin immediate; insert into t values (1)").await.unwrap();
        assert!(gauge.read() == Some(before), "nothing is committed");
        one.execute("rollback").await.unwrap();
        other.execute("pragma wal_checkpoint(passive)").await.unwrap();
        assert!(gauge.read() == Some(before));

        let mut seen = vec![before];
        for n in 0..50 {
            let writer = if n % 2 == 0 { &mut one } else { &mut other };
            writer.execute("insert into t values (1)").await.unwrap();
            if n % 7 == 0 {
                writer.execute("pragma wal_checkpoint(restart)").await.unwrap();
            }
            let now = gauge.read().unwrap();
            assert!(!seen.contains(&now));
            seen.push(now);
        }
    }

    #[tokio::test]
    async fn a_database_that_was_closed_and_opened_again_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let gauge = Gauge::of(&path);
        assert!(gauge.read().is_none());
        let mut conn = connect(&path).await;
        conn.execute("create table t (n integer)").await.unwrap();
        let before = gauge.read();
        assert!(before.is_some());
        conn.close().await.unwrap();
        assert!(gauge.read().is_none(), "the index went with the last connection");

        let mut conn = connect(&path).await;
        conn.execute("insert into t values (1)").await.unwrap();
        assert!(gauge.read().is_some() && gauge.read() != before);
    }

    #[tokio::test]
    async fn a_gauge_that_goes_lets_no_lock_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let mut conn = connect(&path).await;
        conn.execute("create table t (n integer)").await.unwrap();
        conn.execute("begin immediate").await.unwrap();
        let locks = || {
            let inode = std::fs::metadata(folder.path().join("db-shm")).unwrap().ino();
            let all = std::fs::read_to_string("/proc/locks").unwrap();
            all.lines().filter(|line| line.contains("POSIX") && line.contains(&format!(":{inode} "))).count()
        };
        let held = locks();
        assert!(held > 0);
        let gauge = Gauge::of(&path);
        assert!(gauge.read().is_some());
        drop(gauge);
        assert_eq!(locks(), held);
    }
}
