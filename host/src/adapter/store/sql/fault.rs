//! Why a query failed, sorted by what to do about it. No value of a query, no URL and no password ever gets into the words.

use sqlx::error::DatabaseError;

use super::{super::StoreError, tls};
use crate::job::JobId;

const POOLER: &str = "if there is a transaction pooler in between, add ?pgbouncer=true to store.url";

/// A failure inside the store, before it becomes a [`StoreError`].
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Lost a race with someone else's transaction: run it again.
    Again(String),
    /// The connection broke before the transaction was committed: run it again on another one.
    Lost(String),
    /// Not now.
    Unavailable(String),
    /// The server is there and cannot be trusted: someone has to see to it. Until then nothing is refused for good.
    Untrusted(String),
    /// No.
    Refused(String),
    /// Not for this worker any more.
    Fenced(JobId),
}

/// What everything inside the store gives.
pub(super) type Outcome<T> = Result<T, Fault>;

impl Fault {
    /// A row that does not hold what this engine wrote.
    pub(super) fn damaged(what: &str) -> Self {
        Self::Refused(format!("a row holds a {what} that cannot be read"))
    }

    /// What happened, whatever is to be done about it.
    pub(super) fn words(self) -> String {
        match self {
            Self::Again(what)
            | Self::Lost(what)
            | Self::Unavailable(what)
            | Self::Untrusted(what)
            | Self::Refused(what) => what,
            Self::Fenced(job) => format!("job {job} belongs to another worker by now"),
        }
    }

    fn lite(code: i32, message: &str) -> Self {
        let what = format!("SQLite: {message} (code {code})");
        match code & 0xff {
            // busy, locked, out of memory, read-only, i/o error, full, cannot open, protocol
            5 | 6 | 7 | 8 | 10 | 13 | 14 | 15 => Self::Unavailable(what),
            _ => Self::Refused(what),
        }
    }

    fn postgres(error: &dyn DatabaseError) -> Self {
        let code = error.code().unwrap_or_default().into_owned();
        let what = match (&code[..code.len().min(2)], error.constraint()) {
            // Messages of these classes speak of the server, roles and tables, never of a row's values.
            ("08" | "28" | "3D" | "42" | "53" | "57", _) => format!("PostgreSQL: {} ({code})", error.message()),
            (_, Some(constraint)) => format!("PostgreSQL: constraint {constraint} ({code})"),
            _ => format!("PostgreSQL: error {code}"),
        };
        match code.as_str() {
            // serialization failure, deadlock, unique violation (one that was looked for, so: a race)
            "40001" | "40P01" | "23505" => Self::Again(what),
            // the last: a transaction that stood still for too long
            "57P01" | "57P02" | "57P03" | "25P03" => Self::Lost(what),
            // a prepared statement that is gone, or someone else's
            "26000" | "42P05" => Self::Refused(format!("{what}. Prepared statements do not last: {POOLER}")),
            // PgBouncer's way to greet a client that takes it for PostgreSQL
            "08P01" if what.contains("startup parameter") => Self::Refused(format!("{what}. {POOLER}")),
            // a table, a column or a unique index that is not there yet: the database came back empty, or is being migrated
            "42P01" | "42703" | "42P10" => Self::Unavailable(format!(
                "{what}: its tables are made by `wtaf-host migrate`, or at the engine's start"
            )),
            // lock not available, read-only (a standby), a pooler's own errors
            "55P03" | "25006" | "XX000" => Self::Unavailable(what),
            _ if code.starts_with("08") => Self::Lost(what),
            _ if code.starts_with("53") || code.starts_with("57") => Self::Unavailable(what),
            _ => Self::Refused(what),
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
                Self::lite(error.code().and_then(|code| code.parse().ok()).unwrap_or(1), error.message())
            }
            E::Database(error) => Self::postgres(error.as_ref()),
            E::Io(error) => match tls::in_io(&error) {
                Some(what) => Self::Untrusted(what),
                None => Self::Lost(format!("the connection broke: {error}")),
            },
            E::Tls(error) => Self::Untrusted(tls::refused(error.as_ref())),
            E::PoolTimedOut => Self::Unavailable("no connection came free in time, or none could be made".into()),
            E::PoolClosed | E::WorkerCrashed | E::BeginFailed => Self::Lost("the connection is closed".into()),
            E::Protocol(_) => Self::Lost("the connection is out of step".into()),
            E::Configuration(_) => Self::Refused("the database URL cannot be read".into()),
            E::ColumnNotFound(column) => Self::Refused(format!("there is no column {column}")),
            E::ColumnDecode { index, .. } => Self::Refused(format!("column {index} holds another type than expected")),
            _ => Self::Refused("the query could not be put to the database".into()),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match error {
            E::SqliteFailure(error, message) => {
                Self::lite(error.extended_code, message.as_deref().unwrap_or("no more is known"))
            }
            _ => Self::Refused("the query could not be put to the database".into()),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Again(what) | Fault::Lost(what) | Fault::Unavailable(what) | Fault::Untrusted(what) => {
                Self::Unavailable(what)
            }
            Fault::Refused(what) => Self::Refused(what),
            Fault::Fenced(job) => Self::Fenced(job),
        }
    }
}

impl StoreError {
    /// What happened inside, as the outside is told.
    pub(super) fn from_outcome<T>(outcome: Outcome<T>) -> Result<T, Self> {
        outcome.map_err(Self::from)
    }
}
