//! `GET /{user}/{app}/owner`: what a page has collected, for its owner alone; and the same as a file for spreadsheets.
//!
//! Everything here was written by strangers. The table is ours and escaped; a view that the AI made runs in a frame that can reach nothing and go nowhere:
//! no network, no origin, no other address than its own.

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::{self, Path, Request},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Uri, header};
use serde_json::json;

use super::{
    Problem, Site, ask, form, look, page, problem,
    table::{self, Columns, Fields},
};
use crate::{
    adapter::store::{
        Collection, Count, Friend, Lookup, Page, PageId, PageKey, Record, RecordFilter, StoreError, Tally,
    },
    config::Server,
    job::reserved,
};

/// Rows on a page of the table.
const ROWS: u32 = 50;
/// Columns of the table; a spreadsheet has them all.
const SHOWN: usize = 12;
/// Characters of a value before it is folded.
const LONG: usize = 80;
/// Records read at once for a file.
const BATCH: u32 = 500;
/// Records and bytes that are handed to the AI's view.
const HANDED: u32 = 1_000;
const HANDED_BYTES: usize = 2 * 1024 * 1024;

#[derive(Template)]
#[template(path = "owner.html")]
struct View<'a> {
    title: &'a str,
    path: &'a str,
    /// All records of this kind as a file.
    file: String,
    link: String,
    kinds: Vec<Kind>,
    columns: Vec<String>,
    by: bool,
    rows: Vec<Row>,
    more: usize,
    older: Option<String>,
    newer: bool,
    kind: Option<&'a Collection>,
    total: u64,
    frame: Option<String>,
    friends: Vec<Companion>,
    sure: Option<Sure>,
}

/// One of those who share the page.
struct Companion {
    name: String,
    day: String,
    /// Where their removal is asked about.
    remove: String,
}

/// What is asked before it is done, since there is no way back.
struct Sure {
    question: String,
    field: &'static str,
    value: String,
}

/// A kind of records, as a tab.
struct Kind {
    name: String,
    records: u64,
    current: bool,
}

struct Row {
    number: Count,
    at: String,
    day: String,
    by: String,
    cells: Vec<Cell>,
}

struct Cell {
    text: String,
    /// The beginning, where the text is long.
    short: Option<String>,
    number: bool,
}

/// A page of whoever asks.
struct Owned {
    id: PageId,
    page: Page,
}

/// What someone gets who asks for a page's inside.
enum Door {
    Open(Box<Owned>),
    /// Elsewhere: to sign in, or to where the page is now.
    To(String),
}

/// Where a page's owner sees what it has collected.
pub(super) fn path(user: &str, app: &str) -> String {
    format!("/{user}/{app}/owner")
}

/// Lets the owner in. Whoever is not signed in is sent to do so, whatever the address, and to everyone else there is nothing here.
async fn admit(site: &Site, user: &str, app: &str, headers: &HeaderMap, rest: &str) -> Result<Door, Problem> {
    let nothing = || problem::not_found("There is nothing at this address.");
    let (Some(user), Some(app)) = (page::slug(user).filter(|user| !reserved::is_reserved(user)), page::slug(app))
    else {
        return Err(nothing());
    };
    let who = site.who(headers).await?;
    let mut mine = Vec::new();
    for asker in who.askers() {
        mine.extend(site.store().person(&asker).await?.map(|person| person.slug));
    }
    let key = PageKey { user, app };
    let here = format!("/{}/{}/{rest}", key.user, key.app);
    let sign_in = || Door::To(format!("/sign-in?{}", form_of(&[("to", &here)])));
    if mine.is_empty() {
        return Ok(sign_in());
    }
    let not_theirs = || if who.person.is_some() { Err(nothing()) } else { Ok(sign_in()) };
    match site.store().page(&key, None).await? {
        Lookup::Found(page) if mine.contains(&page.key.user) => Ok(Door::Open(Box::new(Owned { id: page.id, page }))),
        Lookup::Moved(to) if mine.contains(&to.user) => Ok(Door::To(format!("/{}/{}/{rest}", to.user, to.app))),
        _ => not_theirs(),
    }
}

fn form_of(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let owned = match admit(&site, &user, &app, &headers, "owner").await? {
        Door::Open(owned) => owned,
        Door::To(path) => return Ok(Redirect::to(&path).into_response()),
    };
    let query = form::query(&uri);
    if form::first(&query, "frame").is_some() {
        return frame(&site, &owned, &headers).await;
    }
    let kind = kind_of(form::first(&query, "in"))?;
    let before = form::first(&query, "before").and_then(|before| before.parse().ok());
    let tally = site.store().tally(owned.id).await?;
    let filter = RecordFilter { collection: kind.clone(), before };
    let mut records = site.store().records_of(owned.id, &filter, ROWS + 1).await?;
    let older = (records.len() > ROWS as usize).then(|| {
        records.truncate(ROWS as usize);
        records.last().map(|last| last.number.to_string())
    });
    let friends = site.store().friends(owned.id).await?;
    let sure = sure(&query, &tally, &friends)?;
    let shown = Shown { kind: kind.as_ref(), older: older.flatten(), newer: before.is_some(), friends, sure };
    draw(&site, &owned, &tally, &records, shown)
}

/// What the address asks about; of what is not there any more there is nothing to ask.
fn sure(query: &form::Pairs, tally: &[Tally], friends: &[Friend]) -> Result<Option<Sure>, Problem> {
    if let Some(name) = form::first(query, "unfriend") {
        let there = friends.iter().find(|friend| friend.name == name);
        return Ok(there.map(|friend| Sure {
            question: format!("Remove {}? Their name is free then, and what they left stays.", friend.name),
            field: "unfriend",
            value: friend.name.clone(),
        }));
    }
    let Some(kind) = form::first(query, "clear") else { return Ok(None) };
    let kind = kind_of(Some(kind))?;
    let chosen = tally.iter().filter(|one| kind.as_ref().is_none_or(|kind| *kind == one.collection));
    let records: u64 = chosen.map(|one| one.records).sum();
    let of = kind.as_ref().map(|kind| format!(" of \u{201c}{kind}\u{201d}")).unwrap_or_default();
    let many = if records == 1 { "the one record".to_owned() } else { format!("all {records} records") };
    let value = kind.map(|kind| kind.to_string()).unwrap_or_default();
    Ok((records > 0).then(|| Sure {
        question: format!("Remove {many}{of}? There is no way back."),
        field: "clear",
        value,
    }))
}

/// Which part of the records is shown.
struct Shown<'a> {
    kind: Option<&'a Collection>,
    older: Option<String>,
    newer: bool,
    friends: Vec<Friend>,
    sure: Option<Sure>,
}

fn draw(
    site: &Site,
    owned: &Owned,
    tally: &[Tally],
    records: &[Record],
    shown: Shown<'_>,
) -> Result<Response, Problem> {
    let server = &site.config().server;
    let PageKey { user, app } = &owned.page.key;
    let path = path(user, app);
    let fields: Vec<Fields> = records.iter().map(Fields::of).collect();
    let mut columns = Columns::default();
    for fields in &fields {
        columns.meet(fields);
    }
    let names = &columns.names()[..columns.names().len().min(SHOWN)];
    let current = |one: &Tally| shown.kind == Some(&one.collection);
    let kinds = tally
        .iter()
        .map(|one| Kind { name: one.collection.to_string(), records: one.records, current: current(one) })
        .collect();
    let view = View {
        title: &owned.page.draft.title,
        file: format!("/{user}/{app}/records.csv{}", shown.kind.map(|kind| format!("?in={kind}")).unwrap_or_default()),
        link: page::link(server, user, app),
        kinds,
        by: records.iter().any(|record| record.by.is_some()),
        rows: records.iter().zip(&fields).map(|(record, fields)| row(record, fields, names)).collect(),
        columns: names.to_vec(),
        more: columns.names().len() - names.len(),
        older: shown.older,
        newer: shown.newer,
        kind: shown.kind,
        friends: shown.friends.iter().map(|friend| companion(friend, &path)).collect(),
        sure: shown.sure,
        total: tally.iter().map(|one| one.records).sum(),
        frame: owned.page.draft.owner_html.as_ref().map(|_| format!("{}?frame=1", server.url(&path))),
        path: &path,
    };
    let mut response = look::page(&view, server)?;
    let headers = response.headers_mut();
    // The frame may go nowhere but where it is: what it holds would go with it.
    if let Ok(policy) = HeaderValue::from_str(&format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         frame-src {}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        server.url(&path)
    )) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

fn companion(friend: &Friend, path: &str) -> Companion {
    let remove = format!("{path}?{}#sure", form_of(&[("unfriend", &friend.name)]));
    Companion { name: friend.name.clone(), day: moment(friend.joined), remove }
}

fn row(record: &Record, fields: &Fields, columns: &[String]) -> Row {
    Row {
        number: record.number,
        at: record.at.to_string(),
        day: moment(record.at),
        by: record.by.clone().unwrap_or_default(),
        cells: columns.iter().map(|column| shown_cell(fields, column)).collect(),
    }
}

fn shown_cell(fields: &Fields, column: &str) -> Cell {
    let value = fields.value(column);
    let text = table::words(value);
    let is_long = text.chars().count() > LONG || text.contains('\n');
    let short = is_long.then(|| text.lines().next().unwrap_or_default().chars().take(LONG).collect());
    Cell { short, text, number: value.is_some_and(serde_json::Value::is_number) }
}

/// `23 Nov 2026, 05:50`, UTC.
fn moment(at: crate::job::Millis) -> String {
    jiff::Timestamp::from_millisecond(at.as_i64())
        .map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %Y, %H:%M").to_string())
        .unwrap_or_default()
}

fn kind_of(text: Option<&str>) -> Result<Option<Collection>, Problem> {
    text.filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(|_| problem::not_found("There is no such collection.").todo("Leave ?in= out to see everything."))
}

/// A record is removed, or a kind of them, or a friend.
pub(super) async fn act(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    ask::check_form_origin(&site, &parts.uri, &parts.headers)?;
    let owned = match admit(&site, &user, &app, &parts.headers, "owner").await? {
        Door::Open(owned) => owned,
        Door::To(path) => return Ok(Redirect::to(&path).into_response()),
    };
    let pairs = form::pairs(&parts.headers, body).await?;
    let kind = kind_of(form::first(&pairs, "in"))?;
    let rest = match wish(&pairs)? {
        // Gone already is as good.
        Removal::Record(number) => {
            site.store().remove_record(owned.id, number).await?;
            kind.map(|kind| form_of(&[("in", kind.as_str())]))
        }
        Removal::Records(kind) => {
            site.store().erase_records(owned.id, kind.as_ref()).await?;
            None
        }
        Removal::Friend(name) => {
            site.store().unfriend(owned.id, &name).await?;
            None
        }
        Removal::Unsure(pair) => Some(form_of(&[pair])),
    };
    let PageKey { user, app } = &owned.page.key;
    let rest = rest.map(|rest| format!("?{rest}")).unwrap_or_default();
    Ok(Redirect::to(&format!("{}{rest}", path(user, app))).into_response())
}

/// What an owner wants gone.
enum Removal<'a> {
    Record(Count),
    /// All of a kind, or all.
    Records(Option<Collection>),
    Friend(String),
    /// What there is no way back from, and was not yet asked about.
    Unsure((&'static str, &'a str)),
}

fn wish(pairs: &form::Pairs) -> Result<Removal<'_>, Problem> {
    let sure = form::first(pairs, "sure") == Some("yes");
    if let Some(kind) = form::first(pairs, "clear") {
        let named = kind_of(Some(kind))?;
        return Ok(if sure { Removal::Records(named) } else { Removal::Unsure(("clear", kind)) });
    }
    if let Some(name) = form::first(pairs, "unfriend") {
        return Ok(if sure { Removal::Friend(name.to_owned()) } else { Removal::Unsure(("unfriend", name)) });
    }
    let number = form::first(pairs, "remove").and_then(|number| number.parse().ok());
    number
        .map(Removal::Record)
        .ok_or_else(|| ask::unprocessable("form-incomplete", "This form was not sent whole.").todo("Send it again."))
}

/// `GET /{user}/{app}/records.csv`, read and sent piece by piece.
pub(super) async fn csv(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let owned = match admit(&site, &user, &app, &headers, "records.csv").await? {
        Door::Open(owned) => owned,
        Door::To(path) => return Ok(Redirect::to(&path).into_response()),
    };
    let filter = RecordFilter { collection: kind_of(form::first(&form::query(&uri), "in"))?, before: None };
    let (mut columns, mut walk) =
        (Columns::default(), Walk { site: site.clone(), page: owned.id, filter: filter.clone() });
    while let Some(records) = walk.next().await? {
        for record in &records {
            columns.meet(&Fields::of(record));
        }
    }
    let head = table::csv_head(&columns);
    let walk = Walk { site, page: owned.id, filter };
    let lines = stream::unfold((walk, columns, Some(head)), |(mut walk, columns, head)| async move {
        if let Some(head) = head {
            return Some((Ok(Bytes::from(head)), (walk, columns, None)));
        }
        match walk.next().await {
            Ok(None) => None,
            Ok(Some(records)) => {
                let text: String = records.iter().map(|record| table::csv_line(record, &columns)).collect();
                Some((Ok(Bytes::from(text)), (walk, columns, None)))
            }
            // The file breaks off, so that nobody takes it for whole.
            Err(error) => Some((Err(std::io::Error::other(error)), (walk, columns, None))),
        }
    });
    let name = format!("attachment; filename=\"{}-{}.csv\"", owned.page.key.user, owned.page.key.app);
    let mut response = Body::from_stream(lines).into_response();
    let out = response.headers_mut();
    if let Ok(name) = HeaderValue::from_str(&name) {
        out.insert(header::CONTENT_DISPOSITION, name);
    }
    for (name, value) in [
        ("content-type", "text/csv; charset=utf-8; header=present"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        out.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// A way through all of a page's records, newest first.
struct Walk {
    site: Site,
    page: PageId,
    filter: RecordFilter,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Vec<Record>>, StoreError> {
        let records = self.site.store().records_of(self.page, &self.filter, BATCH).await?;
        match records.last() {
            None => Ok(None),
            Some(last) => {
                self.filter.before = Some(last.number);
                Ok(Some(records))
            }
        }
    }
}

/// The AI's view, with the newest records in it. Only as a frame in ours: opened by itself it could be led away with what it holds.
async fn frame(site: &Site, owned: &Owned, headers: &HeaderMap) -> Result<Response, Problem> {
    let nothing = || problem::not_found("There is nothing at this address.");
    let framed = headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe");
    let html = owned.page.draft.owner_html.as_ref().filter(|_| framed).ok_or_else(nothing)?;
    let records = site.store().records_of(owned.id, &RecordFilter::default(), HANDED).await?;
    let mut response = Body::from(with_records(html, &records)).into_response();
    let out = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&frame_policy(&site.config().server)) {
        out.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-dns-prefetch-control", "off"),
        ("origin-agent-cluster", "?1"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ] {
        out.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn frame_policy(server: &Server) -> String {
    format!(
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
         img-src data: blob:; font-src data:; media-src data: blob:; webrtc 'block'; form-action 'none'; base-uri 'none'; \
         frame-ancestors {}",
        server.public_url.origin().ascii_serialization()
    )
}

/// The document with the records before everything it does.
fn with_records(html: &str, records: &[Record]) -> String {
    let mut room = HANDED_BYTES;
    let handed: Vec<_> = records
        .iter()
        .take_while(|record| {
            room = room.saturating_sub(record.data.get().len());
            room > 0
        })
        .map(|record| {
            json!({ "id": record.number, "in": record.collection.as_str(), "at": record.at, "by": record.by, "data": record.data })
        })
        .collect();
    // No end tag and no comment can stand in it.
    let data =
        json!(handed).to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let script = format!(
        "<script>window.wtaf=(function(all){{return Object.freeze({{records:all,me:null,\
         list:function(name){{return Promise.resolve(name?all.filter(function(r){{return r.in===name}}):all)}}}})}})({data});{}</script>",
        include_str!("look/shim.js")
    );
    let head = html.trim_start_matches('\u{feff}').trim_start();
    let doctype = head.get(..9).filter(|start| start.eq_ignore_ascii_case("<!doctype")).and_then(|_| head.find('>'));
    let (before, after) = head.split_at(doctype.map_or(0, |end| end + 1));
    format!("{before}{script}{after}")
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::job::Millis;

    fn record(json: &str) -> Record {
        Record {
            number: 1,
            collection: Collection::main(),
            data: RawValue::from_string(json.to_owned()).unwrap(),
            by: None,
            at: Millis(1),
            updated: Millis(1),
        }
    }

    #[test]
    fn no_record_ends_the_script_that_carries_it() {
        let html = with_records("<!DOCTYPE html><title>x</title>", &[record(r#"{"a":"</script><img src=x>"}"#)]);
        assert!(html.starts_with("<!DOCTYPE html><script>") && html.ends_with("</script><title>x</title>"), "{html}");
        assert_eq!(html.matches("</script>").count(), 1);
    }

    #[test]
    fn a_long_value_is_folded_at_its_first_line() {
        let fields = Fields::of(&record(r#"{"a":"one\ntwo","b":"short","n":3}"#));
        assert_eq!(shown_cell(&fields, "a").short.as_deref(), Some("one"));
        assert!(shown_cell(&fields, "b").short.is_none());
        assert!(shown_cell(&fields, "n").number && !shown_cell(&fields, "b").number);
    }
}
