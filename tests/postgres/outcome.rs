//! A commit is made once or not at all, and the answer says which, whatever becomes of the connection.

use std::{sync::Arc, thread, time::Duration};

use yufu::{
    model::card::State,
    store::{Caution, CommitError, Mode, Store},
};

use crate::{
    harness::*,
    proxy::{Loses, Proxy},
    support::postgres::{Cluster, wait_until},
};

#[test]
fn a_commit_whose_connection_is_lost_is_made_exactly_once() {
    let Some(cluster) = Cluster::start() else { return };
    let (proxy, folder) = (Proxy::before(cluster.port()), Folder::new());
    let store = folder.open_in(&proxy.through(&cluster.fresh_database()));
    for (n, loses) in [Loses::Answer, Loses::Commit, Loses::Answer, Loses::Commit].into_iter().enumerate() {
        proxy.lose(loses);
        let receipt = store.commit(issue(&format!("card-{n}"), 2)).expect("it is made");
        assert_eq!(receipt.events.last(), Some(&store.head().size), "{loses:?}");
        assert_eq!(card(&store, &format!("card-{n}")).version, 1, "{loses:?}");
        proxy.lose(loses);
        move_card(&store, &format!("card-{n}"), State::Suspended);
        assert_eq!(card(&store, &format!("card-{n}")).version, 2, "{loses:?}");
        // Without an event the head does not tell; the group does.
        proxy.lose(loses);
        store.commit(put(setting(&format!("setting-{n}"), "v"))).expect("it is made");
        let found = store.get(&setting_key(&format!("setting-{n}"))).expect("it is read").expect("it is there");
        assert_eq!(found.version, 1, "{loses:?}");
    }
    assert_eq!(proxy.lost(), 12);
    assert_eq!(store.health().mode, Mode::Normal);
    log_is_whole(&store);
    no_index_twice(&store);
}

#[test]
fn an_outcome_that_nobody_can_tell_is_told_once_the_database_is_back() {
    let Some(cluster) = Cluster::start() else { return };
    let (proxy, folder) = (Proxy::before(cluster.port()), Folder::new());
    let store = folder
        .try_open_in(&proxy.through(&cluster.fresh_database()), |options| {
            options.patience.commit = Duration::from_millis(800);
            options.patience.settle = Duration::from_millis(800);
            options.patience.read = Duration::from_millis(500);
        })
        .expect("it opens");
    store.commit(issue("before", 1)).expect("it is made");
    for (name, loses) in [("made", Loses::Answer), ("not-made", Loses::Commit)] {
        let events = store.head().size;
        proxy.close_after();
        proxy.lose(loses);
        assert_eq!(store.commit(issue(name, 1)), Err(CommitError::OutcomeUnknown), "{loses:?}");
        assert_eq!(store.commit(issue("meanwhile", 1)), Err(CommitError::Unavailable));
        let unreachable = || store.health().cautions.contains(&Caution::Unreachable);
        assert!(store.health().mode == Mode::Normal && unreachable(), "{:?}", store.health());
        // What others tell of may have arrived just before the line was cut: it is certain, whoever was not answered.
        let told = store.head().size - events;
        assert!(told == 0 || told == 1 && loses == Loses::Answer, "{loses:?}: only what is certain is shown, {told}");
        proxy.open();
        wait_until("the database is back", || store.commit(put(setting("back", name))).is_ok());
        let made = store.get(&yufu::model::record::Key::Card(card_id(name))).expect("it is read").is_some();
        assert_eq!(made, loses == Loses::Answer, "{loses:?}");
        assert_eq!(store.head().size, events + u64::from(made));
        wait_until("it is known to answer", || !unreachable());
    }
    log_is_whole(&store);
    no_index_twice(&store);
}

#[test]
fn what_was_answered_survives_restarts_and_killed_connections_under_16_writers() {
    let Some(mut cluster) = Cluster::start() else { return };
    let folder = Folder::new();
    let store = Arc::new(folder.open_in(&cluster.fresh_database()));
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                let mut made = Vec::new();
                for n in 0..12 {
                    let name = format!("{writer}-{n}");
                    match store.commit(issue(&name, 2)) {
                        Ok(receipt) => made.push((name, receipt)),
                        Err(CommitError::Unavailable | CommitError::OutcomeUnknown) => thread::sleep(Duration::from_millis(50)),
                        Err(error) => panic!("{error}"),
                    }
                    thread::sleep(Duration::from_millis(30));
                }
                made
            })
        })
        .collect();
    for round in 0..3 {
        thread::sleep(Duration::from_millis(100));
        if round == 1 {
            cluster.kill_backend();
        } else {
            cluster.stop_immediate();
            cluster.start_again();
        }
    }
    let made: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().expect("it ends")).collect();
    assert!(made.len() >= 16, "{} were made", made.len());
    for (name, receipt) in &made {
        let found = card(&*store, name);
        assert_eq!((found.version, &found.value), (1, &receipt.issued[0]));
    }
    log_is_whole(&*store);
    no_index_twice(&*store);
}

#[test]
fn two_nodes_on_one_database_never_draw_an_index_twice_and_hold_each_others_guards() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, one, other) = (cluster.fresh_database(), Folder::new(), Folder::with_seed(8));
    let nodes = [Arc::new(one.open_in(&url)), Arc::new(other.open_in(&url))];
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let node = Arc::clone(&nodes[writer % 2]);
            thread::spawn(move || {
                (0..8).for_each(|n| drop(node.commit(issue(&format!("{writer}-{n}"), 3)).expect("issued")));
                node.commit(register(&format!("person-{writer}"), &["the same"])).is_ok()
            })
        })
        .collect();
    let registered = writers.into_iter().map(|writer| writer.join().expect("it ends")).filter(|won| *won).count();
    assert_eq!(registered, 1, "one index is taken once over both nodes");
    // A guard that fails has brought this node up to date.
    for node in &nodes {
        assert!(node.commit(register("late", &["the same"])).is_err());
        log_is_whole(&**node);
        assert_eq!(no_index_twice(&**node).len(), 128);
    }
    assert_eq!(nodes[0].head(), nodes[1].head());
    let name = "0-0";
    let stale = transition(&card(&*nodes[0], name), State::Suspended, None);
    move_card(&*nodes[1], name, State::Revoked);
    assert_eq!(nodes[0].commit(stale), Err(CommitError::GuardFailed(0)));
    assert_eq!(values(&*nodes[0], &card(&*nodes[0], name).value), [1, 1, 1]);
}
