//! Those who share a page: a name and the hash of a passcode each.

use super::{
    super::{Befriended, Friend, PageId},
    db::{Db, Row, Scope, args},
    fault::Outcome,
};
use crate::job::Millis;

/// Someone who wants to share a page.
pub(super) struct Wish {
    pub(super) page: PageId,
    pub(super) name: String,
    pub(super) hash: String,
    pub(super) most: u32,
    pub(super) now: Millis,
}

/// Names that differ in capitals only are one.
fn key(name: &str) -> String {
    name.to_lowercase()
}

/// A friend by name.
pub(super) async fn find(db: &mut Db<'_>, (page, name): &(PageId, String)) -> Outcome<Option<Friend>> {
    let row = db
        .one(
            "select name, passcode_hash, created_ms from wtaf_friends where page_id = $1 and name_key = $2",
            args![*page, key(name)],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

/// All of a page's.
pub(super) async fn list(db: &mut Db<'_>, page: PageId) -> Outcome<Vec<Friend>> {
    let rows = db
        .all(
            "select name, passcode_hash, created_ms from wtaf_friends where page_id = $1 order by created_ms, name_key",
            args![page],
        )
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Outcome<Friend> {
    Ok(Friend { name: row.text("name")?, hash: row.text("passcode_hash")?, joined: row.moment("created_ms")? })
}

/// Lets someone join, unless the name is taken or there are as many as may.
pub(super) async fn join(db: &mut Db<'_>, wish: &Wish) -> Outcome<Befriended> {
    db.lock(Scope::Page(wish.page)).await?;
    let there = list(db, wish.page).await?;
    if let Some(friend) = there.iter().find(|friend| key(&friend.name) == key(&wish.name)) {
        return Ok(Befriended::There(friend.clone()));
    }
    if there.len() >= wish.most as usize {
        return Ok(Befriended::Full);
    }
    db.run(
        "insert into wtaf_friends (page_id, name_key, name, passcode_hash, created_ms) values ($1, $2, $3, $4, $5)",
        args![wish.page, key(&wish.name), &wish.name, &wish.hash, wish.now],
    )
    .await?;
    Ok(Befriended::New(Friend { name: wish.name.clone(), hash: wish.hash.clone(), joined: wish.now }))
}

/// Removes a friend.
pub(super) async fn remove(db: &mut Db<'_>, (page, name): &(PageId, String)) -> Outcome<bool> {
    let gone = db.run("delete from wtaf_friends where page_id = $1 and name_key = $2", args![*page, key(name)]).await?;
    Ok(gone > 0)
}
