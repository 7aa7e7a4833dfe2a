//! Backups that are made while the store works, and what a restore does with one that is old: whatever was revoked or
//! suspended stays so, no index is given twice, and where nothing vouches for the time since, nothing is restored silently.

#[path = "backup/command.rs"]
mod command;
#[path = "store/harness.rs"]
mod harness;
#[path = "backup/lost.rs"]
mod lost;
#[path = "backup/moved.rs"]
mod moved;
#[path = "backup/online.rs"]
mod online;
#[path = "support/postgres.rs"]
mod postgres;

use std::sync::Arc;

use harness::*;
use yufu::{
    base::{clock::ManualClock, random::SeededRandom, secret::SecretKey, time::Timestamp},
    crypto::{Algorithm, Signer, SoftwareKey},
    store::{
        Store,
        sled::{RestoreError, RestoreOrder, RestoreReport, SledStore, restore},
        transfer::file::{self, Header},
    },
};

/// When the backups of these tests end.
const BACKUP_AT: Timestamp = NOW.plus_seconds(60);

/// The key of the log, as the harness has it.
fn log_key(secret: u8) -> SoftwareKey {
    SoftwareKey::from_secret(Algorithm::Ed25519, SecretKey::new([secret; 32])).expect("it is a key")
}

/// A backup, not encrypted.
fn backup(store: &SledStore) -> Vec<u8> {
    backup_signed(store, &log_key(9))
}

fn backup_signed(store: &SledStore, signer: &dyn Signer) -> Vec<u8> {
    let header = Header {
        version: "0".to_owned(),
        public_url: "https://id.example".to_owned(),
        begun_at: NOW,
        events: store.head().size,
    };
    let (mut bytes, source) = (Vec::new(), store.source().expect("it can be copied"));
    let trailer = file::write(source, &header, &|| BACKUP_AT, signer, &mut bytes).expect("it is written");
    assert!(trailer.events >= header.events);
    bytes
}

/// What is said to a restore beside the backup.
#[derive(Default)]
struct Told {
    since: Vec<yufu::store::sled::ListFound>,
    accept_loss_since: Option<Timestamp>,
}

fn accepted() -> Told {
    Told { accept_loss_since: Some(BACKUP_AT), ..Told::default() }
}

fn restored(folder: &Folder, backup: &[u8], told: Told) -> Result<RestoreReport, RestoreError> {
    let path = folder.path();
    let (clock, random) = (ManualClock::at(NOW.plus_seconds(3_600)), SeededRandom::new(77));
    let mut options = options(&path, &clock, &random);
    options.log_signer = Arc::new(log_key(9));
    let (mut backup, Told { since, accept_loss_since }) = (backup, told);
    restore(&options, RestoreOrder { backup: &mut backup, since, accept_loss_since })
}
