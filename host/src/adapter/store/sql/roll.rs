//! The roll of people, with what each has used.

use std::time::Duration;

use super::{
    super::{Listed, PersonId},
    db::{Db, args},
    fault::{Fault, Outcome},
    people,
};
use crate::job::Millis;

/// Those who came before a row, the newest first.
pub(super) async fn roll(
    db: &mut Db<'_>,
    (before, limit, now): &(Option<PersonId>, u32, Millis),
) -> Outcome<Vec<Listed>> {
    let before = before.unwrap_or(PersonId(i64::MAX));
    let sql = "select person_id from sms_subscribers where person_id < $1 and phone_hash is null order by person_id desc limit $2";
    let rows = db.all(sql, args![before, *limit]).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        all.extend(listed(db, &(PersonId(row.int("person_id")?), *now)).await?);
    }
    Ok(all)
}

/// One of them.
pub(super) async fn listed(db: &mut Db<'_>, (id, now): &(PersonId, Millis)) -> Outcome<Option<Listed>> {
    let Some(person) = people::by_id(db, *id).await? else { return Ok(None) };
    let since = |hours: u64| now.before(Duration::from_secs(hours * 3_600));
    let row = db
        .one(
            "select (select count(*) from wtaf_content where user_slug = $1 and status = 'published') as pages, \
             (select count(*) from wtaf_spent where key = $2 and at_ms > $3) as hour, \
             (select count(*) from wtaf_spent where key = $2 and at_ms > $4) as day, \
             (select count(*) from wtaf_spent where key = $2 and at_ms > $5) as month",
            args![&person.slug, format!("person:{}", id.0), since(1), since(24), since(720)],
        )
        .await?
        .ok_or_else(|| Fault::damaged("count of a person"))?;
    let count = |column| -> Outcome<u64> { Ok(u64::try_from(row.int(column)?).unwrap_or(0)) };
    Ok(Some(Listed {
        person,
        pages: count("pages")?,
        hour: count("hour")?,
        day: count("day")?,
        month: count("month")?,
    }))
}
