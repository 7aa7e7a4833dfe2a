//! The clock as a value that is passed in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::base::time::Timestamp;

/// Tells the time. The only source of time in the crate: `clippy.toml` forbids the standard library's clocks elsewhere.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment in the life of the process; never goes back. For durations and deadlines.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the machine.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[expect(clippy::disallowed_methods, reason = "the one door to the machine's clocks")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one door to the machine's clocks")]
    fn now(&self) -> Timestamp {
        let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        };
        Timestamp::from_unix(seconds)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock set by hand, for tests, replays and `verify --at`. Clones share one time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    wall: Arc<AtomicI64>,
    elapsed_seconds: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that stands at `now` until it is moved.
    pub fn at(now: Timestamp) -> Self {
        Self { wall: Arc::new(AtomicI64::new(now.unix())), elapsed_seconds: Arc::new(AtomicU64::new(0)) }
    }

    /// Lets `seconds` pass on the wall clock and the monotonic clock alike.
    pub fn advance(&self, seconds: u64) {
        self.wall.fetch_add(i64::try_from(seconds).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.elapsed_seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, forwards or back, as an operator's mistake or a bad time server would.
    pub fn set_wall(&self, to: Timestamp) {
        self.wall.store(to.unix(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.elapsed_seconds.load(Ordering::SeqCst))
    }
}
