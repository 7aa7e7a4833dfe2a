//! The store that the settings name.

use std::sync::Arc;

#[cfg(feature = "postgres")]
use crate::{
    app::config::ListenChoice,
    store::{
        log,
        postgres::{self, PostgresStore},
    },
};
use crate::{
    app::{
        config::{Config, StartRefusal, StoreChoice},
        wire::{StartError, opening::PATIENCE},
    },
    base::{clock::Clock, random::Random, secret::SecretKey},
    crypto::Signer,
    store::{
        Store, TreeHead,
        sled::{Options, SledStore},
    },
};

/// Opens the store of a service, or makes it. `attested` is the newest head that lies beside it.
pub(super) fn open(
    config: &Config,
    index_key: &SecretKey,
    log_signer: Arc<dyn Signer>,
    attested: Option<TreeHead>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Arc<dyn Store>, StartError> {
    let (data, index_key) = (&config.storage.data, index_key.clone());
    let (clock, random) = (Arc::clone(clock), Arc::clone(random));
    match &config.storage.store {
        StoreChoice::Sled => {
            let options = Options::new(data, index_key, log_signer, clock, random);
            // The people of a test issuer are made before anything is served.
            let patience = if config.identity.test_issuer { options.patience } else { PATIENCE };
            Ok(Arc::new(SledStore::open(Options { attested, patience, ..options })?))
        }
        #[cfg(feature = "postgres")]
        StoreChoice::Postgres(address) => {
            // Signed heads lie where the files of the log would.
            log::create_folder(&log::folder(data)).map_err(postgres::OpenError::from)?;
            let replica = config.storage.store_replica.as_ref().and_then(StoreChoice::address).cloned();
            let options = postgres::Options::new(data, (**address).clone(), index_key, log_signer, clock, random);
            let listen = listen(config.storage.store_listen.as_ref());
            Ok(Arc::new(PostgresStore::open(postgres::Options { attested, replica, listen, ..options })?))
        }
        StoreChoice::Unusable(why) => Err(StartRefusal::Store("--store", why.clone()).into()),
    }
}

/// Where the store hears of other nodes.
#[cfg(feature = "postgres")]
fn listen(choice: Option<&ListenChoice>) -> postgres::Listen {
    match choice {
        None => postgres::Listen::Database,
        Some(ListenChoice::Off) => postgres::Listen::Off,
        Some(ListenChoice::At(at)) => {
            at.address().map_or(postgres::Listen::Off, |address| postgres::Listen::At(Box::new(address.clone())))
        }
    }
}
