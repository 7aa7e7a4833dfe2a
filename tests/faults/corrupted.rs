//! FT-07: random damage to the data folder. Whatever it is, nothing that was taken away comes back, and what can be repaired
//! is repaired. Chosen damage stands in `tests/store_start.rs` and `tests/store_snapshot.rs`.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use yufu::store::{Damage, Mode, Store, sled::RepairError};

use crate::{
    damage::World,
    harness::log_is_whole,
    scene::{Dice, contents, patiently},
    support::rounds::rounds,
};

#[test]
fn random_damage_never_brings_anything_back_and_never_stops_a_repair_that_the_log_allows() {
    let (mut normal, mut repaired, mut only_served) = (0, 0, 0);
    let count = rounds(20, 500);
    for round in 0..count {
        let (world, dice) = (World::new(), Dice::new(round as u64));
        let (log_before, records_before) = (contents(&world.log()), contents(&world.store()));
        let done =
            (0..1 + dice.below(3)).map(|nth| damage(&world, (round + nth) % KINDS, &dice)).collect::<Vec<_>>().join(", ");
        let store = world.folder.open();
        patiently("the records open", || (store.health().mode != Mode::Opening).then_some(()));
        eprintln!("round {round}: {done}: {:?}", store.health().mode);
        // Where log and records were both hit and nothing else tells of what they lost, it is lost; but never normal.
        let both = log_before != contents(&world.log()) && records_before != contents(&world.store());
        if both && catch_unwind(AssertUnwindSafe(|| world.nothing_comes_back(&store))).is_err() {
            assert!(matches!(store.health().mode, Mode::Guarded(_)), "{done}");
            only_served += 1;
            continue;
        }
        world.nothing_comes_back(&store);
        match store.health().mode {
            Mode::Guarded(damage) => {
                world.guarded_serves_what_it_can(&store);
                drop(store);
                match world.folder.repair() {
                    Ok(_) => {
                        let store = world.folder.open();
                        world.works_again(&store);
                        repaired += 1;
                    }
                    // The log itself lost something: only a backup brings that back.
                    Err(RepairError::LogLost(_)) => {
                        assert!(
                            matches!(damage, Damage::LogDamaged(_) | Damage::LogBehind { .. } | Damage::LogMissing),
                            "{done}: {damage:?}"
                        );
                        only_served += 1;
                    }
                    Err(error) => panic!("{done}: {error:?}"),
                }
            }
            // What was changed was not in use, or can be done without.
            mode => {
                assert_eq!(mode, Mode::Normal, "{done}");
                log_is_whole(&store);
                world.works_again(&store);
                normal += 1;
            }
        }
    }
    eprintln!("{count} damaged folders: {normal} opened whole, {repaired} repaired, {only_served} served from what is left");
}

const KINDS: usize = 9;

/// One change, told in words.
fn damage(world: &World, kind: usize, dice: &Dice) -> String {
    let data = world.folder.path();
    let records = world.store();
    let told = |what: &str, path: &Path| format!("{what} {}", path.strip_prefix(&data).unwrap_or(path).display());
    match kind {
        0 | 1 => {
            let path = any(&records, dice);
            flip(&path, dice, 1 + dice.below(8));
            told("bits flipped in", &path)
        }
        2 => {
            let path = any(&records, dice);
            cut(&path, dice);
            told("cut short", &path)
        }
        3 => {
            world.remove_sled_snapshots();
            "snapshots of the records removed".to_owned()
        }
        4 => {
            let path = records.join("snap.00000000DEADBEEF.generating");
            fs::create_dir_all(&records).and_then(|()| fs::write(&path, "")).expect("it is written");
            told("left over", &path)
        }
        5 => {
            // In one of two an empty folder is left.
            drop(fs::remove_dir_all(&records));
            if dice.below(2) == 0 {
                fs::create_dir_all(&records).expect("it is made");
            }
            told("emptied", &records)
        }
        6 => {
            drop(fs::remove_file(records.join("conf")));
            "conf of the records removed".to_owned()
        }
        7 => {
            let path = any(&data, dice);
            flip(&path, dice, 1);
            told("a bit flipped in", &path)
        }
        _ => {
            let path = any(&data, dice);
            drop(fs::remove_file(&path));
            told("removed", &path)
        }
    }
}

fn any(folder: &Path, dice: &Dice) -> PathBuf {
    let files: Vec<PathBuf> = contents(folder).into_keys().collect();
    // Damage before may have left none.
    if files.is_empty() { folder.join("nothing") } else { files[dice.below(files.len())].clone() }
}

/// Flips bits where something is written; what was never used is zero.
fn flip(path: &Path, dice: &Dice, count: usize) {
    let Ok(mut bytes) = fs::read(path) else { return };
    let Some(used) = bytes.iter().rposition(|byte| *byte != 0) else { return };
    for _ in 0..count {
        bytes[dice.below(used + 1)] ^= 1 << dice.below(8);
    }
    fs::write(path, bytes).expect("it is written");
}

fn cut(path: &Path, dice: &Dice) {
    let Ok(bytes) = fs::read(path) else { return };
    fs::write(path, &bytes[..dice.below(bytes.len() + 1)]).expect("it is written");
}
