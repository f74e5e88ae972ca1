//! Who counts as being on this machine.
//!
//! Behind a tunnel or a proxy everything comes from 127.0.0.1, so an address proves nothing. A request is *local* when we listen on loopback, call
//! ourselves loopback, are called loopback, nobody forwarded it, and no other web page sent it. Pure: it looks at the configuration and the headers.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, Uri, header};
use url::{Host, Url};

/// Why a request is not local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLocal {
    /// The engine can be reached from other machines.
    #[error("the engine listens on more than this machine (server.listen)")]
    Listens,
    /// The engine has a public name.
    #[error("the engine has a public address (server.public_url)")]
    Public,
    /// It was called by another name, or by none.
    #[error("it was not asked for by a name of this machine, such as localhost")]
    Host,
    /// Something stands between.
    #[error("a proxy or a tunnel passed it on")]
    Forwarded,
    /// Another page sent it.
    #[error("another web page sent it")]
    Origin,
}

/// Headers that a proxy or a tunnel adds.
const FORWARDING: [&str; 8] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-real-ip",
    "via",
    "cf-connecting-ip",
];

/// Whether a request is local; if not, why.
pub fn check(listen: SocketAddr, public_url: &Url, uri: &Uri, headers: &HeaderMap) -> Result<(), NotLocal> {
    if !listen.ip().to_canonical().is_loopback() {
        return Err(NotLocal::Listens);
    }
    if !public_url.host().is_some_and(|host| is_loopback(&host)) {
        return Err(NotLocal::Public);
    }
    if !names_loopback(authority(uri, headers)) {
        return Err(NotLocal::Host);
    }
    let forwarded =
        |name: &HeaderName| FORWARDING.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded-");
    if headers.keys().any(forwarded) {
        return Err(NotLocal::Forwarded);
    }
    match origin(headers) {
        Origin::Absent => Ok(()),
        Origin::Named(origin) if is_ours(origin, public_url, uri, headers) => Ok(()),
        Origin::Named(_) | Origin::Unreadable => Err(NotLocal::Origin),
    }
}

/// What the `Origin` header says.
pub enum Origin<'a> {
    /// Not sent: no page of another site, or no browser.
    Absent,
    /// This, as it stands (`null` included).
    Named(&'a str),
    /// Sent twice, or not as text.
    Unreadable,
}

/// Reads the `Origin` header.
pub fn origin(headers: &HeaderMap) -> Origin<'_> {
    let mut all = headers.get_all(header::ORIGIN).iter();
    match (all.next(), all.next()) {
        (None, _) => Origin::Absent,
        (Some(one), None) => one.to_str().map_or(Origin::Unreadable, Origin::Named),
        _ => Origin::Unreadable,
    }
}

/// Whether an origin is the engine's own: `public_url`'s, or, while that is loopback, the very loopback address this request was sent to (people open
/// `127.0.0.1` and `localhost` alike, and a browser does not let a page choose its `Host`).
pub fn is_ours(origin: &str, public_url: &Url, uri: &Uri, headers: &HeaderMap) -> bool {
    let Ok(parsed) = Url::parse(origin) else { return false };
    if !parsed.origin().is_tuple() || parsed.origin().ascii_serialization() != origin.to_ascii_lowercase() {
        return false;
    }
    if parsed.origin() == public_url.origin() {
        return true;
    }
    let here = authority(uri, headers);
    public_url.host().is_some_and(|host| is_loopback(&host))
        && names_loopback(here)
        && here
            .and_then(|here| Url::parse(&format!("http://{here}")).ok())
            .is_some_and(|u| u.origin() == parsed.origin())
}

/// The name we were called by: HTTP/2's authority, or the one `Host` header.
pub fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    if let Some(authority) = uri.authority() {
        return Some(authority.as_str());
    }
    let mut all = headers.get_all(header::HOST).iter();
    match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    }
}

fn names_loopback(authority: Option<&str>) -> bool {
    let Some(authority) = authority.filter(|a| !a.contains(['@', '/', '?', '#', '\\'])) else { return false };
    Url::parse(&format!("http://{authority}/")).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(*ip).to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn asked(listen: &str, public: &str, pairs: &[(&'static str, &str)]) -> Result<(), NotLocal> {
        check(listen.parse().unwrap(), &public.parse().unwrap(), &Uri::from_static("/phone"), &headers(pairs))
    }

    const HERE: (&str, &str) = ("127.0.0.1:3030", "http://localhost:3030");

    #[test]
    fn a_plain_request_to_localhost_is_local() {
        for host in ["localhost:3030", "127.0.0.1:3030", "[::1]:3030", "LOCALHOST", "a.localhost:3030", "127.9.9.9"] {
            assert_eq!(asked(HERE.0, HERE.1, &[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn listening_on_every_address_is_not_local() {
        for listen in ["0.0.0.0:3030", "192.168.1.5:3030", "[::]:3030"] {
            assert_eq!(asked(listen, HERE.1, &[("host", "localhost:3030")]), Err(NotLocal::Listens), "{listen}");
        }
        assert_eq!(asked("[::1]:3030", HERE.1, &[("host", "localhost:3030")]), Ok(()));
    }

    #[test]
    fn a_public_name_is_not_local_even_from_loopback() {
        for public in ["https://wtaf.example", "http://192.168.0.1:3030", "https://localhost.example"] {
            assert_eq!(asked(HERE.0, public, &[("host", "localhost:3030")]), Err(NotLocal::Public), "{public}");
        }
    }

    #[test]
    fn a_rebound_or_missing_host_is_not_local() {
        let hosts = [
            "evil.example",
            "evil.example:3030",
            "localhost.evil.example",
            "user@localhost",
            "localhost/evil",
            "",
            "10.0.0.1",
        ];
        for host in hosts {
            assert_eq!(asked(HERE.0, HERE.1, &[("host", host)]), Err(NotLocal::Host), "{host}");
        }
        assert_eq!(asked(HERE.0, HERE.1, &[]), Err(NotLocal::Host));
        assert_eq!(asked(HERE.0, HERE.1, &[("host", "localhost"), ("host", "evil.example")]), Err(NotLocal::Host));
    }

    #[test]
    fn a_forwarding_header_of_any_kind_is_not_local() {
        for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-anything", "x-real-ip", "via"] {
            assert_eq!(
                asked(HERE.0, HERE.1, &[("host", "localhost"), (name, "127.0.0.1")]),
                Err(NotLocal::Forwarded),
                "{name}"
            );
        }
    }

    #[test]
    fn another_page_is_not_local_and_our_own_is() {
        let with = |origin: &str| asked(HERE.0, HERE.1, &[("host", "127.0.0.1:3030"), ("origin", origin)]);
        assert_eq!(with("http://localhost:3030"), Ok(()));
        assert_eq!(with("http://127.0.0.1:3030"), Ok(()));
        let others = [
            "null",
            "https://evil.example",
            "http://localhost:8080",
            "http://127.0.0.1",
            "https://localhost:3030",
            "",
            "localhost",
        ];
        for origin in others {
            assert_eq!(with(origin), Err(NotLocal::Origin), "{origin}");
        }
    }

    #[test]
    fn two_origins_are_not_one_of_ours() {
        let pairs =
            [("host", "localhost:3030"), ("origin", "http://localhost:3030"), ("origin", "https://evil.example")];
        assert_eq!(asked(HERE.0, HERE.1, &pairs), Err(NotLocal::Origin));
    }

    #[test]
    fn with_a_public_name_only_that_name_is_ours() {
        let public: Url = "https://wtaf.example".parse().unwrap();
        let here = headers(&[("host", "127.0.0.1:3030")]);
        let uri = Uri::from_static("/");
        assert!(is_ours("https://wtaf.example", &public, &uri, &here));
        assert!(!is_ours("http://127.0.0.1:3030", &public, &uri, &here));
        assert!(!is_ours("https://wtaf.example.evil.example", &public, &uri, &here));
    }

    #[test]
    fn the_authority_of_http2_counts_as_the_host() {
        let uri = Uri::from_static("http://localhost:3030/phone");
        assert_eq!(check(HERE.0.parse().unwrap(), &HERE.1.parse().unwrap(), &uri, &HeaderMap::new()), Ok(()));
        let uri = Uri::from_static("http://evil.example/phone");
        assert_eq!(
            check(HERE.0.parse().unwrap(), &HERE.1.parse().unwrap(), &uri, &HeaderMap::new()),
            Err(NotLocal::Host)
        );
    }
}
