//! FT-18: a set of keys is whole or not there. There is no rotation of keys yet; what changes a set is the first start, which
//! is killed here at each of its steps and then done again.

use std::path::Path;

use crate::{
    scene::{Dice, Scene, can_trace, contents},
    support::rounds::rounds,
};

#[test]
fn a_first_start_that_is_killed_at_any_step_is_finished_or_begun_anew_by_the_next() {
    if !can_trace() {
        return;
    }
    let count = rounds(3, 100);
    let mut cut_short = 0;
    for round in 0..count {
        let dice = Dice::new(round as u64);
        let scene = Scene::empty();
        // Keys are written aside, synced, and moved into their place one by one; then come the store and the first token.
        let (call, times) = [("?rename,?renameat,?renameat2", 34), ("fsync", 60), ("openat", 160)][round % 3];
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={}", 1 + dice.below(times)));
        let line = ["strace", "-D", "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject];
        match scene.try_serve(&line) {
            Ok(mut served) => served.kill(),
            Err((_, words)) => {
                assert!(!words.contains("panicked"), "{inject}: {words}");
                cut_short += 1;
            }
        }
        let whole = scene.keys().join("keyring.toml").exists().then(|| private_keys(&scene.keys()));
        let mut served = scene.serve();
        served.is_ready();
        if let Some(before) = whole {
            assert_eq!(private_keys(&scene.keys()), before, "{inject}: a set that was whole stays");
        }
        served.user.get("/admin/api/v1/tokens").good(200);
        served.kill();
        scene.serve().is_ready();
    }
    assert!(cut_short > count / 4, "{cut_short} of {count} first starts were cut short");
    eprintln!("{count} first starts, {cut_short} of them cut short: each was finished or begun anew");
}

fn private_keys(keys: &Path) -> Vec<Vec<u8>> {
    contents(keys)
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|ext| ext == "pem" || ext == "key"))
        .map(|(_, key)| key)
        .collect()
}
