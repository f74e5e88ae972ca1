//! Live pages as they were answered, in memory, in front of everything else.
//!
//! A page is answered from here only while the store says that it is as it was when it was read: by a sign that costs no question where there is one (nothing at
//! all was written since), else by its mark. So what was taken down, changed, renamed or erased, by whichever process, is not shown once more. Asked in any
//! unusual way (a version, an origin, odd encodings), a page is made as ever. Kept is what is asked for a second time: who reads every page once fills no memory.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    io::Write,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use metrics::{Counter, Histogram};

use super::{Site, access, card, local, page, views::Visitor};
use crate::adapter::store::{Mark, Page, PageKey, Store, Watermark};

/// Bytes kept: some thousand pages, with what they take compressed.
const MOST: usize = 48 << 20;
/// What a page takes beside its bytes.
const BESIDE: usize = 2_048;
/// Paths that were asked for once lately, remembered by a digest; then it begins anew.
const LATELY: usize = 50_000;
/// The route, as it is measured.
const ROUTE: &str = "/{user}/{app}";

/// What was answered and is kept.
#[derive(Default)]
pub(super) struct Shelf {
    rows: RwLock<Rows>,
    lately: Mutex<HashSet<u64>>,
    digest: RandomState,
    clock: AtomicU64,
    measures: OnceLock<Measures>,
}

#[derive(Default)]
struct Rows {
    by_path: HashMap<String, Arc<Kept>>,
    bytes: usize,
}

/// A page as it was answered.
struct Kept {
    key: PageKey,
    mark: Mark,
    /// The store's sign from before the page was read, or last asked about.
    seen: Mutex<Option<Watermark>>,
    tag: String,
    head: HeaderMap,
    plain: Bytes,
    gzip: Bytes,
    used: AtomicU64,
}

/// On an answer that may be kept: what it was made of.
#[derive(Clone)]
pub(super) struct Made {
    key: PageKey,
    mark: Mark,
    seen: Option<Watermark>,
    tag: String,
    html: Bytes,
}

impl Made {
    /// Of a page's newest version, read after `seen`.
    pub fn of(page: &Page, seen: Option<Watermark>, tag: &str, html: Bytes) -> Self {
        Self { key: page.key.clone(), mark: page.mark, seen, tag: tag.to_owned(), html }
    }
}

/// Handles that are looked up once: a page is answered in less time than they take to find.
struct Measures {
    whole: Counter,
    known: Counter,
    seconds: Histogram,
}

impl Measures {
    fn new() -> Self {
        let (whole, seconds) = access::measures(&Method::GET, ROUTE, StatusCode::OK);
        let (known, _) = access::measures(&Method::GET, ROUTE, StatusCode::NOT_MODIFIED);
        Self { whole, known, seconds }
    }
}

/// Says, for the tests, that an answer came from the shelf.
#[cfg(test)]
#[derive(Clone, Copy)]
pub(super) struct Shelved;

/// How an answer may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Plain,
    Gzip,
}

/// The path of a request that asks for a page and for nothing else.
pub(super) fn path<'r>(visitor: &Visitor<'r>) -> Option<&'r str> {
    let uri = visitor.uri;
    // Capitals and percent signs make many paths of one.
    let is_small = uri.path().bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/'));
    let is_plain = is_small
        && visitor.method == Method::GET
        && uri.query().is_none()
        && !visitor.headers.contains_key(header::ORIGIN)
        && uri.path().bytes().filter(|byte| *byte == b'/').count() == 2;
    is_plain.then(|| uri.path())
}

/// The answer to a request for a page that is kept, and still as it was.
pub(super) async fn answer(site: &Site, visitor: &Visitor<'_>) -> Option<Response> {
    let began = Instant::now();
    let path = path(visitor)?;
    let kept = site.shelf.find(path)?;
    if !is_here(site, visitor.uri, visitor.headers) {
        return None;
    }
    let coding = coding(visitor.headers)?;
    let now = site.store().watermark();
    if !kept.is_as_of(now) && !kept.is_as_it_was(site.store(), now).await {
        site.shelf.take_down(path, &kept);
        return None;
    }
    kept.used.store(site.shelf.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    site.views.count(&kept.key, visitor, &site.trusted);
    let known = card::has(visitor.headers, &kept.tag);
    let response = if known { kept.not_modified() } else { kept.whole(coding) };
    let measures = site.shelf.measures.get_or_init(Measures::new);
    if known { &measures.known } else { &measures.whole }.increment(1);
    let took = began.elapsed().as_secs_f64();
    measures.seconds.record(took);
    tracing::debug!(route = ROUTE, status = response.status().as_u16(), ms = took * 1e3, "answered from memory");
    Some(response)
}

/// Keeps an answer that may be kept, once it was asked for before. Compressing it takes nobody's time who waits.
pub(super) fn keep(site: &Site, path: Option<String>, response: &mut Response) {
    let Some(made) = response.extensions_mut().remove::<Made>() else { return };
    let Some(path) = path.filter(|path| response.status() == StatusCode::OK && site.shelf.was_asked_for(path)) else {
        return;
    };
    if made.html.len() > MOST / 16 {
        return;
    }
    let mut head = response.headers().clone();
    for own in [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        head.remove(own);
    }
    let shelf = Arc::clone(&site.shelf);
    tokio::task::spawn_blocking(move || match gzip(&made.html) {
        Ok(gzip) => shelf.put(path, Kept::of(made, head, gzip)),
        Err(error) => tracing::debug!(%error, "a page could not be compressed, and is not kept"),
    });
}

fn gzip(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    coder.write_all(bytes)?;
    Ok(coder.finish()?.into())
}

/// Where pages have an origin of their own, the others lead there.
fn is_here(site: &Site, uri: &Uri, headers: &HeaderMap) -> bool {
    let server = &site.config().server;
    match &server.pages_url {
        Some(pages) if pages.origin() != server.public_url.origin() => {
            local::authority(uri, headers).is_some_and(|name| page::names(pages, name))
        }
        _ => true,
    }
}

/// What a client takes; nothing where it weighs one against another.
fn coding(headers: &HeaderMap) -> Option<Coding> {
    let mut coding = Coding::Plain;
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        for one in value.to_str().ok()?.split(',').map(str::trim) {
            if one.contains(';') {
                return None;
            }
            if one.eq_ignore_ascii_case("gzip") {
                coding = Coding::Gzip;
            }
        }
    }
    Some(coding)
}

impl Kept {
    fn of(made: Made, head: HeaderMap, gzip: Bytes) -> Self {
        let Made { key, mark, seen, tag, html: plain } = made;
        Self { key, mark, seen: Mutex::new(seen), tag, head, plain, gzip, used: AtomicU64::new(u64::MAX) }
    }

    /// Whether nothing at all was written since.
    fn is_as_of(&self, now: Option<Watermark>) -> bool {
        now.is_some() && *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == now
    }

    /// Whether the store says so. One that cannot say is no reason to show what may be gone: the page is asked for as ever, and whoever asks is told.
    async fn is_as_it_was(&self, store: &dyn Store, now: Option<Watermark>) -> bool {
        let is_same = store.mark(&self.key).await.is_ok_and(|mark| mark == Some(self.mark));
        if is_same {
            // From before the question: what was written meanwhile is asked about the next time.
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
        is_same
    }

    fn whole(&self, coding: Coding) -> Response {
        let body = match coding {
            Coding::Plain => &self.plain,
            Coding::Gzip => &self.gzip,
        };
        let mut response = Response::new(Body::from(body.clone()));
        *response.headers_mut() = self.head.clone();
        if coding == Coding::Gzip {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        self.marked(response)
    }

    fn not_modified(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.headers_mut() = self.head.clone();
        self.marked(response)
    }

    #[allow(clippy::unused_self, reason = "the tests want to know where an answer came from")]
    fn marked(&self, response: Response) -> Response {
        #[cfg(test)]
        let response = {
            let mut response = response;
            response.extensions_mut().insert(Shelved);
            response
        };
        response
    }

    fn size(&self) -> usize {
        BESIDE + self.plain.len() + self.gzip.len()
    }
}

impl Shelf {
    fn find(&self, path: &str) -> Option<Arc<Kept>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).by_path.get(path).cloned()
    }

    /// Whether a path was asked for before; it is from now on.
    fn was_asked_for(&self, path: &str) -> bool {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        if lately.len() >= LATELY {
            lately.clear();
        }
        !lately.insert(self.digest.hash_one(path))
    }

    fn put(&self, path: String, kept: Kept) {
        kept.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        rows.bytes += kept.size();
        if let Some(before) = rows.by_path.insert(path, Arc::new(kept)) {
            rows.bytes -= before.size();
        }
        if rows.bytes > MOST {
            rows.make_room();
        }
    }

    /// Removes what is no longer so, unless it is there anew by now.
    fn take_down(&self, path: &str, kept: &Arc<Kept>) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.by_path.get(path).is_some_and(|there| Arc::ptr_eq(there, kept)) {
            rows.by_path.remove(path);
            rows.bytes -= kept.size();
        }
    }
}

impl Rows {
    /// What was not asked for the longest goes, an eighth at once: looking for it is not done for every page.
    fn make_room(&mut self) {
        let mut by_use: Vec<(u64, String)> =
            self.by_path.iter().map(|(path, kept)| (kept.used.load(Ordering::Relaxed), path.clone())).collect();
        by_use.sort_unstable();
        for (_, path) in by_use {
            if self.bytes <= MOST - MOST / 8 {
                return;
            }
            self.bytes -= self.by_path.remove(&path).map_or(0, |kept| kept.size());
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::adapter::store::PageId;

    fn kept(bytes: usize) -> Kept {
        let key = PageKey { user: "otter".into(), app: "red".into() };
        let mark = Mark { page: PageId(1), revision: 1 };
        let made = Made { key, mark, seen: None, tag: String::new(), html: Bytes::from(vec![0; bytes]) };
        Kept::of(made, HeaderMap::new(), Bytes::new())
    }

    #[test]
    fn it_holds_no_more_than_it_may_and_what_was_not_asked_for_the_longest_goes_first() {
        let shelf = Shelf::default();
        for n in 0..40 {
            shelf.put(format!("/otter/{n}"), kept(2 << 20));
            if let Some(first) = shelf.find("/otter/0") {
                first.used.store(shelf.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        let rows = shelf.rows.read().unwrap();
        assert!(rows.bytes <= MOST);
        assert_eq!(rows.bytes, rows.by_path.values().map(|kept| kept.size()).sum::<usize>());
        assert!(rows.by_path.contains_key("/otter/0") && rows.by_path.contains_key("/otter/39"));
        assert!(!rows.by_path.contains_key("/otter/1"));
    }

    #[test]
    fn what_was_put_anew_meanwhile_is_not_taken_down() {
        let shelf = Shelf::default();
        shelf.put("/otter/red".into(), kept(1));
        let before = shelf.find("/otter/red").unwrap();
        shelf.put("/otter/red".into(), kept(2));
        shelf.take_down("/otter/red", &before);
        assert!(shelf.find("/otter/red").is_some());
        shelf.take_down("/otter/red", &shelf.find("/otter/red").unwrap());
        assert!(shelf.find("/otter/red").is_none());
        assert_eq!(shelf.rows.read().unwrap().bytes, 0);
    }

    #[test]
    fn what_a_client_takes_is_told_where_it_is_plain() {
        let told = |value: &str| coding(&[(header::ACCEPT_ENCODING, value.parse().unwrap())].into_iter().collect());
        assert_eq!(coding(&HeaderMap::new()), Some(Coding::Plain));
        assert_eq!(told("gzip, deflate, br, zstd"), Some(Coding::Gzip));
        assert_eq!(told("br, identity"), Some(Coding::Plain));
        assert_eq!(told("gzip;q=0"), None);
    }

    #[test]
    fn only_a_plain_request_for_a_page_is_answered() {
        let asked = |method: &str, uri: &str| {
            let request = Request::builder().method(method).uri(uri).body(()).unwrap();
            path(&Visitor::of(&request)).map(str::to_owned)
        };
        assert_eq!(asked("GET", "/otter/red").as_deref(), Some("/otter/red"));
        for (method, uri) in
            [("HEAD", "/otter/red"), ("GET", "/otter/red?v=1"), ("GET", "/Otter/red"), ("GET", "/a/b/c")]
        {
            assert_eq!(asked(method, uri), None, "{method} {uri}");
        }
    }
}
