//! A guest's pages move to the person the guest turned out to be.
//!
//! The guest's row stays, without name and key, and points at its heir: a job of the guest's that is under way publishes into the heir's pages. The old
//! addresses point at the pages themselves.

use std::collections::HashSet;

use super::{
    super::{Moved, PageKey, Person, PersonId},
    accounts::known,
    db::{Db, Scope, args},
    fault::Outcome,
    pages, people, slugs,
};
use crate::job::{Asker, GuestKey, Millis, Phone};

/// Whose pages, to whom, when.
pub(super) type Wish = (GuestKey, PersonId, Millis);

/// Moves them. A guest without a name has none to move.
pub(super) async fn move_pages(db: &mut Db<'_>, (key, to, now): &Wish) -> Outcome<Moved> {
    db.lock(Scope::Names).await?;
    let asker = Asker::Guest(key.clone());
    let Some(guest) = people::by_asker(db, &asker).await?.filter(|guest| guest.id != *to && !guest.slug.is_empty())
    else {
        return Ok(Moved::default());
    };
    for id in [guest.id.min(*to), guest.id.max(*to)] {
        db.lock(Scope::Person(id)).await?;
    }
    let heir = known(db, *to).await?;
    let moved = move_each(db, &guest, &heir).await?;
    leave_name(db, &guest, &heir, key, *now).await?;
    move_marks(db, guest.id, heir.id).await?;
    Ok(moved)
}

async fn move_each(db: &mut Db<'_>, guest: &Person, heir: &Person) -> Outcome<Moved> {
    let old = db.all("select slug from wtaf_redirects where person_id = $1", args![guest.id]).await?;
    let mut names: Vec<String> = old.iter().map(|row| row.text("slug")).collect::<Outcome<_>>()?;
    names.push(guest.slug.clone());
    let mut taken: HashSet<String> = pages::slugs_of(db, heir.id).await?.into_iter().collect();
    let rows = db
        .all(
            "select content_id, app_slug, coalesce(status, '') as status from wtaf_content where user_slug = $1 order by content_id",
            args![&guest.slug],
        )
        .await?;
    let mut moved = Moved::default();
    for row in &rows {
        let (content, before) = (row.int("content_id")?, row.text("app_slug")?);
        let after = if taken.contains(&before) {
            slugs::with_number(&before, |slug| taken.contains(slug))?
        } else {
            before.clone()
        };
        db.run(
            "update wtaf_content set user_slug = $2, app_slug = $3, sender_phone = $4 where content_id = $1",
            args![content, &heir.slug, &after, heir.phone().map(Phone::e164)],
        )
        .await?;
        for name in &names {
            db.run(
                "insert into wtaf_moved_pages (user_slug, app_slug, person_id, content_id) values ($1, $2, $3, $4) \
                 on conflict (user_slug, app_slug) do update set person_id = excluded.person_id, content_id = excluded.content_id",
                args![name, &before, guest.id, content],
            )
            .await?;
        }
        taken.insert(after.clone());
        let is_live = row.text("status")? == "published";
        moved.pages += u32::from(is_live);
        if is_live && after != before {
            moved.renamed.push((before, after));
        }
    }
    Ok(moved)
}

/// The guest's name redirects, as the names before it.
async fn leave_name(db: &mut Db<'_>, guest: &Person, heir: &Person, key: &GuestKey, now: Millis) -> Outcome<()> {
    let sql = "update sms_subscribers set slug = null, guest_key = null, index_file = null where person_id = $1";
    db.run(sql, args![guest.id]).await?;
    db.run("update wtaf_redirects set person_id = $2 where person_id = $1", args![guest.id, heir.id]).await?;
    db.run("insert into wtaf_redirects (slug, person_id) values ($1, $2)", args![&guest.slug, heir.id]).await?;
    db.run(
        "insert into wtaf_moved_guests (person_id, guest_key, slug, heir_id, moved_ms) values ($1, $2, $3, $4, $5)",
        args![guest.id, key.as_str(), &guest.slug, heir.id, now],
    )
    .await
    .map(drop)
}

/// What they liked and what they talked about.
async fn move_marks(db: &mut Db<'_>, guest: PersonId, heir: PersonId) -> Outcome<()> {
    db.run(
        "insert into wtaf_faves (person_id, content_id, created_ms) \
         select $2, f.content_id, f.created_ms from wtaf_faves f where f.person_id = $1 \
         on conflict (person_id, content_id) do nothing",
        args![guest, heir],
    )
    .await?;
    db.run("delete from wtaf_faves where person_id = $1", args![guest]).await?;
    db.run("update wtaf_turns set person_id = $2 where person_id = $1", args![guest, heir]).await?;
    db.run("update wtaf_jobs set person_id = $2 where person_id = $1", args![guest, heir]).await.map(drop)
}

/// To whom a guest's pages went, where they did.
pub(super) async fn heir_of(db: &mut Db<'_>, guest: PersonId) -> Outcome<Option<PersonId>> {
    let row = db.one("select heir_id from wtaf_moved_guests where person_id = $1", args![guest]).await?;
    row.map(|row| row.int("heir_id").map(PersonId)).transpose()
}

/// The guest whose pages have moved, as they were.
pub(super) async fn former(db: &mut Db<'_>, key: &GuestKey) -> Outcome<Option<Person>> {
    let sql = "select person_id, slug from wtaf_moved_guests where guest_key = $1 order by moved_ms desc limit 1";
    let Some(row) = db.one(sql, args![key.as_str()]).await? else { return Ok(None) };
    let person = people::by_id(db, PersonId(row.int("person_id")?)).await?;
    let slug = row.text("slug")?;
    Ok(person.map(|person| Person { slug, asker: Asker::Guest(key.clone()), ..person }))
}

/// Whose pages these are by now, and the page's name among them.
pub(super) async fn owner(db: &mut Db<'_>, person: PersonId, page: &str) -> Outcome<(Person, String)> {
    let owner = known(db, person).await?;
    if owner.id == person {
        return Ok((owner, page.to_owned()));
    }
    db.lock(Scope::Person(owner.id)).await?;
    let page = renamed(db, person, page).await?.unwrap_or_else(|| page.to_owned());
    Ok((owner, page))
}

/// The name that a page of a guest's has now, among the heir's.
async fn renamed(db: &mut Db<'_>, guest: PersonId, page: &str) -> Outcome<Option<String>> {
    let row = db
        .one(
            "select c.app_slug from wtaf_moved_pages m join wtaf_content c on c.content_id = m.content_id \
             where m.person_id = $1 and m.app_slug = $2",
            args![guest, page],
        )
        .await?;
    row.map(|row| row.text("app_slug")).transpose()
}

/// Where the page is now that was once at this address.
pub(super) async fn followed(db: &mut Db<'_>, user: &str, app: &str) -> Outcome<Option<PageKey>> {
    let row = db
        .one(
            "select c.user_slug, c.app_slug from wtaf_moved_pages m join wtaf_content c on c.content_id = m.content_id \
             where m.user_slug = $1 and m.app_slug = $2",
            args![user, app],
        )
        .await?;
    row.map(|row| Ok(PageKey { user: row.text("user_slug")?, app: row.text("app_slug")? })).transpose()
}
