//! The one writer of SQLite: a thread that owns the only connection that writes, and commits what is pending in groups.
//!
//! A commit costs one flush of the disk however much is in it, so a hundred callers that wait together are answered after one. Where one of them fails, all are
//! written again, each in a savepoint of its own: what fails is rolled back alone. Nobody is answered before the commit.

use std::{thread, time::Duration};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    Act,
    fault::{Fault, Outcome},
    readers::at_once,
    sqlite::Way,
};

/// Operations in one commit, at most.
const GROUP: usize = 256;
/// Operations that may wait; more of them wait outside.
const PENDING: usize = 4096;
/// A disk that takes longer than this is as good as gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the writer. It ends when the last of these is dropped.
pub(super) struct Writer {
    pending: mpsc::Sender<Box<dyn Pending>>,
}

impl Writer {
    /// Opens the file and starts the writer on it.
    pub(super) fn start(way: Way) -> Outcome<Self> {
        let (pending, inbox) = mpsc::channel(PENDING);
        let scribe = Scribe { conn: Some(way.writing()?), way, inbox };
        let started = thread::Builder::new().name("sqlite".into()).spawn(move || scribe.run());
        started.map_err(|error| Fault::Unavailable(format!("SQLite's thread could not be started: {error}")))?;
        Ok(Self { pending })
    }

    /// Runs something in the next group; gives its outcome once that is committed.
    pub(super) async fn write<A, T>(&self, args: A, act: Act<A, T>) -> Outcome<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let gone = || Fault::Unavailable("the writer has stopped".into());
        let operation = Operation { args, act, outcome: None, reply };
        let answered = async {
            self.pending.send(Box::new(operation)).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        tokio::time::timeout(PATIENCE, answered)
            .await
            .unwrap_or_else(|_| Err(Fault::Unavailable("the disk takes too long".into())))
    }
}

/// Something to write, whatever it is about.
trait Pending: Send {
    /// Whether the one who asked has gone away.
    fn abandoned(&self) -> bool;
    /// Does it, a second time if the first was rolled back; gives whether it is to be kept.
    fn run(&mut self, conn: &mut Connection) -> bool;
    /// Answers the one who asked.
    fn answer(self: Box<Self>, committed: Outcome<()>);
}

struct Operation<A, T> {
    args: A,
    act: Act<A, T>,
    outcome: Option<Outcome<T>>,
    reply: oneshot::Sender<Outcome<T>>,
}

impl<A: Send + Sync, T: Send> Pending for Operation<A, T> {
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, conn: &mut Connection) -> bool {
        self.outcome.insert(at_once(conn, &self.args, self.act)).is_ok()
    }

    fn answer(self: Box<Self>, committed: Outcome<()>) {
        let outcome = match (self.outcome, committed) {
            (Some(Err(fault)), _) | (_, Err(fault)) => Err(fault),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => return,
        };
        // Whoever asked may have gone away meanwhile; what was written stays written.
        let _ = self.reply.send(outcome);
    }
}

struct Scribe {
    way: Way,
    conn: Option<Connection>,
    inbox: mpsc::Receiver<Box<dyn Pending>>,
}

impl Scribe {
    fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while self.inbox.blocking_recv_many(&mut group, GROUP) > 0 {
            group.retain(|operation| !operation.abandoned());
            let committed = if group.is_empty() { Ok(()) } else { self.commit(&mut group) };
            for operation in group.drain(..) {
                operation.answer(committed.clone());
            }
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Pending>]) -> Outcome<()> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.way.writing()?,
        };
        let committed = write_group(&mut conn, group);
        // After a failure of the whole group nobody knows what state the connection is in: the next group gets a new one.
        if committed.is_ok() {
            self.conn = Some(conn);
        }
        committed
    }
}

fn write_group(conn: &mut Connection, group: &mut [Box<dyn Pending>]) -> Outcome<()> {
    if write_together(conn, group)? || group.len() == 1 {
        return Ok(());
    }
    write_each(conn, group)
}

/// All in one transaction, and nothing of it if one fails; gives whether it was kept. Hardly ever does one fail, and a savepoint costs as much as a statement.
fn write_together(conn: &mut Connection, group: &mut [Box<dyn Pending>]) -> Outcome<bool> {
    say(conn, "begin immediate")?;
    for operation in group {
        if !operation.run(conn) {
            say(conn, "rollback")?;
            return Ok(false);
        }
    }
    say(conn, "commit")?;
    Ok(true)
}

/// The same, what fails rolled back alone.
fn write_each(conn: &mut Connection, group: &mut [Box<dyn Pending>]) -> Outcome<()> {
    say(conn, "begin immediate")?;
    for operation in group {
        say(conn, "savepoint one")?;
        if !operation.run(conn) {
            say(conn, "rollback to one")?;
        }
        say(conn, "release one")?;
    }
    say(conn, "commit")
}

fn say(conn: &Connection, words: &str) -> Outcome<()> {
    conn.prepare_cached(words)?.execute(())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::db::{Db, args},
        *,
    };
    use crate::job::JobId;

    fn writer() -> (Writer, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        Connection::open(&path).unwrap().execute("create table notes (job text unique)", ()).unwrap();
        (Writer::start(Way::to(&path)).unwrap(), folder)
    }

    async fn note(db: &mut Db<'_>, job: JobId) -> Outcome<u64> {
        db.run("insert into notes values ($1)", args![job]).await
    }

    async fn count_of(db: &mut Db<'_>) -> Outcome<i64> {
        db.one("select count(*) as n from notes", &[]).await?.map_or(Ok(0), |row| row.int("n"))
    }

    async fn count(writer: &Writer) -> i64 {
        writer.write((), |db, ()| Box::pin(count_of(db))).await.unwrap()
    }

    fn job() -> JobId {
        crate::job::JobIds::default().next(crate::job::Millis(1))
    }

    #[tokio::test]
    async fn what_fails_is_rolled_back_alone() {
        let (writer, _folder) = writer();
        let keep = |job| writer.write(job, |db, job| Box::pin(note(db, *job)));
        let fail = writer.write(job(), |db, job| {
            Box::pin(async {
                note(db, *job).await?;
                Err::<(), _>(Fault::Refused("no".into()))
            })
        });
        let panic = writer.write(job(), |db, job| {
            Box::pin(async {
                note(db, *job).await?;
                assert_eq!(count_of(db).await?, 0, "a panic in one operation");
                Ok(())
            })
        });
        let (one, failed, panicked, two) = tokio::join!(keep(job()), fail, panic, keep(job()));
        assert!(one.is_ok() && two.is_ok());
        assert!(matches!((failed, panicked), (Err(Fault::Refused(_)), Err(Fault::Refused(_)))));
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_group_whose_transaction_is_lost_leaves_nothing_and_the_next_one_works() {
        let (writer, _folder) = writer();
        let keep = |job| writer.write(job, |db, job| Box::pin(note(db, *job)));
        // What SQLite does by itself when the disk is full.
        let lose = writer.write((), |db, ()| Box::pin(db.run("rollback", &[])));
        let (one, lost) = tokio::join!(keep(job()), lose);
        assert!(lost.is_err());
        // It was of the same group and is lost with it, or of one before and stays: what its writer was told is true.
        let kept = i64::from(one.is_ok());
        assert_eq!(count(&writer).await, kept);
        keep(job()).await.unwrap();
        assert_eq!(count(&writer).await, kept + 1);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_has_stopped() {
        let (pending, inbox) = mpsc::channel(1);
        drop(inbox);
        let stopped = Writer { pending }.write((), |_, ()| Box::pin(async { Ok(()) })).await;
        assert!(matches!(stopped, Err(Fault::Unavailable(_))));
    }
}
