//! Counters of the service, rendered for Prometheus.
//!
//! The recorder belongs to one service, not to the process, so that two services in one test do not count together.
//! No label holds anything a client chose: routes are patterns, methods and statuses come from fixed lists.

use std::time::Duration;

use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use crate::{
    base::clock::ClockWatch,
    http::standing::{Standing, Warning},
    model::{
        admission::AdmissionReason,
        reason::{Decision, ReasonCode},
    },
    store::Mode,
};

/// Upper bounds of the time buckets, in seconds: from a list served out of memory to a request that waits for a disk.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The methods that get a label of their own.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

/// The label of what was asked for by a query of its own, or was in hand already.
const WITHOUT_USE_CASE: &str = "none";

/// The counters of one service.
pub struct Metrics {
    recorder: PrometheusRecorder,
}

/// What is measured when it is asked for.
pub struct Gauges<'a> {
    /// Status lists.
    pub status_lists: usize,
    /// Calls that run in the blocking pool or wait for it.
    pub calls_inside: usize,
    /// Calls that go on after their callers were told that it takes too long.
    pub calls_late: usize,
    /// Connections that are open.
    pub connections: usize,
    /// Presentations that are open or have a result at hand.
    pub presentations: usize,
    /// Who follows a presentation.
    pub followers: usize,
    /// What became of the wall clock.
    pub clock: &'a ClockWatch,
    /// How well the service is.
    pub standing: &'a Standing,
}

impl Default for Metrics {
    fn default() -> Self {
        // The bounds are not empty, which is all that `set_buckets` asks for.
        let builder = PrometheusBuilder::new().set_buckets(&SECONDS).unwrap_or_else(|_| PrometheusBuilder::new());
        Self { recorder: builder.build_recorder() }
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let (route, status) = (route.to_owned(), status.to_string());
        with_local_recorder(&self.recorder, || {
            let labels = [("method", method.to_owned()), ("route", route.clone()), ("status", status)];
            counter!("yufu_http_requests_total", &labels).increment(1);
            histogram!("yufu_http_request_seconds", "route" => route).record(took);
        });
    }

    /// Counts a panic that was caught.
    pub fn panicked(&self) {
        with_local_recorder(&self.recorder, || counter!("yufu_panics_total").increment(1));
    }

    /// Counts a request that was one too many; `by` names the limit.
    pub fn limited(&self, by: &'static str) {
        with_local_recorder(&self.recorder, || counter!("yufu_limited_total", "by" => by).increment(1));
    }

    /// Counts a request that was turned away, or told to ask again, because there was too much to do; `by` names why.
    pub fn shed(&self, by: &'static str) {
        with_local_recorder(&self.recorder, || counter!("yufu_shed_total", "by" => by).increment(1));
    }

    /// Counts a decision at a checkpoint.
    pub fn decided(&self, decision: Decision, reason: ReasonCode, use_case: Option<&str>) {
        let use_case = use_case.unwrap_or(WITHOUT_USE_CASE).to_owned();
        with_local_recorder(&self.recorder, || {
            let labels = [
                ("decision", decision.name().to_owned()),
                ("reason", reason.name().to_owned()),
                ("use_case", use_case.clone()),
            ];
            counter!("yufu_verifications_total", &labels).increment(1);
        });
    }

    /// Counts an admission by hand.
    pub fn admitted(&self, use_case: Option<&str>, reason: AdmissionReason, because: ReasonCode) {
        let use_case = use_case.unwrap_or(WITHOUT_USE_CASE).to_owned();
        with_local_recorder(&self.recorder, || {
            let labels =
                [("use_case", use_case.clone()), ("reason", reason.name().to_owned()), ("because", because.name().to_owned())];
            counter!("yufu_admissions_by_hand_total", &labels).increment(1);
        });
    }

    /// Everything in the text format of Prometheus.
    pub fn render(&self, now: &Gauges<'_>) -> String {
        let (standing, health) = (now.standing, &now.standing.health);
        let flag = |is: bool| f64::from(u8::from(is));
        with_local_recorder(&self.recorder, || {
            gauge!("yufu_log_events").set(health.events as f64);
            gauge!("yufu_status_lists").set(now.status_lists as f64);
            gauge!("yufu_oldest_list_seconds").set(standing.oldest_list_seconds.unwrap_or_default() as f64);
            gauge!("yufu_clock_off_seconds").set(now.clock.off() as f64);
            counter!("yufu_clock_steps_total").absolute(now.clock.jumps());
            gauge!("yufu_calls_inside").set(now.calls_inside as f64);
            gauge!("yufu_calls_late").set(now.calls_late as f64);
            gauge!("yufu_connections").set(now.connections as f64);
            gauge!("yufu_presentations").set(now.presentations as f64);
            gauge!("yufu_presentation_followers").set(now.followers as f64);
            gauge!("yufu_store_writable").set(flag(health.mode == Mode::Normal));
            gauge!("yufu_store_lag_seconds").set(health.lag.as_secs_f64());
            for status in Standing::STATUSES {
                gauge!("yufu_standing", "status" => status).set(flag(status == standing.status));
            }
            for name in Warning::NAMES {
                let is_given = standing.warnings.iter().any(|warning| warning.name() == name);
                gauge!("yufu_warning", "code" => name).set(flag(is_given));
            }
            counter!("yufu_panics_total").increment(0);
        });
        self.counted()
    }

    /// What was counted or measured so far, without looking again.
    pub(super) fn counted(&self) -> String {
        self.recorder.handle().render()
    }

    /// Folds recorded times into their buckets, so that memory does not grow while nobody asks.
    pub fn upkeep(&self) {
        self.recorder.handle().run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{clock::ManualClock, time::Timestamp},
        http::problem::Words,
        store::Health,
    };

    #[test]
    fn requests_are_counted_by_route_and_not_by_what_clients_choose() {
        let metrics = Metrics::default();
        metrics.answered("GET", "/status-lists/{id}", 200, Duration::from_millis(3));
        metrics.answered("BREW", "unmatched", 405, Duration::ZERO);
        metrics.shed("busy");
        let health = Health {
            mode: Mode::Normal,
            store: None,
            checked_events: 0,
            events: 7,
            lag: Duration::from_millis(1500),
            cautions: Vec::new(),
        };
        let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
        let watch = ClockWatch::new(&clock);
        clock.set_wall(Timestamp::from_unix(1_795_496_400));
        assert_eq!(watch.look(&clock), Some(-3600));
        let standing = Standing {
            status: "ready",
            message: Words::new("好", "well"),
            is_ready: true,
            warnings: vec![Warning::LittleRoom],
            health,
            oldest_list_seconds: Some(12),
        };
        let now = Gauges {
            status_lists: 1,
            calls_inside: 2,
            calls_late: 3,
            connections: 6,
            presentations: 4,
            followers: 5,
            clock: &watch,
            standing: &standing,
        };
        let text = metrics.render(&now);
        for line in [
            r#"yufu_http_requests_total{method="GET",route="/status-lists/{id}",status="200"} 1"#,
            r#"yufu_http_requests_total{method="other",route="unmatched",status="405"} 1"#,
            r#"yufu_http_request_seconds_bucket{route="/status-lists/{id}",le="0.005"} 1"#,
            "yufu_log_events 7",
            "yufu_store_writable 1",
            "yufu_panics_total 0",
            "yufu_store_lag_seconds 1.5",
            "yufu_oldest_list_seconds 12",
            "yufu_calls_late 3",
            "yufu_clock_off_seconds -3600",
            "yufu_clock_steps_total 1",
            "yufu_connections 6",
            r#"yufu_standing{status="ready"} 1"#,
            r#"yufu_standing{status="guarded"} 0"#,
            r#"yufu_warning{code="little_room"} 1"#,
            r#"yufu_warning{code="lists_old"} 0"#,
            r#"yufu_shed_total{by="busy"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
