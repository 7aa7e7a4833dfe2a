//! `yufu bench`: a load that is the same each time, against any deployment.
//!
//! Arrivals follow a plan made beforehand (`arrivals`), whatever the service does: a request that is due while every
//! connection waits for an answer is late, and its time counts from when it was due (`open_loop`). So a service that
//! stands still for a second shows it in the percentiles, as it would to the people who came meanwhile. A generator that
//! sends the next request only after the last answer would hide it (coordinated omission).

mod arrivals;
mod chart;
mod deployment;
mod fill;
mod open_loop;
mod operations;
mod ramp;
mod report;
mod svg;
mod tally;

use std::time::Duration;

pub use arrivals::Pattern;
pub use chart::chart;
pub use deployment::{Deployment, Side};
pub use fill::{Fill, FillError, FillPlan, Filled, MARK};
pub use open_loop::{Pace, SystemPace};
pub use operations::Scenario;
pub use ramp::{Rates, planned, play};
pub use report::{Latency, Machine, Report, StageReport};

use crate::{app::demo::DemoError, outbound::NotAService};

/// How hard, for how long, over how many connections.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Operations a second: one rate, or rising ones.
    pub rates: Rates,
    /// How long requests come at each rate.
    pub duration: Duration,
    /// Connections, and operations that can be under way at once.
    pub connections: usize,
    /// Whether they come evenly or as people do.
    pub pattern: Pattern,
    /// Makes the plan the same each time.
    pub seed: u64,
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The address names no service.
    #[error("--url: {0}")]
    Url(#[from] NotAService),
    /// What the measurement needs could not be prepared.
    #[error("preparing: {0}")]
    Prepare(#[from] DemoError),
    /// What the measurement needs could not be put into the store beforehand.
    #[error("preparing: {0}")]
    Fill(#[from] FillError),
    /// More cards than are issued through the interfaces only to be revoked.
    #[error(
        "{needed} cards would have to be issued first, and {most} at most are: name a lower rate or a shorter time, or \
         measure a deployment of its own (without --url)\n需要先签发 {needed} 张卡，上限为 {most} 张：请降低速率、缩短时间，或不指定 --url"
    )]
    TooManyCards {
        /// As many as operations are planned.
        needed: usize,
        /// The bound.
        most: usize,
    },
    /// A thread of the generator broke off.
    #[error("the generator itself broke off")]
    Generator,
}
