//! People: found, joined, gone and back.

use std::collections::HashSet;

use super::{
    super::{Joined, Person, PersonId, Standing},
    db::{Db, Row, Scope, args},
    erase,
    fault::{Fault, Outcome},
    slugs,
};
use crate::job::{Asker, GuestKey, Millis, Phone};

/// Old rows may have anything empty. Before there were roles there was `is_admin`; a home page was a file's name.
macro_rules! person {
    ($condition:literal) => {
        concat!(
            "select person_id, phone_number, guest_key, coalesce(slug, '') as slug, ",
            "coalesce(role, case when coalesce(is_admin, false) then 'admin' else 'coder' end) as role, ",
            "coalesce(unsubscribed, false) as unsubscribed, coalesce(confirmed, false) as confirmed, ",
            "index_file, created_ms from sms_subscribers where ",
            $condition
        )
    };
}

/// Someone who wants an account.
pub(super) struct Newcomer {
    pub(super) asker: Asker,
    pub(super) slugs: Vec<String>,
    pub(super) reserved: Vec<String>,
    pub(super) role: String,
    pub(super) now: Millis,
}

/// Someone with an account, or someone who has left before they had one.
pub(super) async fn by_asker(db: &mut Db<'_>, asker: &Asker) -> Outcome<Option<Person>> {
    let found = row_of(db, asker).await?;
    Ok(found.filter(|person| !person.slug.is_empty() || person.standing == Standing::Left))
}

/// The person whose slug this is now.
pub(super) async fn by_slug(db: &mut Db<'_>, slug: &str) -> Outcome<Option<Person>> {
    if slug.is_empty() {
        return Ok(None);
    }
    db.one(person!("slug = $1"), args![slug]).await?.as_ref().map(read).transpose()
}

/// A person by their row.
pub(super) async fn by_id(db: &mut Db<'_>, id: PersonId) -> Outcome<Option<Person>> {
    db.one(person!("person_id = $1"), args![id]).await?.as_ref().map(read).transpose()
}

/// The person who once had this slug and has another now.
pub(super) async fn by_old_slug(db: &mut Db<'_>, slug: &str) -> Outcome<Option<Person>> {
    let found =
        db.one(person!("person_id = (select person_id from wtaf_redirects r where r.slug = $1)"), args![slug]).await?;
    found.as_ref().map(read).transpose()
}

/// Makes an account.
pub(super) async fn join(db: &mut Db<'_>, newcomer: &Newcomer) -> Outcome<Joined> {
    let known = |person: &Person| !person.slug.is_empty();
    if let Some(person) = row_of(db, &newcomer.asker).await?.filter(known) {
        return Ok(Joined { person, fresh: false });
    }
    db.lock(Scope::Names).await?;
    let row = row_of(db, &newcomer.asker).await?;
    if let Some(person) = row.clone().filter(known) {
        return Ok(Joined { person, fresh: false });
    }
    let slug = free_slug(db, newcomer).await?;
    let texter = newcomer.asker.phone().is_some();
    if let Some(nameless) = row {
        db.run(
            "update sms_subscribers set slug = $2, role = coalesce(role, $3), consent_given = $4 where person_id = $1",
            args![nameless.id, &slug, &newcomer.role, texter],
        )
        .await?;
    } else {
        let (phone, guest) = columns(&newcomer.asker);
        db.run(
            "insert into sms_subscribers (phone_number, guest_key, slug, role, consent_given, created_ms) values ($1, $2, $3, $4, $5, $6)",
            args![phone, guest, &slug, &newcomer.role, texter, newcomer.now],
        )
        .await?;
    }
    let joined = by_slug(db, &slug).await?;
    let person = joined.ok_or_else(|| Fault::damaged("person's slug"))?;
    Ok(Joined { person, fresh: true })
}

/// Whether a slug is someone's, or once was.
pub(super) async fn is_taken(db: &mut Db<'_>, slug: &str) -> Outcome<bool> {
    let found = db
        .one(
            "select slug from sms_subscribers where slug = $1 union all select slug from wtaf_redirects where slug = $1",
            args![slug],
        )
        .await?;
    Ok(found.is_some())
}

async fn free_slug(db: &mut Db<'_>, newcomer: &Newcomer) -> Outcome<String> {
    let is_reserved = |slug: &str| newcomer.reserved.iter().any(|word| word == slug);
    for slug in newcomer.slugs.iter().filter(|slug| !slug.is_empty() && !is_reserved(slug)) {
        if !is_taken(db, slug).await? {
            return Ok(slug.clone());
        }
    }
    let base = slugs::base(&newcomer.slugs)?;
    // Every name that may begin like a numbered one; a few more than that do no harm.
    let beginning: String = base.chars().take(24).collect();
    let alike = db
        .all(
            "select slug from sms_subscribers where slug like $1 union all select slug from wtaf_redirects where slug like $1",
            args![format!("{beginning}%")],
        )
        .await?;
    let taken: HashSet<String> = alike.iter().map(|row| row.text("slug")).collect::<Outcome<_>>()?;
    slugs::with_number(base, |slug| is_reserved(slug) || taken.contains(slug))
}

/// Who leaves or comes back.
pub(super) struct Turned {
    pub(super) asker: Asker,
    pub(super) standing: Standing,
    pub(super) now: Millis,
}

/// They left, or came back.
pub(super) async fn set_standing(db: &mut Db<'_>, turned: &Turned) -> Outcome<bool> {
    let left = turned.standing == Standing::Left;
    let (phone, guest) = columns(&turned.asker);
    let row = row_of(db, &turned.asker).await?;
    if let (false, Some(person), Some(phone)) = (left, &row, phone) {
        // Someone who was erased and comes back is known by their number again.
        db.run(
            "update sms_subscribers set phone_number = $2, phone_hash = null, created_ms = $3 where person_id = $1 and phone_hash is not null",
            args![person.id, phone, turned.now],
        )
        .await?;
    }
    if left && row.is_none() {
        let made = db
            .run(
                "insert into sms_subscribers (phone_number, guest_key, unsubscribed, created_ms) values ($1, $2, $3, $4) on conflict do nothing",
                args![phone, guest, true, turned.now],
            )
            .await?;
        if made > 0 {
            return Ok(true);
        }
    }
    let changed = db
        .run(
            "update sms_subscribers set unsubscribed = $3 \
             where (phone_number = $1 or guest_key = $2) and coalesce(unsubscribed, false) <> $3",
            args![phone, guest, left],
        )
        .await?;
    Ok(changed > 0)
}

/// They said YES.
pub(super) async fn confirm(db: &mut Db<'_>, person: PersonId) -> Outcome<()> {
    db.run("update sms_subscribers set confirmed = $2 where person_id = $1", args![person, true]).await.map(drop)
}

async fn row_of(db: &mut Db<'_>, asker: &Asker) -> Outcome<Option<Person>> {
    let row = match asker {
        Asker::Phone(phone) => db.one(person!("phone_number = $1"), args![phone]).await?,
        Asker::Guest(key) => db.one(person!("guest_key = $1"), args![key.as_str()]).await?,
    };
    match (row, asker) {
        (None, Asker::Phone(phone)) => erased(db, phone).await,
        (row, _) => row.as_ref().map(read).transpose(),
    }
}

/// Someone who left and was erased: all that is known is that they have left.
async fn erased(db: &mut Db<'_>, phone: &Phone) -> Outcome<Option<Person>> {
    // Mostly there is nobody like that, and the hash need not be made.
    if db.one("select person_id from sms_subscribers where phone_hash is not null limit 1", &[]).await?.is_none() {
        return Ok(None);
    }
    let row = db.one(person!("phone_hash = $1"), args![erase::hash_of(phone)]).await?;
    let person = row.as_ref().map(read).transpose()?;
    Ok(person.map(|person| Person { asker: Asker::Phone(phone.clone()), ..person }))
}

fn columns(asker: &Asker) -> (Option<&str>, Option<&str>) {
    match asker {
        Asker::Phone(phone) => (Some(phone.e164()), None),
        Asker::Guest(key) => (None, Some(key.as_str())),
    }
}

fn read(row: &Row) -> Outcome<Person> {
    let id = PersonId(row.int("person_id")?);
    let phone = row.maybe_text("phone_number")?.and_then(|text| text.parse::<Phone>().ok());
    let asker = match phone {
        Some(phone) => Asker::Phone(phone),
        // An old row whose number is no number: nobody can be it, but its pages stay where they are.
        None => Asker::Guest(GuestKey::from_stored(
            row.maybe_text("guest_key")?.unwrap_or_else(|| format!("person-{}", id.0)),
        )),
    };
    let home = row.maybe_text("index_file")?.map(|file| file.strip_suffix(".html").unwrap_or(&file).to_owned());
    Ok(Person {
        id,
        asker,
        slug: row.text("slug")?,
        role: row.text("role")?,
        standing: if row.flag("unsubscribed")? { Standing::Left } else { Standing::Active },
        confirmed: row.flag("confirmed")?,
        home: home.filter(|page| !page.is_empty()),
        joined: row.moment("created_ms")?,
    })
}
