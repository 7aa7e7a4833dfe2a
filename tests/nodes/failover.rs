//! The database fails over to a standby under load.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use yufu::{
    base::clock::SystemClock,
    model::card::State,
    store::{Caution, CommitError, Mode, Store, postgres::PostgresStore},
};

use super::{
    Place,
    harness::*,
    support::{postgres::Cluster, rounds::rounds},
    until,
};

/// Writers on each of the two nodes.
const WRITERS: usize = 4;

/// A card that was revoked with an answer.
type Acknowledged = Mutex<Vec<String>>;

/// Issues and revokes cards until told to stop; keeps the names of those whose revocation was answered.
fn write(store: &PostgresStore, writer: &str, stop: &AtomicBool, acknowledged: &Acknowledged) {
    for n in 0.. {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let name = format!("{writer}-{n}");
        let done = store.commit(issue(&name, 1)).and_then(|_| {
            let card = match store.get(&yufu::model::record::Key::Card(card_id(&name))) {
                Ok(Some(found)) => found,
                _ => return Err(CommitError::Unavailable),
            };
            let yufu::model::record::Record::Card(value) = card.value else { panic!("a card") };
            store.commit(transition(&yufu::model::record::Versioned { version: card.version, value }, State::Revoked, None))
        });
        match done {
            Ok(_) => acknowledged.lock().expect("no writer panics").push(name),
            Err(CommitError::Unavailable | CommitError::OutcomeUnknown) => thread::sleep(Duration::from_millis(20)),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// One failover: both nodes write, the first server is stopped as by a crash, its standby takes over, both nodes go on.
fn fails_over(round: usize) {
    let Some(mut first) = Cluster::start() else { return };
    let database = first.fresh_database();
    let name = database.rsplit('/').next().expect("a name").to_owned();
    let standby = first.standby(true);
    let both = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}", first.port(), standby.port());
    let (one, other) = (Place::new(&both, 1), Place::new(&both, 2));
    let (stop, acknowledged, clock) = (AtomicBool::new(false), Acknowledged::default(), SystemClock::new());
    let nodes = [one.open(), other.open()];
    until("the standby is seen", &clock, || nodes.iter().all(|node| node.health().cautions.is_empty()));
    thread::scope(|scope| {
        for (at, node) in nodes.iter().enumerate() {
            for writer in 0..WRITERS {
                let (stop, acknowledged) = (&stop, &acknowledged);
                scope.spawn(move || write(node, &format!("{at}-{writer}"), stop, acknowledged));
            }
        }
        let count = || acknowledged.lock().expect("no writer panics").len();
        until("there is load", &clock, || count() > 20 + round % 7);
        first.stop_immediate();
        standby.promote();
        let before = count();
        let took = until("the nodes write to the other server", &clock, || count() > before + 20);
        println!("failover {round}: {before} revocations were acknowledged before, writes go on after {took:?}");
        stop.store(true, Ordering::Release);
    });
    let acknowledged = acknowledged.into_inner().expect("no writer panicked");
    // What a third node reads from the other server alone, and what the nodes that lived through it have in memory.
    let third = Place::new(&standby.url_of(&name), 3);
    let late = third.open();
    assert_eq!(late.health().mode, Mode::Normal);
    for node in nodes.iter().chain([&late]) {
        until("all is taken up", &clock, || node.head() == late.head());
        assert_eq!(node.health().mode, Mode::Normal);
        log_is_whole(node);
        let cards = no_index_twice(node);
        for name in &acknowledged {
            assert_eq!(cards.get(&card_id(name)), Some(&Some(State::Revoked)), "{name} was acknowledged");
            assert_eq!(values(node, &card(node, name).value), [1], "{name}");
        }
    }
}

#[test]
fn after_a_failover_to_a_synchronous_standby_every_acknowledged_revocation_is_there() {
    (0..rounds(1, 50)).for_each(fails_over);
}

/// Nobody confirms what an asynchronous standby has, so it may be missing there: that is said beforehand, and a node that
/// has seen more does not believe the standby.
#[test]
fn with_an_asynchronous_standby_readiness_says_that_revocations_may_be_lost() {
    let Some(mut first) = Cluster::start() else { return };
    let database = first.fresh_database();
    let name = database.rsplit('/').next().expect("a name").to_owned();
    let clock = SystemClock::new();
    let place = Place::new(&database, 1);
    place.open().commit(issue("card", 1)).expect("it is issued");
    let standby = first.standby(false);
    let both = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}", first.port(), standby.port());
    let place = Place { database: both, ..place };
    let store = place.open();
    until("the caution is told", &clock, || store.health().cautions.contains(&Caution::FailoverMayLoseRevocations));

    // The standby stops receiving; what is committed then is nowhere else.
    let seen = || standby.sql_in(&name, "select sequence from head");
    until("the standby has all of it", &clock, || seen() == store.head().size.to_string());
    standby.sql("alter system set primary_conninfo = ''");
    standby.sql("select pg_reload_conf()");
    until("the standby is alone", &clock, || standby.sql("select count(*) from pg_stat_wal_receiver") == "0");
    move_card(&store, "card", State::Revoked);
    let lost = store.head().size;
    first.stop_immediate();
    standby.promote();
    until("the node does not believe it", &clock, || matches!(store.health().mode, Mode::Guarded(_)));
    let guarded = Mode::Guarded(yufu::store::Damage::DatabaseBehind { seen: lost, database: lost - 1 });
    assert_eq!(store.health().mode, guarded);
    assert_eq!(store.commit(register("nobody", &[])), Err(CommitError::ReadOnly));
}
