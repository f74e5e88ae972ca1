//! Pages as they are read: at an address, in lists, by version.

use super::{
    super::{Draft, Lookup, Mark, Origin, Page, PageId, PageKey, PageSummary, Person, PersonId, SharedPage},
    accounts::known,
    db::{Db, Row, args},
    fault::Outcome,
    moves, people,
};
use crate::job::{JobId, Millis};

/// The page that `c` grew from, as `o`: only while it is in the lists itself.
macro_rules! origin {
    () => {
        "left join wtaf_content o on o.content_id = c.remix_of and o.status = 'published' and not o.hidden"
    };
}
pub(super) use origin;

/// What puts `c` into the public lists.
macro_rules! listed {
    () => {
        "c.status = 'published' and not c.hidden and c.user_slug is not null and c.app_slug is not null"
    };
}
pub(super) use listed;

/// What is told of `o`.
macro_rules! origin_columns {
    () => {
        "o.user_slug as origin_user, o.app_slug as origin_app, coalesce(o.title, o.app_slug) as origin_title"
    };
}
pub(super) use origin_columns;

/// What a public list tells of `c`.
macro_rules! shared_columns {
    () => {
        "c.user_slug, c.app_slug, coalesce(c.title, c.app_slug) as title, coalesce(c.type, 'page') as kind, c.version, c.updated_ms"
    };
}
pub(super) use shared_columns;

/// What its owner's list tells of `c`.
macro_rules! summary_columns {
    () => {
        "c.app_slug, coalesce(c.title, c.app_slug) as title, coalesce(c.original_prompt, '') as prompt, \
         coalesce(c.type, 'page') as kind, c.version, c.hidden, c.created_ms, c.updated_ms"
    };
}

fn read_origin(row: &Row) -> Outcome<Option<Origin>> {
    let key = row.maybe_text("origin_user")?.zip(row.maybe_text("origin_app")?);
    Ok(key
        .zip(row.maybe_text("origin_title")?)
        .map(|((user, app), title)| Origin { key: PageKey { user, app }, title }))
}

/// A row of `wtaf_content`.
pub(super) struct Content {
    pub(super) id: i64,
    pub(super) revision: i64,
    pub(super) status: String,
    pub(super) reserved_by: Option<String>,
    pub(super) version: u32,
    pub(super) draft: Draft,
    pub(super) kind: String,
    pub(super) coach: Option<String>,
    pub(super) prompt: String,
    pub(super) hidden: bool,
    pub(super) remix_of: Option<PageKey>,
    pub(super) updated: Millis,
}

/// A page's row whatever its status; the owner's view is with the version.
pub(super) async fn content(db: &mut Db<'_>, user: &str, app: &str) -> Outcome<Option<Content>> {
    let row = db
        .one(
            "select c.content_id, c.revision, coalesce(c.status, '') as status, c.reserved_by, c.version, c.coach, c.hidden, c.updated_ms, \
             coalesce(c.html_content, '') as html, coalesce(c.title, c.app_slug) as title, \
             coalesce(c.description, '') as description, coalesce(c.type, 'page') as kind, \
             coalesce(c.original_prompt, '') as prompt, v.owner_html, r.user_slug as remix_user, r.app_slug as remix_app \
             from wtaf_content c \
             left join wtaf_versions v on v.content_id = c.content_id and v.version = c.version \
             left join wtaf_content r on r.content_id = c.remix_of \
             where c.user_slug = $1 and c.app_slug = $2",
            args![user, app],
        )
        .await?;
    row.as_ref().map(read_content).transpose()
}

fn read_content(row: &Row) -> Outcome<Content> {
    let remix_of = row.maybe_text("remix_user")?.zip(row.maybe_text("remix_app")?);
    Ok(Content {
        id: row.int("content_id")?,
        revision: row.int("revision")?,
        status: row.text("status")?,
        reserved_by: row.maybe_text("reserved_by")?,
        version: row.count("version")?,
        draft: Draft {
            html: row.text("html")?,
            owner_html: row.maybe_text("owner_html")?,
            title: row.text("title")?,
            description: row.text("description")?,
        },
        kind: row.text("kind")?,
        coach: row.maybe_text("coach")?,
        prompt: row.text("prompt")?,
        hidden: row.flag("hidden")?,
        remix_of: remix_of.map(|(user, app)| PageKey { user, app }),
        updated: row.moment("updated_ms")?,
    })
}

/// A page's row, if the page is live.
pub(super) async fn live(db: &mut Db<'_>, user: &str, app: &str) -> Outcome<Option<Content>> {
    Ok(content(db, user, app).await?.filter(|content| content.status == "published"))
}

/// Where a page that is live is now.
pub(super) async fn locate(db: &mut Db<'_>, key: &PageKey) -> Outcome<Lookup<Content>> {
    if let Some(found) = live(db, &key.user, &key.app).await? {
        return Ok(Lookup::Found(found));
    }
    if let Some(now) = moves::followed(db, &key.user, &key.app).await? {
        let is_there = live(db, &now.user, &now.app).await?.is_some();
        return Ok(if is_there { Lookup::Moved(now) } else { Lookup::Missing });
    }
    let Some(owner) = people::by_old_slug(db, &key.user).await? else { return Ok(Lookup::Missing) };
    let moved = PageKey { user: owner.slug, app: key.app.clone() };
    let is_there = live(db, &moved.user, &moved.app).await?.is_some();
    Ok(if is_there { Lookup::Moved(moved) } else { Lookup::Missing })
}

/// The page at an address, the newest version or the one asked for.
pub(super) async fn page(db: &mut Db<'_>, (key, version): &(PageKey, Option<u32>)) -> Outcome<Lookup<Page>> {
    let found = match locate(db, key).await? {
        Lookup::Found(found) => found,
        Lookup::Moved(to) => return Ok(Lookup::Moved(to)),
        Lookup::Missing => return Ok(Lookup::Missing),
    };
    let newest = Page {
        id: PageId(found.id),
        mark: Mark { page: PageId(found.id), revision: found.revision },
        key: key.clone(),
        version: found.version,
        newest: found.version,
        draft: found.draft,
        kind: found.kind,
        coach: found.coach,
        hidden: found.hidden,
        remix_of: found.remix_of,
        updated: found.updated,
    };
    let Some(version) = version.filter(|version| *version != newest.version) else { return Ok(Lookup::Found(newest)) };
    let row = db
        .one(
            "select title, description, html, owner_html, created_ms from wtaf_versions where content_id = $1 and version = $2",
            args![found.id, version],
        )
        .await?;
    let Some(row) = row else { return Ok(Lookup::Missing) };
    let draft = Draft {
        html: row.text("html")?,
        owner_html: row.maybe_text("owner_html")?,
        title: row.text("title")?,
        description: row.text("description")?,
    };
    Ok(Lookup::Found(Page { version, draft, updated: row.moment("created_ms")?, ..newest }))
}

/// What the page at an address is marked with, if it is live.
pub(super) async fn mark(db: &mut Db<'_>, key: &PageKey) -> Outcome<Option<Mark>> {
    let row = db
        .one(
            "select content_id, revision from wtaf_content where user_slug = $1 and app_slug = $2 and status = 'published'",
            args![&key.user, &key.app],
        )
        .await?;
    row.map(|row| Ok(Mark { page: PageId(row.int("content_id")?), revision: row.int("revision")? })).transpose()
}

/// The person at `/{slug}`.
pub(super) async fn home(db: &mut Db<'_>, slug: &str) -> Outcome<Lookup<Person>> {
    if let Some(person) = people::by_slug(db, slug).await? {
        return Ok(Lookup::Found(person));
    }
    let moved = people::by_old_slug(db, slug).await?;
    Ok(moved.map_or(Lookup::Missing, |person| Lookup::Moved(PageKey { user: person.slug, app: String::new() })))
}

/// A page's versions, newest first.
pub(super) async fn versions(db: &mut Db<'_>, key: &PageKey) -> Outcome<Vec<(u32, Millis)>> {
    let found = match locate(db, key).await? {
        Lookup::Found(found) => Some(found),
        Lookup::Moved(to) => live(db, &to.user, &to.app).await?,
        Lookup::Missing => None,
    };
    let Some(found) = found else { return Ok(Vec::new()) };
    let rows = db
        .all(
            "select version, created_ms from wtaf_versions where content_id = $1 order by version desc",
            args![found.id],
        )
        .await?;
    if rows.is_empty() {
        // A page from before versions were kept.
        return Ok(vec![(found.version, found.updated)]);
    }
    rows.iter().map(|row| Ok((row.count("version")?, row.moment("created_ms")?))).collect()
}

/// A person's live pages, newest first.
pub(super) async fn pages_of(db: &mut Db<'_>, (person, limit): &(PersonId, u32)) -> Outcome<Vec<PageSummary>> {
    let owner = known(db, *person).await?;
    let rows = db
        .all(
            concat!(
                "select ",
                summary_columns!(),
                ", ",
                origin_columns!(),
                " from wtaf_content c ",
                origin!(),
                " where c.user_slug = $1 and c.status = 'published' order by c.created_ms desc, c.content_id desc limit $2"
            ),
            args![&owner.slug, *limit],
        )
        .await?;
    rows.iter().map(read_summary).collect()
}

/// A page as its owner lists it.
pub(super) async fn summary(db: &mut Db<'_>, content: i64) -> Outcome<Option<PageSummary>> {
    let sql = concat!(
        "select ",
        summary_columns!(),
        ", ",
        origin_columns!(),
        " from wtaf_content c ",
        origin!(),
        " where c.content_id = $1"
    );
    db.one(sql, args![content]).await?.as_ref().map(read_summary).transpose()
}

fn read_summary(row: &Row) -> Outcome<PageSummary> {
    Ok(PageSummary {
        slug: row.text("app_slug")?,
        title: row.text("title")?,
        prompt: row.text("prompt")?,
        kind: row.text("kind")?,
        version: row.count("version")?,
        hidden: row.flag("hidden")?,
        origin: read_origin(row)?,
        created: row.moment("created_ms")?,
        updated: row.moment("updated_ms")?,
    })
}

/// Every slug this person has used or reserved.
pub(super) async fn slugs_of(db: &mut Db<'_>, person: PersonId) -> Outcome<Vec<String>> {
    let owner = known(db, person).await?;
    let rows = db
        .all("select app_slug from wtaf_content where user_slug = $1 order by content_id", args![&owner.slug])
        .await?;
    rows.iter().map(|row| row.text("app_slug")).collect()
}

/// A page as public lists show it.
pub(super) fn read_shared(row: &Row) -> Outcome<SharedPage> {
    Ok(SharedPage {
        key: PageKey { user: row.text("user_slug")?, app: row.text("app_slug")? },
        title: row.text("title")?,
        kind: row.text("kind")?,
        version: row.count("version")?,
        origin: read_origin(row)?,
        updated: row.moment("updated_ms")?,
    })
}

/// Whose pages, since when, how many.
pub(super) type Since = (String, Millis, u32);

/// What jobs published since a moment, oldest first.
pub(super) async fn published_since(
    db: &mut Db<'_>,
    (user, since, limit): &Since,
) -> Outcome<Vec<(JobId, PageSummary)>> {
    let user = match people::by_slug(db, user).await? {
        Some(person) => person.slug,
        None => people::by_old_slug(db, user).await?.map_or_else(|| user.clone(), |person| person.slug),
    };
    let rows = db
        .all(
            concat!(
                "select v.job_id, c.app_slug, v.title, v.prompt, coalesce(c.type, 'page') as kind, v.version, c.hidden, c.created_ms, \
                 v.created_ms as updated_ms, ",
                origin_columns!(),
                " from wtaf_versions v join wtaf_content c on c.content_id = v.content_id ",
                origin!(),
                " where c.user_slug = $1 and c.status = 'published' and v.job_id is not null and v.created_ms > $2 \
                 order by v.created_ms, v.version_id limit $3"
            ),
            args![&user, *since, *limit],
        )
        .await?;
    rows.iter().map(|row| Ok((row.job("job_id")?, read_summary(row)?))).collect()
}
