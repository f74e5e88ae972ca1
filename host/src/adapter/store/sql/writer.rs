//! The one writer of SQLite: owns the only connection that writes, and commits what is pending in groups.
//!
//! A commit costs one flush of the disk however much is in it, so a hundred callers that wait together are answered after one. Each runs in a savepoint
//! of its own: what fails is rolled back alone. Nobody is answered before the commit.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{Acquire, ConnectOptions, Connection, Sqlite, SqliteConnection, Transaction, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot};

use super::{
    Act,
    db::Db,
    fault::{Fault, Outcome},
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
    /// Starts the writer on its connection.
    pub(super) fn start(options: SqliteConnectOptions, conn: SqliteConnection) -> Self {
        let (pending, inbox) = mpsc::channel(PENDING);
        tokio::spawn(Scribe { options, conn: Some(conn), inbox }.run());
        Self { pending }
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
    /// Does it; gives whether it is to be kept.
    fn run<'a>(&'a mut self, conn: &'a mut SqliteConnection) -> BoxFuture<'a, bool>;
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

    fn run<'a>(&'a mut self, conn: &'a mut SqliteConnection) -> BoxFuture<'a, bool> {
        async move {
            let mut db = Db::Sqlite(conn);
            // A panic in one operation must not take the writer of all others with it.
            let outcome = AssertUnwindSafe((self.act)(&mut db, &self.args)).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Err(Fault::Refused("writing it panicked".into())));
            self.outcome.insert(outcome).is_ok()
        }
        .boxed()
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
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
    inbox: mpsc::Receiver<Box<dyn Pending>>,
}

impl Scribe {
    async fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while self.inbox.recv_many(&mut group, GROUP).await > 0 {
            group.retain(|operation| !operation.abandoned());
            let committed = self.commit(&mut group).await;
            for operation in group.drain(..) {
                operation.answer(committed.clone());
            }
        }
        if let Some(conn) = self.conn {
            let _ = conn.close().await;
        }
    }

    async fn commit(&mut self, group: &mut [Box<dyn Pending>]) -> Outcome<()> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.options.connect().await?,
        };
        let committed = write_group(&mut conn, group).await;
        // After a failure of the whole group nobody knows what state the connection is in: the next group gets a new one.
        if committed.is_ok() {
            self.conn = Some(conn);
        }
        committed
    }
}

async fn write_group(conn: &mut SqliteConnection, group: &mut [Box<dyn Pending>]) -> Outcome<()> {
    let mut transaction = conn.begin_with("begin immediate").await?;
    for operation in group {
        let mut savepoint: Transaction<'_, Sqlite> = transaction.begin().await?;
        if operation.run(&mut savepoint).await {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
    }
    Ok(transaction.commit().await?)
}
