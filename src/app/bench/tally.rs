//! What came of the operations of one stage: how long they took and how they ended.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

/// Longest time that is told apart from longer ones: an hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// Digits of a time that are kept.
const DIGITS: u8 = 3;

/// How an operation ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ended {
    /// As it should.
    Good,
    /// The service answered that it does not do it: status and code.
    Refused(String),
    /// No answer, or not the right one.
    Failed(String),
}

/// Times of operations, in microseconds.
#[derive(Clone, Debug)]
pub struct Times(Option<Histogram<u64>>);

impl Default for Times {
    fn default() -> Self {
        // The bounds are ones that a histogram takes; were they not, all times would read zero and a test would tell.
        Self(Histogram::new_with_bounds(1, LONGEST, DIGITS).ok())
    }
}

impl Times {
    /// Adds one.
    pub fn note(&mut self, time: Duration) {
        if let Some(times) = &mut self.0 {
            times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(LONGEST));
        }
    }

    /// Adds all of `other`.
    pub fn join(&mut self, other: &Self) {
        if let (Some(own), Some(other)) = (&mut self.0, &other.0) {
            // Both have the same bounds, so nothing is left out.
            let _ = own.add(other);
        }
    }

    /// The time that a share of `quantile` does not exceed, in milliseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.0.as_ref().map_or(0.0, |times| times.value_at_quantile(quantile) as f64 / 1e3)
    }

    /// The mean, in milliseconds.
    pub fn mean(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |times| times.mean() / 1e3)
    }

    /// The longest, in milliseconds.
    pub fn longest(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |times| times.max() as f64 / 1e3)
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }
}

/// What came of all of them.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// From when an operation was due to its end, however it ended.
    pub latency: Times,
    /// From when it was begun to its end.
    pub service: Times,
    /// How late the generator itself was where a connection was free.
    pub lateness: Times,
    /// Operations that ended as they should, by kind.
    pub good: BTreeMap<&'static str, u64>,
    /// Those the service refused, by status and code.
    pub refused: BTreeMap<String, u64>,
    /// Those without the right answer, by what came instead.
    pub failed: BTreeMap<String, u64>,
    /// Those that were due and never begun, because no connection was free until the end.
    pub never_begun: u64,
    /// From the beginning to the end of the last one.
    pub elapsed: Duration,
}

impl Tally {
    /// Counts an operation of `kind`.
    pub fn note(&mut self, kind: &'static str, ended: Ended, latency: Duration, service: Duration) {
        self.latency.note(latency);
        self.service.note(service);
        let count = match ended {
            Ended::Good => self.good.entry(kind).or_default(),
            Ended::Refused(why) => self.refused.entry(why).or_default(),
            Ended::Failed(why) => self.failed.entry(why).or_default(),
        };
        *count += 1;
    }

    /// Counts one that was never begun: it has waited so long already.
    pub fn give_up(&mut self, waited: Duration) {
        self.latency.note(waited);
        self.never_begun += 1;
    }

    /// Adds all of `other`.
    pub fn join(&mut self, other: Self) {
        self.latency.join(&other.latency);
        self.service.join(&other.service);
        self.lateness.join(&other.lateness);
        other.good.into_iter().for_each(|(kind, count)| *self.good.entry(kind).or_default() += count);
        other.refused.into_iter().for_each(|(why, count)| *self.refused.entry(why).or_default() += count);
        other.failed.into_iter().for_each(|(why, count)| *self.failed.entry(why).or_default() += count);
        self.never_begun += other.never_begun;
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// How many ended as they should.
    pub fn good_count(&self) -> u64 {
        self.good.values().sum()
    }

    /// How many did not, those never begun with them.
    pub fn bad_count(&self) -> u64 {
        self.refused.values().sum::<u64>() + self.failed.values().sum::<u64>() + self.never_begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(millis: std::ops::RangeInclusive<u64>, ended: &Ended) -> Tally {
        let mut tally = Tally::default();
        let one = Duration::from_millis(1);
        millis.for_each(|millis| tally.note("verify", ended.clone(), Duration::from_millis(millis), one));
        tally
    }

    #[test]
    fn percentiles_are_those_of_all_that_were_joined() {
        let mut all = tally(1..=50, &Ended::Good);
        all.join(tally(51..=100, &Ended::Refused("503 busy".to_owned())));
        all.join(Tally { elapsed: Duration::from_secs(3), ..Tally::default() });
        let near = |got: f64, expected: f64| assert!((got / expected - 1.0).abs() < 0.001, "{got} and not {expected}");
        near(all.latency.quantile(0.5), 50.0);
        near(all.latency.quantile(0.99), 99.0);
        near(all.latency.longest(), 100.0);
        near(all.latency.mean(), 50.5);
        near(all.service.quantile(0.999), 1.0);
        assert_eq!((all.good_count(), all.bad_count(), all.latency.count()), (50, 50, 100));
        assert_eq!(all.refused["503 busy"], 50);
        assert_eq!(all.elapsed, Duration::from_secs(3));
    }

    #[test]
    fn what_was_never_begun_counts_with_the_time_it_waited() {
        let mut all = tally(1..=9, &Ended::Good);
        all.give_up(Duration::from_secs(7));
        assert_eq!((all.good_count(), all.bad_count(), all.never_begun), (9, 1, 1));
        assert!((6990.0..7010.0).contains(&all.latency.longest()));
        assert_eq!(all.service.count(), 9);
    }
}
