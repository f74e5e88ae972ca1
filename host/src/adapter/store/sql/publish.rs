//! Pages as they are made: a name reserved, a version published with the texts that tell of it, a version taken back.

use std::collections::HashSet;

use super::{
    super::{PageKey, PersonId, Publication},
    accounts::known,
    db::{Db, Scope, args},
    fault::{Fault, Outcome},
    moves, outbox, pages, people, slugs,
};
use crate::{
    failpoint::{Step, reached},
    job::{JobId, Millis},
};

/// A name that is wanted.
pub(super) struct Reservation {
    pub(super) job: JobId,
    pub(super) person: PersonId,
    pub(super) candidates: Vec<String>,
    pub(super) now: Millis,
}

/// Reserves a slug among the person's pages.
pub(super) async fn reserve(db: &mut Db<'_>, wish: &Reservation) -> Outcome<String> {
    db.lock(Scope::Person(wish.person)).await?;
    let before = db.one("select app_slug from wtaf_content where reserved_by = $1", args![wish.job]).await?;
    if let Some(row) = before {
        return row.text("app_slug");
    }
    let owner = known(db, wish.person).await?;
    if owner.id != wish.person {
        db.lock(Scope::Person(owner.id)).await?;
    }
    let taken: HashSet<String> = pages::slugs_of(db, wish.person).await?.into_iter().collect();
    let slug = slugs::pick(&wish.candidates, |slug| taken.contains(slug))?;
    db.run(
        "insert into wtaf_content (user_slug, app_slug, sender_phone, status, version, reserved_by, created_ms, updated_ms) \
         values ($1, $2, $3, 'reserved', 0, $4, $5, $5)",
        args![&owner.slug, &slug, owner.phone().map(crate::job::Phone::e164), wish.job, wish.now],
    )
    .await?;
    Ok(slug)
}

/// Makes a version live, with its texts.
pub(super) async fn publish(db: &mut Db<'_>, wish: &Publication) -> Outcome<u32> {
    db.lock(Scope::Person(wish.person)).await?;
    let before = db.one("select version from wtaf_versions where job_id = $1", args![wish.job]).await?;
    if let Some(row) = before {
        return row.count("version");
    }
    let (owner, slug) = moves::owner(db, wish.person, &wish.slug).await?;
    let page = pages::content(db, &owner.slug, &slug).await?;
    let page = page.ok_or_else(|| Fault::Refused(format!("the page {} was not reserved", wish.slug)))?;
    let version = match page.status.as_str() {
        "reserved" if page.reserved_by == Some(wish.job.to_string()) => {
            first(db, page.id, wish).await?;
            1
        }
        "published" => {
            keep_history(db, &page).await?;
            page.version + 1
        }
        "reserved" => return Err(Fault::Refused(format!("the page {} is reserved by another job", wish.slug))),
        _ => return Err(Fault::Refused(format!("the page {} was taken down", wish.slug))),
    };
    let draft = &wish.draft;
    db.run(
        "insert into wtaf_versions (content_id, version, job_id, title, description, html, owner_html, prompt, created_ms) \
         values ($1, $2, $3, $4, $5, $6, coalesce($7, (select owner_html from wtaf_versions where content_id = $1 and version = $10)), $8, $9)",
        // An edit that writes no view for the owner leaves them the one they have.
        args![
            page.id,
            version,
            wish.job,
            &draft.title,
            &draft.description,
            &draft.html,
            &draft.owner_html,
            &wish.prompt,
            wish.now,
            page.version
        ],
    )
    .await?;
    db.run(
        "update wtaf_content set status = 'published', version = $2, title = $3, description = $4, html_content = $5, updated_ms = $6, \
         og_image_url = coalesce($7, og_image_url) where content_id = $1",
        args![page.id, version, &draft.title, &draft.description, &draft.html, wish.now, &wish.og_image_url],
    )
    .await?;
    for text in &wish.texts {
        outbox::write(db, text, wish.now).await?;
    }
    reached(Step::PageInTransaction);
    Ok(version)
}

/// What a page keeps from its first version on.
async fn first(db: &mut Db<'_>, content: i64, wish: &Publication) -> Outcome<()> {
    let parent = match &wish.remix_of {
        Some(key) => source(db, key).await?,
        None => None,
    };
    db.run(
        "update wtaf_content set type = $2, coach = $3, original_prompt = $4, remix_of = $5, created_ms = $6 where content_id = $1",
        args![content, &wish.kind, &wish.coach, &wish.prompt, parent, wish.now],
    )
    .await
    .map(drop)
}

/// The row of the page that another one grew from; it may have been taken down meanwhile.
async fn source(db: &mut Db<'_>, key: &PageKey) -> Outcome<Option<i64>> {
    if let Some(page) = pages::content(db, &key.user, &key.app).await? {
        return Ok(Some(page.id));
    }
    if let Some(now) = moves::followed(db, &key.user, &key.app).await? {
        return Ok(pages::content(db, &now.user, &now.app).await?.map(|page| page.id));
    }
    let Some(owner) = people::by_old_slug(db, &key.user).await? else { return Ok(None) };
    Ok(pages::content(db, &owner.slug, &key.app).await?.map(|page| page.id))
}

/// A page from before versions were kept has its present document written down as one, before it is replaced.
async fn keep_history(db: &mut Db<'_>, page: &pages::Content) -> Outcome<()> {
    db.run(
        "insert into wtaf_versions (content_id, version, title, description, html, prompt, created_ms) values ($1, $2, $3, $4, $5, $6, $7) \
         on conflict do nothing",
        args![
            page.id,
            page.version,
            &page.draft.title,
            &page.draft.description,
            &page.draft.html,
            &page.prompt,
            page.updated
        ],
    )
    .await
    .map(drop)
}

/// The version before the present one becomes a new version. Taking back twice goes back two, so a version that was made by taking back counts as the one it
/// brought back. Gives whether there was one.
pub(super) async fn undo(db: &mut Db<'_>, page: &pages::Content, now: Millis) -> Outcome<bool> {
    let before = db
        .one(
            "select b.version, coalesce(b.restores, b.version) as origin, b.title, b.description, b.html, b.owner_html, b.prompt \
             from wtaf_versions v join wtaf_versions b on b.content_id = v.content_id and b.version < coalesce(v.restores, v.version) \
             where v.content_id = $1 and v.version = $2 order by b.version desc limit 1",
            args![page.id, page.version],
        )
        .await?;
    let Some(before) = before else { return Ok(false) };
    let (title, description, html) = (before.text("title")?, before.text("description")?, before.text("html")?);
    let version = page.version + 1;
    db.run(
        "insert into wtaf_versions (content_id, version, restores, title, description, html, owner_html, prompt, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            page.id,
            version,
            before.int("origin")?,
            &title,
            &description,
            &html,
            &before.maybe_text("owner_html")?,
            &before.text("prompt")?,
            now
        ],
    )
    .await?;
    db.run(
        "update wtaf_content set version = $2, title = $3, description = $4, html_content = $5, updated_ms = $6 where content_id = $1",
        args![page.id, version, &title, &description, &html, now],
    )
    .await?;
    Ok(true)
}
