//! Connections: how many there may be, in all and of one address; what becomes of those beyond; and that who takes nothing of
//! an answer is cut off.
//!
//! Files and connections come out of one number that the system sets (`ulimit -n`). A service that has used it up can neither
//! take a connection nor open a file, so connections end before that: a few beyond the limit are told to come again, the rest
//! is closed unheard, and what is open is served.

use std::{
    any::Any,
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Shutdown},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{dev::Extensions, rt::net::TcpStream};
use socket2::SockRef;

use crate::{
    http::{limits::Source, metrics::Metrics, problem::Kind},
    outbound::Cidr,
};

/// Connections beyond the limit that are kept open to be told to come again. Each takes one file for the time of one
/// request.
pub const TOLD: usize = 16;

/// How long a client may take nothing of what was sent to it. Longer than any pause of a phone that changes its network and
/// comes back with the same address.
pub const STALLED: Duration = Duration::from_secs(30);

/// How many connections there may be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectionLimits {
    /// In all.
    pub total: usize,
    /// Of one address (of IPv6: one /64); 0 sets no limit. This machine itself and trusted proxies are not limited: many
    /// come through them.
    pub each: usize,
    /// The addresses of proxies.
    pub trusted_proxies: Vec<Cidr>,
    /// How long a client may take nothing of an answer: [`STALLED`].
    pub stalled: Duration,
}

/// The connections of one service.
pub struct Connections {
    limits: ConnectionLimits,
    open: AtomicUsize,
    by_source: Mutex<HashMap<Source, usize>>,
    metrics: Arc<Metrics>,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Beyond {
    /// There are as many as there may be.
    Total,
    /// Its address has as many as one may have.
    Each,
}

impl Beyond {
    /// What it is told, once it asks for something.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Total => Kind::Busy,
            Self::Each => Kind::TooManyConnections,
        }
    }
}

impl Connections {
    /// None yet.
    pub fn new(limits: ConnectionLimits, metrics: Arc<Metrics>) -> Self {
        Self { limits, open: AtomicUsize::new(0), by_source: Mutex::default(), metrics }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// How many a worker has to be ready for: those that are served and those that are told.
    pub(super) fn most(&self) -> usize {
        self.limits.total.saturating_add(TOLD)
    }

    /// Takes a new connection: gives it a place, which goes with it, or closes it.
    pub(super) fn take(self: &Arc<Self>, connection: &dyn Any, with_it: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
        let peer = stream.peer_addr().ok().map(|peer| peer.ip());
        let place = self.place(peer);
        let socket = SockRef::from(stream);
        // The kernel ends a connection whose other side acknowledges nothing, or keeps its window shut, for so long.
        if let Err(error) = socket.set_tcp_user_timeout(Some(self.limits.stalled)) {
            tracing::warn!(%error, "a connection has no limit on how long it may stall");
        }
        if self.open() > self.most() {
            // It has gone already, or goes now.
            let _ = socket.shutdown(Shutdown::Both);
        }
        with_it.insert(place);
    }

    fn place(self: &Arc<Self>, peer: Option<IpAddr>) -> Place {
        let open = self.open.fetch_add(1, Ordering::AcqRel);
        let counted = peer.filter(|_| self.limits.each > 0).map(|peer| peer.to_canonical());
        let counted = counted.filter(|peer| !peer.is_loopback() && !self.is_proxy(*peer)).map(Source::from);
        let of_source = counted.map_or(0, |source| {
            let mut by_source = self.by_source.lock().unwrap_or_else(PoisonError::into_inner);
            let of_source = by_source.entry(source).or_default();
            *of_source += 1;
            *of_source
        });
        let beyond = match () {
            () if of_source > self.limits.each => Some(Beyond::Each),
            () if open >= self.limits.total => Some(Beyond::Total),
            () => None,
        };
        match beyond {
            Some(Beyond::Each) => self.metrics.shed("address_connections"),
            Some(Beyond::Total) => self.metrics.shed("connections"),
            None => {}
        }
        Place { connections: Arc::clone(self), source: counted, beyond }
    }

    fn is_proxy(&self, peer: IpAddr) -> bool {
        self.limits.trusted_proxies.iter().any(|block| block.contains(peer))
    }
}

/// A connection's place among the others; given back when the connection is gone.
pub(super) struct Place {
    connections: Arc<Connections>,
    source: Option<Source>,
    /// Why it is not served, if it is not.
    pub(super) beyond: Option<Beyond>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open.fetch_sub(1, Ordering::AcqRel);
        let Some(source) = self.source else { return };
        let mut by_source = self.connections.by_source.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut of_source) = by_source.entry(source) {
            *of_source.get_mut() -= 1;
            // Who has left is forgotten: a stream of addresses leaves nothing behind.
            if *of_source.get() == 0 {
                of_source.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, each: usize) -> Arc<Connections> {
        let trusted_proxies = vec!["10.0.0.0/8".parse().expect("a block")];
        let limits = ConnectionLimits { total, each, trusted_proxies, stalled: STALLED };
        Arc::new(Connections::new(limits, Arc::new(Metrics::default())))
    }

    fn come(connections: &Arc<Connections>, from: &str) -> Place {
        connections.place(Some(from.parse().expect("an address")))
    }

    #[test]
    fn one_address_has_its_share_and_gets_it_back() {
        let all = connections(100, 2);
        let (one, two) = (come(&all, "192.0.2.1"), come(&all, "192.0.2.1"));
        assert_eq!((one.beyond, two.beyond), (None, None));
        let third = come(&all, "::ffff:192.0.2.1");
        assert_eq!(third.beyond, Some(Beyond::Each), "the same address as IPv6 writes it");
        assert_eq!(come(&all, "192.0.2.2").beyond, None, "another one is not touched");
        drop((one, third));
        assert_eq!(come(&all, "192.0.2.1").beyond, None);
        drop(two);
        assert!(all.by_source.lock().expect("not poisoned").is_empty(), "nothing is kept of who left");
        assert_eq!(all.open(), 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_proxies_and_this_machine_are_many() {
        let all = connections(100, 1);
        let _first = come(&all, "2001:db8::1");
        assert_eq!(come(&all, "2001:db8::ffff:2").beyond, Some(Beyond::Each));
        assert_eq!(come(&all, "2001:db8:0:1::1").beyond, None);
        for many in ["127.0.0.1", "::1", "10.0.0.7"] {
            let places: Vec<_> = (0..5).map(|_| come(&all, many)).collect();
            assert!(places.iter().all(|place| place.beyond.is_none()), "{many}");
        }
    }

    #[test]
    fn beyond_the_total_nobody_is_served_until_somebody_leaves() {
        let all = connections(2, 0);
        let open: Vec<_> = (0..2).map(|_| come(&all, "192.0.2.1")).collect();
        assert_eq!(come(&all, "192.0.2.9").beyond, Some(Beyond::Total));
        drop(open);
        assert_eq!(come(&all, "192.0.2.9").beyond, None);
        assert!(all.metrics.counted().contains("yufu_shed_total{by=\"connections\"} 1"));
    }
}
