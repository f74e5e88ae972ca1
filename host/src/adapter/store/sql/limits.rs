//! Allowances that slide, and money.

use super::{
    super::{Allowance, Cost, Spent, Whose},
    db::{Db, Scope, args},
    fault::Outcome,
};
use crate::job::{JobId, Millis};

/// One more, against a key.
pub(super) struct OneMore {
    pub(super) key: String,
    pub(super) job: JobId,
    pub(super) allowances: Vec<Allowance>,
    pub(super) now: Millis,
}

/// Counts one more unless it would go over; of several allowances that are used up, the one that takes longest is told.
pub(super) async fn spend(db: &mut Db<'_>, one: &OneMore) -> Outcome<Spent> {
    db.lock(Scope::Key(&one.key)).await?;
    let counted =
        db.one("select at_ms from wtaf_spent where key = $1 and job_id = $2", args![&one.key, one.job]).await?;
    if counted.is_some() {
        return Ok(Spent::Fits);
    }
    let mut over: Option<(Millis, &'static str)> = None;
    for allowance in &one.allowances {
        if let Some(again) = used_up(db, one, allowance).await?
            && over.is_none_or(|(longest, _)| again > longest)
        {
            over = Some((again, allowance.per));
        }
    }
    if let Some((again, per)) = over {
        return Ok(Spent::Over { per, again });
    }
    let sql = "insert into wtaf_spent (key, job_id, at_ms) values ($1, $2, $3)";
    db.run(sql, args![&one.key, one.job, one.now]).await?;
    Ok(Spent::Fits)
}

/// When the next one fits, if none does now: the moment that as many of the newest as the allowance has, less one, are left in the span.
async fn used_up(db: &mut Db<'_>, one: &OneMore, allowance: &Allowance) -> Outcome<Option<Millis>> {
    if allowance.most == 0 {
        return Ok(Some(one.now.after(allowance.span)));
    }
    let must_go = db
        .one(
            "select at_ms from wtaf_spent where key = $1 and at_ms > $2 order by at_ms desc limit 1 offset $3",
            args![&one.key, began(one.now, allowance), i64::from(allowance.most) - 1],
        )
        .await?;
    must_go.map(|row| Ok(row.moment("at_ms")?.after(allowance.span))).transpose()
}

/// Where the span begins; at a clock near zero it takes in everything.
fn began(now: Millis, allowance: &Allowance) -> i64 {
    now.as_i64().saturating_sub(i64::try_from(allowance.span.as_millis()).unwrap_or(i64::MAX))
}

/// Removes what was counted before a moment.
pub(super) async fn prune(db: &mut Db<'_>, before: Millis) -> Outcome<u64> {
    db.run("delete from wtaf_spent where at_ms < $1", args![before]).await
}

/// Adds to what was paid, once for each call.
pub(super) async fn add_cost(db: &mut Db<'_>, (cost, now): &(Cost, Millis)) -> Outcome<()> {
    db.run(
        "insert into wtaf_costs (job_id, call_no, person_id, provider, dollars, at_ms) values ($1, $2, $3, $4, $5, $6) \
         on conflict (job_id, call_no) do nothing",
        args![cost.job, cost.call, cost.person.map(|person| person.0), &cost.provider, cost.dollars, *now],
    )
    .await
    .map(drop)
}

/// What was paid since a moment.
pub(super) async fn cost_since(db: &mut Db<'_>, (whose, since): &(Whose, Millis)) -> Outcome<f64> {
    let (person, provider) = match whose {
        Whose::Everyone => (None, None),
        Whose::Person(person) => (Some(person.0), None),
        Whose::Provider(provider) => (None, Some(provider.clone())),
    };
    let row = db
        .one(
            "select coalesce(sum(dollars), 0.0) as dollars from wtaf_costs where at_ms >= $1 \
             and (person_id = $2 or $2 is null) and (provider = $3 or $3 is null)",
            args![*since, person, &provider],
        )
        .await?;
    row.map_or(Ok(0.0), |row| row.real("dollars"))
}
