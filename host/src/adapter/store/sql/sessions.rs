//! Sessions and codes.

use std::time::Duration;

use async_trait::async_trait;
use subtle::ConstantTimeEq;

use super::{
    super::{
        CODE_LASTS, CODE_TRIES, CodeKept, CodeTried, CodeTry, Moved, NewCode, Person, PersonId, Result, SESSION_LASTS,
        Session, SessionKey, Sessions, Spent, Standing,
    },
    SqlStore,
    accounts::known,
    db::{Db, Scope, args},
    fault::Outcome,
    limits, moves, outbox, people,
};
use crate::job::{Asker, GuestKey, Millis};

/// A session's use is written down no more often than this.
const SEEN_EVERY: Duration = Duration::from_hours(24);

/// What is counted for everyone.
const ALL: &str = "codes";

#[async_trait]
impl Sessions for SqlStore {
    async fn keep_code(&self, code: NewCode) -> Result<CodeKept> {
        self.write(code, |db, code| Box::pin(keep_code(db, code))).await
    }

    async fn try_code(&self, attempt: CodeTry) -> Result<CodeTried> {
        self.write(attempt, |db, attempt| Box::pin(try_code(db, attempt))).await
    }

    async fn session(&self, key: &SessionKey, now: Millis) -> Result<Option<Session>> {
        let found = self.read((key.clone(), now), |db, args| Box::pin(session(db, args))).await?;
        if found.as_ref().is_some_and(|session| now.since(session.seen) >= SEEN_EVERY) {
            // The session holds whether or not this is written down.
            let written = self.write((key.clone(), now), |db, args| Box::pin(seen(db, args))).await;
            if let Err(error) = written {
                tracing::warn!(%error, "the use of a session is not written down");
            }
        }
        Ok(found)
    }

    async fn end_session(&self, key: &SessionKey) -> Result<bool> {
        self.write(key.clone(), |db, key| Box::pin(end(db, key))).await
    }

    async fn end_sessions_of(&self, person: PersonId) -> Result<u64> {
        self.write(person, |db, person| Box::pin(end_all(db, *person))).await
    }

    async fn prune_sessions(&self, now: Millis) -> Result<u64> {
        self.write(now, |db, now| Box::pin(prune(db, *now))).await
    }

    async fn move_pages(&self, guest: &GuestKey, person: PersonId, now: Millis) -> Result<Moved> {
        self.write((guest.clone(), person, now), |db, wish| Box::pin(moves::move_pages(db, wish))).await
    }

    async fn moved_guest(&self, guest: &GuestKey) -> Result<Option<Person>> {
        self.read(guest.clone(), |db, guest| Box::pin(moves::former(db, guest))).await
    }
}

/// Keeps a code; whatever the number, the same is done but for the text.
async fn keep_code(db: &mut Db<'_>, code: &NewCode) -> Outcome<CodeKept> {
    let one_more = |key: &str, allowances: &[super::super::Allowance]| limits::OneMore {
        key: key.to_owned(),
        job: code.job,
        allowances: allowances.to_vec(),
        now: code.now,
    };
    if let Spent::Over { .. } = limits::spend(db, &one_more(&code.number_key, &code.for_number)).await? {
        return Ok(CodeKept::NumberOver);
    }
    // Before the code that is there is replaced: one that was texted and still good stays good.
    if code.text.is_some()
        && let Spent::Over { .. } = limits::spend(db, &one_more(ALL, &code.for_all)).await?
    {
        return Ok(CodeKept::AllOver);
    }
    db.run(
        "insert into wtaf_codes (session_key, code_hash, tries, expires_ms) values ($1, $2, 0, $3) \
         on conflict (session_key) do update set code_hash = excluded.code_hash, tries = 0, expires_ms = excluded.expires_ms",
        args![code.browser.as_str(), code.hash.as_str(), code.now.after(CODE_LASTS)],
    )
    .await?;
    let Some(text) = &code.text else { return Ok(CodeKept::Nobody) };
    outbox::write(db, text, code.now).await?;
    Ok(CodeKept::Texted)
}

/// Tries a code.
async fn try_code(db: &mut Db<'_>, attempt: &CodeTry) -> Outcome<CodeTried> {
    db.lock(Scope::Key(attempt.browser.as_str())).await?;
    let browser = attempt.browser.as_str();
    let sql = "select code_hash, tries, expires_ms from wtaf_codes where session_key = $1 and expires_ms > $2";
    let Some(row) = db.one(sql, args![browser, attempt.now]).await? else { return Ok(CodeTried::Expired) };
    let tries: u32 = row.count("tries")?;
    if tries >= CODE_TRIES {
        return Ok(CodeTried::TooMany);
    }
    db.run("update wtaf_codes set tries = tries + 1 where session_key = $1", args![browser]).await?;
    let wrong = CodeTried::Wrong(CODE_TRIES - tries - 1);
    if !bool::from(row.text("code_hash")?.as_bytes().ct_eq(attempt.hash.as_str().as_bytes())) {
        return Ok(wrong);
    }
    // A code that was never texted to anyone fits nobody.
    let Some(person) = people::by_asker(db, &Asker::Phone(attempt.phone.clone())).await? else { return Ok(wrong) };
    db.run("delete from wtaf_codes where session_key = $1", args![browser]).await?;
    if person.standing == Standing::Left {
        return Ok(CodeTried::Left);
    }
    db.run("delete from wtaf_sessions where session_key = $1", args![browser]).await?;
    db.run(
        "insert into wtaf_sessions (session_key, person_id, guest_key, created_ms, seen_ms) values ($1, $2, $3, $4, $4)",
        args![attempt.session.as_str(), person.id, attempt.guest.as_ref().map(GuestKey::as_str), attempt.now],
    )
    .await?;
    Ok(CodeTried::In(Box::new(person)))
}

/// The session of a token.
async fn session(db: &mut Db<'_>, (key, now): &(SessionKey, Millis)) -> Outcome<Option<Session>> {
    let sql = "select person_id, guest_key, seen_ms from wtaf_sessions where session_key = $1 and seen_ms > $2";
    let found = db.one(sql, args![key.as_str(), now.before(SESSION_LASTS)]).await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(Session {
        person: known(db, PersonId(row.int("person_id")?)).await?,
        guest: row.maybe_text("guest_key")?.map(GuestKey::from_stored),
        seen: row.moment("seen_ms")?,
    }))
}

/// Writes down that a session is in use.
async fn seen(db: &mut Db<'_>, (key, now): &(SessionKey, Millis)) -> Outcome<()> {
    let sql = "update wtaf_sessions set seen_ms = $2 where session_key = $1 and seen_ms < $2";
    db.run(sql, args![key.as_str(), *now]).await.map(drop)
}

/// Signs out.
async fn end(db: &mut Db<'_>, key: &SessionKey) -> Outcome<bool> {
    Ok(db.run("delete from wtaf_sessions where session_key = $1", args![key.as_str()]).await? > 0)
}

/// Signs a person out everywhere.
async fn end_all(db: &mut Db<'_>, person: PersonId) -> Outcome<u64> {
    db.run("delete from wtaf_sessions where person_id = $1", args![person]).await
}

/// Removes what has run out.
async fn prune(db: &mut Db<'_>, now: Millis) -> Outcome<u64> {
    let codes = db.run("delete from wtaf_codes where expires_ms <= $1", args![now]).await?;
    let sessions = db.run("delete from wtaf_sessions where seen_ms <= $1", args![now.before(SESSION_LASTS)]).await?;
    Ok(codes + sessions)
}
