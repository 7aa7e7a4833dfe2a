//! The contract suite over every store there is, and what only the embedded one promises.

#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod cluster;
#[path = "store/contract.rs"]
mod contract;
#[path = "store/harness.rs"]
mod harness;

use std::{collections::BTreeSet, sync::Arc, thread};

use harness::*;
use yufu::{
    model::{card::State, party::Role, record::Key},
    store::{Mode, Store, sled::OpenError},
};

macro_rules! suite {
    ($($name:ident)*) => {
        mod sled {
            $(#[test] fn $name() { super::contract::$name(&super::Folder::new().open()); })*
        }

        /// One server for all of them, and a database of its own for each.
        #[cfg(feature = "postgres")]
        #[test]
        fn the_store_on_postgresql_keeps_the_same_contract() {
            let Some(cluster) = cluster::Cluster::start() else { return };
            $({
                println!("{}", stringify!($name));
                let folder = Folder::new();
                contract::$name(&folder.open_in(&cluster.fresh_database()));
            })*
        }
    };
}

suite! {
    a_new_store_is_normal_and_says_which_it_is
    a_commit_is_all_or_nothing
    versions_count_writes_and_guards_hold_them
    a_blind_index_is_taken_until_its_person_gives_it_up
    of_64_parallel_commits_under_one_guard_exactly_one_wins
    indices_never_repeat_under_16_threads
    each_type_has_lists_of_its_own
    board_roster_and_watch_are_in_step_with_the_answer
    events_are_read_in_pages_and_none_beyond_the_head
    a_search_gives_every_record_once_over_all_pages
    what_is_past_its_time_is_found_and_pruned
    suspensions_are_found_by_their_end
    evidence_is_found_by_its_end_and_by_its_identifier
    a_large_record_and_many_writes_in_one_commit_are_kept
}

#[test]
fn a_reopened_store_has_everything() {
    let folder = Folder::new();
    let (head, id) = {
        let store = folder.open();
        store.commit(issue("card", 2)).expect("it is issued");
        move_card(&store, "card", State::Revoked);
        store.commit(register("p", &["x"])).expect("it is registered");
        store.commit(make_token("good")).expect("it is made");
        store.commit(make_token("off")).expect("it is made");
        store.commit(switch_off("off")).expect("it is switched off");
        (store.head(), store.health().store)
    };
    for _ in 0..2 {
        let store = folder.open();
        let health = store.health();
        assert_eq!((store.head(), health.store, health.mode), (head, id, Mode::Normal));
        let card = card(&store, "card");
        assert_eq!((card.version, card.value.state), (2, State::Revoked));
        assert_eq!(values(&store, &card.value), [1, 1]);
        assert_eq!(
            store.get(&Key::Person(person_id("p"))).map(|found| found.map(|found| found.value)),
            Ok(Some(person("p", &["x"])))
        );
        assert_eq!(store.roster().entries(), [(token_hash("good"), token_id("good"), Role::Revoker)]);
        log_is_whole(&store);
    }
}

#[test]
fn indices_never_repeat_over_restarts_and_under_another_key() {
    let folder = Folder::new();
    let mut indices = BTreeSet::new();
    for round in 0..4_u8 {
        let change = |options: &mut yufu::store::sled::Options<'_>| {
            options.list_capacity = 100;
            options.index_key = yufu::base::secret::SecretKey::new([round / 2; 32]);
            options.segment_bytes = 2_000;
        };
        let store = folder.try_open(change).expect("it opens");
        for n in 0..15 {
            let receipt = store.commit(issue(&format!("{round}-{n}"), 4)).expect("it is issued");
            indices.extend(receipt.issued[0].copies.iter().map(|copy| copy.status));
        }
        log_is_whole(&store);
    }
    assert_eq!(indices.len(), 4 * 15 * 4);
    let lists: BTreeSet<_> = indices.iter().map(|at| at.list.0).collect();
    assert!(lists.len() >= 3, "full lists are followed by others: {lists:?}");
}

#[test]
fn a_second_process_is_turned_away() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(folder.try_open(|_| {}).err(), Some(OpenError::InUse));
    store.commit(issue("card", 1)).expect("the first is unharmed");
    drop(store);
    assert_eq!(card(&folder.open(), "card").version, 1);
}

#[test]
fn a_store_dropped_under_load_keeps_what_it_has_answered() {
    let folder = Folder::new();
    let store = Arc::new(folder.open());
    let writers: Vec<_> = (0..8)
        .map(|thread| {
            let store = Arc::clone(&store);
            thread::spawn(move || (0..20).for_each(|n| drop(store.commit(issue(&format!("{thread}-{n}"), 1)).expect("issued"))))
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().expect("it ends"));
    drop(store);
    let store = folder.open();
    (0..8).for_each(|thread| (0..20).for_each(|n| assert_eq!(card(&store, &format!("{thread}-{n}")).version, 1)));
    log_is_whole(&store);
}
