//! Where a request comes from: the peer, or what a trusted proxy says of it. A forwarding header from anybody else is not read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap};

/// Addresses and networks whose forwarding headers are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted(Vec<(IpAddr, u8)>);

impl Trusted {
    /// From `server.trusted_proxies`; what is neither an address nor a network trusts nobody.
    pub fn new<S: AsRef<str>>(entries: &[S]) -> Self {
        Self(entries.iter().filter_map(|entry| network(entry.as_ref())).collect())
    }

    fn covers(&self, address: IpAddr) -> bool {
        self.0.iter().any(|&(net, bits)| match (net, address) {
            (IpAddr::V4(net), IpAddr::V4(a)) => {
                same(u128::from(u32::from(net)) << 96, u128::from(u32::from(a)) << 96, bits)
            }
            (IpAddr::V6(net), IpAddr::V6(a)) => same(u128::from(net), u128::from(a), bits),
            _ => false,
        })
    }
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text.trim(), None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((address, bits))
}

fn same(a: u128, b: u128, bits: u8) -> bool {
    bits == 0 || (a ^ b) >> (128 - u32::from(bits)) == 0
}

/// The client's address. `X-Forwarded-For` is read from the right, past every proxy we trust, and only if the peer is one.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &Trusted) -> IpAddr {
    let mut address = peer.to_canonical();
    let said: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).collect();
    for hop in said.iter().rev() {
        if !trusted.covers(address) {
            break;
        }
        match parse_hop(hop.trim()) {
            Some(before) => address = before.to_canonical(),
            None => break,
        }
    }
    address
}

fn parse_hop(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))
}

/// The peer of the connection a request came on.
pub fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip())
}

/// What limits count by: one address, or for IPv6 the /64 that a single household or machine has to itself.
pub fn bucket(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, &Trusted::new(trusted)).to_string()
    }

    #[test]
    fn a_stranger_cannot_say_who_they_are() {
        assert_eq!(seen("203.0.113.9", &["10.0.0.1"], &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &["10.0.0.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_the_last_hop_only() {
        assert_eq!(seen("10.0.0.2", &["6.6.6.6, 203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.2", &["6.6.6.6", "203.0.113.9, 10.1.1.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        assert_eq!(seen("10.0.0.2", &["203.0.113.9, unknown"], &["10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.2", &["203.0.113.9:4711"], &["10.0.0.2"]), "203.0.113.9");
    }

    #[test]
    fn networks_of_both_families_work_and_nonsense_trusts_nobody() {
        assert_eq!(seen("2001:db8::1", &["2001:db9::5"], &["2001:db8::/32"]), "2001:db9::5");
        assert_eq!(seen("::ffff:10.0.0.2", &["203.0.113.9"], &["10.0.0.2"]), "203.0.113.9");
        assert_eq!(Trusted::new(&["10.0.0.0/33", "proxy.example", ""]), Trusted::default());
        assert_eq!(seen("9.9.9.9", &["203.0.113.9"], &["0.0.0.0/0"]), "203.0.113.9");
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_limit() {
        let a: IpAddr = "2001:db8::1".parse().unwrap();
        let b: IpAddr = "2001:db8::ffff:1".parse().unwrap();
        assert_eq!(bucket(a), bucket(b));
        assert_ne!(bucket(a), bucket("2001:db8:0:1::1".parse().unwrap()));
    }
}
