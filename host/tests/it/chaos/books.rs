//! The books: what was paid, what is live, what was told; and whether all of it is so once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt, fs,
};

use serde_json::Value;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection, sqlite::SqliteConnectOptions,
};

use super::{
    beast::Beast,
    crowd::{Answered, SCRIPT, phone, tag, tag_in},
};
use crate::kit::{ai::FakeAi, host::asked_in, twilio::FakeTwilio};

/// What is known while it goes on.
#[derive(Debug, Default)]
pub struct Books {
    /// What each idea had cost when its answer was first found on the disk.
    paid: BTreeMap<String, usize>,
    seen: HashSet<String>,
}

/// What it came to.
#[derive(Debug, Default)]
pub struct Figures {
    wrong: Vec<String>,
    texts: usize,
    doubled_texts: usize,
    lost_texts: usize,
    answers: usize,
    calls: usize,
    found_on_disk: usize,
    paid_twice: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} texts, {} doubled, {} lost; {} answers, {} calls (the others were cut off, refused or not yet on the disk), {} answers found on the disk \
             at a kill, of those paid twice: {}; wrong: {:?}",
            self.texts,
            self.doubled_texts,
            self.lost_texts,
            self.answers,
            self.calls,
            self.found_on_disk,
            self.paid_twice,
            self.wrong
        )
    }
}

impl Figures {
    pub fn assert_good(&self) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert_eq!((self.lost_texts, self.doubled_texts, self.paid_twice), (0, 0, 0), "lost, doubled, paid twice");
    }

    fn expect(&mut self, what: &str, is: i64, should: usize) {
        if usize::try_from(is) != Ok(should) {
            self.wrong.push(format!("{what}: {is}, should be {should}"));
        }
    }
}

fn calls(ai: &FakeAi) -> HashMap<String, usize> {
    let mut calls = HashMap::new();
    for call in ai.calls() {
        if let Some(tag) = tag_in(&asked_in(&call)) {
            *calls.entry(tag.to_owned()).or_default() += 1;
        }
    }
    calls
}

impl Books {
    /// After a kill: which answers are on the disk, and what they had cost.
    pub fn look(&mut self, beast: &Beast, ai: &FakeAi) {
        let mut calls_then = None;
        for folder in ["work", "new", "done"] {
            let Ok(entries) = fs::read_dir(beast.data().join("wtaf").join(folder)) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if self.seen.contains(&name) {
                    continue;
                }
                let Some(job) =
                    fs::read(entry.path()).ok().and_then(|file| serde_json::from_slice::<Value>(&file).ok())
                else {
                    continue;
                };
                if job["progress"]["answers"].as_array().is_none_or(Vec::is_empty) {
                    continue;
                }
                let Some(tag) = job["request"]["text"].as_str().and_then(tag_in) else { continue };
                let calls_then = calls_then.get_or_insert_with(|| calls(ai));
                self.paid.entry(tag.to_owned()).or_insert(calls_then.get(tag).copied().unwrap_or_default());
                self.seen.insert(name);
            }
        }
    }

    /// Every page is at the address its person was told, and is what they asked for.
    pub async fn check_pages(&mut self, beast: &Beast, answers: &[Answered]) {
        for answered in answers {
            let letter = match answered.text {
                // What the first text made, the third has changed.
                0 | 2 => 'b',
                4 => 'c',
                _ => continue,
            };
            let url = answered.file["progress"]["published"]["url"].as_str();
            let url = url.unwrap_or_else(|| panic!("no page: {:#}", answered.file));
            let html = beast.page(url).await;
            assert!(
                html.contains(&format!("Behold {}", tag(answered.person, letter))),
                "{url} is another's: {html:.300}"
            );
        }
    }

    /// At the end, with the engine gone.
    pub async fn close(&self, beast: &Beast, ai: &FakeAi, twilio: &FakeTwilio, answers: &[Answered]) -> Figures {
        let mut figures = Figures::default();
        let people = answers.len() / SCRIPT.len();
        for answered in answers.iter().filter(|answered| answered.file["status"] != "done") {
            figures.wrong.push(format!("{} ended otherwise: {:#}", answered.job, answered.file));
        }
        self.count_calls(&mut figures, ai, people);
        count_files(&mut figures, beast, answers);
        let mut database = Database::of(beast).await;
        count_rows(&mut figures, &mut database, people).await;
        count_texts(&mut figures, &mut database, twilio).await;
        for answered in answers {
            check_link(&mut figures, twilio, answered);
        }
        figures
    }

    fn count_calls(&self, figures: &mut Figures, ai: &FakeAi, people: usize) {
        let calls = calls(ai);
        figures.calls = calls.values().sum();
        figures.answers = calls.len();
        figures.expect("ideas that were asked for", i64::try_from(calls.len()).unwrap_or_default(), 3 * people);
        figures.found_on_disk = self.paid.len();
        for (idea, cost) in &self.paid {
            figures.paid_twice += calls[idea].saturating_sub(*cost);
        }
    }
}

fn count_files(figures: &mut Figures, beast: &Beast, answers: &[Answered]) {
    for (folder, should) in [("tmp", 0), ("new", 0), ("work", 0), ("failed", 0), ("done", answers.len())] {
        let entries = fs::read_dir(beast.data().join("wtaf").join(folder)).expect("the queue has its folders");
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        if names.len() != should {
            let some: Vec<_> = names.iter().take(5).collect();
            figures.wrong.push(format!("{folder}/ has {} files, should have {should}: {some:?}", names.len()));
        }
    }
}

async fn count_rows(figures: &mut Figures, database: &mut Database, people: usize) {
    for (what, sql, should) in [
        ("people", "select count(*) from sms_subscribers", people),
        ("people with the name they chose", "select count(*) from sms_subscribers where slug like 'otter-%'", people),
        ("old names that lead on", "select count(*) from wtaf_redirects", people),
        ("live pages", "select count(*) from wtaf_content where status = 'published'", 2 * people),
        ("names reserved for nothing", "select count(*) from wtaf_content where status <> 'published'", 0),
        ("pages changed once", "select count(*) from wtaf_content where version = 2", people),
        ("versions", "select count(*) from wtaf_versions", 3 * people),
        ("favourites", "select count(*) from wtaf_faves", people),
        ("account actions", "select count(*) from wtaf_effects", 2 * people),
        ("orders counted against limits", "select count(*) from wtaf_spent", 3 * people),
        ("answers paid for in the books", "select count(*) from wtaf_costs", 3 * people),
        ("jobs in the lists", "select count(*) from wtaf_jobs where status = 'done'", 5 * people),
        ("jobs whose end was told", "select count(distinct job_id) from wtaf_events where name = 'done'", 5 * people),
        (
            "pages of nobody",
            "select count(*) from wtaf_content c left join sms_subscribers s on s.slug = c.user_slug where s.person_id is null",
            0,
        ),
        ("texts written", "select count(*) from wtaf_outbox", 8 * people),
        ("texts sent", "select count(*) from wtaf_outbox where status = 'sent' and sid is not null", 8 * people),
        ("texts with an id of their own", "select count(distinct sid) from wtaf_outbox", 8 * people),
    ] {
        let is = database.number(sql).await;
        figures.expect(what, is, should);
    }
}

/// What the carrier took against what is in the outbox, by number and words.
async fn count_texts(figures: &mut Figures, database: &mut Database, twilio: &FakeTwilio) {
    let mut due: HashMap<(String, String), i64> = HashMap::new();
    for row in database.pairs("select phone, body from wtaf_outbox").await {
        *due.entry(row).or_default() += 1;
    }
    for sent in twilio.sent() {
        figures.texts += 1;
        *due.entry((sent.form["To"].clone(), sent.body().to_owned())).or_default() -= 1;
    }
    for (text, left) in due {
        if left > 0 {
            figures.lost_texts += 1;
            figures.wrong.push(format!("never sent: {text:?}"));
        } else if left < 0 {
            figures.doubled_texts += 1;
            figures.wrong.push(format!("sent {} times too often: {text:?}", -left));
        }
    }
}

/// The text that tells of a page ends with its address, and went to who asked.
fn check_link(figures: &mut Figures, twilio: &FakeTwilio, answered: &Answered) {
    let Some(url) = answered.file["progress"]["published"]["url"].as_str() else { return };
    let told = twilio
        .sent()
        .iter()
        .filter(|sent| sent.form["To"] == phone(answered.person) && sent.body().ends_with(url))
        .count();
    if told == 0 {
        figures.wrong.push(format!("nobody was told of {url}"));
    }
}

/// The tables, behind the store's back.
enum Database {
    Lite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    async fn of(beast: &Beast) -> Self {
        if let Some(url) = beast.store() {
            return Self::Postgres(PgConnection::connect(url).await.expect("PostgreSQL answers"));
        }
        let file = SqliteConnectOptions::new().filename(beast.data().join("wtaf.db"));
        Self::Lite(file.connect().await.expect("the file is there"))
    }

    async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Lite(conn) => sqlx::query_scalar(sql).fetch_one(conn).await,
            Self::Postgres(conn) => sqlx::query_scalar(sql).fetch_one(conn).await,
        }
        .expect("the tables are as they were")
    }

    async fn pairs(&mut self, sql: &str) -> Vec<(String, String)> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Lite(conn) => {
                let rows = sqlx::query(sql).fetch_all(conn).await.expect("the tables are as they were");
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
            Self::Postgres(conn) => {
                let rows = sqlx::query(sql).fetch_all(conn).await.expect("the tables are as they were");
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        }
    }
}
