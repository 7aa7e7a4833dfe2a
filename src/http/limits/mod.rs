//! How often the same address, client, wallet, person or code may come (the `governor` crate: a bucket for each that fills
//! again evenly).
//!
//! Addresses are counted before anything of a request is looked at, at everything that makes the service work for a
//! stranger; documents that are kept ready for everybody are not. The others are counted by the services of issuance once
//! they are proved, so that nobody uses up what is another's.

mod source;

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use actix_web::http::header::HeaderMap;
use governor::{
    Quota, RateLimiter, clock::Clock as GovernorClock, middleware::NoOpMiddleware, state::keyed::HashMapStateStore,
};

use crate::{
    base::clock::Clock,
    http::metrics::Metrics,
    issuance::limits::{Counted, Limits, TooOften},
    model::ids::PersonId,
    outbound::Cidr,
};

pub(super) use source::Source;

/// How many of each may come in a minute, all at once or spread; 0 counts none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quotas {
    /// Requests of one address.
    pub address: u32,
    /// Tries of one address to sign in.
    pub sign_in: u32,
    /// Requests of one client, all its installations together.
    pub client: u32,
    /// Requests of one installation of a wallet.
    pub wallet: u32,
    /// Requests for cards of one person.
    pub person: u32,
    /// Tries of one code.
    pub code: u32,
    /// The addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
}

/// The buckets of one service.
pub struct RateLimits {
    address: Buckets<Source>,
    sign_in: Buckets<Source>,
    client: Buckets<String>,
    wallet: Buckets<String>,
    person: Buckets<PersonId>,
    code: Buckets<[u8; 32]>,
    trusted_proxies: Vec<Cidr>,
    metrics: Arc<Metrics>,
}

impl RateLimits {
    /// Empty buckets of these sizes.
    pub fn new(quotas: &Quotas, clock: &Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self {
            address: Buckets::new(quotas.address, clock),
            sign_in: Buckets::new(quotas.sign_in, clock),
            client: Buckets::new(quotas.client, clock),
            wallet: Buckets::new(quotas.wallet, clock),
            person: Buckets::new(quotas.person, clock),
            code: Buckets::new(quotas.code, clock),
            trusted_proxies: quotas.trusted_proxies.clone(),
            metrics,
        }
    }

    /// Counts a request by where it comes from.
    pub(super) fn request(&self, peer: Option<IpAddr>, headers: &HeaderMap, method: &str, path: &str) -> Result<(), TooOften> {
        let Some(work) = Work::of(method, path) else { return Ok(()) };
        let Some(source) = source::of(peer, headers, &self.trusted_proxies) else { return Ok(()) };
        let signs_in = if work == Work::SignIn { self.told("sign-in", self.sign_in.count(&source)) } else { Ok(()) };
        signs_in.and_then(|()| self.told("address", self.address.count(&source)))
    }

    /// The network that a request comes from, in words that are the same for the same one; none for this machine itself.
    pub(super) fn network(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<String> {
        source::of(peer, headers, &self.trusted_proxies).map(|source| format!("{source:?}"))
    }

    /// Forgets those whose buckets are full again.
    pub fn upkeep(&self) {
        self.address.upkeep();
        self.sign_in.upkeep();
        self.client.upkeep();
        self.wallet.upkeep();
        self.person.upkeep();
        self.code.upkeep();
    }

    fn told(&self, by: &'static str, counted: Result<(), TooOften>) -> Result<(), TooOften> {
        counted.inspect_err(|_| self.metrics.limited(by))
    }
}

impl Limits for RateLimits {
    fn count(&self, what: Counted<'_>) -> Result<(), TooOften> {
        match what {
            Counted::Client(id) => self.told("client", self.client.count(&id.to_owned())),
            Counted::Wallet(instance) => self.told("wallet", self.wallet.count(&instance.as_str().to_owned())),
            Counted::Person(id) => self.told("person", self.person.count(&id)),
            Counted::Code(hash) => self.told("code", self.code.count(hash)),
        }
    }
}

/// What a request makes the service do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Work {
    /// Compare a secret that people remember or write down.
    SignIn,
    /// Anything else that is not kept ready.
    Other,
}

/// What is served without counting: documents that are kept ready, and what only callers with a token of ours are served.
/// Anything else is counted, so a new route is counted until it is put here.
const NOT_COUNTED: [&str; 13] = [
    "/.well-known/",
    "/admin/",
    "/assets/",
    "/checkpoint",
    "/credential-types",
    "/docs",
    "/health/",
    "/log/",
    "/metrics",
    "/openapi.json",
    "/status-lists",
    "/trust-list",
    "/wallet-vendors",
];

impl Work {
    fn of(method: &str, path: &str) -> Option<Self> {
        if path == "/" || NOT_COUNTED.iter().any(|part| path.starts_with(part)) {
            return None;
        }
        Some(if method == "POST" && path.starts_with("/sign-in") { Self::SignIn } else { Self::Other })
    }
}

/// A bucket for each key.
struct Buckets<K: Clone + Eq + Hash> {
    clock: Monotonic,
    limiter: Option<Limiter<K>>,
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Monotonic, NoOpMiddleware<Duration>>;

impl<K: Clone + Eq + Hash> Buckets<K> {
    fn new(per_minute: u32, clock: &Arc<dyn Clock>) -> Self {
        let clock = Monotonic(Arc::clone(clock));
        let limiter = NonZeroU32::new(per_minute)
            .map(|per_minute| RateLimiter::hashmap_with_clock(Quota::per_minute(per_minute), clock.clone()));
        Self { clock, limiter }
    }

    fn count(&self, key: &K) -> Result<(), TooOften> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            // Never early: a part of a second is waited for as a whole one.
            TooOften { seconds: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1) }
        })
    }

    fn upkeep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// The service's clock as governor reads it.
#[derive(Clone)]
struct Monotonic(Arc<dyn Clock>);

impl GovernorClock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

#[cfg(test)]
mod tests;
