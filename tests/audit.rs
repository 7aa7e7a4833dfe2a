//! The log that the store writes, sealed and checked: what `yufu audit verify --data` stands on.

#[path = "store/harness.rs"]
mod harness;

use std::{fs, sync::Arc, sync::atomic::AtomicBool};

use harness::*;
use yufu::{
    audit::{
        check::{Fault, data_folder},
        open::Opening,
        seal::{self, Seal},
    },
    base::secret::SecretKey,
    crypto::{Algorithm, SoftwareKey},
    store::{Damage, Mode, Store, TreeHead, log},
};

const URL: &str = "https://id.example";

fn log_key() -> Arc<SoftwareKey> {
    Arc::new(SoftwareKey::from_secret(Algorithm::Ed25519, SecretKey::new([9; 32])).expect("it is a key"))
}

#[test]
fn what_the_store_logs_is_sealed_checked_and_opened() {
    let folder = Folder::new();
    let key = seal::key(URL, &*log_key()).expect("an Ed25519 key");
    let store = folder.open();
    let seal = Seal::open(log_key(), URL, &folder.path()).expect("there is no head yet");
    for name in ["one", "two", "three"] {
        store.commit(register(name, &[name])).expect("it is committed");
        seal.try_leave_head(store.head()).expect("it is left");
    }
    store.commit(register("four", &["four"])).expect("it is committed");
    seal.run(&store, &AtomicBool::new(true));
    for number in 1..=store.head().size {
        let opening = Opening::of(&store, &seal, number).expect("it is opened");
        assert_eq!(opening.verify(&key).map(|checkpoint| checkpoint.root), Ok(store.head().root));
    }
    let head = store.head();

    // Beside the running store and after it.
    for _ in 0..2 {
        let report = data_folder(&folder.path(), Some(&key));
        assert_eq!((report.events, report.root, report.sealed, report.heads, report.fault), (5, head.root, 5, 4, None));
    }
    drop(store);
    let report = data_folder(&folder.path(), Some(&key));
    assert_eq!((report.root, report.fault), (head.root, None));

    // The next start goes on from there, and the seal binds it.
    let store = folder.open();
    store.commit(register("five", &["five"])).expect("it is committed");
    let seal = Seal::open(log_key(), URL, &folder.path()).expect("the newest head is good");
    seal.try_leave_head(store.head()).expect("it is left");
    drop(store);
    let report = data_folder(&folder.path(), Some(&key));
    assert_eq!((report.events, report.sealed, report.fault), (6, 6, None));
}

#[test]
fn a_changed_log_of_the_store_is_named_by_its_first_bad_event() {
    let folder = Folder::new();
    let key = seal::key(URL, &*log_key()).expect("an Ed25519 key");
    let store = folder.open();
    let seal = Seal::open(log_key(), URL, &folder.path()).expect("there is no head yet");
    for name in ["one", "two", "three"] {
        store.commit(register(name, &[name])).expect("it is committed");
        seal.try_leave_head(store.head()).expect("it is left");
    }
    drop(store);
    let log = log::folder(&folder.path());
    let segment = fs::read_dir(log).expect("it is there").map(|entry| entry.expect("an entry").path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "log")).expect("a segment");
    let good = fs::read(&segment).expect("it is read");

    let mut flipped = good.clone();
    *flipped.last_mut().expect("a byte") ^= 1;
    let fault = |bytes: &[u8]| {
        fs::write(&segment, bytes).expect("it is written");
        data_folder(&folder.path(), Some(&key)).fault
    };
    assert_eq!(fault(&good), None);
    assert_eq!(fault(&flipped), Some(Fault::Missing { event: 4, sealed: 4 }));
    flipped[good.len() / 4] ^= 1;
    assert!(matches!(fault(&flipped), Some(Fault::Damaged { event: 1 | 2 })));
    assert_eq!(fault(&[]), Some(Fault::Missing { event: 1, sealed: 4 }));
}

#[test]
fn a_signed_head_attests_what_log_and_records_have_both_lost() {
    let folder = Folder::new();
    let store = folder.open();
    let seal = Seal::open(log_key(), URL, &folder.path()).expect("there is no head yet");
    for name in ["one", "two", "three"] {
        store.commit(register(name, &[name])).expect("it is committed");
    }
    seal.try_leave_head(store.head()).expect("it is left");
    let head = store.head();
    drop((store, seal));
    assert_eq!(seal::attested(&*log_key(), URL, &folder.path()).ok().flatten(), Some(head));
    let open = |attested| folder.try_open(|options| options.attested = Some(attested)).expect("it opens").health().mode;
    assert_eq!(open(head), Mode::Normal);
    let changed = TreeHead { root: [0; 32], ..head };
    assert_eq!(open(changed), Mode::Guarded(Damage::LogDamaged(1)), "another event stands where the head has one");

    // The log is cut back to its first event and the records are gone: that alone looks like a first start.
    let segment = log::folder(&folder.path()).join(format!("{:020}.log", 1));
    let bytes = fs::read(&segment).expect("it is read");
    let second = bytes.windows(4).enumerate().filter(|(_, window)| *window == b"yfL1").nth(1).expect("a second frame").0;
    fs::write(&segment, &bytes[..second]).expect("it is written");
    fs::remove_dir_all(folder.path().join("store")).expect("it is removed");
    let store = folder.try_open(|options| options.attested = Some(head)).expect("it opens");
    assert_eq!(store.health().mode, Mode::Guarded(Damage::LogBehind { records: 4, log: 1 }));
    assert!(!store.board().is_complete());
}
