//! Jobs as last recorded, for lists and questions; the queue is what runs them.

use super::{
    super::{JobFilter, PersonId},
    db::{Db, Row, args},
    fault::{Fault, Outcome},
};
use crate::job::{Asker, Job, JobId};

/// Writes a job's present state down, unless it is older than what is there.
pub(super) async fn record(db: &mut Db<'_>, job: &Job, person: Option<PersonId>) -> Outcome<()> {
    let snapshot = serde_json::to_string(job).map_err(|_| Fault::damaged("job"))?;
    db.run(
        "insert into wtaf_jobs (job_id, status, asker, person_id, created_ms, finished_ms, snapshot) values ($1, $2, $3, $4, $5, $6, $7) \
         on conflict (job_id) do update set status = excluded.status, person_id = coalesce(excluded.person_id, wtaf_jobs.person_id), \
         finished_ms = excluded.finished_ms, snapshot = excluded.snapshot \
         where wtaf_jobs.status not in ('done', 'failed', 'refused') or (excluded.status in ('done', 'failed', 'refused') \
         and coalesce(excluded.finished_ms, 0) >= coalesce(wtaf_jobs.finished_ms, 0))",
        args![
            job.id,
            job.status.as_str(),
            key(&job.request.asker),
            person.map(|person| person.0),
            job.created_at,
            job.finished_at.map(crate::job::Millis::as_i64),
            snapshot
        ],
    )
    .await
    .map(drop)
}

/// A job as last recorded.
pub(super) async fn job(db: &mut Db<'_>, id: JobId) -> Outcome<Option<Job>> {
    db.one("select snapshot from wtaf_jobs where job_id = $1", args![id]).await?.as_ref().map(read).transpose()
}

/// Jobs, newest first.
pub(super) async fn list(db: &mut Db<'_>, (filter, limit): &(JobFilter, u32)) -> Outcome<Vec<Job>> {
    // Greater than any id.
    let before = filter.before.map_or_else(|| "~".to_owned(), |job| job.to_string());
    let asker = filter.asker.as_ref().map(key);
    if filter.source.is_some() || filter.id.is_some() {
        return sought(db, filter, &before, asker, *limit).await;
    }
    let rows = match (filter.status, &asker) {
        (None, None) => {
            let sql = "select snapshot from wtaf_jobs where job_id < $1 order by job_id desc limit $2";
            db.all(sql, args![before, *limit]).await?
        }
        (Some(status), None) => {
            let sql = "select snapshot from wtaf_jobs where job_id < $1 and status = $3 order by job_id desc limit $2";
            db.all(sql, args![before, *limit, status.as_str()]).await?
        }
        (None, Some(asker)) => {
            let sql = "select snapshot from wtaf_jobs where job_id < $1 and asker = $3 order by job_id desc limit $2";
            db.all(sql, args![before, *limit, asker]).await?
        }
        (Some(status), Some(asker)) => {
            let sql = "select snapshot from wtaf_jobs where job_id < $1 and asker = $3 and status = $4 order by job_id desc limit $2";
            db.all(sql, args![before, *limit, asker, status.as_str()]).await?
        }
    };
    rows.iter().map(read).collect()
}

/// What only a person looks for: found by reading backwards from the newest.
async fn sought(
    db: &mut Db<'_>,
    filter: &JobFilter,
    before: &str,
    asker: Option<String>,
    limit: u32,
) -> Outcome<Vec<Job>> {
    let from = filter.id.clone().unwrap_or_default().to_ascii_uppercase();
    let to = format!("{from}~");
    // Quotes within a text are escaped in the snapshot, so nobody's words read like this.
    let source = filter.source.map(|source| format!("%\"source\":\"{}\"%", source.as_str()));
    let sql = "select snapshot from wtaf_jobs where job_id < $1 and job_id >= $3 and job_id < $4 \
               and (status = $5 or $5 is null) and (asker = $6 or $6 is null) and (snapshot like $7 or $7 is null) \
               order by job_id desc limit $2";
    let status = filter.status.map(|status| status.as_str().to_owned());
    let rows = db.all(sql, args![before.to_owned(), limit, from, to, &status, &asker, &source]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Outcome<Job> {
    serde_json::from_str(&row.text("snapshot")?).map_err(|_| Fault::damaged("job"))
}

fn key(asker: &Asker) -> String {
    match asker {
        Asker::Phone(phone) => phone.e164().to_owned(),
        Asker::Guest(key) => format!("guest {}", key.as_str()),
    }
}
