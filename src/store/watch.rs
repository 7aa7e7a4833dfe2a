//! A watch of the last event: publication, sealing and feeds sleep on it until something was committed.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Longest time until a loop notices that it should stop: short for a person who waits for the shutdown, and ten wake-ups
/// a second cost nothing.
const STOP_NOTICED: Duration = Duration::from_millis(100);

/// How often [`Watch::follow`] acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// Time after a call in which events are gathered for the next one.
    pub busy: Duration,
    /// Time after a call until the next one when no event comes.
    pub idle: Duration,
}

/// The number of the last event on disk, and a bell that rings when it grows.
#[derive(Default)]
pub struct Watch {
    last: Mutex<u64>,
    bell: Condvar,
}

impl Watch {
    /// The number of the last event.
    pub fn last(&self) -> u64 {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// States that events up to `number` are on disk and shown by board and roster.
    pub fn announce(&self, number: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if number > *last {
            *last = number;
            self.bell.notify_all();
        }
    }

    /// Sleeps until an event after `seen` is there, at most `patience`; gives the last event's number.
    pub fn wait_beyond(&self, seen: u64, patience: Duration) -> u64 {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, _) =
            self.bell.wait_timeout_while(last, patience, |last| *last <= seen).unwrap_or_else(PoisonError::into_inner);
        *last
    }

    /// Calls `act` with the number of the last event until `stop` is set: at once, then whenever there are later events,
    /// at the given pace. Time is only what was waited here, so that a clock set by hand does not stand in the way.
    pub fn follow(&self, pace: Pace, stop: &AtomicBool, mut act: impl FnMut(u64)) {
        self.follow_at(stop, |shown| {
            act(shown);
            pace
        });
    }

    /// The same at a pace that each call gives until the next one.
    pub fn follow_at(&self, stop: &AtomicBool, mut act: impl FnMut(u64) -> Pace) {
        while !stop.load(Ordering::Acquire) {
            let shown = self.last();
            let pace = act(shown);
            // While the pace holds events back, nothing but time ends the wait.
            self.wait_in_slices(u64::MAX, pace.busy, stop);
            self.wait_in_slices(shown, pace.idle.saturating_sub(pace.busy), stop);
        }
    }

    fn wait_in_slices(&self, seen: u64, patience: Duration, stop: &AtomicBool) {
        let mut left = patience;
        while !left.is_zero() && !stop.load(Ordering::Acquire) {
            let slice = left.min(STOP_NOTICED);
            if self.wait_beyond(seen, slice) > seen {
                return;
            }
            left -= slice;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::base::clock::{Clock, SystemClock};

    #[test]
    fn a_follower_acts_at_once_and_after_events_and_stops() {
        let (watch, stop) = (Watch::default(), AtomicBool::new(false));
        let pace = Pace { busy: Duration::from_millis(1), idle: Duration::from_secs(3600) };
        let (acted, acts) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| watch.follow(pace, &stop, |shown| acted.send(shown).expect("heard")));
            let next = || acts.recv_timeout(Duration::from_secs(20)).expect("the follower acts");
            assert_eq!(next(), 0);
            watch.announce(3);
            assert_eq!(next(), 3);
            watch.announce(2);
            watch.announce(4);
            assert_eq!(next(), 4);
            stop.store(true, Ordering::Release);
        });
        assert!(acts.try_recv().is_err(), "nothing was announced since");
    }

    #[test]
    fn events_are_held_back_until_the_pace_allows_and_then_taken_together() {
        let (watch, stop) = (Watch::default(), AtomicBool::new(false));
        let pace = Pace { busy: Duration::from_millis(200), idle: Duration::from_secs(3600) };
        let (clock, mut seen) = (SystemClock::new(), Vec::new());
        watch.follow(pace, &stop, |shown| {
            seen.push((shown, clock.monotonic()));
            if seen.len() == 1 {
                (1..=50).for_each(|number| watch.announce(number));
            } else {
                stop.store(true, Ordering::Release);
            }
        });
        assert_eq!(seen.iter().map(|(shown, _)| *shown).collect::<Vec<_>>(), [0, 50]);
        assert!(seen[1].1 - seen[0].1 >= pace.busy);
    }
}
