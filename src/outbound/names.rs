//! Names to addresses, once a connection, and only to addresses that the rules allow.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use ureq::{
    Error, Timeout,
    config::Config,
    http::{Uri, uri::Scheme},
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::{
    base::limits::FOREIGN_LOOKUPS,
    outbound::{
        addresses::{AddressRules, Refusal},
        foreign::ForeignError,
    },
};

/// Most addresses of a name that are looked at; the client has room for no more.
const ADDRESSES: usize = 16;

/// Looks names up.
pub trait Names: Send + Sync {
    /// The addresses of a host, which may be an address itself, with this port.
    fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The names of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host.trim_start_matches('[').trim_end_matches(']'), port).to_socket_addrs()?.collect())
    }
}

/// Gives the client the addresses of a host after each passed the rules; the client connects to these and asks nobody
/// again, so a name that changes its address between check and use (DNS rebinding) gains nothing.
pub(super) struct Checked {
    names: Arc<dyn Names>,
    rules: AddressRules,
    under_way: Arc<AtomicUsize>,
}

impl Checked {
    pub(super) fn new(names: Arc<dyn Names>, rules: AddressRules) -> Self {
        Self { names, rules, under_way: Arc::default() }
    }

    /// Looks a name up in a thread of its own: the system's resolver cannot be stopped, only left behind.
    fn look_up(&self, host: &str, port: u16, within: Option<Duration>) -> Result<Vec<SocketAddr>, Error> {
        let place = Place::take(&self.under_way).ok_or_else(|| other(ForeignError::Busy))?;
        let (names, host) = (Arc::clone(&self.names), host.to_owned());
        let (done, found) = mpsc::sync_channel(1);
        let looking = move || {
            // Nobody takes the answer when the fetch gave up meanwhile.
            let _ = done.send(names.addresses(&host, port));
            drop(place);
        };
        thread::Builder::new().name("names".to_owned()).spawn(looking).map_err(|_| other(ForeignError::Busy))?;
        let answer = match within {
            Some(within) => found.recv_timeout(within),
            None => found.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match answer {
            Ok(answer) => answer.map_err(|_| Error::HostNotFound),
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(Timeout::Resolve)),
            Err(RecvTimeoutError::Disconnected) => Err(Error::HostNotFound),
        }
    }
}

impl Resolver for Checked {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| refused(Refusal::NotAUrl))?;
        let is_plain = uri.scheme() != Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let within = timeout.not_zero().map(|within| *within);
        let found = self.look_up(host, port, within)?;
        if found.is_empty() {
            return Err(Error::HostNotFound);
        }
        for address in &found {
            self.rules.check(is_plain, *address).map_err(refused)?;
        }
        let mut addresses = self.empty();
        found.into_iter().take(ADDRESSES).for_each(|address| addresses.push(address));
        Ok(addresses)
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked").field("rules", &self.rules).finish_non_exhaustive()
    }
}

fn refused(refusal: Refusal) -> Error {
    other(ForeignError::NotAllowed(refusal))
}

fn other(error: ForeignError) -> Error {
    Error::Other(Box::new(error))
}

/// One of the lookups that may run at once; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(under_way: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(under_way));
        (under_way.fetch_add(1, Ordering::AcqRel) < FOREIGN_LOOKUPS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
