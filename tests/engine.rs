//! The embedded store as an engine: what it serves while its records are still being opened, what it spares, and what it
//! opens of earlier versions.

#[path = "store/harness.rs"]
mod harness;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tempfile::TempDir;
use yufu::{
    audit::seal,
    base::{clock::ManualClock, random::SeededRandom},
    crypto::Algorithm,
    keyring::{Keyring, Purpose},
    model::{
        card::State,
        ids::CardId,
        record::{Commit, Key, Query, Record, Versioned, Write},
    },
    store::{
        CommitError, Damage, Mode, ReadError, Store,
        faults::{Faults, Step},
        log::{self, LogReader},
        sled::{OpenError, Options, SledStore, folder as records_of},
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
    let records = records_of(&ours.path());
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

/// Counts the syncs of records; fails them when it is told to.
#[derive(Default)]
struct Syncs {
    made: AtomicU64,
    fail: AtomicBool,
}

impl Faults for Syncs {
    fn before(&self, step: Step) -> io::Result<()> {
        if step == Step::RecordsSync {
            self.made.fetch_add(1, Ordering::Relaxed);
            if self.fail.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        Ok(())
    }
}

/// The `applied` of every frame of the log.
fn applied(folder: &Folder) -> Vec<u64> {
    let mut reader = LogReader::open(&log::folder(&folder.path())).expect("it is opened");
    std::iter::from_fn(|| reader.next_frame().expect("it is read").map(|(_, frame)| frame.applied)).collect()
}

#[test]
fn a_commit_that_its_event_tells_whole_needs_the_sync_of_the_log_only_and_the_log_says_so() {
    let (folder, syncs) = (lived_in(), Arc::new(Syncs::default()));
    let store = folder.open_with(Arc::clone(&syncs) as Arc<dyn Faults>);
    let synced = |what: Commit, expected: u64| {
        let before = syncs.made.load(Ordering::Relaxed);
        store.commit(what).expect("it is made");
        assert_eq!(syncs.made.load(Ordering::Relaxed) - before, expected);
    };
    synced(issue("a", 3), 1);
    synced(transition(&card(&store, "a"), State::Suspended, None), 0);
    synced(transition(&card(&store, "a"), State::Active, None), 0);
    synced(switch_off("good"), 0);
    synced(Commit::default(), 0);
    let last = store.head().size;
    let mut noted = transition(&card(&store, "a"), State::Suspended, None);
    if let Some(Write::Put(Record::Card(card))) = noted.writes.first_mut() {
        card.history.last_mut().expect("a change").sealed_note = Some("sealed".to_owned());
    }
    synced(noted, 1);
    synced(transition(&card(&store, "a"), State::Suspended, Some(NOW.plus_seconds(60))), 1);
    synced(transition(&card(&store, "a"), State::Revoked, None), 0);
    synced(register("p", &["x"]), 1);
    let frames = applied(&folder);
    assert_eq!(frames[frames.len() - 8..], [5, 6, 6, 6, 6, last + 1, last + 2, last + 2]);
}

#[test]
fn what_was_answered_and_not_synced_is_made_again_byte_for_byte() {
    let folder = lived_in();
    let store = folder.open();
    let names: Vec<String> = (0..12).map(|n| format!("card-{n}")).collect();
    names.iter().for_each(|name| drop(store.commit(issue(name, 2)).expect("it is issued")));
    drop(store);
    let kept = folder.path().with_file_name("kept");
    copy(&records_of(&folder.path()), &kept);

    let syncs = Arc::new(Syncs { fail: true.into(), ..Syncs::default() });
    let store = folder.open_with(Arc::clone(&syncs) as Arc<dyn Faults>);
    let mut state = 7_u64;
    for _ in 0..120 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let card = card(&store, &names[(state >> 33) as usize % names.len()]);
        let to = match (card.value.state, state >> 60) {
            (State::Revoked, _) => continue,
            (_, 0) => State::Revoked,
            (State::Active, _) => State::Suspended,
            (State::Suspended, _) => State::Active,
        };
        store.commit(transition(&card, to, None)).expect("it is made");
    }
    assert_eq!(syncs.made.load(Ordering::Relaxed), 0);
    let answered: Vec<_> = names.iter().map(|name| card(&store, name)).collect();
    let head = store.head();
    drop(store);

    // Everything that was not synced is gone, as after a power cut.
    fs::remove_dir_all(records_of(&folder.path())).expect("they are removed");
    copy(&kept, &records_of(&folder.path()));
    let store = folder.open();
    assert_eq!((store.health().mode, store.head()), (Mode::Normal, head), "nothing has to be made void");
    assert_eq!(names.iter().map(|name| card(&store, name)).collect::<Vec<_>>(), answered);
}

#[test]
fn a_sync_that_was_owed_and_fails_closes_the_store_and_loses_nothing() {
    let (folder, syncs) = (lived_in(), Arc::new(Syncs { fail: true.into(), ..Syncs::default() }));
    let store = folder.open();
    store.commit(issue("card-2", 1)).expect("it is issued");
    drop(store);
    let store = folder.open_with(syncs);
    move_card(&store, "card-2", State::Revoked);
    while store.health().mode == Mode::Normal {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(store.health().mode, Mode::ReadOnly);
    assert_eq!(store.commit(issue("another", 1)), Err(CommitError::ReadOnly));
    drop(store);
    let store = folder.open();
    assert_eq!((store.health().mode, card(&store, "card-2").value.state), (Mode::Normal, State::Revoked));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is made");
    for entry in fs::read_dir(from).expect("it is listed") {
        let entry = entry.expect("it is listed");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("it is copied");
        }
    }
}

/// A copy of a folder that a released version left behind, as private as it was.
fn released(version: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder is made");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/released").join(version), dir.path());
    let blobs = records_of(&dir.path().join("data")).join("blobs");
    // It is empty, and no archive of sources keeps empty folders.
    fs::create_dir_all(blobs).expect("it is made");
    make_private(&dir.path().join("keys"));
    dir
}

fn make_private(folder: &Path) {
    for entry in fs::read_dir(folder).expect("it is listed") {
        let path = entry.expect("it is listed").path();
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is made private");
        if path.is_dir() {
            make_private(&path);
        }
    }
}

/// What every version has to find in the folders of those before it; see docs/OPERATIONS.md, "Upgrades".
#[test]
fn the_data_folder_of_a_released_version_opens_with_everything_in_it() {
    const URL: &str = "http://127.0.0.1:18431";
    let dir = released("0.1.0");
    let (data, keys) = (dir.path().join("data"), dir.path().join("keys"));
    let (clock, random) = (ManualClock::at(NOW.plus_seconds(86_400)), SeededRandom::new(1));
    let keyring = Keyring::open_or_create(&keys, URL, Algorithm::Es256, &clock, &random).expect("its keys are good");
    let signer = keyring.signer(Purpose::Log);
    let attested = seal::attested(&*signer, URL, &data).expect("its heads are ours");
    assert_eq!(attested.map(|head| head.size), Some(18));
    let open = || {
        let (clock, random) = (Arc::new(clock.clone()), Arc::new(random.clone()));
        let options = Options::new(&data, keyring.index_key().clone(), keyring.signer(Purpose::Log), clock, random);
        SledStore::open(Options { attested, ..options }).expect("it opens")
    };
    let store = open();
    let health = store.health();
    assert_eq!((health.mode, health.events, Some(store.head())), (Mode::Normal, 18, attested));
    assert_eq!(store.roster().entries().len(), 3, "the administrator and the checkpoints of two demos");
    let people = store.find(&Query::People(Vec::new()), None, 9).expect("they are found").records;
    assert_eq!(people.len(), 2);
    let cards: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(dir.path().join("cards.json")).expect("it is read")).expect("a list");
    assert_eq!(cards.len(), 2);
    let holds_the_cards = |store: &SledStore| {
        for expected in &cards {
            let id =
                CardId::from_bytes(*uuid::Uuid::parse_str(expected["id"].as_str().expect("an id")).expect("one").as_bytes());
            let Some(Versioned { value: Record::Card(card), .. }) = store.get(&Key::Card(id)).expect("it is read") else {
                panic!("no card {id:?}")
            };
            let index = card.copies[0].status.index;
            assert_eq!((Some(u64::from(index)), card.state), (expected["index"].as_u64(), State::Revoked));
            assert_eq!((values(store, &card), card.history.len()), (vec![1], 4));
        }
    };
    holds_the_cards(&store);
    store.commit(issue("new", 2)).expect("it is issued");
    move_card(&store, "new", State::Revoked);
    drop(store);
    let store = open();
    assert_eq!((store.health().mode, card(&store, "new").value.state), (Mode::Normal, State::Revoked));
    holds_the_cards(&store);
}
