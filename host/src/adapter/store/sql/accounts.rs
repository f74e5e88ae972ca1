//! Account actions: each is done once for a step of a job, and its answer is kept with it, in the same transaction.

use super::{
    super::{Did, Lookup, PageKey, Paged, PersonId},
    db::{Db, Scope, args},
    fault::{Fault, Outcome},
    moves, pages, people, publish,
};
use crate::{
    failpoint::{self, reached},
    job::{JobId, Millis},
};

/// Which action of which job, by whom.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) job: JobId,
    pub(super) number: u32,
    pub(super) person: PersonId,
}

async fn done_before(db: &mut Db<'_>, step: Step) -> Outcome<Option<Did>> {
    let found =
        db.one("select result from wtaf_effects where job_id = $1 and step = $2", args![step.job, step.number]).await?;
    let Some(row) = found else { return Ok(None) };
    serde_json::from_str(&row.text("result")?).map(Some).map_err(|_| Fault::damaged("result"))
}

async fn keep(db: &mut Db<'_>, step: Step, did: Did) -> Outcome<Did> {
    let result = serde_json::to_string(&did).map_err(|_| Fault::damaged("result"))?;
    db.run("insert into wtaf_effects (job_id, step, result) values ($1, $2, $3)", args![step.job, step.number, result])
        .await?;
    reached(failpoint::Step::ActionInTransaction);
    Ok(did)
}

/// A new slug that someone wants.
pub(super) struct Rename {
    pub(super) step: Step,
    pub(super) slug: String,
    pub(super) reserved: Vec<String>,
}

/// A new slug; the old one redirects for ever.
pub(super) async fn rename(db: &mut Db<'_>, wish: &Rename) -> Outcome<Did> {
    db.lock(Scope::Names).await?;
    db.lock(Scope::Person(wish.step.person)).await?;
    if let Some(did) = done_before(db, wish.step).await? {
        return Ok(did);
    }
    let did = rename_now(db, wish).await?;
    keep(db, wish.step, did).await
}

async fn rename_now(db: &mut Db<'_>, wish: &Rename) -> Outcome<Did> {
    let id = wish.step.person;
    let slug = wish.slug.as_str();
    let person = known(db, id).await?;
    if person.id != id {
        // A guest's who is someone else by now: their name is not for this to change.
        return Ok(Did::Taken(slug.to_owned()));
    }
    if person.slug == slug {
        return Ok(Did::Already);
    }
    let once_theirs = people::by_old_slug(db, slug).await?.is_some_and(|holder| holder.id == id);
    let is_reserved = slug.is_empty() || wish.reserved.iter().any(|word| word == slug);
    let is_free = !people::is_taken(db, slug).await? || (once_theirs && people::by_slug(db, slug).await?.is_none());
    if is_reserved || !is_free {
        return Ok(Did::Taken(slug.to_owned()));
    }
    db.run("delete from wtaf_redirects where slug = $1", args![slug]).await?;
    db.run("update sms_subscribers set slug = $2 where person_id = $1", args![id, slug]).await?;
    if !person.slug.is_empty() {
        db.run("update wtaf_content set user_slug = $2 where user_slug = $1", args![&person.slug, slug]).await?;
        db.run("insert into wtaf_redirects (slug, person_id) values ($1, $2)", args![&person.slug, id]).await?;
    }
    Ok(Did::Done(Some(slug.to_owned())))
}

/// Something to do to a page.
pub(super) struct OnPage {
    pub(super) step: Step,
    pub(super) page: String,
    pub(super) action: Paged,
    pub(super) now: Millis,
}

/// An action on one of their own pages.
pub(super) async fn do_to_page(db: &mut Db<'_>, wish: &OnPage) -> Outcome<Did> {
    db.lock(Scope::Person(wish.step.person)).await?;
    if let Some(did) = done_before(db, wish.step).await? {
        return Ok(did);
    }
    let did = do_now(db, wish).await?;
    keep(db, wish.step, did).await
}

async fn do_now(db: &mut Db<'_>, wish: &OnPage) -> Outcome<Did> {
    let (person, name) = moves::owner(db, wish.step.person, &wish.page).await?;
    let Some(page) = pages::live(db, &person.slug, &name).await? else {
        return Ok(Did::NoSuchPage(wish.page.clone()));
    };
    let changed = match wish.action {
        Paged::SetHome => {
            let sql = "update sms_subscribers set index_file = $2 where person_id = $1";
            person.home.as_deref() != Some(&name) && db.run(sql, args![person.id, &name]).await? > 0
        }
        Paged::Forget => {
            if person.home.as_deref() == Some(&name) {
                db.run("update sms_subscribers set index_file = null where person_id = $1", args![person.id]).await?;
            }
            let sql = "update wtaf_content set status = 'forgotten', updated_ms = $2 where content_id = $1";
            db.run(sql, args![page.id, wish.now]).await? > 0
        }
        Paged::Undo => publish::undo(db, &page, wish.now).await?,
        Paged::Hide | Paged::Unhide => {
            let sql = "update wtaf_content set hidden = $2 where content_id = $1 and hidden <> $2";
            db.run(sql, args![page.id, wish.action == Paged::Hide]).await? > 0
        }
    };
    Ok(if changed { Did::Done(Some(name)) } else { Did::Already })
}

/// A mark that someone sets on a page, or takes off it.
pub(super) struct Mark {
    pub(super) step: Step,
    pub(super) user: String,
    pub(super) page: String,
}

/// Sets the mark, or clears it where it was set.
pub(super) async fn fave(db: &mut Db<'_>, mark: &Mark) -> Outcome<Did> {
    db.lock(Scope::Person(mark.step.person)).await?;
    if let Some(did) = done_before(db, mark.step).await? {
        return Ok(did);
    }
    let did = fave_now(db, mark).await?;
    keep(db, mark.step, did).await
}

async fn fave_now(db: &mut Db<'_>, mark: &Mark) -> Outcome<Did> {
    let page = match pages::locate(db, &PageKey { user: mark.user.clone(), app: mark.page.clone() }).await? {
        Lookup::Found(page) => Some(page),
        Lookup::Moved(to) => pages::live(db, &to.user, &to.app).await?,
        Lookup::Missing => None,
    };
    let Some(page) = page else {
        return Ok(Did::NoSuchPage(mark.page.clone()));
    };
    let both = args![mark.step.person, page.id];
    if db.run("delete from wtaf_faves where person_id = $1 and content_id = $2", both).await? > 0 {
        return Ok(Did::Done(None));
    }
    db.run("insert into wtaf_faves (person_id, content_id) values ($1, $2)", both).await?;
    Ok(Did::Done(Some(mark.page.clone())))
}

/// A person who must be there, for the caller has them from us; of a guest whose pages have moved, the one they moved to.
pub(super) async fn known(db: &mut Db<'_>, id: PersonId) -> Outcome<super::super::Person> {
    let person = people::by_id(db, id).await?;
    let person = person.ok_or_else(|| Fault::Refused(format!("there is no person {}", id.0)))?;
    if !person.slug.is_empty() {
        return Ok(person);
    }
    let heir = match moves::heir_of(db, id).await? {
        Some(heir) => people::by_id(db, heir).await?,
        None => None,
    };
    Ok(heir.unwrap_or(person))
}
