//! What is old and of no use any more is forgotten, a portion at a time.

use super::{
    db::{Db, args},
    fault::Outcome,
};
use crate::job::Millis;

/// Rows of each table that go at once: no writer waits for more.
const PORTION: u32 = 200;

/// Removes a portion from each table. What a failed job did is kept as long as the job is: it may be brought back. Gives how many rows went.
pub(super) async fn prune(db: &mut Db<'_>, before: Millis) -> Outcome<u64> {
    let mut gone = 0;
    for sql in [
        "delete from wtaf_effects where (job_id, step) in (select e.job_id, e.step from wtaf_effects e where e.created_ms < $1 and not exists \
         (select 1 from wtaf_jobs j where j.job_id = e.job_id and j.status not in ('done', 'refused')) limit $2)",
        "delete from wtaf_outbox where text_id in (select o.text_id from wtaf_outbox o where o.updated_ms < $1 and o.status not in ('waiting', 'sending') \
         and not exists (select 1 from wtaf_jobs j where j.job_id = o.job_id and j.status not in ('done', 'refused')) limit $2)",
        "delete from wtaf_turns where turn_id in (select turn_id from wtaf_turns where at_ms < $1 limit $2)",
        "delete from wtaf_costs where cost_id in (select cost_id from wtaf_costs where at_ms < $1 limit $2)",
        "delete from wtaf_jobs where job_id in (select job_id from wtaf_jobs where status in ('done', 'refused') and finished_ms < $1 limit $2)",
    ] {
        gone += db.run(sql, args![before, PORTION]).await?;
    }
    Ok(gone)
}
