//! A store moved from a data folder to another kind of store and back.

use std::{fs, path::Path};

use yufu::{
    app::wire::{MigrateFailure, Place, migrate},
    base::{clock::SystemClock, random::SystemRandom},
    crypto::Algorithm,
    keyring::{Keyring, Purpose},
    model::card::State,
    store::{
        sled::{OpenError, Options},
        transfer::{Source, TransferError},
    },
};

use super::*;

/// Options as a service with these keys has them.
fn service_options<'a>(data: &'a Path, keys: &Path) -> Options<'a> {
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    let keyring = Keyring::open_or_create(keys, "http://localhost", Algorithm::Es256, &*clock, &*random).expect("keys");
    let (index_key, signer) = (keyring.index_key().clone(), keyring.signer(Purpose::Log));
    Options::new(data, index_key, signer, clock, random)
}

/// A store with a little of everything; gives its events and rows.
fn make(data: &Path, keys: &Path) -> (Vec<yufu::model::event::LoggedEvent>, yufu::store::transfer::RowsDigest) {
    let store = SledStore::open(service_options(data, keys)).expect("it opens");
    for n in 0..30 {
        store.commit(issue(&format!("card-{n}"), 3)).expect("it is issued");
    }
    move_card(&store, "card-3", State::Revoked);
    store.commit(register("somebody", &["number"])).expect("it is registered");
    store.commit(make_token("good")).expect("it is made");
    store.commit(put(one_time("code", NOW.plus_seconds(999)))).expect("it is written");
    (all_events(&store), store.digest().expect("it is read"))
}

#[test]
fn a_moved_store_is_the_same_and_the_old_one_is_not_served_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let [old, new, keys] = ["old", "new", "keys"].map(|name| dir.path().join(name));
    let (events, rows) = make(&old, &keys);
    let place = |data: &Path| format!("sled:{}", data.display()).parse::<Place>().expect("a place");
    let moved = migrate(&place(&old), &place(&new), &keys).expect("it is moved");
    assert_eq!((moved.extent.head.size, moved.rows), (events.len() as u64, rows));
    let refused = SledStore::open(service_options(&old, &keys)).map(drop);
    assert_eq!(refused, Err(OpenError::Moved(format!("sled:{}", new.display()))));
    let store = SledStore::open(service_options(&new, &keys)).expect("it opens");
    assert_eq!((all_events(&store), store.digest()), (events, Ok(rows)));
    log_is_whole(&store);
    assert!(store.get(&yufu::model::record::Key::OneTime(yufu::crypto::sha256("code"))).expect("read").is_some());
    store.commit(issue("new", 2)).expect("it goes on");
    no_index_twice(&store);
    drop(store);
    assert!(!new.join("arriving").exists());
    // Nothing is written over.
    let again = migrate(&place(&new), &place(&new), &keys);
    assert!(matches!(again, Err(MigrateFailure::Transfer(TransferError::NotEmpty | TransferError::Busy))), "{again:?}");
    assert!(matches!(
        migrate(&place(&old), &place(&dir.path().join("third")), &keys),
        Err(MigrateFailure::Open(OpenError::Moved(_)))
    ));
}

#[test]
#[cfg(feature = "postgres")]
fn a_store_is_moved_to_postgresql_backed_up_there_and_moved_back() {
    use yufu::store::postgres::{self, PostgresStore};

    let Some(cluster) = postgres_cluster() else { return };
    let url = cluster.fresh_database();
    let dir = tempfile::tempdir().expect("a folder");
    let [old, back, node, keys] = ["old", "back", "node", "keys"].map(|name| dir.path().join(name));
    let (events, rows) = make(&old, &keys);
    let place = |text: &str| text.parse::<Place>().expect("a place");
    let (from, database) = (place(&format!("sled:{}", old.display())), place(&url));
    let moved = migrate(&from, &database, &keys).expect("it is moved");
    assert_eq!((moved.extent.head.size, moved.rows), (events.len() as u64, rows));
    assert!(fs::read_to_string(old.join("moved")).expect("it is marked").starts_with("postgres"));

    let open = || {
        let Options { index_key, log_signer, clock, random, .. } = service_options(&node, &keys);
        PostgresStore::open(postgres::Options::new(
            &node,
            url.parse().expect("an address"),
            index_key,
            log_signer,
            clock,
            random,
        ))
    };
    let store = open().expect("it opens");
    assert_eq!(store.events(1, usize::MAX).as_ref(), Ok(&events));
    store.commit(issue("issued-there", 2)).expect("it goes on");
    move_card(&store, "issued-there", State::Revoked);
    no_index_twice(&store);
    // Online, from PostgreSQL, and restored into a data folder.
    let header = Header { version: String::new(), public_url: String::new(), begun_at: NOW, events: 0 };
    let (source, signer) = (store.source().expect("it can be copied"), service_options(&node, &keys).log_signer);
    let mut bytes = Vec::new();
    let trailer = file::write(source, &header, &|| BACKUP_AT, &*signer, &mut bytes).expect("it is written");
    assert_eq!(trailer.events, store.head().size);
    let head = store.head();
    drop(store);
    let restored = dir.path().join("restored");
    let order = RestoreOrder { backup: &mut bytes.as_slice(), since: Vec::new(), accept_loss_since: Some(BACKUP_AT) };
    restore(&service_options(&restored, &keys), order).expect("it is restored");
    let store = SledStore::open(service_options(&restored, &keys)).expect("it opens");
    assert_eq!(card(&store, "issued-there").value.state, State::Revoked);
    drop(store);

    let moved = migrate(&database, &place(&format!("sled:{}", back.display())), &keys).expect("it is moved back");
    assert_eq!(moved.extent.head, head);
    let store = SledStore::open(service_options(&back, &keys)).expect("it opens");
    assert_eq!((store.head(), card(&store, "issued-there").value.state), (head, State::Revoked));
    log_is_whole(&store);
    assert!(matches!(open().map(drop), Err(postgres::OpenError::Moved(_))), "the database is not served again");
}

#[cfg(feature = "postgres")]
fn postgres_cluster() -> Option<crate::postgres::Cluster> {
    let cluster = crate::postgres::Cluster::start();
    if cluster.is_none() {
        eprintln!("skipped: no PostgreSQL at hand");
    }
    cluster
}
