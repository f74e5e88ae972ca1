//! The database.

use std::{path::PathBuf, sync::Arc, time::Duration};

use secrecy::SecretString;

use super::{Check, Notes, is_private};
use crate::{
    adapter::store::{self, Between, Notifications, ServerHealth, StoreError},
    config::{Checked, StoreUrl},
};

const LIMIT: Duration = Duration::from_secs(30);
/// What the migrations are tried with.
const OLDEST: i64 = 150_000;
const SLOW: Duration = Duration::from_millis(50);
/// Milliseconds: codes and sessions are counted in minutes.
const OFF: i64 = 2_000;

pub(super) fn checks(pipeline: &Arc<Checked>) -> Vec<Check> {
    match pipeline.store.url.clone() {
        StoreUrl::Sqlite(path) => vec![Check::new("store", "SQLite", LIMIT, file(path))],
        StoreUrl::Postgres(url) => {
            let listen = pipeline.store.listen_url.clone();
            vec![
                Check::new("store", "PostgreSQL", LIMIT, server(url.clone())),
                Check::new("store", "notifications", LIMIT, notifications(url, listen)),
            ]
        }
    }
}

async fn file(path: PathBuf) -> Notes {
    let mut notes = Notes::default();
    let health = match store::file_health(&path).await {
        Ok(health) => health,
        Err(error) => {
            notes.fail(
                "file",
                error.to_string(),
                format!("see whether {} is the right file, and whose it is", path.display()),
            );
            return notes;
        }
    };
    notes.ok("version", format!("SQLite {}", health.version));
    if !health.there {
        notes.ok("file", format!("{} is made at the first start", path.display()));
        return notes;
    }
    if is_private(health.mode) {
        notes.ok("file", format!("{}, for its owner alone", path.display()));
    } else {
        let found = format!("others on this machine may read {} ({:o})", path.display(), health.mode);
        notes.warn("file", found, format!("chmod 600 {}*", path.display()));
    }
    if health.journal == "wal" {
        notes.ok("journal", "write-ahead log");
    } else {
        notes.warn(
            "journal",
            format!("{}, not the write-ahead log", health.journal),
            "start the engine: it switches it on; not on a network drive",
        );
    }
    migrations(&health.missing, &mut notes);
    notes
}

fn migrations(missing: &[String], notes: &mut Notes) {
    if missing.is_empty() {
        notes.ok("tables", "up to date");
    } else {
        let todo = "wtaf-host migrate --dry-run shows what is missing, wtaf-host migrate applies it";
        notes.warn("tables", format!("missing: {}", missing.join(", ")), todo);
    }
}

async fn server(url: SecretString) -> Notes {
    let mut notes = Notes::default();
    match store::server_health(&url).await {
        Ok(health) => told(&health, &mut notes),
        Err(error) => notes.fail("connection", error.to_string(), unreached(&error)),
    }
    notes
}

/// What an error does not say itself.
fn unreached(error: &StoreError) -> &'static str {
    let words = error.to_string();
    if words.contains("(28") {
        "set user and password of store.url (DATABASE_URL) right; a password's special characters are written %40 and so on"
    } else if words.contains("(3D") {
        "create that database, or set the name at the end of store.url (DATABASE_URL) right"
    } else if words.contains("certificate") || words.contains("TLS") {
        "see sslmode and sslrootcert in store.url (DATABASE_URL)"
    } else if error.is_transient() {
        "see whether it runs and can be reached from here: host and port of store.url (DATABASE_URL), firewall, allowed addresses"
    } else {
        "see store.url (DATABASE_URL)"
    }
}

fn told(health: &ServerHealth, notes: &mut Notes) {
    let version = format!("PostgreSQL {}", health.version);
    if health.number >= OLDEST {
        notes.ok("version", version);
    } else {
        notes.warn("version", version, "move to PostgreSQL 15 or later: older ones are not tried");
    }
    encryption(health, notes);
    between(health.between, notes);
    rights(health, notes);
    migrations(&health.missing, notes);
    let trip = format!("an answer takes {:.1} ms", health.round_trip.as_secs_f64() * 1000.0);
    if health.round_trip < SLOW {
        notes.ok("round trip", trip);
    } else {
        notes.warn("round trip", trip, "a job asks some forty times: run the engine in the database's region");
    }
    if health.ahead.abs() < OFF {
        notes.ok("clock", format!("the server's is {} ms off ours", health.ahead));
    } else {
        notes.warn(
            "clock",
            format!("the server's is {} s off ours", health.ahead / 1000),
            "keep this machine's clock with NTP: timedatectl set-ntp true",
        );
    }
}

fn encryption(health: &ServerHealth, notes: &mut Notes) {
    match (health.encrypted, health.verified) {
        (Some(false), _) => notes.warn(
            "encryption",
            "none: who is in between reads everything",
            "add ?sslmode=verify-full&sslrootcert=FILE to store.url, unless the database is on this machine",
        ),
        (_, true) => notes.ok("encryption", "TLS, the server's certificate is checked"),
        (Some(true), false) => notes.warn(
            "encryption",
            "TLS, and the server's certificate is not looked at: someone in between could be taken for it",
            "add ?sslmode=verify-full&sslrootcert=FILE to store.url",
        ),
        (None, false) => notes.warn(
            "encryption",
            "the pooler's certificate is not looked at",
            "add sslmode=verify-full&sslrootcert=FILE to store.url, unless the pooler is on this machine",
        ),
    }
}

fn between(between: Between, notes: &mut Notes) {
    match (between.pooled, between.known) {
        (true, true) => notes.ok("pooler", "one in transaction mode, and treated so"),
        (false, true) => notes.ok("pooler", "none, or one in session mode"),
        (true, false) => notes.fail(
            "pooler",
            "a transaction pooler is in between, and store.url does not say so: prepared statements will be mixed up",
            "add ?pgbouncer=true to store.url",
        ),
        (false, false) => notes.warn(
            "pooler",
            "sessions are ours, and store.url is taken for a transaction pooler's: everything costs an exchange more",
            "add ?pgbouncer=false to store.url, where this is a session pooler or the server itself",
        ),
    }
}

fn rights(health: &ServerHealth, notes: &mut Notes) {
    if health.closed.is_empty() {
        let how = if health.bypasses { "row-level security does not hold for it" } else { "it owns the tables" };
        notes.ok("role", format!("{}: {how}", health.role));
    } else {
        notes.fail(
            "role",
            format!("{} may not do all the engine has to in {}", health.role, health.closed.join(", ")),
            format!(
                "use the role that owns the tables, or Supabase's postgres or service_role; or: alter role {} bypassrls; \
                 grant select, insert, update, delete on all tables in schema public to {}",
                health.role, health.role
            ),
        );
    }
    if health.open.is_empty() {
        notes.ok("row-level security", "on for every table");
    } else {
        notes.fail(
            "row-level security",
            format!("off for {}: whoever has Supabase's anon key may read them", health.open.join(", ")),
            health
                .open
                .iter()
                .map(|table| format!("alter table {table} enable row level security;"))
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
}

async fn notifications(url: SecretString, listen_url: Option<SecretString>) -> Notes {
    let mut notes = Notes::default();
    let todo = "set store.listen_url to a direct or session URL (port 5432); without it all is well, a second later";
    match store::hears(&url, listen_url.as_ref()).await {
        Ok(Notifications::Arrive) => notes.ok("notifications", "what one machine writes is seen by the others at once"),
        Ok(Notifications::DoNot) => notes.warn(
            "notifications",
            "LISTEN was taken and nothing arrives: a transaction pooler is in between",
            todo,
        ),
        Ok(Notifications::NotTried) => {
            notes.warn("notifications", "none through a transaction pooler: other machines look each second", todo);
        }
        Err(error) => {
            notes.fail("notifications", error.to_string(), "see the connection, and store.listen_url where it is set");
        }
    }
    notes
}
