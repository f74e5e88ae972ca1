//! The store's behaviours, each told once and shown on SQLite, on PostgreSQL, and on PostgreSQL behind a transaction pooler.

mod accounts;
mod adoption;
mod collected;
mod crowd;
mod databases;
mod erasure;
mod events;
mod fences;
mod gallery;
mod killed;
mod listening;
mod outbox;
mod pages;
mod people;
mod records;
mod rights;
mod sessions;
mod tls;

use std::{path::PathBuf, sync::Arc};

use wtaf_host::{
    adapter::store::{self, Draft, Joined, NewText, Person, Publication, Store},
    config::StoreUrl,
    job::{Asker, GuestKey, Job, JobId, JobIds, Millis, Request, Source},
};

use crate::kit::{pgbouncer, postgres};

/// A store of one test's own.
struct Place {
    store: Arc<dyn Store>,
    /// How to open it once more.
    url: StoreUrl,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("data/wtaf.db"));
        Self { store: store::open(&url).await.unwrap(), url, _folder: Some(folder) }
    }

    async fn postgres() -> Self {
        let url = StoreUrl::Postgres(String::from(postgres::database().await).into());
        Self { store: store::open(&url).await.unwrap(), url, _folder: None }
    }

    async fn pooled() -> Self {
        let direct = postgres::database().await;
        store::migrate(&StoreUrl::Postgres(String::from(direct.clone()).into())).await.unwrap();
        let url = StoreUrl::Postgres(String::from(pgbouncer::before(&direct).await).into());
        Self { store: store::open(&url).await.unwrap(), url, _folder: None }
    }

    /// The same database, as another process would open it.
    async fn again(&self) -> Arc<dyn Store> {
        store::open(&self.url).await.unwrap()
    }

    fn file(&self) -> PathBuf {
        match &self.url {
            StoreUrl::Sqlite(path) => path.clone(),
            StoreUrl::Postgres(_) => panic!("PostgreSQL is no file"),
        }
    }
}

fn postgres_url(url: &url::Url) -> StoreUrl {
    StoreUrl::Postgres(url.as_str().to_owned().into())
}

/// Makes tests of behaviours: one on each database.
macro_rules! on_every_store {
    ($($behaviour:ident),* $(,)?) => {
        $crate::store::on_every_store!(@on sqlite $($behaviour)*);
        $crate::store::on_every_store!(@on postgres $($behaviour)*);
        $crate::store::on_every_store!(@on pooled $($behaviour)*);
    };
    (@on $place:ident $($behaviour:ident)*) => {
        mod $place {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(&$crate::store::Place::$place().await).await;
                }
            )*
        }
    };
}
use on_every_store;

const NOW: Millis = Millis(1_795_413_000_000);

/// A moment some seconds after [`NOW`].
fn at(seconds: u64) -> Millis {
    Millis(NOW.0 + seconds * 1_000)
}

fn job_id() -> JobId {
    static IDS: std::sync::LazyLock<JobIds> = std::sync::LazyLock::new(JobIds::default);
    IDS.next(NOW)
}

fn texter(last: u32) -> Asker {
    Asker::Phone(format!("+1555{last:07}").parse().unwrap())
}

fn guest(token: &str) -> Asker {
    Asker::Guest(GuestKey::of_token(token))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Someone with this slug.
async fn person(store: &dyn Store, slug: &str) -> Person {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1_000_000);
    let asker = texter(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let Joined { person, fresh } = store.join(&asker, &words(&[slug]), &[], "coder", NOW).await.unwrap();
    assert!(fresh);
    person
}

fn text(job: JobId, occasion: &str, to: &Asker, body: &str) -> NewText {
    NewText { job, occasion: occasion.into(), to: to.phone().unwrap().clone(), body: body.into() }
}

/// A page to publish under a slug.
fn publication(job: JobId, person: &Person, slug: &str, html: &str, now: Millis) -> Publication {
    Publication {
        job,
        person: person.id,
        slug: slug.into(),
        draft: Draft {
            html: html.into(),
            owner_html: None,
            title: format!("Title of {html}"),
            description: String::new(),
        },
        kind: "page".into(),
        coach: Some("alex".into()),
        prompt: format!("make {html}"),
        remix_of: None,
        og_image_url: None,
        now,
        texts: vec![],
    }
}

/// A page that is live.
async fn published(store: &dyn Store, person: &Person, slug: &str, html: &str, now: Millis) -> JobId {
    let job = job_id();
    let reserved = store.reserve(job, person.id, &words(&[slug]), now).await.unwrap();
    assert_eq!(reserved, slug);
    assert_eq!(store.publish(publication(job, person, slug, html, now)).await.unwrap(), 1);
    job
}

fn job(asker: &Asker) -> Job {
    let request = Request {
        source: Source::Sms,
        asker: asker.clone(),
        text: "wtaf a page".into(),
        media: vec![],
        delivery: None,
        opt_out: None,
        coach: None,
        user_slug: None,
    };
    let id = job_id();
    Job::new(id, request, id.time())
}
