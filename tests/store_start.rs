//! The start rules over real folders. In each: every revoked card stays revoked, no index is given twice, a token that
//! was switched off stays off, a guarded store still serves lists and log, and after a repair writing works again.

#[path = "store/damage.rs"]
mod damage;
#[path = "store/faulty.rs"]
mod faulty;
#[path = "store/harness.rs"]
mod harness;

use std::fs;

use damage::{World, copy, replace};
use faulty::FailOnce;
use harness::*;
use yufu::{
    base::time::Date,
    model::{
        card::State,
        event::What,
        record::{Commit, Key, Record, Write},
    },
    store::{
        CommitError, Damage, Mode, Store,
        faults::Step,
        sled::{OpenError, RepairError},
    },
};

/// Opens a damaged folder: guarded for this reason, and again the same at the next start.
fn opens_guarded(world: &World, damage: &Damage) {
    for _ in 0..2 {
        let store = world.folder.open();
        assert_eq!(store.health().mode, Mode::Guarded(damage.clone()));
        world.guarded_serves_what_it_can(&store);
    }
}

/// The folder is repaired, opens normal and works; gives the cards that lost their person.
fn is_repaired(world: &World, damage: &Damage) -> usize {
    let report = world.folder.repair().expect("it is repaired");
    assert_eq!(&report.damage, damage);
    assert_eq!(report.cards, 6);
    let store = world.folder.open();
    assert_eq!(store.health().store, Some(report.store));
    let lost = report.cards_without_person.len();
    let last = store.events(store.head().size, 1).expect("it is read").remove(0).event.what;
    assert_eq!(last, What::StoreRepaired { store: report.store, cards_without_person: lost as u64 });
    world.works_again(&store);
    drop(store);
    world.works_again_after_restart();
    assert_eq!(world.folder.repair(), Err(RepairError::NotNeeded));
    lost
}

#[test]
fn records_that_were_deleted_or_open_empty() {
    for empty_folder in [false, true] {
        let world = World::new();
        fs::remove_dir_all(world.store()).expect("it is removed");
        if empty_folder {
            fs::create_dir(world.store()).expect("it is made");
        }
        opens_guarded(&world, &Damage::RecordsEmpty);
        assert_eq!(world.store().exists(), empty_folder, "a guarded start makes no records");
        assert_eq!(is_repaired(&world, &Damage::RecordsEmpty), 6);
    }
}

#[test]
fn a_repair_keeps_evidence_that_was_not_destroyed() {
    let world = World::new();
    let day = Date::parse("2026-12-24").expect("a date");
    let store = world.folder.open();
    store.commit(keep_evidence("kept", day)).expect("it is kept");
    store.commit(keep_evidence("over", day)).expect("it is kept");
    let records = store.head().size;
    drop(store);
    let before = world.folder.path().with_file_name("before");
    copy(&world.store(), &before);
    let store = world.folder.open();
    store.commit(destroy_evidence("over")).expect("it is destroyed");
    store.commit(register("late", &["late"])).expect("it is registered");
    store.commit(register("last", &["last"])).expect("it is registered");
    drop(store);
    replace(&before, &world.store());
    let damage = Damage::RecordsBehind { records, applied: records + 2 };
    opens_guarded(&world, &damage);
    is_repaired(&world, &damage);
    let store = world.folder.open();
    let there = |name| store.get(&Key::Evidence(evidence_id(name))).expect("it is read").is_some();
    assert_eq!([there("kept"), there("over")], [true, false]);
}

#[test]
fn records_of_an_older_day() {
    let world = World::new();
    replace(&world.half_way.join("store"), &world.store());
    let damage = Damage::RecordsBehind { records: world.events.0, applied: world.events.1 - 1 };
    opens_guarded(&world, &damage);
    // The card that was issued since is the only one the old records do not know.
    assert_eq!(is_repaired(&world, &damage), 1);
    let store = world.folder.open();
    assert_eq!(card(&store, "valid").value.person, Some(person_id("somebody")));
    assert!(store.get(&Key::Person(person_id("somebody"))).expect("it is read").is_some());
    match store.get(&Key::Token(token_id("off-late"))).expect("it is read").map(|found| found.value) {
        Some(Record::Token(token)) => assert_eq!((token.name.as_str(), token.switched_off_at), ("off-late", Some(NOW))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_of_another_store() {
    let world = World::new();
    let other = Folder::new();
    // Another store draws another identifier.
    drop(other.try_open(|options| options.random = std::sync::Arc::new(yufu::base::random::SeededRandom::new(99))));
    replace(&other.path().join("store"), &world.store());
    opens_guarded(&world, &Damage::ForeignRecords);
    assert_eq!(is_repaired(&world, &Damage::ForeignRecords), 6);
}

#[test]
fn records_cut_short_at_any_place() {
    for keep_snapshot in [true, false] {
        for part in 0..4 {
            let world = World::new();
            let file = fs::OpenOptions::new().write(true).open(world.store().join("db")).expect("it opens");
            file.set_len(file.metadata().expect("it is there").len() * part / 4).expect("it is cut");
            if !keep_snapshot {
                world.remove_sled_snapshots();
            }
            let store = world.folder.open();
            let mode = store.health().mode;
            world.nothing_comes_back(&store);
            match mode {
                Mode::Guarded(damage) => {
                    world.guarded_serves_what_it_can(&store);
                    drop(store);
                    is_repaired(&world, &damage);
                }
                // What was cut off was free space.
                mode => {
                    assert_eq!(mode, Mode::Normal, "part {part}");
                    world.works_again(&store);
                }
            }
        }
    }
}

#[test]
fn records_with_flipped_bits() {
    let mut random = 1_u64;
    for round in 0..12 {
        let world = World::new();
        let mut bytes = fs::read(world.store().join("db")).expect("it is read");
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) as u64 + 1;
        for _ in 0..=round % 3 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes[(random >> 16) as usize % used as usize] ^= 1 << (random % 8);
        }
        fs::write(world.store().join("db"), bytes).expect("it is written");
        if round % 2 == 0 {
            world.remove_sled_snapshots();
        }
        let store = world.folder.open();
        world.nothing_comes_back(&store);
        if let Mode::Guarded(damage) = store.health().mode {
            world.guarded_serves_what_it_can(&store);
            drop(store);
            is_repaired(&world, &damage);
        }
    }
}

#[test]
fn a_log_of_an_older_day_or_none_cannot_be_repaired_but_takes_nothing_back() {
    let (half, last) = World::new().events;
    let cut = |world: &World, by: usize| {
        let (bytes, frames) = (fs::read(world.segment()).expect("it is read"), world.frames());
        fs::write(world.segment(), &bytes[..frames[frames.len() - 2] + by]).expect("it is written");
    };
    type Row<'a> = (&'a str, &'a dyn Fn(&World), Damage, u64);
    let rows: [Row<'_>; 5] = [
        (
            "older",
            &|world| replace(&world.half_way.join("log"), &world.log()),
            Damage::LogBehind { records: last, log: half },
            half + 1,
        ),
        ("one frame less", &|world| cut(world, 0), Damage::LogBehind { records: last, log: last - 1 }, last),
        (
            "last frame torn, though acknowledged",
            &|world| cut(world, 20),
            Damage::LogBehind { records: last, log: last - 1 },
            last,
        ),
        ("removed", &|world| fs::remove_dir_all(world.log()).expect("it is removed"), Damage::LogMissing, 1),
        ("emptied", &|world| fs::write(world.segment(), "").expect("it is emptied"), Damage::LogMissing, 1),
    ];
    for (name, change, damage, lost) in rows {
        let world = World::new();
        change(&world);
        let before = fs::metadata(world.segment()).map(|file| file.len()).ok();
        opens_guarded(&world, &damage);
        assert_eq!(world.folder.repair(), Err(RepairError::LogLost(lost)), "{name}");
        assert_eq!(fs::metadata(world.segment()).map(|file| file.len()).ok(), before, "{name}: a guarded start cuts nothing");
    }
}

#[test]
fn a_bad_frame_in_the_middle_is_named_and_takes_nothing_back() {
    let world = World::new();
    let frames = world.frames();
    let log = world.log_bytes();
    for frame in 0..frames.len() - 2 {
        for at in [frames[frame] + 1, frames[frame] + 5, (frames[frame] + frames[frame + 1]) / 2] {
            let mut bytes = log.clone();
            bytes[at] ^= 0x10;
            fs::write(world.segment(), bytes).expect("it is written");
            let store = world.folder.open();
            let Mode::Guarded(Damage::LogDamaged(event)) = store.health().mode else { panic!("{:?}", store.health()) };
            assert_eq!(event, store.head().size + 1);
            world.guarded_serves_what_it_can(&store);
            drop(store);
            assert_eq!(world.folder.repair(), Err(RepairError::LogLost(event)));
        }
    }
    // With the log as it was, all is well.
    fs::write(world.segment(), log).expect("it is written");
    world.works_again(&world.folder.open());
}

#[test]
fn a_torn_frame_nobody_was_told_of_is_cut() {
    let world = World::new();
    let (log, frames) = (world.log_bytes(), world.frames());
    let last = &log[frames[frames.len() - 2]..];
    for torn in [&last[..3], &last[..12], &last[..last.len() - 1], &[0; 4096][..], b"yfL1yfL1yfL1yfL1yfL1"] {
        fs::write(world.segment(), [&log, torn].concat()).expect("it is written");
        let store = world.folder.open();
        assert_eq!(store.health().mode, Mode::Normal);
        assert_eq!(store.head().size, world.events.1);
        drop(store);
        assert_eq!(world.log_bytes(), log);
    }
    world.works_again(&world.folder.open());
}

#[test]
fn records_one_group_behind_are_taken_for_a_crash_and_redone() {
    let world = World::new();
    let store = world.folder.open();
    let (before, kept) = (world.folder.path().with_file_name("before"), store.head().size);
    drop(store);
    copy(&world.store(), &before);
    let store = world.folder.open();
    let receipt = store.commit(issue("lost", 2)).expect("it is issued");
    let lost = receipt.issued[0].clone();
    drop(store);
    replace(&before, &world.store());

    let store = world.folder.open();
    assert_eq!(store.health().mode, Mode::Normal);
    assert_eq!(values(&store, &lost), [1, 1], "a card without a record is not valid");
    let added: Vec<_> = store.events(kept + 2, 9).expect("they are read").into_iter().map(|logged| logged.event.what).collect();
    let copies = lost.copies.iter().map(|copy| copy.status).collect();
    assert_eq!(added, [What::IssueVoided { event: kept + 1, card: lost.id, copies }]);
    world.works_again(&store);
}

#[test]
fn a_crash_between_log_and_records_is_redone_or_made_void() {
    let world = World::new();
    let day = Date::parse("2026-12-24").expect("a date");
    world.folder.open().commit(keep_evidence("old", day)).expect("it is kept");
    let size = world.events.1 + 1;
    type Row<'a> = (Commit, &'a dyn Fn(&dyn Store), Vec<What>);
    let rows: [Row<'_>; 7] = [
        (
            transition(&card(&world.folder.open(), "valid"), State::Revoked, None),
            &|store| {
                assert_eq!(values(store, &world.cards[4].0), [1, 1]);
                let card = card(store, "valid");
                assert_eq!((card.version, card.value.state, card.value.history.len()), (2, State::Revoked, 2));
            },
            vec![],
        ),
        (switch_off("good"), &|store| assert_eq!(store.roster().bearer(&token_hash("good")), None), vec![]),
        (
            make_token("new"),
            &|store| assert_eq!(store.roster().bearer(&token_hash("new")), None),
            vec![What::TokenSwitchedOff { token: token_id("new") }, What::NotApplied { event: size + 1 }],
        ),
        (
            register("newcomer", &["newcomer"]),
            &|store| assert_eq!(store.get(&Key::Person(person_id("newcomer"))), Ok(None)),
            vec![What::NotApplied { event: size + 1 }],
        ),
        (
            keep_evidence("new", day),
            &|store| assert_eq!(store.get(&Key::Evidence(evidence_id("new"))), Ok(None)),
            vec![What::NotApplied { event: size + 1 }],
        ),
        // Its key is gone before anything is committed, so the record goes too.
        (destroy_evidence("old"), &|store| assert_eq!(store.get(&Key::Evidence(evidence_id("old"))), Ok(None)), vec![]),
        (
            issue("void", 2),
            &|store| assert_eq!(store.get(&Key::Card(card_id("void"))), Ok(None)),
            vec![What::IssueVoided { event: size + 1, card: card_id("void"), copies: vec![] }],
        ),
    ];
    let start = world.folder.path().with_file_name("start");
    copy(&world.folder.path(), &start);
    for (mut commit, holds, compensations) in rows {
        // What no event tells has to reach the records before the answer, whatever else the commit does.
        commit.writes.push(Write::Put(setting("beside", "it")));
        // The second fault hits the start that makes the first one good.
        for second in [None, Some(Step::LogWrite), Some(Step::LogSync), Some(Step::RecordsApply), Some(Step::Answer)] {
            replace(&start, &world.folder.path());
            let store = world.folder.open_with(FailOnce::at(Step::RecordsApply));
            assert_eq!(store.commit(commit.clone()), Err(CommitError::OutcomeUnknown));
            assert_eq!(store.health().mode, Mode::ReadOnly);
            assert_eq!(store.commit(put(setting("a", "1"))), Err(CommitError::ReadOnly));
            drop(store);
            if let Some(step) = second {
                let store = world.folder.open_with(FailOnce::at(step));
                world.nothing_comes_back(&store);
                for (logged, expected) in store.events(size + 1, 1).expect("they are read").iter().zip(&compensations) {
                    if let (What::Issued { copies, .. }, What::IssueVoided { .. }) = (&logged.event.what, expected) {
                        copies.iter().for_each(|at| assert_eq!(store.board().entry(*at).map(|entry| entry.value), Some(1)));
                    }
                }
            }
            for _ in 0..2 {
                let store = world.folder.open();
                assert_eq!(store.health().mode, Mode::Normal, "{commit:?} then {second:?}");
                holds(&store);
                let events = store.events(size + 2, 9).expect("they are read");
                let added: Vec<_> = events.into_iter().map(|logged| without_copies(logged.event.what)).collect();
                assert_eq!(added, compensations, "{commit:?} then {second:?}");
                log_is_whole(&store);
            }
        }
    }
}

fn without_copies(what: What) -> What {
    match what {
        What::IssueVoided { event, card, .. } => What::IssueVoided { event, card, copies: vec![] },
        other => other,
    }
}

#[test]
fn a_full_disk_refuses_and_recovers_without_a_restart() {
    let world = World::new();
    let store = world.folder.open_with(FailOnce::at(Step::LogWrite));
    assert_eq!(store.commit(issue("refused", 1)), Err(CommitError::Unavailable));
    assert_eq!(store.health().mode, Mode::Normal);
    assert_eq!(store.get(&Key::Card(card_id("refused"))), Ok(None));
    world.works_again(&store);
}

#[test]
fn after_a_failed_sync_nothing_is_written_and_the_next_start_settles_it() {
    for step in [Step::LogSync, Step::RecordsSync, Step::Answer] {
        let world = World::new();
        let store = world.folder.open_with(FailOnce::at(step));
        let mut commit = transition(&card(&store, "valid"), State::Revoked, None);
        // What the event does not tell has to be synced by itself.
        commit.writes.push(Write::Put(setting("beside", "it")));
        assert_eq!(store.commit(commit), Err(CommitError::OutcomeUnknown), "{step:?}");
        assert_eq!(store.health().mode, Mode::ReadOnly);
        assert_eq!(store.commit(issue("refused", 1)), Err(CommitError::ReadOnly));
        world.nothing_comes_back(&store);
        drop(store);
        let store = world.folder.open();
        assert_eq!(store.health().mode, Mode::Normal);
        assert_eq!(card(&store, "valid").value.state, State::Revoked);
        assert_eq!(values(&store, &world.cards[4].0), [1, 1]);
    }
}

#[test]
fn a_frame_that_could_not_be_cut_off_is_cut_at_the_next_start() {
    let world = World::new();
    let store = world.folder.open_with(FailOnce::at_both(Step::LogWrite, Step::LogCut));
    assert_eq!(store.commit(issue("refused", 1)), Err(CommitError::Unavailable));
    assert_eq!(store.health().mode, Mode::ReadOnly);
    drop(store);
    let store = world.folder.open();
    assert_eq!(store.get(&Key::Card(card_id("refused"))), Ok(None));
    world.works_again(&store);
}

#[test]
fn a_crash_during_the_first_start_is_no_damage() {
    let folder = Folder::new();
    drop(folder.open());
    for leave in ["", "store"] {
        fs::remove_dir_all(folder.path().join("store")).expect("it is removed");
        if !leave.is_empty() {
            fs::create_dir(folder.path().join(leave)).expect("it is made");
        }
        let store = folder.open();
        assert_eq!((store.health().mode, store.head().size), (Mode::Normal, 1));
    }
}

#[test]
fn records_of_an_unknown_schema_are_left_alone() {
    let folder = Folder::new();
    drop(folder.open());
    let db = sled::open(folder.path().join("store")).expect("it opens");
    let mut identity = db.get(b"i").expect("it is read").expect("it is there").to_vec();
    identity[0] = 2;
    db.insert(b"i", identity).expect("it is written");
    db.flush().expect("it is flushed");
    drop(db);
    assert_eq!(folder.try_open(|_| {}).err(), Some(OpenError::UnknownSchema(2)));
}

#[test]
fn an_interrupted_repair_is_repaired_again() {
    let world = World::new();
    replace(&world.half_way.join("store"), &world.store());
    // The new records are in place, but the log does not know them yet.
    let failed = world.folder.repair_with(FailOnce::at(Step::LogWrite));
    assert!(matches!(failed, Err(RepairError::Open(OpenError::NotMade(_)))), "{failed:?}");
    opens_guarded(&world, &Damage::ForeignRecords);
    // People and names that the old records gave are not lost on the way: only the newest card was never in them.
    assert_eq!(is_repaired(&world, &Damage::ForeignRecords), 1);
}
