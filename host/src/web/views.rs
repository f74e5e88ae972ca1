//! How often pages are looked at: counted in memory, written every few seconds, so that a crash loses seconds of it and a view costs no write.
//!
//! No cookie, no address and no browser is kept. Against reloads and bots, what was counted in this hour is known by a digest whose key is thrown away
//! with the hour; it never leaves the process.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{Extensions, HeaderMap, Method, Request, Uri, header, request::Parts};
use tokio_util::sync::CancellationToken;

use super::{Site, address};
use crate::{
    adapter::store::{PageKey, Store, Views as Counted, day},
    job::Millis,
};

/// How often what was counted is written.
const EVERY: Duration = Duration::from_secs(3);
/// How long a view of the same page from the same browser is the same view.
const HOUR: Duration = Duration::from_hours(1);
/// Browsers that count at one address: a household, not a script that makes up names.
const PER_ADDRESS: u8 = 8;
/// Digests and pages that are remembered; after that the hour begins anew, and views of further pages wait for no one.
const MOST: usize = 100_000;

/// Who asks for what: a request without its body.
#[derive(Clone, Copy)]
pub(super) struct Visitor<'r> {
    pub method: &'r Method,
    pub uri: &'r Uri,
    pub headers: &'r HeaderMap,
    extensions: &'r Extensions,
}

impl<'r> Visitor<'r> {
    /// Of a request whose body was taken off.
    pub fn of_parts(parts: &'r Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, headers: &parts.headers, extensions: &parts.extensions }
    }

    /// Of a whole request.
    pub fn of<B>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

/// What was counted and is not written yet.
pub(super) struct Views(Mutex<Ledger>);

struct Ledger {
    pending: HashMap<(PageKey, u32), u32>,
    seen: HashMap<u64, u8>,
    key: RandomState,
    since: Instant,
}

impl Default for Views {
    fn default() -> Self {
        let (pending, seen) = (HashMap::new(), HashMap::new());
        Self(Mutex::new(Ledger { pending, seen, key: RandomState::new(), since: Instant::now() }))
    }
}

impl Views {
    /// Counts a request for a page, if a person made it to look at the page.
    pub fn count(&self, page: &PageKey, visitor: &Visitor<'_>, trusted: &address::Trusted) {
        let Visitor { method, headers, extensions, .. } = *visitor;
        let browser = headers.get(header::USER_AGENT).map(http::HeaderValue::as_bytes).unwrap_or_default();
        if method != Method::GET || browser.is_empty() {
            return;
        }
        let from = address::bucket(address::client(address::peer(extensions), headers, trusted));
        // A page that many look at is mostly looked at again.
        if !self.has(page, from, browser) && is_a_look(headers) {
            self.add(page, from, browser, Millis::now());
        }
    }

    /// Whether a view would be one that was counted.
    fn has(&self, page: &PageKey, from: IpAddr, browser: &[u8]) -> bool {
        let ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.since.elapsed() <= HOUR && ledger.seen.contains_key(&ledger.key.hash_one((page, from, browser)))
    }

    fn add(&self, page: &PageKey, from: IpAddr, browser: &[u8], now: Millis) {
        let mut ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ledger.since.elapsed() > HOUR || ledger.seen.len() >= MOST {
            ledger.seen.clear();
            ledger.key = RandomState::new();
            ledger.since = Instant::now();
        }
        let here = ledger.key.hash_one((page, from));
        let looked = ledger.key.hash_one((page, from, browser));
        if ledger.seen.contains_key(&looked) || ledger.seen.get(&here).is_some_and(|&count| count >= PER_ADDRESS) {
            return;
        }
        ledger.seen.insert(looked, 1);
        *ledger.seen.entry(here).or_default() += 1;
        ledger.note(page.clone(), day(now), 1);
    }

    /// Writes what was counted; what could not be written is tried again with the next.
    pub async fn write(&self, store: &dyn Store) {
        let pending = std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).pending);
        if pending.is_empty() {
            return;
        }
        let views: Vec<_> = pending.into_iter().map(|((key, day), count)| Counted { key, day, count }).collect();
        if let Err(error) = store.add_views(&views).await {
            tracing::warn!(%error, pages = views.len(), "views are not written yet");
            let mut ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for one in views {
                ledger.note(one.key, one.day, one.count);
            }
        }
    }
}

impl Ledger {
    fn note(&mut self, page: PageKey, day: u32, count: u32) {
        let there = self.pending.len();
        let entry = (page, day);
        if there < MOST || self.pending.contains_key(&entry) {
            let sum = self.pending.entry(entry).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

/// Writes every few seconds, until the end.
pub(super) async fn keep_writing(site: Site, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        site.views.write(site.store()).await;
    }
}

/// Words in the names of what reads pages for machines.
const MACHINES: [&str; 16] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "preview",
    "fetch",
    "scan",
    "monitor",
    "facebookexternalhit",
    "embed",
    "headless",
    "curl/",
    "wget/",
    "python",
    "java/",
    "http",
];

/// Whether a browser asks for the page to show it to a person: in a tab of its own, now, and not to a machine.
fn is_a_look(headers: &HeaderMap) -> bool {
    let value = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let early = |name: &str| {
        value(name).contains("prefetch") || value(name).contains("prerender") || value(name).contains("preview")
    };
    let place = value("sec-fetch-dest");
    let browser = value("user-agent");
    // Our own frames, in lists and beside the chat, say `iframe`.
    (place.is_empty() || place == "document")
        && !["purpose", "sec-purpose", "x-purpose", "x-moz"].into_iter().any(early)
        && !browser.is_empty()
        && !MACHINES.iter().any(|word| browser.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn looks(pairs: &[(&'static str, &str)]) -> bool {
        is_a_look(&pairs.iter().map(|(n, v)| (http::HeaderName::from_static(n), v.parse().unwrap())).collect())
    }

    fn page(app: &str) -> PageKey {
        PageKey { user: "fox".into(), app: app.into() }
    }

    fn counted(views: &Views) -> u32 {
        views.0.lock().unwrap().pending.values().sum()
    }

    #[test]
    fn only_a_person_in_a_tab_looks() {
        assert!(looks(&[("user-agent", FIREFOX), ("sec-fetch-dest", "document")]));
        assert!(looks(&[("user-agent", FIREFOX)]));
        for odd in [
            &[("user-agent", FIREFOX), ("sec-fetch-dest", "iframe")][..],
            &[("user-agent", FIREFOX), ("sec-purpose", "prefetch;prerender")],
            &[("user-agent", FIREFOX), ("x-moz", "prefetch")],
            &[("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")],
            &[("user-agent", "WhatsApp/2.23 LinkPreview")],
            &[("user-agent", "curl/8.5.0")],
            &[],
        ] {
            assert!(!looks(odd), "{odd:?}");
        }
    }

    #[test]
    fn a_reload_is_the_same_view_and_another_browser_another() {
        let views = Views::default();
        let from: IpAddr = "203.0.113.9".parse().unwrap();
        for browser in ["a", "a", "b"] {
            views.add(&page("red"), from, browser.as_bytes(), Millis(1));
        }
        views.add(&page("blue"), from, b"a", Millis(1));
        assert_eq!(counted(&views), 3);
    }

    #[test]
    fn names_made_up_at_one_address_do_not_count_for_ever() {
        let views = Views::default();
        for n in 0..1_000_u32 {
            views.add(&page("red"), "203.0.113.9".parse().unwrap(), &n.to_le_bytes(), Millis(1));
        }
        assert_eq!(counted(&views), u32::from(PER_ADDRESS));
        views.add(&page("red"), "203.0.113.10".parse().unwrap(), b"a", Millis(1));
        assert_eq!(counted(&views), u32::from(PER_ADDRESS) + 1);
    }
}
