//! Where a request comes from, as far as it can be counted.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::http::header::HeaderMap;

use crate::outbound::Cidr;

/// One IPv4 address, or the 64 bits of an IPv6 address that name a network: one household has all the rest.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::http) enum Source {
    /// A /32.
    V4(u32),
    /// A /64.
    V6(u64),
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6(network(address)),
        }
    }
}

fn network(address: Ipv6Addr) -> u64 {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d].into_iter().fold(0, |bits, segment| bits << 16 | u64::from(segment))
}

/// Where a request comes from. What a client writes into `X-Forwarded-For` itself counts for nothing: the header is read
/// from its end, as far as trusted proxies wrote it (THREATS HT-10). None for this machine itself, unless it is such a
/// proxy: behind a proxy that nobody named, everybody would share one bucket.
pub(super) fn of(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Cidr]) -> Option<Source> {
    let peer = peer?.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
    if !is_trusted(peer) {
        return (!peer.is_loopback()).then(|| peer.into());
    }
    let written: Vec<&str> =
        headers.get_all("x-forwarded-for").flat_map(|value| value.to_str().unwrap_or_default().split(',')).collect();
    let mut nearest = peer;
    for one in written.into_iter().rev() {
        // What is no address was not written by a proxy that does its work: the one before it stands.
        let Some(address) = address(one.trim()) else { break };
        nearest = address;
        if !is_trusted(address) {
            break;
        }
    }
    Some(nearest.into())
}

/// An address with or without a port, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    address.or_else(with_port).map(|address| address.to_canonical())
}
