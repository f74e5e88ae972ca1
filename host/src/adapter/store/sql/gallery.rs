//! Views, lineage and what is liked lately, in SQL.

use super::{
    super::{Edition, Lookup, PageKey, Portrait, SharedPage, Views, gallery::day},
    db::{Db, Row, args},
    fault::Outcome,
    pages,
};
use crate::job::Millis;

/// A live page and what became of it.
pub(super) async fn portrait(db: &mut Db<'_>, key: &PageKey) -> Outcome<Lookup<Portrait>> {
    let found = match pages::locate(db, key).await? {
        Lookup::Found(found) => found,
        Lookup::Moved(to) => return Ok(Lookup::Moved(to)),
        Lookup::Missing => return Ok(Lookup::Missing),
    };
    let Some(summary) = pages::summary(db, found.id).await? else { return Ok(Lookup::Missing) };
    let counted = db
        .one(
            "select (select count(*) from wtaf_content r where r.remix_of = $1 and r.status = 'published' and not r.hidden) as remixes, \
             (select count(*) from wtaf_faves where content_id = $1) as faves, \
             (select cast(coalesce(sum(views), 0) as bigint) from wtaf_views where content_id = $1) as views",
            args![found.id],
        )
        .await?;
    let count = |name| counted.as_ref().map_or(Ok(0), |row: &Row| row.count(name));
    Ok(Lookup::Found(Portrait {
        key: key.clone(),
        description: found.draft.description,
        editions: editions(db, found.id, found.version, found.updated).await?,
        remixes: count("remixes")?,
        faves: count("faves")?,
        views: count("views")?,
        summary,
    }))
}

async fn editions(db: &mut Db<'_>, content: i64, newest: u32, updated: Millis) -> Outcome<Vec<Edition>> {
    let rows = db
        .all(
            "select version, created_ms, restores, prompt from wtaf_versions where content_id = $1 order by version desc",
            args![content],
        )
        .await?;
    if rows.is_empty() {
        // A page from before versions were kept.
        return Ok(vec![Edition { version: newest, at: updated, asked: None, restores: None }]);
    }
    let read = |row: &Row| {
        let restores = row.maybe_int("restores")?.and_then(|version| u32::try_from(version).ok());
        Ok(Edition {
            version: row.count("version")?,
            at: row.moment("created_ms")?,
            asked: Some(row.text("prompt")?).filter(|words| restores.is_none() && !words.is_empty()),
            restores,
        })
    };
    rows.iter().map(read).collect()
}

/// Adds views. Writers meet in the order of the rows, so the caller's order must be one for all.
pub(super) async fn add_views(db: &mut Db<'_>, views: &Vec<Views>) -> Outcome<()> {
    for one in views {
        db.run(
            "insert into wtaf_views (content_id, day, views) \
             select content_id, $3, $4 from wtaf_content where user_slug = $1 and app_slug = $2 and status = 'published' \
             on conflict (content_id, day) do update set views = wtaf_views.views + excluded.views",
            args![&one.key.user, &one.key.app, one.day, one.count],
        )
        .await?;
    }
    Ok(())
}

/// How old anything may be that counts, days: ten halvings of two days each.
const SPAN: u32 = 20;

/// What is liked lately. Points are whole numbers, so that both databases agree on them: 1024 for a view of today, halved by a shift every two days.
pub(super) async fn trending(db: &mut Db<'_>, (limit, now): &(u32, Millis)) -> Outcome<Vec<SharedPage>> {
    let today = day(*now);
    let since = Millis(now.0.saturating_sub(u64::from(SPAN) * 86_400_000));
    let rows = db
        .all(
            concat!(
                "select ",
                pages::shared_columns!(),
                ", ",
                pages::origin_columns!(),
                " from (select liked.content_id, cast(sum(liked.points) as bigint) as points from (",
                "select content_id, views * (1024 >> cast(($2 - day) / 2 as integer)) as points ",
                "from wtaf_views where day > $2 - 20 and day <= $2 ",
                "union all ",
                "select f.content_id, 8 * (1024 >> cast(($3 - f.created_ms) / 172800000 as integer)) ",
                "from wtaf_faves f join wtaf_content p on p.content_id = f.content_id ",
                "join sms_subscribers s on s.person_id = f.person_id ",
                "where f.created_ms > $4 and f.created_ms <= $3 and s.slug <> p.user_slug ",
                "union all ",
                "select m.remix_of, 12 * (1024 >> cast(($3 - m.created_ms) / 172800000 as integer)) ",
                "from wtaf_content m join wtaf_content p on p.content_id = m.remix_of ",
                "where m.status = 'published' and not m.hidden and m.user_slug <> p.user_slug ",
                "and m.created_ms > $4 and m.created_ms <= $3",
                ") liked group by liked.content_id) t ",
                "join wtaf_content c on c.content_id = t.content_id ",
                pages::origin!(),
                " where ",
                pages::listed!(),
                " order by t.points desc, c.updated_ms desc, c.content_id desc limit $1"
            ),
            args![*limit, today, *now, since],
        )
        .await?;
    rows.iter().map(pages::read_shared).collect()
}

/// Public pages, newest first, after the first ones.
pub(super) async fn shelf(db: &mut Db<'_>, (skip, limit): &(u32, u32)) -> Outcome<Vec<SharedPage>> {
    let rows = db
        .all(
            concat!(
                "select ",
                pages::shared_columns!(),
                ", ",
                pages::origin_columns!(),
                " from wtaf_content c ",
                pages::origin!(),
                " where ",
                pages::listed!(),
                " order by c.updated_ms desc, c.content_id desc limit $1 offset $2"
            ),
            args![*limit, *skip],
        )
        .await?;
    rows.iter().map(pages::read_shared).collect()
}
