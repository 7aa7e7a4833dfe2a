//! The clock as a value that is passed in.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
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

/// The wall clock is stepped by more than this many seconds: no time server that keeps a clock does that, they slew it.
pub const JUMP_SECONDS: i64 = 5;

/// How long after a jump the new time is taken for the right one.
const SETTLES_AFTER: Duration = Duration::from_secs(3600);

/// Watches the wall clock by the monotonic one: an operator's mistake, a bad time server, or a machine that slept shows as
/// time that one of them does not know of.
#[derive(Debug)]
pub struct ClockWatch {
    watched: Mutex<Watched>,
    jumps: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    /// Both clocks at one moment.
    wall: Timestamp,
    monotonic: Duration,
    /// How far the wall clock stands from where it should, and since when.
    off: i64,
    since: Duration,
}

impl ClockWatch {
    /// Watches `clock` from now on.
    pub fn new(clock: &dyn Clock) -> Self {
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        Self { watched: Mutex::new(Watched { wall, monotonic, off: 0, since: monotonic }), jumps: AtomicU64::new(0) }
    }

    /// Looks at both clocks; gives by how many seconds the wall clock was stepped since the last look, when it was by more
    /// than [`JUMP_SECONDS`]. To be called every second or so.
    pub fn look(&self, clock: &dyn Clock) -> Option<i64> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        let passed = i64::try_from(monotonic.saturating_sub(watched.monotonic).as_secs()).unwrap_or(i64::MAX);
        let off = wall.seconds_since(watched.wall.plus_seconds(passed));
        let jump = off.saturating_sub(watched.off);
        let jumped = jump.abs() > JUMP_SECONDS;
        let is_well = off.abs() <= JUMP_SECONDS;
        let settled = !jumped && monotonic.saturating_sub(watched.since) >= SETTLES_AFTER;
        *watched = match (is_well, jumped) {
            // What is slewed adds up over days, so the two are compared from one look to the next.
            (true, _) => Watched { wall, monotonic, off: 0, since: monotonic },
            (false, _) if settled => Watched { wall, monotonic, off: 0, since: monotonic },
            (false, true) => Watched { off, since: monotonic, ..*watched },
            (false, false) => *watched,
        };
        if !jumped {
            return None;
        }
        self.jumps.fetch_add(1, Ordering::AcqRel);
        Some(jump)
    }

    /// How many seconds the wall clock stands off from where it should after a jump within the last hour; 0 when it is well.
    pub fn off(&self) -> i64 {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).off
    }

    /// How often it was stepped.
    pub fn jumps(&self) -> u64 {
        self.jumps.load(Ordering::Acquire)
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

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix(1_795_500_000);
    const HOUR: i64 = 3600;
    const YEAR: i64 = 365 * 24 * HOUR;

    #[test]
    fn a_step_is_told_once_and_stands_until_it_is_taken_back_or_an_hour_is_over() {
        for step in [HOUR, -HOUR, YEAR, -YEAR, -10, 6] {
            let clock = ManualClock::at(START);
            let watch = ClockWatch::new(&clock);
            clock.advance(30);
            assert_eq!(watch.look(&clock), None);
            clock.set_wall(clock.now().plus_seconds(step));
            clock.advance(1);
            assert_eq!((watch.look(&clock), watch.off(), watch.jumps()), (Some(step), step, 1));
            clock.advance(60);
            assert_eq!((watch.look(&clock), watch.off(), watch.jumps()), (None, step, 1), "it is told once");
            clock.set_wall(clock.now().plus_seconds(-step));
            assert_eq!((watch.look(&clock), watch.off(), watch.jumps()), (Some(-step), 0, 2), "set right again");
            clock.set_wall(clock.now().plus_seconds(step));
            assert_eq!(watch.look(&clock), Some(step));
            clock.advance(3599);
            assert_eq!((watch.look(&clock), watch.off()), (None, step));
            clock.advance(1);
            assert_eq!((watch.look(&clock), watch.off()), (None, 0), "after an hour it is the time");
        }
    }

    #[test]
    fn a_leap_second_and_a_clock_that_is_slewed_are_no_step() {
        let clock = ManualClock::at(START);
        let watch = ClockWatch::new(&clock);
        // A second in every look: far faster than any time server slews, and 1,000 s in the end.
        for _ in 0..1000 {
            clock.set_wall(clock.now().plus_seconds(-1));
            clock.advance(60);
            assert_eq!((watch.look(&clock), watch.off()), (None, 0));
        }
    }
}
