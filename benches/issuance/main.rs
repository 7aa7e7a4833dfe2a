//! Cards issued a second over HTTP, beside the bare rate of the signatures they cannot do without: the whole path of a
//! pre-authorised code (token, nonce, credential), and the credential endpoint alone with one copy and with ten. Service and
//! wallets share the machine's cores and one process; every commit is on disk before its answer.
//!
//! `cargo bench --bench issuance`. Without `--bench`, as `cargo test` runs it, a few cards show that it still works.

mod wallets;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::{
    hint::black_box,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use support::TestService;
use yufu::{
    base::{
        clock::{Clock, SystemClock},
        random::SeededRandom,
    },
    crypto::{Algorithm, Signer, SoftwareKey},
};

use crate::wallets::{Offices, Request};

/// How much is measured.
struct Scale {
    rounds: usize,
    /// Cards of one run.
    cards: usize,
    /// Signatures of one run.
    signatures: usize,
}

/// Wallets that come at one time: enough for commits to share a disk write.
const AT_ONCE: usize = 16;

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let scale = match measured {
        true => Scale { rounds: 5, cards: 400, signatures: 20_000 },
        false => Scale { rounds: 1, cards: 4, signatures: 20 },
    };
    let service = TestService::start_with(|config| {
        config.limits.limit_person = 0;
        config.limits.limit_code = 0;
    });
    let offices = Offices::open(&service, scale.cards.min(100));
    let mut rates: [Vec<f64>; 4] = Default::default();
    for _ in 0..scale.rounds {
        rates[0].push(signing(scale.signatures));
        let offers = offices.offers(scale.cards);
        rates[1].push(rate(&offers, |offer| offices.whole_path(offer)));
        for (at, copies) in [(2, 1), (3, 10)] {
            let requests: Vec<Request> = offices.requests(scale.cards, copies);
            rates[at].push(rate(&requests, |request| offices.fetch(request, copies)));
        }
    }
    if measured {
        let bare = median(&mut rates[0]);
        println!("figure: issuance_bare_signatures {bare:.0} signatures/s");
        println!("{} rounds of {} cards, {AT_ONCE} wallets at one time", scale.rounds, scale.cards);
        println!("{:<44} {bare:>9.0} signatures/s", "bare ES256 signatures on every core");
        for (name, copies, rates) in
            [("token, nonce and credential", 1.0, 1), ("credential alone", 1.0, 2), ("credential alone, ten copies", 10.0, 3)]
                .map(|(name, copies, at)| (name, copies, rates[at].clone()))
        {
            let cards = median(&mut rates.clone());
            let share = 100.0 * cards * copies / bare;
            println!("figure: issuance_{}_copies_{copies} {cards:.0} cards/s", name.split([' ', ',']).next().unwrap_or(name));
            println!("{name:<44} {cards:>9.0} cards/s {:>9.0} copies/s, {share:.1} % of bare signing", cards * copies);
        }
    }
}

/// Signatures a second with a key of the service's kind, on every core.
fn signing(count: usize) -> f64 {
    let key = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(1));
    let input = [7_u8; 1500];
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let clock = SystemClock::new();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..count / threads {
                    black_box(key.sign(black_box(&input)).expect("a software key signs"));
                }
            });
        }
    });
    count as f64 / clock.monotonic().as_secs_f64()
}

/// How many of `work` are done a second.
fn rate<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) -> f64 {
    let next = AtomicUsize::new(0);
    let clock = SystemClock::new();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(all.len()) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
    all.len() as f64 / clock.monotonic().as_secs_f64()
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
