//! What the tables hold of a person, a line a column; found, given out and erased by the same list.
//!
//! A table or a column that a database does not have (yet, or any more) is passed over. A test reads the schema and fails when a table is not in here.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{
    super::{Erased, Held, Person, PersonId, Traces, Whom},
    db::{Arg, Db, Row, Scope, args},
    fault::{Fault, Outcome},
    people,
};
use crate::job::{Asker, GuestKey, JobId, Phone};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The row of a person.
    Person,
    /// The row of a page.
    Page,
    /// A job's id.
    Job,
    /// A number.
    Phone,
    /// A guest's key.
    Guest,
    /// Who asks, as the list of jobs has it.
    Asker,
    /// What limits count by.
    Spent,
}

/// A column that says whose a row is.
struct Line {
    table: &'static str,
    column: &'static str,
    by: By,
    find: &'static str,
    /// How the rows go, or how they no longer name anyone.
    erase: &'static str,
    /// Whether the row itself is about the person; else it is another's that names them.
    theirs: bool,
}

macro_rules! lines {
    ($($table:literal . $column:literal by $by:ident $(, but $but:literal)?;)*) => {
        &[$(Line {
            table: $table,
            column: $column,
            by: By::$by,
            find: concat!("select * from ", $table, " where ", $column, " = $1"),
            erase: lines!(@erase $table $column $($but)?),
            theirs: lines!(@theirs $($but)?),
        }),*]
    };
    (@erase $table:literal $column:literal) => { concat!("delete from ", $table, " where ", $column, " = $1") };
    (@erase $table:literal $column:literal $but:literal) => { concat!("update ", $table, " set ", $but, " where ", $column, " = $1") };
    (@theirs) => { true };
    (@theirs $but:literal) => { false };
}

/// Those that others refer to come after those that do.
const LINES: &[Line] = lines! {
    "wtaf_events"."job_id" by Job;
    "wtaf_effects"."job_id" by Job;
    // Shut, not removed: a worker that stood still all the while would pass again, and write down what was erased. Old fences are removed by themselves.
    "wtaf_fences"."job_id" by Job, but "fence = 9223372036854775807";
    "wtaf_outbox"."job_id" by Job;
    "wtaf_outbox"."phone" by Phone;
    "wtaf_turns"."job_id" by Job;
    "wtaf_turns"."person_id" by Person;
    "wtaf_spent"."job_id" by Job;
    "wtaf_spent"."key" by Spent;
    "wtaf_costs"."job_id" by Job, but "job_id = 'erased ' || cost_id";
    "wtaf_costs"."person_id" by Person, but "person_id = null";
    "wtaf_faves"."person_id" by Person;
    "wtaf_faves"."content_id" by Page;
    "wtaf_submissions"."page_id" by Page;
    "wtaf_collections"."page_id" by Page;
    "wtaf_friends"."page_id" by Page;
    "wtaf_views"."content_id" by Page;
    "wtaf_sessions"."person_id" by Person;
    "wtaf_sessions"."guest_key" by Guest, but "guest_key = null";
    "wtaf_moved_pages"."person_id" by Person;
    "wtaf_moved_pages"."content_id" by Page;
    "wtaf_moved_guests"."person_id" by Person;
    "wtaf_moved_guests"."heir_id" by Person;
    "wtaf_moved_guests"."guest_key" by Guest;
    "wtaf_versions"."content_id" by Page;
    "wtaf_versions"."job_id" by Job;
    "wtaf_jobs"."job_id" by Job;
    "wtaf_jobs"."asker" by Asker;
    "wtaf_jobs"."person_id" by Person;
    "wtaf_redirects"."person_id" by Person;
    "wtaf_content"."remix_of" by Page, but "remix_of = null";
    "wtaf_content"."content_id" by Page;
    "wtaf_content"."reserved_by" by Job;
    "wtaf_content"."sender_phone" by Phone;
    "sms_subscribers"."person_id" by Person;
    "sms_subscribers"."phone_number" by Phone;
    "sms_subscribers"."guest_key" by Guest;
};

/// What stays of someone who has left: a row that says so, and that nobody can be found by but by asking for the very number.
const REDUCE: &str = "update sms_subscribers set phone_number = null, guest_key = null, slug = null, role = null, is_admin = $3, consent_given = $3, \
                      confirmed = $3, index_file = null, created_ms = 0, phone_hash = $2 where person_id = $1";

/// People in the order they came.
pub(super) async fn people(db: &mut Db<'_>, (after, limit): &(PersonId, u32)) -> Outcome<Vec<Person>> {
    let rows = db
        .all(
            "select person_id from sms_subscribers where person_id > $1 and phone_hash is null order by person_id limit $2",
            args![*after, *limit],
        )
        .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        all.extend(people::by_id(db, PersonId(row.int("person_id")?)).await?);
    }
    Ok(all)
}

/// Everything that leads to rows about someone.
#[derive(Default)]
struct Marks {
    people: BTreeSet<i64>,
    pages: BTreeSet<i64>,
    jobs: BTreeSet<String>,
    phones: BTreeSet<String>,
    guests: BTreeSet<String>,
    slugs: BTreeSet<String>,
}

impl Marks {
    fn values(&self, by: By) -> Vec<Arg> {
        match by {
            By::Person => self.people.iter().map(|id| Arg::from(*id)).collect(),
            By::Page => self.pages.iter().map(|id| Arg::from(*id)).collect(),
            By::Job => self.jobs.iter().map(Arg::from).collect(),
            By::Phone => self.phones.iter().map(Arg::from).collect(),
            By::Guest => self.guests.iter().map(Arg::from).collect(),
            By::Asker => {
                let guests = self.guests.iter().map(|key| format!("guest {key}"));
                self.phones.iter().cloned().chain(guests).map(Arg::from).collect()
            }
            By::Spent => {
                let people = self.people.iter().map(|id| format!("person:{id}"));
                let codes = self.phones.iter().map(|phone| format!("code-for:{}", GuestKey::of_token(phone).as_str()));
                people.chain(codes).map(Arg::from).collect()
            }
        }
    }

    fn traces(&self) -> Outcome<Traces> {
        let phones = self.phones.iter().filter_map(|phone| phone.parse::<Phone>().ok()).map(Asker::Phone);
        let guests = self.guests.iter().map(|key| Asker::Guest(GuestKey::from_stored(key.clone())));
        let jobs = self.jobs.iter().map(|id| id.parse::<JobId>().map_err(|_| Fault::damaged("job's id")));
        Ok(Traces {
            askers: phones.chain(guests).collect(),
            slugs: self.slugs.iter().cloned().collect(),
            jobs: jobs.collect::<Outcome<_>>()?,
        })
    }
}

/// The lines this database has the tables and columns for.
async fn lines(db: &mut Db<'_>) -> Outcome<Vec<&'static Line>> {
    let there: HashSet<(String, String)> = db.columns().await?.into_iter().collect();
    Ok(LINES.iter().filter(|line| there.contains(&(line.table.to_owned(), line.column.to_owned()))).collect())
}

/// Follows what is known of someone to everything that is theirs.
async fn marks(db: &mut Db<'_>, whom: &Whom, lines: &[&Line]) -> Outcome<Marks> {
    let mut marks = Marks::default();
    marks.people.extend(whom.person.map(|id| id.0));
    marks.jobs.extend(whom.jobs.iter().map(ToString::to_string));
    match &whom.asker {
        Asker::Phone(phone) => marks.phones.insert(phone.e164().to_owned()),
        Asker::Guest(key) => marks.guests.insert(key.as_str().to_owned()),
    };
    let has = |table: &str| lines.iter().any(|line| line.table == table);
    if has("wtaf_moved_guests") {
        for id in marks.people.clone() {
            let sql = "select person_id, guest_key from wtaf_moved_guests where heir_id = $1";
            for row in db.all(sql, args![id]).await? {
                marks.people.insert(row.int("person_id")?);
                marks.guests.insert(row.text("guest_key")?);
            }
        }
    }
    if has("wtaf_sessions") {
        guests_of_their_browsers(db, &mut marks).await?;
    }
    for id in marks.people.clone() {
        let sql = "select phone_number, guest_key, slug from sms_subscribers where person_id = $1";
        for row in db.all(sql, args![id]).await? {
            marks.phones.extend(row.maybe_text("phone_number")?);
            marks.guests.extend(row.maybe_text("guest_key")?);
            marks.slugs.extend(row.maybe_text("slug")?);
        }
        for slug in marks.slugs.clone() {
            let sql = "select content_id from wtaf_content where user_slug = $1";
            for row in db.all(sql, args![slug]).await? {
                marks.pages.insert(row.int("content_id")?);
            }
        }
    }
    // Names of before lead to files, and to no rows: those were renamed with their owner.
    for id in marks.people.clone() {
        for row in db.all("select slug from wtaf_redirects where person_id = $1", args![id]).await? {
            marks.slugs.insert(row.text("slug")?);
        }
    }
    for phone in marks.phones.clone() {
        for row in db.all("select content_id from wtaf_content where sender_phone = $1", args![phone]).await? {
            marks.pages.insert(row.int("content_id")?);
        }
    }
    for (by, sql) in [
        (By::Asker, "select job_id from wtaf_jobs where asker = $1"),
        (By::Person, "select job_id from wtaf_jobs where person_id = $1"),
        (By::Person, "select job_id from wtaf_turns where person_id = $1"),
        (By::Phone, "select job_id from wtaf_outbox where phone = $1"),
        (By::Spent, "select job_id from wtaf_spent where key = $1"),
        (By::Page, "select job_id from wtaf_versions where content_id = $1 and job_id is not null"),
        (By::Page, "select reserved_by as job_id from wtaf_content where content_id = $1 and reserved_by is not null"),
    ] {
        for value in marks.values(by) {
            for row in db.all(sql, &[value]).await? {
                marks.jobs.insert(row.text("job_id")?);
            }
        }
    }
    Ok(marks)
}

/// What someone who is signed in made before they were, and did not take along, is theirs; unless someone else has signed in on that browser too: then nobody
/// can tell whose it is.
async fn guests_of_their_browsers(db: &mut Db<'_>, marks: &mut Marks) -> Outcome<()> {
    for id in marks.people.clone() {
        let sql = "select s.guest_key from wtaf_sessions s where s.person_id = $1 and s.guest_key is not null \
                   and not exists (select 1 from wtaf_sessions o where o.guest_key = s.guest_key and o.person_id <> $1)";
        for row in db.all(sql, args![id]).await? {
            let key = row.text("guest_key")?;
            let known = db.one("select person_id from sms_subscribers where guest_key = $1", args![&key]).await?;
            marks.people.extend(known.map(|row| row.int("person_id")).transpose()?);
            marks.guests.insert(key);
        }
    }
    Ok(())
}

/// By what someone is known, and what is theirs.
pub(super) async fn traces(db: &mut Db<'_>, whom: &Whom) -> Outcome<Traces> {
    let lines = lines(db).await?;
    marks(db, whom, &lines).await?.traces()
}

/// Every row about someone, by table, each once.
pub(super) async fn held(db: &mut Db<'_>, whom: &Whom) -> Outcome<Vec<Held>> {
    let lines = lines(db).await?;
    let marks = marks(db, whom, &lines).await?;
    let mut tables: BTreeMap<&'static str, (HashSet<String>, Vec<Value>)> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.theirs || line.table == "wtaf_costs") {
        for value in marks.values(line.by) {
            let rows: Vec<Value> = db.all(line.find, &[value]).await?.iter().map(Row::json).collect();
            let (seen, kept) = tables.entry(line.table).or_default();
            kept.extend(rows.into_iter().filter(|row| seen.insert(row.to_string())));
        }
    }
    let filled = tables.into_iter().filter(|(_, (_, rows))| !rows.is_empty());
    Ok(filled.map(|(table, (_, rows))| Held { table, rows }).collect())
}

/// Erases them.
pub(super) async fn erase(db: &mut Db<'_>, whom: &Whom) -> Outcome<Vec<Erased>> {
    db.lock(Scope::Names).await?;
    if let Some(person) = whom.person {
        db.lock(Scope::Person(person)).await?;
    }
    let lines = lines(db).await?;
    let marks = marks(db, whom, &lines).await?;
    let leaver = leaver(db, &marks).await?;
    let mut gone: Vec<Erased> = Vec::new();
    for line in lines {
        let mut rows = 0;
        for value in marks.values(line.by) {
            // Who has left stays, as someone who has.
            if line.table == "sms_subscribers" && leaver.as_ref().is_some_and(|leaver| leaver.is(&value)) {
                continue;
            }
            rows += db.run(line.erase, &[value]).await?;
        }
        // The number is taken out of the row before rows with that number go.
        if line.table == "sms_subscribers"
            && line.by == By::Person
            && let Some(Leaver { id, phone: Some(phone) }) = &leaver
        {
            rows += db.run(REDUCE, args![*id, hash_of(phone), false]).await?;
        }
        match gone.iter_mut().find(|erased| erased.table == line.table) {
            Some(erased) => erased.rows += rows,
            None => gone.push(Erased { table: line.table, rows }),
        }
    }
    gone.retain(|erased| erased.rows > 0);
    Ok(gone)
}

/// Jobs that the list of jobs does not have, or no longer has.
pub(super) async fn unknown(db: &mut Db<'_>, jobs: &[JobId]) -> Outcome<Vec<JobId>> {
    let asked = jobs.iter().map(ToString::to_string).collect::<Value>().to_string();
    let sql = db.of(
        "select a.value as job_id from json_each($1) a where not exists (select 1 from wtaf_jobs j where j.job_id = a.value)",
        "select a.value as job_id from json_array_elements_text(cast($1 as json)) a (value) \
         where not exists (select 1 from wtaf_jobs j where j.job_id = a.value)",
    );
    let rows = db.all(sql, args![asked]).await?;
    rows.iter().map(|row| row.text("job_id")?.parse().map_err(|_| Fault::damaged("job's id"))).collect()
}

/// The row of someone who has left, and their number unless it is a hash already.
struct Leaver {
    id: i64,
    phone: Option<Phone>,
}

impl Leaver {
    fn is(&self, value: &Arg) -> bool {
        matches!(value, Arg::Int(Some(id)) if *id == self.id)
    }
}

async fn leaver(db: &mut Db<'_>, marks: &Marks) -> Outcome<Option<Leaver>> {
    for id in &marks.people {
        let sql = "select phone_number, phone_hash, coalesce(unsubscribed, false) as unsubscribed from sms_subscribers where person_id = $1";
        let Some(row) = db.one(sql, args![*id]).await? else { continue };
        let phone = row.maybe_text("phone_number")?.and_then(|phone| phone.parse().ok());
        if row.flag("unsubscribed")? && (phone.is_some() || row.maybe_text("phone_hash")?.is_some()) {
            return Ok(Some(Leaver { id: *id, phone }));
        }
    }
    Ok(None)
}

/// Rounds of the hash. Numbers are few: this makes trying them all take days instead of minutes, and one question a millisecond.
const ROUNDS: usize = 4_096;

/// What stays of a number: enough to know it again, for whoever has it.
pub(super) fn hash_of(phone: &Phone) -> String {
    let round = |bytes: &[u8]| -> [u8; 32] {
        // A key of any length will do for an HMAC.
        Hmac::<Sha256>::new_from_slice(b"wtaf: a number that left").map_or([0; 32], |mut mac| {
            mac.update(bytes);
            mac.finalize().into_bytes().into()
        })
    };
    let mut hash = round(phone.e164().as_bytes());
    for _ in 1..ROUNDS {
        hash = round(&hash);
    }
    hex::encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables that hold nothing of anyone.
    const NOBODYS: &[(&str, &str)] = &[
        ("_sqlx_migrations", "which migrations were applied"),
        ("sqlite_sequence", "the greatest numbers given"),
        ("wtaf_keys", "secrets of the engine's own"),
        ("wtaf_codes", "hashes that need the browser's own token, gone within minutes"),
    ];

    /// Columns whose names say that they lead to someone.
    fn leads_to_someone(column: &str) -> bool {
        let parts = [
            "person",
            "phone",
            "guest",
            "job",
            "asker",
            "content_id",
            "page_id",
            "heir",
            "reserved_by",
            "sender",
            "remix_of",
        ];
        parts.iter().any(|part| column.contains(part))
    }

    /// Columns that do by their name, and are found by another of the same row.
    const FOUND_BY_ANOTHER: &[(&str, &str)] = &[("sms_subscribers", "phone_hash")];

    async fn schema() -> (tempfile::TempDir, Vec<(String, String)>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wtaf.db");
        super::super::migrate(&crate::config::StoreUrl::Sqlite(path.clone())).await.unwrap();
        let mut conn = rusqlite::Connection::open(&path).unwrap();
        let columns = Db::Sqlite(&mut conn).columns().await.unwrap();
        (folder, columns)
    }

    #[tokio::test]
    async fn every_table_is_erased_or_is_nobodys() {
        let (_folder, columns) = schema().await;

        let tables: BTreeSet<_> = columns.iter().map(|(table, _)| table.as_str()).collect();
        for table in &tables {
            let known =
                LINES.iter().any(|line| line.table == *table) || NOBODYS.iter().any(|(nobodys, _)| nobodys == table);
            assert!(
                known,
                "{table}: say in LINES how its rows are found and erased, or in NOBODYS why they are about nobody"
            );
        }
        assert!(tables.len() > 12);
    }

    #[tokio::test]
    async fn every_column_that_leads_to_someone_is_followed() {
        let (_folder, columns) = schema().await;

        for (table, column) in &columns {
            let followed = LINES.iter().any(|line| line.table == table && line.column == column)
                || FOUND_BY_ANOTHER.contains(&(table, column))
                || NOBODYS.iter().any(|(nobodys, _)| nobodys == table);
            assert!(followed || !leads_to_someone(column), "{table}.{column}: give it a line in LINES");
        }
    }

    #[test]
    fn a_hash_says_nothing_of_a_number_and_is_always_the_same() {
        let (a, b): (Phone, Phone) = ("+15550001111".parse().unwrap(), "+15550001112".parse().unwrap());
        assert_eq!(hash_of(&a), hash_of(&a));
        assert_ne!(hash_of(&a), hash_of(&b));
        assert!(!hash_of(&a).contains("5550001111"));
    }
}
