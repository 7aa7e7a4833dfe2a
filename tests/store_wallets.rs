//! The register of wallets in the store over a crash between log and records: a wallet that was switched off stays off, and
//! what nobody was told of did not happen.

#[path = "store/damage.rs"]
mod damage;
#[path = "store/faulty.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod faulty;
#[path = "store/harness.rs"]
mod harness;

use damage::{copy, replace};
use faulty::FailOnce;
use harness::*;
use yufu::{
    model::{
        client::WalletClient,
        event::What,
        record::{Commit, Key, Record},
    },
    store::{CommitError, Mode, Store, faults::Step},
};

fn wallet(client_id: &str, name: &str, is_on: bool) -> WalletClient {
    WalletClient {
        id: WalletClient::id_of(client_id),
        client_id: client_id.to_owned(),
        name: name.to_owned(),
        redirect_uris: Vec::new(),
        created_at: NOW,
        switched_off_at: (!is_on).then_some(NOW),
    }
}

fn with_event(wallet: WalletClient, what: What) -> Commit {
    Commit { events: vec![event(what)], ..put(Record::Wallet(wallet)) }
}

/// The name of a wallet, and whether it is on; none when there is none.
fn read(store: &dyn Store, client_id: &str) -> Option<(String, bool)> {
    let found = store.get(&Key::Wallet(WalletClient::id_of(client_id))).expect("it is read")?;
    let Record::Wallet(wallet) = found.value else { panic!("not a wallet") };
    Some((wallet.name, wallet.switched_off_at.is_none()))
}

#[test]
fn a_wallet_that_was_switched_off_stays_off_and_what_was_not_answered_did_not_happen() {
    let folder = Folder::new();
    let (on, off) = (WalletClient::id_of("on"), WalletClient::id_of("off"));
    let store = folder.open();
    store.commit(with_event(wallet("on", "before", true), What::WalletRegistered { wallet: on })).expect("registered");
    store.commit(with_event(wallet("off", "before", false), What::WalletSwitchedOff { wallet: off })).expect("off");
    let size = store.head().size;
    drop(store);
    let start = folder.path().with_file_name("start");
    copy(&folder.path(), &start);
    let new = WalletClient::id_of("new");
    let not_applied = || vec![What::NotApplied { event: size + 1 }];
    let before = |is_on| Some(("before".to_owned(), is_on));
    for (client_id, is_on, what, holds, compensations) in [
        ("new", true, What::WalletRegistered { wallet: new }, None, not_applied()),
        ("on", false, What::WalletSwitchedOff { wallet: on }, before(false), vec![]),
        ("on", true, What::WalletChanged { wallet: on }, before(true), not_applied()),
        ("off", true, What::WalletRegistered { wallet: off }, before(false), not_applied()),
    ] {
        replace(&start, &folder.path());
        let store = folder.open_with(FailOnce::at(Step::RecordsApply));
        let commit = with_event(wallet(client_id, "after", is_on), what.clone());
        assert_eq!(store.commit(commit), Err(CommitError::OutcomeUnknown));
        drop(store);
        for _ in 0..2 {
            let store = folder.open();
            assert_eq!(store.health().mode, Mode::Normal, "{what:?}");
            assert_eq!(read(&store, client_id), holds, "{what:?}");
            let events = store.events(size + 2, 9).expect("they are read");
            assert_eq!(events.into_iter().map(|logged| logged.event.what).collect::<Vec<_>>(), compensations, "{what:?}");
            log_is_whole(&store);
        }
    }
}
