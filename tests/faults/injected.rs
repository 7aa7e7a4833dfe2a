//! FT-03: each system call fails once, or is the last that the process makes.

use yufu::{
    model::card::State,
    store::{Mode, Store},
};

use crate::{
    harness::{log_is_whole, no_index_twice},
    scene::{Dice, Ledger, Scene, Served, can_trace, patiently},
    support::rounds::rounds,
};

const CARDS: usize = 12;

/// The calls, those of a commit first.
const CALLS: [&str; 12] = [
    "fdatasync",
    "pwrite64",
    "write",
    "read",
    "openat",
    "close",
    "fsync",
    "?rename,?renameat,?renameat2",
    "pread64",
    "ftruncate",
    "sync_file_range",
    "lseek",
];

const FAULTS: [&str; 3] = ["error=EIO", "signal=KILL", "error=ENOSPC"];

#[test]
fn a_system_call_that_fails_once_or_kills_loses_nothing_and_brings_nothing_back() {
    if !can_trace() {
        return;
    }
    let mut scene = Scene::new(CARDS);
    let (mut refused, mut died, mut unanswered, mut repaired) = (0, 0, 0, 0);
    let count = rounds(6, CALLS.len() * FAULTS.len() * 6);
    for round in 0..count {
        let dice = Dice::new(round as u64);
        // Every call with every fault in so many rounds as there are pairs.
        let (call, fault) = (CALLS[round % CALLS.len()], FAULTS[(round + round / CALLS.len()) % FAULTS.len()]);
        // Counted by each thread for itself: of a commit's calls the writer makes one or two.
        let inject = format!("inject={call}:{fault}:when={}", 1 + dice.below(6));
        let mut ledger = Ledger::of(&scene);
        let line = strace(&scene, call, &inject);
        match scene.try_serve(&line.iter().map(String::as_str).collect::<Vec<_>>()) {
            Ok(mut served) => {
                for card in 0..CARDS {
                    for to in [State::Suspended, State::Revoked] {
                        let answer = served.order(&scene.cards[card].id, to);
                        unanswered += usize::from(answer != Some(200));
                        ledger.note(card, to, answer);
                        if answer != Some(200) {
                            break;
                        }
                    }
                }
                if served.user.try_get("/health/live") == Some(200) {
                    ledger.is_shown(&scene, &served.user);
                } else {
                    died += 1;
                }
                served.kill();
            }
            Err((status, words)) => {
                assert!(!status.success() && !words.contains("panicked"), "{inject}: {status}: {words}");
                refused += 1;
            }
        }

        let mut served = scene.serve();
        let mode = mode(&served);
        if mode == "guarded" && call == "pread64" {
            // sled takes a read that fails while it opens for the end of its records, and writes on from there (THREATS F3).
            // The log tells: nothing that was taken away comes back, and a repair makes every card good again.
            ledger.is_shown(&scene, &served.user);
            served.kill();
            let done = scene.run(&["repair"]);
            assert!(done.status.success(), "{inject}: {}", String::from_utf8_lossy(&done.stderr));
            served = scene.serve();
            served.is_ready();
            repaired += 1;
        } else {
            assert_eq!(mode, "ready", "{inject}");
        }
        ledger.holds(&scene, &served, 0..CARDS);
        served.kill();
        let store = scene.store();
        assert_eq!(store.health().mode, Mode::Normal, "{inject}");
        no_index_twice(&store);
        log_is_whole(&store);
        drop(store);
        scene = Scene::new(CARDS);
    }
    assert!(died + refused > 0 && unanswered > 0, "faults happened: {refused} refused, {died} died, {unanswered} not answered");
    eprintln!(
        "{count} faults: {refused} starts refused, {died} processes died, {unanswered} orders not answered, {repaired} repaired"
    );
}

/// What readiness says once the records are open.
fn mode(served: &Served) -> String {
    patiently("the records open", || {
        let status = served.user.get("/health/ready").json()["status"].as_str().expect("text").to_owned();
        (status != "opening").then_some(status)
    })
}

/// strace on the calls of the data folder's files alone.
fn strace(scene: &Scene, call: &str, inject: &str) -> Vec<String> {
    let trace = format!("trace={call}");
    let mut line: Vec<String> = ["strace", "-D", "-f", "-o", "/dev/null", "-e", &trace].map(str::to_owned).into();
    let (log, records) = (scene.data.join("log"), scene.data.join("store"));
    let mut paths = vec![log.clone(), records.clone(), records.join("blobs"), scene.data.join("status")];
    for folder in [log, records] {
        paths.extend(std::fs::read_dir(folder).expect("it is listed").map(|entry| entry.expect("it is listed").path()));
    }
    for path in paths {
        line.extend(["-P".to_owned(), path.display().to_string()]);
    }
    line.extend(["-e".to_owned(), inject.to_owned()]);
    line
}
