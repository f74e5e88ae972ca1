//! Records that pages collect. All that changes a page's records is done one after the other, so what is counted is what is there.

use super::{
    super::{Collection, Count, Kept, Lookup, NewRecord, PageId, PageKey, Placed, Record, RecordFilter, Room, Tally},
    db::{Db, Row, Scope, args},
    fault::{Fault, Outcome},
    pages,
};
use crate::job::Millis;

/// The row of `wtaf_collections` that counts all of a page's records: no collection has an empty name.
const ALL: &str = "";

/// The page at an address, without its document.
pub(super) async fn place(db: &mut Db<'_>, key: &PageKey) -> Outcome<Option<Placed>> {
    if let Some(placed) = placed(db, key).await? {
        return Ok(Some(placed));
    }
    match pages::locate(db, key).await? {
        Lookup::Moved(to) => placed(db, &to).await,
        Lookup::Found(_) | Lookup::Missing => Ok(None),
    }
}

async fn placed(db: &mut Db<'_>, key: &PageKey) -> Outcome<Option<Placed>> {
    let row = db
        .one(
            "select content_id, version from wtaf_content where user_slug = $1 and app_slug = $2 and status = 'published'",
            args![&key.user, &key.app],
        )
        .await?;
    row.map(|row| Ok(Placed { id: PageId(row.int("content_id")?), key: key.clone(), version: row.count("version")? }))
        .transpose()
}

/// A record to keep, where there is room.
pub(super) struct Addition {
    pub(super) record: NewRecord,
    pub(super) room: Room,
    pub(super) now: Millis,
}

/// What a page has, of all kinds or of one.
#[derive(Default)]
struct Held {
    changes: i64,
    records: u64,
    bytes: u64,
}

async fn held(db: &mut Db<'_>, page: PageId, collection: &str) -> Outcome<Option<Held>> {
    let row = db
        .one(
            "select changes, records, bytes from wtaf_collections where page_id = $1 and collection = $2",
            args![page, collection],
        )
        .await?;
    row.map(|row| Ok(Held { changes: row.int("changes")?, records: row.count("records")?, bytes: row.count("bytes")? }))
        .transpose()
}

/// Keeps a record.
pub(super) async fn add(db: &mut Db<'_>, wish: &Addition) -> Outcome<Kept> {
    let NewRecord { page, collection, data, by, once } = &wish.record;
    db.lock_and_tell(Scope::Page(*page)).await?;
    if let Some(once) = once {
        let sql =
            "select number, created_ms from wtaf_submissions where page_id = $1 and collection = $2 and once = $3";
        if let Some(row) = db.one(sql, args![*page, collection.as_str(), once]).await? {
            return Ok(Kept::Before(row.count("number")?, row.moment("created_ms")?));
        }
    }
    let all = held(db, *page, ALL).await?.unwrap_or_default();
    let bytes = data.get().len() as u64;
    let fits = all.records < wish.room.records && all.bytes.saturating_add(bytes) <= wish.room.bytes;
    if !fits || !has_room_for(db, *page, collection, wish.room).await? {
        return Ok(Kept::Full);
    }
    let number = all.changes + 1;
    // The column may be of an older service's making, so it is not asked what kind of JSON it holds.
    let sql = db.of(
        "insert into wtaf_submissions (page_id, number, collection, by_friend, submission_data, bytes, created_ms, updated_ms, once) \
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
        "insert into wtaf_submissions (page_id, number, collection, by_friend, submission_data, bytes, created_ms, updated_ms, once) \
         values ($1, $2, $3, $4, cast($5 as json), $6, $7, $7, $8)",
    );
    let length = count(bytes);
    db.run(sql, args![*page, number, collection.as_str(), by, data.get(), length, wish.now, once]).await?;
    note(db, *page, collection, Change { number, records: 1, bytes: length }).await?;
    Ok(Kept::As(number.unsigned_abs()))
}

async fn has_room_for(db: &mut Db<'_>, page: PageId, collection: &Collection, room: Room) -> Outcome<bool> {
    if held(db, page, collection.as_str()).await?.is_some() {
        return Ok(true);
    }
    let row = db
        .one(
            "select count(*) as n from wtaf_collections where page_id = $1 and collection <> '' and records > 0",
            args![page],
        )
        .await?;
    let there: u64 = row.map_or(Ok(0), |row| row.count("n"))?;
    Ok(there < room.collections)
}

/// What a change does to the counts.
#[derive(Clone, Copy)]
struct Change {
    number: i64,
    records: i64,
    bytes: i64,
}

/// Writes a change down, for the page and for the kind.
async fn note(db: &mut Db<'_>, page: PageId, collection: &Collection, change: Change) -> Outcome<()> {
    for counted in [ALL, collection.as_str()] {
        db.run(
            "insert into wtaf_collections (page_id, collection, changes, records, bytes) values ($1, $2, $3, $4, $5) \
             on conflict (page_id, collection) do update set changes = excluded.changes, \
             records = wtaf_collections.records + excluded.records, bytes = wtaf_collections.bytes + excluded.bytes",
            args![page, counted, change.number, change.records, change.bytes],
        )
        .await?;
    }
    Ok(())
}

/// One record.
pub(super) async fn record(db: &mut Db<'_>, (page, number): &(PageId, Count)) -> Outcome<Option<Record>> {
    let row = db
        .one(
            "select number, collection, cast(submission_data as text) as data, by_friend, created_ms, updated_ms \
             from wtaf_submissions where page_id = $1 and number = $2",
            args![*page, count(*number)],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

/// Which page's, which of them, how many.
pub(super) type Listing = (PageId, RecordFilter, u32);

/// Records, newest first.
pub(super) async fn list(db: &mut Db<'_>, (page, filter, limit): &Listing) -> Outcome<Vec<Record>> {
    let before = filter.before.map_or(i64::MAX, count);
    let rows = if let Some(collection) = &filter.collection {
        db.all(
            "select number, collection, cast(submission_data as text) as data, by_friend, created_ms, updated_ms \
             from wtaf_submissions where page_id = $1 and collection = $2 and number < $3 order by number desc limit $4",
            args![*page, collection.as_str(), before, *limit],
        )
        .await?
    } else {
        db.all(
            "select number, collection, cast(submission_data as text) as data, by_friend, created_ms, updated_ms \
             from wtaf_submissions where page_id = $1 and number < $2 order by number desc limit $3",
            args![*page, before, *limit],
        )
        .await?
    };
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Outcome<Record> {
    Ok(Record {
        number: row.count("number")?,
        collection: row.text("collection")?.parse().map_err(|_| Fault::damaged("collection"))?,
        data: serde_json::value::RawValue::from_string(row.text("data")?).map_err(|_| Fault::damaged("record"))?,
        by: row.maybe_text("by_friend")?,
        at: row.moment("created_ms")?,
        updated: row.moment("updated_ms")?,
    })
}

/// Other data for a record.
pub(super) struct Replacement {
    pub(super) page: PageId,
    pub(super) number: Count,
    pub(super) data: Box<serde_json::value::RawValue>,
    pub(super) room: Room,
    pub(super) now: Millis,
}

/// Puts other data into a record.
pub(super) async fn change(db: &mut Db<'_>, wish: &Replacement) -> Outcome<Option<Kept>> {
    db.lock_and_tell(Scope::Page(wish.page)).await?;
    let Some((collection, before)) = kind_and_size(db, wish.page, wish.number).await? else { return Ok(None) };
    let all = held(db, wish.page, ALL).await?.unwrap_or_default();
    let length = wish.data.get().len() as u64;
    if length > before && all.bytes.saturating_add(length - before) > wish.room.bytes {
        return Ok(Some(Kept::Full));
    }
    let sql = db.of(
        "update wtaf_submissions set submission_data = $3, bytes = $4, updated_ms = $5 where page_id = $1 and number = $2",
        "update wtaf_submissions set submission_data = cast($3 as json), bytes = $4, updated_ms = $5 where page_id = $1 and number = $2",
    );
    db.run(sql, args![wish.page, count(wish.number), wish.data.get(), count(length), wish.now]).await?;
    let bytes = count(length) - count(before);
    note(db, wish.page, &collection, Change { number: all.changes + 1, records: 0, bytes }).await?;
    Ok(Some(Kept::As(wish.number)))
}

async fn kind_and_size(db: &mut Db<'_>, page: PageId, number: Count) -> Outcome<Option<(Collection, u64)>> {
    let row = db
        .one(
            "select collection, bytes from wtaf_submissions where page_id = $1 and number = $2",
            args![page, count(number)],
        )
        .await?;
    row.map(|row| Ok((row.text("collection")?.parse().map_err(|_| Fault::damaged("collection"))?, row.count("bytes")?)))
        .transpose()
}

/// Removes a record.
pub(super) async fn remove(db: &mut Db<'_>, (page, number): &(PageId, Count)) -> Outcome<bool> {
    db.lock_and_tell(Scope::Page(*page)).await?;
    let Some((collection, bytes)) = kind_and_size(db, *page, *number).await? else { return Ok(false) };
    db.run("delete from wtaf_submissions where page_id = $1 and number = $2", args![*page, count(*number)]).await?;
    let all = held(db, *page, ALL).await?.unwrap_or_default();
    note(db, *page, &collection, Change { number: all.changes + 1, records: -1, bytes: -count(bytes) }).await?;
    Ok(true)
}

/// Removes all records, or all of a kind.
pub(super) async fn erase(db: &mut Db<'_>, (page, collection): &(PageId, Option<Collection>)) -> Outcome<u64> {
    db.lock_and_tell(Scope::Page(*page)).await?;
    let kinds = match collection {
        Some(one) => vec![one.clone()],
        None => tally(db, *page).await?.into_iter().map(|tally| tally.collection).collect(),
    };
    let mut removed = 0;
    for kind in kinds {
        let Some(had) = held(db, *page, kind.as_str()).await? else { continue };
        removed += db
            .run("delete from wtaf_submissions where page_id = $1 and collection = $2", args![*page, kind.as_str()])
            .await?;
        let all = held(db, *page, ALL).await?.unwrap_or_default();
        // The kind's row stays: those who watch it see a newer change.
        let change = Change { number: all.changes + 1, records: -count(had.records), bytes: -count(had.bytes) };
        note(db, *page, &kind, change).await?;
    }
    Ok(removed)
}

/// What there is, by kind.
pub(super) async fn tally(db: &mut Db<'_>, page: PageId) -> Outcome<Vec<Tally>> {
    let rows = db
        .all(
            "select collection, records, changes from wtaf_collections \
             where page_id = $1 and collection <> '' and records > 0 order by collection",
            args![page],
        )
        .await?;
    let read = |row: &Row| {
        Ok(Tally {
            collection: row.text("collection")?.parse().map_err(|_| Fault::damaged("collection"))?,
            records: row.count("records")?,
            changes: row.count("changes")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The newest change to a kind.
pub(super) async fn changes(db: &mut Db<'_>, (page, collection): &(PageId, Collection)) -> Outcome<Count> {
    Ok(held(db, *page, collection.as_str()).await?.unwrap_or_default().changes.unsigned_abs())
}

/// As databases count.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
