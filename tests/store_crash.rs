//! What was answered is there after kill -9 of a process that commits. Alone in its binary: while a child is being
//! started it holds the locks of all open stores.

#[path = "store/harness.rs"]
mod harness;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use harness::*;
use yufu::{
    base::{
        clock::ManualClock,
        random::{SeededRandom, SystemRandom},
    },
    model::card::State,
    store::{Mode, Store, sled::SledStore},
};

const DATA: &str = "YUFU_TEST_CRASH_DATA";
const ROUND: &str = "YUFU_TEST_CRASH_ROUND";

fn open(path: &Path) -> SledStore {
    let mut options = options(path, &ManualClock::at(NOW), &SeededRandom::new(0));
    options.random = std::sync::Arc::new(SystemRandom);
    SledStore::open(options).expect("the store opens")
}

/// Not a test by itself: the process that `an_answer_outlives_kill_9` starts and kills. It says what was answered, and
/// goes on until it is killed.
#[test]
fn the_process_that_is_killed() {
    let (Ok(data), Ok(round)) = (std::env::var(DATA), std::env::var(ROUND)) else { return };
    let store = open(&PathBuf::from(data));
    let say = |word: &str, name: &str| {
        let mut out = std::io::stdout().lock();
        // The parent may be gone already.
        let _ = writeln!(out, "\nanswered {word} {name}").and_then(|()| out.flush());
    };
    thread::scope(|scope| {
        for writer in 0..4 {
            let (store, round) = (&store, &round);
            scope.spawn(move || {
                for n in 0.. {
                    let name = format!("{round}-{writer}-{n}");
                    store.commit(issue(&name, 2)).expect("it is issued");
                    say("issued", &name);
                    store.commit(renew(&card(store, &name), &name, 2)).expect("it is renewed");
                    say("renewed", &name);
                    move_card(store, &name, State::Revoked);
                    say("revoked", &name);
                }
            });
        }
    });
}

#[test]
fn an_answer_outlives_kill_9() {
    let folder = Folder::new();
    let mut answered: BTreeMap<String, State> = BTreeMap::new();
    let mut renewed = BTreeSet::new();
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe().expect("the test has a path"))
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(DATA, folder.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut said = 0;
        for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
            // The last line may be cut short by the kill: then nobody heard it.
            let Ok(line) = line else { break };
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["answered", "issued", name] => answered.entry(name.to_owned()).or_insert(State::Active),
                ["answered", "renewed", name] => {
                    renewed.insert(name.to_owned());
                    answered.entry(name.to_owned()).or_insert(State::Active)
                }
                ["answered", "revoked", name] => answered.entry(name.to_owned()).insert_entry(State::Revoked).into_mut(),
                _ => continue,
            };
            said += 1;
            if said == 7 + 13 * round {
                child.kill().expect("it is killed");
            }
        }
        let status = child.wait().expect("it ends");
        assert!(!status.success() && said >= 7 + 13 * round, "it was killed while it worked: {status}, {said} answers");

        let store = open(&folder.path());
        assert_eq!(store.health().mode, Mode::Normal);
        for (name, state) in &answered {
            let card = card(&store, name).value;
            assert!(card.state == *state || card.state == State::Revoked, "{name} was {state:?}");
            let copies = if renewed.contains(name) { 4..=4 } else { 2..=4 };
            assert!(copies.contains(&card.copies.len()), "{name} has {} copies", card.copies.len());
            if *state == State::Revoked {
                assert_eq!(values(&store, &card), [1, 1, 1, 1], "{name}");
            }
        }
        no_index_twice(&store);
        log_is_whole(&store);
    }
}
