//! Several nodes of one service on one PostgreSQL database. Without PostgreSQL on this machine they say so and pass.
#![cfg(feature = "postgres")]

#[path = "nodes/cable.rs"]
mod cable;
#[path = "nodes/failover.rs"]
mod failover;
#[path = "store/harness.rs"]
mod harness;
#[path = "nodes/services.rs"]
mod services;
#[path = "nodes/stores.rs"]
mod stores;
mod support;

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use tempfile::TempDir;
use yufu::{
    base::{
        clock::{Clock, SystemClock},
        random::SeededRandom,
        secret::SecretKey,
    },
    crypto::{Algorithm, SoftwareKey},
    store::postgres::{OpenError, Options, Patience, PostgresStore},
};

/// The folder and the address of one node, which lives as long as the test.
struct Place {
    folder: TempDir,
    database: String,
    seed: u64,
}

impl Place {
    /// A node that has seen nothing yet. The seed makes nodes differ.
    fn new(database: &str, seed: u64) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), database: database.to_owned(), seed }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn open(&self) -> PostgresStore {
        self.try_open(|_| {}).expect("the store opens")
    }

    fn try_open(&self, change: impl FnOnce(&mut Options<'_>)) -> Result<PostgresStore, OpenError> {
        let signer = SoftwareKey::from_secret(Algorithm::Ed25519, SecretKey::new([9; 32])).expect("it is a key");
        let (data, clock) = (self.data(), Arc::new(SystemClock::new()));
        let random = Arc::new(SeededRandom::new(self.seed));
        let database = self.database.parse().expect("an address");
        let mut options = Options::new(&data, database, SecretKey::new([8; 32]), Arc::new(signer), clock, random);
        // A test waits less than an operator would.
        options.patience = Patience { start: Duration::from_secs(20), ..options.patience };
        change(&mut options);
        PostgresStore::open(options)
    }
}

/// Waits for something that another node does; gives how long it took.
fn until(what: &str, clock: &SystemClock, holds: impl Fn() -> bool) -> Duration {
    let began = clock.monotonic();
    while !holds() {
        assert!(clock.monotonic() - began < Duration::from_secs(30), "waited too long: {what}");
        thread::sleep(Duration::from_micros(200));
    }
    clock.monotonic() - began
}
