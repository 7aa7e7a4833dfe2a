//! Snapshots make a start short and never make it wrong: what they skip is re-checked, and what is not ours is ignored.

#[path = "store/damage.rs"]
mod damage;
#[path = "store/harness.rs"]
mod harness;

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use damage::{World, replace};
use harness::*;
use yufu::{
    base::secret::SecretKey,
    crypto::{Algorithm, SoftwareKey},
    model::card::State,
    store::{Damage, Mode, Store, sled::SledStore},
};

fn open(world: &World) -> SledStore {
    world.folder.try_open(|options| options.snapshot_every = 1).expect("it opens")
}

fn snapshots(world: &World) -> Vec<PathBuf> {
    let files = fs::read_dir(world.folder.path().join("status")).into_iter().flatten();
    let mut files: Vec<_> = files.map(|entry| entry.expect("it is listed").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "snapshot"));
    files.sort();
    files
}

/// Waits for what another thread does, at most a minute.
fn until(store: &dyn Store, done: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if done() {
            return;
        }
        store.watch().wait_beyond(u64::MAX, Duration::from_millis(10));
    }
    panic!("it does not happen");
}

/// A world with one snapshot, of its last event.
fn with_snapshot() -> World {
    let world = World::new();
    let store = open(&world);
    until(&store, || snapshots(&world).len() == 1);
    world
}

#[test]
fn a_start_from_a_snapshot_shows_what_the_whole_log_says() {
    let world = with_snapshot();
    let whole = world.folder.open();
    let (head, roster) = (whole.head(), whole.roster().entries());
    assert_eq!(whole.roster().accounts(), [(token_id("good"), Arc::new(account()))]);
    until(&whole, || whole.health().checked_events == head.size);
    assert_eq!(whole.health().mode, Mode::Normal);
    assert_eq!((whole.head(), whole.roster().entries()), (head, roster));
    world.works_again(&whole);
    drop(whole);
    // The tail behind the snapshot is read as well.
    world.works_again_after_restart();
}

#[test]
fn the_newest_two_are_kept() {
    let world = with_snapshot();
    let mut last = snapshots(&world);
    for n in 0..3 {
        let store = open(&world);
        store.commit(issue(&format!("more-{n}"), 1)).expect("it is issued");
        until(&store, || snapshots(&world).last() != last.last());
        drop(store);
        last = snapshots(&world);
        assert!(last.len() <= 2, "{last:?}");
    }
    assert_eq!(last.len(), 2);
}

#[test]
fn damage_that_a_snapshot_skips_is_found_in_the_background() {
    let world = with_snapshot();
    let frames = world.frames();
    let mut bytes = world.log_bytes();
    bytes[(frames[3] + frames[4]) / 2] ^= 1;
    fs::write(world.segment(), bytes).expect("it is written");
    let store = world.folder.open();
    world.nothing_comes_back(&store);
    until(&store, || store.health().mode != Mode::Normal);
    let Mode::Guarded(Damage::LogDamaged(event)) = store.health().mode else { panic!("{:?}", store.health()) };
    assert_eq!(store.health().checked_events, event - 1);
    world.nothing_comes_back(&store);
}

#[test]
fn a_snapshot_that_is_not_whole_or_not_ours_is_ignored() {
    let world = with_snapshot();
    let path = snapshots(&world).remove(0);
    let good = fs::read(&path).expect("it is read");
    let mut flipped = good.clone();
    // The first revoked index of the list, back to valid.
    let at = flipped.iter().rposition(|byte| *byte == 1 || *byte == 4 || *byte == 16 || *byte == 64).expect("one is revoked");
    flipped[at] = 0;
    for bytes in [&flipped[..], &good[..good.len() / 2], &[]] {
        fs::write(&path, bytes).expect("it is written");
        let store = world.folder.open();
        assert_eq!((store.health().mode, store.health().checked_events), (Mode::Normal, world.events.1));
        world.nothing_comes_back(&store);
    }
    fs::write(&path, &good).expect("it is written");
    let other = SoftwareKey::from_secret(Algorithm::Ed25519, SecretKey::new([10; 32])).expect("it is a key");
    let store = world.folder.try_open(|options| options.log_signer = Arc::new(other)).expect("it opens");
    assert_eq!((store.health().mode, store.health().checked_events), (Mode::Normal, world.events.1));
}

#[test]
fn a_snapshot_attests_what_log_and_records_have_both_lost() {
    let world = with_snapshot();
    for part in ["store", "log"] {
        replace(&world.half_way.join(part), &world.folder.path().join(part));
    }
    let store = world.folder.open();
    let damage = Damage::LogBehind { records: world.events.1, log: world.events.0 };
    assert_eq!(store.health().mode, Mode::Guarded(damage));
    world.guarded_serves_what_it_can(&store);
    drop(store);
    for part in ["store", "log"] {
        fs::remove_dir_all(world.folder.path().join(part)).expect("it is removed");
    }
    let store = world.folder.open();
    assert_eq!(store.health().mode, Mode::Guarded(Damage::LogMissing));
    world.guarded_serves_what_it_can(&store);
}

#[test]
fn a_repair_reads_the_whole_log_whatever_a_snapshot_skips() {
    let world = with_snapshot();
    fs::remove_dir_all(world.store()).expect("it is removed");
    let report = world.folder.repair().expect("it is repaired");
    assert_eq!(report.cards, 6);
    let store = world.folder.open();
    assert_eq!(card(&store, "revoked-early").value.state, State::Revoked);
    world.works_again(&store);
}
