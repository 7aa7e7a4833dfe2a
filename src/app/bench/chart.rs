//! The picture of a report.

use crate::app::bench::{
    report::{Latency, Report, StageReport},
    svg::{Axis, Chart, Curve, decades},
};

/// Marks on the axis of a ramp: about so many.
const MARKS: f64 = 6.0;

/// A ramp as times over rates; one rate as times over percentiles.
pub fn chart(report: &Report) -> String {
    let title = format!("yufu bench {} ({}, {} cores)", report.scenario, report.arrivals, report.machine.cores);
    match report.stages.as_slice() {
        [one] => percentiles(title, one).render(),
        many => rates(title, many).render(),
    }
}

fn rates(title: String, stages: &[StageReport]) -> Chart {
    let curve = |name: &str, of: fn(&Latency) -> f64| Curve {
        name: name.to_owned(),
        points: stages.iter().map(|stage| (stage.rate, of(&stage.latency_ms))).collect(),
    };
    let curves =
        vec![curve("p50", |latency| latency.p50), curve("p99", |latency| latency.p99), curve("p99.9", |latency| latency.p99_9)];
    let missed = stages.iter().filter(|stage| stage.missed).map(|stage| (stage.rate, "missed".to_owned()));
    let highest = stages.iter().map(|stage| stage.rate).fold(0.0, f64::max);
    Chart {
        title: format!("{title}: latency over offered rate"),
        x: Axis { title: "operations offered a second".to_owned(), logarithmic: false, marks: even_marks(highest) },
        y: times(&curves),
        marked: missed.collect(),
        curves,
    }
}

fn percentiles(title: String, stage: &StageReport) -> Chart {
    let curve = |name: &str, latency: &Latency| Curve {
        name: name.to_owned(),
        // As far to the right as fewer take longer: each mark is a tenth of the one before.
        points: latency.curve().into_iter().map(|(slower, millis)| (1.0 / slower, millis)).collect(),
    };
    let curves = vec![curve("since due", &stage.latency_ms), curve("since sent", &stage.service_ms)];
    let marks = [(2.0, "p50"), (10.0, "p90"), (100.0, "p99"), (1e3, "p99.9"), (1e4, "p99.99")];
    Chart {
        title: format!("{title}: latency at {:.0} a second", stage.rate),
        x: Axis {
            title: "percentile".to_owned(),
            logarithmic: true,
            marks: marks.into_iter().map(|(at, word)| (at, word.to_owned())).collect(),
        },
        y: times(&curves),
        marked: Vec::new(),
        curves,
    }
}

fn times(curves: &[Curve]) -> Axis {
    let values = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1));
    Axis { title: "ms".to_owned(), logarithmic: true, marks: decades(values) }
}

/// Marks from zero to above `highest`, at round numbers.
fn even_marks(highest: f64) -> Vec<(f64, String)> {
    let rough = (highest / MARKS).max(f64::MIN_POSITIVE);
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|part| part * decade).find(|step| *step >= rough).unwrap_or(rough);
    let marks = std::iter::successors(Some(0.0), |at| Some(at + step)).take_while(|at| *at < highest + step);
    marks.map(|at| (at, format!("{at}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_reach_beyond_the_highest_rate() {
        let words = |highest| even_marks(highest).into_iter().map(|mark| mark.1).collect::<Vec<_>>();
        assert_eq!(words(2_000.0), ["0", "500", "1000", "1500", "2000"]);
        assert_eq!(words(2_001.0).last().unwrap(), "2500");
    }
}
