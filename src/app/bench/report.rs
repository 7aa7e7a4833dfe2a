//! What was measured, for people and for programs.

use std::{collections::BTreeMap, fs, time::Duration};

use serde::Serialize;

use crate::app::bench::{
    Load,
    deployment::Deployment,
    operations::Scenario,
    ramp::{BAD, HELD},
    tally::{Tally, Times},
};

/// The machine that the generator ran on, and the service too where it is of its own.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Machine {
    /// Processors that this process may use.
    pub cores: usize,
    /// Their name.
    pub processor: String,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// The operating system.
    pub system: String,
}

impl Machine {
    /// The machine that this runs on, as far as it says so.
    pub fn here() -> Self {
        let line_of = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let kilobytes = line_of("/proc/meminfo", "MemTotal");
        let kilobytes: u64 = kilobytes.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: line_of("/proc/cpuinfo", "model name"),
            memory_bytes: kilobytes.saturating_mul(1024),
            system: format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned(),
        }
    }
}

/// Time in which the last operations may end that were due at the end of a stage: a short stage is not missed for it.
const LAST_ANSWERS: Duration = Duration::from_millis(250);

/// Times, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct Latency {
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub p99_99: f64,
    pub max: f64,
}

impl From<&Times> for Latency {
    fn from(times: &Times) -> Self {
        Self {
            mean: times.mean(),
            p50: times.quantile(0.5),
            p90: times.quantile(0.9),
            p99: times.quantile(0.99),
            p99_9: times.quantile(0.999),
            p99_99: times.quantile(0.9999),
            max: times.longest(),
        }
    }
}

impl Latency {
    /// The percentiles with the share of operations that took longer.
    pub fn curve(&self) -> [(f64, f64); 5] {
        [(0.5, self.p50), (0.1, self.p90), (0.01, self.p99), (0.001, self.p99_9), (0.0001, self.p99_99)]
    }
}

/// What came of one rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageReport {
    /// Operations a second that were due in the mean.
    pub rate: f64,
    /// For how long they came.
    pub duration_seconds: f64,
    /// Operations that were due.
    pub offered: u64,
    /// Those that ended as they should, by kind.
    pub good: BTreeMap<&'static str, u64>,
    /// Those that the service refused, by status and code.
    pub refused: BTreeMap<String, u64>,
    /// Those that got no answer or another than the right one.
    pub failed: BTreeMap<String, u64>,
    /// Those for which no connection was free until some seconds after the last was due.
    pub never_begun: u64,
    /// Good ends a second, until the last one.
    pub achieved_rate: f64,
    /// From when an operation was due to its end.
    pub latency_ms: Latency,
    /// From when it was sent to its end: what a generator that waits for answers would have told.
    pub service_ms: Latency,
    /// How late the generator itself was.
    pub generator_late_ms: Latency,
    /// Whether the rate was missed: too few good ends in time.
    pub missed: bool,
}

impl StageReport {
    /// Sums up what came of `offered` operations.
    pub fn of(rate: f64, duration: Duration, offered: usize, tally: &Tally) -> Self {
        let offered = offered as u64;
        let took = tally.elapsed.saturating_sub(LAST_ANSWERS).max(duration).as_secs_f64();
        let achieved_rate = tally.good_count() as f64 / took;
        // Against what was really due: a Poisson process does not come at its mean.
        let due = offered as f64 / duration.as_secs_f64();
        let bad = tally.bad_count() as f64;
        Self {
            rate,
            duration_seconds: duration.as_secs_f64(),
            offered,
            good: tally.good.clone(),
            refused: tally.refused.clone(),
            failed: tally.failed.clone(),
            never_begun: tally.never_begun,
            achieved_rate,
            latency_ms: Latency::from(&tally.latency),
            service_ms: Latency::from(&tally.service),
            generator_late_ms: Latency::from(&tally.lateness),
            missed: achieved_rate < HELD * due || bad > BAD * offered as f64,
        }
    }

    fn refused_count(&self) -> u64 {
        self.refused.values().sum()
    }

    fn failed_count(&self) -> u64 {
        self.failed.values().sum::<u64>() + self.never_begun
    }

    /// One line for people.
    pub fn words(&self) -> String {
        let Latency { p50, p99, .. } = self.latency_ms;
        let mut text = format!("{:.0}/s  p50 {p50:.1} ms  p99 {p99:.1} ms", self.achieved_rate);
        if self.missed {
            text += "  未达到 missed";
        }
        text
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The version of yufu that measured.
    pub yufu: &'static str,
    /// What was done.
    pub scenario: &'static str,
    /// `own`: a service of its own in the same process; otherwise the address.
    pub target: String,
    /// How operations came: `poisson` or `even`.
    pub arrivals: &'static str,
    /// Connections.
    pub connections: usize,
    /// The seed of the plan.
    pub seed: u64,
    /// Whether it was built with optimisation: figures without it say nothing.
    pub optimised: bool,
    /// Where.
    pub machine: Machine,
    /// Rate by rate.
    pub stages: Vec<StageReport>,
}

impl Report {
    /// With no stage yet.
    pub fn begun(scenario: Scenario, deployment: &Deployment, load: &Load, machine: Machine) -> Self {
        Self {
            yufu: env!("CARGO_PKG_VERSION"),
            scenario: scenario.name(),
            target: if deployment.is_own() { "own".to_owned() } else { deployment.url().to_owned() },
            arrivals: load.pattern.name(),
            connections: load.connections,
            seed: load.seed,
            optimised: !cfg!(debug_assertions),
            machine,
            stages: Vec::new(),
        }
    }

    /// The highest rate that was held.
    pub fn held(&self) -> Option<f64> {
        self.stages.iter().filter(|stage| !stage.missed).map(|stage| stage.rate).reduce(f64::max)
    }

    /// A table for people, in both languages.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:>9} {:>9} {:>9} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
            "due/s", "done/s", "good", "refused", "failed", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"
        );
        for stage in &self.stages {
            let Latency { p50, p90, p99, p99_9, max, .. } = stage.latency_ms;
            text += &format!(
                "{:>9.0} {:>9.0} {:>9} {:>7} {:>7} {p50:>9.2} {p90:>9.2} {p99:>9.2} {p99_9:>9.2} {max:>9.2}{}\n",
                stage.rate,
                stage.achieved_rate,
                stage.good.values().sum::<u64>(),
                stage.refused_count(),
                stage.failed_count(),
                if stage.missed { "  ✘" } else { "" }
            );
        }
        for (kind, count) in self.stages.iter().flat_map(|stage| stage.refused.iter().chain(&stage.failed)) {
            text += &format!("  {count} × {kind}\n");
        }
        if self.stages.len() > 1 {
            text += &match self.held() {
                Some(rate) => format!("可承受 held: {rate:.0}/s\n"),
                None => "首个速率即未达到  the first rate was missed already\n".to_owned(),
            };
        }
        if !self.optimised {
            text += "未优化的构建，数字不可引用  built without optimisation: these figures say nothing\n";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::bench::tally::Ended;

    fn stage(good: u64, refused: u64, elapsed: Duration) -> StageReport {
        let mut tally = Tally { elapsed, ..Tally::default() };
        let one = Duration::from_millis(1);
        (0..good).for_each(|_| tally.note("verify", Ended::Good, one, one));
        (0..refused).for_each(|_| tally.note("verify", Ended::Refused("503 busy".to_owned()), one, one));
        StageReport::of(100.0, Duration::from_secs(10), usize::try_from(good + refused).unwrap(), &tally)
    }

    #[test]
    fn a_rate_is_missed_by_those_who_come_late_and_by_those_sent_away() {
        let (on_time, late) = (Duration::from_millis(10_250), Duration::from_millis(10_800));
        assert!(!stage(1_000, 0, on_time).missed);
        assert!(!stage(990, 10, on_time).missed);
        assert!(stage(989, 11, on_time).missed);
        assert!(stage(1_000, 0, late).missed);
        // When fewer came than in the mean, fewer are to be answered.
        assert!(!stage(900, 0, on_time).missed);
    }

    #[test]
    fn the_table_says_what_was_refused_and_which_rate_was_held() {
        let (scenario, stages) = ("verify", vec![stage(1_000, 0, Duration::ZERO), stage(500, 500, Duration::ZERO)]);
        let report = Report {
            yufu: "0",
            scenario,
            target: "own".to_owned(),
            arrivals: "poisson",
            connections: 1,
            seed: 1,
            optimised: true,
            machine: Machine::here(),
            stages,
        };
        let table = report.table();
        assert!(table.contains("500 × 503 busy") && table.contains("held: 100/s"), "{table}");
        assert_eq!(table.lines().filter(|line| line.ends_with('✘')).count(), 1);
    }
}
