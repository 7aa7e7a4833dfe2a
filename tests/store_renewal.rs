//! Renewed cards in the store: one card, several batches, each index once; over crashes and repairs as well.

#[path = "store/damage.rs"]
mod damage;
#[path = "store/faulty.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod faulty;
#[path = "store/harness.rs"]
mod harness;

use std::fs;

use damage::{copy, replace};
use faulty::FailOnce;
use harness::*;
use yufu::{
    base::time::Timestamp,
    model::{
        card::{Card, State, StatusRef},
        client::WalletInstance,
        event::What,
        record::{Commit, Guard, Key, Record, Versioned},
    },
    store::{CommitError, Damage, Mode, Store, faults::Step},
};

fn indices(card: &Card) -> Vec<StatusRef> {
    card.copies.iter().map(|copy| copy.status).collect()
}

fn renewed(store: &dyn Store, name: &str, copies: usize) -> Card {
    let receipt = store.commit(renew(&card(store, name), name, copies)).expect("it is renewed");
    receipt.issued.into_iter().next().expect("the card")
}

#[test]
fn a_renewal_is_one_card_more_indices_and_one_event() {
    let folder = Folder::new();
    let store = folder.open();
    let first = store.commit(issue("card", 2)).expect("it is issued").issued.remove(0);
    let before = store.head().size;
    let second = renewed(&store, "card", 3);
    assert_eq!((second.id, second.copies.len(), store.head().size), (first.id, 5, before + 1));
    assert_eq!(indices(&second)[..2], indices(&first));
    assert_eq!(card(&store, "card"), Versioned { version: 2, value: second.clone() });
    let event = store.events(before + 1, 1).expect("it is read").remove(0).event.what;
    let (valid_from, valid_until) = (second.valid_from, second.valid_until);
    assert_eq!(event, What::Renewed { card: first.id, copies: indices(&second)[2..].to_vec(), valid_from, valid_until });
    let given = |store: &dyn Store| indices(&second).iter().all(|at| store.board().entry(*at).is_some_and(|at| at.given));
    assert!(given(&store), "an index of a renewal is given like any other");
    move_card(&store, "card", State::Revoked);
    assert_eq!(values(&store, &second), [1; 5], "old copies and new ones");
    drop(store);
    // What a start reads from log and snapshots is the same.
    for _ in 0..2 {
        let store = folder.open();
        assert!(given(&store));
        assert_eq!(values(&store, &second), [1; 5]);
        store.commit(issue(&format!("later-{}", store.head().size), 8)).expect("it is issued");
        no_index_twice(&store);
        log_is_whole(&store);
    }
}

#[test]
fn what_is_not_to_be_renewed_fails_like_a_guard_and_changes_nothing() {
    let folder = Folder::new();
    let store = folder.open();
    store.commit(issue("revoked", 1)).expect("it is issued");
    let good = card(&store, "revoked");
    move_card(&store, "revoked", State::Revoked);
    let revoked = card(&store, "revoked");
    let absent = Versioned { version: 1, value: Card { id: card_id("absent"), ..good.value.clone() } };
    let head = store.head();
    let no_guards = |commit: Commit| Commit { guards: Vec::new(), ..commit };
    assert_eq!(store.commit(renew(&good, "revoked", 1)), Err(CommitError::GuardFailed(0)), "it was changed meanwhile");
    assert_eq!(store.commit(renew(&revoked, "revoked", 1)), Err(CommitError::GuardFailed(1)));
    assert_eq!(store.commit(no_guards(renew(&absent, "absent", 1))), Err(CommitError::GuardFailed(0)));
    assert_eq!((store.head(), card(&store, "revoked")), (head, revoked));
    // Nor was an index used up by a refusal that another card could have had.
    store.commit(issue("next", 1)).expect("it is issued");
    no_index_twice(&store);
}

#[test]
fn one_of_16_parallel_renewals_of_one_version_is_made() {
    let folder = Folder::new();
    let store = folder.open();
    store.commit(issue("card", 1)).expect("it is issued");
    let commit = renew(&card(&store, "card"), "card", 2);
    let start = std::sync::Barrier::new(16);
    let made = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    store.commit(commit.clone()).is_ok()
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("it ends")).filter(|made| *made).count()
    });
    assert_eq!((made, card(&store, "card").value.copies.len()), (1, 3));
}

#[test]
fn another_card_of_an_installation_is_seen_inside_the_commit() {
    let folder = Folder::new();
    let store = folder.open();
    let on = |name: &str, instance: Option<u8>, credential_type: &str, known: &[&str]| {
        let instance = instance.map(|byte| WalletInstance::of_hash([byte; 32]));
        let order = yufu::model::card::IssueOrder { instance, ..order(name, credential_type, 1) };
        let known = known.iter().map(|name| card_id(name)).collect();
        let guard = Guard::NoOtherCard { person: order.person, credential_type: credential_type.to_owned(), known };
        Commit { guards: vec![guard], issue: vec![order], ..Commit::default() }
    };
    let refused = Err(CommitError::GuardFailed(0));
    store.commit(on("without", None, TYPE, &[])).expect("no card is there");
    store.commit(on("first", Some(1), TYPE, &[])).expect("the one there is tied to no installation");
    assert_eq!(store.commit(on("second", Some(2), TYPE, &[])), refused);
    store.commit(on("other", Some(2), "transport-qualification", &[])).expect("it is of another type");
    move_card(&store, "first", State::Suspended);
    assert_eq!(store.commit(on("second", Some(2), TYPE, &["without"])), refused, "a suspended card counts");
    store.commit(on("second", Some(2), TYPE, &["first"])).expect("all are known");
    move_card(&store, "second", State::Revoked);
    store.commit(on("third", Some(3), TYPE, &["first"])).expect("a revoked card does not count");
    // Cards of the same group of commits are seen as well.
    let start = std::sync::Barrier::new(16);
    let made = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..16_u8)
            .map(|n| {
                let (store, start, commit) = (&store, &start, on(&n.to_string(), Some(n), TYPE, &["first", "third"]));
                scope.spawn(move || {
                    start.wait();
                    store.commit(commit).is_ok()
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("it ends")).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
}

/// A crash between log and records: the batch is void, the card is as it was, and can be renewed anew.
#[test]
fn a_crash_makes_the_new_batch_void_and_nothing_else() {
    for second in [None, Some(Step::LogWrite), Some(Step::LogSync), Some(Step::RecordsApply), Some(Step::Answer)] {
        let folder = Folder::new();
        let store = folder.open();
        store.commit(issue("card", 2)).expect("it is issued");
        let before = card(&store, "card");
        let size = store.head().size;
        drop(store);
        let store = folder.open_with(FailOnce::at(Step::RecordsApply));
        assert_eq!(store.commit(renew(&before, "card", 3)), Err(CommitError::OutcomeUnknown));
        drop(store);
        if let Some(step) = second {
            drop(folder.open_with(FailOnce::at(step)));
        }
        let store = folder.open();
        assert_eq!((store.health().mode, card(&store, "card")), (Mode::Normal, before.clone()));
        assert_eq!(values(&store, &before.value), [0, 0], "the copies that somebody has stay good");
        let logged: Vec<_> = store.events(size + 1, 9).expect("they are read").into_iter().map(|e| e.event.what).collect();
        let [What::Renewed { copies, .. }, void] = &logged[..] else { panic!("{logged:?} after {second:?}") };
        assert_eq!(*void, What::IssueVoided { event: size + 1, card: before.value.id, copies: copies.clone() });
        assert!(copies.iter().all(|at| store.board().entry(*at).is_some_and(|entry| entry.value == 1)));
        let again = renewed(&store, "card", 3);
        assert_eq!(values(&store, &again), [0; 5]);
        assert!(copies.iter().all(|at| !indices(&again).contains(at)));
        move_card(&store, "card", State::Revoked);
        assert_eq!(values(&store, &again), [1; 5]);
        no_index_twice(&store);
        log_is_whole(&store);
    }
}

/// The old card's revocation and the new card stand in one commit. After a crash the revocation is redone, which errs on
/// the safe side, and the new card is void: the wallet asks again.
#[test]
fn a_crash_of_a_card_that_takes_the_place_of_another_takes_nothing_back() {
    let folder = Folder::new();
    let store = folder.open();
    store.commit(issue("old", 2)).expect("it is issued");
    let old = card(&store, "old");
    drop(store);
    let store = folder.open_with(FailOnce::at(Step::RecordsApply));
    let commit = Commit { issue: vec![order("new", TYPE, 2)], ..transition(&old, State::Revoked, None) };
    assert_eq!(store.commit(commit), Err(CommitError::OutcomeUnknown));
    drop(store);
    let store = folder.open();
    assert_eq!((card(&store, "old").value.state, values(&store, &old.value)), (State::Revoked, vec![1, 1]));
    assert_eq!(store.get(&Key::Card(card_id("new"))), Ok(None));
    let cards = no_index_twice(&store);
    assert_eq!(cards.get(&card_id("new")), Some(&None));
    store.commit(issue("newer", 1)).expect("it is issued");
}

/// What a repair makes of the log, with the records of an older day or with none.
#[test]
fn a_repair_knows_every_batch() {
    for keep_records in [true, false] {
        let folder = Folder::new();
        let data = folder.path();
        let store = folder.open();
        store.commit(issue("card", 2)).expect("it is issued");
        store.commit(issue("other", 1)).expect("it is issued");
        store.commit(put(Record::Card(Card { due_for_renewal: true, ..card(&store, "other").value }))).expect("it is due");
        let before = card(&store, "card");
        drop(store);
        let store = folder.open_with(FailOnce::at(Step::RecordsApply));
        assert_eq!(store.commit(renew(&before, "card", 1)), Err(CommitError::OutcomeUnknown));
        drop(store);
        // The void batch is in the log; then the records of that day are kept, and life goes on.
        drop(folder.open());
        copy(&data.join("store"), &data.with_file_name("half-way"));
        let store = folder.open();
        renewed(&store, "card", 3);
        let there = renewed(&store, "card", 2);
        store.commit(renew(&card(&store, "other"), "other", 1)).expect("it is renewed");
        store.commit(put(setting("last", "1"))).expect("it is written");
        move_card(&store, "other", State::Suspended);
        let size = store.head().size;
        drop(store);
        match keep_records {
            true => replace(&data.with_file_name("half-way"), &data.join("store")),
            false => fs::remove_dir_all(data.join("store")).expect("it is removed"),
        }
        assert!(matches!(folder.open().health().mode, Mode::Guarded(Damage::RecordsBehind { .. } | Damage::RecordsEmpty)));
        let report = folder.repair().expect("it is repaired");
        assert_eq!((report.cards, report.cards_without_person.len()), (2, if keep_records { 0 } else { 2 }));
        let store = folder.open();
        let card = card(&store, "card").value;
        assert_eq!((indices(&card), &card.renewals), (indices(&there), &there.renewals));
        assert_eq!((card.valid_from, card.valid_until), (there.valid_from, there.valid_until));
        let ends = |card: &Card| card.copies.iter().map(|copy| card.end_of(copy)).collect::<Vec<Timestamp>>();
        assert_eq!(ends(&card), ends(&there));
        let keys: Vec<_> = card.copies.iter().map(|copy| copy.holder_key.as_str()).collect();
        let known = if keep_records { ["card-0", "card-1"] } else { ["", ""] };
        assert_eq!((&keys[..2], &keys[2..]), (&known[..], &[""; 5][..]), "keys are known from the records only");
        let other = harness::card(&store, "other").value;
        assert!(!other.due_for_renewal, "it was renewed since the old record");
        assert_eq!(values(&store, &other), [2, 2]);
        assert!(store.head().size > size);
        no_index_twice(&store);
    }
}
