//! Fences: which worker's writes count, where several work on the same jobs.
//!
//! A worker that was stopped or cut off for longer than its lease may wake up and go on; by then another has the job. Its number is lower, and what it writes is
//! refused in the very transaction that would have written it.

use super::{
    super::Fence,
    db::{Db, args},
    fault::{Fault, Outcome},
};
use crate::job::Millis;

/// Goes on only for the holder of a job's fence. The row stays locked until the end of the transaction: who raises it waits for what is being written, and
/// then sees it.
pub(super) async fn check(db: &mut Db<'_>, fence: Fence) -> Outcome<()> {
    let sql = db.of(
        "select fence from wtaf_fences where job_id = $1",
        "select fence from wtaf_fences where job_id = $1 for share",
    );
    let there = match db.one(sql, args![fence.job]).await? {
        Some(row) => Some(row.int("fence")?),
        None => None,
    };
    match there {
        Some(there) if there == number(fence) => Ok(()),
        Some(there) if there > number(fence) => Err(Fault::Fenced(fence.job)),
        _ => raise(db, fence).await,
    }
}

/// Raises a job's fence, unless it is higher.
pub(super) async fn raise(db: &mut Db<'_>, fence: Fence) -> Outcome<()> {
    let raised = db
        .run(
            "insert into wtaf_fences (job_id, fence, at_ms) values ($1, $2, $3) on conflict (job_id) do update set fence = excluded.fence, \
             at_ms = excluded.at_ms where wtaf_fences.fence <= excluded.fence",
            args![fence.job, number(fence), Millis::now()],
        )
        .await?;
    if raised == 0 { Err(Fault::Fenced(fence.job)) } else { Ok(()) }
}

/// Removes those that nobody has touched for long.
pub(super) async fn prune(db: &mut Db<'_>, before: Millis) -> Outcome<u64> {
    db.run("delete from wtaf_fences where at_ms < $1", args![before]).await
}

fn number(fence: Fence) -> i64 {
    i64::try_from(fence.number).unwrap_or(i64::MAX)
}
