//! When requests are due: decided before the first one is sent, and the same for the same seed.

use std::time::Duration;

use crate::base::random::{Random, SeededRandom};

/// How requests come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Pattern {
    /// As people who know nothing of each other: exponential gaps (a Poisson process)
    Poisson,
    /// One after the same gap as the other
    Even,
}

impl Pattern {
    /// As it stands in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Even => "even",
        }
    }

    /// When each request is due, from the beginning on, in order: `rate` a second in the mean for `duration`.
    pub fn plan(self, rate: f64, duration: Duration, seed: u64) -> Vec<Duration> {
        // Neither a rate of nothing nor one of less than nothing ever comes.
        if !(rate.is_finite() && rate > 0.0) {
            return Vec::new();
        }
        let random: &dyn Random = &SeededRandom::new(seed);
        let (mut due, mut at) = (Vec::new(), 0.0);
        let end = duration.as_secs_f64();
        for number in 0_u32.. {
            match self {
                Self::Even => at = f64::from(number) / rate,
                Self::Poisson => at += -(1.0 - uniform(random)).ln() / rate,
            }
            if at >= end {
                break;
            }
            due.push(Duration::from_secs_f64(at));
        }
        due
    }
}

/// A number from 0 to below 1, of 53 random bits.
fn uniform(random: &dyn Random) -> f64 {
    (u64::from_be_bytes(random.array()) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_arrivals_keep_the_same_gap() {
        let due = Pattern::Even.plan(4.0, Duration::from_secs(1), 1);
        assert_eq!(due, [0, 250, 500, 750].map(Duration::from_millis));
    }

    #[test]
    fn arrivals_of_people_have_the_rate_in_the_mean_and_gaps_of_every_size() {
        let due = Pattern::Poisson.plan(1000.0, Duration::from_secs(20), 3);
        // 20,000 in the mean; the standard deviation of their number is its root, 141.
        assert!((19_300..20_700).contains(&due.len()), "{}", due.len());
        assert!(due.is_sorted() && due.last().is_some_and(|last| *last < Duration::from_secs(20)));
        let gaps: Vec<f64> = due.windows(2).map(|two| (two[1] - two[0]).as_secs_f64()).collect();
        // Of exponential gaps a share of 1/e is longer than the mean.
        let longer = gaps.iter().filter(|gap| **gap > 0.001).count() as f64 / gaps.len() as f64;
        assert!((0.35..0.39).contains(&longer), "{longer}");
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_no_rate_gives_none() {
        let plan = |seed| Pattern::Poisson.plan(100.0, Duration::from_secs(1), seed);
        assert_eq!(plan(5), plan(5));
        assert_ne!(plan(5), plan(6));
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Pattern::Poisson.plan(rate, Duration::from_secs(1), 1).is_empty());
        }
    }
}
