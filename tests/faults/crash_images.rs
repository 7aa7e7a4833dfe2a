//! FT-02: what a power cut leaves. A process that commits is traced; from its system calls the data folder is built again as
//! it would be found after a cut at any moment, and opened.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use yufu::{
    base::{
        clock::ManualClock,
        random::{SeededRandom, SystemRandom},
    },
    model::{
        card::State,
        record::{Key, Record},
    },
    store::{Mode, Store, sled::SledStore},
};

use crate::{
    disk::{Disk, Unsynced},
    harness::*,
    scene::{Dice, can_trace, patiently},
    support::rounds::rounds,
    trace,
};

const DATA: &str = "YUFU_TEST_TRACED_DATA";

/// What is done to each card, in this order; then a token is made and switched off, and a setting written, of which no event
/// tells.
const STEPS: [&str; 8] = ["issued", "renewed", "suspended", "reinstated", "revoked", "token", "off", "set"];

const WRITERS: usize = 4;
const CARDS: usize = 3;

fn open(path: &Path) -> SledStore {
    let mut options = options(path, &ManualClock::at(NOW), &SeededRandom::new(0));
    options.random = Arc::new(SystemRandom);
    // Snapshots are written on the way.
    options.snapshot_every = 60;
    let store = SledStore::open(options).expect("the store opens");
    patiently("the records open", || (store.health().mode != Mode::Opening).then_some(()));
    store
}

/// Not a test by itself: the process that `whatever_a_power_cut_leaves_holds_every_answer` traces. It works, opens its store
/// anew, and works on.
#[test]
fn the_process_that_is_traced() {
    let Ok(data) = std::env::var(DATA) else { return };
    for half in 0..2 {
        let store = open(&PathBuf::from(&data));
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let store = &store;
                scope.spawn(move || (0..CARDS).for_each(|n| work(store, &format!("{half}-{writer}-{n}"))));
            }
        });
    }
}

fn work(store: &dyn Store, name: &str) {
    let said = |nth: usize| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nanswered {} {name}", STEPS[nth]).and_then(|()| out.flush()).expect("it is said");
    };
    for nth in 0..STEPS.len() {
        let commit = match nth {
            0 => issue(name, 2),
            1 => renew(&card(store, name), name, 2),
            2 => transition(&card(store, name), State::Suspended, None),
            3 => transition(&card(store, name), State::Active, None),
            4 => transition(&card(store, name), State::Revoked, None),
            5 => make_token(name),
            6 => switch_off(name),
            _ => put(setting(name, "kept")),
        };
        store.commit(commit).expect("it is committed");
        said(nth);
    }
}

/// How many steps of a card the store knows.
fn known(store: &dyn Store, name: &str) -> usize {
    let Some(found) = store.get(&Key::Card(card_id(name))).expect("it is read") else { return 0 };
    let Record::Card(card) = found.value else { panic!("{found:?}") };
    let shown = values(store, &card);
    assert!(shown.iter().all(|value| *value == card.state.list_value()), "{name} is {:?} and shown as {shown:?}", card.state);
    let token = store.get(&Key::Token(token_id(name))).expect("it is read").map(|token| token.value);
    let good = store.roster().bearer(&token_hash(name)).is_some();
    let set = store.get(&setting_key(name)).expect("it is read").is_some();
    match (card.state, card.copies.len(), card.history.len(), token) {
        (State::Active, 2, 1, _) => 1,
        (State::Active, 4, 1, _) => 2,
        (State::Suspended, 4, ..) => 3,
        (State::Active, 4, 3, _) => 4,
        (State::Revoked, 4, _, None) => 5,
        (State::Revoked, 4, _, Some(_)) if good => 6,
        (State::Revoked, 4, _, Some(_)) => 7 + usize::from(set),
        other => panic!("{name}: {other:?}"),
    }
}

/// Opens what a power cut has left and holds it against what was answered before; whether it opened without a repair.
fn holds(folder: &Path, answered: &BTreeMap<String, usize>, what: &str) {
    let store = open(folder);
    let mode = store.health().mode;
    assert_eq!(mode, Mode::Normal, "{what}");
    for (name, steps) in answered {
        let now = known(&store, name);
        // One more may have been under way. A token that nobody was told of is switched off when its record was lost.
        assert!((*steps..=steps + 2).contains(&now), "{what}: {name} knows {now} steps of {steps} that were answered");
    }
    no_index_twice(&store);
    log_is_whole(&store);
}

#[test]
fn whatever_a_power_cut_leaves_holds_every_answer() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (data, out) = (folder.path().join("data"), folder.path().join("trace"));
    let calls = "trace=openat,close,lseek,write,pwrite64,fsync,fdatasync,ftruncate,fallocate,\
                 rename,renameat,renameat2,unlink,unlinkat,mkdir,rmdir";
    let mut line = trace::options(out.to_str().expect("a plain path"), calls);
    let this = std::env::current_exe().expect("the test has a path");
    line.extend([this.to_str().expect("a plain path"), "--exact", "crash_images::the_process_that_is_traced", "--nocapture"]);
    let traced = Command::new(line[0]).args(&line[1..]).env(DATA, &data).stdout(Stdio::null()).spawn();
    let mut traced = traced.expect("it starts");
    let ended = traced.wait().expect("it ends");
    assert!(ended.success(), "the process worked: {ended}");
    let calls = trace::read(&out, traced.id());

    let mut events: Vec<(usize, bool, usize)> = Vec::new();
    for (nth, call) in calls.iter().enumerate() {
        events.push((call.began, false, nth));
        if call.ended != usize::MAX {
            events.push((call.ended, true, nth));
        }
    }
    events.sort_unstable();
    let of_data = |call: &trace::Call| Path::new(&call.path).starts_with(&data);
    let syncs: Vec<usize> = calls.iter().filter(|call| call.syncs() && of_data(call)).map(|call| call.ended).collect();
    let dice = Dice::new(5);
    let count = rounds(24, 500);
    // Half of the cuts come while a sync is under way, the others anywhere between the first and the last.
    let (first, last) = (syncs[0], syncs[syncs.len() - 1]);
    let mut cuts: Vec<usize> = (0..count)
        .map(|_| if dice.below(2) == 0 { syncs[dice.below(syncs.len())] - 1 } else { first + dice.below(last - first) })
        .collect();
    cuts.sort_unstable();

    let (mut disk, mut answered, mut unsynced) = (Disk::empty(folder.path()), BTreeMap::new(), 0);
    let mut next = events.iter().peekable();
    for (nth, cut) in cuts.into_iter().enumerate() {
        while let Some((_, ends, call)) = next.next_if(|(line, ..)| *line <= cut) {
            let call = &calls[*call];
            if *ends {
                disk.end(call);
            } else {
                disk.begin(call);
                answers(call, &mut answered);
            }
        }
        let rule = [Unsynced::Dropped, Unsynced::Kept, Unsynced::Reordered, Unsynced::Torn][nth % 4];
        let image = tempfile::tempdir().expect("a folder");
        unsynced += disk.image(image.path(), rule, &dice);
        holds(&image.path().join("data"), &answered, &format!("cut {nth} in line {cut}, the rest {rule:?}"));
    }
    assert!(unsynced > count / 2 && answered.len() > WRITERS, "something was under way: {unsynced} changes");
    eprintln!("{count} images of {} syncs and {} answered cards: nothing lost", syncs.len(), answered.len());
}

/// Takes up what a call tells the world.
fn answers(call: &trace::Call, answered: &mut BTreeMap<String, usize>) {
    if call.name != "write" || call.fd != Some(1) {
        return;
    }
    for line in String::from_utf8_lossy(&call.bytes()).lines() {
        let Some((step, name)) = line.strip_prefix("answered ").and_then(|said| said.split_once(' ')) else { continue };
        let nth = STEPS.iter().position(|known| *known == step).expect("a step");
        answered.insert(name.to_owned(), nth + 1);
    }
}
