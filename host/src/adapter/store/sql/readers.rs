//! Those who read SQLite: a few connections, each used by one thread at a time. None waits for the writer, nor it for them.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{
    Act,
    db::Db,
    fault::{Fault, Outcome},
    sqlite::Way,
};

/// Readers at once.
const READERS: usize = 4;
/// For one of them to come free.
const PATIENCE: Duration = Duration::from_secs(5);

/// The readers of a file. A connection is opened when one is needed for the first time.
pub(super) struct Readers {
    way: Way,
    places: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Of a file.
    pub(super) fn of(way: Way) -> Self {
        Self { way, places: Arc::new(Semaphore::new(READERS)), idle: Arc::default() }
    }

    /// Asks, on a thread that may wait for the disk.
    pub(super) async fn read<A: Send + 'static, T: Send + 'static>(&self, args: A, act: Act<A, T>) -> Outcome<T> {
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned());
        let Ok(Ok(place)) = place.await else {
            return Err(Fault::Unavailable("no connection came free in time, or none could be made".into()));
        };
        let (way, idle) = (self.way.clone(), Arc::clone(&self.idle));
        let read = tokio::task::spawn_blocking(move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut conn = kept.map_or_else(|| way.reading(), Ok)?;
            let outcome = at_once(&mut conn, &args, act);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            drop(place);
            outcome
        });
        read.await.unwrap_or_else(|_| Err(Fault::Unavailable("the engine is stopping".into())))
    }
}

/// Runs a behaviour on a connection of SQLite's, where nothing in it waits: whoever asks is answered on the spot. A panic in it is one's own failure.
pub(super) fn at_once<A, T>(conn: &mut Connection, args: &A, act: Act<A, T>) -> Outcome<T> {
    let mut db = Db::Sqlite(conn);
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| act(&mut db, args).now_or_never()));
    match outcome {
        Ok(Some(outcome)) => outcome,
        Ok(None) => Err(Fault::Refused("a behaviour waited for something that is not the database".into())),
        Err(_) => Err(Fault::Refused("what was asked of the database panicked".into())),
    }
}
