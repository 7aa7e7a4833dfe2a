//! The embedded store as an engine: what it serves while its records are still being opened, what it spares, and what it
//! opens of earlier versions.

#[path = "store/harness.rs"]
mod harness;

use std::{
    fs, io,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use yufu::{
    model::{card::State, record::Key},
    store::{
        CommitError, Damage, Mode, ReadError, Store,
        faults::{Faults, Step},
        log,
        sled::{OpenError, SledStore, folder},
    },
};

use harness::*;

/// Keeps the start waiting at its first sync until it is let go.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn open(&self) {
        *self.0.lock().expect("no test panics in here") = true;
        self.1.notify_all();
    }
}

impl Faults for Gate {
    fn before(&self, step: Step) -> io::Result<()> {
        if step == Step::StartSync {
            let shut = self.0.lock().expect("no test panics in here");
            drop(self.1.wait_while(shut, |open| !*open).expect("no test panics in here"));
        }
        Ok(())
    }
}

fn open_slowly(folder: &Folder, gate: &Arc<Gate>) -> Result<SledStore, OpenError> {
    folder.try_open(|options| {
        (options.patience, options.few) = (Duration::from_millis(20), 0);
        options.faults = Arc::clone(gate) as Arc<dyn Faults>;
    })
}

fn until_open(store: &SledStore) -> Mode {
    while store.health().mode == Mode::Opening {
        thread::sleep(Duration::from_millis(5));
    }
    store.health().mode
}

/// A folder with a revoked card and a good token.
fn lived_in() -> Folder {
    let folder = Folder::new();
    let store = folder.open();
    store.commit(issue("card", 2)).expect("it is issued");
    move_card(&store, "card", State::Revoked);
    store.commit(make_token("good")).expect("it is made");
    drop(store);
    folder
}

#[test]
fn what_the_log_tells_is_served_before_the_records_are_open_and_the_rest_a_little_later() {
    let (folder, gate) = (lived_in(), Arc::new(Gate::default()));
    let revoked = card(&folder.open(), "card").value;
    let store = open_slowly(&folder, &gate).expect("it opens");
    let health = store.health();
    assert_eq!((health.mode, health.events, store.head().size), (Mode::Opening, 5, 5));
    assert!(health.store.is_some() && store.board().is_complete());
    assert_eq!(values(&store, &revoked), [1, 1]);
    assert!(store.roster().bearer(&token_hash("good")).is_some());
    assert_eq!(all_events(&store).len(), 5);
    let asked = Key::Card(card_id("card"));
    assert_eq!(store.get(&asked).err(), Some(ReadError::Unavailable));
    assert_eq!(store.commit(issue("another", 1)), Err(CommitError::Unavailable));
    gate.open();
    assert_eq!(until_open(&store), Mode::Normal);
    assert_eq!(card(&store, "card").value, revoked);
    store.commit(issue("another", 1)).expect("it is issued");
    log_is_whole(&store);
}

#[test]
fn nothing_reads_valid_behind_a_torn_log_until_the_records_were_asked() {
    let (folder, gate) = (lived_in(), Arc::new(Gate::default()));
    let segment = log::folder(&folder.path()).join("00000000000000000001.log");
    let whole = fs::read(&segment).expect("it is read");
    fs::write(&segment, [&whole[..], b"yfL1 the beginning of a frame"].concat()).expect("it is written");
    let store = open_slowly(&folder, &gate).expect("it opens");
    assert_eq!((store.health().mode, store.board().is_complete()), (Mode::Opening, false));
    gate.open();
    assert_eq!((until_open(&store), store.board().is_complete()), (Mode::Normal, true));
    drop(store);

    // The same again, but the records know of an event that was cut off.
    fs::write(&segment, &whole[..whole.len() - 1]).expect("it is written");
    let store = open_slowly(&folder, &gate).expect("it opens");
    assert_eq!(until_open(&store), Mode::Guarded(Damage::LogBehind { records: 5, log: 4 }));
    assert!(!store.board().is_complete());
}

#[test]
fn what_the_records_say_against_the_log_turns_a_store_guarded_however_late_it_is_known() {
    let (ours, gate) = (lived_in(), Arc::new(Gate::default()));
    gate.open();
    let records = folder(&ours.path());
    fs::remove_dir_all(&records).expect("they are removed");
    fs::create_dir(&records).expect("an empty folder is made");
    let store = open_slowly(&ours, &gate).expect("it opens");
    assert_eq!(until_open(&store), Mode::Guarded(Damage::RecordsEmpty));
    assert_eq!(store.get(&Key::Card(card_id("card"))).err(), Some(ReadError::Guarded));
    assert_eq!(store.commit(issue("another", 1)), Err(CommitError::ReadOnly));
}

#[test]
fn a_store_that_is_given_up_while_it_opens_keeps_others_out_until_its_thread_has_ended() {
    let (folder, gate) = (lived_in(), Arc::new(Gate::default()));
    drop(open_slowly(&folder, &gate).expect("it opens"));
    assert_eq!(folder.try_open(|_| {}).err(), Some(OpenError::InUse));
    gate.open();
    while folder.try_open(|_| {}).is_err() {
        thread::sleep(Duration::from_millis(5));
    }
}
