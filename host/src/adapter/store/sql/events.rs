//! Numbered rows of what happened to a job.

use super::{
    super::{Event, Happening, News, Seq},
    db::{Db, Row, Scope, args},
    fault::{Fault, Outcome},
    jobs,
};
use crate::job::{JobId, Millis};

/// Writes down a job's state, and its events with the next numbers; gives the last one.
pub(super) async fn tell(db: &mut Db<'_>, (id, news): &(JobId, News)) -> Outcome<Seq> {
    if let Some((job, person)) = news.state.as_deref() {
        jobs::record(db, job, *person).await?;
    }
    if !news.events.is_empty() {
        db.lock_and_tell(Scope::Job(*id)).await?;
    }
    let mut last = 0;
    for happening in &news.events {
        last = add(db, *id, happening).await?;
    }
    Ok(last)
}

async fn add(db: &mut Db<'_>, job: JobId, happening: &Happening) -> Outcome<Seq> {
    let row = db
        .one(
            "insert into wtaf_events (job_id, seq, name, data, at_ms) \
             select $1, coalesce(max(seq), 0) + 1, $2, $3, $4 from wtaf_events where job_id = $1 returning seq",
            args![job, &happening.name, happening.data.to_string(), happening.at],
        )
        .await?;
    row.ok_or_else(|| Fault::damaged("number"))?.count("seq")
}

/// Whose events, after which, how many.
pub(super) type After = (JobId, Seq, u32);

/// Events after a number, in order.
pub(super) async fn after(db: &mut Db<'_>, (job, after, limit): &After) -> Outcome<Vec<Event>> {
    let after = i64::try_from(*after).unwrap_or(i64::MAX);
    let rows = db
        .all(
            "select seq, name, data, at_ms from wtaf_events where job_id = $1 and seq > $2 order by seq limit $3",
            args![*job, after, *limit],
        )
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Outcome<Event> {
    Ok(Event {
        seq: row.count("seq")?,
        name: row.text("name")?,
        data: serde_json::from_str(&row.text("data")?).map_err(|_| Fault::damaged("event"))?,
        at: row.moment("at_ms")?,
    })
}

/// Removes the events of jobs to which nothing happened since; a job keeps all of its events or none, so their numbers stay without gaps.
pub(super) async fn prune(db: &mut Db<'_>, before: Millis) -> Outcome<u64> {
    db.run(
        "delete from wtaf_events where job_id in (select job_id from wtaf_events group by job_id having max(at_ms) < $1)",
        args![before],
    )
    .await
}
