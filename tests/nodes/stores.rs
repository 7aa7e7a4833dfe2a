//! Two nodes on one database, at their stores.

use std::{collections::BTreeSet, thread, time::Duration};

use yufu::{
    base::{clock::SystemClock, time::Timestamp},
    model::{
        card::State,
        ids::ListId,
        record::{Commit, Guard, Key, Record, Write},
    },
    store::{
        Caution, CommitError, Damage, Mode, Store, TreeHead,
        postgres::{Listen, PostgresStore},
        together::{Shelved, Together},
    },
};

use super::{Place, harness::*, support::postgres::Cluster, until};

/// Revocations whose way to the other node is measured.
const MEASURED: usize = 60;

/// The value of the first copy of a card in a node's memory.
fn value(store: &dyn Store, card: &yufu::model::card::Card) -> u8 {
    values(store, card)[0]
}

/// Revokes cards on one node and waits for each on the other; how long each took from the answer on, sorted.
fn revoked_elsewhere(one: &PostgresStore, other: &PostgresStore, name: &str, count: usize) -> Vec<Duration> {
    let clock = SystemClock::new();
    let mut took = Vec::new();
    for n in 0..count {
        let name = format!("{name}-{n}");
        let issued = one.commit(issue(&name, 1)).expect("it is issued").issued;
        move_card(one, &name, State::Revoked);
        took.push(until("the other node shows it", &clock, || value(other, &issued[0]) == 1));
    }
    took.sort();
    took
}

#[test]
fn what_one_node_revokes_every_other_one_refuses_within_a_second() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.fresh_database();
    let (first, second, third) = (Place::new(&database, 1), Place::new(&database, 2), Place::new(&database, 3));
    let (one, other) = (first.open(), second.open());
    let took = revoked_elsewhere(&one, &other, "told", MEASURED);
    let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!("figure: nodes_revoked_elsewhere_p50 {} ms", p50.as_secs_f64() * 1000.0);
    println!("figure: nodes_revoked_elsewhere_p99 {} ms", p99.as_secs_f64() * 1000.0);
    assert!(p99 < Duration::from_secs(1), "{took:?}");
    // The other way round, and where no notification is heard.
    assert!(revoked_elsewhere(&other, &one, "back", 3).iter().all(|took| *took < Duration::from_secs(1)));
    let deaf = third.try_open(|options| options.listen = Listen::Off).expect("it opens");
    let took = revoked_elsewhere(&one, &deaf, "asked", 5);
    assert!(took.iter().all(|took| *took < Duration::from_secs(1)), "{took:?}");

    for store in [&one, &other, &deaf] {
        until("all is taken up", &SystemClock::new(), || store.head() == one.head());
        log_is_whole(store);
        no_index_twice(store);
        assert!(store.lag() < Duration::from_secs(1), "{:?}", store.lag());
    }
}

#[test]
fn of_all_writers_on_all_nodes_one_takes_a_value_and_no_index_is_given_twice() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.fresh_database();
    let (first, second) = (Place::new(&database, 1), Place::new(&database, 2));
    let nodes = [first.open(), second.open()];
    let take = |store: &PostgresStore, name: &str| {
        let record = one_time(name, NOW);
        let guards = vec![Guard::Absent(record.key())];
        store.commit(Commit { guards, writes: vec![Write::Put(record)], ..Commit::default() })
    };
    // Sixteen writers, eight on each node: each issues cards of its own, and all reach for the same values.
    let taken: Vec<String> = thread::scope(|scope| {
        let writer = |n: usize| {
            let store = &nodes[n % 2];
            scope.spawn(move || {
                let mut taken = Vec::new();
                for round in 0..12 {
                    store.commit(issue(&format!("{n}-{round}"), 3)).expect("it is issued");
                    let name = format!("value {round}");
                    match take(store, &name) {
                        Ok(_) => taken.push(name),
                        Err(error) => assert_eq!(error, CommitError::GuardFailed(0)),
                    }
                }
                taken
            })
        };
        let writers: Vec<_> = (0..16).map(writer).collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("no writer panics")).collect()
    });
    assert_eq!(taken.len(), 12, "each value once: {taken:?}");
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 12);
    for store in &nodes {
        until("all is taken up", &SystemClock::new(), || store.head().size == nodes[0].head().size.max(nodes[1].head().size));
        log_is_whole(store);
        assert_eq!(no_index_twice(store).len(), 16 * 12);
    }
    // And a node that comes later goes on where they are.
    let third = Place::new(&database, 3);
    let late = third.open();
    late.commit(issue("late", 3)).expect("it is issued");
    assert_eq!(no_index_twice(&late).len(), 16 * 12 + 1);
    assert_eq!(late.get(&Key::OneTime(yufu::crypto::sha256("value 0"))).map(|found| found.is_some()), Ok(true));
}

fn shelf(signed_at: i64, last_change: u64) -> Shelved {
    Shelved {
        list: ListId(1),
        token: format!("{signed_at}.{last_change}").as_str().into(),
        signed_at: Timestamp::from_unix(signed_at),
        expires_at: Timestamp::from_unix(signed_at + 86_400),
        last_change,
        shown: last_change + 1,
    }
}

#[test]
fn leases_pass_on_and_what_is_shelved_only_moves_forward() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.fresh_database();
    let (first, second) = (Place::new(&database, 1), Place::new(&database, 2));
    let (one, other) = (first.open(), second.open());
    let (one, other) = (one.together().expect("nodes"), other.together().expect("nodes"));
    let (clock, short) = (SystemClock::new(), Duration::from_millis(400));
    let lease = |of: &dyn Together| of.lease("work", short).expect("the database answers");

    assert!(lease(one) && !lease(other) && lease(one), "it is kept by who has it");
    let took = until("the lease ends", &clock, || lease(other));
    assert!(took > Duration::from_millis(200) && !lease(one), "{took:?}");
    assert!(one.lease("other work", short).expect("it answers"), "each lease for itself");

    let have = |list: &Shelved| vec![(list.list, list.signed_at, list.last_change)];
    let newest = shelf(1000, 5);
    assert_eq!((one.shelved(&[]), one.shelve(&newest)), (Ok(Vec::new()), Ok(true)));
    for old in [shelf(999, 6), shelf(1001, 4), shelf(1000, 5), shelf(1000, 4)] {
        assert_eq!(other.shelve(&old), Ok(false), "{old:?}");
    }
    assert_eq!((other.shelved(&[]), other.shelved(&have(&newest))), (Ok(vec![newest.clone()]), Ok(Vec::new())));
    for newer in [shelf(1000, 6), shelf(1001, 6)] {
        assert_eq!(other.shelve(&newer), Ok(true));
        assert_eq!(one.shelved(&have(&newest)), Ok(vec![newer.clone()]));
        assert_eq!(one.shelved(&have(&newer)), Ok(Vec::new()));
    }

    let head = |root: u8| TreeHead { size: 7, root: [root; 32] };
    assert_eq!((one.keep_head(head(1)), other.keep_head(head(1)), other.keep_head(head(2))), (Ok(true), Ok(true), Ok(false)));
}

#[test]
fn a_database_that_went_back_or_tells_another_history_is_not_believed() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.fresh_database();
    let name = database.rsplit('/').next().expect("a name").to_owned();
    let place = Place::new(&database, 1);
    let store = place.open();
    let revoked = store.commit(issue("revoked", 1)).expect("it is issued").issued;
    move_card(&store, "revoked", State::Revoked);
    let seen = store.head().size;
    // What a restored backup of the day before would say.
    let went_back = "begin; delete from event where number = (select sequence from head); \
                     update head set sequence = sequence - 1; commit";
    cluster.sql_in(&name, went_back);
    let clock = SystemClock::new();
    let damage = Damage::DatabaseBehind { seen, database: seen - 1 };
    until("it is noticed", &clock, || store.health().mode == Mode::Guarded(damage.clone()));
    assert_eq!((value(&store, &revoked[0]), store.board().is_complete()), (1, false));
    assert_eq!(store.commit(register("nobody", &[])), Err(CommitError::ReadOnly));
    drop(store);
    let again = place.open();
    assert_eq!(again.health().mode, Mode::Guarded(damage));

    let database = cluster.fresh_database();
    let name = database.rsplit('/').next().expect("a name").to_owned();
    let place = Place::new(&database, 1);
    let store = place.open();
    cluster.sql_in(&name, "update head set root = decode(repeat('00', 32), 'hex')");
    until("it is noticed", &clock, || store.health().mode == Mode::Guarded(Damage::DatabaseForked(1)));
}

#[test]
fn a_database_that_is_gone_is_told_of_and_followed_again_when_it_is_back() {
    let Some(mut cluster) = Cluster::start() else { return };
    let database = cluster.fresh_database();
    let (first, second) = (Place::new(&database, 1), Place::new(&database, 2));
    let (one, other) = (first.open(), second.open());
    let clock = SystemClock::new();
    let unreachable = |store: &PostgresStore| store.health().cautions.contains(&Caution::Unreachable);
    one.commit(issue("before", 1)).expect("it is issued");
    assert!(!unreachable(&one));
    until("the caution that there is no standby", &clock, || one.health().cautions == [Caution::FailoverMayLoseRevocations]);

    cluster.stop_immediate();
    until("it is noticed", &clock, || unreachable(&one) && unreachable(&other));
    assert!(one.lag() > Duration::from_secs(1), "{:?}", one.lag());
    assert_eq!(one.health().mode, Mode::Normal, "what is in memory is served");
    let asked = until("it is refused", &clock, || one.commit(register("nobody", &[])) == Err(CommitError::Unavailable));
    assert!(asked < Duration::from_secs(8), "{asked:?}");
    assert!(one.together().is_some_and(|together| together.lease("work", Duration::from_secs(1)).is_err()));

    cluster.start_again();
    until("it answers again", &clock, || !unreachable(&one) && !unreachable(&other));
    let took = revoked_elsewhere(&one, &other, "after", 2);
    assert!(took.iter().all(|took| *took < Duration::from_secs(1)), "{took:?}");
    assert!(one.together().is_some_and(|together| together.lease("work", Duration::from_secs(1)) == Ok(true)));
    assert!(matches!(one.get(&Key::Card(card_id("before"))), Ok(Some(found)) if matches!(found.value, Record::Card(_))));
}
