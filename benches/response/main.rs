//! Whole answers of wallets over HTTP (`direct_post.jwt`) a second, with p50 and p99 at 70 % load; beside a bare actix-web
//! handler that takes the same bytes and makes the same signature checks, and nothing else. Both in one process on the
//! machine's cores, the load generator too; rounds of the two follow each other, so that their ratio holds on a machine
//! that is busy with other things.
//!
//! `cargo bench --bench response`. Without `--bench`, as `cargo test` runs it, a few answers show that it still works.

mod bare;
mod load;
mod wallet;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use support::TestService;

use crate::{
    bare::Bare,
    load::{Latencies, Prepared, Target},
    wallet::Passenger,
};

/// How much is measured.
struct Scale {
    rounds: usize,
    /// Answers of one closed run.
    closed: usize,
    /// Answers of one run at a given rate.
    open: usize,
}

/// Connections that are kept busy: enough that neither side waits for the generator.
const CONNECTIONS: usize = 8;

/// Share of the closed rate at which latencies are taken.
const LOAD: f64 = 0.7;

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let scale = match measured {
        true => Scale { rounds: 5, closed: 2_000, open: 2_000 },
        false => Scale { rounds: 1, closed: 20, open: 20 },
    };
    let service = TestService::start();
    let passenger = Passenger::with_a_card(&service);
    passenger.is_let_through(&service);
    let bare = Bare::start(passenger.signatures(), 2);
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    let mut bytes = 0;
    let (service_at, bare_at) = (Target::of(&service.url()), Target::at(bare.address()));
    for round in 0..scale.rounds {
        let answers = passenger.answers(&service, scale.closed);
        bytes = answers.iter().map(Prepared::len).sum::<usize>() / answers.len().max(1);
        theirs.rates.push(load::closed(&bare_at, &answers, CONNECTIONS));
        ours.rates.push(load::closed(&service_at, &answers, CONNECTIONS));
        forget_results(&service);
        let answers = passenger.answers(&service, scale.open);
        let seed = round as u64;
        theirs.latencies.push(load::open(&bare_at, &answers, LOAD * theirs.median_rate(), CONNECTIONS, seed));
        ours.latencies.push(load::open(&service_at, &answers, LOAD * ours.median_rate(), CONNECTIONS, seed));
        forget_results(&service);
    }
    if measured {
        println!("answers of wallets, {bytes} bytes each, {} rounds of {} and {}", scale.rounds, scale.closed, scale.open);
        theirs.print("bare handler, 3 signature checks");
        ours.print("direct_post.jwt to its statement");
        println!("ratio of rates, median of the rounds: {:.2}", ours.ratio_to(&theirs));
    }
}

/// Lets the time of the results pass: how many may be open is bounded.
fn forget_results(service: &TestService) {
    service.clock.advance(600);
    service.service().tick();
}

/// What was measured of one of the two.
#[derive(Default)]
struct Side {
    /// Answers a second, by round.
    rates: Vec<f64>,
    latencies: Vec<Latencies>,
}

impl Side {
    fn median_rate(&self) -> f64 {
        median(self.rates.clone())
    }

    fn ratio_to(&self, other: &Self) -> f64 {
        median(self.rates.iter().zip(&other.rates).map(|(own, other)| own / other).collect())
    }

    fn print(&self, name: &str) {
        let of = |quantile: fn(&Latencies) -> Duration| {
            median(self.latencies.iter().map(|latencies| quantile(latencies).as_secs_f64() * 1e3).collect())
        };
        let (p50, p99) = (of(|latencies| latencies.quantile(0.5)), of(|latencies| latencies.quantile(0.99)));
        println!("{name}: {:.0} a second; at 70 % load p50 {p50:.2} ms, p99 {p99:.2} ms", self.median_rate());
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
