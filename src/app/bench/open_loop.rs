//! Operations at the times that were planned, over a number of connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    app::bench::{
        BenchError,
        tally::{Ended, Tally},
    },
    base::clock::Clock,
};

/// How long after the last operation was due those that still wait are begun.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time, and waiting for it.
pub trait Pace: Sync {
    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// Returns when `now` is `at` or later.
    fn until(&self, at: Duration);
}

/// The time of the machine.
pub struct SystemPace(pub Arc<dyn Clock>);

impl Pace for SystemPace {
    fn now(&self) -> Duration {
        self.0.monotonic()
    }

    fn until(&self, at: Duration) {
        let left = at.saturating_sub(self.now());
        if !left.is_zero() {
            thread::sleep(left);
        }
    }
}

/// One connection's hand: does an operation after the other.
pub trait Hand: Send {
    /// Does the operation of this number, whole: its kind, and how it ended.
    fn act(&mut self, number: usize) -> (&'static str, Ended);
}

/// Does as many operations as `due` has times, each when it is due or as soon after it as a hand is free, and waits for
/// all of them. Those that no hand was free for until some seconds after the last was due are never begun, but count.
pub fn run<'w>(hands: Vec<Box<dyn Hand + 'w>>, due: &[Duration], pace: &dyn Pace) -> Result<Tally, BenchError> {
    let (next, start) = (AtomicUsize::new(0), pace.now());
    let over = start + due.last().copied().unwrap_or_default() + PATIENCE;
    thread::scope(|scope| {
        let work = |hand| || one_hand(hand, &next, due, pace, start, over);
        let threads: Vec<_> = hands.into_iter().map(|hand| scope.spawn(work(hand))).collect();
        let mut all = Tally::default();
        for thread in threads {
            all.join(thread.join().map_err(|_| BenchError::Generator)?);
        }
        Ok(all)
    })
}

fn one_hand<'w>(
    mut hand: Box<dyn Hand + 'w>,
    next: &AtomicUsize,
    due: &[Duration],
    pace: &dyn Pace,
    start: Duration,
    over: Duration,
) -> Tally {
    let mut tally = Tally::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(due) = due.get(number).map(|after| start + *after) else { return tally };
        let free = pace.now();
        if free > over {
            tally.give_up(free.saturating_sub(due));
            continue;
        }
        pace.until(due);
        let begun = pace.now();
        if free <= due {
            tally.lateness.note(begun.saturating_sub(due));
        }
        let (kind, ended) = hand.act(number);
        let done = pace.now();
        tally.note(kind, ended, done.saturating_sub(due), done.saturating_sub(begun));
        tally.elapsed = done.saturating_sub(start);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::app::bench::arrivals::Pattern;

    /// A time that passes only by waiting and by working.
    #[derive(Default)]
    struct Played(Mutex<Duration>);

    impl Pace for Played {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn until(&self, at: Duration) {
            let mut now = self.0.lock().unwrap();
            *now = at.max(*now);
        }
    }

    /// A service that takes one millisecond, and stands still for a while once.
    struct Service<'a> {
        pace: &'a Played,
        stalls_at: usize,
        stall: Duration,
    }

    impl Hand for Service<'_> {
        fn act(&mut self, number: usize) -> (&'static str, Ended) {
            let takes = if number == self.stalls_at { self.stall } else { Duration::from_millis(1) };
            *self.pace.0.lock().unwrap() += takes;
            ("verify", Ended::Good)
        }
    }

    fn played(rate: f64, seconds: u64, stalls_at: usize, stall: Duration) -> Tally {
        let pace = Played::default();
        pace.until(Duration::from_secs(100));
        let due = Pattern::Even.plan(rate, Duration::from_secs(seconds), 1);
        run(vec![Box::new(Service { pace: &pace, stalls_at, stall })], &due, &pace).unwrap()
    }

    #[test]
    fn a_service_that_keeps_up_is_measured_as_it_is() {
        let tally = played(100.0, 10, usize::MAX, Duration::ZERO);
        assert_eq!((tally.good_count(), tally.bad_count()), (1000, 0));
        assert_eq!(tally.latency.longest(), 1.0);
        assert_eq!(tally.elapsed, Duration::from_millis(9_991));
    }

    #[test]
    fn a_service_that_stands_still_shows_in_the_percentiles_of_those_who_came_meanwhile() {
        let tally = played(100.0, 10, 500, Duration::from_secs(2));
        // Whoever waits for the last answer before sending the next request sees one slow answer of 1,000.
        assert!(tally.service.quantile(0.99) < 1.1);
        // 200 were due within the two seconds, and the queue takes another two tenths of a second to clear.
        assert!(tally.latency.quantile(0.99) > 1_800.0, "{}", tally.latency.quantile(0.99));
        assert!((1_000.0..1_300.0).contains(&tally.latency.quantile(0.89)), "{}", tally.latency.quantile(0.89));
        assert!(tally.latency.quantile(0.5) < 1.1);
    }

    #[test]
    fn what_no_hand_is_free_for_in_the_end_is_given_up_and_counted() {
        // A thousandth of a second for each of 2,000 a second: after five seconds of patience, 3,000 of 20,000 are left.
        let tally = played(2_000.0, 10, usize::MAX, Duration::ZERO);
        assert_eq!(tally.good_count() + tally.bad_count(), 20_000);
        assert_eq!(tally.bad_count(), tally.never_begun);
        assert!((4_990..5_010).contains(&tally.never_begun), "{}", tally.never_begun);
        assert_eq!(tally.latency.count(), 20_000);
        assert!(tally.latency.longest() > 7_000.0);
    }
}
