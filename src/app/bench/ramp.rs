//! Stages: one rate, or rising ones until the service misses one.

use std::{fmt, str::FromStr, time::Duration};

use crate::app::bench::{
    BenchError, Load,
    deployment::Deployment,
    open_loop::{self, Pace},
    operations::{self, Scenario},
    report::{Machine, Report, StageReport},
};

/// How much each rate of a ramp is above the one before: a quarter, so that the limit is known to within it.
const STEP: f64 = 1.25;

/// Highest rate that can be asked for: far above what one machine's generator reaches.
const HIGHEST: f64 = 1e6;

/// Share of the operations that were due that a rate which is held completes in time.
pub const HELD: f64 = 0.95;

/// Largest share of operations without a good end at a rate that is held.
pub const BAD: f64 = 0.01;

/// Operations a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rates {
    /// This many.
    One(f64),
    /// From so many rising to so many, until the service misses a rate.
    Ramp(f64, f64),
}

impl Rates {
    /// Each rate, in order.
    pub fn all(self) -> Vec<f64> {
        match self {
            Self::One(rate) => vec![rate],
            Self::Ramp(from, to) => {
                let rising = std::iter::successors(Some(from), |rate| Some(rate * STEP));
                let mut all: Vec<f64> = rising.take_while(|rate| *rate < to).map(f64::round).collect();
                all.push(to);
                all
            }
        }
    }
}

/// A text that is no rate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("operations a second are expected, such as 200, or for a ramp two of them, such as 100..2000")]
pub struct NotARate;

impl FromStr for Rates {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let rate = |text: &str| text.trim().parse().ok().filter(|rate| (0.1..=HIGHEST).contains(rate)).ok_or(NotARate);
        match text.split_once("..") {
            None => Ok(Self::One(rate(text)?)),
            Some((from, to)) => match (rate(from)?, rate(to)?) {
                (from, to) if from < to => Ok(Self::Ramp(from, to)),
                _ => Err(NotARate),
            },
        }
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(rate) => write!(f, "{rate}"),
            Self::Ramp(from, to) => write!(f, "{from}..{to}"),
        }
    }
}

/// A rate and when each of its operations is due.
struct Stage {
    rate: f64,
    due: Vec<Duration>,
}

fn stages(load: &Load) -> Vec<Stage> {
    let rates = load.rates.all().into_iter().zip(load.seed..);
    rates.map(|(rate, seed)| Stage { rate, due: load.pattern.plan(rate, load.duration, seed) }).collect()
}

/// How many operations a load has when no rate is missed.
pub fn planned(load: &Load) -> usize {
    stages(load).iter().map(|stage| stage.due.len()).sum()
}

/// Measures; tells a line before and after each stage.
pub fn play(
    scenario: Scenario,
    deployment: &Deployment,
    load: &Load,
    pace: &dyn Pace,
    tell: &mut dyn FnMut(&str),
) -> Result<Report, BenchError> {
    let stages = stages(load);
    let count = stages.iter().map(|stage| stage.due.len()).sum();
    tell(&format!("准备 preparing: {count} × {}", scenario.name()));
    let work = operations::prepare(scenario, deployment, count)?;
    let mut report = Report::begun(scenario, deployment, load, Machine::here());
    for stage in stages {
        let hands = (0..load.connections).map(|_| work.hand()).collect();
        tell(&format!("▸ {:.0}/s, {} s", stage.rate, load.duration.as_secs_f64()));
        let tally = open_loop::run(hands, &stage.due, pace)?;
        let stage = StageReport::of(stage.rate, load.duration, stage.due.len(), &tally);
        tell(&format!("  {}", stage.words()));
        let missed = stage.missed;
        report.stages.push(stage);
        if missed {
            break;
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::bench::arrivals::Pattern;

    #[test]
    fn a_ramp_rises_by_quarters_and_ends_at_its_end() {
        assert_eq!("100..300".parse::<Rates>().unwrap().all(), [100.0, 125.0, 156.0, 195.0, 244.0, 300.0]);
        assert_eq!("2.5".parse::<Rates>().unwrap().all(), [2.5]);
        for wrong in ["", "0", "-1", "1..", "..1", "5..5", "9..3", "NaN", "inf", "1e9", "1...2"] {
            assert!(wrong.parse::<Rates>().is_err(), "{wrong}");
        }
        assert_eq!("100..300".parse::<Rates>().unwrap().to_string(), "100..300");
    }

    #[test]
    fn as_many_are_planned_as_the_stages_have() {
        let (rates, duration) = (Rates::Ramp(100.0, 125.0), Duration::from_secs(2));
        let load = Load { rates, duration, connections: 1, pattern: Pattern::Even, seed: 1 };
        assert_eq!(planned(&load), 200 + 250);
    }
}
