//! What a node remembers of its database: lists from snapshots, and how far it has seen.

use std::fs;

use yufu::{
    model::{card::State, record::Key},
    store::{CommitError, Damage, Mode, ReadError, Store, postgres::OpenError},
};

use crate::{
    harness::*,
    support::postgres::{Cluster, wait_until},
};

fn database_of(url: &str) -> &str {
    url.rsplit_once('/').expect("an address").1
}

#[test]
fn a_reopened_store_has_everything_from_the_events_and_from_a_snapshot() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, folder) = (cluster.fresh_database(), Folder::new());
    let few = |options: &mut yufu::store::postgres::Options<'_>| options.snapshot_every = 3;
    let head = {
        let store = folder.try_open_in(&url, few).expect("it opens");
        store.commit(issue("card", 2)).expect("it is issued");
        move_card(&store, "card", State::Revoked);
        store.commit(make_token("good")).expect("it is made");
        wait_until("a snapshot is written", || folder.path().join("status").read_dir().is_ok_and(|files| files.count() == 1));
        store.commit(issue("later", 1)).expect("it is issued");
        store.head()
    };
    for round in 0..3 {
        let store = folder.try_open_in(&url, few).expect("it opens");
        assert_eq!((store.head(), store.health().mode), (head, Mode::Normal), "{round}");
        assert_eq!(values(&store, &card(&store, "card").value), [1, 1]);
        assert_eq!(values(&store, &card(&store, "later").value), [0]);
        assert!(store.roster().is_good(token_id("good")));
        wait_until("everything is checked", || store.health().checked_events == head.size);
        assert_eq!(store.health().mode, Mode::Normal);
        log_is_whole(&store);
        if round == 1 {
            fs::remove_dir_all(folder.path().join("status")).expect("the snapshots are removed");
        }
    }
    assert_eq!(folder.try_open_in(&url, |_| {}).map(drop), Ok(()));
}

#[test]
fn a_second_process_on_one_data_folder_is_turned_away() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, folder) = (cluster.fresh_database(), Folder::new());
    let store = folder.open_in(&url);
    assert_eq!(folder.try_open_in(&url, |_| {}).err(), Some(OpenError::InUse));
    store.commit(issue("card", 1)).expect("the first is unharmed");
}

#[test]
fn a_database_that_lost_events_is_guarded_at_the_next_start_and_while_it_runs() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, folder) = (cluster.fresh_database(), Folder::new());
    let lost = {
        let store = folder.open_in(&url);
        store.commit(issue("card", 1)).expect("it is issued");
        store.commit(issue("other", 1)).expect("it is issued");
        // A backup of now.
        drop(store);
        cluster.sql(&format!("create database backup template {}", database_of(&url)));
        let store = folder.open_in(&url);
        move_card(&store, "card", State::Revoked);
        store.head().size
    };
    let backup = cluster.url_of("backup");
    let store = folder.open_in(&backup);
    let damage = Damage::DatabaseBehind { seen: lost, database: lost - 1 };
    assert_eq!(store.health().mode, Mode::Guarded(damage));
    assert!(!store.board().is_complete(), "a valid card may have been revoked");
    assert_eq!(store.get(&Key::Card(card_id("card"))), Err(ReadError::Guarded));
    assert_eq!(store.commit(issue("more", 1)), Err(CommitError::ReadOnly));
    drop(store);
    // A node that was never there takes the backup for what it is, and goes on another way.
    let newcomer = Folder::with_seed(9);
    let store = newcomer.open_in(&backup);
    store.commit(issue("instead", 1)).expect("it is issued");
    store.commit(issue("and more", 1)).expect("it is issued");
    drop(store);
    let forked = folder.open_in(&backup).health().mode;
    assert_eq!(forked, Mode::Guarded(Damage::DatabaseForked(lost)));
    assert_eq!(folder.open_in(&url).health().mode, Mode::Normal, "the database that has it all is believed again");

    let store = folder.open_in(&url);
    cluster
        .sql_in(database_of(&url), &format!("delete from event where number = {lost}; update head set sequence = {lost} - 1"));
    assert_eq!(store.commit(issue("never", 1)), Err(CommitError::ReadOnly));
    assert_eq!(store.health().mode, Mode::Guarded(Damage::DatabaseBehind { seen: lost, database: lost - 1 }));
    assert_eq!(values(&store, &card_of(&store)), [1], "what this node has seen stays revoked");
}

/// The card, from the events: records are not believed any more.
fn card_of(store: &dyn Store) -> yufu::model::card::Card {
    let mut card = order("card", TYPE, 1).complete(&[]).0;
    for logged in store.events(1, 3).expect("they are read") {
        if let yufu::model::event::What::Issued { card: id, copies, .. } = &logged.event.what
            && *id == card_id("card")
        {
            card = order("card", TYPE, 1).complete(copies).0;
        }
    }
    card
}

#[test]
fn what_a_snapshot_knows_to_be_revoked_is_shown_as_revoked_by_a_database_that_forgot_it() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, folder) = (cluster.fresh_database(), Folder::new());
    let few = |options: &mut yufu::store::postgres::Options<'_>| options.snapshot_every = 1;
    let card = {
        let store = folder.try_open_in(&url, few).expect("it opens");
        store.commit(issue("card", 1)).expect("it is issued");
        store.commit(make_token("off")).expect("it is made");
        card(&store, "card").value
    };
    cluster.sql(&format!("create database backup template {}", database_of(&url)));
    {
        let store = folder.try_open_in(&url, few).expect("it opens");
        move_card(&store, "card", State::Revoked);
        store.commit(switch_off("off")).expect("it is switched off");
        let newest = format!("{:020}.snapshot", store.head().size);
        wait_until("a snapshot is written", || folder.path().join("status").join(&newest).exists());
    }
    let store = folder.open_in(&cluster.url_of("backup"));
    assert!(matches!(store.health().mode, Mode::Guarded(Damage::DatabaseBehind { .. })));
    assert_eq!(values(&store, &card), [1]);
    assert!(!store.roster().is_good(token_id("off")));
}

#[test]
fn an_empty_database_where_there_was_one_and_a_changed_event_are_guarded() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, folder) = (cluster.fresh_database(), Folder::new());
    let size = {
        let store = folder.open_in(&url);
        store.commit(issue("card", 1)).expect("it is issued");
        move_card(&store, "card", State::Revoked);
        store.head().size
    };
    let empty = folder.open_in(&cluster.fresh_database());
    assert_eq!(empty.health().mode, Mode::Guarded(Damage::DatabaseBehind { seen: size, database: 0 }));
    drop(empty);
    cluster.sql_in(database_of(&url), "update event set event = replace(event, 'revoked', 'active')");
    let store = folder.open_in(&url);
    assert_eq!(store.health().mode, Mode::Guarded(Damage::DatabaseForked(size)));
    assert!(!store.board().is_complete());
}

#[test]
fn a_newer_schema_is_refused_by_its_number() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, folder) = (cluster.fresh_database(), Folder::new());
    drop(folder.open_in(&url));
    cluster.sql_in(database_of(&url), "insert into migration (version) values (1000)");
    assert_eq!(folder.try_open_in(&url, |_| {}).err(), Some(OpenError::NewerSchema { found: 1000, known: 2 }));
    cluster.sql_in(database_of(&url), "delete from migration where version = 1000; update head set records_schema = 9");
    assert_eq!(folder.try_open_in(&url, |_| {}).err(), Some(OpenError::UnknownSchema(9)));
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let folder = Folder::new();
    let quick =
        |options: &mut yufu::store::postgres::Options<'_>| options.patience.start = std::time::Duration::from_millis(300);
    let error = folder.try_open_in("postgres://yufu:s3cret@127.0.0.1:1/yufu", quick).err().expect("nobody listens there");
    let text = error.to_string();
    assert!(text.contains("postgres://yufu@127.0.0.1:1/yufu") && text.contains("refused"), "{text}");
    assert!(!text.contains("s3cret"));
}
